"""Where a workspace is called from outside: the key in an address, its secret, and when somebody last came that way."""

from __future__ import annotations

from datetime import datetime

from storage.database import Reads, Transaction
from storage.workspaces import COLUMNS, WorkspaceRow, workspace_of


async def find_by_webhook_key(db: Reads, key: str) -> WorkspaceRow | None:
    row = await db.fetch_one(f"select {COLUMNS} from workspaces where webhook_key = :webhook_key", webhook_key=key)
    return workspace_of(row) if row else None


async def claim_webhook_key(tx: Transaction, workspace_id: str, *, key: str, sealed: str) -> bool:
    """Give the workspace an address and a secret for Bitrise's webhooks; False when it has them already."""
    touched = await tx.execute(
        """
        update workspaces set webhook_key = :webhook_key, webhook_secret_sealed = :sealed
        where workspace_id = :workspace_id and webhook_key is null
        """,
        workspace_id=workspace_id, webhook_key=key, sealed=sealed,
    )  # fmt: skip
    return touched == 1


async def save_webhook_seen(tx: Transaction, workspace_id: str, *, now: datetime) -> None:
    await tx.execute(
        "update workspaces set last_webhook_at = :now where workspace_id = :workspace_id",
        workspace_id=workspace_id, now=now,
    )  # fmt: skip


async def find_by_skip_key(db: Reads, key: str) -> WorkspaceRow | None:
    row = await db.fetch_one(f"select {COLUMNS} from workspaces where skip_key = :skip_key", skip_key=key)
    return workspace_of(row) if row else None


async def claim_skip_key(tx: Transaction, workspace_id: str, *, key: str, sealed: str) -> bool:
    """Give the workspace a secret for the steps of its builds; False when it has one already."""
    touched = await tx.execute(
        """
        update workspaces set skip_key = :skip_key, skip_secret_sealed = :sealed
        where workspace_id = :workspace_id and skip_key is null
        """,
        workspace_id=workspace_id, skip_key=key, sealed=sealed,
    )  # fmt: skip
    return touched == 1


async def delete_skip_key(tx: Transaction, workspace_id: str) -> bool:
    """From now on no step of a build is listened to; False when none was."""
    touched = await tx.execute(
        """
        update workspaces set skip_key = null, skip_secret_sealed = null
        where workspace_id = :workspace_id and skip_key is not null
        """,
        workspace_id=workspace_id,
    )
    return touched == 1


async def save_skip_seen(tx: Transaction, workspace_id: str, *, now: datetime) -> None:
    await tx.execute(
        "update workspaces set last_skip_at = :now where workspace_id = :workspace_id",
        workspace_id=workspace_id, now=now,
    )  # fmt: skip
