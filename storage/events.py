"""Events of builds that subscribed channels and users are still to be notified of.

A row is deleted in the transaction that stores its messages in the outbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database import Transaction, columns, delete_rows, fetch_rows, insert

BUILD_STARTED, BUILD_FINISHED = "started", "finished"


@dataclass(frozen=True, slots=True)
class EventRow:
    """``occurred_at`` is when it happened at Bitrise."""

    event_id: int
    workspace_id: str
    build_slug: str
    kind: str
    occurred_at: datetime


async def add_event(tx: Transaction, *, workspace_id: str, build_slug: str, kind: str, at: datetime) -> None:
    await insert(tx, "events", workspace_id=workspace_id, build_slug=build_slug, kind=kind, occurred_at=at)


async def pop_events(tx: Transaction, workspace_id: str, *, limit: int) -> list[EventRow]:
    """Delete and return the oldest events; the caller stores the messages in the same transaction.

    During a backfill none are returned, since it may still find older ones.
    """
    events = await fetch_rows(
        tx,
        EventRow,
        f"""
        select {columns(EventRow)} from events
        where workspace_id = :workspace_id and not exists (
            select 1 from workspaces where workspace_id = :workspace_id and backfill_cursor is not null)
        order by occurred_at, event_id
        limit :limit
        """,
        workspace_id=workspace_id,
        limit=limit,
    )
    for event in events:
        await delete_rows(tx, "events", event_id=event.event_id)
    return events
