"""Installations of the Slack app by OAuth: one row for each workspace or organization.

Also the used states of OAuth: visits to Slack's page that ended in an installation, stored as digests until
they expire.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database import Database, Reads, Transaction, columns, delete_rows, find_row, insert, list_rows, upsert


@dataclass(frozen=True, slots=True)
class InstallationRow:
    """An empty ``team_id`` is an entire organization, an empty ``enterprise_id`` a workspace outside of any.

    ``expires_at`` is when the bot's token expires, if Slack rotates tokens. One process at a time renews it: it has
    claimed the renewal until ``renewing_until``.
    """

    enterprise_id: str
    team_id: str
    app_id: str | None
    enterprise_name: str | None
    team_name: str | None
    bot_user_id: str | None
    bot_scopes: str
    tokens_sealed: str
    expires_at: datetime | None
    installed_at: datetime
    renewing_until: datetime | None = None


SELECT = f"select {columns(InstallationRow)} from installations"
BY_KEY = "enterprise_id = :enterprise_id and team_id = :team_id"


async def save_installation(tx: Transaction, row: InstallationRow) -> None:
    """Add or replace an installation. A workspace that has joined an organization moves there."""
    if row.team_id:
        await tx.execute(
            "delete from installations where team_id = :team_id and enterprise_id != :enterprise_id",
            enterprise_id=row.enterprise_id, team_id=row.team_id,
        )  # fmt: skip
    await upsert(tx, "installations", row, key="enterprise_id, team_id")


async def find_installation(db: Reads, enterprise_id: str, team_id: str) -> InstallationRow | None:
    return await find_row(db, InstallationRow, "installations", enterprise_id=enterprise_id, team_id=team_id)


async def find_by_team(db: Reads, team_id: str) -> InstallationRow | None:
    """Return the installation of this workspace itself, whether or not it is in an organization."""
    return await find_row(db, InstallationRow, "installations", team_id=team_id)


async def list_installations(db: Reads) -> list[InstallationRow]:
    return await list_rows(db, InstallationRow, "installations", order_by="enterprise_id, team_id")


async def delete_installation(tx: Transaction, row: InstallationRow) -> None:
    await delete_rows(tx, "installations", enterprise_id=row.enterprise_id, team_id=row.team_id)


async def claim_renewal(db: Database, row: InstallationRow, *, now: datetime, until: datetime) -> bool:
    """Claim the renewal of exactly these tokens; return False if they were renewed or somebody else is at it."""
    touched = await db.execute(
        f"""
        update installations
        set renewing_until = :until
        where {BY_KEY} and tokens_sealed = :tokens_sealed
        and (renewing_until is null or renewing_until <= :now)
        """,
        enterprise_id=row.enterprise_id, team_id=row.team_id,
        tokens_sealed=row.tokens_sealed, now=now, until=until,
    )  # fmt: skip
    return touched == 1


async def save_renewed_tokens(
    tx: Transaction, row: InstallationRow, *, tokens_sealed: str, expires_at: datetime | None
) -> bool:
    """Replace the tokens of ``row``; return False if they were replaced meanwhile."""
    touched = await tx.execute(
        f"""
        update installations
        set tokens_sealed = :new, expires_at = :expires_at, renewing_until = null
        where {BY_KEY} and tokens_sealed = :old
        """,
        enterprise_id=row.enterprise_id, team_id=row.team_id,
        old=row.tokens_sealed, new=tokens_sealed, expires_at=expires_at,
    )  # fmt: skip
    return touched == 1


async def replace_sealed_tokens(db: Database, row: InstallationRow, new: str) -> bool:
    """Replace the tokens with the same ones sealed with a newer key; return False if they changed meanwhile."""
    touched = await db.execute(
        f"update installations set tokens_sealed = :new where {BY_KEY} and tokens_sealed = :old",
        enterprise_id=row.enterprise_id, team_id=row.team_id, old=row.tokens_sealed, new=new,
    )  # fmt: skip
    return touched == 1


async def is_state_used(db: Reads, state_digest: str) -> bool:
    sql = "select 1 from oauth_states where state_digest = :state_digest"
    return await db.fetch_one(sql, state_digest=state_digest) is not None


async def claim_state(
    db: Database, *, state_digest: str, browser_digest: str, now: datetime, expires_at: datetime
) -> bool:
    """Use up a state; return False if it was used. Used states are kept until they expire."""

    async def claim(tx: Transaction) -> bool:
        await tx.execute("delete from oauth_states where expires_at <= :now", now=now)
        state = {"state_digest": state_digest, "browser_digest": browser_digest, "expires_at": expires_at}
        return await insert(tx, "oauth_states", skip_existing=True, **state)

    return await db.transaction(claim)
