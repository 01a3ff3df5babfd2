"""The apps a workspace's token reaches, their short names, and what a channel fills in when it is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storage.database import Reads, Transaction, column_list, from_row, placeholder_list, to_columns


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
    """``finish_in`` says where the end of a build is told: ``thread`` or ``channel``."""

    workspace_id: str
    channel_id: str
    app_slug: str | None
    workflow: str | None
    branch: str | None
    finish_in: str


async def replace_apps(tx: Transaction, workspace_id: str, apps: Sequence[AppRow]) -> None:
    """The whole list as Bitrise gives it now; apps the token no longer reaches are forgotten."""
    await tx.execute("delete from apps where workspace_id = :workspace_id", workspace_id=workspace_id)
    for app in apps:
        await tx.execute(
            f"insert into apps ({column_list(AppRow)}) values ({placeholder_list(AppRow)})", **to_columns(app)
        )
    await _note_new_names(tx, workspace_id)


async def list_apps(db: Reads, workspace_id: str) -> list[AppRow]:
    rows = await db.fetch_all(
        f"""
        select {column_list(AppRow)} from apps
        where workspace_id = :workspace_id order by lower(title), app_slug
        """,
        workspace_id=workspace_id,
    )
    return [from_row(AppRow, row) for row in rows]


async def list_titles(db: Reads, workspace_id: str) -> dict[str, str]:
    """App slug -> title."""
    return {app.app_slug: app.title for app in await list_apps(db, workspace_id)}


async def find_app(db: Reads, workspace_id: str, app_slug: str) -> AppRow | None:
    row = await db.fetch_one(
        f"select {column_list(AppRow)} from apps where workspace_id = :workspace_id and app_slug = :app_slug",
        workspace_id=workspace_id, app_slug=app_slug,
    )  # fmt: skip
    return from_row(AppRow, row) if row else None


async def list_aliases(db: Reads, workspace_id: str) -> dict[str, str]:
    """Short name -> app slug."""
    rows = await db.fetch_all(
        "select alias, app_slug from aliases where workspace_id = :workspace_id order by alias",
        workspace_id=workspace_id,
    )
    return {row["alias"]: row["app_slug"] for row in rows}


async def replace_aliases(tx: Transaction, workspace_id: str, aliases: dict[str, str]) -> None:
    await tx.execute("delete from aliases where workspace_id = :workspace_id", workspace_id=workspace_id)
    for alias, app_slug in aliases.items():
        await tx.execute(
            """
            insert into aliases (workspace_id, alias, app_slug) values (:workspace_id, :alias, :app_slug)
            """,
            workspace_id=workspace_id, alias=alias, app_slug=app_slug,
        )  # fmt: skip
    await _note_new_names(tx, workspace_id)


async def _note_new_names(tx: Transaction, workspace_id: str) -> None:
    await tx.execute(
        "update workspaces set names_version = names_version + 1 where workspace_id = :workspace_id",
        workspace_id=workspace_id,
    )


async def get_channel(db: Reads, workspace_id: str, channel_id: str) -> ChannelRow:
    """The channel's defaults; an empty row when nobody set any."""
    row = await db.fetch_one(
        f"""
        select {column_list(ChannelRow)} from channels
        where workspace_id = :workspace_id and channel_id = :channel_id
        """,
        workspace_id=workspace_id, channel_id=channel_id,
    )  # fmt: skip
    return from_row(ChannelRow, row) if row else ChannelRow(workspace_id, channel_id, None, None, None, "thread")


async def save_channel(tx: Transaction, channel: ChannelRow) -> None:
    await tx.execute(
        f"""
        insert into channels ({column_list(ChannelRow)}) values ({placeholder_list(ChannelRow)})
        on conflict (workspace_id, channel_id) do update
        set app_slug = excluded.app_slug, workflow = excluded.workflow, branch = excluded.branch,
            finish_in = excluded.finish_in
        """,
        **to_columns(channel),
    )
