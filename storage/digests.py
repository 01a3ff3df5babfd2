"""Scheduled reports: which channel receives statistics, how often and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database import Reads, Transaction, delete_rows, find_row, list_rows, upsert

DAILY, WEEKLY = "daily", "weekly"


@dataclass(frozen=True, slots=True)
class DigestRow:
    """``app_slug`` None means every app. ``weekday`` counts from Monday, 0; ``at`` is HH:MM in ``zone`` (IANA).

    ``due_at`` is when the next report is posted. ``pause_reason`` is a sentence for people.
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
    created_by: str
    created_at: datetime
    paused_at: datetime | None = None
    pause_reason: str | None = None

    @property
    def days(self) -> int:
        """The length of the period that one report covers."""
        return 7 if self.cadence == WEEKLY else 1


async def save_digest(tx: Transaction, digest: DigestRow) -> None:
    await upsert(tx, "digests", digest, key="digest_id", keep=("workspace_id", "channel_id", "created_at"))


async def find_digest(db: Reads, digest_id: str) -> DigestRow | None:
    return await find_row(db, DigestRow, "digests", digest_id=digest_id)


async def list_of_channel(db: Reads, workspace_id: str, channel_id: str) -> list[DigestRow]:
    """Return the oldest first, paused ones included."""
    return await list_rows(
        db, DigestRow, "digests", order_by="created_at, digest_id", workspace_id=workspace_id, channel_id=channel_id
    )


async def claim_digest(tx: Transaction, digest_id: str, *, due_at: datetime, next_at: datetime) -> bool:
    """Schedule the next report; return whether this caller is the one to post what was due at ``due_at``."""
    touched = await tx.execute(
        """
        update digests
        set due_at = :next_at
        where digest_id = :digest_id and due_at = :due_at and paused_at is null
        """,
        digest_id=digest_id, due_at=due_at, next_at=next_at,
    )  # fmt: skip
    return touched == 1


async def pause_channel(
    tx: Transaction, workspace_id: str, channel_id: str, *, why: str, now: datetime
) -> list[DigestRow]:
    """Pause the digests of a channel; return those that were active."""
    active = [row for row in await list_of_channel(tx, workspace_id, channel_id) if row.paused_at is None]
    await tx.execute(
        """
        update digests
        set paused_at = :now, pause_reason = :why
        where workspace_id = :workspace_id and channel_id = :channel_id and paused_at is null
        """,
        workspace_id=workspace_id, channel_id=channel_id, why=why, now=now,
    )  # fmt: skip
    return active


async def delete_digest(tx: Transaction, workspace_id: str, digest_id: str) -> bool:
    return await delete_rows(tx, "digests", digest_id=digest_id, workspace_id=workspace_id) == 1
