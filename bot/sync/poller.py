"""Poll Bitrise: fetch the newest builds of a workspace in one call, and builds that aren't among them one by one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot import apps, connection, outbox, sync_schedule
from bot.bitrise.client import BitriseClient
from bot.context import Context
from bot.engine import JobKind, RetryAt, is_retry
from bot.errors import (
    BitriseBusy,
    BitriseError,
    BitriseNotFound,
    BitriseRefused,
    BitriseUnavailable,
    BuildbellError,
    NotConnected,
    TokenRejected,
)
from bot.notifications import events, pausing
from bot.sync import backfill, updates
from bot.sync_schedule import MIN_PAUSE, SYNC
from storage import DatabaseUnavailable, Transaction
from storage import builds as build_rows
from storage import messages as message_rows
from storage import sync_schedule as sync_rows
from storage import workspaces as workspace_rows
from storage.builds import BuildRow
from storage.messages import CARD
from storage.workspaces import WorkspaceRow

log = logging.getLogger(__name__)
MAX_SINGLE_FETCHES = 20
PROGRESS_EVERY = timedelta(seconds=15)
MAX_BACK_OFF = timedelta(minutes=5)
CLAIM = timedelta(minutes=2)
RELEASE_TIMEOUT_SECONDS = 2.0
LOST_AFTER = timedelta(minutes=10)
RETRY_AFTER = timedelta(minutes=10)
"""After a sync that broke at its end, and while Bitrise rejects the token."""
REFRESH_APPS_AFTER = timedelta(hours=6)


async def start_polling(ctx: Context, *, is_alone: bool) -> None:
    """Schedule the syncs that are due when a process starts. The only process makes every workspace due.

    Beside other processes it takes nothing from them. A job too many does nothing, see `sync_schedule.schedule_now`.
    """
    now = ctx.clock.now()
    if is_alone:
        await sync_rows.release_all(ctx.db, now=now)
    workspaces = await workspace_rows.list_workspaces(ctx.db)

    async def schedule(tx: Transaction) -> None:
        for workspace in workspaces:
            is_due = workspace.sync_due_at is None or workspace.sync_due_at <= now
            if workspace.bitrise_token_sealed and is_due:
                await sync_schedule.schedule_at(ctx, tx, workspace.workspace_id, at=now)

    await ctx.db.transaction(schedule)


async def perform_sync(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """Sync a workspace if that is due and nobody else does it, and schedule the next sync.

    The engine decides when a job is due: on PostgreSQL by the server's clock, which may be ahead of ours.
    """
    workspace_id, now = arguments["workspace_id"], ctx.clock.now()
    due_at = datetime.fromisoformat(arguments["due_at"]) if "due_at" in arguments else now
    now = max(now, due_at)
    until = now + CLAIM
    try:
        workspace = await sync_rows.claim_sync(ctx.db, workspace_id, now=now, until=until)
        if workspace is None and is_retry.get():
            # The claim may be this job's own, from a process that was killed. Two syncs at once do no harm.
            workspace = await sync_rows.resume_sync(ctx.db, workspace_id, until=until)
        if workspace is None:
            await retry_after_claim(ctx, workspace_id, now=now)
        else:
            await sync_workspace(ctx, workspace, began_at=now)
    except asyncio.CancelledError:  # at a shutdown: the next process shouldn't have to wait until the claim expires
        with contextlib.suppress(DatabaseUnavailable, TimeoutError):
            async with asyncio.timeout(RELEASE_TIMEOUT_SECONDS):
                await sync_rows.release_sync(ctx.db, workspace_id, until=until, due_at=due_at)
        raise


async def retry_after_claim(ctx: Context, workspace_id: str, *, now: datetime) -> None:
    """Retry when the claim of another process expires: if it has died, nobody else schedules the next sync."""
    workspace = await workspace_rows.find_workspace(ctx.db, workspace_id)
    claimed_until = workspace.sync_claimed_until if workspace else None
    if claimed_until is not None and claimed_until > now:
        raise RetryAt(claimed_until)


async def sync_workspace(ctx: Context, workspace: WorkspaceRow, *, began_at: datetime) -> None:
    workspace_id = workspace.workspace_id
    error: BuildbellError | None = None
    try:
        async with connection.client_of(ctx, workspace) as client:
            await fetch_changes(ctx, client, workspace)
        await apps.refresh_if_older(ctx, workspace_id, than=REFRESH_APPS_AFTER)
        await pausing.check_access(ctx, workspace_id)
    except NotConnected:
        return  # connecting schedules the next sync
    except TokenRejected as rejected:
        error = None if await connection.recheck(ctx, workspace_id) else rejected
    except BitriseError as failure:
        log.warning("a sync failed", extra={"workspace": workspace_id, "error": str(failure)})
        error = failure
    except DatabaseUnavailable:
        raise  # the engine retries this job
    except Exception:  # the next sync must be scheduled in any case
        log.exception("a sync failed unexpectedly", extra={"workspace": workspace_id})
        error = BitriseError("Unexpected error. Your Buildbell operator can find it in the log.")
    await finish(ctx, workspace_id, error, began_at=began_at)


async def fetch_changes(ctx: Context, client: BitriseClient, workspace: WorkspaceRow) -> None:
    """Apply the newest builds, continue a backfill, and fetch unfinished builds that aren't on the first page."""
    workspace_id = workspace.workspace_id
    page = await client.list_all_builds()
    await backfill.apply_first_page(ctx, workspace, page)
    await backfill.continue_backfill(ctx, client, workspace_id)
    on_page = {build.slug for build in page.items}
    unfinished = await build_rows.list_unfinished(ctx.db, workspace_id)
    missing = [build for build in unfinished if build.build_slug not in on_page]
    missing.sort(key=lambda build: build.last_synced_at)
    failure: BitriseError | None = None
    for build in missing[:MAX_SINGLE_FETCHES]:
        try:
            await fetch_build(ctx, client, build)
        except (BitriseUnavailable, BitriseRefused) as error:  # one build that can't be shown must not hold up others
            failure = error
    if failure is not None:
        raise failure


async def fetch_build(ctx: Context, client: BitriseClient, build: BuildRow) -> None:
    """Update a build that isn't on the first page (a pipeline never is), or mark it as lost."""
    try:
        try:
            fetched = await client.get_build(build.app_slug, build.build_slug, is_pipeline=build.is_pipeline)
        except BitriseNotFound:
            if not build.is_pipeline:
                raise
            # Bitrise doesn't document whether starting a pipeline returns the pipeline or its first build.
            fetched = await client.get_build(build.app_slug, build.build_slug)
    except BitriseNotFound:
        # Bitrise may need a moment to find a new build. One that stays away was deleted.
        if build.triggered_at is None or ctx.clock.now() - build.triggered_at > LOST_AFTER:
            await ctx.db.transaction(lambda tx: updates.mark_lost(ctx, tx, build))
        return
    await updates.save_builds(ctx, build.workspace_id, [fetched])


async def finish(ctx: Context, workspace_id: str, error: BuildbellError | None, *, began_at: datetime) -> None:
    """Release the claim, schedule the next sync and show progress on the cards of running builds."""
    now = ctx.clock.now()
    live = await message_rows.list_live(ctx.db, workspace_id)
    if error is None:
        ctx.sync_failures.pop(workspace_id, None)
        pause = await choose_interval(ctx, workspace_id, has_live_messages=bool(live))
    else:
        pause = back_off(ctx, workspace_id, error)

    async def store(tx: Transaction) -> None:
        for card in live:
            if card.kind == CARD and card.ts and card.rendered_at and now - card.rendered_at >= PROGRESS_EVERY:
                await outbox.update_progress(ctx, tx, card)
        next_at, problem = max(now, began_at) + pause, error.sentence if error else None
        due_at = await sync_rows.finish_sync(tx, workspace_id, now=now, due_at=next_at, error=problem)
        if due_at is not None:
            await sync_schedule.schedule_at(ctx, tx, workspace_id, at=max(due_at, now + MIN_PAUSE))

    await ctx.db.transaction(store)


async def choose_interval(ctx: Context, workspace_id: str, *, has_live_messages: bool) -> timedelta:
    """Return a short interval while a message or a recipient waits for a build, a longer one if one could start."""
    active = timedelta(seconds=ctx.settings.sweep_seconds)
    idle = timedelta(seconds=ctx.settings.idle_sweep_seconds)
    workspace = await workspace_rows.find_workspace(ctx.db, workspace_id)
    if has_live_messages or (workspace is not None and workspace.backfill_cursor):
        return active
    recipients = await events.list_recipients(ctx.db, workspace_id)
    if recipients.is_empty:
        return idle
    if any(map(recipients.may_await, await build_rows.list_unfinished(ctx.db, workspace_id))):
        return active
    return min(timedelta(seconds=ctx.settings.subscribed_sweep_seconds), idle)


def back_off(ctx: Context, workspace_id: str, error: BuildbellError) -> timedelta:
    """Return a longer pause after each failure in a row, and at least what Bitrise asks for."""
    if isinstance(error, TokenRejected):
        return RETRY_AFTER
    failures = ctx.sync_failures[workspace_id] = ctx.sync_failures.get(workspace_id, 0) + 1
    pause = min(MAX_BACK_OFF, timedelta(seconds=ctx.settings.sweep_seconds) * 2.0 ** min(failures, 10))
    return max(pause, timedelta(seconds=error.retry_after)) if isinstance(error, BitriseBusy) else pause


async def reschedule(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """Schedule a sync after one that broke at its own end and scheduled none."""
    at = ctx.clock.now() + RETRY_AFTER
    await ctx.db.transaction(lambda tx: sync_schedule.schedule_at(ctx, tx, arguments["workspace_id"], at=at))


JOBS = (JobKind(SYNC, perform_sync, concurrency=16, on_exhausted=reschedule),)
