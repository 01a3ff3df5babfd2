"""Start a build as typed, offer your last start again, and ask when an identical build is running."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot import apps, connection, outbox
from bot.builds import presets, queries, start, views
from bot.builds.start import Started, StartParameters
from bot.context import Context
from bot.errors import StartUnclear, Suggestion
from bot.slack import ids, replies
from bot.slack.blocks import actions, button, message, section
from bot.slack.text import Message, clean, escape, isolate
from commands.command import Command, Help
from commands.interaction import Action, Submission, Typed, run_in_background
from commands.start_fields import FORM
from commands.start_form import open_filled
from commands.start_resolve import resolve_app, resolve_names
from commands.start_syntax import TypedStart, read_start
from commands.start_unclear import FORM_VERB, StartScope, write
from storage.apps import AppRow
from storage.workspaces import ChannelContext


async def start_build(ctx: Context, typed: Typed) -> Message | None:
    """Start what was typed. If names known here don't place every word, ask Bitrise for its names first."""
    request = read_start(typed.words)
    channel = typed.channel or await connection.find_channel_context(
        ctx, typed.actor.workspace_id, typed.actor.channel_id or ""
    )
    channel = connection.check_connected(ctx, channel)
    try:
        return await start_typed(ctx, typed, request, channel, is_final=False)
    except StartUnclear:
        await ctx.permissions.check_may_act(typed.actor)
        run_in_background(ctx, typed, start_typed(ctx, typed, request, channel, is_final=True), name="start")
        return None


async def start_typed(
    ctx: Context, typed: Typed, request: TypedStart, channel: ChannelContext, *, is_final: bool
) -> Message | None:
    """Resolve and start. With ``is_final``, names are fetched from Bitrise. Raises `StartUnclear`."""
    actor = typed.actor
    index = await apps.load_index(ctx, actor.workspace_id, channel.names_version)
    scope = StartScope(ctx, actor, channel, index, is_final)
    app, request = await resolve_app(scope, request)
    if app is None:
        form = Suggestion("Open the form", write(request, verb=FORM_VERB))
        raise StartUnclear(
            f"Which app? Start with its name, like `{ctx.settings.command} shop deploy main`, "
            f"or set a default with `{ctx.settings.command} settings`.",
            suggestions=(form,),
        )
    is_default = channel.app_slug == app.app_slug and channel.workflow and channel.branch
    if not request.words and not is_default and names_only_app(request):
        return await offer_last_start(ctx, typed, app)
    parameters = await resolve_names(scope, app, request)
    unique_key = f"command:{typed.trigger_id}"
    started = await start.request_start(ctx, actor, parameters, unique_key=unique_key, app=app, channel=channel)
    return await answer_start(ctx, started)


def names_only_app(request: TypedStart) -> bool:
    return replace(request, app=None) == TypedStart()


async def submit_form(ctx: Context, submission: Submission) -> None:
    (parameters, is_anyway), actor = FORM.read(submission.view), submission.actor
    unique_key = f"view:{submission.view['id']}"
    started = await start.request_start(ctx, actor, parameters, unique_key=unique_key, start_anyway=is_anyway)
    if message := await answer_start(ctx, started):
        await outbox.answer_privately(ctx, actor, message)


async def answer_start(ctx: Context, started: Started, *, not_repeated: Sequence[str] = ()) -> Message | None:
    """Ask about a held start. An accepted one is answered by its card, unless a rebuild can't repeat everything."""
    if not started.is_held:
        names = ", ".join(clean(name, 60) for name in not_repeated)
        return replies.reply(f"Starting without these original parameters: {names}.") if names else None
    if started.identical is None:
        return replies.duplicate_requested(started.description, request_id=started.request_id)
    view = await views.load_view(ctx, started.identical)
    return replies.duplicate_running(view, request_id=started.request_id, now=ctx.clock.now())


async def replace_question(ctx: Context, started: Started) -> Message:
    """Return the answer to a question that a button has answered: it takes the place of the buttons."""
    return await answer_start(ctx, started) or replies.starting(started.description)


# The last start.


async def offer_last_start(ctx: Context, typed: Typed, app: AppRow) -> Message | None:
    """Offer the person's own last start of an app, or open the form without one."""
    await ctx.permissions.check_may_act(typed.actor)
    last = await presets.find_last_start(ctx, typed.actor, app.app_slug)
    parameters = presets.try_open_start(ctx, last) if last else None
    if last is None or parameters is None:
        await open_filled(ctx, typed, StartParameters(app.app_slug))
        return None
    title = await apps.find_title(ctx, app.workspace_id, app.app_slug) or app.title
    target = f"*{escape(isolate(clean(parameters.target, 60)))}*" if parameters.target else "the trigger map"
    code = f" on *{escape(isolate(clean(parameters.code, 60)))}*" if parameters.code else ""
    variables = ", ".join(f"{key}={value}" for key, value in parameters.environment)
    more = f" ({escape(isolate(clean(variables, 120)))})" if variables else ""
    question = f"Rerun {target}{code}{more}?"
    value = replies.answer_value(typed.trigger_id, last.request_id)
    return message(
        f"{escape(isolate(title))}: {question}",
        section(question),
        actions(
            button(ids.START_RERUN, "Run", value=value, style="primary"),
            button(ids.START_EDIT, "Edit…", value=value),
        ),
    )


async def run_last_start(ctx: Context, action: Action) -> Message:
    """Start the same as in the question. However often the button is used, one build starts."""
    question_id, request_id = replies.read_answer(action.value)
    parameters = await presets.get_own_start(ctx, action.actor, request_id)
    started = await start.request_start(ctx, action.actor, parameters, unique_key=f"again:{question_id}")
    return await replace_question(ctx, started)


async def edit_last_start(ctx: Context, action: Action) -> None:
    _, request_id = replies.read_answer(action.value)
    await ctx.permissions.check_may_act(action.actor)
    await open_filled(ctx, action, await presets.get_own_start(ctx, action.actor, request_id))


# An identical build.


async def start_anyway(ctx: Context, action: Action) -> Message:
    request_id, _ = replies.read_answer(action.value)
    is_new = await start.confirm_start(ctx, action.actor, request_id)
    return replies.answered("Starting another build…" if is_new else "Someone already answered this.")


async def follow_build(ctx: Context, action: Action) -> Message:
    """Drop the start, and mention the person when the running build finishes."""
    request_id, build_slug = replies.read_answer(action.value)
    build = await queries.get_stored_build(ctx, action.actor, build_slug)
    if not await start.cancel_start(ctx, action.actor, request_id):
        return replies.answered("Someone already answered this.")
    await queries.follow(ctx, action.actor, build)
    number = f"#{build.number}" if build.number is not None else "the build"
    if build.is_finished:
        return replies.answered(f"{number[0].upper()}{number[1:]} has already finished.")
    return replies.answered(f"Following {number}. You'll be mentioned when it finishes.")


COMMAND = Command(
    "start",
    run=start_build,
    topic="Start",
    help=(
        Help("shop deploy main", "start a build; this channel's settings fill gaps"),
        Help('shop deploy release/3.2 FLAVOR=beta "new login"', "start a build with a variable and a message"),
        Help("shop", "offer to rerun your last build of an app"),
        Help(
            "workflow: deploy|branch: main|env[FLAVOR]: beta", "start a build with the syntax of Bitrise's own command"
        ),
    ),
    actions={
        ids.START_RERUN: run_last_start,
        ids.START_EDIT: edit_last_start,
        ids.BUILD_START_ANYWAY: start_anyway,
        ids.BUILD_JOIN: follow_build,
    },
    views={ids.BUILD_START: submit_form},
)
