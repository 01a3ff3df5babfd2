"""Import past builds in the background: app by app, one page at a time, from the newest build back.

An import resumes after a restart, because a page that is applied twice changes nothing. Builds that finished before the
first sync send no notifications.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot import connection, outbox, requests
from bot.bitrise.models import Build, BuildFilters, Page
from bot.context import Context
from bot.engine import Job, JobKind, RetryAt
from bot.errors import (
    BitriseBusy,
    BitriseNotFound,
    BitriseRefused,
    BitriseUnavailable,
    NotConnected,
    SealBroken,
    TokenRejected,
)
from bot.permissions import Actor
from bot.sync import updates
from storage import Transaction
from storage import imports as import_rows
from storage import messages as message_rows
from storage.imports import DONE, FAILED, OPEN, STOPPED, ImportRow
from storage.messages import IMPORT as IMPORT_KIND
from storage.messages import MessageRow

log = logging.getLogger(__name__)
IMPORT = "import"
MAX_DAYS = 200
"""Bitrise lists no older builds: https://docs.bitrise.io, *Managing an app's builds*."""
DELAY_AFTER_CONNECTING = timedelta(seconds=5)
"""The first sync goes first."""
PAUSE = timedelta(seconds=2)
MAX_PAUSE = timedelta(minutes=5)
TOKEN_RETRY = timedelta(seconds=30)
"""How soon a new token is noticed; with a rejected one Bitrise isn't called."""
MAX_PAGE_TIME = timedelta(seconds=30)
"""A longer time between two pages doesn't count: Buildbell was off, or the token rejected."""
PROGRESS_EVERY = timedelta(seconds=10)
MAX_FAILURES = 20
MAX_RESTARTS = 5


# Requests.


async def start_imports(ctx: Context, tx: Transaction, workspace_id: str, app_slugs: Iterable[str], *, by: str) -> None:
    """Import the apps of a new connection that haven't been imported, with a message only if it takes longer."""
    now = ctx.clock.now()
    message = new_message(ctx, workspace_id, channel_id=by, by=by, is_quiet=True)
    is_new = False
    for app_slug in app_slugs:
        existing = await import_rows.find_import(tx, workspace_id, app_slug)
        if existing is None or existing.state == FAILED:
            since = now - timedelta(days=MAX_DAYS)
            row = ImportRow(workspace_id, app_slug, OPEN, since, by, now, message_id=message.message_id)
            await import_rows.save_import(tx, row)
            is_new = True
    if is_new:
        await message_rows.add_message(tx, message, [])
        await schedule(ctx, tx, workspace_id, at=now + DELAY_AFTER_CONNECTING)


async def request_imports(ctx: Context, tx: Transaction, actor: Actor, app_slugs: Sequence[str], *, days: int) -> None:
    """Import these apps next and show the progress in a message. Running imports that go back as far continue."""
    workspace_id, by, now = actor.workspace_id, actor.user_id, ctx.clock.now()
    message = new_message(ctx, workspace_id, channel_id=actor.channel_id or by, by=by)
    since, earlier_messages = now - timedelta(days=min(days, MAX_DAYS)), []
    for app_slug in app_slugs:
        row = ImportRow(workspace_id, app_slug, OPEN, since, by, now, message_id=message.message_id)
        existing = await import_rows.find_import(tx, workspace_id, app_slug)
        if existing is not None and existing.is_open:
            earlier_messages.append(existing.message_id)
            if existing.since <= since:
                row = take_over(existing, row)
        await import_rows.save_import(tx, row)
    await message_rows.add_message(tx, message, [])
    await record_audit(ctx, tx, actor, app_slugs, f"requested, {days} days")
    await update_messages(ctx, tx, [message.message_id, *earlier_messages])
    await schedule(ctx, tx, workspace_id, at=now)


async def stop_imports(ctx: Context, tx: Transaction, actor: Actor, app_slug: str | None) -> list[ImportRow]:
    """Stop the import of an app, or all of them, and return those that were open. Imported builds are kept."""
    rows = await import_rows.list_open(tx, actor.workspace_id)
    rows = [row for row in rows if app_slug in (None, row.app_slug)]
    for row in rows:
        reason = f"stopped by @{actor.user_name}"
        stopped = dataclasses.replace(row, state=STOPPED, finished_at=ctx.clock.now(), error=reason)
        await import_rows.save_import(tx, stopped)
    if rows:
        await record_audit(ctx, tx, actor, [row.app_slug for row in rows], "stopped")
    await update_messages(ctx, tx, [row.message_id for row in rows])
    return rows


async def record_audit(ctx: Context, tx: Transaction, actor: Actor, app_slugs: Sequence[str], result: str) -> None:
    """Add one entry, for an app or for several."""
    app_slug, subject = (app_slugs[0], "") if len(app_slugs) == 1 else (None, f"{len(app_slugs)} apps")
    await requests.record_audit(
        ctx, tx, actor.workspace_id, actor.user_id, action=IMPORT, subject=subject, result=result, app_slug=app_slug
    )


async def delete_imports(ctx: Context, tx: Transaction, workspace_id: str) -> None:
    """Forget the imports of a workspace that was disconnected: the next connection imports everything."""
    rows = await import_rows.list_open(tx, workspace_id)
    await import_rows.delete_imports(tx, workspace_id)
    await update_messages(ctx, tx, [row.message_id for row in rows])


async def schedule(ctx: Context, tx: Transaction, workspace_id: str, *, at: datetime) -> None:
    """Add a job. One too many does nothing: those of a workspace run one at a time and end if nothing is left."""
    job = Job(IMPORT, {"workspace_id": workspace_id}, key=f"import:{workspace_id}", due_at=at)
    await ctx.engine.enqueue(tx, job)


def take_over(row: ImportRow, request: ImportRow) -> ImportRow:
    """Return an import with the person, time and message of another request."""
    return dataclasses.replace(
        row, requested_by=request.requested_by, requested_at=request.requested_at, message_id=request.message_id
    )


# The job.


async def perform_import(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """Import one page of the app that is next; retry until no app is left."""
    row = await import_rows.find_next(ctx.db, arguments["workspace_id"])
    if row is None:
        return
    pause = PAUSE
    try:
        async with connection.client(ctx, row.workspace_id) as client:
            page = await client.list_builds(row.app_slug, BuildFilters(after=row.since, next=row.cursor))
    except NotConnected:
        return  # disconnecting has deleted the imports
    except (TokenRejected, SealBroken):
        pause = TOKEN_RETRY
    except (BitriseBusy, BitriseUnavailable) as error:
        pause = await count_failure(ctx, row, error)
    except (BitriseNotFound, BitriseRefused) as error:
        await restart_or_fail(ctx, row, error)
    else:
        await save(ctx, row, advance(row, page, now=ctx.clock.now()), page.items)
    if await import_rows.find_next(ctx.db, row.workspace_id) is not None:
        raise RetryAt(ctx.clock.now() + pause)


def advance(row: ImportRow, page: Page[Build], *, now: datetime) -> ImportRow:
    """Return an import after another page."""
    count = row.imported_count + len(page.items)
    is_last = page.next is None or page.next == row.cursor
    page_time = min(now - row.updated_at, MAX_PAGE_TIME) if row.updated_at else PAUSE
    return dataclasses.replace(
        row,
        state=DONE if is_last else row.state,
        cursor=None if is_last else page.next,
        imported_count=count,
        total=count if is_last else max(count, page.total or row.total or count),
        duration_ms=row.duration_ms + page_time // timedelta(milliseconds=1),
        failures=0,
        updated_at=now,
        finished_at=now if is_last else None,
    )


async def count_failure(ctx: Context, row: ImportRow, error: BitriseBusy | BitriseUnavailable) -> timedelta:
    """Return a longer pause after each failure in a row, and at least what Bitrise asks for; give up after many."""
    log.info("an import waits", extra={"workspace": row.workspace_id, "app": row.app_slug, "why": str(error)})
    failures = row.failures + 1
    failed = dataclasses.replace(row, failures=failures)
    await save(ctx, row, fail(ctx, row, error.sentence) if failures > MAX_FAILURES else failed)
    requested = timedelta(seconds=error.retry_after) if isinstance(error, BitriseBusy) else PAUSE
    return max(requested, min(MAX_PAUSE, PAUSE * 2.0 ** min(failures, 10)))


async def restart_or_fail(ctx: Context, row: ImportRow, error: BitriseNotFound | BitriseRefused) -> None:
    """Start again from the newest build if the cursor may be stale: the build that a page begins with was deleted."""
    can_restart = row.cursor is not None and row.restarts < MAX_RESTARTS
    facts = {"workspace": row.workspace_id, "app": row.app_slug, "anew": can_restart, "why": str(error)}
    log.warning("an import was turned back", extra=facts)
    restarted = dataclasses.replace(
        row, cursor=None, imported_count=0, duration_ms=0, updated_at=None, restarts=row.restarts + 1
    )
    await save(ctx, row, restarted if can_restart else fail(ctx, row, error.sentence))


async def give_up_import(ctx: Context, arguments: Mapping[str, Any]) -> None:
    for row in await import_rows.list_open(ctx.db, arguments["workspace_id"]):
        await save(ctx, row, fail(ctx, row, "Unexpected error. Your Buildbell operator can find it in the log."))


def fail(ctx: Context, row: ImportRow, error: str) -> ImportRow:
    return dataclasses.replace(row, state=FAILED, finished_at=ctx.clock.now(), error=error)


async def save(ctx: Context, before: ImportRow, after: ImportRow, builds: Iterable[Build] = ()) -> None:
    """Store a step with its builds, unless the import was stopped, requested anew or deleted meanwhile."""

    async def store(tx: Transaction) -> None:
        current = await import_rows.find_import(tx, before.workspace_id, before.app_slug)
        if current is None or not current.is_open:
            return
        if (current.cursor, current.since) != (before.cursor, before.since):
            return
        # The next sync sends the notifications, in order.
        await updates.apply_builds(ctx, tx, before.workspace_id, builds, notify=False)
        row = take_over(after, current)
        await import_rows.save_import(tx, row)
        await update_progress(ctx, tx, row)

    await ctx.db.transaction(store)


# Messages.


def new_message(ctx: Context, workspace_id: str, *, channel_id: str, by: str, is_quiet: bool = False) -> MessageRow:
    """Return a progress message. A quiet one, which nobody has requested, appears only after the first page."""
    return MessageRow(
        message_id=ctx.new_id(),
        workspace_id=workspace_id,
        channel_id=channel_id,
        requested_by=by,
        created_at=ctx.clock.now(),
        kind=IMPORT_KIND,
        facts={"quiet": True} if is_quiet else None,
    )


def is_quiet(message: MessageRow) -> bool:
    return bool((message.facts or {}).get("quiet"))


async def update_progress(ctx: Context, tx: Transaction, row: ImportRow) -> None:
    """Update the message of an import after a page, at most a few times a minute until the last one."""
    message = await message_rows.find_message(tx, row.message_id) if row.message_id else None
    if message is None or message.is_deleted:
        return
    if is_quiet(message) and row.is_open:  # there is more than one page
        await message_rows.claim_announcement(tx, message.message_id, now=ctx.clock.now())
    has_open = any(each.is_open for each in await import_rows.list_of_message(tx, message.message_id))
    if not has_open or message.rendered_at is None:
        await update_messages(ctx, tx, [message.message_id])
    elif ctx.clock.now() - message.rendered_at >= PROGRESS_EVERY:
        await outbox.update_progress(ctx, tx, message)


async def update_messages(ctx: Context, tx: Transaction, message_ids: Iterable[str | None]) -> None:
    for message_id in dict.fromkeys(filter(None, message_ids)):
        message = await message_rows.find_message(tx, message_id)
        if message is None or message.is_deleted or (is_quiet(message) and message.announced_at is None):
            continue
        await outbox.update_card(ctx, tx, message)


JOBS = (JobKind(IMPORT, perform_import, concurrency=2, on_exhausted=give_up_import),)
