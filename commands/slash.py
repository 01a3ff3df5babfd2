"""Take the slash commands: find the verb, hand it what is left of the text."""

from __future__ import annotations

from functools import cache

from slack_bolt.async_app import AsyncAck

import commands
from bot.context import Context
from bot.errors import BuildbellError
from bot.manifest import SLASH_COMMANDS
from bot.permissions import Actor
from bot.slack import ids, replies
from bot.slack.text import Message
from commands.command import Command, Verb
from commands.grammar import NOTHING, SHOW, START, parse
from commands.interaction import (
    Payload,
    Typed,
    ack_message,
    actor_of_press,
    pressed_value,
    replace_question,
    with_ways_out,
)

UNNAMED = {NOTHING: "form", SHOW: SHOW, START: START}
"""The verb that runs where none was typed."""


@cache
def verbs() -> dict[str, Verb]:
    """Return every verb and alias with what it runs."""
    return {name: each.run for each in commands.COMMANDS if each.run for name in (each.name, *each.aliases)}


async def take_command(ack: AsyncAck, command: Payload, ctx: Context) -> None:
    suffix = command["command"].removeprefix(ctx.settings.command)
    verb = next((each.verb for each in SLASH_COMMANDS if each.suffix == suffix), "")
    text = f"{verb} {command.get('text', '')}" if verb else command.get("text", "")
    actor = Actor(
        workspace_id=command["team_id"],
        team_id=command["team_id"],
        user_id=command["user_id"],
        user_name=command.get("user_name") or command["user_id"],
        channel_id=command.get("channel_id"),
        response_url=command.get("response_url"),
    )
    await ack_message(ack, await run_text(actor, text, command["trigger_id"], ctx))


async def take_choice(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    """Run the command text that a button stands for, as if the person had typed it."""
    await ack()
    actor = actor_of_press(body)
    message = await run_text(actor, pressed_value(action), body["trigger_id"], ctx)
    replace_question(ctx, actor, message or replies.reply("One moment…"))


async def run_text(actor: Actor, text: str, trigger_id: str, ctx: Context) -> Message | None:
    """Run a command text and return the private answer."""
    try:
        parsed = parse(text, verbs())
    except BuildbellError as error:
        return replies.error(error)
    name = "" if parsed.verb in UNNAMED else parsed.verb
    typed = Typed(actor, parsed.words, trigger_id, name, known_verbs=tuple(verbs()))
    try:
        ctx.permissions.check_member(actor)
        return await verbs()[UNNAMED.get(parsed.verb, parsed.verb)](typed, ctx)
    except BuildbellError as error:
        return replies.error(with_ways_out(error, typed, ctx.settings.command))


COMMAND = Command(actions={ids.any_number(ids.BUILD_CHOOSE_APP): take_choice})
