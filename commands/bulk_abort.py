"""Stop several builds: what fits, shown ticked before anything happens; then one confirmation and one message."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

from slack_bolt.async_app import AsyncAck

from bot.builds import bulk_abort, views
from bot.builds.bulk_abort import Found, Picked
from bot.context import Context
from bot.errors import BuildbellError
from bot.permissions import Actor
from bot.slack import ids
from bot.slack.errors import SlackFailed
from bot.slack.forms import Payload as View
from bot.slack.forms import notice
from commands import bulk_abort_form as bulk_form
from commands.abort_arguments import AbortArguments
from commands.command import Command
from commands.interaction import (
    Payload,
    Typed,
    actor_of_press,
    answering,
    answering_in_form,
    failed,
    later,
    pressed_value,
)

BROKEN = "Something broke on my side, and I could not look."


async def ask_about_picked(typed: Typed, arguments: AbortArguments, ctx: Context) -> None:
    """Typed with a filter."""
    find = partial(partial(bulk_abort.find_matches, ctx), typed.actor, arguments.filters)
    await open_form(typed.actor, typed.trigger_id, find, ctx, arguments=arguments, typed=typed)


async def ask_about_all(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        ctx.permissions.check_member(actor)
        find = partial(partial(bulk_abort.find_matches, ctx), actor, Picked(app=pressed_value(action)))
        await open_form(actor, body["trigger_id"], find, ctx)


async def ask_about_older(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        ctx.permissions.check_member(actor)
        newer = pressed_value(action)
        find = partial(partial(bulk_abort.find_older, ctx), actor, newer)
        await open_form(actor, body["trigger_id"], find, ctx, newer=newer)


async def open_form(
    actor: Actor,
    trigger_id: str,
    find: Callable[[], Awaitable[Found]],
    ctx: Context,
    *,
    arguments: AbortArguments | None = None,
    typed: Typed | None = None,
    newer: str | None = None,
) -> None:
    """Looking may take longer than a trigger lives: the modal comes first, what fits when it is known."""
    view_id = await ctx.slack(actor.workspace_id).open_view(trigger_id, bulk_form.looking())

    later(ctx, actor, fill(actor, view_id, find, ctx, arguments, newer), name="abort many form", typed=typed)


async def fill(
    actor: Actor,
    view_id: str,
    find: Callable[[], Awaitable[Found]],
    ctx: Context,
    arguments: AbortArguments | None,
    newer: str | None,
) -> None:
    """What cannot be found is told in the modal that waits for it, and in a message when there are buttons to press."""
    slack = ctx.slack(actor.workspace_id)
    try:
        view = await form_for(actor, await find(), ctx, arguments, newer)
    except BuildbellError as error:
        await slack.update_view(view_id, failed(bulk_form.TITLE, error))
        if error.suggestions:
            raise
        return
    except Exception:
        await slack.update_view(view_id, notice(bulk_form.TITLE, BROKEN))
        raise
    await slack.update_view(view_id, view)


async def form_for(
    actor: Actor, found: Found, ctx: Context, arguments: AbortArguments | None, newer: str | None
) -> View:
    return bulk_form.bulk_form(
        found,
        await views.load_views(ctx, found.builds),
        now=ctx.clock.now(),
        may_report_green=ctx.permissions.may_report_green(actor),
        channel_id=actor.channel_id,
        category=arguments.category if arguments else None,
        sentence=arguments.sentence if arguments else "",
        newer=newer,
    )


async def count_ticked(ack: AsyncAck, body: Payload, ctx: Context) -> None:
    """The button says how many it stops. Only that changes, so a failure is no harm."""
    await ack()
    view = body["view"]
    with contextlib.suppress(SlackFailed):
        await ctx.slack(actor_of_press(body).workspace_id).update_view(view["id"], bulk_form.relabelled(view))


async def abort_builds(ack: AsyncAck, view: Payload, body: Payload, ctx: Context) -> None:
    async with answering_in_form(ack):
        form, actor = bulk_form.FORM.read(view), actor_of_press(body)
        await bulk_abort.request_abort_many(ctx, actor, form.stops, view_id=view["id"], of=form.of, newer=form.newer)
        await ack()


COMMAND = Command(
    actions={
        ids.BUILD_STOP_ALL: ask_about_all,
        ids.BUILD_STOP_OLDER: ask_about_older,
        ids.any_number(bulk_form.FORM.id("builds")): count_ticked,
    },
    views={ids.BUILD_ABORT_MANY: abort_builds},
)
