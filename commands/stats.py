"""Show statistics of builds: results, durations and abort reasons, as a message and as a CSV file."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any

from bot import apps, connection, user_names
from bot.context import Context
from bot.permissions import Actor
from bot.slack import ids
from bot.slack.text import Message
from bot.statistics import queries as stats_queries
from bot.statistics.export import render_csv
from bot.statistics.messages import StatsPage, export_text, read_stats_page, stats_message
from bot.statistics.queries import DEFAULT_DAYS, MAX_DAYS, StatsQuery
from bot.statistics.schedule import find_zone
from bot.statistics.text import meanings_view
from bot.sync.import_messages import progress_sentence
from commands import list_builds
from commands.command import Command, Help
from commands.interaction import Action, Typed, open_view, run_in_background, send_file
from commands.tokenizer import ArgumentsUnclear, Words, quote_input
from storage import apps as app_rows
from storage import imports as import_rows

ALL = "all"
PERIOD = re.compile(r"(?:last:?|period:|days:)?(?P<days>[0-9]{1,4})d(?:ays?)?", re.IGNORECASE)
USAGE = (
    "Use an app, a period, and filters for workflow, branch and cause.",
    "For example: `stats shop 30d workflow:deploy branch:main cause:push`.",
)
ROWS_IN_FILE = 50_000


def read_stats(words: Words, *, usage: tuple[str, str] = USAGE) -> dict[str, Any]:
    """Return the options of ``shop 30d workflow:deploy branch:main cause:push`` by name; ``days`` is the period.

    ``usage`` is the error for everything else.
    """
    periods = [word for word in words.words if word.is_open and PERIOD.fullmatch(word.text)]
    if len(periods) > 1:
        problem = f"{quote_input(periods[0].text)} and {quote_input(periods[1].text)} are both periods."
        raise ArgumentsUnclear(problem, "Use one.")
    days = {"days": read_days(periods[0].text)} if periods else {}
    others = tuple(word for word in words.words if word not in periods)
    parts = list(list_builds.GRAMMAR.parts(dataclasses.replace(words, words=others)))
    options = {part.name: part.value for part in parts}
    is_surplus = any(not part.key and part.name != "app" for part in parts) or options.get("page", 1) > 1
    if is_surplus or options.keys() & {"outcome", "by"}:
        raise ArgumentsUnclear(*usage)
    return options | days


def read_days(text: str) -> int:
    match = PERIOD.fullmatch(text)
    days = int(match["days"]) if match else 0
    if not 1 <= days <= MAX_DAYS:
        raise ArgumentsUnclear(
            f"{quote_input(text)} isn't a valid period.", f"Use 7d, 30d or 90d ({MAX_DAYS}d at most)."
        )
    return days


async def show_stats(ctx: Context, typed: Typed) -> None:
    options = read_stats(typed.words)
    await connection.require(ctx, typed.actor.workspace_id)

    async def load() -> Message:
        return await load_page(ctx, typed.actor, StatsPage(await resolve_query(ctx, typed.actor, options)))

    run_in_background(ctx, typed, load(), name="stats")


async def resolve_query(ctx: Context, actor: Actor, options: Mapping[str, Any]) -> StatsQuery:
    """Fill in the app that was named, else the channel's; without either the query is for all. Raises `AppNotFound`."""
    app_slug, name = None, options.get("app")
    if name is not None and name.lower() != ALL:
        app_slug = (await apps.get_app(ctx, actor.workspace_id, name)).app_slug
    elif actor.channel_id and name is None:
        app_slug = (await app_rows.get_channel(ctx.db, actor.workspace_id, actor.channel_id)).app_slug
    return StatsQuery(
        app_slug=app_slug,
        days=options.get("days", DEFAULT_DAYS),
        workflow=options.get("workflow"),
        branch=options.get("branch"),
        cause=options["cause"].value if "cause" in options else None,
    )


async def load_page(ctx: Context, actor: Actor, page: StatsPage) -> Message:
    ctx.permissions.check_member(actor)
    zone = find_zone(await user_names.find_time_zone(ctx, actor.workspace_id, actor.user_id)) or UTC
    stats = await stats_queries.load_stats(ctx, actor.workspace_id, page.query, zone=zone)
    titles = await apps.list_titles(ctx, actor.workspace_id)
    open_imports = await import_rows.list_open(ctx.db, actor.workspace_id)
    imports = [row for row in open_imports if page.query.app_slug in (None, row.app_slug)]
    return stats_message(stats, page, titles, past=progress_sentence(imports, titles))


async def show_page(ctx: Context, action: Action) -> None:
    """Replace the message with another period, app or workflow, or with the reasons."""
    page = read_stats_page(action.value)
    run_in_background(ctx, action, load_page(ctx, action.actor, page), name="stats", replace=True)


async def show_meanings(ctx: Context, action: Action) -> None:
    await open_view(ctx, action, meanings_view())


async def export_csv(ctx: Context, action: Action) -> None:
    ctx.permissions.check_member(action.actor)
    page = read_stats_page(action.value)
    run_in_background(ctx, action, send_csv(ctx, action.actor, page.query), name="export")


async def send_csv(ctx: Context, actor: Actor, query: StatsQuery) -> None:
    """Send the builds behind the statistics as a direct message. Raises `BuildbellError` with a way out."""
    until = ctx.clock.now()
    scope = query.scope(actor.workspace_id, until - timedelta(days=query.days), until)
    scopes = [scope]
    if query.app_slug is None:  # the apps that the token can access, not all that have stored builds
        rows = await app_rows.list_apps(ctx.db, actor.workspace_id)
        scopes = [dataclasses.replace(scope, app_slug=row.app_slug) for row in rows]
    content, count, is_whole = await render_csv(ctx.db, scopes, limit=ROWS_IN_FILE)
    await send_file(
        ctx, actor, f"builds-{query.days}d.csv", content, title="Builds",
        text=export_text(count, is_whole=is_whole), cli=f"buildbell export --since {query.days}d",
    )  # fmt: skip


COMMAND = Command(
    "stats",
    run=show_stats,
    topic="Insights",
    help=(
        Help(
            "stats shop",
            "show the success rate of 30 days, with durations, queue times and stop reasons behind buttons",
        ),
        Help("stats shop 90d workflow:deploy branch:main", "narrow by workflow, branch and cause"),
        Help("stats all 7d", "show stats of all apps"),
    ),
    actions={
        ids.any_number(ids.STATS_SHOW): show_page,
        ids.STATS_MEANING: show_meanings,
        ids.STATS_EXPORT: export_csv,
    },
)
