"""Start a build: typed, or through the form; and the question that is asked when the same already runs."""

from __future__ import annotations

import dataclasses

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.builds.parameters import Wanted
from bot.builds.start import Asked
from bot.context import Services
from bot.permissions import Asker
from bot.slack import ids, replies
from bot.slack.text import Message
from commands.form_fields import Target
from commands.grammar import StartArguments, parse_start
from commands.interaction import (
    Help,
    Payload,
    Typed,
    answering,
    answering_in_form,
    asker_of_press,
    pressed_value,
    replace_question,
)
from commands.start_form import StartDraft, StartForm, read_draft, read_start_form, start_form

PARTS = tuple(field.name for field in dataclasses.fields(Wanted))
HELP = (
    Help("", "opens the form: app, workflow, branch, environment, message"),
    Help(
        'shop deploy release/3.2 FLAVOR=beta "try the new login"',
        "starts a build; what you leave out comes from this channel's settings, then from the last start here",
    ),
    Help("workflow: deploy|branch: main|env[FLAVOR]: beta", "the same in the syntax of Bitrise's own slash command"),
)


def register(app: AsyncApp) -> None:
    app.shortcut(ids.BUILD_START)(open_form_from_shortcut)
    app.action(ids.HOME_START)(open_form_from_home)
    app.action(ids.START_APP)(draw_form_for_app)
    app.view(ids.BUILD_START)(start_from_form)
    app.action(ids.BUILD_START_ANYWAY)(start_anyway)
    app.action(ids.BUILD_JOIN)(join_build)


# Typed.


async def start_build(typed: Typed, services: Services) -> Message | None:
    wanted = wanted_of(parse_start(typed.words))
    asked = await services.starts.request_start(typed.asker, wanted, unique_key=f"command:{typed.trigger_id}")
    return await answer_to(asked, services)


def wanted_of(arguments: StartArguments) -> Wanted:
    return Wanted(*(getattr(arguments, name) for name in PARTS))


async def answer_to(asked: Asked, services: Services) -> Message:
    """What the person is told at once; the card follows."""
    if not asked.is_held:
        return replies.reply(f"Starting {spoken(asked)}. The card follows.")
    if asked.equal is None:
        return replies.duplicate_requested(spoken(asked), request_id=asked.request_id)
    shown = await services.showing.shown(asked.equal)
    return replies.duplicate_running(shown, request_id=asked.request_id, now=services.clock.now())


def spoken(asked: Asked) -> str:
    parameters = asked.parameters
    target = f" {in_code(parameters.target)}" if parameters.target else ""
    code = (parameters.commit or "")[:7] or parameters.tag or parameters.branch
    return f"{asked.app.title}{target}{f' on {in_code(code)}' if code else ''}"


def in_code(name: str) -> str:
    """Escaped by whoever sends it. A backtick would end the span, so it becomes an apostrophe."""
    return f"`{name.replace('`', chr(39))}`"


# The question.


async def start_anyway(ack: AsyncAck, action: Payload, body: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        request_id, _ = replies.read_answer(pressed_value(action))
        is_news = await services.starts.release_held(asker, request_id)
        text = "Starting another one. The card follows." if is_news else "That was answered already."
        replace_question(services, asker, replies.answered(text))


async def join_build(ack: AsyncAck, action: Payload, body: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        request_id, build_slug = replies.read_answer(pressed_value(action))
        build = await services.builds.get_known(asker, build_slug)
        if not await services.starts.drop_held(asker, request_id):
            text = "That was answered already."
        elif await services.builds.is_shown_here(asker, build):
            text = "Its card is in this channel already: it is the one to watch."
        else:
            await services.builds.show_card(asker, build)
            text = "You follow that build here."
        replace_question(services, asker, replies.answered(text))


# The form.


async def open_form_for(typed: Typed, services: Services) -> Message | None:
    """``/build`` alone, or the button of an answer that asks for more."""
    app_name = typed.words.tail() or None
    await open_form(typed.asker, typed.trigger_id, services, app_name=app_name)
    return None


async def open_form_from_shortcut(ack: AsyncAck, shortcut: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(shortcut)
    async with answering(services, asker):
        await open_form(asker, shortcut["trigger_id"], services)


async def open_form_from_home(ack: AsyncAck, body: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        await open_form(asker, body["trigger_id"], services)


async def open_form(asker: Asker, trigger_id: str, services: Services, *, app_name: str | None = None) -> None:
    services.access.check_member(asker)
    await services.connections.get_connected(asker.workspace_id)
    app = await services.apps.get_app(asker.workspace_id, app_name) if app_name else None
    channel = await services.app_rows.get_channel(asker.workspace_id, asker.channel_id or "")
    slug = app.app_slug if app else channel.app_slug
    draft = await draft_for(asker, slug, services) if slug else StartDraft()
    view = start_form(draft, channel_id=asker.channel_id)
    await services.slack(asker.workspace_id).open_view(trigger_id, view)


async def draft_for(asker: Asker, app_slug: str, services: Services) -> StartDraft:
    """The form for an app, filled in with the channel's defaults or the last start here."""
    app = await services.apps.find_app(asker.workspace_id, app_slug)
    if app is None:
        return StartDraft()
    channel = await services.app_rows.get_channel(asker.workspace_id, asker.channel_id or "")
    last = await services.requests.find_last_start(asker.workspace_id, asker.channel_id or "", app_slug)
    is_default = channel.app_slug == app_slug
    workflow = (channel.workflow if is_default else None) or (last.workflow if last else None)
    branch = (channel.branch if is_default else None) or (last.branch if last else None)
    pipelines = await services.apps.list_pipelines(asker.workspace_id, app_slug)
    target = Target(workflow, is_pipeline=workflow in pipelines) if workflow else None
    return StartDraft(app_slug=app_slug, app_title=app.title, target=target, branch=branch)


async def draw_form_for_app(ack: AsyncAck, body: Payload, services: Services) -> None:
    """Another app was chosen: the form suggests that app's workflows and branches from now on."""
    await ack()
    view, asker = body["view"], asker_of_press(body)
    async with answering(services, asker):
        drawn = start_form(read_draft(view), channel_id=asker.channel_id)
        await services.slack(asker.workspace_id).update_view(view["id"], drawn, hash=view["hash"])


async def start_from_form(ack: AsyncAck, view: Payload, body: Payload, services: Services) -> None:
    async with answering_in_form(ack):
        form, asker = read_start_form(view), asker_of_press(body)
        asked = await services.starts.request_start(
            asker, wanted_of_form(form), unique_key=f"view:{view['id']}", start_anyway=form.start_anyway
        )
        await ack()
        if asked.is_held:
            await services.whisper(asker, await answer_to(asked, services))


def wanted_of_form(form: StartForm) -> Wanted:
    return Wanted(
        app=form.app_slug,
        workflow=form.target.workflow if form.target else None,
        pipeline=form.target.pipeline if form.target else None,
        branch=form.branch,
        tag=form.tag,
        commit=form.commit,
        environment=form.environment,
        message=form.message,
    )
