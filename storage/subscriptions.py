"""Which channel hears about which builds, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.database import Reads, Transaction, column_list, from_row, placeholder_list, to_columns

CHANGES = "changes"
"""The style that tells only what a result changes, and never a start."""


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """``app_slug`` None is every app; ``filters`` as `bot.notifications.filters.to_json` writes them.

    ``style`` is card, line, thread or changes. ``paused_why`` is a sentence for people.
    """

    subscription_id: str
    workspace_id: str
    channel_id: str
    app_slug: str | None
    filters: Mapping[str, Any]
    style: str
    tells_starts: bool
    owner: str
    created_at: datetime
    paused_at: datetime | None = None
    paused_why: str | None = None


COLUMNS = column_list(SubscriptionRow)


async def save_subscription(tx: Transaction, subscription: SubscriptionRow) -> None:
    """Add it, or put it in the place of the one with its id."""
    await tx.execute(
        f"""
        insert into subscriptions ({COLUMNS}) values ({placeholder_list(SubscriptionRow)})
        on conflict (subscription_id) do update
        set app_slug = excluded.app_slug, filters = excluded.filters, style = excluded.style,
            tells_starts = excluded.tells_starts, owner = excluded.owner, created_at = excluded.created_at,
            paused_at = excluded.paused_at, paused_why = excluded.paused_why
        """,
        **to_columns(subscription),
    )


async def find_subscription(db: Reads, workspace_id: str, subscription_id: str) -> SubscriptionRow | None:
    row = await db.fetch_one(
        f"""
        select {COLUMNS} from subscriptions
        where subscription_id = :subscription_id and workspace_id = :workspace_id
        """,
        workspace_id=workspace_id, subscription_id=subscription_id,
    )  # fmt: skip
    return from_row(SubscriptionRow, row) if row else None


async def list_of_channel(db: Reads, workspace_id: str, channel_id: str) -> list[SubscriptionRow]:
    """Paused ones among them, oldest first."""
    rows = await db.fetch_all(
        f"""
        select {COLUMNS} from subscriptions
        where workspace_id = :workspace_id and channel_id = :channel_id
        order by created_at, subscription_id
        """,
        workspace_id=workspace_id, channel_id=channel_id,
    )  # fmt: skip
    return [from_row(SubscriptionRow, row) for row in rows]


async def list_of_owner(db: Reads, workspace_id: str, owner: str) -> list[SubscriptionRow]:
    """What a person has set up, by channel, oldest first."""
    rows = await db.fetch_all(
        f"""
        select {COLUMNS} from subscriptions
        where workspace_id = :workspace_id and owner = :owner
        order by channel_id, created_at, subscription_id
        """,
        workspace_id=workspace_id, owner=owner,
    )  # fmt: skip
    return [from_row(SubscriptionRow, row) for row in rows]


async def list_active(db: Reads, workspace_id: str) -> list[SubscriptionRow]:
    """All that are not paused, oldest first."""
    rows = await db.fetch_all(
        f"""
        select {COLUMNS} from subscriptions
        where workspace_id = :workspace_id and paused_at is null
        order by created_at, subscription_id
        """,
        workspace_id=workspace_id,
    )
    return [from_row(SubscriptionRow, row) for row in rows]


async def pause_channel(
    tx: Transaction, workspace_id: str, channel_id: str, *, why: str, now: datetime
) -> list[SubscriptionRow]:
    """Pause what the channel hears, because it cannot; returns those that were not paused before."""
    active = [row for row in await list_of_channel(tx, workspace_id, channel_id) if row.paused_at is None]
    await tx.execute(
        """
        update subscriptions set paused_at = :now, paused_why = :why
        where workspace_id = :workspace_id and channel_id = :channel_id and paused_at is null
        """,
        workspace_id=workspace_id, channel_id=channel_id, why=why, now=now,
    )  # fmt: skip
    return active


async def pause_workspace(tx: Transaction, workspace_id: str, *, why: str, now: datetime) -> int:
    """Pause all that is heard in a workspace; returns how many were not paused before."""
    return await tx.execute(
        """
        update subscriptions set paused_at = :now, paused_why = :why
        where workspace_id = :workspace_id and paused_at is null
        """,
        workspace_id=workspace_id, why=why, now=now,
    )  # fmt: skip


async def resume_channel(tx: Transaction, workspace_id: str, channel_id: str, *, now: datetime) -> int:
    """Go on from now: what was missed is not told. Returns how many were paused."""
    return await tx.execute(
        """
        update subscriptions set paused_at = null, paused_why = null, created_at = :now
        where workspace_id = :workspace_id and channel_id = :channel_id and paused_at is not null
        """,
        workspace_id=workspace_id, channel_id=channel_id, now=now,
    )  # fmt: skip


async def delete_subscription(tx: Transaction, workspace_id: str, subscription_id: str) -> bool:
    touched = await tx.execute(
        """
        delete from subscriptions
        where subscription_id = :subscription_id and workspace_id = :workspace_id
        """,
        workspace_id=workspace_id, subscription_id=subscription_id,
    )  # fmt: skip
    return touched == 1
