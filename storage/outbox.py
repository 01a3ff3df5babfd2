"""The outbox: messages to Slack that are still to be sent. A row is deleted once Slack has accepted or refused it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.database import Database, Reads, Transaction, delete_rows, find_row, insert


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """Rows with the same ``ordering_key`` are sent in order. At most one row with the same ``dedupe_key`` waits."""

    outbox_id: str
    workspace_id: str
    ordering_key: str
    kind: str
    message_id: str | None
    payload: Mapping[str, Any]
    dedupe_key: str | None
    created_at: datetime
    attempts: int = 0


async def add_outgoing(tx: Transaction, message: OutboxRow) -> bool:
    """Return False if a row with the same ``dedupe_key`` waits already: it will show the newest state."""
    return await insert(tx, "outbox", message, skip_existing=True)


async def find_outgoing(db: Reads, outbox_id: str) -> OutboxRow | None:
    return await find_row(db, OutboxRow, "outbox", outbox_id=outbox_id)


async def clear_dedupe_key(db: Database, outbox_id: str) -> None:
    """Let newer states add a row of their own, because this one is being rendered."""
    await db.execute("update outbox set dedupe_key = null where outbox_id = :outbox_id", outbox_id=outbox_id)


async def count_attempt(db: Database, outbox_id: str) -> None:
    await db.execute("update outbox set attempts = attempts + 1 where outbox_id = :outbox_id", outbox_id=outbox_id)


async def delete_outgoing(tx: Transaction, outbox_id: str) -> bool:
    """Delete a sent message; return False if another process did."""
    return await delete_rows(tx, "outbox", outbox_id=outbox_id) == 1


async def delete_of_workspace(tx: Transaction, workspace_id: str) -> int:
    """Delete the messages of an uninstalled workspace; return how many there were."""
    return await delete_rows(tx, "outbox", workspace_id=workspace_id)


async def count_waiting(db: Reads, workspace_id: str | None = None) -> int:
    """Count the messages of a workspace, or of all for None."""
    rows = await db.fetch_all(
        """
        select count(*) as waiting
        from outbox
        where cast(:workspace_id as text) is null or workspace_id = :workspace_id
        """,
        workspace_id=workspace_id,
    )
    return int(rows[0]["waiting"])
