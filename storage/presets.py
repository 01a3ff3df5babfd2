"""Presets: starts that were saved under a name, per channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database import Database, Reads, Transaction, delete_rows, find_row, list_rows, upsert


@dataclass(frozen=True, slots=True)
class PresetRow:
    """``name`` is in lower case. The parameters are sealed, because variables may hold secrets."""

    workspace_id: str
    channel_id: str
    name: str
    app_slug: str
    parameters_sealed: str
    created_by: str
    created_at: datetime


async def save_preset(tx: Transaction, preset: PresetRow) -> None:
    """Add a preset, or replace the one of that name."""
    await upsert(tx, "presets", preset, key="workspace_id, channel_id, name")


async def find_preset(db: Reads, workspace_id: str, channel_id: str, name: str) -> PresetRow | None:
    return await find_row(db, PresetRow, "presets", workspace_id=workspace_id, channel_id=channel_id, name=name)


async def list_presets(
    db: Reads, workspace_id: str, *, channel_id: str | None = None, created_by: str | None = None
) -> list[PresetRow]:
    """Return presets by name: all of the workspace, those of a channel, or those that a person saved."""
    key = {"workspace_id": workspace_id, "channel_id": channel_id, "created_by": created_by}
    given = {name: value for name, value in key.items() if value is not None}
    return await list_rows(db, PresetRow, "presets", order_by="name, channel_id", **given)


async def delete_preset(tx: Transaction, workspace_id: str, channel_id: str, name: str) -> bool:
    """Return False if there was none."""
    return await delete_rows(tx, "presets", workspace_id=workspace_id, channel_id=channel_id, name=name) == 1


async def replace_sealed_parameters(db: Database, preset: PresetRow, sealed: str) -> int:
    """Replace the parameters with the same ones sealed with a newer key; 0 if they changed meanwhile."""
    return await db.execute(
        """
        update presets
        set parameters_sealed = :sealed
        where workspace_id = :workspace_id and channel_id = :channel_id and name = :name and parameters_sealed = :old
        """,
        workspace_id=preset.workspace_id, channel_id=preset.channel_id, name=preset.name,
        old=preset.parameters_sealed, sealed=sealed,
    )  # fmt: skip
