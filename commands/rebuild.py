"""Run a build again with the same parameters, asking which commit if the branch has new ones; or open the form."""

from __future__ import annotations

from bot import connection
from bot.builds import queries, rebuild, start, views
from bot.builds.queries import BuildRef
from bot.builds.start import StartParameters
from bot.context import Context
from bot.errors import BuildbellError, InvalidInput, MissingArgument, Suggestion
from bot.permissions import Actor
from bot.slack import ids, replies
from bot.slack.forms import Payload as View
from bot.slack.forms import notice
from bot.slack.text import Message, clean, length, quoted
from commands.build_reference import read_build
from commands.command import Command, Help
from commands.interaction import Action, Interaction, Typed, error_view, open_view, run_in_background
from commands.start import answer_start, replace_question
from commands.start_fields import MESSAGE_LIMIT, TITLE
from commands.start_form import environment_lines, filled_view, target_of
from commands.suggestions import branch_option, target_option
from commands.tokenizer import quote_input
from storage.builds import BuildRow

MAX_LISTED, MAX_OFFERED = 5, 3


async def rebuild_typed(ctx: Context, typed: Typed) -> None:
    """Run the build that was named again, or open the form with its parameters if ``form`` follows."""
    await ctx.permissions.check_may_act(typed.actor)
    reference, rest = read_build(typed.words)
    if not reference.names_build:
        raise MissingArgument(
            f"Which build? For example: {ctx.settings.command} again shop #812",
            suggestions=await suggest_finished(ctx, typed.actor),
        )
    await connection.require(ctx, typed.actor.workspace_id)
    text = rest.tail().strip()
    if text.lower() == "form":
        view_id = await open_view(ctx, typed, notice(TITLE, "⏳ Finding that build…"))
        run_in_background(ctx, typed, fill_form(ctx, typed.actor, view_id, reference), name="again form")
        return
    if text:
        build = typed.words.as_typed().removesuffix(rest.as_typed()).strip()
        raise InvalidInput(
            f"`{ctx.settings.command} again` reuses the original parameters, so {quote_input(text)} was not applied. "
            f"To change them, run {quote_input(f'{ctx.settings.command} again {build} form')}"
        )
    run_in_background(ctx, typed, start_again(ctx, typed, reference), name="again")


async def suggest_finished(ctx: Context, actor: Actor) -> tuple[Suggestion, ...]:
    """Offer the last finished builds of the channel. They may be other people's, so none starts without a choice."""
    finished = [each for each in await queries.list_here(ctx, actor) if each.is_finished and each.number is not None]
    return tuple(
        Suggestion(f"Rerun #{each.number} {each.target or ''}".strip(), f"again {each.app_slug} #{each.number}")
        for each in finished[:MAX_OFFERED]
    )


async def rebuild_pressed(ctx: Context, action: Action) -> None:
    await ctx.permissions.check_may_act(action.actor)
    build = await queries.get_stored_build(ctx, action.actor, action.value)
    run_in_background(ctx, action, start_again(ctx, action, build), name="again")


async def start_again(ctx: Context, interaction: Interaction, build: BuildRef | BuildRow) -> Message | None:
    """Start the same build, or ask which commit if the branch has new ones."""
    actor, question_id = interaction.actor, interaction.trigger_id
    if isinstance(build, BuildRef):
        build = await queries.get_build(ctx, actor, build)
    parameters, not_repeated = await rebuild.load_parameters(ctx, actor, build)
    newer_commit = await rebuild.find_newer_commit(ctx, actor, build)
    if newer_commit is not None:
        # The question has an id of its own, so that its answers start one build however often a button is used.
        view = await views.load_view(ctx, build)
        return replies.branch_moved(view, request_id=question_id, newest_commit=newer_commit)
    started = await start.request_start(ctx, actor, parameters, unique_key=f"again:{question_id}")
    return await answer_start(ctx, started, not_repeated=not_repeated)


async def run_same_commit(ctx: Context, action: Action) -> None:
    await answer_question(ctx, action, is_same=True)


async def run_newest_commit(ctx: Context, action: Action) -> None:
    await answer_question(ctx, action, is_same=False)


async def answer_question(ctx: Context, action: Action, *, is_same: bool) -> None:
    """Start the build with the chosen commit, in place of the question."""
    question_id, build_slug = replies.read_answer(action.value)
    build = await queries.get_stored_build(ctx, action.actor, build_slug)

    async def start_chosen() -> Message:
        parameters, _ = await rebuild.load_parameters(ctx, action.actor, build)
        parameters = rebuild.at_commit_of(parameters, build) if is_same else rebuild.at_newest_commit(parameters)
        started = await start.request_start(ctx, action.actor, parameters, unique_key=f"again:{question_id}")
        return await replace_question(ctx, started)

    run_in_background(ctx, action, start_chosen(), name="again", replace=True)


async def edit_pressed(ctx: Context, action: Action) -> None:
    await ctx.permissions.check_may_act(action.actor)
    build = await queries.get_stored_build(ctx, action.actor, action.value)
    view_id = await open_view(ctx, action, notice(TITLE, "⏳ Loading its parameters…"))
    run_in_background(ctx, action, fill_form(ctx, action.actor, view_id, build), name="again form")


async def fill_form(ctx: Context, actor: Actor, view_id: str, build: BuildRef | BuildRow) -> None:
    """Show the form in the open modal, or an error, which is repeated in a message if that can have buttons."""
    slack = ctx.slack(actor.workspace_id)
    try:
        if isinstance(build, BuildRef):
            build = await queries.get_build(ctx, actor, build)
        await slack.update_view(view_id, await load_form(ctx, actor, build))
    except BuildbellError as error:
        await slack.update_view(view_id, error_view(TITLE, error))
        if error.suggestions:
            raise


async def load_form(ctx: Context, actor: Actor, build: BuildRow) -> View:
    """Return the form with the parameters of a build, and a note about what is different."""
    parameters, _ = await rebuild.load_parameters(ctx, actor, build)
    newer_commit = await rebuild.find_newer_commit(ctx, actor, build)
    notes = [note_left_out(parameters)]
    if newer_commit is not None:
        old, new = (build.commit_hash or "")[:7], newer_commit[:7]
        branch = clean(build.branch or "", 100)
        notes.append(f"{branch} has new commits since then ({old} → {new}). Without a commit, the newest is built.")
    return await filled_view(ctx, actor, parameters, note=quoted(" ".join(filter(None, notes)), 500))


def note_left_out(parameters: StartParameters) -> str:
    """List the parameters that the form can't hold, because it doesn't send them; empty without any."""
    lines = environment_lines(parameters.environment)
    names = [clean(key, 40) for key, _ in parameters.environment if key not in lines]
    names += ["the workflow"] if parameters.target and target_option(target_of(parameters)) is None else []
    names += ["the branch"] if parameters.branch and branch_option(parameters.branch) is None else []
    names += [f"pull request #{number}"] if (number := parameters.others.get("pull_request_id")) else []
    names += ["the message"] if length(parameters.message or "") > MESSAGE_LIMIT else []
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    listed = ", ".join(names[:MAX_LISTED]) + more
    return f"Not shown in this form and not included: {listed}. Run again uses all parameters." if names else ""


COMMAND = Command(
    "again",
    run=rebuild_typed,
    aliases=("retry", "rebuild"),
    topic="Start",
    help=(
        Help("again shop #812", "rerun a build with its parameters"),
        Help("again shop #812 form", "edit its parameters in the form first"),
    ),
    actions={
        ids.BUILD_AGAIN: rebuild_pressed,
        ids.BUILD_RUN_SAME_COMMIT: run_same_commit,
        ids.BUILD_RUN_NEWEST: run_newest_commit,
        ids.BUILD_AGAIN_FORM: edit_pressed,
    },
)
