"""Start a build: typed, or through the form; and the question that is asked when the same already runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slack_bolt.async_app import AsyncAck

from bot import apps, connection, outbox
from bot.builds import queries, start, views
from bot.builds.start import Started
from bot.context import Context
from bot.permissions import Actor
from bot.slack import ids, replies
from bot.slack.forms import redrawn
from bot.slack.text import Message, clean
from commands import start_form
from commands.command import Command, Help
from commands.interaction import (
    Payload,
    Typed,
    actor_of_press,
    answering,
    answering_in_form,
    pressed_value,
    replace_question,
)
from commands.start_syntax import read_start
from commands.suggestions import Target, app_option, branch_option, target_option
from storage import apps as app_rows
from storage import requests as request_rows

# Typed.


async def start_build(typed: Typed, ctx: Context) -> Message | None:
    wanted = read_start(typed.words)
    asked = await start.request_start(ctx, typed.actor, wanted, unique_key=f"command:{typed.trigger_id}")
    return await answer_to(asked, ctx)


async def answer_to(asked: Started, ctx: Context, *, not_repeated: Sequence[str] = ()) -> Message:
    """Return the answer to a start; its card follows. A rebuild names what it can't repeat."""
    if not asked.is_held:
        note = f" Not repeated: {', '.join(clean(name, 60) for name in not_repeated)}." if not_repeated else ""
        return replies.reply(f"Starting {spoken(asked)}. The card follows.{note}")
    if asked.identical is None:
        return replies.duplicate_requested(spoken(asked), request_id=asked.request_id)
    shown = await views.load_view(ctx, asked.identical)
    return replies.duplicate_running(shown, request_id=asked.request_id, now=ctx.clock.now())


def spoken(asked: Started) -> str:
    parameters = asked.parameters
    target = f" {in_code(parameters.target)}" if parameters.target else ""
    code = (parameters.commit or "")[:7] or parameters.tag or parameters.branch
    return f"{asked.app.title}{target}{f' on {in_code(code)}' if code else ''}"


def in_code(name: str) -> str:
    """Escaped by whoever sends it. A backtick would end the span, so it becomes an apostrophe."""
    return f"`{name.replace('`', chr(39))}`"


# The question.


async def start_anyway(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        request_id, _ = replies.read_answer(pressed_value(action))
        is_news = await start.confirm_start(ctx, actor, request_id)
        text = "Starting another one. The card follows." if is_news else "That was answered already."
        replace_question(ctx, actor, replies.answered(text))


async def join_build(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        request_id, build_slug = replies.read_answer(pressed_value(action))
        build = await queries.get_stored_build(ctx, actor, build_slug)
        if not await start.cancel_start(ctx, actor, request_id):
            text = "That was answered already."
        elif await queries.has_card_here(ctx, actor, build):
            text = "Its card is in this channel already: it is the one to watch."
        else:
            await queries.post_card(ctx, actor, build)
            text = "You follow that build here."
        replace_question(ctx, actor, replies.answered(text))


# The form.


async def open_form_for(typed: Typed, ctx: Context) -> Message | None:
    """``/build`` alone, or the button of an answer that asks for more."""
    app_name = typed.words.tail() or None
    await open_form(typed.actor, typed.trigger_id, ctx, app_name=app_name)
    return None


async def open_form_from_shortcut(ack: AsyncAck, shortcut: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(shortcut)
    async with answering(ctx, actor):
        await open_form(actor, shortcut["trigger_id"], ctx)


async def open_form_from_home(ack: AsyncAck, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        await open_form(actor, body["trigger_id"], ctx)


async def open_form(actor: Actor, trigger_id: str, ctx: Context, *, app_name: str | None = None) -> None:
    ctx.permissions.check_member(actor)
    await connection.require(ctx, actor.workspace_id)
    app = await apps.get_app(ctx, actor.workspace_id, app_name) if app_name else None
    channel = await app_rows.get_channel(ctx.db, actor.workspace_id, actor.channel_id or "")
    slug = app.app_slug if app else channel.app_slug
    initial = await initial_values(actor, slug, ctx) if slug else {}
    await ctx.slack(actor.workspace_id).open_view(
        trigger_id, start_form.FORM.view(channel_id=actor.channel_id, **initial)
    )


async def initial_values(actor: Actor, app_slug: str, ctx: Context) -> dict[str, Any]:
    """The form for an app, filled in with the channel's defaults or the last start here."""
    app = await apps.find_app(ctx, actor.workspace_id, app_slug)
    if app is None:
        return {}
    channel = await app_rows.get_channel(ctx.db, actor.workspace_id, actor.channel_id or "")
    last = await request_rows.find_last_start(ctx.db, actor.workspace_id, actor.channel_id or "", app_slug)
    is_default = channel.app_slug == app_slug
    workflow = (channel.workflow if is_default else None) or (last.workflow if last else None)
    branch = (channel.branch if is_default else None) or (last.branch if last else None)
    pipelines = await apps.list_pipelines(ctx, actor.workspace_id, app_slug)
    target = Target(workflow, is_pipeline=workflow in pipelines) if workflow else None
    return {
        "app_slug": app_option(app_slug, app.title),
        "target": target_option(target),
        "branch": branch_option(branch),
    }


async def draw_form_for_app(ack: AsyncAck, body: Payload, ctx: Context) -> None:
    """Another app was chosen: the form suggests that app's workflows and branches from now on."""
    await ack()
    view, actor = body["view"], actor_of_press(body)
    async with answering(ctx, actor):
        await ctx.slack(actor.workspace_id).update_view(view["id"], redrawn(view), hash=view["hash"])


async def start_from_form(ack: AsyncAck, view: Payload, body: Payload, ctx: Context) -> None:
    async with answering_in_form(ack):
        (wanted, is_anyway), actor = start_form.FORM.read(view), actor_of_press(body)
        asked = await start.request_start(ctx, actor, wanted, unique_key=f"view:{view['id']}", start_anyway=is_anyway)
        await ack()
        if asked.is_held:
            await outbox.answer_privately(ctx, actor, await answer_to(asked, ctx))


COMMAND = Command(
    "start",
    run=start_build,
    help=(
        Help("", "opens the form: app, workflow, branch, environment, message"),
        Help(
            'shop deploy release/3.2 FLAVOR=beta "try the new login"',
            "starts a build; what you leave out comes from this channel's settings, then from the last start here",
        ),
        Help(
            "workflow: deploy|branch: main|env[FLAVOR]: beta", "the same in the syntax of Bitrise's own slash command"
        ),
    ),
    shortcuts={ids.BUILD_START: open_form_from_shortcut},
    actions={
        ids.HOME_START: open_form_from_home,
        start_form.FORM.id("app_slug"): draw_form_for_app,
        ids.BUILD_START_ANYWAY: start_anyway,
        ids.BUILD_JOIN: join_build,
    },
    views={ids.BUILD_START: start_from_form},
    options=start_form.FORM.options,
)
FORM_COMMAND = Command("form", run=open_form_for)
