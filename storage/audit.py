"""Who asked for what, when, with what result. Append-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database import Reads, Transaction, column_list, from_row, placeholder_list, to_columns


@dataclass(frozen=True, slots=True)
class AuditRow:
    audit_id: str
    workspace_id: str
    at: datetime
    user_id: str
    verb: str
    subject: str
    result: str


async def add_entry(tx: Transaction, entry: AuditRow) -> None:
    await tx.execute(
        f"insert into audit ({column_list(AuditRow)}) values ({placeholder_list(AuditRow)})", **to_columns(entry)
    )


async def list_entries(db: Reads, workspace_id: str, *, limit: int = 100) -> list[AuditRow]:
    rows = await db.fetch_all(
        f"""
        select {column_list(AuditRow)} from audit
        where workspace_id = :workspace_id order by at desc limit :limit
        """,
        workspace_id=workspace_id, limit=limit,
    )  # fmt: skip
    return [from_row(AuditRow, row) for row in rows]
