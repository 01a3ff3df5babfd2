"""When a workspace is looked at next: one due time, pulled forward whenever something is known to have happened."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.context import Context
from bot.engine import Job
from storage import Transaction
from storage import sync_schedule as sync_rows

SWEEP = "sweep"
LEAST_PAUSE = timedelta(seconds=2)
"""Before a workspace is swept because of what happened during a sweep: where much happens it is seen together."""


async def schedule_now(ctx: Context, tx: Transaction, workspace_id: str, *, at: datetime) -> None:
    """Sweep at ``at`` or earlier. A job whose workspace is not due does nothing, so one too many is harmless.

    While somebody sweeps there is nothing to add: soon after its end the next one is planned.
    """
    if await sync_rows.make_due(tx, workspace_id, at=at):
        await schedule_at(ctx, tx, workspace_id, at=at)


async def schedule_at(ctx: Context, tx: Transaction, workspace_id: str, *, at: datetime) -> None:
    # No key: a sweep that waits for its time must not hold back one that is due now. The row decides who sweeps.
    arguments = {"workspace_id": workspace_id, "due_at": at.isoformat()}
    await ctx.engine.enqueue(tx, Job(SWEEP, arguments, due_at=at))
