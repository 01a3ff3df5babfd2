"""Show what is running, one build, or the card of a build in the channel; and find the build other verbs are about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot import connection
from bot.builds import queries, views
from bot.builds.queries import BuildRef
from bot.context import Context
from bot.errors import InvalidInput, MissingArgument
from bot.permissions import Actor
from bot.slack import build_lists, cards
from bot.slack.text import Message
from commands.build_reference import read_build
from commands.command import Command, Help
from commands.interaction import Action, Typed, run_in_background
from storage.builds import BuildRow


async def show_status(ctx: Context, typed: Typed) -> None:
    build, rest = read_build(typed.words)
    await connection.require(ctx, typed.actor.workspace_id)
    if build.names_build:
        work = load_status(ctx, typed.actor, build)
    elif ":" in rest.tail():
        raise InvalidInput(
            "What runs is shown of one app or of all. To narrow it, ask for recent builds: "
            f"`{ctx.settings.command} list shop workflow:deploy branch:main`"
        )
    else:  # several words can only be the title of an app
        work = load_running(ctx, typed.actor, typed.words.tail() if rest.tail() else build.app)
    run_in_background(ctx, typed, work, name="status")


async def load_status(ctx: Context, actor: Actor, reference: BuildRef) -> Message:
    build = await queries.get_build(ctx, actor, reference)
    return cards.card([await views.load_view(ctx, build)], now=ctx.clock.now())


async def load_running(ctx: Context, actor: Actor, app_name: str | None, *, may_stop_all: bool = False) -> Message:
    """List what is running in one app or all, with a button to stop everything in the app if ``may_stop_all``."""
    running = await queries.list_running(ctx, actor, app_name)
    app = running.app
    return build_lists.running_now(
        await views.load_views(ctx, running.builds),
        now=ctx.clock.now(),
        of=app.title if app else None,
        is_more=running.is_more,
        stop_all=app.app_slug if app and may_stop_all else None,
    )


async def post_card(ctx: Context, typed: Typed) -> None:
    reference, _ = read_build(typed.words)
    await connection.require(ctx, typed.actor.workspace_id)

    async def post() -> None:
        build = await queries.get_build(ctx, typed.actor, reference)
        await queries.post_card(ctx, typed.actor, build)

    run_in_background(ctx, typed, post(), name="show card")


async def answer_about_build(
    ctx: Context,
    interaction: Typed | Action,
    answer: Callable[[Context, BuildRow], Awaitable[Message]],
    *,
    is_meant: Callable[[BuildRow], bool],
) -> None:
    """Answer about the build that was typed, or whose button was used.

    Nothing typed means the newest build in this channel that ``is_meant``. Raises `MissingArgument` without any.
    """
    actor = interaction.actor
    if isinstance(interaction, Action):
        name, build = "about a build", queries.get_stored_build(ctx, actor, interaction.value)
    else:
        name, (reference, _) = interaction.verb, read_build(interaction.words)
        if not reference.names_build:
            reference = await find_meant(ctx, interaction, is_meant)
        await connection.require(ctx, actor.workspace_id)
        build = queries.get_build(ctx, actor, reference)

    async def load() -> Message:
        return await answer(ctx, await build)

    run_in_background(ctx, interaction, load(), name=name)


async def find_meant(ctx: Context, typed: Typed, is_meant: Callable[[BuildRow], bool]) -> BuildRef:
    """Return the newest build of the channel that is meant where none was typed. Raises `MissingArgument`."""
    here = [] if typed.words else await queries.list_here(ctx, typed.actor)
    build = next(filter(is_meant, here), None)
    if build is None:
        raise MissingArgument(f"Which build? For example: {ctx.settings.command} {typed.verb} shop #812")
    return BuildRef(slug=build.build_slug, app=build.app_slug, is_pipeline=build.is_pipeline)


COMMAND = Command(
    "status",
    run=show_status,
    topic="Track",
    help=(
        Help("status", "show running builds of all apps; also {command}-status"),
        Help("status shop", "show running builds of an app"),
        Help("status shop #812", "show a build, visible only to you"),
    ),
)
SHOW_COMMAND = Command(
    "show",
    run=post_card,
    topic="Track",
    help=(Help("shop #812", "post the card of a build in this channel; a Bitrise link works too"),),
)
