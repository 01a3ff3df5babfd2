"""Import past builds of one app or all, for statistics and estimates, and cancel imports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot import apps, connection
from bot.context import Context
from bot.permissions import Actor
from bot.slack import replies
from bot.slack.text import Message
from bot.sync import history_import
from bot.sync.history_import import MAX_DAYS
from bot.sync.import_messages import progress_sentence
from commands.command import Command, Help
from commands.grammar import Grammar
from commands.interaction import Typed, run_in_background
from commands.stats import ALL, split_period
from commands.tokenizer import Words
from storage import apps as app_rows
from storage import imports as import_rows

STOP = "stop"
GRAMMAR = Grammar({"app": str}, positional=("app",), example="app:shop 90d")


async def import_typed(ctx: Context, typed: Typed) -> Message | None:
    """Request imports; the answer is a message in the channel that shows their progress."""
    await ctx.permissions.check_may_act(typed.actor)
    first = typed.words.words[0] if typed.words else None
    if first is not None and first.is_open and first.text.lower() == STOP:
        return await stop_imports(ctx, typed)
    options = read_import(typed.words)
    await connection.require(ctx, typed.actor.workspace_id)
    run_in_background(ctx, typed, request_imports(ctx, typed.actor, options), name="import")
    return None


def read_import(words: Words) -> dict[str, Any]:
    days, rest = split_period(words)
    return {part.name: part.value for part in GRAMMAR.parts(rest)} | days


async def request_imports(ctx: Context, actor: Actor, options: Mapping[str, Any]) -> None:
    """Import the builds of the app by name, else of the channel's app, else of all. Raises `AppNotFound`."""
    name = options.get("app")
    app = None if name and name.lower() == ALL else await apps.resolve_app(ctx, actor, name)
    rows = [app] if app else await app_rows.list_apps(ctx.db, actor.workspace_id)
    slugs, days = [row.app_slug for row in rows], options.get("days", MAX_DAYS)
    await ctx.db.transaction(lambda tx: history_import.request_imports(ctx, tx, actor, slugs, days=days))


async def describe_imports(ctx: Context, workspace_id: str) -> str:
    """Return a sentence about the imports in progress; empty without any."""
    titles = await apps.list_titles(ctx, workspace_id)
    return progress_sentence(await import_rows.list_open(ctx.db, workspace_id), titles)


async def stop_imports(ctx: Context, typed: Typed) -> Message:
    actor, name = typed.actor, typed.words.tail(1).strip()
    app = None
    if name and name.lower() != ALL:
        app = await apps.find_by_name(ctx, actor.workspace_id, name)
        if app is None:
            return replies.reply(f"No import of {name} is running.")
    slug = app.app_slug if app else None
    stopped = await ctx.db.transaction(lambda tx: history_import.stop_imports(ctx, tx, actor, slug))
    if not stopped:
        return replies.reply("No import is running.")
    count = f"{len(stopped)} apps" if len(stopped) > 1 else "1 app"
    return replies.reply(f"Import canceled for {count}. Builds already imported are kept.")


COMMAND = Command(
    "import",
    run=import_typed,
    topic="Insights",
    help=(
        Help("import shop 90d", "import builds of the last 90 days (default 200) for stats and estimates"),
        Help("import stop", "cancel imports and keep what is imported"),
    ),
)
