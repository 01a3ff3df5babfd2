"""Slack workspaces: their Bitrise connection and its health, the keys of their webhooks, the context of a channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from storage.database import Database, Reads, Transaction, columns, fetch_row, find_row, from_row, list_rows


@dataclass(frozen=True, slots=True)
class WorkspaceRow:
    """``health`` is ``none`` (not connected), ``ok`` or ``refused`` (Bitrise has answered 401 since ``health_since``).

    All builds triggered up to ``synced_until`` are synced. While ``backfill_cursor`` is set, a gap is backfilled from
    that page on; after that, all builds up to ``backfill_until`` are synced.
    ``uninstalled_at`` is when Buildbell was removed; the settings of the workspace are kept in case it returns.
    ``names_version`` grows with every change of the apps or their aliases, which tells caches that they are stale.
    """

    workspace_id: str
    name: str
    bot_user_id: str | None
    bitrise_token_sealed: str | None
    bitrise_owner: str | None
    connected_by: str | None
    connected_at: datetime | None
    health: str
    health_since: datetime | None
    apps_refreshed_at: datetime | None
    sync_due_at: datetime | None
    sync_claimed_until: datetime | None
    last_synced_at: datetime | None
    last_sync_error: str | None
    synced_until: datetime | None = None
    backfill_cursor: str | None = None
    backfill_until: datetime | None = None
    webhook_key: str | None = None
    webhook_secret_sealed: str | None = None
    last_webhook_at: datetime | None = None
    enterprise_id: str | None = None
    uninstalled_at: datetime | None = None
    skip_key: str | None = None
    skip_secret_sealed: str | None = None
    last_skip_at: datetime | None = None
    names_version: int = 0


@dataclass(frozen=True, slots=True)
class ChannelContext:
    """The first look-up of a command: the connection of its workspace and the defaults of its channel."""

    is_connected: bool
    health: str
    names_version: int
    app_slug: str | None
    workflow: str | None
    branch: str | None


Caller = Literal["webhook", "skip"]
"""Callers of Buildbell: the webhooks of Bitrise, and steps of builds that ask to skip their build."""

SELECT = f"select {columns(WorkspaceRow)} from workspaces"
SEALED = ("bitrise_token_sealed", "webhook_secret_sealed", "skip_secret_sealed")


async def save_workspace(
    db: Database | Transaction,
    *,
    workspace_id: str,
    name: str,
    bot_user_id: str | None,
    enterprise_id: str | None = None,
) -> None:
    """Add a workspace that has installed Buildbell, or update it; its connection and settings stay."""
    await db.execute(
        """
        insert into workspaces (workspace_id, name, bot_user_id, health, enterprise_id)
        values (:workspace_id, :name, :bot_user_id, 'none', :enterprise_id)
        on conflict (workspace_id) do update
        set name = excluded.name, bot_user_id = excluded.bot_user_id, uninstalled_at = null,
            enterprise_id = coalesce(excluded.enterprise_id, workspaces.enterprise_id)
        """,
        workspace_id=workspace_id, name=name, bot_user_id=bot_user_id, enterprise_id=enterprise_id,
    )  # fmt: skip


async def save_uninstalled(tx: Transaction, workspace_id: str, *, now: datetime) -> bool:
    """Return False if the workspace is unknown or was marked as uninstalled before."""
    touched = await tx.execute(
        "update workspaces set uninstalled_at = :now where workspace_id = :workspace_id and uninstalled_at is null",
        workspace_id=workspace_id, now=now,
    )  # fmt: skip
    return touched == 1


async def list_of_enterprise(db: Reads, enterprise_id: str) -> list[WorkspaceRow]:
    """Return the known workspaces of an organization."""
    return await list_rows(db, WorkspaceRow, "workspaces", order_by="workspace_id", enterprise_id=enterprise_id)


async def find_workspace(db: Reads, workspace_id: str) -> WorkspaceRow | None:
    return await find_row(db, WorkspaceRow, "workspaces", workspace_id=workspace_id)


async def find_names_version(db: Reads, workspace_id: str) -> int:
    row = await db.fetch_one(
        "select names_version from workspaces where workspace_id = :workspace_id", workspace_id=workspace_id
    )
    return int(row["names_version"]) if row else 0


async def list_workspaces(db: Reads) -> list[WorkspaceRow]:
    return await list_rows(db, WorkspaceRow, "workspaces", order_by="workspace_id")


async def save_connection(
    tx: Transaction, workspace_id: str, *, sealed: str, owner: str, by: str, now: datetime
) -> None:
    """Store a verified Bitrise token in place of the previous one and make the next sync due.

    Every build triggered from now on will be synced, even one that finishes before the first sync succeeds.
    """
    await tx.execute(
        """
        update workspaces
        set bitrise_token_sealed = :sealed, bitrise_owner = :owner,
            connected_by = :by, connected_at = :now, health = 'ok', health_since = :now,
            sync_due_at = :now, sync_claimed_until = null, last_sync_error = null,
            synced_until = coalesce(synced_until, :now)
        where workspace_id = :workspace_id
        """,
        workspace_id=workspace_id, sealed=sealed, owner=owner, by=by, now=now,
    )  # fmt: skip


async def delete_connection(tx: Transaction, workspace_id: str, *, now: datetime) -> bool:
    """Delete the Bitrise token; return False if there was none."""
    touched = await tx.execute(
        """
        update workspaces
        set bitrise_token_sealed = null, bitrise_owner = null,
            connected_by = null, connected_at = null, health = 'none', health_since = :now,
            sync_due_at = null, sync_claimed_until = null, apps_refreshed_at = null,
            synced_until = null, backfill_cursor = null, backfill_until = null
        where workspace_id = :workspace_id and bitrise_token_sealed is not null
        """,
        workspace_id=workspace_id, now=now,
    )  # fmt: skip
    return touched == 1


async def save_health(tx: Transaction, workspace_id: str, *, sealed: str, health: str, now: datetime) -> bool:
    """Store whether Bitrise accepts this token; return whether that is a change."""
    touched = await tx.execute(
        """
        update workspaces
        set health = :health, health_since = :now
        where workspace_id = :workspace_id and bitrise_token_sealed = :sealed and health != :health
        """,
        workspace_id=workspace_id, sealed=sealed, health=health, now=now,
    )  # fmt: skip
    return touched == 1


async def save_apps_refreshed(tx: Transaction, workspace_id: str, *, now: datetime) -> None:
    await tx.execute(
        "update workspaces set apps_refreshed_at = :now where workspace_id = :workspace_id",
        workspace_id=workspace_id, now=now,
    )  # fmt: skip


async def replace_sealed(db: Database, workspace_id: str, *, column: str, old: str, new: str) -> bool:
    """Replace a secret with the same one sealed with a newer key; return False if it changed meanwhile.

    ``column`` is one of `SEALED`.
    """
    if column not in SEALED:
        raise ValueError(f"no such column here: {column}")
    touched = await db.execute(
        f"update workspaces set {column} = :new where workspace_id = :workspace_id and {column} = :old",
        workspace_id=workspace_id, old=old, new=new,
    )  # fmt: skip
    return touched == 1


# Keys in the URLs that Bitrise's webhooks and build steps call.


async def find_by_key(db: Reads, caller: Caller, key: str) -> WorkspaceRow | None:
    return await fetch_row(db, WorkspaceRow, f"{SELECT} where {caller}_key = :key", key=key)


async def claim_key(tx: Transaction, workspace_id: str, caller: Caller, *, key: str, sealed: str) -> bool:
    """Store a key and its sealed secret; return False if the workspace has one already."""
    touched = await tx.execute(
        f"""
        update workspaces
        set {caller}_key = :key, {caller}_secret_sealed = :sealed
        where workspace_id = :workspace_id and {caller}_key is null
        """,
        workspace_id=workspace_id, key=key, sealed=sealed,
    )  # fmt: skip
    return touched == 1


async def delete_key(tx: Transaction, workspace_id: str, caller: Caller) -> bool:
    """Refuse calls with the key from now on; return False if there was none."""
    touched = await tx.execute(
        f"""
        update workspaces
        set {caller}_key = null, {caller}_secret_sealed = null
        where workspace_id = :workspace_id and {caller}_key is not null
        """,
        workspace_id=workspace_id,
    )
    return touched == 1


async def save_call(tx: Transaction, workspace_id: str, caller: Caller, *, now: datetime) -> None:
    """Store when the last call came in."""
    await tx.execute(
        f"update workspaces set last_{caller}_at = :now where workspace_id = :workspace_id",
        workspace_id=workspace_id, now=now,
    )  # fmt: skip


# The context of a command.

CONTEXT_COLUMNS = """
    workspaces.bitrise_token_sealed is not null as is_connected, workspaces.health, workspaces.names_version,
    channels.app_slug, channels.workflow, channels.branch
"""


async def find_channel_context(db: Reads, workspace_id: str, channel_id: str) -> ChannelContext | None:
    """Return None for an unknown workspace."""
    return await fetch_row(
        db,
        ChannelContext,
        f"""
        select {CONTEXT_COLUMNS} from workspaces
        left join channels on channels.workspace_id = workspaces.workspace_id and channels.channel_id = :channel_id
        where workspaces.workspace_id = :workspace_id
        """,
        workspace_id=workspace_id,
        channel_id=channel_id,
    )


async def find_channel_contexts(db: Reads, channels: Sequence[tuple[str, str]]) -> list[ChannelContext | None]:
    """Return the contexts of several channels, given as (workspace id, channel id), in one round trip."""
    values = ", ".join(f"({index}, :w{index}, :c{index})" for index in range(len(channels)))
    ids = {f"w{index}": workspace_id for index, (workspace_id, _) in enumerate(channels)}
    ids |= {f"c{index}": channel_id for index, (_, channel_id) in enumerate(channels)}
    rows = await db.fetch_all(
        f"""
        with requested (position, workspace_id, channel_id) as (values {values})
        select requested.position, {CONTEXT_COLUMNS} from requested
        join workspaces on workspaces.workspace_id = requested.workspace_id
        left join channels
        on channels.workspace_id = requested.workspace_id and channels.channel_id = requested.channel_id
        """,
        **ids,
    )
    contexts = {row["position"]: from_row(ChannelContext, row) for row in rows}
    return [contexts.get(index) for index in range(len(channels))]
