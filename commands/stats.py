"""Show statistics of builds: results, durations and abort reasons, as a message and as a CSV file."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping
from datetime import UTC, tzinfo
from typing import Any, NoReturn

from bot import apps, connection, user_names
from bot.context import Context
from bot.errors import InvalidInput
from bot.permissions import Actor
from bot.slack import ids
from bot.slack.text import Message
from bot.statistics import queries as stats_queries
from bot.statistics.export import render_csv
from bot.statistics.messages import StatsPage, export_text, read_stats_page, stats_message
from bot.statistics.queries import DEFAULT_DAYS, MAX_DAYS, StatsQuery, split_days
from bot.statistics.schedule import find_zone
from bot.statistics.text import meanings_view
from bot.sync.import_messages import progress_sentence
from commands import list_builds
from commands.command import Command, Help
from commands.grammar import CAUSES, RESULTS, Grammar, choice, one_name
from commands.interaction import Action, Typed, open_view, run_in_background, send_file
from commands.tokenizer import ArgumentsUnclear, Words, quote_input
from storage import apps as app_rows
from storage import imports as import_rows

ALL = "all"
PERIOD = re.compile(r"(?:last:?|period:|days:)?(?P<days>[0-9]{1,4})d(?:ays?)?", re.IGNORECASE)
LIKE_PERIOD = re.compile(
    r"(?:last:?|period:|days:)?[0-9]{1,4}(?:d(?:ays?)?|w(?:eeks?)?|m(?:onths?)?|h(?:ours?)?)?", re.IGNORECASE
)
ROWS_IN_FILE = 50_000


def refuse_outcome(word: str) -> NoReturn:
    raise ArgumentsUnclear(
        "Stats always count every result.", f"Remove it, or list builds: `list shop outcome:{word}`."
    )


def refuse_person(word: str) -> NoReturn:
    raise ArgumentsUnclear("Stats can't be filtered by person.", "Use `workflow:`, `branch:` or `cause:`.")


GRAMMAR = Grammar(
    positional=("app", "workflow", "branch"),
    keys={
        "app": str,
        "workflow w": one_name,
        "branch b": one_name,
        "cause": choice("cause", CAUSES),
        "outcome state status": refuse_outcome,
        "by": refuse_person,
    },
    bare=lambda word: refuse_outcome(word) if word.lower() in RESULTS else None,
    example="workflow:deploy branch:main cause:push",
)


def read_stats(words: Words) -> tuple[dict[str, Any], set[str]]:
    """Return the options of ``shop 30d workflow:deploy branch:main cause:push``, and which had no key."""
    days, rest = split_period(words)
    parts = list(GRAMMAR.parts(rest))
    return {part.name: part.value for part in parts} | days, {part.name for part in parts if not part.key}


def split_period(words: Words) -> tuple[dict[str, int], Words]:
    """Return the typed period as ``days``, and the other words."""
    periods = [word for word in words.words if word.is_open and LIKE_PERIOD.fullmatch(word.text)]
    if len(periods) > 1:
        problem = f"{quote_input(periods[0].text)} and {quote_input(periods[1].text)} are both periods."
        raise ArgumentsUnclear(problem, "Use one.")
    rest = tuple(word for word in words.words if word not in periods)
    return {"days": read_days(periods[0].text)} if periods else {}, dataclasses.replace(words, words=rest)


def read_days(text: str) -> int:
    match = PERIOD.fullmatch(text)
    days = int(match["days"]) if match else 0
    if not 1 <= days <= MAX_DAYS:
        raise ArgumentsUnclear(
            f"{quote_input(text)} isn't a valid period.", f"Use 7d, 30d or 90d ({MAX_DAYS}d at most)."
        )
    return days


async def show_stats(ctx: Context, typed: Typed) -> None:
    options, unnamed = read_stats(typed.words)
    await connection.require(ctx, typed.actor.workspace_id)

    async def load() -> Message:
        return await load_page(ctx, typed.actor, StatsPage(await resolve_query(ctx, typed.actor, options, unnamed)))

    run_in_background(ctx, typed, load(), name="stats")


async def resolve_query(
    ctx: Context, actor: Actor, options: Mapping[str, Any], unnamed: Collection[str] = ()
) -> StatsQuery:
    """Fill in the app that was named, else the channel's; without either the query is for all apps.

    Raises `AppNotFound`, and `InvalidInput` for a word that the app has no name like.
    """
    name, workflow, branch = (options.get(each) for each in ("app", "workflow", "branch"))
    app = None if name and name.lower() == ALL else await apps.resolve_app(ctx, actor, name)
    if app is not None:
        workflow, branch = await list_builds.place_names(ctx, app, workflow, branch, unnamed, verb="stats")
    elif workflow and "workflow" in unnamed:
        quoted = quote_input(workflow)
        raise InvalidInput(f"Enter an app before {quoted}, or use `workflow:{workflow}` for all apps.")
    return StatsQuery(
        app_slug=app.app_slug if app else None,
        days=options.get("days", DEFAULT_DAYS),
        workflow=workflow,
        branch=branch,
        cause=options["cause"].value if "cause" in options else None,
    )


async def load_page(ctx: Context, actor: Actor, page: StatsPage) -> Message:
    ctx.permissions.check_member(actor)
    zone = await find_reader_zone(ctx, actor)
    stats = await stats_queries.load_stats(ctx, actor.workspace_id, page.query, zone=zone)
    titles = await apps.list_titles(ctx, actor.workspace_id)
    open_imports = await import_rows.list_open(ctx.db, actor.workspace_id)
    imports = [row for row in open_imports if page.query.app_slug in (None, row.app_slug)]
    return stats_message(stats, page, titles, past=progress_sentence(imports, titles))


async def find_reader_zone(ctx: Context, actor: Actor) -> tzinfo:
    return find_zone(await user_names.find_time_zone(ctx, actor.workspace_id, actor.user_id)) or UTC


async def show_page(ctx: Context, action: Action) -> None:
    """Replace the message with another period, app or workflow, or with the reasons."""
    page = read_stats_page(action.value)
    run_in_background(ctx, action, load_page(ctx, action.actor, page), name="stats", replace=True)


async def open_page(ctx: Context, action: Action) -> None:
    """Show the stats behind a scheduled report to the person who asks."""
    run_in_background(ctx, action, load_page(ctx, action.actor, read_stats_page(action.value)), name="stats")


async def show_meanings(ctx: Context, action: Action) -> None:
    await open_view(ctx, action, meanings_view())


async def export_csv(ctx: Context, action: Action) -> None:
    ctx.permissions.check_member(action.actor)
    page = read_stats_page(action.value)
    run_in_background(ctx, action, send_csv(ctx, action.actor, page.query), name="export")


async def send_csv(ctx: Context, actor: Actor, query: StatsQuery) -> None:
    """Send the builds behind the statistics as a direct message. Raises `BuildbellError` with a way out."""
    until = ctx.clock.now().astimezone(await find_reader_zone(ctx, actor))
    scope = query.scope(actor.workspace_id, split_days(until, query.days)[0], until)
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
        Help("stats shop", "show the success rate of 30 days, with durations and stop reasons behind buttons"),
        Help("stats shop 90d workflow:deploy branch:main", "narrow by workflow, branch and cause"),
        Help("stats all 7d", "show stats of all apps"),
    ),
    actions={
        ids.any_number(ids.STATS_SHOW): show_page,
        ids.STATS_OPEN: open_page,
        ids.STATS_MEANING: show_meanings,
        ids.STATS_EXPORT: export_csv,
    },
)
