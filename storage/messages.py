"""Messages in Slack that show builds, imports or statistics: one row is a message that was posted or soon will be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.database import Reads, Transaction, columns, delete_rows, fetch_row, fetch_rows, find_row, insert

CARD, LINE, STARTED, CHANGE, SUMMARY = "card", "line", "started", "change", "summary"
THREAD_ROOT, BULK_ABORT, UNFURL = "thread_root", "bulk_abort", "unfurl"
IMPORT, DIGEST = "import", "digest"
"""Messages without builds: the progress of an import, the statistics of a period."""
LIVE = (CARD, THREAD_ROOT, BULK_ABORT, UNFURL)
"""Messages that are updated when one of their builds changes; the others are posted once."""


@dataclass(frozen=True, slots=True)
class MessageRow:
    """``ts`` is None until Slack has accepted the message, and again once it refuses updates for good: then
    ``rendered_at`` is set. ``is_deleted`` if nothing more is sent for it.

    ``kind`` says how it is rendered (see `LIVE`). ``parent_id`` is the message in whose thread it is; ``thread_key``
    finds a message by its subject; ``facts`` are what rendering needs besides the builds.
    """

    message_id: str
    workspace_id: str
    channel_id: str
    created_at: datetime
    ts: str | None = None
    requested_by: str | None = None
    request_id: str | None = None
    rerouted_from: str | None = None
    rendered_at: datetime | None = None
    content_hash: str | None = None
    announced_at: datetime | None = None
    is_deleted: bool = False
    kind: str = CARD
    subscription_id: str | None = None
    parent_id: str | None = None
    thread_key: str | None = None
    facts: Mapping[str, Any] | None = None


async def add_message(tx: Transaction, message: MessageRow, build_slugs: Sequence[str]) -> bool:
    """Store a message with its builds; return False if it is stored already."""
    is_new = await insert(tx, "messages", message, skip_existing=True)
    if is_new:
        await _add_builds(tx, message, build_slugs)
    return is_new


async def replace_builds(tx: Transaction, message: MessageRow, build_slugs: Sequence[str]) -> None:
    await delete_rows(tx, "message_builds", message_id=message.message_id)
    await _add_builds(tx, message, build_slugs)


async def _add_builds(tx: Transaction, message: MessageRow, build_slugs: Sequence[str]) -> None:
    for position, build_slug in enumerate(build_slugs):
        entry: dict[str, Any] = {"workspace_id": message.workspace_id, "build_slug": build_slug, "position": position}
        await insert(tx, "message_builds", message_id=message.message_id, **entry)


async def add_follower(tx: Transaction, message_id: str, user_id: str) -> None:
    """Mention a user when the result of a card is announced."""
    await insert(tx, "message_followers", skip_existing=True, message_id=message_id, user_id=user_id)


async def list_followers(db: Reads, message_id: str) -> list[str]:
    rows = await db.fetch_all(
        "select user_id from message_followers where message_id = :message_id order by user_id", message_id=message_id
    )
    return [row["user_id"] for row in rows]


async def find_message(db: Reads, message_id: str) -> MessageRow | None:
    return await find_row(db, MessageRow, "messages", message_id=message_id)


async def list_of_build(db: Reads, workspace_id: str, build_slug: str) -> list[MessageRow]:
    """Return the messages that show a build live, oldest first."""
    return await _list_by_kind(db, LIVE, workspace_id, build_slug)


async def list_about_build(db: Reads, workspace_id: str, build_slug: str) -> list[MessageRow]:
    """Return the messages about this one build, which details about it belong to, oldest first."""
    return await _list_by_kind(db, (CARD, LINE, CHANGE), workspace_id, build_slug)


async def _list_by_kind(db: Reads, kinds: Sequence[str], workspace_id: str, build_slug: str) -> list[MessageRow]:
    return await fetch_rows(
        db,
        MessageRow,
        f"""
        select {columns(MessageRow)} from messages
        where is_deleted = 0 and kind in {_quoted(kinds)} and message_id in (
            select message_id from message_builds
            where workspace_id = :workspace_id and build_slug = :build_slug)
        order by created_at
        """,
        workspace_id=workspace_id,
        build_slug=build_slug,
    )


async def list_live(db: Reads, workspace_id: str) -> list[MessageRow]:
    """Return the live messages of unfinished builds."""
    return await fetch_rows(
        db,
        MessageRow,
        f"""
        select distinct {columns(MessageRow, table="messages")} from messages
        join message_builds on message_builds.message_id = messages.message_id
        join builds on builds.workspace_id = message_builds.workspace_id
            and builds.build_slug = message_builds.build_slug
        where builds.workspace_id = :workspace_id and builds.state != 'finished'
        and messages.is_deleted = 0 and messages.kind in {_quoted(LIVE)}
        """,
        workspace_id=workspace_id,
    )


def _quoted(kinds: Sequence[str]) -> str:
    return f"({', '.join(repr(kind) for kind in kinds)})"


async def find_by_thread_key(tx: Transaction, workspace_id: str, channel_id: str, thread_key: str) -> MessageRow | None:
    """Return the newest message of a channel with that key."""
    return await fetch_row(
        tx,
        MessageRow,
        f"""
        select {columns(MessageRow)} from messages
        where workspace_id = :workspace_id and channel_id = :channel_id and thread_key = :thread_key and is_deleted = 0
        order by created_at desc
        limit 1
        """,
        workspace_id=workspace_id,
        channel_id=channel_id,
        thread_key=thread_key,
    )


async def list_build_slugs(db: Reads, message_id: str) -> list[str]:
    rows = await db.fetch_all(
        "select build_slug from message_builds where message_id = :message_id order by position", message_id=message_id
    )
    return [row["build_slug"] for row in rows]


async def count_unfinished(db: Reads, message_id: str) -> int:
    """Return how many builds of a message are unfinished."""
    row = await db.fetch_one(
        """
        select count(*) as unfinished from message_builds
        join builds on builds.workspace_id = message_builds.workspace_id
            and builds.build_slug = message_builds.build_slug
        where message_builds.message_id = :message_id and builds.state != 'finished'
        """,
        message_id=message_id,
    )
    return int(row["unfinished"]) if row else 0


async def save_posted(tx: Transaction, message_id: str, *, channel_id: str, ts: str) -> None:
    await tx.execute(
        "update messages set channel_id = :channel_id, ts = :ts where message_id = :message_id",
        message_id=message_id, channel_id=channel_id, ts=ts,
    )  # fmt: skip


async def save_rendered(tx: Transaction, message_id: str, *, content_hash: str, now: datetime) -> None:
    await tx.execute(
        "update messages set rendered_at = :now, content_hash = :content_hash where message_id = :message_id",
        message_id=message_id, content_hash=content_hash, now=now,
    )  # fmt: skip


async def claim_announcement(tx: Transaction, message_id: str, *, now: datetime) -> bool:
    """Return whether this caller is the one to announce the result in the message's channel."""
    touched = await tx.execute(
        """
        update messages
        set announced_at = :now
        where message_id = :message_id and announced_at is null and is_deleted = 0
        """,
        message_id=message_id, now=now,
    )  # fmt: skip
    return touched == 1


async def reroute_message(tx: Transaction, message_id: str, *, to: str) -> None:
    """Move the message elsewhere, once, because Buildbell can't post in its channel."""
    await tx.execute(
        """
        update messages
        set rerouted_from = channel_id, channel_id = :to, ts = null, rendered_at = null
        where message_id = :message_id and rerouted_from is null
        """,
        message_id=message_id, to=to,
    )  # fmt: skip


async def forget_posted(tx: Transaction, message_id: str) -> None:
    """Have the message posted anew, because the posted one can't be updated."""
    await tx.execute("update messages set ts = null where message_id = :message_id", message_id=message_id)


async def mark_deleted(tx: Transaction, message_id: str) -> None:
    await tx.execute("update messages set is_deleted = 1 where message_id = :message_id", message_id=message_id)
