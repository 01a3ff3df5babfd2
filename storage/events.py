"""What has happened to builds and is still to be told. A row leaves when its messages are in the outbox."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from storage.database import Transaction, from_row

BEGAN, ENDED = "began", "ended"


@dataclass(frozen=True, slots=True)
class NewsRow:
    """``at`` is when it happened at Bitrise."""

    news_id: int
    workspace_id: str
    build_slug: str
    kind: str
    at: datetime


async def add_news(tx: Transaction, *, workspace_id: str, build_slug: str, kind: str, at: datetime) -> None:
    await tx.execute(
        """
        insert into news (workspace_id, build_slug, kind, at)
        values (:workspace_id, :build_slug, :kind, :at)
        """,
        workspace_id=workspace_id, build_slug=build_slug, kind=kind, at=at,
    )  # fmt: skip


async def take_due(tx: Transaction, workspace_id: str, *, limit: int) -> list[NewsRow]:
    """Remove and return the oldest events; the caller stores the messages in the same transaction."""
    rows = await tx.fetch_all(
        """
        select news_id, workspace_id, build_slug, kind, at from news
        where workspace_id = :workspace_id
        order by at, news_id limit :limit
        """,
        workspace_id=workspace_id, limit=limit,
    )  # fmt: skip
    due = [from_row(NewsRow, row) for row in rows]
    await _delete(tx, (row.news_id for row in due))
    return due


async def _delete(tx: Transaction, news_ids: Iterable[int]) -> None:
    for news_id in news_ids:
        await tx.execute("delete from news where news_id = :news_id", news_id=news_id)
