"""Imports of past builds: one row is an app, which is read page by page from its newest build backwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database import (
    Reads,
    Transaction,
    columns,
    delete_rows,
    fetch_row,
    fetch_rows,
    find_row,
    list_rows,
    upsert,
)

OPEN, DONE, STOPPED, FAILED = "open", "done", "stopped", "failed"


@dataclass(frozen=True, slots=True)
class ImportRow:
    """``imported_count`` of ``total`` builds triggered after ``since`` are imported; ``cursor`` is the next page.

    ``duration_ms`` is the time spent reading so far; ``updated_at`` is when the last page was read. ``failures`` are
    those in a row; ``restarts`` counts lost cursors; ``message_id`` is the message that shows the progress.
    """

    workspace_id: str
    app_slug: str
    state: str
    since: datetime
    requested_by: str
    requested_at: datetime
    cursor: str | None = None
    imported_count: int = 0
    total: int | None = None
    duration_ms: int = 0
    failures: int = 0
    restarts: int = 0
    message_id: str | None = None
    updated_at: datetime | None = None
    finished_at: datetime | None = None
    error: str | None = None

    @property
    def is_open(self) -> bool:
        return self.state == OPEN

    @property
    def days(self) -> int:
        """The length of the requested period."""
        return round((self.requested_at - self.since).total_seconds() / 86_400)


async def save_import(tx: Transaction, row: ImportRow) -> None:
    """Add an import, or replace the one of the same app."""
    await upsert(tx, "imports", row, key="workspace_id, app_slug")


async def find_import(db: Reads, workspace_id: str, app_slug: str) -> ImportRow | None:
    return await find_row(db, ImportRow, "imports", workspace_id=workspace_id, app_slug=app_slug)


async def find_next(db: Reads, workspace_id: str) -> ImportRow | None:
    """Return the open import to continue with: the one requested last."""
    return await fetch_row(
        db,
        ImportRow,
        f"""
        select {columns(ImportRow)} from imports
        where workspace_id = :workspace_id and state = 'open'
        order by requested_at desc, app_slug
        limit 1
        """,
        workspace_id=workspace_id,
    )


async def list_open(db: Reads, workspace_id: str) -> list[ImportRow]:
    """Return the open imports in the order in which they will be read."""
    return await fetch_rows(
        db,
        ImportRow,
        f"""
        select {columns(ImportRow)} from imports
        where workspace_id = :workspace_id and state = 'open'
        order by requested_at desc, app_slug
        """,
        workspace_id=workspace_id,
    )


async def list_of_message(db: Reads, message_id: str) -> list[ImportRow]:
    """Return the imports whose progress a message shows, in the order in which they are read."""
    return await list_rows(db, ImportRow, "imports", order_by="requested_at desc, app_slug", message_id=message_id)


async def delete_imports(tx: Transaction, workspace_id: str) -> None:
    await delete_rows(tx, "imports", workspace_id=workspace_id)
