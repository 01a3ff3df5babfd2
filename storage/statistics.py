"""Figures over finished builds: what was counted, how long it took, why it was stopped. Read from indexes alone.

One rule everywhere: builds are counted, in the span in which they ended. A pipeline is the sum of its builds and is
not counted again; a build that Bitrise no longer shows has no outcome and is not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from storage.database import Reads, Row

ALL = "('succeeded', 'failed', 'aborted', 'skipped')"
STOPPED = "('aborted', 'skipped')"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which builds: of one app or of all apps the token reaches, ended from ``since`` until just before ``until``."""

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

    def where(self, outcomes: str) -> str:
        """The conditions, such that the index is used from the workspace to the time."""
        app = (
            "app_slug in (select app_slug from apps where workspace_id = :workspace_id)"
            if self.app_slug is None
            else "app_slug = :app_slug"
        )
        chosen = [name for name in ("workflow", "branch", "cause") if getattr(self, name) is not None]
        return " ".join(
            [
                f"workspace_id = :workspace_id and {app} and is_pipeline = 0",
                f"and outcome in {outcomes}",
                "and finished_at >= :since and finished_at < :until",
                *(f"and {name} = :{name}" for name in chosen),
            ]
        )


@dataclass(frozen=True, slots=True)
class Ended:
    """Builds of an app that ended one way, with their time on machines and their credits."""

    app_slug: str
    outcome: str
    builds: int
    run_seconds: int
    credits: int


Target = tuple[str, str | None]
"""An app and one of its workflows."""


@dataclass(frozen=True, slots=True)
class Flaky:
    """A commit on which a workflow failed in the span, and which has passed the same workflow as well."""

    app_slug: str
    workflow: str
    commit_hash: str
    failures: int


async def count_ended(db: Reads, scope: Scope) -> list[Ended]:
    rows = await _read(
        db,
        f"""
        select app_slug, outcome, count(*) as builds,
            coalesce(sum(run_seconds), 0) as run_seconds, coalesce(sum(credit_cost), 0) as credits
        from builds where {scope.where(ALL)}
        group by app_slug, outcome
        """,
        scope,
    )
    return [Ended(**row) for row in map(dict, rows)]


async def count_lasted(db: Reads, scope: Scope) -> dict[Target, dict[int | None, int]]:
    """For each workflow how many successes took so many seconds; None where Bitrise did not say when they began."""
    # Grouped by the number first: a whole number is compared faster than a name, and most differ in it.
    rows = await _read(
        db,
        f"""
        select app_slug, workflow, run_seconds, count(*) as builds
        from builds where {scope.where("('succeeded')")}
        group by run_seconds, workflow, app_slug
        """,
        scope,
    )
    lasted: dict[Target, dict[int | None, int]] = {}
    for row in rows:
        lasted.setdefault((row["app_slug"], row["workflow"]), {})[row["run_seconds"]] = row["builds"]
    return lasted


async def count_seconds(db: Reads, scope: Scope) -> dict[int, int]:
    """How many successes took so many seconds, whatever they ran."""
    rows = await _read(
        db,
        f"""
        select run_seconds, count(*) as builds
        from builds where {scope.where("('succeeded')")} and run_seconds is not null
        group by run_seconds
        """,
        scope,
    )
    return {row["run_seconds"]: row["builds"] for row in rows}


async def count_waits(db: Reads, scope: Scope) -> dict[int, int]:
    """How many builds waited so many seconds for a machine; those that never reached one are left out."""
    rows = await _read(
        db,
        f"""
        select queue_seconds, count(*) as builds
        from builds where {scope.where(ALL)} and queue_seconds is not null
        group by queue_seconds
        """,
        scope,
    )
    return {row["queue_seconds"]: row["builds"] for row in rows}


async def count_reasons(db: Reads, scope: Scope) -> dict[str | None, int]:
    rows = await _read(
        db, f"select reason, count(*) as builds from builds where {scope.where(STOPPED)} group by reason", scope
    )
    return {row["reason"]: row["builds"] for row in rows}


async def count_failing(db: Reads, scope: Scope) -> dict[Target, int]:
    rows = await _read(
        db,
        f"""
        select app_slug, workflow, count(*) as builds
        from builds where {scope.where("('failed')")}
        group by app_slug, workflow
        """,
        scope,
    )
    return {(row["app_slug"], row["workflow"]): row["builds"] for row in rows}


async def list_flaky(db: Reads, scope: Scope) -> list[Flaky]:
    rows = await _read(
        db,
        f"""
        select app_slug, workflow, commit_hash, count(*) as failures
        from builds as failing where {scope.where("('failed')")} and outcome = 'failed'
        and commit_hash is not null and exists (
            select 1 from builds as passing
            where passing.workspace_id = failing.workspace_id and passing.app_slug = failing.app_slug
            and passing.commit_hash = failing.commit_hash and passing.workflow = failing.workflow
            and passing.outcome = 'succeeded' and passing.is_pipeline = 0)
        group by app_slug, workflow, commit_hash
        order by failures desc, app_slug, workflow, commit_hash
        """,
        scope,
    )
    return [Flaky(**row) for row in map(dict, rows)]


async def find_red_since(db: Reads, scope: Scope) -> datetime | None:
    """Since when whatever is meant has only failed; None when the last one that ended passed, or none failed."""
    rows = await _read(
        db,
        f"""
        select min(finished_at) as red_since from builds
        where {scope.where("('failed')")} and finished_at > coalesce((
            select max(finished_at) from builds where {scope.where("('succeeded')")}), '')
        """,
        scope,
    )
    found = rows[0]["red_since"]
    return datetime.fromisoformat(found) if found else None


# Of every workspace, for Prometheus.


async def count_all_ended(db: Reads, since: datetime) -> list[Row]:
    """``workspace_id, outcome, reason, builds`` of what ended since then."""
    return await _read_all(db, "builds.outcome, builds.reason", ALL, since)


async def count_all_seconds(db: Reads, since: datetime) -> list[Row]:
    """``workspace_id, run_seconds, builds`` of successes."""
    return await _read_all(db, "builds.run_seconds", "('succeeded')", since)


async def count_all_waits(db: Reads, since: datetime) -> list[Row]:
    """``workspace_id, queue_seconds, builds``."""
    return await _read_all(db, "builds.queue_seconds", ALL, since)


async def _read_all(db: Reads, columns: str, outcomes: str, since: datetime) -> list[Row]:
    return await db.fetch_all(
        f"""
        select builds.workspace_id, {columns}, count(*) as builds
        from apps
        join builds on builds.workspace_id = apps.workspace_id and builds.app_slug = apps.app_slug
        where builds.is_pipeline = 0 and builds.outcome in {outcomes} and builds.finished_at >= :since
        group by builds.workspace_id, {columns}
        """,
        since=since,
    )


async def _read(db: Reads, sql: str, scope: Scope) -> list[Row]:
    return await db.fetch_all(sql, **scope.parameters)
