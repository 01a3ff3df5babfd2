"""Read a span that was missed: from the newest builds back, page by page, to where everything is known.

The list of all builds is newest first. As long as its first page reaches back to the last build we know of, nothing
was missed. When it does not (Bitrise or we were away, or more builds began than a page holds), the pages behind it are
read until it does. Where the reading stands is stored, so that it goes on after a restart.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from bot.bitrise.client import BitriseClient
from bot.bitrise.models import Build, Page
from bot.context import Context
from bot.errors import BitriseNotFound, BitriseRefused
from bot.sync import updates
from storage import Transaction
from storage import sync_schedule as sync_rows
from storage import workspaces as workspace_rows
from storage.workspaces import WorkspaceRow

log = logging.getLogger(__name__)
PAGES_A_SWEEP = 20
AT_ONCE = 10


async def begin_backfill(ctx: Context, workspace_id: str, first: Page[Build]) -> bool:
    """Keep the first page; True when there are pages behind it that have to be read.

    An empty one makes nothing known: builds may begin while it is on its way.
    """
    if await ctx.db.transaction(partial(partial(_record_gap, ctx), workspace_id=workspace_id, first=first)):
        log.info("builds were missed and are read now", extra={"workspace": workspace_id})
    await _apply(ctx, workspace_id, first.items)
    is_walking = await ctx.db.transaction(partial(partial(_close_gap, ctx), workspace_id=workspace_id, first=first))
    await updates.notify_all(ctx, workspace_id)
    return is_walking


async def _record_gap(ctx: Context, tx: Transaction, *, workspace_id: str, first: Page[Build]) -> bool:
    """Where the first page does not reach what is known, nothing is told until what is between has been read.

    Until the first page is kept, too, the gap ends where it began: whoever dies now leaves all of it to be read.
    """
    workspace = await workspace_rows.find_workspace(tx, workspace_id)
    synced_until = workspace.synced_until if workspace else None
    if workspace is None or synced_until is None or workspace.backfill_cursor or reaches(first, synced_until):
        return False
    await sync_rows.save_backfill(
        tx, workspace_id, synced_until=synced_until, backfill_cursor=first.next, backfill_until=synced_until
    )
    return True


async def _close_gap(ctx: Context, tx: Transaction, *, workspace_id: str, first: Page[Build]) -> bool:
    """The first page is kept: now it is known how far. Returns whether there are pages behind it to be read."""
    workspace = await workspace_rows.find_workspace(tx, workspace_id)
    if workspace is None or workspace.bitrise_token_sealed is None:
        return False
    newest, synced_until = newest_of(first), workspace.synced_until
    if workspace.backfill_cursor is not None:
        if newest is not None and workspace.backfill_cursor == first.next and workspace.backfill_until == synced_until:
            await sync_rows.save_backfill(
                tx, workspace_id, synced_until=synced_until, backfill_cursor=first.next, backfill_until=newest
            )
        return True
    if newest is not None and (synced_until is None or reaches(first, synced_until)):
        await sync_rows.save_backfill(tx, workspace_id, synced_until=max(newest, synced_until or newest))
    return False


async def _apply(ctx: Context, workspace_id: str, builds: Sequence[Build]) -> None:
    """A few at a time: where much happens at once, a long transaction would collide again and again."""
    for start in range(0, len(builds), AT_ONCE):
        few = builds[start : start + AT_ONCE]
        await ctx.db.transaction(partial(partial(_apply_few, ctx), workspace_id=workspace_id, few=few))


async def _apply_few(ctx: Context, tx: Transaction, *, workspace_id: str, few: Sequence[Build]) -> None:
    workspace = await workspace_rows.find_workspace(tx, workspace_id)
    if workspace is not None and workspace.bitrise_token_sealed is not None:  # not disconnected meanwhile
        await updates.apply_builds(ctx, tx, workspace_id, few, tells=False)


async def continue_backfill(ctx: Context, client: BitriseClient, workspace_id: str) -> None:
    """Read the next pages; what is left is for the next sweep."""
    for _ in range(PAGES_A_SWEEP):
        workspace = await workspace_rows.find_workspace(ctx.db, workspace_id)
        if workspace is None or workspace.backfill_cursor is None:
            return
        try:
            page = await client.list_all_builds(next=workspace.backfill_cursor)
        except (BitriseNotFound, BitriseRefused) as error:
            # The build the page begins with is gone: begin again from the newest one.
            log.warning("a gap is read anew", extra={"workspace": workspace_id, "error": str(error)})
            await _restart(ctx, workspace)
            return
        await _save_page(ctx, workspace, page)


async def _save_page(ctx: Context, workspace: WorkspaceRow, page: Page[Build]) -> None:
    has_no_end = page.next is not None and page.next == workspace.backfill_cursor
    if has_no_end:
        log.warning("Bitrise's list of builds has no end", extra={"workspace": workspace.workspace_id})
    is_done = has_no_end or workspace.synced_until is None or reaches(page, workspace.synced_until)
    await _apply(ctx, workspace.workspace_id, page.items)

    async def keep(tx: Transaction) -> None:
        now = await workspace_rows.find_workspace(tx, workspace.workspace_id)
        if now is None or now.backfill_cursor != workspace.backfill_cursor:
            return  # disconnected meanwhile, or somebody else has read it
        if is_done:
            await sync_rows.save_backfill(tx, workspace.workspace_id, synced_until=now.backfill_until)
            return
        await sync_rows.save_backfill(
            tx, workspace.workspace_id, synced_until=now.synced_until, backfill_cursor=page.next,
            backfill_until=now.backfill_until,
        )  # fmt: skip

    await ctx.db.transaction(keep)
    await updates.notify_all(ctx, workspace.workspace_id)


async def _restart(ctx: Context, workspace: WorkspaceRow) -> None:
    await ctx.db.transaction(
        lambda tx: sync_rows.save_backfill(tx, workspace.workspace_id, synced_until=workspace.synced_until)
    )


def reaches(page: Page[Build], synced_until: datetime) -> bool:
    """Whether nothing is missing between this page and what is known."""
    if page.next is None:
        return True
    times = [build.triggered_at for build in page.items if build.triggered_at is not None]
    # Bitrise tells whole seconds, and of one second there may be more than a page holds.
    return bool(times) and min(times) < synced_until.replace(microsecond=0)


def newest_of(page: Page[Build]) -> datetime | None:
    return max((build.triggered_at for build in page.items if build.triggered_at is not None), default=None)
