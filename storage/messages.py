"""Where builds are shown: one row is one message in Slack that shows one or several builds live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.database import Reads, Transaction, column_list, from_row, placeholder_list, to_columns

CARD, LINE, STARTED, CHANGE, FOLD = "card", "line", "started", "change", "fold"
BRANCH, BULK, UNFURL = "branch", "bulk", "unfurl"
IMPORT, DIGEST = "import", "digest"
"""These show no build: how far the past has been read, and the figures of a span."""
LIVE = (CARD, BRANCH, BULK, UNFURL)
"""These are drawn again when a build of theirs moves; the others say once what has happened."""
_IS_LIVE = f"style in ({', '.join(repr(style) for style in LIVE)})"


@dataclass(frozen=True, slots=True)
class CardRow:
    """``ts`` is None until Slack took the message; ``is_gone`` when it can no longer be drawn there.

    ``style`` says how it is drawn (see `LIVE`). ``parent_id`` is the card in whose thread it stands; ``place`` finds a
    message again by what it is about; ``facts`` are what its drawing knows besides the builds.
    """

    card_id: str
    workspace_id: str
    channel_id: str
    created_at: datetime
    ts: str | None = None
    requester: str | None = None
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


COLUMNS = column_list(CardRow)


async def add_card(tx: Transaction, card: CardRow, build_slugs: Sequence[str]) -> bool:
    """Store a card with its builds; False when it is there already."""
    touched = await tx.execute(
        f"insert into cards ({COLUMNS}) values ({placeholder_list(CardRow)}) on conflict do nothing",
        **to_columns(card),
    )
    if touched:
        await _add_builds(tx, card, build_slugs)
    return touched == 1


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
    row = await db.fetch_one(f"select {COLUMNS} from cards where card_id = :card_id", card_id=card_id)
    return from_row(CardRow, row) if row else None


async def list_of_build(db: Reads, workspace_id: str, build_slug: str) -> list[CardRow]:
    """What shows a build live, oldest first."""
    rows = await db.fetch_all(
        f"""
        select {COLUMNS} from cards
        where is_gone = 0 and {_IS_LIVE} and card_id in (
            select card_id from card_builds where workspace_id = :workspace_id and build_slug = :build_slug)
        order by created_at
        """,
        workspace_id=workspace_id, build_slug=build_slug,
    )  # fmt: skip
    return [from_row(CardRow, row) for row in rows]


async def list_telling(db: Reads, workspace_id: str, build_slug: str) -> list[CardRow]:
    """Messages that stand for this one build: where details about it belong."""
    rows = await db.fetch_all(
        f"""
        select {COLUMNS} from cards
        where is_gone = 0 and style in ('{CARD}', '{LINE}', '{CHANGE}') and card_id in (
            select card_id from card_builds where workspace_id = :workspace_id and build_slug = :build_slug)
        order by created_at
        """,
        workspace_id=workspace_id, build_slug=build_slug,
    )  # fmt: skip
    return [from_row(CardRow, row) for row in rows]


async def find_at_place(tx: Transaction, workspace_id: str, channel_id: str, place: str) -> CardRow | None:
    """The newest message of a channel that is about ``place``."""
    row = await tx.fetch_one(
        f"""
        select {COLUMNS} from cards
        where workspace_id = :workspace_id and channel_id = :channel_id and place = :place and is_gone = 0
        order by created_at desc limit 1
        """,
        workspace_id=workspace_id, channel_id=channel_id, place=place,
    )  # fmt: skip
    return from_row(CardRow, row) if row else None


async def replace_builds(tx: Transaction, card: CardRow, build_slugs: Sequence[str]) -> None:
    await tx.execute("delete from card_builds where card_id = :card_id", card_id=card.card_id)
    await _add_builds(tx, card, build_slugs)


async def list_build_slugs(db: Reads, card_id: str) -> list[str]:
    rows = await db.fetch_all(
        "select build_slug from card_builds where card_id = :card_id order by position", card_id=card_id
    )
    return [row["build_slug"] for row in rows]


async def list_watched(db: Reads, workspace_id: str) -> list[CardRow]:
    """Cards of builds that are not finished."""
    rows = await db.fetch_all(
        f"""
        select distinct {", ".join(f"cards.{name}" for name in COLUMNS.split(", "))}
        from cards
        join card_builds on card_builds.card_id = cards.card_id
        join builds on builds.workspace_id = card_builds.workspace_id
            and builds.build_slug = card_builds.build_slug
        where builds.workspace_id = :workspace_id and builds.state != 'finished' and cards.is_gone = 0
        and cards.{_IS_LIVE}
        """,
        workspace_id=workspace_id,
    )
    return [from_row(CardRow, row) for row in rows]


async def count_unfinished(db: Reads, card_id: str) -> int:
    """How many of a card's builds still run."""
    row = await db.fetch_one(
        """
        select count(*) as unfinished from card_builds
        join builds on builds.workspace_id = card_builds.workspace_id
            and builds.build_slug = card_builds.build_slug
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
    """Whether we are the one to announce the end in this card's channel."""
    touched = await tx.execute(
        "update cards set announced_at = :now where card_id = :card_id and announced_at is null and is_gone = 0",
        card_id=card_id, now=now,
    )  # fmt: skip
    return touched == 1


async def reroute_card(tx: Transaction, card_id: str, *, to: str) -> None:
    """The channel cannot be written to: show the card elsewhere."""
    await tx.execute(
        """
        update cards set rerouted_from = channel_id, channel_id = :to, ts = null
        where card_id = :card_id and rerouted_from is null
        """,
        card_id=card_id, to=to,
    )  # fmt: skip


async def close_card(tx: Transaction, card_id: str) -> None:
    await tx.execute("update cards set is_gone = 1 where card_id = :card_id", card_id=card_id)
