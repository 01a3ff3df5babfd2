"""Who asked for what, when, with what result. Append-only; dedupe ids with an expiry live here too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database import Database, Transaction, column_list, from_row, placeholder_list, to_columns


@dataclass(frozen=True, slots=True)
class AuditRow:
    audit_id: str
    workspace_id: str
    at: datetime
    user_id: str
    verb: str
    subject: str
    result: str


class AuditStore:
    def __init__(self, database: Database) -> None:
        self._db = database

    async def add_entry(self, tx: Transaction, entry: AuditRow) -> None:
        await tx.execute(
            f"insert into audit ({column_list(AuditRow)}) values ({placeholder_list(AuditRow)})", **to_columns(entry)
        )

    async def list_entries(self, workspace_id: str, *, limit: int = 100) -> list[AuditRow]:
        rows = await self._db.fetch_all(
            f"""
            select {column_list(AuditRow)} from audit
            where workspace_id = :workspace_id order by at desc limit :limit
            """,
            workspace_id=workspace_id, limit=limit,
        )  # fmt: skip
        return [from_row(AuditRow, row) for row in rows]

    async def claim_seen(self, tx: Transaction, seen_id: str, *, now: datetime, expires_at: datetime) -> bool:
        """True the first time an id is seen; expired ids are forgotten on the way."""
        await tx.execute("delete from seen where expires_at < :now", now=now)
        touched = await tx.execute(
            "insert into seen (seen_id, expires_at) values (:seen_id, :expires_at) on conflict do nothing",
            seen_id=seen_id, expires_at=expires_at,
        )  # fmt: skip
        return touched == 1
