"""What has happened to builds and is still to be told. A row leaves when its messages are in the outbox."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from storage.database import Database, Transaction, from_row

BEGAN, ENDED = "began", "ended"


@dataclass(frozen=True, slots=True)
class NewsRow:
    """``at`` is when it happened at Bitrise. With ``user_id`` it is held for that person alone, until ``due_at``."""

    news_id: int
    workspace_id: str
    build_slug: str
    kind: str
    user_id: str | None
    at: datetime
    due_at: datetime


class NewsStore:
    def __init__(self, database: Database) -> None:
        self._db = database

    async def add_news(
        self,
        tx: Transaction,
        *,
        workspace_id: str,
        build_slug: str,
        kind: str,
        at: datetime,
        due_at: datetime,
        user_id: str | None = None,
    ) -> None:
        await tx.execute(
            """
            insert into news (workspace_id, build_slug, kind, user_id, at, due_at)
            values (:workspace_id, :build_slug, :kind, :user_id, :at, :due_at)
            """,
            workspace_id=workspace_id, build_slug=build_slug, kind=kind, user_id=user_id, at=at, due_at=due_at,
        )  # fmt: skip

    async def take_due(self, tx: Transaction, workspace_id: str, *, now: datetime, limit: int) -> list[NewsRow]:
        """What may be told now, in the order it happened; the caller stores the messages in the same transaction."""
        rows = await tx.fetch_all(
            """
            select news_id, workspace_id, build_slug, kind, user_id, at, due_at from news
            where workspace_id = :workspace_id and due_at <= :now
            order by at, news_id limit :limit
            """,
            workspace_id=workspace_id, now=now, limit=limit,
        )  # fmt: skip
        due = [from_row(NewsRow, row) for row in rows]
        await self._delete(tx, (row.news_id for row in due))
        return due

    async def is_awaited(self, tx: Transaction, workspace_id: str, *, due_at: datetime) -> bool:
        """Whether something is held until that very moment already."""
        row = await tx.fetch_one(
            "select 1 as held from news where workspace_id = :workspace_id and due_at = :due_at limit 1",
            workspace_id=workspace_id, due_at=due_at,
        )  # fmt: skip
        return row is not None

    async def release_held(self, tx: Transaction, workspace_id: str, user_id: str, *, now: datetime) -> bool:
        """What is held for a person is due now: what they want has changed. Whether there was anything."""
        touched = await tx.execute(
            """
            update news set due_at = :now
            where workspace_id = :workspace_id and user_id = :user_id and due_at > :now
            """,
            workspace_id=workspace_id, user_id=user_id, now=now,
        )  # fmt: skip
        return touched > 0

    async def _delete(self, tx: Transaction, news_ids: Iterable[int]) -> None:
        for news_id in news_ids:
            await tx.execute("delete from news where news_id = :news_id", news_id=news_id)

    async def count_waiting(self, workspace_id: str) -> int:
        rows = await self._db.fetch_all(
            "select count(*) as waiting from news where workspace_id = :workspace_id", workspace_id=workspace_id
        )
        return int(rows[0]["waiting"])
