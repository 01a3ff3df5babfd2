"""Render a stored message from the builds as they are at the moment of sending."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from bot import apps
from bot.builds import bulk_abort_messages as bulk_abort
from bot.builds.abort import is_stoppable
from bot.builds.views import load_view, load_views
from bot.context import Context
from bot.notifications import messages as notifications
from bot.results import trends
from bot.slack import cards as drawing
from bot.slack.build_text import BuildView, is_stopping
from bot.slack.text import Message
from bot.statistics import digest_messages as digest_message
from bot.statistics import queries as stats_queries
from bot.statistics.queries import StatsQuery
from bot.statistics.schedule import find_zone
from bot.sync import import_messages as import_message
from storage import apps as app_rows
from storage import build_history
from storage import builds as build_rows
from storage import digests as digest_rows
from storage import imports as import_rows
from storage import messages as message_rows
from storage import requests as request_rows
from storage import results as result_rows
from storage.builds import BuildRow
from storage.messages import (
    BULK_ABORT,
    CARD,
    CHANGE,
    DIGEST,
    IMPORT,
    LINE,
    STARTED,
    SUMMARY,
    THREAD_ROOT,
    UNFURL,
    MessageRow,
)

REROUTED = (
    "Posted here because Buildbell can't post in that channel. To see cards there, run `/invite @Buildbell` in it."
)


async def render(ctx: Context, message: MessageRow) -> Message:
    views = await load_views(ctx, await list_builds(ctx, message))
    if message.kind in RENDERERS:
        return await RENDERERS[message.kind](ctx, message, views)
    return PURE_RENDERERS[message.kind](views, message.facts or {})


async def render_announcement(ctx: Context, message: MessageRow) -> Message:
    views = await load_views(ctx, await list_builds(ctx, message))
    followers = await message_rows.list_followers(ctx.db, message.message_id)
    return drawing.announcement(views, mention_user=message.requested_by, followers=followers)


async def render_explanation(ctx: Context, message: MessageRow, build_slug: str) -> Message | None:
    """Render why one of the message's builds failed; return None if nothing helpful was found."""
    build = await build_rows.find_build(ctx.db, message.workspace_id, build_slug)
    if build is None:
        return None
    result = await result_rows.find_result(ctx.db, message.workspace_id, build_slug)
    # A message about a changed result lists the new commits itself.
    commits = None if message.kind == CHANGE else await trends.list_new_commits(ctx.db, build)
    app = await app_rows.find_app(ctx.db, message.workspace_id, build.app_slug)
    return notifications.explanation(await load_view(ctx, build), result, commits, app)


async def list_builds(ctx: Context, message: MessageRow) -> list[BuildRow]:
    slugs = await message_rows.list_build_slugs(ctx.db, message.message_id)
    builds = [await build_rows.find_build(ctx.db, message.workspace_id, slug) for slug in slugs]
    return [build for build in builds if build is not None]


# Renderers by kind of message.


async def render_card(ctx: Context, message: MessageRow, views: list[BuildView]) -> Message:
    notes = [REROUTED] if message.rerouted_from else []
    notes += notifications.card_notes(views[0], message.facts) if views else []
    return drawing.card(views, now=ctx.clock.now(), notes=notes, offer=await offer_abort(ctx, views))


async def offer_abort(ctx: Context, views: list[BuildView]) -> drawing.Offer | None:
    """Offer to stop older builds that a build of the card supersedes, if any still run."""
    on_card = {view.build.build_slug for view in views}
    for build in (view.build for view in views):
        if build.is_finished or is_stopping(build) or build.pipeline_workflow_id is not None:
            continue
        superseded = await build_history.list_superseded(ctx.db, build)
        count = sum(is_stoppable(older) and older.build_slug not in on_card for older in superseded)
        if count:
            return drawing.Offer(build.build_slug, count)
    return None


async def render_change(ctx: Context, message: MessageRow, views: list[BuildView]) -> Message:
    build = views[0].build
    app = await app_rows.find_app(ctx.db, message.workspace_id, build.app_slug)
    commits = await trends.list_new_commits(ctx.db, build)
    return notifications.result_change(views[0], message.facts or {}, commits, app)


async def render_bulk_abort(ctx: Context, message: MessageRow, views: list[BuildView]) -> Message:
    facts = message.facts or {}
    request_ids = facts.get("requests", {})
    requests = [await request_rows.find_request(ctx.db, request_ids.get(view.build.build_slug, "")) for view in views]
    return bulk_abort.progress([bulk_abort.BuildAbort(*pair) for pair in zip(views, requests, strict=True)], facts)


async def render_import(ctx: Context, message: MessageRow, views: list[BuildView]) -> Message:
    rows = await import_rows.list_of_message(ctx.db, message.message_id)
    titles = await apps.list_titles(ctx, message.workspace_id)
    return import_message.progress(rows, titles, command=ctx.settings.command)


async def render_digest(ctx: Context, message: MessageRow, views: list[BuildView]) -> Message:
    facts = message.facts or {}
    query, until = StatsQuery(facts["app"], facts["days"]), datetime.fromisoformat(facts["until"])
    return digest_message.digest_message(
        await stats_queries.compare_periods(
            ctx, message.workspace_id, query, until=until, zone=find_zone(facts.get("zone")) or UTC
        ),
        await digest_rows.find_digest(ctx.db, facts["digest"]),
        await apps.list_titles(ctx, message.workspace_id),
        is_late=bool(facts.get("late")),
        command=ctx.settings.command,
    )


RENDERERS: Mapping[str, Callable[[Context, MessageRow, list[BuildView]], Awaitable[Message]]] = {
    CARD: render_card,
    CHANGE: render_change,
    BULK_ABORT: render_bulk_abort,
    UNFURL: render_card,
    IMPORT: render_import,
    DIGEST: render_digest,
}
PURE_RENDERERS: Mapping[str, Callable[[list[BuildView], Mapping[str, Any]], Message]] = {
    LINE: lambda views, facts: notifications.result(views[0], facts),
    STARTED: lambda views, facts: notifications.started(views[0]),
    SUMMARY: notifications.summary,
    THREAD_ROOT: lambda views, facts: notifications.branch(views),
}
"""They need nothing but the builds and the facts of the message."""
