"""Statistics of finished builds, read from indexes alone: results, durations, reasons, flaky commits, exported rows.

Builds count in the period in which they finished. A pipeline is the sum of its builds and isn't counted again; a build
that Bitrise no longer shows has no outcome and isn't counted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from storage.database import DatabaseUnusable, Reads, Row, fetch_rows
from storage.schema_builds import BUILD_FACTS

ALL = "('succeeded', 'failed', 'aborted', 'skipped')"
STOPPED = "('aborted', 'skipped')"
FILTERS = ("workflow", "branch", "cause")


@dataclass(frozen=True, slots=True)
class Scope:
    """Builds of one app or of all apps, finished from ``since`` until just before ``until``."""

    workspace_id: str
    since: datetime
    until: datetime
    app_slug: str | None = None
    workflow: str | None = None
    branch: str | None = None
    cause: str | None = None

    @property
    def parameters(self) -> Mapping[str, object]:
        return {name: getattr(self, name) for name in self.__slots__ if getattr(self, name) is not None}

    @property
    def filters(self) -> list[str]:
        """The names of the columns that are filtered by."""
        return [name for name in FILTERS if getattr(self, name) is not None]

    def where(self, outcomes: str) -> str:
        """Return the conditions in the order of the index, so that it is used from the workspace to the time."""
        app = (
            "app_slug in (select app_slug from apps where workspace_id = :workspace_id)"
            if self.app_slug is None
            else "app_slug = :app_slug"
        )
        filters = " ".join(f"and {name} = :{name}" for name in self.filters)
        if self.branch is not None:  # a fork's pull request may come from a branch of the same name
            filters += " and pull_request_id is null"
        return f"""
            workspace_id = :workspace_id and {app} and is_pipeline = 0
            and outcome in {outcomes}
            and finished_at >= :since and finished_at < :until {filters}
        """


@dataclass(frozen=True, slots=True)
class ResultCount:
    """Builds of an app with the same outcome, their seconds on machines and their credits."""

    app_slug: str
    outcome: str
    builds: int
    run_seconds: int
    credits: int


Target = tuple[str, str | None]
"""An app and one of its workflows."""


@dataclass(frozen=True, slots=True)
class FlakyCommit:
    """A commit on which a workflow failed in the period and has passed as well."""

    app_slug: str
    workflow: str
    commit_hash: str
    failures: int


async def count_results(db: Reads, scope: Scope) -> list[ResultCount]:
    return await fetch_rows(
        db,
        ResultCount,
        f"""
        select app_slug, outcome, count(*) as builds,
            coalesce(sum(run_seconds), 0) as run_seconds, coalesce(sum(credit_cost), 0) as credits
        from builds
        where {scope.where(ALL)}
        group by app_slug, outcome
        """,
        **scope.parameters,
    )


async def count_durations(db: Reads, scope: Scope) -> dict[Target, dict[int | None, int]]:
    """Count successes by seconds for each workflow; seconds are None if Bitrise didn't report when they started."""
    # Grouped by the number first: comparing integers is faster than comparing names, and most rows differ in it.
    rows = await _count(db, scope, "run_seconds, workflow, app_slug", "('succeeded')")
    durations: dict[Target, dict[int | None, int]] = {}
    for row in rows:
        durations.setdefault((row["app_slug"], row["workflow"]), {})[row["run_seconds"]] = row["builds"]
    return durations


async def count_run_seconds(db: Reads, scope: Scope) -> dict[int, int]:
    """Count successes of any workflow by seconds."""
    rows = await _count(db, scope, "run_seconds", "('succeeded')", condition="and run_seconds is not null")
    return {row["run_seconds"]: row["builds"] for row in rows}


async def count_queue_seconds(db: Reads, scope: Scope) -> dict[int, int]:
    """Count builds by their seconds in the queue, without those that never reached a machine."""
    rows = await _count(db, scope, "queue_seconds", ALL, condition="and queue_seconds is not null")
    return {row["queue_seconds"]: row["builds"] for row in rows}


async def count_reasons(db: Reads, scope: Scope) -> dict[str | None, int]:
    rows = await _count(db, scope, "reason", STOPPED)
    return {row["reason"]: row["builds"] for row in rows}


async def count_failures(db: Reads, scope: Scope) -> dict[Target, int]:
    rows = await _count(db, scope, "app_slug, workflow", "('failed')")
    return {(row["app_slug"], row["workflow"]): row["builds"] for row in rows}


async def _count(db: Reads, scope: Scope, names: str, outcomes: str, *, condition: str = "") -> list[Row]:
    """Return columns and the number of ``builds`` with the same values in them."""
    return await db.fetch_all(
        f"""
        select {names}, count(*) as builds
        from builds
        where {scope.where(outcomes)} {condition}
        group by {names}
        """,
        **scope.parameters,
    )


async def list_flaky(db: Reads, scope: Scope) -> list[FlakyCommit]:
    return await fetch_rows(
        db,
        FlakyCommit,
        f"""
        select app_slug, workflow, commit_hash, count(*) as failures
        from builds as failing
        where {scope.where("('failed')")} and outcome = 'failed'
        and commit_hash is not null and exists (
            select 1 from builds as passing
            where passing.workspace_id = failing.workspace_id and passing.app_slug = failing.app_slug
            and passing.commit_hash = failing.commit_hash and passing.workflow = failing.workflow
            and passing.outcome = 'succeeded' and passing.is_pipeline = 0)
        group by app_slug, workflow, commit_hash
        order by failures desc, app_slug, workflow, commit_hash
        """,
        **scope.parameters,
    )


async def find_failing_since(db: Reads, scope: Scope) -> datetime | None:
    """Return when the scope's current failures began, None if its last build passed or none failed."""
    rows = await db.fetch_all(
        f"""
        select min(finished_at) as failing_since from builds
        where {scope.where("('failed')")} and finished_at > coalesce((
            select max(finished_at) from builds where {scope.where("('succeeded')")}), '')
        """,
        **scope.parameters,
    )
    since = rows[0]["failing_since"]
    return datetime.fromisoformat(since) if since else None


# Of every workspace, for Prometheus.


async def count_all_results(db: Reads, since: datetime) -> list[Row]:
    """Return ``workspace_id, outcome, reason, builds`` of builds finished since then."""
    return await _count_all(db, "builds.outcome, builds.reason", ALL, since)


async def count_all_run_seconds(db: Reads, since: datetime) -> list[Row]:
    """Return ``workspace_id, run_seconds, builds`` of successes."""
    return await _count_all(db, "builds.run_seconds", "('succeeded')", since)


async def count_all_queue_seconds(db: Reads, since: datetime) -> list[Row]:
    """Return ``workspace_id, queue_seconds, builds``."""
    return await _count_all(db, "builds.queue_seconds", ALL, since)


async def _count_all(db: Reads, names: str, outcomes: str, since: datetime) -> list[Row]:
    return await db.fetch_all(
        f"""
        select builds.workspace_id, {names}, count(*) as builds
        from apps
        join builds on builds.workspace_id = apps.workspace_id and builds.app_slug = apps.app_slug
        where builds.is_pipeline = 0 and builds.outcome in {outcomes} and builds.finished_at >= :since
        group by builds.workspace_id, {names}
        """,
        since=since,
    )


# Rows for other programs, with the columns of the view build_facts.

Fact = dict[str, object]
FACT_COLUMNS = tuple(part.split(" as ")[-1].split(".")[-1].strip() for part in BUILD_FACTS.split(","))
INTEGER_COLUMNS = frozenset(
    ["number", "pull_request_id", "is_success", "is_of_pipeline", "queue_seconds", "run_seconds", "credit_cost"]
)


async def list_workspace_ids(db: Reads) -> list[str]:
    rows = await db.fetch_all("select workspace_id from workspaces order by workspace_id")
    return [row["workspace_id"] for row in rows]


async def list_app_slugs(db: Reads, workspace_id: str) -> list[str]:
    """Return every app with stored builds, also those that the token no longer reaches."""
    rows = await db.fetch_all(
        "select distinct app_slug from builds where workspace_id = :workspace_id order by app_slug",
        workspace_id=workspace_id,
    )
    return [row["app_slug"] for row in rows]


async def iterate_facts(db: Reads, scope: Scope) -> AsyncIterator[Sequence[Fact]]:
    """Yield the builds of one app in the order they finished, one day at a time."""
    begin = scope.since
    while begin < scope.until:
        end = min(begin + timedelta(days=1), scope.until)
        rows = await db.fetch_all(
            f"""
            select {BUILD_FACTS.format(as_time="")}
            from builds
            left join apps on apps.workspace_id = builds.workspace_id and apps.app_slug = builds.app_slug
            where builds.workspace_id = :workspace_id and builds.app_slug = :app_slug and builds.is_pipeline = 0
            and builds.outcome in {ALL} and builds.finished_at >= :since and builds.finished_at < :until
            {" ".join(f"and builds.{name} = :{name}" for name in scope.filters)}
            order by builds.finished_at, builds.build_slug
            """,
            **{**scope.parameters, "since": begin, "until": end},
        )
        yield [dict(row) for row in rows]
        begin = end


class FactFile:
    """A new SQLite file with the table ``build_facts``. Raises `DatabaseUnusable` if the file exists."""

    def __init__(self, path: Path) -> None:
        if path.exists():
            raise DatabaseUnusable(f"{path} already exists. Choose a new file.")
        if not path.parent.is_dir():
            raise DatabaseUnusable(f"The folder {path.parent} doesn't exist.")
        import sqlite_utils  # with PostgreSQL nothing else needs it

        self._database = sqlite_utils.Database(path)
        types = {name: int if name in INTEGER_COLUMNS else str for name in FACT_COLUMNS}
        self._database["build_facts"].create(types, pk=("workspace_id", "build_slug"))  # type: ignore[union-attr]

    def write(self, facts: Sequence[Fact]) -> None:
        self._database["build_facts"].insert_all(facts)  # type: ignore[union-attr]

    def close(self) -> None:
        self._database["build_facts"].create_index(["finished_at"])  # type: ignore[union-attr]
        self._database.close()
