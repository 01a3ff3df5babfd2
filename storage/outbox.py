"""Messages to Slack that are still to be sent. A row leaves the table when Slack took it, or never will."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.database import Database, Reads, Transaction, column_list, from_row, placeholder_list, to_columns


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """``lane`` keeps the order: what goes to one channel leaves one by one. A ``dedupe_key`` waits at most once."""

    outbox_id: str
    workspace_id: str
    lane: str
    kind: str
    card_id: str | None
    payload: Mapping[str, Any]
    dedupe_key: str | None
    created_at: datetime
    attempts: int = 0


COLUMNS = column_list(OutboxRow)


async def add_message(tx: Transaction, message: OutboxRow) -> bool:
    """Store a message; False when one of the same ``dedupe_key`` waits already (it will show the newest state)."""
    touched = await tx.execute(
        f"insert into outbox ({COLUMNS}) values ({placeholder_list(OutboxRow)}) on conflict do nothing",
        **to_columns(message),
    )
    return touched == 1


async def find_message(db: Reads, outbox_id: str) -> OutboxRow | None:
    row = await db.fetch_one(f"select {COLUMNS} from outbox where outbox_id = :outbox_id", outbox_id=outbox_id)
    return from_row(OutboxRow, row) if row else None


async def take_dedupe_key(db: Database, outbox_id: str) -> None:
    """From here on a newer state needs a message of its own: this one is being drawn."""
    await db.execute("update outbox set dedupe_key = null where outbox_id = :outbox_id", outbox_id=outbox_id)


async def count_attempt(db: Database, outbox_id: str) -> None:
    await db.execute("update outbox set attempts = attempts + 1 where outbox_id = :outbox_id", outbox_id=outbox_id)


async def delete_message(tx: Transaction, outbox_id: str) -> bool:
    """It is said; False when somebody else has said it meanwhile."""
    return await tx.execute("delete from outbox where outbox_id = :outbox_id", outbox_id=outbox_id) == 1


async def delete_of_workspace(tx: Transaction, workspace_id: str) -> int:
    """Nothing can be said there any more; returns how many messages that were."""
    return await tx.execute("delete from outbox where workspace_id = :workspace_id", workspace_id=workspace_id)


async def count_waiting(db: Reads) -> int:
    rows = await db.fetch_all("select count(*) as waiting from outbox")
    return int(rows[0]["waiting"])
