"""Backfill builds missed during an outage, from the newest back, until builds are reached that were synced before.

The list of all builds is newest first. While its first page reaches back to the last build that was synced, nothing is
missing. When it doesn't (Bitrise or Buildbell was away, or more builds started than a page holds), the pages behind it
are read until one does. The position is stored, so a restart continues there.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial

from bot.bitrise.client import BitriseClient
from bot.bitrise.models import Build, Page
from bot.context import Context
from bot.errors import BitriseNotFound, BitriseRefused
from bot.notifications import events
from bot.sync import updates
from storage import Transaction
from storage import sync_schedule as sync_rows
from storage import workspaces as workspace_rows
from storage.workspaces import WorkspaceRow

log = logging.getLogger(__name__)
MAX_PAGES = 20
"""Read in one sync; the next one continues."""
BATCH = 10
"""Builds applied in one transaction. With many changes, longer ones would conflict again and again on PostgreSQL."""


async def apply_first_page(ctx: Context, workspace: WorkspaceRow, page: Page[Build]) -> None:
    """Apply the newest builds. If builds are missing before them, store that first: notifications wait until then.

    Until the whole page is applied the gap ends where it began, so that nothing is lost if the process dies.
    """
    workspace_id = workspace.workspace_id

    async def store_gap(tx: Transaction) -> None:
        current = await workspace_rows.find_workspace(tx, workspace_id)
        if current is not None and has_gap(current, page):
            until = current.synced_until
            await sync_rows.save_backfill(
                tx, workspace_id, synced_until=until, backfill_cursor=page.next, backfill_until=until
            )

    async def advance(tx: Transaction, current: WorkspaceRow) -> None:
        newest, until = newest_trigger(page), current.synced_until
        if newest is None:  # nothing is known of an empty list: builds may be on their way
            return
        if current.backfill_cursor is None and (until is None or reaches(page, until)):
            await sync_rows.save_backfill(tx, workspace_id, synced_until=max(newest, until or newest))
        elif current.backfill_cursor == page.next and current.backfill_until == until:
            await sync_rows.save_backfill(
                tx, workspace_id, synced_until=until, backfill_cursor=page.next, backfill_until=newest
            )

    if has_gap(workspace, page):
        log.info("builds were missed and are read now", extra={"workspace": workspace_id})
        await ctx.db.transaction(store_gap)
    await apply_page(ctx, workspace_id, page, advance)


async def continue_backfill(ctx: Context, client: BitriseClient, workspace_id: str) -> None:
    """Apply the next pages of a gap, if there is one."""
    for _ in range(MAX_PAGES):
        workspace = await workspace_rows.find_workspace(ctx.db, workspace_id)
        if workspace is None or workspace.backfill_cursor is None:
            return
        try:
            page = await client.list_all_builds(next=workspace.backfill_cursor)
        except (BitriseNotFound, BitriseRefused) as error:
            # The build that the page begins with was deleted: start again from the newest one.
            log.warning("a gap is read anew", extra={"workspace": workspace_id, "error": str(error)})
            restart = partial(sync_rows.save_backfill, workspace_id=workspace_id, synced_until=workspace.synced_until)
            await ctx.db.transaction(restart)
            return
        await apply_next_page(ctx, workspace, page)


async def apply_next_page(ctx: Context, workspace: WorkspaceRow, page: Page[Build]) -> None:
    workspace_id = workspace.workspace_id
    is_endless = page.next is not None and page.next == workspace.backfill_cursor
    if is_endless:
        log.warning("Bitrise's list of builds has no end", extra={"workspace": workspace_id})
    is_last = is_endless or workspace.synced_until is None or reaches(page, workspace.synced_until)

    async def advance(tx: Transaction, current: WorkspaceRow) -> None:
        if current.backfill_cursor != workspace.backfill_cursor:
            return  # another process has read this page
        if is_last:
            await sync_rows.save_backfill(tx, workspace_id, synced_until=current.backfill_until)
        else:
            await sync_rows.save_backfill(
                tx,
                workspace_id,
                synced_until=current.synced_until,
                backfill_cursor=page.next,
                backfill_until=current.backfill_until,
            )

    await apply_page(ctx, workspace_id, page, advance)


async def apply_page(
    ctx: Context, workspace_id: str, page: Page[Build], advance: Callable[[Transaction, WorkspaceRow], Awaitable[None]]
) -> None:
    """Apply a page in batches. The last transaction also stores the progress and sends the notifications due."""

    async def apply(tx: Transaction, batch: Sequence[Build], *, is_last: bool) -> bool:
        workspace = await workspace_rows.find_workspace(tx, workspace_id)
        if workspace is None or workspace.bitrise_token_sealed is None:
            return False  # disconnected meanwhile
        await updates.apply_builds(ctx, tx, workspace_id, batch, notify=False)
        if not is_last:
            return False
        await advance(tx, workspace)
        return await events.notify(ctx, tx, workspace_id)

    batches = [page.items[start : start + BATCH] for start in range(0, len(page.items), BATCH)] or [()]
    for batch in batches:
        has_more_events = await ctx.db.transaction(partial(apply, batch=batch, is_last=batch is batches[-1]))
    if has_more_events:
        await events.notify_all(ctx, workspace_id)


def has_gap(workspace: WorkspaceRow, page: Page[Build]) -> bool:
    """Whether builds are missing between the newest page and those synced before, and no backfill is running yet."""
    until = workspace.synced_until
    return until is not None and workspace.backfill_cursor is None and not reaches(page, until)


def reaches(page: Page[Build], until: datetime) -> bool:
    """Whether nothing is missing between this page and the builds triggered up to then."""
    if page.next is None:
        return True
    times = [build.triggered_at for build in page.items if build.triggered_at is not None]
    # Bitrise's times are whole seconds, and a second may have more builds than a page holds.
    return bool(times) and min(times) < until.replace(microsecond=0)


def newest_trigger(page: Page[Build]) -> datetime | None:
    return max((build.triggered_at for build in page.items if build.triggered_at is not None), default=None)
