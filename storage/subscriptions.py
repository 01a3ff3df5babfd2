"""Subscriptions: which channel is notified of which builds, and in which style."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.database import Reads, Transaction, columns, delete_rows, fetch_rows, find_row, list_rows, upsert

APP_LOST = "the connected Bitrise token can no longer access the app"
"""The reason of a pause that ends when the token can access the app again."""
CHANGES = "changes"
"""The style that posts only results that change something, and never a start."""


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """``app_slug`` None means every app; ``filters`` are written by `bot.notifications.filters.to_json`.

    ``style`` is card, line, thread or changes. ``pause_reason`` is a clause for people. ``app_title`` is the title when
    the subscription was saved, for an app that can no longer be accessed.
    """

    subscription_id: str
    workspace_id: str
    channel_id: str
    app_slug: str | None
    filters: Mapping[str, Any]
    style: str
    include_starts: bool
    created_by: str
    created_at: datetime
    paused_at: datetime | None = None
    pause_reason: str | None = None
    app_title: str | None = None


async def save_subscription(tx: Transaction, subscription: SubscriptionRow) -> None:
    await upsert(tx, "subscriptions", subscription, key="subscription_id", keep=("workspace_id", "channel_id"))


async def find_subscription(db: Reads, workspace_id: str, subscription_id: str) -> SubscriptionRow | None:
    return await find_row(
        db, SubscriptionRow, "subscriptions", subscription_id=subscription_id, workspace_id=workspace_id
    )


async def list_of_channel(db: Reads, workspace_id: str, channel_id: str) -> list[SubscriptionRow]:
    """Return the oldest first, paused ones included."""
    return await list_rows(
        db,
        SubscriptionRow,
        "subscriptions",
        order_by="created_at, subscription_id",
        workspace_id=workspace_id,
        channel_id=channel_id,
    )


async def list_created_by(db: Reads, workspace_id: str, user_id: str) -> list[SubscriptionRow]:
    """Return what a user has subscribed, by channel, oldest first."""
    return await list_rows(
        db,
        SubscriptionRow,
        "subscriptions",
        order_by="channel_id, created_at, subscription_id",
        workspace_id=workspace_id,
        created_by=user_id,
    )


async def list_active(db: Reads, workspace_id: str) -> list[SubscriptionRow]:
    """Return all that are not paused, oldest first."""
    return await fetch_rows(
        db,
        SubscriptionRow,
        f"""
        select {columns(SubscriptionRow)} from subscriptions
        where workspace_id = :workspace_id and paused_at is null
        order by created_at, subscription_id
        """,
        workspace_id=workspace_id,
    )


async def pause_channel(
    tx: Transaction, workspace_id: str, channel_id: str, *, why: str, now: datetime
) -> list[SubscriptionRow]:
    """Pause the subscriptions of a channel; return those that were active."""
    active = [row for row in await list_of_channel(tx, workspace_id, channel_id) if row.paused_at is None]
    await tx.execute(
        """
        update subscriptions
        set paused_at = :now, pause_reason = :why
        where workspace_id = :workspace_id and channel_id = :channel_id and paused_at is null
        """,
        workspace_id=workspace_id, channel_id=channel_id, why=why, now=now,
    )  # fmt: skip
    return active


async def pause_workspace(tx: Transaction, workspace_id: str, *, why: str, now: datetime) -> int:
    """Pause the subscriptions of a workspace; return how many were active."""
    return await tx.execute(
        """
        update subscriptions
        set paused_at = :now, pause_reason = :why
        where workspace_id = :workspace_id and paused_at is null
        """,
        workspace_id=workspace_id, why=why, now=now,
    )  # fmt: skip


async def resume_channel(tx: Transaction, workspace_id: str, channel_id: str, *, now: datetime) -> int:
    """Resume the subscriptions of a channel from ``now``, skipping earlier events; return how many were paused.

    Those of apps that the token can't access stay paused.
    """
    return await tx.execute(
        """
        update subscriptions
        set paused_at = null, pause_reason = null, created_at = :now
        where workspace_id = :workspace_id and channel_id = :channel_id and paused_at is not null
        and pause_reason != :lost
        """,
        workspace_id=workspace_id, channel_id=channel_id, now=now, lost=APP_LOST,
    )  # fmt: skip


async def list_access_changes(db: Reads, workspace_id: str) -> list[SubscriptionRow]:
    """Return active subscriptions of apps that the token can't access, and paused ones of apps that it can again."""
    return await fetch_rows(
        db,
        SubscriptionRow,
        f"""
        select {columns(SubscriptionRow, table="subscriptions")} from subscriptions
        left join apps on apps.workspace_id = subscriptions.workspace_id and apps.app_slug = subscriptions.app_slug
        where subscriptions.workspace_id = :workspace_id and subscriptions.app_slug is not null
        and case when apps.app_slug is null then paused_at is null else pause_reason = :lost end
        order by created_at, subscription_id
        """,
        workspace_id=workspace_id,
        lost=APP_LOST,
    )


async def pause_subscription(tx: Transaction, row: SubscriptionRow, *, why: str, now: datetime) -> bool:
    """Return False if it was paused or removed meanwhile."""
    touched = await tx.execute(
        """
        update subscriptions
        set paused_at = :now, pause_reason = :why
        where subscription_id = :subscription_id and paused_at is null
        """,
        subscription_id=row.subscription_id, why=why, now=now,
    )  # fmt: skip
    return touched == 1


async def resume_subscription(tx: Transaction, row: SubscriptionRow, *, now: datetime) -> bool:
    """Resume from ``now``; return False if the pause has ended, or has another reason by now."""
    touched = await tx.execute(
        """
        update subscriptions
        set paused_at = null, pause_reason = null, created_at = :now
        where subscription_id = :subscription_id and pause_reason = :why
        """,
        subscription_id=row.subscription_id, why=row.pause_reason, now=now,
    )  # fmt: skip
    return touched == 1


async def count_paused(db: Reads, workspace_id: str) -> int:
    row = await db.fetch_one(
        "select count(*) as paused from subscriptions where workspace_id = :workspace_id and paused_at is not null",
        workspace_id=workspace_id,
    )
    return int(row["paused"]) if row else 0


async def delete_subscription(tx: Transaction, workspace_id: str, subscription_id: str) -> bool:
    return await delete_rows(tx, "subscriptions", subscription_id=subscription_id, workspace_id=workspace_id) == 1
