"""Sweep a workspace: one list call across its apps, compared with the rows; what fell off the page is asked for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot import apps, connection, outbox, sync_schedule
from bot.bitrise.client import BitriseClient
from bot.bitrise.models import Build
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
from bot.notifications import events
from bot.sync import backfill, updates
from bot.sync_schedule import LEAST_PAUSE, SWEEP
from storage import DatabaseUnavailable, Transaction
from storage import builds as build_rows
from storage import messages as message_rows
from storage import sync_schedule as sync_rows
from storage import workspaces as workspace_rows
from storage.builds import BuildRow
from storage.messages import CARD

log = logging.getLogger(__name__)
ASKED_SINGLY = 20
TICK_EVERY = timedelta(seconds=15)
LONGEST_BACK_OFF = timedelta(minutes=5)
CLAIM = timedelta(minutes=2)
GIVE_BACK_SECONDS = 2.0
LOST_AFTER = timedelta(minutes=10)
ASK_AGAIN = timedelta(minutes=10)
APPS_KEPT = timedelta(hours=6)


async def start_polling(ctx: Context, *, is_alone: bool) -> None:
    """The only process makes every connected workspace due: who knows how long nobody looked.

    Beside others it takes nothing from anybody, and plans only what is overdue; one job too many is harmless.
    """
    now = ctx.clock.now()
    if is_alone:
        await sync_rows.release_all(ctx.db, now=now)
    workspaces = await workspace_rows.list_workspaces(ctx.db)

    async def plan(tx: Transaction) -> None:
        for workspace in workspaces:
            is_due = workspace.sync_due_at is None or workspace.sync_due_at <= now
            if workspace.bitrise_token_sealed and is_due:
                await sync_schedule.schedule_at(ctx, tx, workspace.workspace_id, at=now)

    await ctx.db.transaction(plan)  # one commit, however many there are


async def perform_sync(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """One sweep, if it is due and nobody else does it; plans the next one.

    Its time has come when the engine says so: on PostgreSQL that is by the server's clock, and ours may be behind.
    """
    workspace_id, now = arguments["workspace_id"], ctx.clock.now()
    due_at = datetime.fromisoformat(arguments["due_at"]) if "due_at" in arguments else now
    now = max(now, due_at)
    until = now + CLAIM
    try:
        if await _claim(ctx, workspace_id, now=now, until=until):
            await _sync(ctx, workspace_id, now=now)
        else:
            await _renew(ctx, workspace_id, now=now)
    except asyncio.CancelledError:
        await _release(ctx, workspace_id, until=until, due_at=due_at)
        raise


async def _sync(ctx: Context, workspace_id: str, *, now: datetime) -> None:
    error: BuildbellError | None = None
    try:
        async with connection.client(ctx, workspace_id) as client:
            await _fetch_changes(ctx, client, workspace_id)
        await apps.refresh_if_older(ctx, workspace_id, than=APPS_KEPT)
    except NotConnected:
        return  # nothing to look with; connecting plans the next sweep
    except TokenRejected as dead:
        error = None if await connection.recheck(ctx, workspace_id) else dead
    except BitriseError as trouble:
        log.warning("a sweep failed", extra={"workspace": workspace_id, "error": str(trouble)})
        error = trouble
    except DatabaseUnavailable:
        raise  # this sweep comes again by itself
    except Exception:  # the next sweep must be planned whatever happened in this one
        log.exception("a sweep broke", extra={"workspace": workspace_id})
        error = BitriseError("The last sweep broke; the log says how.")
    await _finish(ctx, workspace_id, error, began_at=now)


async def reschedule(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """A sweep that broke at its own end planned none; the workspace is looked at again all the same."""
    at = ctx.clock.now() + ASK_AGAIN
    await ctx.db.transaction(lambda tx: sync_schedule.schedule_at(ctx, tx, arguments["workspace_id"], at=at))


async def _claim(ctx: Context, workspace_id: str, *, now: datetime, until: datetime) -> bool:
    if await sync_rows.claim_sync(ctx.db, workspace_id, now=now, until=until):
        return True
    # The claim may be this job's own, from a process that was killed; two sweeps at once are harmless.
    return is_retry.get() and await sync_rows.resume_sync(ctx.db, workspace_id, until=until)


async def _release(ctx: Context, workspace_id: str, *, until: datetime, due_at: datetime) -> None:
    """A shutdown cut it off: whoever sweeps next need not wait for the claim's end, unless the database is away."""
    with contextlib.suppress(DatabaseUnavailable, TimeoutError):
        async with asyncio.timeout(GIVE_BACK_SECONDS):
            await sync_rows.release_sync(ctx.db, workspace_id, until=until, due_at=due_at)


async def _renew(ctx: Context, workspace_id: str, *, now: datetime) -> None:
    """When somebody's claim ends: he may have died, and nobody else would plan the next sweep."""
    workspace = await workspace_rows.find_workspace(ctx.db, workspace_id)
    claimed_until = workspace.sync_claimed_until if workspace else None
    if claimed_until is not None and claimed_until > now:
        raise RetryAt(claimed_until)


async def _fetch_changes(ctx: Context, client: BitriseClient, workspace_id: str) -> None:
    page = await client.list_all_builds()
    if await backfill.begin_backfill(ctx, workspace_id, page):
        await backfill.continue_backfill(ctx, client, workspace_id)
    on_page = {build.slug for build in page.items}
    unfinished = await build_rows.list_unfinished(ctx.db, workspace_id)
    missing = [build for build in unfinished if build.build_slug not in on_page]
    missing.sort(key=lambda build: build.last_synced_at)  # who has waited longest, so that everybody gets a turn
    trouble: BitriseError | None = None
    for build in missing[:ASKED_SINGLY]:
        try:
            await updates.save_builds(ctx, workspace_id, await _fetch_build(ctx, client, build))
        except (BitriseUnavailable, BitriseRefused) as error:  # one build that cannot be shown holds up no other
            trouble = error
    if trouble is not None:
        raise trouble


async def _fetch_build(ctx: Context, client: BitriseClient, build: BuildRow) -> list[Build]:
    """One build that fell off the page, or a pipeline, which is never on it; nothing when it is not found."""
    try:
        if build.is_pipeline:
            return [await _fetch_pipeline(client, build)]
        return [await client.get_build(build.app_slug, build.build_slug)]
    except BitriseNotFound:
        # New builds may take a moment to be found; one that stays away for long has been taken from us.
        if build.triggered_at is None or ctx.clock.now() - build.triggered_at > LOST_AFTER:
            await ctx.db.transaction(lambda tx: updates.mark_lost(ctx, tx, build))
        return []


async def _fetch_pipeline(client: BitriseClient, build: BuildRow) -> Build:
    try:
        return await client.get_pipeline(build.app_slug, build.build_slug)
    except BitriseNotFound:
        # Bitrise does not document whether a pipeline's start answers with the pipeline or with its first build.
        return await client.get_build(build.app_slug, build.build_slug)


async def _finish(ctx: Context, workspace_id: str, error: BuildbellError | None, *, began_at: datetime) -> None:
    now = ctx.clock.now()
    watched = await message_rows.list_live(ctx.db, workspace_id)
    pause = await _pause(ctx, workspace_id, is_watched=bool(watched))
    if error is None:
        ctx.sync_failures.pop(workspace_id, None)
    else:
        pause = _back_off(ctx, workspace_id, error)

    async def finish(tx: Transaction) -> None:
        for card in watched:
            if card.kind == CARD and card.ts and card.rendered_at and now - card.rendered_at >= TICK_EVERY:
                await outbox.update_progress(ctx, tx, card)
        due_at = max(now, began_at) + pause
        await sync_rows.finish_sync(tx, workspace_id, now=now, due_at=due_at, error=error.sentence if error else None)
        workspace = await workspace_rows.find_workspace(tx, workspace_id)
        if workspace and workspace.sync_due_at:
            await sync_schedule.schedule_at(ctx, tx, workspace_id, at=max(workspace.sync_due_at, now + LEAST_PAUSE))

    await ctx.db.transaction(finish)


async def _pause(ctx: Context, workspace_id: str, *, is_watched: bool) -> timedelta:
    hearers = await events.list_recipients(ctx.db, workspace_id)
    workspace = await workspace_rows.find_workspace(ctx.db, workspace_id)
    if is_watched or (workspace is not None and workspace.backfill_cursor):
        return timedelta(seconds=ctx.settings.sweep_seconds)
    if not hearers.are_there:
        return timedelta(seconds=ctx.settings.idle_sweep_seconds)
    unfinished = await build_rows.list_unfinished(ctx.db, workspace_id)
    return (
        timedelta(seconds=ctx.settings.sweep_seconds)
        if any(map(hearers.may_concern, unfinished))
        else min(
            timedelta(seconds=ctx.settings.subscribed_sweep_seconds), timedelta(seconds=ctx.settings.idle_sweep_seconds)
        )
    )


def _back_off(ctx: Context, workspace_id: str, error: BuildbellError) -> timedelta:
    """Longer with every failure in a row, at least as long as Bitrise asks for."""
    if isinstance(error, TokenRejected):
        return ASK_AGAIN
    failures = ctx.sync_failures[workspace_id] = ctx.sync_failures.get(workspace_id, 0) + 1
    pause = min(LONGEST_BACK_OFF, timedelta(seconds=ctx.settings.sweep_seconds) * 2.0 ** min(failures, 10))
    asked = timedelta(seconds=error.retry_after) if isinstance(error, BitriseBusy) else timedelta()
    return max(pause, asked)


JOBS = (JobKind(SWEEP, perform_sync, concurrency=16, on_exhausted=reschedule),)
