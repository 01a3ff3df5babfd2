"""Finished builds as plain rows for other programs, read a piece at a time; the columns are those of the view."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from storage.database import DatabaseUnusable, Reads
from storage.schema import BUILD_FACTS
from storage.statistics import ALL, Scope

Fact = dict[str, object]
PIECE = timedelta(days=1)
COLUMNS = tuple(part.split(" as ")[-1].split(".")[-1].strip() for part in BUILD_FACTS.split(","))


async def list_workspaces(db: Reads) -> list[str]:
    rows = await db.fetch_all("select workspace_id from workspaces order by workspace_id")
    return [row["workspace_id"] for row in rows]


async def list_apps(db: Reads, workspace_id: str) -> list[str]:
    """Every app of which builds are stored, also those that the token no longer reaches."""
    rows = await db.fetch_all(
        "select distinct app_slug from builds where workspace_id = :workspace_id order by app_slug",
        workspace_id=workspace_id,
    )
    return [row["app_slug"] for row in rows]


async def facts(db: Reads, scope: Scope) -> AsyncIterator[Sequence[Fact]]:
    """The builds of one app in the order they ended, a day at a time."""
    begin = scope.since
    while begin < scope.until:
        end = min(begin + PIECE, scope.until)
        yield await _piece(db, scope, begin, end)
        begin = end


async def _piece(db: Reads, scope: Scope, begin: datetime, end: datetime) -> list[Fact]:
    chosen = [name for name in ("workflow", "branch", "cause") if getattr(scope, name) is not None]
    rows = await db.fetch_all(
        f"""
        select {BUILD_FACTS.format(as_time="")}
        from builds
        left join apps on apps.workspace_id = builds.workspace_id and apps.app_slug = builds.app_slug
        where builds.workspace_id = :workspace_id and builds.app_slug = :app_slug and builds.is_pipeline = 0
        and builds.outcome in {ALL} and builds.finished_at >= :begin and builds.finished_at < :end
        {" ".join(f"and builds.{name} = :{name}" for name in chosen)}
        order by builds.finished_at, builds.build_slug
        """,
        **{name: value for name, value in scope.parameters.items() if name not in ("since", "until")},
        begin=begin, end=end,
    )  # fmt: skip
    return [dict(row) for row in rows]


class FactFile:
    """A new SQLite file with the table ``build_facts``. Raises `DatabaseUnusable` when there is such a file already."""

    def __init__(self, path: Path) -> None:
        if path.exists():
            raise DatabaseUnusable(f"The file {path} is there already; name a new one.")
        if not path.parent.is_dir():
            raise DatabaseUnusable(f"There is no folder {path.parent}.")
        import sqlite_utils  # with PostgreSQL nothing else needs it

        self._database = sqlite_utils.Database(path)
        types = {name: int if name in WHOLE else str for name in COLUMNS}
        self._database["build_facts"].create(types, pk=("workspace_id", "build_slug"))  # type: ignore[union-attr]

    def write(self, facts: Sequence[Fact]) -> None:
        self._database["build_facts"].insert_all(facts)  # type: ignore[union-attr]

    def close(self) -> None:
        self._database["build_facts"].create_index(["finished_at"])  # type: ignore[union-attr]
        self._database.close()


WHOLE = frozenset(
    ["number", "pull_request_id", "is_success", "is_of_pipeline", "queue_seconds", "run_seconds", "credit_cost"]
)
