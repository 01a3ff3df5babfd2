"""How it stands: one build, what runs now, or the card of a build, here."""

from __future__ import annotations

from bot import connection
from bot.builds import queries, views
from bot.builds.queries import BuildRef
from bot.context import Context
from bot.errors import InvalidInput
from bot.permissions import Actor
from bot.slack import build_lists as lists
from bot.slack import cards
from bot.slack.text import Message
from commands.build_reference import read_build
from commands.command import Command, Help
from commands.interaction import Typed, later
from commands.tokenizer import Words


async def show_status(typed: Typed, ctx: Context) -> Message | None:
    build, rest = read_build(typed.words)
    await connection.require(ctx, typed.actor.workspace_id)
    if build.names_build:
        work = one_build(typed.actor, build, ctx)
    else:
        work = running(typed.actor, typed_app(typed, build, rest, ctx), ctx)
    later(ctx, typed.actor, work, name="status", typed=typed)
    return None


def typed_app(typed: Typed, build: BuildRef, rest: Words, ctx: Context) -> str | None:
    """Return the app, of which all that was typed is the name, because nothing else can be meant."""
    if ":" in rest.tail():
        raise InvalidInput(
            "What runs is shown of one app or of all. To narrow it, ask for recent builds: "
            f"`{ctx.settings.command} list shop workflow:deploy branch:main`"
        )
    return typed.words.tail() if rest.tail() else build.app


async def one_build(actor: Actor, reference: BuildRef, ctx: Context) -> Message:
    build = await queries.get_build(ctx, actor, reference)
    return cards.card([await views.load_view(ctx, build)], now=ctx.clock.now())


async def running(actor: Actor, app_name: str | None, ctx: Context, *, may_stop_all: bool = False) -> Message:
    """What runs, in one app if it is named; ``may_stop_all``: with a button for all of that app."""
    found = await queries.list_running(ctx, actor, app_name)
    shown = await views.load_views(ctx, found.builds)
    title, slug = (found.app.title, found.app.app_slug) if found.app else (None, None)
    stop_all = slug if may_stop_all else None
    return lists.running_now(shown, now=ctx.clock.now(), of=title, is_more=found.is_more, stop_all=stop_all)


async def show_card_here(typed: Typed, ctx: Context) -> Message | None:
    reference, _ = read_build(typed.words)
    await connection.require(ctx, typed.actor.workspace_id)

    async def show() -> Message | None:
        build = await queries.get_build(ctx, typed.actor, reference)
        await queries.post_card(ctx, typed.actor, build)
        return None

    later(ctx, typed.actor, show(), name="show card", typed=typed)
    return None


COMMAND = Command(
    "status",
    run=show_status,
    help=(
        Help("status", "what runs now in all apps, with the time left; also {command}-status"),
        Help("status shop", "what runs now in one app"),
        Help("status shop #812", "one build, only for you"),
        Help("shop #812", "the card of a build, here, for everybody; a Bitrise link works too"),
    ),
)
SHOW_COMMAND = Command("show", run=show_card_here)
