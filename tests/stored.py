"""Queries of stored rows that only tests need."""

from __future__ import annotations

from storage import Database
from storage.builds import BuildRow
from storage.database import columns, fetch_rows


async def stored_builds(database: Database, workspace_id: str) -> list[BuildRow]:
    """Return all builds of a workspace, newest first."""
    return await fetch_rows(
        database,
        BuildRow,
        f"""
        select {columns(BuildRow)} from builds
        where workspace_id = :workspace_id order by triggered_at desc
        """,
        workspace_id=workspace_id,
    )
