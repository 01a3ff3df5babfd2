"""Slack workspaces: their sealed tokens, the health of the Bitrise connection, when they are swept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database import Database, Reads, Row, Transaction, column_list, from_row


@dataclass(frozen=True, slots=True)
class WorkspaceRow:
    """``health`` is ``none`` (not connected), ``ok`` or ``refused`` (Bitrise answered 401 since ``health_since``).

    Every build triggered up to ``known_until`` has been seen. While ``walk_next`` is set, a gap is being read page by
    page from there, and when that is done everything up to ``walk_until`` is known.
    ``uninstalled_at`` is when Buildbell was removed; what people had set up is kept for the day it comes back.
    ``names_version`` grows whenever the apps or their aliases are written anew, so that who has read them knows whether
    they still are as they were.
    """

    workspace_id: str
    name: str
    bot_user_id: str | None
    slack_token_sealed: str | None
    bitrise_token_sealed: str | None
    bitrise_token_kind: str | None
    bitrise_owner: str | None
    connected_by: str | None
    connected_at: datetime | None
    health: str
    health_since: datetime | None
    apps_refreshed_at: datetime | None
    sweep_due_at: datetime | None
    sweep_claimed_until: datetime | None
    last_sweep_at: datetime | None
    last_sweep_error: str | None
    known_until: datetime | None = None
    walk_next: str | None = None
    walk_until: datetime | None = None
    webhook_key: str | None = None
    webhook_secret_sealed: str | None = None
    last_webhook_at: datetime | None = None
    enterprise_id: str | None = None
    uninstalled_at: datetime | None = None
    skip_key: str | None = None
    skip_secret_sealed: str | None = None
    last_skip_at: datetime | None = None
    names_version: int = 0


COLUMNS = column_list(WorkspaceRow)
SEALED = ("bitrise_token_sealed", "webhook_secret_sealed", "skip_secret_sealed")


async def save_workspace(
    db: Database, *, workspace_id: str, name: str, bot_user_id: str | None, enterprise_id: str | None = None
) -> None:
    """Remember a workspace in which Buildbell is installed, or its new name; what is connected stays."""
    await db.transaction(
        lambda tx: save_installed(tx, workspace_id, name=name, bot_user_id=bot_user_id, enterprise_id=enterprise_id)
    )


async def save_installed(
    tx: Transaction, workspace_id: str, *, name: str, bot_user_id: str | None, enterprise_id: str | None
) -> None:
    await tx.execute(
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
    """Note that Buildbell was removed from the workspace; False when that is no news, or nobody knows it."""
    touched = await tx.execute(
        """
        update workspaces set uninstalled_at = :now
        where workspace_id = :workspace_id and uninstalled_at is null
        """,
        workspace_id=workspace_id, now=now,
    )  # fmt: skip
    return touched == 1


async def list_of_enterprise(db: Reads, enterprise_id: str) -> list[WorkspaceRow]:
    """The workspaces of an organisation that are known here."""
    rows = await db.fetch_all(
        f"select {COLUMNS} from workspaces where enterprise_id = :enterprise_id order by workspace_id",
        enterprise_id=enterprise_id,
    )
    return [workspace_of(row) for row in rows]


async def find_workspace(db: Reads, workspace_id: str) -> WorkspaceRow | None:
    row = await db.fetch_one(
        f"select {COLUMNS} from workspaces where workspace_id = :workspace_id", workspace_id=workspace_id
    )
    return workspace_of(row) if row else None


async def find_names_version(db: Reads, workspace_id: str) -> int:
    row = await db.fetch_one(
        "select names_version from workspaces where workspace_id = :workspace_id", workspace_id=workspace_id
    )
    return int(row["names_version"]) if row else 0


async def list_workspaces(db: Reads) -> list[WorkspaceRow]:
    rows = await db.fetch_all(f"select {COLUMNS} from workspaces order by workspace_id")
    return [workspace_of(row) for row in rows]


async def save_connection(
    tx: Transaction, workspace_id: str, *, sealed: str, kind: str, owner: str, by: str, now: datetime
) -> None:
    """Store a verified Bitrise token; the one before it is gone. The next sweep is due at once.

    From now on every build is to be seen, also one that ends before a first look succeeds.
    """
    await tx.execute(
        """
        update workspaces
        set bitrise_token_sealed = :sealed, bitrise_token_kind = :kind, bitrise_owner = :owner,
            connected_by = :by, connected_at = :now, health = 'ok', health_since = :now,
            sweep_due_at = :now, sweep_claimed_until = null, last_sweep_error = null,
            known_until = coalesce(known_until, :now)
        where workspace_id = :workspace_id
        """,
        workspace_id=workspace_id, sealed=sealed, kind=kind, owner=owner, by=by, now=now,
    )  # fmt: skip


async def delete_connection(tx: Transaction, workspace_id: str, *, now: datetime) -> bool:
    """Forget the Bitrise token; False when there was none."""
    touched = await tx.execute(
        """
        update workspaces
        set bitrise_token_sealed = null, bitrise_token_kind = null, bitrise_owner = null,
            connected_by = null, connected_at = null, health = 'none', health_since = :now,
            sweep_due_at = null, sweep_claimed_until = null, apps_refreshed_at = null,
            known_until = null, walk_next = null, walk_until = null
        where workspace_id = :workspace_id and bitrise_token_sealed is not null
        """,
        workspace_id=workspace_id, now=now,
    )  # fmt: skip
    return touched == 1


async def move_health(tx: Transaction, workspace_id: str, *, sealed: str, to: str, now: datetime) -> bool:
    """Note that Bitrise refuses (or takes again) this very token; True when that is news."""
    touched = await tx.execute(
        """
        update workspaces set health = :health, health_since = :now
        where workspace_id = :workspace_id and bitrise_token_sealed = :sealed and health != :health
        """,
        workspace_id=workspace_id, sealed=sealed, health=to, now=now,
    )  # fmt: skip
    return touched == 1


async def save_apps_refreshed(tx: Transaction, workspace_id: str, *, now: datetime) -> None:
    await tx.execute(
        "update workspaces set apps_refreshed_at = :now where workspace_id = :workspace_id",
        workspace_id=workspace_id, now=now,
    )  # fmt: skip


async def claim_sweep(db: Database, workspace_id: str, *, now: datetime, until: datetime) -> bool:
    """Take a sweep that is due; False when it is not, or when somebody else has it."""
    touched = await db.execute(
        """
        update workspaces set sweep_claimed_until = :until, sweep_due_at = :until
        where workspace_id = :workspace_id and bitrise_token_sealed is not null
        and sweep_due_at <= :now and (sweep_claimed_until is null or sweep_claimed_until <= :now)
        """,
        workspace_id=workspace_id, now=now, until=until,
    )  # fmt: skip
    return touched == 1


async def take_over_sweep(db: Database, workspace_id: str, *, until: datetime) -> bool:
    """Go on with a sweep that somebody claimed and did not finish; False when it is finished."""
    touched = await db.execute(
        """
        update workspaces set sweep_claimed_until = :until, sweep_due_at = :until
        where workspace_id = :workspace_id and bitrise_token_sealed is not null and sweep_claimed_until is not null
        """,
        workspace_id=workspace_id, until=until,
    )  # fmt: skip
    return touched == 1


async def finish_sweep(
    tx: Transaction, workspace_id: str, *, now: datetime, due_at: datetime, error: str | None
) -> None:
    """Give the sweep back; a hint that came meanwhile (due before the claim ends) keeps its earlier time."""
    await tx.execute(
        """
        update workspaces
        set sweep_claimed_until = null, last_sweep_error = :error,
            last_sweep_at = case when :error is null then :now else last_sweep_at end,
            sweep_due_at = case when sweep_due_at < sweep_claimed_until then sweep_due_at else :due_at end
        where workspace_id = :workspace_id
        """,
        workspace_id=workspace_id, now=now, due_at=due_at, error=error,
    )  # fmt: skip


async def save_walk(
    tx: Transaction,
    workspace_id: str,
    *,
    known_until: datetime | None,
    walk_next: str | None = None,
    walk_until: datetime | None = None,
) -> None:
    """How far everything is known, and where reading goes on if there is a gap."""
    await tx.execute(
        """
        update workspaces
        set known_until = :known_until, walk_next = :walk_next, walk_until = :walk_until
        where workspace_id = :workspace_id and bitrise_token_sealed is not null
        """,
        workspace_id=workspace_id, known_until=known_until, walk_next=walk_next, walk_until=walk_until,
    )  # fmt: skip


async def make_sweep_due(tx: Transaction, workspace_id: str, *, at: datetime) -> bool:
    """Pull the next sweep forward; True when it was later than ``at``, and nobody sweeps who will find that."""
    row = await tx.fetch_one(
        """
        update workspaces set sweep_due_at = :at
        where workspace_id = :workspace_id and bitrise_token_sealed is not null
        and (sweep_due_at is null or sweep_due_at > :at)
        returning case when sweep_claimed_until > :at then 1 else 0 end as is_claimed
        """,
        workspace_id=workspace_id, at=at,
    )  # fmt: skip
    return row is not None and not row["is_claimed"]


async def release_sweep(db: Database, workspace_id: str, *, until: datetime, due_at: datetime) -> None:
    """Give back what was claimed until then and not finished: it is due as it was before."""
    await db.execute(
        """
        update workspaces set sweep_claimed_until = null, sweep_due_at = :due_at
        where workspace_id = :workspace_id and sweep_claimed_until = :until
        """,
        workspace_id=workspace_id, until=until, due_at=due_at,
    )  # fmt: skip


async def release_sweeps(db: Database, *, now: datetime) -> None:
    """At start of the only process: nobody sweeps yet, and every connected workspace is due."""
    await db.execute(
        """
        update workspaces set sweep_claimed_until = null, sweep_due_at = :now
        where bitrise_token_sealed is not null
        """,
        now=now,
    )


async def replace_sealed(db: Database, workspace_id: str, *, column: str, old: str, new: str) -> bool:
    """Swap a sealed secret for the same one under a newer key; False when it changed meanwhile.

    ``column`` is one of `SEALED`.
    """
    if column not in SEALED:
        raise ValueError(f"no such column here: {column}")
    touched = await db.execute(
        f"update workspaces set {column} = :new where workspace_id = :workspace_id and {column} = :old",
        workspace_id=workspace_id, old=old, new=new,
    )  # fmt: skip
    return touched == 1


def workspace_of(row: Row) -> WorkspaceRow:
    return from_row(WorkspaceRow, row)
