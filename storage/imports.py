"""Which apps' past is being read, and how far: one row is one app, from its newest build back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database import Reads, Transaction, column_list, from_row, placeholder_list, to_columns

OPEN, DONE, STOPPED, FAILED = "open", "done", "stopped", "failed"


@dataclass(frozen=True, slots=True)
class ImportRow:
    """``done`` of ``total`` builds triggered after ``since`` are read; ``anchor`` is where the next page begins.

    ``spent_ms`` is the time it took so far, without the times when nobody read; ``moved_at`` when the last page came.
    ``failures`` are those in a row; ``restarts`` how often the anchor was lost; ``card_id`` is the message it is in.
    """

    workspace_id: str
    app_slug: str
    state: str
    since: datetime
    asked_by: str
    asked_at: datetime
    anchor: str | None = None
    done: int = 0
    total: int | None = None
    spent_ms: int = 0
    failures: int = 0
    restarts: int = 0
    card_id: str | None = None
    moved_at: datetime | None = None
    finished_at: datetime | None = None
    error: str | None = None

    @property
    def is_open(self) -> bool:
        return self.state == OPEN

    @property
    def days(self) -> int:
        """How far back it was asked for."""
        return round((self.asked_at - self.since).total_seconds() / 86_400)


COLUMNS = column_list(ImportRow)
KEY = ("workspace_id", "app_slug")
_SETTINGS = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS.split(", ") if name not in KEY)


async def save_import(tx: Transaction, row: ImportRow) -> None:
    """Add it, or put it in the place of what was known of the app."""
    await tx.execute(
        f"""
        insert into imports ({COLUMNS}) values ({placeholder_list(ImportRow)})
        on conflict (workspace_id, app_slug) do update set {_SETTINGS}
        """,
        **to_columns(row),
    )


async def find_import(db: Reads, workspace_id: str, app_slug: str) -> ImportRow | None:
    row = await db.fetch_one(
        f"select {COLUMNS} from imports where workspace_id = :workspace_id and app_slug = :app_slug",
        workspace_id=workspace_id, app_slug=app_slug,
    )  # fmt: skip
    return from_row(ImportRow, row) if row else None


async def find_next(db: Reads, workspace_id: str) -> ImportRow | None:
    """What is to be read on with: what was asked for last comes first."""
    row = await db.fetch_one(
        f"""
        select {COLUMNS} from imports
        where workspace_id = :workspace_id and state = '{OPEN}'
        order by asked_at desc, app_slug limit 1
        """,
        workspace_id=workspace_id,
    )
    return from_row(ImportRow, row) if row else None


async def list_open(db: Reads, workspace_id: str) -> list[ImportRow]:
    """In the order in which they will be read."""
    rows = await db.fetch_all(
        f"""
        select {COLUMNS} from imports
        where workspace_id = :workspace_id and state = '{OPEN}'
        order by asked_at desc, app_slug
        """,
        workspace_id=workspace_id,
    )
    return [from_row(ImportRow, row) for row in rows]


async def list_of_card(db: Reads, card_id: str) -> list[ImportRow]:
    """What a message shows, in the order in which it is read."""
    rows = await db.fetch_all(
        f"select {COLUMNS} from imports where card_id = :card_id order by asked_at desc, app_slug", card_id=card_id
    )
    return [from_row(ImportRow, row) for row in rows]


async def delete_imports(tx: Transaction, workspace_id: str) -> None:
    await tx.execute("delete from imports where workspace_id = :workspace_id", workspace_id=workspace_id)
