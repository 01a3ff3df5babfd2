"""The apps that a workspace's token reaches, their aliases, and the defaults of channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from storage.database import Reads, Transaction, delete_rows, find_row, insert, list_rows, upsert


@dataclass(frozen=True, slots=True)
class AppRow:
    workspace_id: str
    app_slug: str
    title: str
    repo_owner: str | None
    repo_slug: str | None
    repo_url: str | None
    project_type: str | None
    is_disabled: bool
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """The defaults of a channel. ``finish_in`` is where results are posted: ``thread`` or ``channel``."""

    workspace_id: str
    channel_id: str
    app_slug: str | None
    workflow: str | None
    branch: str | None
    finish_in: str


async def replace_apps(tx: Transaction, workspace_id: str, apps: Sequence[AppRow]) -> None:
    """Store the complete list fetched from Bitrise; apps that the token no longer reaches are deleted."""
    await delete_rows(tx, "apps", workspace_id=workspace_id)
    for app in apps:
        await insert(tx, "apps", app)
    await _increment_names_version(tx, workspace_id)


async def add_apps(tx: Transaction, workspace_id: str, apps: Sequence[AppRow]) -> None:
    """Store apps of an incomplete list; the others stay."""
    for app in apps:
        await upsert(tx, "apps", app, key="workspace_id, app_slug")
    await _increment_names_version(tx, workspace_id)


async def save_title(tx: Transaction, workspace_id: str, app_slug: str, title: str) -> None:
    """Store the title of an app that is new, or was renamed, since the list was fetched."""
    app = await find_app(tx, workspace_id, app_slug) or AppRow(
        workspace_id, app_slug, "", None, None, None, None, is_disabled=False
    )
    if app.title != title:
        await add_apps(tx, workspace_id, [replace(app, title=title)])


async def list_apps(db: Reads, workspace_id: str) -> list[AppRow]:
    return await list_rows(db, AppRow, "apps", order_by="lower(title), app_slug", workspace_id=workspace_id)


async def find_app(db: Reads, workspace_id: str, app_slug: str) -> AppRow | None:
    return await find_row(db, AppRow, "apps", workspace_id=workspace_id, app_slug=app_slug)


async def list_aliases(db: Reads, workspace_id: str) -> dict[str, str]:
    """Return a mapping from alias to app slug."""
    rows = await db.fetch_all(
        "select alias, app_slug from aliases where workspace_id = :workspace_id order by alias",
        workspace_id=workspace_id,
    )
    return {row["alias"]: row["app_slug"] for row in rows}


async def replace_aliases(tx: Transaction, workspace_id: str, aliases: dict[str, str]) -> None:
    await delete_rows(tx, "aliases", workspace_id=workspace_id)
    for alias, app_slug in aliases.items():
        await insert(tx, "aliases", workspace_id=workspace_id, alias=alias, app_slug=app_slug)
    await _increment_names_version(tx, workspace_id)


async def _increment_names_version(tx: Transaction, workspace_id: str) -> None:
    await tx.execute(
        "update workspaces set names_version = names_version + 1 where workspace_id = :workspace_id",
        workspace_id=workspace_id,
    )


async def get_channel(db: Reads, workspace_id: str, channel_id: str) -> ChannelRow:
    """Return the defaults of a channel, an empty row if none are set."""
    channel = await find_row(db, ChannelRow, "channels", workspace_id=workspace_id, channel_id=channel_id)
    return channel or ChannelRow(workspace_id, channel_id, None, None, None, "thread")


async def save_channel(tx: Transaction, channel: ChannelRow) -> None:
    await upsert(tx, "channels", channel, key="workspace_id, channel_id")


async def claim_introduction(
    tx: Transaction, workspace_id: str, channel_id: str, *, now: datetime, before: datetime
) -> bool:
    """Return whether the last introduction in the channel was earlier than ``before``; this one counts from now on."""
    touched = await tx.execute(
        """
        insert into channels (workspace_id, channel_id, finish_in, introduced_at)
        values (:workspace_id, :channel_id, 'thread', :now)
        on conflict (workspace_id, channel_id) do update set introduced_at = excluded.introduced_at
        where channels.introduced_at is null or channels.introduced_at <= :before
        """,
        workspace_id=workspace_id, channel_id=channel_id, now=now, before=before,
    )  # fmt: skip
    return touched == 1
