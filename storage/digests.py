"""Which channel is told its figures, how often and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.database import Reads, Transaction, column_list, from_row, placeholder_list, to_columns

DAILY, WEEKLY = "daily", "weekly"


@dataclass(frozen=True, slots=True)
class DigestRow:
    """``app_slug`` None is every app. ``weekday`` counts from Monday, 0; ``at`` is HH:MM in ``zone`` (IANA).

    ``due_at`` is when the next one leaves. ``paused_why`` is a sentence for people.
    """

    digest_id: str
    workspace_id: str
    channel_id: str
    app_slug: str | None
    cadence: str
    weekday: int
    at: str
    zone: str
    due_at: datetime
    owner: str
    created_at: datetime
    paused_at: datetime | None = None
    paused_why: str | None = None

    @property
    def days(self) -> int:
        """How much one of them covers."""
        return 7 if self.cadence == WEEKLY else 1


COLUMNS = column_list(DigestRow)


async def save_digest(tx: Transaction, digest: DigestRow) -> None:
    """Add it, or put it in the place of the one with its id."""
    await tx.execute(
        f"""
        insert into digests ({COLUMNS}) values ({placeholder_list(DigestRow)})
        on conflict (digest_id) do update
        set app_slug = excluded.app_slug, cadence = excluded.cadence, weekday = excluded.weekday,
            at = excluded.at, zone = excluded.zone, due_at = excluded.due_at, owner = excluded.owner,
            paused_at = excluded.paused_at, paused_why = excluded.paused_why
        """,
        **to_columns(digest),
    )


async def find_digest(db: Reads, digest_id: str) -> DigestRow | None:
    row = await db.fetch_one(f"select {COLUMNS} from digests where digest_id = :digest_id", digest_id=digest_id)
    return from_row(DigestRow, row) if row else None


async def list_of_channel(db: Reads, workspace_id: str, channel_id: str) -> list[DigestRow]:
    """Paused ones among them, oldest first."""
    rows = await db.fetch_all(
        f"""
        select {COLUMNS} from digests
        where workspace_id = :workspace_id and channel_id = :channel_id
        order by created_at, digest_id
        """,
        workspace_id=workspace_id, channel_id=channel_id,
    )  # fmt: skip
    return [from_row(DigestRow, row) for row in rows]


async def claim_digest(tx: Transaction, digest_id: str, *, due_at: datetime, next_at: datetime) -> bool:
    """Whether we are the one to tell what is due at ``due_at``; the next one is planned by that."""
    touched = await tx.execute(
        """
        update digests set due_at = :next_at
        where digest_id = :digest_id and due_at = :due_at and paused_at is null
        """,
        digest_id=digest_id, due_at=due_at, next_at=next_at,
    )  # fmt: skip
    return touched == 1


async def pause_channel(
    tx: Transaction, workspace_id: str, channel_id: str, *, why: str, now: datetime
) -> Sequence[DigestRow]:
    """Pause all of a channel; returns those that were not paused before."""
    active = [row for row in await list_of_channel(tx, workspace_id, channel_id) if row.paused_at is None]
    await tx.execute(
        """
        update digests set paused_at = :now, paused_why = :why
        where workspace_id = :workspace_id and channel_id = :channel_id and paused_at is null
        """,
        workspace_id=workspace_id, channel_id=channel_id, why=why, now=now,
    )  # fmt: skip
    return active


async def delete_digest(tx: Transaction, workspace_id: str, digest_id: str) -> bool:
    touched = await tx.execute(
        "delete from digests where digest_id = :digest_id and workspace_id = :workspace_id",
        digest_id=digest_id, workspace_id=workspace_id,
    )  # fmt: skip
    return touched == 1
