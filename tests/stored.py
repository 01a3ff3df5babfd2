"""Queries on stored rows that only tests need."""

from __future__ import annotations

from storage import Database
from storage.builds import BuildRow
from storage.database import column_list, from_row


async def stored_builds(database: Database, workspace_id: str) -> list[BuildRow]:
    """Return all builds of a workspace, newest first."""
    rows = await database.fetch_all(
        f"""
        select {column_list(BuildRow)} from builds
        where workspace_id = :workspace_id order by triggered_at desc
        """,
        workspace_id=workspace_id,
    )
    return [from_row(BuildRow, row) for row in rows]
