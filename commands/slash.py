"""Take the slash commands: find the verb, hand it the rest of the text."""

from __future__ import annotations

from functools import cache

from slack_bolt.async_app import AsyncAck

import commands
from bot import apps, connection, requests
from bot.apps import AppNames
from bot.context import Context
from bot.errors import BuildbellError, NotAllowed
from bot.manifest import SLASH_COMMANDS
from bot.permissions import Actor
from bot.slack import ids, replies
from bot.slack.text import Message
from commands.command import Command, Run
from commands.grammar import NOTHING, SHOW, START, Parsed, parse
from commands.interaction import Action, Payload, Typed, with_suggestions
from commands.tokenizer import has_typography
from storage.workspaces import ChannelContext

UNNAMED = {NOTHING: "form", SHOW: SHOW, START: START}
"""The verb that runs where none was typed."""


@cache
def verbs() -> dict[str, Run]:
    """Return every verb and alias with what it runs."""
    return {name: each.run for each in commands.COMMANDS if each.run for name in (each.name, *each.aliases)}


async def take_command(ack: AsyncAck, body: Payload, ctx: Context) -> None:
    suffix = body["command"].removeprefix(ctx.settings.command)
    verb = next((each.verb for each in SLASH_COMMANDS if each.suffix == suffix), "")
    text = f"{verb} {body.get('text', '')}" if verb else body.get("text", "")
    actor = Actor(
        workspace_id=body["team_id"],
        team_id=body["team_id"],
        user_id=body["user_id"],
        user_name=body.get("user_name") or body["user_id"],
        channel_id=body.get("channel_id"),
        response_url=body.get("response_url"),
    )
    message = await run_text(ctx, actor, text, body["trigger_id"])
    if message is None:
        await ack()
    else:
        payload = message.to_payload()
        await ack(text=payload["text"], blocks=payload.get("blocks"), response_type="ephemeral")


async def run_suggestion(ctx: Context, action: Action) -> Message:
    """Run the command text of a suggestion, as if the person had typed it."""
    message = await run_text(ctx, action.actor, action.value, action.trigger_id)
    return message or replies.reply("One moment…")


async def run_text(ctx: Context, actor: Actor, text: str, trigger_id: str) -> Message | None:
    """Run a command text and return the private answer."""
    try:
        parsed, channel = await parse_text(ctx, actor, text)
    except BuildbellError as error:
        return replies.error(error)
    name = "" if parsed.verb in UNNAMED else parsed.verb
    typed = Typed(actor, trigger_id, parsed.words, name, verbs=tuple(verbs()), channel=channel)
    try:
        ctx.permissions.check_member(actor)
        return await verbs()[UNNAMED.get(parsed.verb, parsed.verb)](ctx, typed)
    except BuildbellError as error:
        if isinstance(error, NotAllowed):
            await requests.audit_refusal(ctx, actor, error)
        return replies.error(with_suggestions(error, typed, ctx.settings.command))


async def parse_text(ctx: Context, actor: Actor, text: str) -> tuple[Parsed, ChannelContext | None]:
    """Parse a command text with the names that exist. Raises ArgumentsUnclear.

    Only a text of several words, or with the quotes and dashes of a phone, needs names, and with them the channel.
    """
    if (" " not in text.strip() and not has_typography(text)) or not ctx.permissions.is_member(actor):
        return parse(text, verbs()), None
    channel = await connection.find_channel_context(ctx, actor.workspace_id, actor.channel_id or "")
    if channel is None:
        return parse(text, verbs()), None
    index = await apps.load_index(ctx, actor.workspace_id, channel.names_version)
    if not has_typography(text):
        return parse(text, verbs(), app_names=index.names), channel
    parsed = parse(text, verbs(), app_names=index.names, keep=index.by_name)
    named = index.match(parsed.words.words[0].text) if parsed.words else []
    app_slug = named[0].app_slug if len(named) == 1 else channel.app_slug
    names = await apps.list_names(ctx, actor.workspace_id, app_slug) if app_slug else AppNames()
    keep = [*index.by_name, *names.workflows, *names.pipelines, *names.branches]
    return parse(text, verbs(), app_names=index.names, keep=keep), channel


COMMAND = Command(actions={ids.any_number(ids.BUILD_CHOOSE_APP): run_suggestion})
