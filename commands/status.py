"""How it stands: one build, what runs now, or the card of a build, here."""

from __future__ import annotations

from bot import connection
from bot.builds import queries, views
from bot.builds.queries import Named
from bot.context import Context
from bot.errors import InvalidInput
from bot.permissions import Actor
from bot.slack import build_lists as lists
from bot.slack import cards
from bot.slack.text import Message
from commands.build_reference import BuildArguments
from commands.grammar import parse_build
from commands.interaction import Help, Typed, later

HELP = (
    Help("status", "what runs now in all apps, with the time left; also {command}-status"),
    Help("status shop", "what runs now in one app"),
    Help("status shop #812", "one build, only for you"),
    Help("shop #812", "the card of a build, here, for everybody; a Bitrise link works too"),
)


async def show_status(typed: Typed, ctx: Context) -> Message | None:
    build = parse_build(typed.words)
    await connection.require(ctx, typed.actor.workspace_id)
    if build.names_build:
        work = one_build(typed.actor, build, ctx)
    else:
        work = running(typed.actor, app_alone(typed, build, ctx), ctx)
    later(ctx, typed.actor, work, name="status", typed=typed)
    return None


def app_alone(typed: Typed, build: BuildArguments, ctx: Context) -> str | None:
    """Nothing but an app can be meant, so all that was typed is its name, blanks and all."""
    if ":" in build.rest:
        raise InvalidInput(
            "What runs is shown of one app or of all. To narrow it, ask for recent builds: "
            f"`{ctx.settings.command} list shop workflow:deploy branch:main`"
        )
    return typed.words.tail() if build.rest else build.app


async def one_build(actor: Actor, arguments: BuildArguments, ctx: Context) -> Message:
    build = await queries.get_build(ctx, actor, named(arguments))
    return cards.card([await views.load_view(ctx, build)], now=ctx.clock.now())


async def running(actor: Actor, app_name: str | None, ctx: Context, *, may_stop_all: bool = False) -> Message:
    """What runs, in one app if it is named; ``may_stop_all``: with a button for all of that app."""
    found = await queries.list_running(ctx, actor, app_name)
    shown = await views.load_views(ctx, found.builds)
    title, slug = (found.app.title, found.app.app_slug) if found.app else (None, None)
    stop_all = slug if may_stop_all else None
    return lists.running_now(shown, now=ctx.clock.now(), of=title, is_more=found.is_more, stop_all=stop_all)


async def show_card_here(typed: Typed, ctx: Context) -> Message | None:
    arguments = parse_build(typed.words)
    await connection.require(ctx, typed.actor.workspace_id)

    async def show() -> Message | None:
        build = await queries.get_build(ctx, typed.actor, named(arguments))
        await queries.post_card(ctx, typed.actor, build)
        return None

    later(ctx, typed.actor, show(), name="show card", typed=typed)
    return None


def named(arguments: BuildArguments) -> Named:
    return Named(
        app=arguments.app,
        number=arguments.number,
        slug=arguments.pipeline or arguments.slug,
        is_pipeline=arguments.pipeline is not None,
    )
