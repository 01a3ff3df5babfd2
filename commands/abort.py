"""Stop a build: the button, the reason, the submission."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck

from bot import connection
from bot.builds import abort, queries, views
from bot.context import Context
from bot.permissions import Actor
from bot.slack import ids
from bot.slack.forms import Payload as View
from bot.slack.forms import notice
from bot.slack.text import Message
from commands.abort_arguments import AbortArguments, read_abort
from commands.abort_form import FORM, abort_form, build_finished
from commands.bulk_abort import ask_about_picked
from commands.command import Command, Help
from commands.interaction import (
    Payload,
    Typed,
    actor_of_press,
    answering,
    answering_in_form,
    later,
    pressed_value,
)
from commands.status import running
from storage.builds import BuildRow


async def ask_to_abort(typed: Typed, ctx: Context) -> Message | None:
    """Typed: the form for a build that is named, the one for all that fit a filter, else a list to choose from."""
    arguments = read_abort(typed.words)
    await connection.require(ctx, typed.actor.workspace_id)
    if not arguments.build.names_build:
        if arguments.filters.is_narrowed:
            await ask_about_picked(typed, arguments, ctx)
            return None
        listed = running(typed.actor, arguments.build.app, ctx, may_stop_all=True)
        later(ctx, typed.actor, listed, name="abort list", typed=typed)
        return None
    slack = ctx.slack(typed.actor.workspace_id)
    # Looking may take longer than a trigger lives: the modal comes first, what it shows when it is known.
    view_id = await slack.open_view(typed.trigger_id, notice("Stop a build", "⏳ Looking for that build…"))
    later(ctx, typed.actor, fill_form(typed.actor, view_id, arguments, ctx), name="abort form", typed=typed)
    return None


async def fill_form(actor: Actor, view_id: str, arguments: AbortArguments, ctx: Context) -> None:
    slack = ctx.slack(actor.workspace_id)
    try:
        build = await queries.get_build(ctx, actor, arguments.build)
    except Exception:
        await slack.update_view(view_id, notice("Stop a build", "I can't show that build; my message says why."))
        raise
    await slack.update_view(view_id, await form_for(actor, build, ctx, arguments))


async def ask_abort_reason(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        build = await queries.get_stored_build(ctx, actor, pressed_value(action))
        view = await form_for(actor, build, ctx)
        await ctx.slack(actor.workspace_id).open_view(body["trigger_id"], view)


async def form_for(actor: Actor, build: BuildRow, ctx: Context, arguments: AbortArguments | None = None) -> View:
    """The stop form, or how the build has ended already."""
    shown = await views.load_view(ctx, build)
    if build.is_finished:
        return build_finished(shown)
    return abort_form(
        shown,
        may_report_green=ctx.permissions.may_report_green(actor),
        channel_id=actor.channel_id,
        category=arguments.category if arguments else None,
        sentence=arguments.sentence if arguments else "",
    )


async def abort_build(ack: AsyncAck, view: Payload, body: Payload, ctx: Context) -> None:
    async with answering_in_form(ack):
        await abort.request_abort(ctx, actor_of_press(body), FORM.read(view))
        await ack()


COMMAND = Command(
    "abort",
    run=ask_to_abort,
    aliases=("stop", "cancel"),
    help=(
        Help(
            "abort shop #812 wrong branch", "asks for the reason and what to report, then stops; also {command}-abort"
        ),
        Help("abort shop", "what runs in an app, each with a button to stop it, and one to choose several"),
        Help("abort shop branch:feature/x workflow:deploy", "what fits, to be stopped together; also pr:123"),
        Help(
            "abort shop older", "what a newer build of the same branch or pull request replaces, to be stopped together"
        ),
    ),
    actions={ids.BUILD_STOP: ask_abort_reason},
    views={ids.BUILD_ABORT: abort_build},
)
