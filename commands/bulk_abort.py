"""Stop several builds: what fits, shown ticked before anything happens; then one confirmation and one message."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.builds.abort_request import Stop
from bot.builds.bulk_abort import Found, Picked
from bot.context import Services
from bot.errors import BuildbellError
from bot.permissions import Asker
from bot.slack import ids
from bot.slack.errors import SlackFailed
from bot.slack.forms import Payload as View
from bot.slack.forms import notice
from commands import bulk_abort_form as bulk_form
from commands.abort_arguments import AbortArguments
from commands.bulk_abort_form import Offered
from commands.interaction import (
    Payload,
    Typed,
    answering,
    answering_in_form,
    asker_of_press,
    failed,
    later,
    pressed_value,
)

BROKEN = "Something broke on my side, and I could not look."


def register(app: AsyncApp) -> None:
    app.action(ids.BUILD_STOP_ALL)(ask_about_all)
    app.action(ids.BUILD_STOP_OLDER)(ask_about_older)
    app.action(ids.any_number(ids.ABORT_BUILDS))(count_ticked)
    app.view(ids.BUILD_ABORT_MANY)(abort_builds)


def picked_of(arguments: AbortArguments) -> Picked:
    return Picked(
        app=arguments.build.app,
        branch=arguments.branch,
        workflow=arguments.workflow,
        pull_request_id=arguments.pull_request_id,
        is_older=arguments.is_older,
    )


async def ask_about_picked(typed: Typed, arguments: AbortArguments, services: Services) -> None:
    """Typed with a filter."""
    find = partial(services.bulk.find, typed.asker, picked_of(arguments))
    await open_form(typed.asker, typed.trigger_id, find, services, arguments=arguments, typed=typed)


async def ask_about_all(ack: AsyncAck, action: Payload, body: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        services.access.check_member(asker)
        find = partial(services.bulk.find, asker, Picked(app=pressed_value(action)))
        await open_form(asker, body["trigger_id"], find, services)


async def ask_about_older(ack: AsyncAck, action: Payload, body: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        services.access.check_member(asker)
        newer = pressed_value(action)
        find = partial(services.bulk.find_older, asker, newer)
        await open_form(asker, body["trigger_id"], find, services, newer=newer)


async def open_form(
    asker: Asker,
    trigger_id: str,
    find: Callable[[], Awaitable[Found]],
    services: Services,
    *,
    arguments: AbortArguments | None = None,
    typed: Typed | None = None,
    newer: str | None = None,
) -> None:
    """Looking may take longer than a trigger lives: the modal comes first, what fits when it is known."""
    view_id = await services.slack(asker.workspace_id).open_view(trigger_id, bulk_form.looking())

    later(services, asker, fill(asker, view_id, find, services, arguments, newer), name="abort many form", typed=typed)


async def fill(
    asker: Asker,
    view_id: str,
    find: Callable[[], Awaitable[Found]],
    services: Services,
    arguments: AbortArguments | None,
    newer: str | None,
) -> None:
    """What cannot be found is told in the modal that waits for it, and in a message when there are buttons to press."""
    slack = services.slack(asker.workspace_id)
    try:
        view = await form_for(asker, await find(), services, arguments, newer)
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
    asker: Asker, found: Found, services: Services, arguments: AbortArguments | None, newer: str | None
) -> View:
    offered = Offered(
        app_title=found.app.title,
        of=found.of,
        builds=await services.showing.shown_all(found.builds),
        parts=found.parts,
        stopping=found.stopping,
        is_more=found.is_more,
    )
    return bulk_form.bulk_form(
        offered,
        now=services.clock.now(),
        may_report_green=services.access.may_report_green(asker),
        channel_id=asker.channel_id,
        category=arguments.category if arguments else None,
        sentence=arguments.sentence if arguments else "",
        newer=newer,
    )


async def count_ticked(ack: AsyncAck, body: Payload, services: Services) -> None:
    """The button says how many it stops. Only that changes, so a failure is no harm."""
    await ack()
    view = body["view"]
    with contextlib.suppress(SlackFailed):
        await services.slack(asker_of_press(body).workspace_id).update_view(view["id"], bulk_form.relabelled(view))


async def abort_builds(ack: AsyncAck, view: Payload, body: Payload, services: Services) -> None:
    async with answering_in_form(ack):
        form, asker = bulk_form.read_bulk_form(view), asker_of_press(body)
        why = form.why
        stops = [
            Stop(slug, why.category, why.sentence, why.report, why.skip_notifications) for slug in form.build_slugs
        ]
        await services.bulk.request_abort_many(asker, stops, view_id=view["id"], of=form.of, newer=form.newer)
        await ack()
