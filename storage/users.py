"""People of a workspace: their names in Git, what they want to be told directly, and which builds are theirs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from storage.builds import COLUMNS as BUILD_COLUMNS
from storage.builds import BuildRow
from storage.database import Reads, Transaction, column_list, from_row, placeholder_list, to_columns

OFF, FAILURES, ALL = "off", "failures", "all"


@dataclass(frozen=True, slots=True)
class PersonRow:
    """``tells`` is `OFF`, `FAILURES` or `ALL`; ``git_names`` and ``email`` are lower case."""

    workspace_id: str
    user_id: str
    git_names: tuple[str, ...] = ()
    email: str | None = field(default=None, repr=False)
    tells: str = OFF


COLUMNS = column_list(PersonRow)


async def save_person(tx: Transaction, person: PersonRow) -> None:
    await tx.execute(
        f"""
        insert into people ({COLUMNS}) values ({placeholder_list(PersonRow)})
        on conflict (workspace_id, user_id) do update
        set git_names = excluded.git_names, email = excluded.email, tells = excluded.tells
        """,
        **to_columns(person),
    )


async def get_person(db: Reads, workspace_id: str, user_id: str) -> PersonRow:
    """Who has said nothing yet is told nothing."""
    row = await db.fetch_one(
        f"select {COLUMNS} from people where workspace_id = :workspace_id and user_id = :user_id",
        workspace_id=workspace_id, user_id=user_id,
    )  # fmt: skip
    return from_row(PersonRow, row) if row else PersonRow(workspace_id, user_id)


async def list_people(db: Reads, workspace_id: str) -> list[PersonRow]:
    rows = await db.fetch_all(
        f"select {COLUMNS} from people where workspace_id = :workspace_id order by user_id",
        workspace_id=workspace_id,
    )
    return [from_row(PersonRow, row) for row in rows]


async def switch_off(tx: Transaction, workspace_id: str, user_id: str) -> bool:
    """Tell that person nothing any more; whether something was told before."""
    touched = await tx.execute(
        """
        update people set tells = 'off'
        where workspace_id = :workspace_id and user_id = :user_id and tells != 'off'
        """,
        workspace_id=workspace_id, user_id=user_id,
    )  # fmt: skip
    return touched == 1


# Whose builds.


async def add_build_person(
    tx: Transaction, workspace_id: str, build_slug: str, user_id: str, *, triggered_at: datetime | None
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


async def forget_linked(tx: Transaction, workspace_id: str, user_id: str) -> None:
    """Only what they started from Slack is still theirs."""
    await tx.execute(
        """
        delete from build_people
        where workspace_id = :workspace_id and user_id = :user_id and build_slug in (
            select build_slug from builds
            where workspace_id = :workspace_id and (requester is null or requester != :user_id))
        """,
        workspace_id=workspace_id, user_id=user_id,
    )  # fmt: skip


async def list_builds(db: Reads, workspace_id: str, user_id: str, *, is_finished: bool, limit: int) -> list[BuildRow]:
    """A person's builds, newest first."""
    rows = await db.fetch_all(
        f"""
        select {", ".join(f"builds.{name}" for name in BUILD_COLUMNS.split(", "))}
        from build_people
        join builds on builds.workspace_id = build_people.workspace_id
            and builds.build_slug = build_people.build_slug
        where build_people.workspace_id = :workspace_id and build_people.user_id = :user_id
        and builds.state {"=" if is_finished else "!="} 'finished'
        order by build_people.triggered_at desc limit :limit
        """,
        workspace_id=workspace_id, user_id=user_id, limit=limit,
    )  # fmt: skip
    return [from_row(BuildRow, row) for row in rows]


async def list_candidates(db: Reads, person: PersonRow, *, since: datetime, limit: int) -> list[BuildRow]:
    """Return builds that may be theirs by name or by a signed commit, newest first; `owners.is_of` decides."""
    names = {f"name_{place}": name for place, name in enumerate(person.git_names)}
    if person.email:
        names["email"] = person.email
    if not names:
        return []
    signed = "or lower(commit_message) like :signed" if person.email else ""
    rows = await db.fetch_all(
        f"""
        select {BUILD_COLUMNS} from builds
        where workspace_id = :workspace_id and triggered_at >= :since
        and (lower(cause_who) in ({", ".join(f":{name}" for name in names)}) {signed})
        order by triggered_at desc limit :limit
        """,
        workspace_id=person.workspace_id, since=since, limit=limit, **names,
        **({"signed": f"%<{person.email}>%"} if person.email else {}),
    )  # fmt: skip
    return [from_row(BuildRow, row) for row in rows]
