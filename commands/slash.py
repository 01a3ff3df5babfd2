"""The slash commands: find the verb, hand on what is left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.context import Context
from bot.errors import BuildbellError
from bot.permissions import Actor
from bot.slack import ids, replies
from bot.slack.text import Message
from commands import abort, artifacts, connect, digest, doctor, help, log, settings, start, stats, status, subscribe
from commands import history_import as imports
from commands import list_builds as listing
from commands import preferences as me
from commands import rebuild as again
from commands import skip_step as skip
from commands.grammar import NOTHING, SHOW, START, parse
from commands.interaction import (
    Payload,
    Typed,
    ack_message,
    actor_of_command,
    actor_of_press,
    pressed_value,
    replace_question,
    with_ways_out,
)

Verb = Callable[[Typed, Context], Awaitable[Message | None]]

VERBS: Mapping[str, Verb] = {
    START: start.start_build,
    SHOW: status.show_card_here,
    "form": start.open_form_for,
    "status": status.show_status,
    "list": listing.show_list,
    "abort": abort.ask_to_abort,
    "stop": abort.ask_to_abort,
    "cancel": abort.ask_to_abort,
    "again": again.run_again,
    "retry": again.run_again,
    "rebuild": again.run_again,
    "log": log.show_log,
    "artifacts": artifacts.show_artifacts,
    "subscribe": subscribe.subscribe,
    "unsubscribe": subscribe.unsubscribe,
    "subscriptions": subscribe.show_subscriptions,
    "digest": digest.open_digest_form,
    "import": imports.read_past,
    "connect": connect.open_connect_form,
    "disconnect": connect.ask_to_disconnect,
    "skip-step": skip.show_step,
    "settings": settings.open_settings,
    "defaults": settings.open_settings,
    "me": me.open_me,
    "doctor": doctor.examine,
    "help": help.show_help,
    "stats": stats.show_stats,
}
UNNAMED: Mapping[str, Verb] = {NOTHING: start.open_form_for, SHOW: status.show_card_here, START: start.start_build}


def register(app: AsyncApp, command: str) -> None:
    app.command(command)(take_command)
    app.command(f"{command}-status")(take_status)
    app.command(f"{command}-abort")(take_abort)
    app.action(ids.any_number(ids.BUILD_CHOOSE_APP))(take_choice)


async def take_command(ack: AsyncAck, command: Payload, ctx: Context) -> None:
    actor = actor_of_command(command)
    await ack_message(ack, await run_text(actor, command.get("text", ""), command["trigger_id"], ctx))


async def take_status(ack: AsyncAck, command: Payload, ctx: Context) -> None:
    actor = actor_of_command(command)
    await ack_message(ack, await run_verb("status", actor, command.get("text", ""), command["trigger_id"], ctx))


async def take_abort(ack: AsyncAck, command: Payload, ctx: Context) -> None:
    actor = actor_of_command(command)
    await ack_message(ack, await run_verb("abort", actor, command.get("text", ""), command["trigger_id"], ctx))


async def take_choice(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    """A button that stands for a command text: done as if its presser had typed it."""
    await ack()
    actor = actor_of_press(body)
    message = await run_text(actor, pressed_value(action), body["trigger_id"], ctx)
    replace_question(ctx, actor, message or replies.reply("One moment…"))


async def run_text(actor: Actor, text: str, trigger_id: str, ctx: Context) -> Message | None:
    """What was typed after the command, from whoever typed it; returns the private answer."""
    try:
        parsed = parse(text, VERBS)
    except BuildbellError as error:
        return replies.error(error)
    name = "" if parsed.verb in UNNAMED else parsed.verb
    verb = UNNAMED.get(parsed.verb) or VERBS[parsed.verb]
    typed = Typed(actor, parsed.words, trigger_id, name, known_verbs=tuple(VERBS))
    return await _run(verb, typed, ctx)


async def run_verb(name: str, actor: Actor, text: str, trigger_id: str, ctx: Context) -> Message | None:
    return await run_text(actor, f"{name} {text}", trigger_id, ctx)


async def _run(verb: Verb, typed: Typed, ctx: Context) -> Message | None:
    try:
        ctx.permissions.check_member(typed.actor)
        return await verb(typed, ctx)
    except BuildbellError as error:
        return replies.error(with_ways_out(error, typed, ctx.settings.command))
