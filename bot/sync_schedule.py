"""When a workspace is looked at next: one due time, pulled forward whenever something is known to have happened."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.engine import Engine, Job
from storage import Transaction
from storage.workspaces import WorkspaceStore

SWEEP = "sweep"
LEAST_PAUSE = timedelta(seconds=2)
"""Before a workspace is swept because of what happened during a sweep: where much happens it is seen together."""


class Sweeps:
    def __init__(self, *, workspaces: WorkspaceStore, engine: Engine) -> None:
        self._workspaces, self._engine = workspaces, engine

    async def make_due(self, tx: Transaction, workspace_id: str, *, at: datetime) -> None:
        """Sweep at ``at`` or earlier. A job whose workspace is not due does nothing, so one too many is harmless.

        While somebody sweeps there is nothing to add: soon after its end the next one is planned.
        """
        if await self._workspaces.make_sweep_due(tx, workspace_id, at=at):
            await self.plan(tx, workspace_id, at=at)

    async def plan(self, tx: Transaction, workspace_id: str, *, at: datetime) -> None:
        # No key: a sweep that waits for its time must not hold back one that is due now. The row decides who sweeps.
        arguments = {"workspace_id": workspace_id, "due_at": at.isoformat()}
        await self._engine.enqueue(tx, Job(SWEEP, arguments, due_at=at))
