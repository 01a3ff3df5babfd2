"""The next sync of a workspace: one due time, moved forward when a change is expected."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.context import Context
from bot.engine import Job
from storage import Transaction
from storage import sync_schedule as sync_rows

SWEEP = "sweep"
LEAST_PAUSE = timedelta(seconds=2)
"""Pause between two syncs, so that many changes are seen together."""


async def schedule_now(ctx: Context, tx: Transaction, workspace_id: str, *, at: datetime) -> None:
    """Sync at ``at`` or earlier. An extra job is harmless: it does nothing if the workspace isn't due.

    During a sync no job is added, because the next one is planned soon after its end.
    """
    if await sync_rows.make_due(tx, workspace_id, at=at):
        await schedule_at(ctx, tx, workspace_id, at=at)


async def schedule_at(ctx: Context, tx: Transaction, workspace_id: str, *, at: datetime) -> None:
    # No key: a sync that waits for its time must not delay one that is due now. The row decides which one runs.
    arguments = {"workspace_id": workspace_id, "due_at": at.isoformat()}
    await ctx.engine.enqueue(tx, Job(SWEEP, arguments, due_at=at))
