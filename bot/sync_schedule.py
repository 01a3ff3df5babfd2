"""Schedule the next sync of a workspace: one due time, moved forward when something has happened."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.context import Context
from bot.engine import Job
from storage import Transaction
from storage import sync_schedule as sync_rows

SYNC = "sync"
MIN_PAUSE = timedelta(seconds=2)
"""Between two syncs of a workspace, so that events in quick succession are seen together."""


async def schedule_now(ctx: Context, tx: Transaction, workspace_id: str, *, at: datetime) -> None:
    """Sync at ``at`` or earlier. While a sync is running, its end schedules the next one."""
    if await sync_rows.make_due(tx, workspace_id, at=at):
        await schedule_at(ctx, tx, workspace_id, at=at)


async def schedule_at(ctx: Context, tx: Transaction, workspace_id: str, *, at: datetime) -> None:
    """Add a job for a due time. It does nothing if the workspace isn't due or is being synced."""
    # Without a key, since a sync that waits for its time must not hold back one that is due now.
    arguments = {"workspace_id": workspace_id, "due_at": at.isoformat()}
    await ctx.engine.enqueue(tx, Job(SYNC, arguments, due_at=at))
