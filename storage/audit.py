"""The audit log: who did what, when, to what, with what result. Rows are added and deleted by age, never changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.database import Database, Reads, Transaction, columns, fetch_rows, insert

PAGE = 1_000
EARLIER = "(created_at < :before_at or (created_at = :before_at and audit_id < :before_id))"


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry. ``user_id`` is a Slack user id, or in words who else acted; ``app_slug`` is None without an app."""

    audit_id: str
    workspace_id: str
    created_at: datetime
    user_id: str
    action: str
    subject: str
    result: str
    app_slug: str | None = None


COLUMNS = ("created_at", "workspace_id", "user_id", "action", "app_slug", "subject", "result")
"""The columns of an exported file."""


def to_facts(entry: AuditRow) -> dict[str, Any]:
    """Return an entry for a file, its time in ISO 8601."""
    return {name: getattr(entry, name) for name in COLUMNS} | {"created_at": entry.created_at.isoformat()}


@dataclass(frozen=True, slots=True)
class Place:
    """The entry after which a page starts. Entries are ordered by time, then by id."""

    created_at: datetime
    audit_id: str


async def add_entry(tx: Transaction, entry: AuditRow) -> None:
    await insert(tx, "audit", entry)


async def list_entries(
    db: Reads,
    workspace_id: str,
    *,
    since: datetime | None = None,
    app_slug: str | None = None,
    user_id: str | None = None,
    before: Place | None = None,
    limit: int = 100,
) -> list[AuditRow]:
    """Return the newest entries first, from ``since`` on and older than ``before``."""
    conditions = {
        "created_at >= :since": since,
        "app_slug = :app_slug": app_slug,
        "user_id = :user_id": user_id,
        EARLIER: before,
    }
    chosen = " and ".join(["workspace_id = :workspace_id", *(sql for sql, value in conditions.items() if value)])
    values = {"since": since, "app_slug": app_slug, "user_id": user_id}
    values |= {"before_at": before.created_at, "before_id": before.audit_id} if before else {}
    return await fetch_rows(
        db,
        AuditRow,
        f"""
        select {columns(AuditRow)} from audit
        where {chosen}
        order by created_at desc, audit_id desc
        limit :limit
        """,
        workspace_id=workspace_id,
        limit=limit,
        **{name: value for name, value in values.items() if value},
    )


async def list_apps_of(db: Reads, workspace_id: str, action: str) -> list[str]:
    """Return the slugs of the apps of an action, since the newest of its entries that is about no single app."""
    rows = await db.fetch_all(
        """
        select distinct app_slug from audit as entry
        where workspace_id = :workspace_id and action = :action and app_slug is not null
        and not exists (
            select 1 from audit as later
            where later.workspace_id = entry.workspace_id and later.action = entry.action
            and later.app_slug is null and later.created_at > entry.created_at
        )
        order by app_slug
        """,
        workspace_id=workspace_id,
        action=action,
    )
    return [row["app_slug"] for row in rows]


async def iterate_entries(db: Reads, *, since: datetime) -> AsyncIterator[list[AuditRow]]:
    """Yield the entries of all workspaces from ``since`` on in pages, workspace by workspace, newest first."""
    for row in await db.fetch_all("select distinct workspace_id from audit order by workspace_id"):
        before = None
        while page := await list_entries(db, row["workspace_id"], since=since, before=before, limit=PAGE):
            yield page
            before = Place(page[-1].created_at, page[-1].audit_id)


async def delete_older(db: Database, *, than: datetime, limit: int) -> int:
    """Delete up to ``limit`` entries that are older, the oldest first, and return how many there were."""
    return await db.execute(
        """
        delete from audit
        where audit_id in (select audit_id from audit where created_at < :than order by created_at limit :limit)
        """,
        than=than,
        limit=limit,
    )
