"""Stop several builds: what fits, shown ticked before anything happens; then one confirmation and one message."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable

from slack_bolt.async_app import AsyncAck

from bot.builds import bulk_abort, views
from bot.builds.bulk_abort import Found, Picked
from bot.context import Context
from bot.domain.abort_reasons import Reason
from bot.errors import BuildbellError
from bot.permissions import Actor
from bot.slack import ids
from bot.slack.errors import SlackFailed
from bot.slack.forms import Payload as View
from bot.slack.forms import notice
from commands import bulk_abort_form as bulk_form
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


async def ask_about_matches(typed: Typed, filters: Picked, ctx: Context, category: Reason | None, note: str) -> None:
    """Open the form for the builds that typed filters pick."""

    async def load() -> View:
        matches = await bulk_abort.find_matches(ctx, typed.actor, filters)
        return await form_for(typed.actor, matches, ctx, category=category, sentence=note)

    await open_form(typed.actor, typed.trigger_id, load, ctx, typed=typed)


async def ask_about_all(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        ctx.permissions.check_member(actor)
        app_slug = pressed_value(action)

        async def load() -> View:
            return await form_for(actor, await bulk_abort.find_matches(ctx, actor, Picked(app=app_slug)), ctx)

        await open_form(actor, body["trigger_id"], load, ctx)


async def ask_about_older(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        ctx.permissions.check_member(actor)
        newer = pressed_value(action)

        async def load() -> View:
            return await form_for(actor, await bulk_abort.find_older(ctx, actor, newer), ctx, newer=newer)

        await open_form(actor, body["trigger_id"], load, ctx)


async def open_form(
    actor: Actor, trigger_id: str, load: Callable[[], Awaitable[View]], ctx: Context, *, typed: Typed | None = None
) -> None:
    """Open a modal at once, because a trigger expires in 3 s, and fill it when the builds have been found."""
    view_id = await ctx.slack(actor.workspace_id).open_view(trigger_id, bulk_form.looking())
    later(ctx, actor, fill(actor, view_id, load, ctx), name="abort many form", typed=typed)


async def fill(actor: Actor, view_id: str, load: Callable[[], Awaitable[View]], ctx: Context) -> None:
    """Show the form or an error in the modal that waits for it, and the error with buttons in a message, too."""
    slack = ctx.slack(actor.workspace_id)
    try:
        view = await load()
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
    actor: Actor,
    found: Found,
    ctx: Context,
    *,
    category: Reason | None = None,
    sentence: str = "",
    newer: str | None = None,
) -> View:
    return bulk_form.bulk_form(
        found,
        await views.load_views(ctx, found.builds),
        now=ctx.clock.now(),
        may_report_green=ctx.permissions.may_report_green(actor),
        channel_id=actor.channel_id,
        category=category,
        sentence=sentence,
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
