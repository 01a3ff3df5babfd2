"""The sync schedule of workspaces: when the next sync with Bitrise is due, who has claimed it, how far it has come."""

from __future__ import annotations

from datetime import datetime

from storage.database import Database, Transaction, columns, fetch_row
from storage.workspaces import WorkspaceRow


async def claim_sync(db: Database, workspace_id: str, *, now: datetime, until: datetime) -> WorkspaceRow | None:
    """Claim a sync and return the workspace; return None if none is due, or if somebody else has claimed it."""
    sql = f"""
        update workspaces
        set sync_claimed_until = :until, sync_due_at = :until
        where workspace_id = :workspace_id and bitrise_token_sealed is not null
        and sync_due_at <= :now and (sync_claimed_until is null or sync_claimed_until <= :now)
        returning {columns(WorkspaceRow)}
        """
    return await db.transaction(
        lambda tx: fetch_row(tx, WorkspaceRow, sql, workspace_id=workspace_id, now=now, until=until)
    )


async def resume_sync(db: Database, workspace_id: str, *, until: datetime) -> WorkspaceRow | None:
    """Continue a sync that was claimed and not finished; return None if it is finished."""
    sql = f"""
        update workspaces
        set sync_claimed_until = :until, sync_due_at = :until
        where workspace_id = :workspace_id and bitrise_token_sealed is not null and sync_claimed_until is not null
        returning {columns(WorkspaceRow)}
        """
    return await db.transaction(lambda tx: fetch_row(tx, WorkspaceRow, sql, workspace_id=workspace_id, until=until))


async def finish_sync(
    tx: Transaction, workspace_id: str, *, now: datetime, due_at: datetime, error: str | None
) -> datetime | None:
    """Release the claim and return when the next sync is due: at ``due_at``, or earlier if it was made due meanwhile.

    None if the workspace is gone.
    """
    row = await tx.fetch_one(
        """
        update workspaces
        set sync_claimed_until = null, last_sync_error = :error,
            last_synced_at = case when :error is null then :now else last_synced_at end,
            sync_due_at = case when sync_due_at < sync_claimed_until then sync_due_at else :due_at end
        where workspace_id = :workspace_id
        returning sync_due_at
        """,
        workspace_id=workspace_id, now=now, due_at=due_at, error=error,
    )  # fmt: skip
    return datetime.fromisoformat(row["sync_due_at"]) if row else None


async def save_backfill(
    tx: Transaction,
    workspace_id: str,
    *,
    synced_until: datetime | None,
    backfill_cursor: str | None = None,
    backfill_until: datetime | None = None,
) -> None:
    """Store until when all builds are synced, and where the backfill of a gap continues."""
    await tx.execute(
        """
        update workspaces
        set synced_until = :synced_until, backfill_cursor = :backfill_cursor, backfill_until = :backfill_until
        where workspace_id = :workspace_id and bitrise_token_sealed is not null
        """,
        workspace_id=workspace_id, synced_until=synced_until,
        backfill_cursor=backfill_cursor, backfill_until=backfill_until,
    )  # fmt: skip


async def make_due(tx: Transaction, workspace_id: str, *, at: datetime) -> bool:
    """Pull the next sync forward; return whether it needs a job: False if it is due earlier or one is running."""
    row = await tx.fetch_one(
        """
        update workspaces
        set sync_due_at = :at
        where workspace_id = :workspace_id and bitrise_token_sealed is not null
        and (sync_due_at is null or sync_due_at > :at)
        returning case when sync_claimed_until > :at then 1 else 0 end as is_claimed
        """,
        workspace_id=workspace_id, at=at,
    )  # fmt: skip
    return row is not None and not row["is_claimed"]


async def release_sync(db: Database, workspace_id: str, *, until: datetime, due_at: datetime) -> None:
    """Release an unfinished sync that was claimed until then; it is due as before."""
    await db.execute(
        """
        update workspaces
        set sync_claimed_until = null, sync_due_at = :due_at
        where workspace_id = :workspace_id and sync_claimed_until = :until
        """,
        workspace_id=workspace_id, until=until, due_at=due_at,
    )  # fmt: skip


async def release_all(db: Database, *, now: datetime) -> None:
    """At the start of the only process: release every claim and make every connected workspace due."""
    await db.execute(
        "update workspaces set sync_claimed_until = null, sync_due_at = :now where bitrise_token_sealed is not null",
        now=now,
    )
