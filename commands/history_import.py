"""Read builds of the past, so that figures and estimates know them: one app or all, how far back, and the end of it."""

from __future__ import annotations

from typing import Any

from bot import apps as app_names
from bot import connection
from bot.context import Context
from bot.slack import replies
from bot.slack.text import Message
from bot.sync import history_import
from bot.sync.history_import import MAX_DAYS
from commands.command import Command, Help
from commands.interaction import Typed, later
from commands.stats import ALL, read_stats
from commands.tokenizer import ArgumentsUnclear, Words
from storage import apps as app_rows
from storage.apps import AppRow

STOP = "stop"
USAGE = ("Builds are read app by app, all that there are.", "As in `import shop 90d`.")


async def read_past(typed: Typed, ctx: Context) -> Message | None:
    """Answered in the channel, by a message that moves."""
    first = typed.words.words[0] if typed.words else None
    if first is not None and first.is_open and first.text.lower() == STOP:
        return await stop_reading(typed, ctx)
    options = read_import(typed.words)
    await connection.require(ctx, typed.actor.workspace_id)

    async def ask() -> Message | None:
        apps = await apps_of(typed, options.get("app"), ctx)
        slugs, days = [app.app_slug for app in apps], options.get("days", MAX_DAYS)
        await ctx.db.transaction(lambda tx: history_import.request_imports(ctx, tx, typed.actor, slugs, days=days))
        return None

    later(ctx, typed.actor, ask(), name="import", typed=typed)
    return None


def read_import(words: Words) -> dict[str, Any]:
    options = read_stats(words, usage=USAGE)
    if options.keys() & {"workflow", "branch", "cause"}:
        raise ArgumentsUnclear(*USAGE)
    return options


async def apps_of(typed: Typed, name: str | None, ctx: Context) -> list[AppRow]:
    """Return the app by name, else the default of the channel, else all apps. Raises `AppNotFound`."""
    is_all = name is not None and name.lower() == ALL
    app = None if is_all else await app_names.resolve_app(ctx, typed.actor, name)
    return [app] if app else await app_rows.list_apps(ctx.db, typed.actor.workspace_id)


async def stop_reading(typed: Typed, ctx: Context) -> Message | None:
    actor, name = typed.actor, typed.words.tail(1).strip()
    is_one = bool(name) and name.lower() != ALL
    app = await app_names.find_by_name(ctx, actor.workspace_id, name) if is_one else None
    if app is None and is_one:
        return replies.reply(f"No builds are being read of an app that is called {name}.")
    slug = app.app_slug if app else None
    stopped = await ctx.db.transaction(lambda tx: history_import.stop_imports(ctx, tx, actor, slug))
    if not stopped:
        return replies.reply("No builds of the past are being read.")
    count = f"{len(stopped)} apps" if len(stopped) > 1 else "the app"
    return replies.reply(f"I read no more of the past builds of {count}. What is read stays.")


COMMAND = Command(
    "import",
    run=read_past,
    help=(
        Help(
            "import shop 90d", "reads the builds of the last 90 days, for figures and estimates; without, of 200 days"
        ),
        Help("import stop", "ends that; what is read stays"),
    ),
)
