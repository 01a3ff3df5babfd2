"""Read the past of apps in the background: one page at a time in a workspace, from the newest build back.

Nothing waits for it. A page that is read twice changes nothing, so it goes on after a restart where it stood. Builds
that ended before the bot looked for the first time are no news: they are stored, and nobody is told.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot import connection
from bot.bitrise.models import Build, BuildFilters, Page
from bot.context import Context
from bot.engine import JobKind, RetryAt
from bot.errors import (
    BitriseBusy,
    BitriseNotFound,
    BitriseRefused,
    BitriseUnavailable,
    NotConnected,
    SealBroken,
    TokenRejected,
)
from bot.sync import import_requests, updates
from bot.sync.import_requests import IMPORT
from storage import Transaction
from storage import imports as import_rows
from storage.imports import DONE, FAILED, ImportRow

log = logging.getLogger(__name__)
PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=5)
LOOK_AGAIN = timedelta(seconds=30)
"""While the token is refused nothing is asked at Bitrise; this is how soon a new one is noticed."""
COUNTED_GAP = timedelta(seconds=30)
"""A longer time between two pages was no reading: the bot was off, or the token dead."""
MOST_FAILURES = 20
MOST_RESTARTS = 5


async def perform_import(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """One page of what is next in the workspace; comes back until nothing is left."""
    row = await import_rows.find_next(ctx.db, arguments["workspace_id"])
    if row is None:
        return
    pause = PAUSE
    try:
        page = await _fetch_page(ctx, row)
    except NotConnected:
        return  # disconnecting has deleted the rows; connecting plans anew
    except (TokenRejected, SealBroken):
        pause = LOOK_AGAIN
    except (BitriseBusy, BitriseUnavailable) as error:
        pause = await _fail(ctx, row, error)
    except (BitriseNotFound, BitriseRefused) as error:
        await _turn_back(ctx, row, error)
    else:
        await _save_page(ctx, row, page)
    if await import_rows.find_next(ctx.db, row.workspace_id) is not None:
        raise RetryAt(ctx.clock.now() + pause)


async def give_up_import(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """A bug: say so, instead of standing still for ever."""

    async def end(tx: Transaction) -> None:
        for row in await import_rows.list_open(tx, arguments["workspace_id"]):
            await _save(ctx, tx, _failed(ctx, row, "Reading it broke on my side; the log says how."))

    await ctx.db.transaction(end)


async def _fetch_page(ctx: Context, row: ImportRow) -> Page[Build]:
    async with connection.client(ctx, row.workspace_id) as client:
        return await client.list_builds(row.app_slug, BuildFilters(after=row.since, next=row.cursor))


async def _save_page(ctx: Context, row: ImportRow, page: Page[Build]) -> None:
    async def keep(tx: Transaction) -> None:
        if await _is_unchanged(ctx, tx, row):
            # Whatever is new in it is told by the next sweep, in its order.
            await updates.apply_builds(ctx, tx, row.workspace_id, page.items, notify=False)
            await _save(ctx, tx, _moved(ctx, row, page))

    await ctx.db.transaction(keep)


async def _is_unchanged(ctx: Context, tx: Transaction, row: ImportRow) -> bool:
    """Nobody has stopped it, asked for it anew or disconnected while Bitrise answered."""
    now = await import_rows.find_import(tx, row.workspace_id, row.app_slug)
    return now is not None and now.is_open and (now.cursor, now.since) == (row.cursor, row.since)


def _moved(ctx: Context, row: ImportRow, page: Page[Build]) -> ImportRow:
    now, done = ctx.clock.now(), row.imported_count + len(page.items)
    is_last = page.next is None or page.next == row.cursor
    gap = min(now - row.updated_at, COUNTED_GAP) if row.updated_at else PAUSE
    return dataclasses.replace(
        row,
        state=DONE if is_last else row.state,
        cursor=None if is_last else page.next,
        imported_count=done,
        total=done if is_last else max(done, page.total or row.total or done),
        duration_ms=row.duration_ms + gap // timedelta(milliseconds=1),
        failures=0,
        updated_at=now,
        finished_at=now if is_last else None,
    )


async def _fail(ctx: Context, row: ImportRow, error: BitriseBusy | BitriseUnavailable) -> timedelta:
    """Bitrise is busy or away: later, each time a little more so, and at least as late as it asks for."""
    failures = row.failures + 1
    log.info("an import waits", extra={"workspace": row.workspace_id, "app": row.app_slug, "why": str(error)})
    over = failures > MOST_FAILURES
    failed = _failed(ctx, row, error.sentence) if over else dataclasses.replace(row, failures=failures)
    await _save_if_unchanged(ctx, row, failed)
    asked = timedelta(seconds=error.retry_after) if isinstance(error, BitriseBusy) else PAUSE
    return max(asked, min(LONGEST_PAUSE, PAUSE * 2.0 ** min(failures, 10)))


async def _turn_back(ctx: Context, row: ImportRow, error: BitriseNotFound | BitriseRefused) -> None:
    """The build a page begins with may be gone: then from the newest one again. Otherwise the app is not ours."""
    may_begin_anew = row.cursor is not None and row.restarts < MOST_RESTARTS
    log.warning(
        "an import was turned back",
        extra={"workspace": row.workspace_id, "app": row.app_slug, "anew": may_begin_anew, "why": str(error)},
    )
    anew = dataclasses.replace(
        row, cursor=None, imported_count=0, duration_ms=0, updated_at=None, restarts=row.restarts + 1
    )
    await _save_if_unchanged(ctx, row, anew if may_begin_anew else _failed(ctx, row, error.sentence))


def _failed(ctx: Context, row: ImportRow, why: str) -> ImportRow:
    return dataclasses.replace(row, state=FAILED, finished_at=ctx.clock.now(), error=why)


async def _save_if_unchanged(ctx: Context, before: ImportRow, after: ImportRow) -> None:
    async def save(tx: Transaction) -> None:
        if await _is_unchanged(ctx, tx, before):
            await _save(ctx, tx, after)

    await ctx.db.transaction(save)


async def _save(ctx: Context, tx: Transaction, row: ImportRow) -> None:
    """What was asked for meanwhile (a newer message, another order) stays."""
    now = await import_rows.find_import(tx, row.workspace_id, row.app_slug)
    if now is None:
        return
    kept = dataclasses.replace(
        row, requested_by=now.requested_by, requested_at=now.requested_at, message_id=now.message_id
    )
    await import_rows.save_import(tx, kept)
    await import_requests.show_progress(ctx, tx, kept)


JOBS = (JobKind(IMPORT, perform_import, concurrency=2, on_exhausted=give_up_import),)
