"""What went before a build on its branch: the results it is compared with. Aborted and skipped builds are none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.builds import COLUMNS, BuildRow
from storage.database import Reads, Row, from_row

_SAME = """
    workspace_id = :workspace_id and app_slug = :app_slug and branch = :branch
    and is_pipeline = :is_pipeline and coalesce(pipeline, workflow) = :target
    and outcome in ('succeeded', 'failed')
"""
_EARLIER = f"{_SAME} and triggered_at < :triggered_at and finished_at <= :finished_at"

_OF_BRANCH = """
    pull_request_id is null and branch = :branch
    and is_pipeline = :is_pipeline and coalesce(pipeline, workflow) = :target
"""
# One push may start several workflows, a moment apart: of one commit they do not replace each other.
_OF_PULL_REQUEST = """
    pull_request_id = :pull_request_id
    and (coalesce(commit_hash, '') != :commit_hash or coalesce(pipeline, workflow) = :target)
"""


@dataclass(frozen=True, slots=True)
class Failures:
    """A run of failures without a success between them."""

    count: int
    first: BuildRow


async def is_overtaken(db: Reads, build: BuildRow) -> bool:
    """Whether a build that was started later has ended before: then this result is none of today's."""
    sql = f"select 1 from builds where {_SAME} and triggered_at > :triggered_at and finished_at <= :finished_at"
    return await _one(db, sql + " limit 1", build) is not None


async def find_previous(db: Reads, build: BuildRow) -> BuildRow | None:
    """The result before this one."""
    sql = f"select {COLUMNS} from builds where {_EARLIER} order by triggered_at desc limit 1"
    return _build(await _one(db, sql, build))


async def find_last_green(db: Reads, build: BuildRow) -> BuildRow | None:
    green = f"{_EARLIER} and outcome = 'succeeded'"
    sql = f"select {COLUMNS} from builds where {green} order by triggered_at desc limit 1"
    return _build(await _one(db, sql, build))


async def find_failures(db: Reads, build: BuildRow) -> Failures | None:
    """The failures right before this build; None when the result before it was a success."""
    green = await find_last_green(db, build)
    since = f"{_EARLIER} and outcome = 'failed' and (:since = '' or triggered_at > :since)"
    after = {"since": green.triggered_at if green and green.triggered_at else ""}
    first = await _one(db, f"select {COLUMNS} from builds where {since} order by triggered_at limit 1", build, **after)
    counted = await _one(db, f"select count(*) as failures from builds where {since}", build, **after)
    found = _build(first)
    return Failures(int(counted["failures"]), found) if found and counted else None


async def find_opposite(db: Reads, build: BuildRow) -> BuildRow | None:
    """The newest earlier build of the very same commit with the other result: one of the two is chance."""
    if not build.commit_hash:
        return None
    sql = f"""
        select {COLUMNS} from builds
        where {_EARLIER} and commit_hash = :commit_hash and outcome != :outcome
        order by triggered_at desc limit 1
    """
    return _build(await _one(db, sql, build, commit_hash=build.commit_hash, outcome=build.outcome))


async def list_since(db: Reads, build: BuildRow, since: datetime, *, limit: int) -> list[BuildRow]:
    """Builds of any workflow on the branch after ``since`` and up to this one, newest first: they know commits."""
    rows = await db.fetch_all(
        f"""
        select {COLUMNS} from builds
        where workspace_id = :workspace_id and app_slug = :app_slug and branch = :branch
        and commit_hash is not null and triggered_at > :since and triggered_at <= :triggered_at
        order by triggered_at desc limit :limit
        """,
        workspace_id=build.workspace_id, app_slug=build.app_slug, branch=build.branch, since=since,
        triggered_at=build.triggered_at, limit=limit,
    )  # fmt: skip
    return [from_row(BuildRow, row) for row in rows]


async def list_unfinished_before(db: Reads, build: BuildRow) -> list[BuildRow]:
    """What ``build`` replaces and has not ended yet, oldest first.

    That is, of the same pull request, what builds an older commit or the same target; without a pull request, the
    same target on the same branch. What is asked to stop already, and parts of pipelines, are among them.
    """
    same = _OF_PULL_REQUEST if build.pull_request_id else _OF_BRANCH
    facts = {"pull_request_id": build.pull_request_id, "commit_hash": build.commit_hash or ""}
    rows = await db.fetch_all(
        f"""
        select {COLUMNS} from builds
        where workspace_id = :workspace_id and app_slug = :app_slug and state != 'finished'
        and triggered_at < :triggered_at and build_slug != :build_slug and {same}
        order by triggered_at
        """,
        **_facts(build), build_slug=build.build_slug, target=build.target,
        **(facts if build.pull_request_id else {"branch": build.branch, "is_pipeline": build.is_pipeline}),
    )  # fmt: skip
    return [from_row(BuildRow, row) for row in rows]


async def _one(db: Reads, sql: str, build: BuildRow, **more: object) -> Row | None:
    rows = await db.fetch_all(
        sql, **_facts(build), **_target(build), is_pipeline=build.is_pipeline, finished_at=build.finished_at, **more
    )
    return rows[0] if rows else None


def _facts(build: BuildRow) -> dict[str, object]:
    return {"workspace_id": build.workspace_id, "app_slug": build.app_slug, "triggered_at": build.triggered_at}


def _target(build: BuildRow) -> dict[str, object]:
    return {"branch": build.branch, "target": build.target}


def _build(row: Row | None) -> BuildRow | None:
    return from_row(BuildRow, row) if row else None
