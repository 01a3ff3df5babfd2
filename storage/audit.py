"""The audit log: who did what, when, to what, with what result. Rows are only ever added."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database import Reads, Transaction, columns, fetch_rows, insert


@dataclass(frozen=True, slots=True)
class AuditRow:
    audit_id: str
    workspace_id: str
    created_at: datetime
    user_id: str
    action: str
    subject: str
    result: str


async def add_entry(tx: Transaction, entry: AuditRow) -> None:
    await insert(tx, "audit", entry)


async def list_entries(db: Reads, workspace_id: str, *, limit: int = 100) -> list[AuditRow]:
    """Return the newest entries first."""
    return await fetch_rows(
        db,
        AuditRow,
        f"""
        select {columns(AuditRow)} from audit
        where workspace_id = :workspace_id
        order by created_at desc
        limit :limit
        """,
        workspace_id=workspace_id,
        limit=limit,
    )
