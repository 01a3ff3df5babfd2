"""What became of the builds: how they ended, how long they took, why they were stopped; as a message and a file."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from slack_bolt.async_app import AsyncAck

from bot import apps as app_names
from bot import connection
from bot.context import Context
from bot.errors import BuildbellError
from bot.permissions import Actor
from bot.slack import ids
from bot.slack.errors import SlackRefused
from bot.slack.text import Message
from bot.statistics import queries as stats_queries
from bot.statistics.export import render_csv
from bot.statistics.messages import StatsPage, export_text, read_stats_page, stats_message
from bot.statistics.queries import DEFAULT_DAYS, MAX_DAYS, StatsQuery
from bot.statistics.text import meanings_view
from bot.sync.import_messages import progress_sentence
from commands import list_builds
from commands.command import Command, Help
from commands.interaction import Payload, Typed, actor_of_press, answering, later, pressed_value, replace_question
from commands.tokenizer import ArgumentsUnclear, Words, quote_input
from storage import apps as app_rows
from storage import imports as import_rows
from storage.statistics import Scope

ALL = "all"
PERIOD = re.compile(r"(?:last:?|span:|days:)?(?P<days>[0-9]{1,4})d(?:ays?)?", re.IGNORECASE)
USAGE = (
    "Figures can be narrowed to an app, a span, a workflow, a branch and a cause.",
    "As in `stats shop 30d workflow:deploy branch:main cause:push`.",
)
ROWS_IN_FILE = 50_000


def read_stats(words: Words, *, usage: tuple[str, str] = USAGE) -> dict[str, Any]:
    """``shop 30d workflow:deploy branch:main cause:push``, by name; ``days`` is the period. ``usage`` is the error."""
    periods = [word for word in words.words if word.is_open and PERIOD.fullmatch(word.text)]
    if len(periods) > 1:
        problem = f"{quote_input(periods[0].text)} and {quote_input(periods[1].text)} are two spans."
        raise ArgumentsUnclear(problem, "Name one.")
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
            f"{quote_input(text)} is no span I know.",
            f"Write 7d, 30d, 90d, or another number of days up to {MAX_DAYS}.",
        )
    return days


async def show_stats(typed: Typed, ctx: Context) -> Message | None:
    options = read_stats(typed.words)
    await connection.require(ctx, typed.actor.workspace_id)

    async def tell() -> Message | None:
        query = await stats_query(typed.actor, options, ctx)
        return await told(typed.actor, StatsPage(query), ctx)

    later(ctx, typed.actor, tell(), name="stats", typed=typed)
    return None


async def stats_query(actor: Actor, options: Mapping[str, Any], ctx: Context) -> StatsQuery:
    """The app that was named, else the channel's, else all of them. Raises `AppNotFound`."""
    slug, app_name = None, options.get("app")
    if app_name is not None and app_name.lower() != ALL:
        slug = (await app_names.get_app(ctx, actor.workspace_id, app_name)).app_slug
    elif actor.channel_id and app_name is None:
        slug = (await app_rows.get_channel(ctx.db, actor.workspace_id, actor.channel_id)).app_slug
    return StatsQuery(
        app_slug=slug,
        days=options.get("days", DEFAULT_DAYS),
        workflow=options.get("workflow"),
        branch=options.get("branch"),
        cause=options["cause"].value if "cause" in options else None,
    )


async def told(actor: Actor, page: StatsPage, ctx: Context) -> Message:
    ctx.permissions.check_member(actor)
    stats = await stats_queries.load_stats(ctx, actor.workspace_id, page.query)
    titles = await app_rows.list_titles(ctx.db, actor.workspace_id)
    open_imports = await import_rows.list_open(ctx.db, actor.workspace_id)
    reading = [row for row in open_imports if page.query.app_slug in (None, row.app_slug)]
    return stats_message(stats, page, titles, past=progress_sentence(reading, titles))


async def ask_further(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    """Another span, app or workflow, or the reasons, in the place of what is shown."""
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        page = read_stats_page(pressed_value(action))

        async def tell() -> Message | None:
            replace_question(ctx, actor, await told(actor, page, ctx))
            return None

        later(ctx, actor, tell(), name="stats")


async def show_meanings(ack: AsyncAck, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        await ctx.slack(actor.workspace_id).open_view(body["trigger_id"], meanings_view())


async def export_csv(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        ctx.permissions.check_member(actor)
        later(ctx, actor, send_csv(actor, read_stats_page(pressed_value(action)), ctx), name="export")


async def send_csv(actor: Actor, page: StatsPage, ctx: Context) -> Message | None:
    """The rows behind the figures, to the person alone. Raises `BuildbellError` with a way out."""
    query, until = page.query, ctx.clock.now()
    whole = query.scope(actor.workspace_id, until - timedelta(days=query.days), until)
    content, count, is_whole = await render_csv(ctx.db, await apart(whole, ctx), limit=ROWS_IN_FILE)
    client = ctx.slack(actor.workspace_id)
    try:
        # A file goes to a conversation by its own id; posting to a person tells the id.
        posted = await client.post(actor.user_id, Message(export_text(count, is_whole=is_whole)))
        await client.upload(
            f"builds-{query.days}d.csv", content, title="Builds", channel=posted.channel_id, thread_ts=posted.ts
        )
    except SlackRefused as refused:
        if refused.error != "missing_scope":
            raise
        raise BuildbellError(
            "I may not send files here: the Slack app has no files:write. An admin can add the scope and install "
            f"the app again; on the server, `buildbell export --since {query.days}d` gives the same rows."
        ) from refused
    return None


async def apart(scope: Scope, ctx: Context) -> list[Scope]:
    """One scope for each app: all that the stored token reaches, or the one that is meant."""
    if scope.app_slug is not None:
        return [scope]
    apps = await app_rows.list_apps(ctx.db, scope.workspace_id)
    return [dataclasses.replace(scope, app_slug=app.app_slug) for app in apps]


COMMAND = Command(
    "stats",
    run=show_stats,
    help=(
        Help("stats shop", "what became of its builds in 30 days: the true success rate, durations, waiting, reasons"),
        Help("stats shop 90d workflow:deploy branch:main", "the same of 90 days and of those only; also cause:push"),
        Help("stats all 7d", "of all apps"),
    ),
    actions={
        ids.any_number(ids.STATS_SHOW): ask_further,
        ids.STATS_EXPORT: export_csv,
        ids.STATS_MEANING: show_meanings,
    },
)
