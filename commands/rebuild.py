"""Run a build again with the same parameters, asking which commit if the branch has new ones; or open the form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot import apps, connection
from bot.builds import queries, rebuild, start, views
from bot.builds.parameters import StartRequest
from bot.builds.queries import BuildRef
from bot.context import Context
from bot.errors import BuildbellError, InvalidInput, MissingArgument
from bot.permissions import Actor
from bot.slack import ids, replies
from bot.slack.fields import INPUT_LIMIT
from bot.slack.forms import Payload as View
from bot.slack.forms import notice
from bot.slack.text import Message, clean, length, quoted
from commands.build_reference import read_build
from commands.command import Command, Help
from commands.interaction import Action, Interaction, Typed, error_view, open_view, run_in_background
from commands.start import FORM, MESSAGE_LIMIT, answer_start
from commands.suggestions import Target, app_option, branch_option, target_option
from commands.tokenizer import quote_input
from storage.builds import BuildRow

MAX_LISTED = 5


async def rebuild_typed(ctx: Context, typed: Typed) -> None:
    """Run the build that was named again, or open the form with its parameters if ``form`` follows."""
    await ctx.permissions.check_may_act(typed.actor)
    reference, rest = read_build(typed.words)
    if not reference.names_build:
        raise MissingArgument(f"Which build? For example: {ctx.settings.command} again shop #812")
    await connection.require(ctx, typed.actor.workspace_id)
    text = rest.tail().strip()
    if text.lower() == "form":
        view_id = await open_view(ctx, typed, notice("Start a build", "⏳ Looking for that build…"))
        run_in_background(ctx, typed, fill_form(ctx, typed.actor, view_id, reference), name="again form")
        return
    if text:
        build = typed.words.as_typed().removesuffix(rest.as_typed()).strip()
        raise InvalidInput(
            f"It starts with the same parameters, so {quote_input(text)} has no place. "
            f"To change them, open the form: {quote_input(f'{ctx.settings.command} again {build} form')}"
        )
    run_in_background(ctx, typed, start_again(ctx, typed, reference), name="again")


async def rebuild_pressed(ctx: Context, action: Action) -> None:
    await ctx.permissions.check_may_act(action.actor)
    build = await queries.get_stored_build(ctx, action.actor, action.value)
    run_in_background(ctx, action, start_again(ctx, action, build), name="again")


async def start_again(ctx: Context, interaction: Interaction, build: BuildRef | BuildRow) -> Message:
    """Start the same build, or ask which commit if the branch has new ones."""
    actor, question_id = interaction.actor, interaction.trigger_id
    if isinstance(build, BuildRef):
        build = await queries.get_build(ctx, actor, build)
    request = await rebuild.load_parameters(ctx, actor, build)
    newer_commit = await rebuild.find_newer_commit(ctx, actor, build)
    if newer_commit is not None:
        # The question has an id of its own, so that its answers start one build however often a button is used.
        view = await views.load_view(ctx, build)
        return replies.branch_moved(view, request_id=question_id, newest_commit=newer_commit)
    started = await start.request_start(ctx, actor, request, unique_key=f"again:{question_id}")
    return await answer_start(ctx, started, not_repeated=request.not_repeated)


async def run_same_commit(ctx: Context, action: Action) -> None:
    await answer_question(ctx, action, is_same=True)


async def run_newest_commit(ctx: Context, action: Action) -> None:
    await answer_question(ctx, action, is_same=False)


async def answer_question(ctx: Context, action: Action, *, is_same: bool) -> None:
    """Start the build with the chosen commit, in place of the question."""
    question_id, build_slug = replies.read_answer(action.value)
    build = await queries.get_stored_build(ctx, action.actor, build_slug)

    async def start_chosen() -> Message:
        request = await rebuild.load_parameters(ctx, action.actor, build)
        request = rebuild.at_commit_of(request, build) if is_same else rebuild.at_newest_commit(request)
        started = await start.request_start(ctx, action.actor, request, unique_key=f"again:{question_id}")
        return await answer_start(ctx, started)

    run_in_background(ctx, action, start_chosen(), name="again", replace=True)


async def edit_pressed(ctx: Context, action: Action) -> None:
    await ctx.permissions.check_may_act(action.actor)
    build = await queries.get_stored_build(ctx, action.actor, action.value)
    view_id = await open_view(ctx, action, notice("Start a build", "⏳ Asking Bitrise for its parameters…"))
    run_in_background(ctx, action, fill_form(ctx, action.actor, view_id, build), name="again form")


async def fill_form(ctx: Context, actor: Actor, view_id: str, build: BuildRef | BuildRow) -> None:
    """Show the form in the open modal, or an error, which is repeated in a message if that can have buttons."""
    slack = ctx.slack(actor.workspace_id)
    try:
        if isinstance(build, BuildRef):
            build = await queries.get_build(ctx, actor, build)
        await slack.update_view(view_id, await load_form(ctx, actor, build))
    except BuildbellError as error:
        await slack.update_view(view_id, error_view("Start a build", error))
        if error.suggestions:
            raise


async def load_form(ctx: Context, actor: Actor, build: BuildRow) -> View:
    """Return the form with the parameters of a build, and a note about what is different."""
    request = await rebuild.load_parameters(ctx, actor, build)
    newer_commit = await rebuild.find_newer_commit(ctx, actor, build)
    notes = [note_left_out(request)]
    if newer_commit is not None:
        old, new = (build.commit_hash or "")[:7], newer_commit[:7]
        branch = clean(build.branch or "", 100)
        notes.append(f"{branch} has moved from {old} to {new} since then. Without a commit the newest one is built.")
    initial = initial_values(request, await apps.find_title(ctx, actor.workspace_id, build.app_slug))
    return FORM.view(channel_id=actor.channel_id, note=quoted(" ".join(filter(None, notes)), 500), **initial)


def initial_values(request: StartRequest, app_title: str | None) -> dict[str, Any]:
    return {
        "app_slug": app_option(request.app, app_title),
        "target": target_option(target_of(request)),
        "branch": branch_option(request.branch),
        "revision": request.commit or (f"tag:{request.tag}" if request.tag else None),
        "environment": "\n".join(environment_lines(request.environment).values()),
        "message": request.message,
    }


def target_of(request: StartRequest) -> Target | None:
    name = request.pipeline or request.workflow
    return Target(name, is_pipeline=request.pipeline is not None) if name else None


def environment_lines(environment: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the form's lines by name: as many as the field takes, without values of several lines."""
    lines: dict[str, str] = {}
    for key, value in environment:
        line = f"{key}={value}"
        if len(line.splitlines()) == 1 and length("\n".join([*lines.values(), line])) <= INPUT_LIMIT:
            lines[key] = line
    return lines


def note_left_out(request: StartRequest) -> str:
    """List the parameters that the form can't hold, because it doesn't send them; empty without any."""
    target, lines = target_of(request), environment_lines(request.environment)
    names = [clean(key, 40) for key, _ in request.environment if key not in lines]
    names += ["the workflow"] if target and target_option(target) is None else []
    names += ["the branch"] if request.branch and branch_option(request.branch) is None else []
    names += [f"pull request #{number}"] if (number := request.others.get("pull_request_id")) else []
    names += ["the message"] if length(request.message or "") > MESSAGE_LIMIT else []
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    listed = ", ".join(names[:MAX_LISTED]) + more
    return f"What this form cannot hold is left out: {listed}. Run again starts with everything." if names else ""


COMMAND = Command(
    "again",
    run=rebuild_typed,
    aliases=("retry", "rebuild"),
    help=(
        Help("again shop #812", "starts it with the same parameters; asks which commit when the branch has moved"),
        Help("again shop #812 form", "opens the form, filled in with its parameters"),
    ),
    actions={
        ids.BUILD_AGAIN: rebuild_pressed,
        ids.BUILD_RUN_SAME_COMMIT: run_same_commit,
        ids.BUILD_RUN_NEWEST: run_newest_commit,
        ids.BUILD_AGAIN_FORM: edit_pressed,
    },
)
