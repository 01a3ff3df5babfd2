"""Users of a workspace: their names in Git, their direct-message preferences, and which builds are theirs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from storage.builds import BuildRow
from storage.database import Reads, Transaction, columns, fetch_rows, find_row, insert, list_rows, upsert

OFF, FAILURES, ALL = "off", "failures", "all"


@dataclass(frozen=True, slots=True)
class UserRow:
    """``dm_level`` is `OFF`, `FAILURES` or `ALL`; ``git_names`` and ``email`` are lower case."""

    workspace_id: str
    user_id: str
    git_names: tuple[str, ...] = ()
    email: str | None = field(default=None, repr=False)
    dm_level: str = OFF


async def save_user(tx: Transaction, user: UserRow) -> None:
    await upsert(tx, "users", user, key="workspace_id, user_id")


async def get_user(db: Reads, workspace_id: str, user_id: str) -> UserRow:
    """Return a user, with the defaults if nothing is stored."""
    user = await find_row(db, UserRow, "users", workspace_id=workspace_id, user_id=user_id)
    return user or UserRow(workspace_id, user_id)


async def list_users(db: Reads, workspace_id: str) -> list[UserRow]:
    return await list_rows(db, UserRow, "users", order_by="user_id", workspace_id=workspace_id)


async def disable_messages(tx: Transaction, workspace_id: str, user_id: str) -> bool:
    """Send the user no more direct messages; return whether they were enabled."""
    touched = await tx.execute(
        """
        update users
        set dm_level = 'off'
        where workspace_id = :workspace_id and user_id = :user_id and dm_level != 'off'
        """,
        workspace_id=workspace_id, user_id=user_id,
    )  # fmt: skip
    return touched == 1


async def add_build_owner(
    tx: Transaction, workspace_id: str, build_slug: str, user_id: str, *, triggered_at: datetime | None
) -> None:
    """Make the user an owner of a build, which may have several."""
    owner = {"workspace_id": workspace_id, "build_slug": build_slug, "user_id": user_id}
    await insert(tx, "build_owners", skip_existing=True, triggered_at=triggered_at, **owner)


async def delete_linked_builds(tx: Transaction, workspace_id: str, user_id: str) -> None:
    """Leave the user only the builds that they started from Slack."""
    await tx.execute(
        """
        delete from build_owners
        where workspace_id = :workspace_id and user_id = :user_id and build_slug in (
            select build_slug from builds
            where workspace_id = :workspace_id and (requested_by is null or requested_by != :user_id))
        """,
        workspace_id=workspace_id, user_id=user_id,
    )  # fmt: skip


async def list_builds(db: Reads, workspace_id: str, user_id: str, *, is_finished: bool, limit: int) -> list[BuildRow]:
    """Return the builds that the user owns, newest first."""
    return await fetch_rows(
        db,
        BuildRow,
        f"""
        select {columns(BuildRow, table="builds")} from build_owners
        join builds on builds.workspace_id = build_owners.workspace_id and builds.build_slug = build_owners.build_slug
        where build_owners.workspace_id = :workspace_id and build_owners.user_id = :user_id
        and builds.state {"=" if is_finished else "!="} 'finished'
        order by build_owners.triggered_at desc
        limit :limit
        """,
        workspace_id=workspace_id,
        user_id=user_id,
        limit=limit,
    )


async def list_candidates(db: Reads, user: UserRow, *, since: datetime, limit: int) -> list[BuildRow]:
    """Return builds that may be the user's by name or by a signed commit, newest first; `owners.is_of` decides."""
    names = {f"name_{index}": name for index, name in enumerate(user.git_names)}
    if user.email:
        names["email"] = user.email
    if not names:
        return []
    signed = "or lower(commit_message) like :signed" if user.email else ""
    return await fetch_rows(
        db,
        BuildRow,
        f"""
        select {columns(BuildRow)} from builds
        where workspace_id = :workspace_id and triggered_at >= :since
        and (lower(triggered_by_name) in ({", ".join(f":{name}" for name in names)}) {signed})
        order by triggered_at desc
        limit :limit
        """,
        workspace_id=user.workspace_id, since=since, limit=limit, signed=f"%<{user.email}>%", **names,
    )  # fmt: skip
