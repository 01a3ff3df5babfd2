"""Stop a build: the button, the reason, the submission."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.builds.abort_request import Stop
from bot.context import Services
from bot.permissions import Asker
from bot.slack import ids
from bot.slack.forms import Payload as View
from bot.slack.forms import notice
from bot.slack.text import Message
from commands.abort_form import build_ended, read_stop_form, stop_form
from commands.bulk_abort import ask_about_picked, picked_of
from commands.grammar import AbortArguments, parse_abort
from commands.interaction import (
    Help,
    Payload,
    Typed,
    answering,
    answering_in_form,
    asker_of_press,
    later,
    pressed_value,
)
from commands.status import named, running
from storage.builds import BuildRow

HELP = (
    Help("abort shop #812 wrong branch", "asks for the reason and what to report, then stops; also {command}-abort"),
    Help("abort shop", "what runs in an app, each with a button to stop it, and one to choose several"),
    Help("abort shop branch:feature/x workflow:deploy", "what fits, to be stopped together; also pr:123"),
    Help("abort shop older", "what a newer build of the same branch or pull request replaces, to be stopped together"),
)


def register(app: AsyncApp) -> None:
    app.action(ids.BUILD_STOP)(ask_abort_reason)
    app.view(ids.BUILD_ABORT)(abort_build)


async def ask_to_abort(typed: Typed, services: Services) -> Message | None:
    """Typed: the form for a build that is named, the one for all that fit a filter, else a list to choose from."""
    arguments = parse_abort(typed.words)
    await services.connections.get_connected(typed.asker.workspace_id)
    if not arguments.build.names_build:
        if picked_of(arguments).is_narrowed:
            await ask_about_picked(typed, arguments, services)
            return None
        listed = running(typed.asker, arguments.build.app, services, may_stop_all=True)
        later(services, typed.asker, listed, name="abort list", typed=typed)
        return None
    slack = services.slack(typed.asker.workspace_id)
    # Looking may take longer than a trigger lives: the modal comes first, what it shows when it is known.
    view_id = await slack.open_view(typed.trigger_id, notice("Stop a build", "⏳ Looking for that build…"))
    later(services, typed.asker, fill_form(typed.asker, view_id, arguments, services), name="abort form", typed=typed)
    return None


async def fill_form(asker: Asker, view_id: str, arguments: AbortArguments, services: Services) -> None:
    slack = services.slack(asker.workspace_id)
    try:
        build = await services.builds.get_build(asker, named(arguments.build))
    except Exception:
        await slack.update_view(view_id, notice("Stop a build", "I can't show that build; my message says why."))
        raise
    await slack.update_view(view_id, await form_for(asker, build, services, arguments))


async def ask_abort_reason(ack: AsyncAck, action: Payload, body: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        build = await services.builds.get_known(asker, pressed_value(action))
        view = await form_for(asker, build, services)
        await services.slack(asker.workspace_id).open_view(body["trigger_id"], view)


async def form_for(asker: Asker, build: BuildRow, services: Services, arguments: AbortArguments | None = None) -> View:
    """The stop form, or how the build has ended already."""
    shown = await services.showing.shown(build)
    if build.is_finished:
        return build_ended(shown)
    return stop_form(
        shown,
        may_report_green=services.access.may_report_green(asker),
        channel_id=asker.channel_id,
        category=arguments.category if arguments else None,
        sentence=arguments.sentence if arguments else "",
    )


async def abort_build(ack: AsyncAck, view: Payload, body: Payload, services: Services) -> None:
    async with answering_in_form(ack):
        form, asker = read_stop_form(view), asker_of_press(body)
        why = form.why
        stop = Stop(form.build_slug, why.category, why.sentence, why.report, why.skip_notifications)
        await services.aborts.request_abort(asker, stop)
        await ack()
