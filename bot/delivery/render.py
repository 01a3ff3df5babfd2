"""How each message looks: what its row says it is, drawn from the builds as they are at the moment of sending."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from bot.builds import bulk_abort_messages as bulk_abort
from bot.builds import views
from bot.builds.abort import is_stoppable
from bot.context import Context
from bot.notifications import messages as notifications
from bot.results import trends
from bot.slack import cards as drawing
from bot.slack.build_text import BuildView, is_stopping
from bot.slack.text import Message
from bot.statistics import digest_messages as digest_message
from bot.statistics import queries as stats_queries
from bot.statistics.queries import StatsQuery
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
    "This is here because I can't write where you asked for it. Invite me there to have the next one in the channel."
)


async def render(ctx: Context, card: MessageRow) -> Message:
    return await RENDERERS[card.kind](ctx, card, await _load_views(ctx, card))


async def render_announcement(ctx: Context, card: MessageRow) -> Message:
    return drawing.announcement(await _load_views(ctx, card), mention_user=card.requested_by)


async def render_explanation(ctx: Context, card: MessageRow, build_slug: str) -> Message | None:
    """Why one of a card's builds failed; None when nothing is known that helps."""
    build = await build_rows.find_build(ctx.db, card.workspace_id, build_slug)
    if build is None:
        return None
    finding = await result_rows.find_result(ctx.db, card.workspace_id, build_slug)
    is_told = card.kind == CHANGE  # the message itself says what is new
    new = None if is_told else await trends.list_new_commits(ctx.db, build)
    app = await app_rows.find_app(ctx.db, card.workspace_id, build.app_slug)
    return notifications.explanation(await views.load_view(ctx, build), finding, new, app)


async def list_builds(ctx: Context, card: MessageRow) -> list[BuildRow]:
    slugs = await message_rows.list_build_slugs(ctx.db, card.message_id)
    found = [await build_rows.find_build(ctx.db, card.workspace_id, slug) for slug in slugs]
    return [build for build in found if build is not None]


async def _load_views(ctx: Context, card: MessageRow) -> list[BuildView]:
    return await views.load_views(ctx, await list_builds(ctx, card))


async def _render_card(ctx: Context, card: MessageRow, shown: list[BuildView]) -> Message:
    notes = [REROUTED] if card.rerouted_from else []
    notes += notifications.card_notes(shown[0], card.facts) if shown else []
    return drawing.card(shown, now=ctx.clock.now(), notes=notes, offer=await _offer(ctx, shown))


async def _offer(ctx: Context, shown: list[BuildView]) -> drawing.Offer | None:
    """What older builds the card's still run and could be stopped; asked on every drawing, so that it is true."""
    on_card = {each.build.build_slug for each in shown}
    for newer in (each.build for each in shown):
        if newer.is_finished or is_stopping(newer) or newer.pipeline_workflow_id is not None:
            continue
        older = await build_history.list_superseded(ctx.db, newer)
        count = sum(is_stoppable(build) and build.build_slug not in on_card for build in older)
        if count:
            return drawing.Offer(newer.build_slug, count)
    return None


async def _render_line(ctx: Context, card: MessageRow, shown: list[BuildView]) -> Message:
    return notifications.result(shown[0], card.facts or {})


async def _render_start(ctx: Context, card: MessageRow, shown: list[BuildView]) -> Message:
    return notifications.started(shown[0])


async def _render_change(ctx: Context, card: MessageRow, shown: list[BuildView]) -> Message:
    build = shown[0].build
    app = await app_rows.find_app(ctx.db, card.workspace_id, build.app_slug)
    return notifications.result_change(shown[0], card.facts or {}, await trends.list_new_commits(ctx.db, build), app)


async def _render_summary(ctx: Context, card: MessageRow, shown: list[BuildView]) -> Message:
    return notifications.summary(shown, card.facts or {})


async def _render_thread_root(ctx: Context, card: MessageRow, shown: list[BuildView]) -> Message:
    return notifications.branch(shown)


async def _render_bulk_abort(ctx: Context, card: MessageRow, shown: list[BuildView]) -> Message:
    facts = card.facts or {}
    request_ids = facts.get("requests", {})
    found = [await request_rows.find_request(ctx.db, request_ids.get(each.build.build_slug, "")) for each in shown]
    return bulk_abort.progress([bulk_abort.BuildAbort(*pair) for pair in zip(shown, found, strict=True)], facts)


async def _render_import(ctx: Context, card: MessageRow, shown: list[BuildView]) -> Message:
    rows = await import_rows.list_of_message(ctx.db, card.message_id)
    return import_message.progress(
        rows, await app_rows.list_titles(ctx.db, card.workspace_id), command=ctx.settings.command
    )


async def _render_digest(ctx: Context, card: MessageRow, shown: list[BuildView]) -> Message:
    facts = card.facts or {}
    wanted, until = StatsQuery(facts["app"], facts["days"]), datetime.fromisoformat(facts["until"])
    figures = await stats_queries.compare_periods(ctx, card.workspace_id, wanted, until=until)
    return digest_message.digest_message(
        figures,
        await digest_rows.find_digest(ctx.db, facts["digest"]),
        await app_rows.list_titles(ctx.db, card.workspace_id),
        is_late=bool(facts.get("late")),
        command=ctx.settings.command,
    )


RENDERERS: Mapping[str, Callable[[Context, MessageRow, list[BuildView]], Awaitable[Message]]] = {
    CARD: _render_card,
    LINE: _render_line,
    STARTED: _render_start,
    CHANGE: _render_change,
    SUMMARY: _render_summary,
    THREAD_ROOT: _render_thread_root,
    BULK_ABORT: _render_bulk_abort,
    UNFURL: _render_card,
    IMPORT: _render_import,
    DIGEST: _render_digest,
}
