"""People of a workspace: under which names they are known to Git, and what they want to be told directly."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from storage.database import Database, Reads, Transaction, column_list, from_row, placeholder_list, to_columns


@dataclass(frozen=True, slots=True)
class PersonRow:
    """``tells`` is off, failures or all; ``quiet_from`` and ``quiet_until`` are HH:MM in ``time_zone`` (IANA).

    ``git_names`` and ``email`` are lower case.
    """

    workspace_id: str
    user_id: str
    git_names: tuple[str, ...] = ()
    email: str | None = field(default=None, repr=False)
    tells: str = "off"
    quiet_from: str | None = None
    quiet_until: str | None = None
    time_zone: str | None = None


COLUMNS = column_list(PersonRow)


class PeopleStore:
    def __init__(self, database: Database) -> None:
        self._db = database

    async def save_person(self, tx: Transaction, person: PersonRow) -> None:
        await tx.execute(
            f"""
            insert into people ({COLUMNS}) values ({placeholder_list(PersonRow)})
            on conflict (workspace_id, user_id) do update
            set git_names = excluded.git_names, email = excluded.email, tells = excluded.tells,
                quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until, time_zone = excluded.time_zone
            """,
            **to_columns(person),
        )

    async def get_person(self, workspace_id: str, user_id: str, *, on: Reads | None = None) -> PersonRow:
        """Who has said nothing yet is told nothing."""
        row = await (on or self._db).fetch_one(
            f"select {COLUMNS} from people where workspace_id = :workspace_id and user_id = :user_id",
            workspace_id=workspace_id, user_id=user_id,
        )  # fmt: skip
        return from_row(PersonRow, row) if row else PersonRow(workspace_id, user_id)

    async def list_people(self, workspace_id: str, *, on: Reads | None = None) -> list[PersonRow]:
        rows = await (on or self._db).fetch_all(
            f"select {COLUMNS} from people where workspace_id = :workspace_id order by user_id",
            workspace_id=workspace_id,
        )
        return [from_row(PersonRow, row) for row in rows]

    async def add_build_person(
        self, tx: Transaction, workspace_id: str, build_slug: str, user_id: str, *, triggered_at: datetime | None
    ) -> None:
        """Whose build it is; one build may be several people's."""
        await tx.execute(
            """
            insert into build_people (workspace_id, build_slug, user_id, triggered_at)
            values (:workspace_id, :build_slug, :user_id, :triggered_at)
            on conflict do nothing
            """,
            workspace_id=workspace_id, build_slug=build_slug, user_id=user_id, triggered_at=triggered_at,
        )  # fmt: skip
