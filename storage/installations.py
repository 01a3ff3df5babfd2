"""Where the Slack app was installed: one row for the bot of a workspace or organisation, one for each installer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database import Database, Reads, Transaction, column_list, from_row, placeholder_list, to_columns

BOT = ""
"""In the place of a user id: the row of the bot itself."""


@dataclass(frozen=True, slots=True)
class InstallationRow:
    """An empty ``team_id`` is a whole organisation, an empty ``enterprise_id`` a workspace that is in none.

    ``expires_at`` is when the bot's token ends, where Slack rotates tokens; whoever renews it has claimed that until
    ``renewing_until``.
    """

    enterprise_id: str
    team_id: str
    user_id: str
    app_id: str | None
    enterprise_name: str | None
    team_name: str | None
    bot_id: str | None
    bot_user_id: str | None
    bot_scopes: str
    tokens_sealed: str
    expires_at: datetime | None
    installed_at: datetime
    renewing_until: datetime | None = None


COLUMNS = column_list(InstallationRow)
THIS_ONE = "enterprise_id = :enterprise_id and team_id = :team_id and user_id = :user_id"


async def save_installation(tx: Transaction, row: InstallationRow) -> None:
    """Add it or put it in the place of the one before. A workspace that joined an organisation moves there."""
    if row.team_id:
        await tx.execute(
            """
            delete from installations
            where team_id = :team_id and user_id = :user_id and enterprise_id != :enterprise_id
            """,
            enterprise_id=row.enterprise_id, team_id=row.team_id, user_id=row.user_id,
        )  # fmt: skip
    await tx.execute(
        f"""
        insert into installations ({COLUMNS}) values ({placeholder_list(InstallationRow)})
        on conflict (enterprise_id, team_id, user_id) do update
        set app_id = excluded.app_id, enterprise_name = excluded.enterprise_name, team_name = excluded.team_name,
            bot_id = excluded.bot_id, bot_user_id = excluded.bot_user_id, bot_scopes = excluded.bot_scopes,
            tokens_sealed = excluded.tokens_sealed, expires_at = excluded.expires_at,
            installed_at = excluded.installed_at, renewing_until = null
        """,
        **to_columns(row),
    )


async def find_installation(db: Reads, enterprise_id: str, team_id: str, user_id: str = BOT) -> InstallationRow | None:
    row = await db.fetch_one(
        f"select {COLUMNS} from installations where {THIS_ONE}",
        enterprise_id=enterprise_id, team_id=team_id, user_id=user_id,
    )  # fmt: skip
    return from_row(InstallationRow, row) if row else None


async def find_bot_of_team(db: Reads, team_id: str) -> InstallationRow | None:
    """The bot that was installed in this very workspace, whatever organisation that is in."""
    row = await db.fetch_one(
        f"select {COLUMNS} from installations where team_id = :team_id and user_id = :user_id",
        team_id=team_id, user_id=BOT,
    )  # fmt: skip
    return from_row(InstallationRow, row) if row else None


async def find_newest_installer(db: Reads, enterprise_id: str, team_id: str) -> InstallationRow | None:
    row = await db.fetch_one(
        f"""
        select {COLUMNS} from installations
        where enterprise_id = :enterprise_id and team_id = :team_id and user_id != :bot
        order by installed_at desc, user_id limit 1
        """,
        enterprise_id=enterprise_id, team_id=team_id, bot=BOT,
    )  # fmt: skip
    return from_row(InstallationRow, row) if row else None


async def list_installations(db: Reads) -> list[InstallationRow]:
    rows = await db.fetch_all(f"select {COLUMNS} from installations order by enterprise_id, team_id, user_id")
    return [from_row(InstallationRow, row) for row in rows]


async def delete_bot(tx: Transaction, enterprise_id: str, team_id: str) -> bool:
    touched = await tx.execute(
        f"delete from installations where {THIS_ONE}",
        enterprise_id=enterprise_id, team_id=team_id, user_id=BOT,
    )  # fmt: skip
    return touched == 1


async def delete_installers(tx: Transaction, enterprise_id: str, team_id: str, *, user_id: str | None = None) -> int:
    """One installer, or all of a workspace or organisation."""
    return await tx.execute(
        """
        delete from installations
        where enterprise_id = :enterprise_id and team_id = :team_id and user_id != :bot
        and (user_id = :user_id or :everybody = 1)
        """,
        enterprise_id=enterprise_id, team_id=team_id, bot=BOT, user_id=user_id or "", everybody=user_id is None,
    )  # fmt: skip


async def claim_renewal(db: Database, row: InstallationRow, *, now: datetime, until: datetime) -> bool:
    """Take the renewal of exactly these tokens; False when somebody else has it, or they were renewed."""
    touched = await db.execute(
        f"""
        update installations set renewing_until = :until
        where {THIS_ONE} and tokens_sealed = :tokens_sealed
        and (renewing_until is null or renewing_until <= :now)
        """,
        enterprise_id=row.enterprise_id, team_id=row.team_id, user_id=row.user_id,
        tokens_sealed=row.tokens_sealed, now=now, until=until,
    )  # fmt: skip
    return touched == 1


async def save_renewed(
    tx: Transaction, row: InstallationRow, *, tokens_sealed: str, expires_at: datetime | None
) -> bool:
    """Put renewed tokens in the place of those in ``row``; False when others are there by now."""
    touched = await tx.execute(
        f"""
        update installations
        set tokens_sealed = :new, expires_at = :expires_at, renewing_until = null
        where {THIS_ONE} and tokens_sealed = :old
        """,
        enterprise_id=row.enterprise_id, team_id=row.team_id, user_id=row.user_id,
        old=row.tokens_sealed, new=tokens_sealed, expires_at=expires_at,
    )  # fmt: skip
    return touched == 1


async def save_resealed(db: Database, row: InstallationRow, new: str) -> bool:
    """Swap the sealed tokens for the same ones under a newer key; False when they changed meanwhile."""
    touched = await db.execute(
        f"update installations set tokens_sealed = :new where {THIS_ONE} and tokens_sealed = :old",
        enterprise_id=row.enterprise_id, team_id=row.team_id, user_id=row.user_id,
        old=row.tokens_sealed, new=new,
    )  # fmt: skip
    return touched == 1
