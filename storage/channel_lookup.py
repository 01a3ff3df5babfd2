"""Where a command is typed: how its workspace stands with Bitrise, and what its channel fills in. One look for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storage.database import Reads, Row, from_row


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """``health`` and ``names_version`` are those of `storage.workspaces`; the rest are the channel's defaults."""

    is_connected: bool
    health: str
    names_version: int
    app_slug: str | None
    workflow: str | None
    branch: str | None


COLUMNS = """
    workspaces.bitrise_token_sealed is not null as is_connected, workspaces.health, workspaces.names_version,
    channels.app_slug, channels.workflow, channels.branch
"""
FIND_PLACE = f"""
    select {COLUMNS} from workspaces left join channels
    on channels.workspace_id = workspaces.workspace_id and channels.channel_id = :channel_id
    where workspaces.workspace_id = :workspace_id
"""


async def find_place(db: Reads, workspace_id: str, channel_id: str) -> PlaceRow | None:
    """Return None for an unknown workspace."""
    return _place(await db.fetch_one(FIND_PLACE, workspace_id=workspace_id, channel_id=channel_id))


async def find_places(db: Reads, asked: Sequence[tuple[str, str]]) -> list[PlaceRow | None]:
    """Those that are asked for at the same time, in one round trip."""
    rows = ", ".join(f"({place}, :w{place}, :c{place})" for place in range(len(asked)))
    keys = {f"w{place}": workspace_id for place, (workspace_id, _) in enumerate(asked)}
    keys |= {f"c{place}": channel_id for place, (_, channel_id) in enumerate(asked)}
    found = await db.fetch_all(
        f"""
        with asked (place, workspace_id, channel_id) as (values {rows})
        select asked.place, {COLUMNS} from asked
        join workspaces on workspaces.workspace_id = asked.workspace_id
        left join channels
        on channels.workspace_id = asked.workspace_id and channels.channel_id = asked.channel_id
        """,
        **keys,
    )
    by_place = {row["place"]: row for row in found}
    return [_place(by_place.get(place)) for place in range(len(asked))]


def _place(row: Row | None) -> PlaceRow | None:
    return from_row(PlaceRow, row) if row else None
