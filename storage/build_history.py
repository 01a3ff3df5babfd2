"""Earlier results of the same app, branch and workflow (or pipeline) as a build, which it is compared with.

A branch means its builds without a pull request. The builds of a pull request are compared with each other: a fork's
pull request may come from a branch of the same name.

Only succeeded and failed builds count, and only if they had finished when the build did.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.builds import BuildRow
from storage.database import Reads, columns, fetch_rows

SELECT = f"select {columns(BuildRow)} from builds"
BRANCH = "pull_request_id is null and branch = :branch"
PULL_REQUEST = "pull_request_id = :pull_request_id"
SAME_TARGET = """
    workspace_id = :workspace_id and app_slug = :app_slug and {same_branch}
    and is_pipeline = :is_pipeline and coalesce(pipeline, workflow) = :target
    and outcome in ('succeeded', 'failed')
"""
EARLIER = SAME_TARGET + " and triggered_at < :triggered_at and finished_at <= :finished_at"

ON_SAME_BRANCH = f"""
    {BRANCH} and is_pipeline = :is_pipeline and coalesce(pipeline, workflow) = :target
"""
# One push may start several workflows, a moment apart: builds of the same commit don't replace each other.
OF_SAME_PULL_REQUEST = """
    pull_request_id = :pull_request_id
    and (coalesce(commit_hash, '') != :commit_hash or coalesce(pipeline, workflow) = :target)
"""


@dataclass(frozen=True, slots=True)
class FailureStreak:
    """Failures in a row."""

    count: int
    first: BuildRow


def _parameters(build: BuildRow) -> dict[str, object]:
    return {
        "workspace_id": build.workspace_id,
        "app_slug": build.app_slug,
        "branch": build.branch,
        "pull_request_id": build.pull_request_id,
        "is_pipeline": build.is_pipeline,
        "target": build.target,
        "triggered_at": build.triggered_at,
        "finished_at": build.finished_at,
    }


async def has_newer_result(db: Reads, build: BuildRow) -> bool:
    """Return whether a build that was triggered later has finished earlier, so that this result is out of date."""
    newer = f"{SAME_TARGET} and triggered_at > :triggered_at and finished_at <= :finished_at"
    sql = _on_same_branch(f"select 1 from builds where {newer} limit 1", build)
    return await db.fetch_all(sql, **_parameters(build)) != []


async def find_previous(db: Reads, build: BuildRow) -> BuildRow | None:
    sql = f"{SELECT} where {EARLIER} order by triggered_at desc limit 1"
    return await _find(db, sql, build)


async def find_last_success(db: Reads, build: BuildRow) -> BuildRow | None:
    sql = f"{SELECT} where {EARLIER} and outcome = 'succeeded' order by triggered_at desc limit 1"
    return await _find(db, sql, build)


async def find_failure_streak(db: Reads, build: BuildRow) -> FailureStreak | None:
    """Return the failures right before this build, None if the previous result was a success."""
    success = await find_last_success(db, build)
    since = success.triggered_at if success and success.triggered_at else ""
    streak = f"{EARLIER} and outcome = 'failed' and (:since = '' or triggered_at > :since)"
    first = await _find(db, f"{SELECT} where {streak} order by triggered_at limit 1", build, since=since)
    if first is None:
        return None
    sql = _on_same_branch(f"select count(*) as failures from builds where {streak}", build)
    rows = await db.fetch_all(sql, **_parameters(build), since=since)
    return FailureStreak(int(rows[0]["failures"]), first)


async def find_contradicting(db: Reads, build: BuildRow) -> BuildRow | None:
    """Return the newest earlier build of the same commit with the other result: one of the two may be flaky."""
    if not build.commit_hash:
        return None
    same_commit = f"{EARLIER} and commit_hash = :commit_hash and outcome != :outcome"
    sql = f"{SELECT} where {same_commit} order by triggered_at desc limit 1"
    return await _find(db, sql, build, commit_hash=build.commit_hash, outcome=build.outcome)


async def _find(db: Reads, sql: str, build: BuildRow, **more: object) -> BuildRow | None:
    """Return the first row, fetched like a list because the query may read many."""
    rows = await fetch_rows(db, BuildRow, _on_same_branch(sql, build), **_parameters(build), **more)
    return rows[0] if rows else None


def _on_same_branch(sql: str, build: BuildRow) -> str:
    """Fill in the condition that the index of branches, or that of pull requests, serves."""
    return sql.replace("{same_branch}", PULL_REQUEST if build.pull_request_id else BRANCH)


async def list_since(db: Reads, build: BuildRow, since: datetime, *, limit: int) -> list[BuildRow]:
    """Return builds of any workflow on the branch after ``since`` up to this one, newest first, for their commits."""
    return await fetch_rows(
        db,
        BuildRow,
        f"""
        {SELECT}
        where workspace_id = :workspace_id and app_slug = :app_slug
        and {PULL_REQUEST if build.pull_request_id else BRANCH}
        and commit_hash is not null and triggered_at > :since and triggered_at <= :triggered_at
        order by triggered_at desc
        limit :limit
        """,
        workspace_id=build.workspace_id, app_slug=build.app_slug, branch=build.branch, since=since,
        pull_request_id=build.pull_request_id, triggered_at=build.triggered_at, limit=limit,
    )  # fmt: skip


async def list_superseded(db: Reads, build: BuildRow) -> list[BuildRow]:
    """Return the unfinished builds that ``build`` replaces, oldest first.

    For a pull request these are its builds of an older commit or of the same target; otherwise builds of the same
    target on the same branch; always with the same variables. Builds that are already being stopped and parts of
    pipelines are included.
    """
    same = OF_SAME_PULL_REQUEST if build.pull_request_id else ON_SAME_BRANCH
    return await fetch_rows(
        db,
        BuildRow,
        f"""
        {SELECT}
        where workspace_id = :workspace_id and app_slug = :app_slug and state != 'finished'
        and triggered_at < :triggered_at and build_slug != :build_slug
        and coalesce(variables_hash, '') = :variables_hash
        and {same}
        order by triggered_at
        """,
        **_parameters(build), build_slug=build.build_slug, commit_hash=build.commit_hash or "",
        variables_hash=build.variables_hash or "",
    )  # fmt: skip
