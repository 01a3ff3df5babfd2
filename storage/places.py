"""Where a command is typed: how its workspace stands with Bitrise, and what its channel fills in. One look for both."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database import Database, from_row


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """``health`` and ``names_version`` are those of `storage.workspaces`; the rest are the channel's defaults."""

    is_connected: bool
    health: str
    names_version: int
    app_slug: str | None
    workflow: str | None
    branch: str | None


FIND_PLACE = """
    select workspaces.bitrise_token_sealed is not null as is_connected, workspaces.health, workspaces.names_version,
        channels.app_slug, channels.workflow, channels.branch
    from workspaces left join channels
    on channels.workspace_id = workspaces.workspace_id and channels.channel_id = :channel_id
    where workspaces.workspace_id = :workspace_id
"""


class PlaceStore:
    def __init__(self, database: Database) -> None:
        self._db = database

    async def find_place(self, workspace_id: str, channel_id: str) -> PlaceRow | None:
        """None when nobody knows the workspace."""
        row = await self._db.fetch_one(FIND_PLACE, workspace_id=workspace_id, channel_id=channel_id)
        return from_row(PlaceRow, row) if row else None
