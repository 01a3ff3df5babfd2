"""Messages in Slack that show builds, imports or statistics: one row is a message that was posted or soon will be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.database import Reads, Transaction, columns, fetch_row, fetch_rows, insert

CARD, LINE, STARTED, CHANGE, FOLD = "card", "line", "started", "change", "fold"
BRANCH, BULK, UNFURL = "branch", "bulk", "unfurl"
IMPORT, DIGEST = "import", "digest"
"""Messages without builds: the progress of an import, the statistics of a period."""
LIVE = (CARD, BRANCH, BULK, UNFURL)
"""Messages that are updated when one of their builds changes; the others are posted once."""


@dataclass(frozen=True, slots=True)
class CardRow:
    """``ts`` is None until Slack has accepted the message; ``is_gone`` if it was deleted in Slack.

    ``style`` says how it is rendered (see `LIVE`). ``parent_id`` is the message in whose thread it is; ``place`` finds
    a message by its subject; ``facts`` are what rendering needs besides the builds.
    """

    card_id: str
    workspace_id: str
    channel_id: str
    created_at: datetime
    ts: str | None = None
    requested_by: str | None = None
    request_id: str | None = None
    rerouted_from: str | None = None
    drawn_at: datetime | None = None
    drawn_digest: str | None = None
    announced_at: datetime | None = None
    is_gone: bool = False
    style: str = CARD
    subscription_id: str | None = None
    parent_id: str | None = None
    place: str | None = None
    facts: Mapping[str, Any] | None = None


async def add_card(tx: Transaction, card: CardRow, build_slugs: Sequence[str]) -> bool:
    """Store a message with its builds; return False if it is stored already."""
    is_new = await insert(tx, "cards", card, skip_existing=True)
    if is_new:
        await _add_builds(tx, card, build_slugs)
    return is_new


async def replace_builds(tx: Transaction, card: CardRow, build_slugs: Sequence[str]) -> None:
    await tx.execute("delete from card_builds where card_id = :card_id", card_id=card.card_id)
    await _add_builds(tx, card, build_slugs)


async def _add_builds(tx: Transaction, card: CardRow, build_slugs: Sequence[str]) -> None:
    for position, build_slug in enumerate(build_slugs):
        await tx.execute(
            """
            insert into card_builds (card_id, workspace_id, build_slug, position)
            values (:card_id, :workspace_id, :build_slug, :position)
            """,
            card_id=card.card_id, workspace_id=card.workspace_id, build_slug=build_slug, position=position,
        )  # fmt: skip


async def find_card(db: Reads, card_id: str) -> CardRow | None:
    return await fetch_row(
        db, CardRow, f"select {columns(CardRow)} from cards where card_id = :card_id", card_id=card_id
    )


async def list_of_build(db: Reads, workspace_id: str, build_slug: str) -> list[CardRow]:
    """Return the messages that show a build live, oldest first."""
    return await _list_by_style(db, LIVE, workspace_id, build_slug)


async def list_telling(db: Reads, workspace_id: str, build_slug: str) -> list[CardRow]:
    """Return the messages about this one build, which details about it belong to, oldest first."""
    return await _list_by_style(db, (CARD, LINE, CHANGE), workspace_id, build_slug)


async def _list_by_style(db: Reads, styles: Sequence[str], workspace_id: str, build_slug: str) -> list[CardRow]:
    return await fetch_rows(
        db,
        CardRow,
        f"""
        select {columns(CardRow)} from cards
        where is_gone = 0 and style in {_quoted(styles)} and card_id in (
            select card_id from card_builds
            where workspace_id = :workspace_id and build_slug = :build_slug)
        order by created_at
        """,
        workspace_id=workspace_id,
        build_slug=build_slug,
    )


async def list_watched(db: Reads, workspace_id: str) -> list[CardRow]:
    """Return the live messages of unfinished builds."""
    return await fetch_rows(
        db,
        CardRow,
        f"""
        select distinct {columns(CardRow, table="cards")} from cards
        join card_builds on card_builds.card_id = cards.card_id
        join builds on builds.workspace_id = card_builds.workspace_id and builds.build_slug = card_builds.build_slug
        where builds.workspace_id = :workspace_id and builds.state != 'finished'
        and cards.is_gone = 0 and cards.style in {_quoted(LIVE)}
        """,
        workspace_id=workspace_id,
    )


def _quoted(styles: Sequence[str]) -> str:
    return f"({', '.join(repr(style) for style in styles)})"


async def find_at_place(tx: Transaction, workspace_id: str, channel_id: str, place: str) -> CardRow | None:
    """Return the newest message of a channel with that key."""
    return await fetch_row(
        tx,
        CardRow,
        f"""
        select {columns(CardRow)} from cards
        where workspace_id = :workspace_id and channel_id = :channel_id and place = :place and is_gone = 0
        order by created_at desc
        limit 1
        """,
        workspace_id=workspace_id,
        channel_id=channel_id,
        place=place,
    )


async def list_build_slugs(db: Reads, card_id: str) -> list[str]:
    rows = await db.fetch_all(
        "select build_slug from card_builds where card_id = :card_id order by position", card_id=card_id
    )
    return [row["build_slug"] for row in rows]


async def count_unfinished(db: Reads, card_id: str) -> int:
    """Return how many builds of a message are unfinished."""
    row = await db.fetch_one(
        """
        select count(*) as unfinished from card_builds
        join builds on builds.workspace_id = card_builds.workspace_id and builds.build_slug = card_builds.build_slug
        where card_builds.card_id = :card_id and builds.state != 'finished'
        """,
        card_id=card_id,
    )
    return int(row["unfinished"]) if row else 0


async def save_posted(tx: Transaction, card_id: str, *, channel_id: str, ts: str) -> None:
    await tx.execute(
        "update cards set channel_id = :channel_id, ts = :ts where card_id = :card_id",
        card_id=card_id, channel_id=channel_id, ts=ts,
    )  # fmt: skip


async def save_drawn(tx: Transaction, card_id: str, *, digest: str, now: datetime) -> None:
    await tx.execute(
        "update cards set drawn_at = :now, drawn_digest = :digest where card_id = :card_id",
        card_id=card_id, digest=digest, now=now,
    )  # fmt: skip


async def claim_announcement(tx: Transaction, card_id: str, *, now: datetime) -> bool:
    """Return whether this caller is the one to announce the result in the card's channel."""
    touched = await tx.execute(
        "update cards set announced_at = :now where card_id = :card_id and announced_at is null and is_gone = 0",
        card_id=card_id, now=now,
    )  # fmt: skip
    return touched == 1


async def reroute_card(tx: Transaction, card_id: str, *, to: str) -> None:
    """Move the message elsewhere, once, because Buildbell can't post in its channel."""
    await tx.execute(
        """
        update cards
        set rerouted_from = channel_id, channel_id = :to, ts = null
        where card_id = :card_id and rerouted_from is null
        """,
        card_id=card_id, to=to,
    )  # fmt: skip


async def close_card(tx: Transaction, card_id: str) -> None:
    await tx.execute("update cards set is_gone = 1 where card_id = :card_id", card_id=card_id)
