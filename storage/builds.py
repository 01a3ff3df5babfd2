"""The builds we know, as last seen at Bitrise, with what only we know: who asked, and why it was stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.database import Reads, Row, Transaction, column_list, from_row, placeholder_list, to_columns


@dataclass(frozen=True, slots=True)
class BuildRow:
    """``state`` is queued, running or finished; ``outcome`` succeeded, failed, aborted, skipped, or None until then.

    ``credit_cost`` is in Bitrise's credits; ``cause_detail`` the pull request, tag, Git host or text behind the cause.
    """

    workspace_id: str
    build_slug: str
    app_slug: str
    number: int | None
    is_pipeline: bool
    workflow: str | None
    pipeline: str | None
    branch: str | None
    tag: str | None
    commit_hash: str | None
    commit_message: str | None
    commit_url: str | None
    build_message: str | None
    pull_request_id: int | None
    machine_type: str | None
    cause: str
    cause_who: str | None
    state: str
    outcome: str | None
    reason: str | None
    reason_text: str | None
    reason_by: str | None
    abort_requested_by: str | None
    abort_requested_at: datetime | None
    request_id: str | None
    requester: str | None
    digest: str | None
    triggered_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    seen_at: datetime
    stack: str | None = None
    credit_cost: int | None = None
    is_utility: bool = False
    cause_detail: str | None = None
    pipeline_workflow_id: str | None = None
    pull_request_url: str | None = None

    @property
    def is_finished(self) -> bool:
        return self.state == "finished"

    @property
    def queue_seconds(self) -> int | None:
        """From the trigger to a machine; None for a build that never reached one. Stored beside the other columns."""
        return seconds_between(self.triggered_at, self.started_at)

    @property
    def run_seconds(self) -> int | None:
        """On a machine, from start to end; None until it has ended. Stored beside the other columns."""
        return seconds_between(self.started_at, self.finished_at)

    @property
    def target(self) -> str | None:
        """The pipeline's or the workflow's name."""
        return self.pipeline if self.is_pipeline else self.workflow


def seconds_between(begin: datetime | None, end: datetime | None) -> int | None:
    """Whole seconds, never less than none; None where one of the two is not known."""
    if begin is None or end is None:
        return None
    return max(0, (end - begin) // timedelta(seconds=1))  # Bitrise's clock and ours may differ by a little


COLUMNS = column_list(BuildRow)
TOOK = ("queue_seconds", "run_seconds")
"""Columns for figures, worked out when a row is written."""


def _stored(build: BuildRow) -> dict[str, object]:
    return to_columns(build) | {name: getattr(build, name) for name in TOOK}


@dataclass(frozen=True, slots=True)
class Took:
    """What one build took, in seconds, and on which machine."""

    queue_seconds: int | None
    run_seconds: int
    machine_type: str | None = None


async def add_build(tx: Transaction, build: BuildRow) -> bool:
    """Store a build nobody knew; False when it is known already."""
    touched = await tx.execute(
        f"""
        insert into builds ({COLUMNS}, {", ".join(TOOK)})
        values ({placeholder_list(BuildRow)}, {", ".join(f":{name}" for name in TOOK)}) on conflict do nothing
        """,
        **_stored(build),
    )
    return touched == 1


async def save_build(tx: Transaction, build: BuildRow, *, seen_state: str) -> bool:
    """Write what was seen if the row still is in ``seen_state``; True when we moved it."""
    stored = _stored(build)
    settings = ", ".join(f"{name} = :{name}" for name in stored)
    touched = await tx.execute(
        f"""
        update builds set {settings}
        where workspace_id = :workspace_id and build_slug = :build_slug and state = :seen_state
        """,
        **stored, seen_state=seen_state,
    )  # fmt: skip
    return touched == 1


async def find_build(db: Reads, workspace_id: str, build_slug: str) -> BuildRow | None:
    row = await db.fetch_one(
        f"select {COLUMNS} from builds where workspace_id = :workspace_id and build_slug = :build_slug",
        workspace_id=workspace_id, build_slug=build_slug,
    )  # fmt: skip
    return _build(row) if row else None


async def fill_facts(tx: Transaction, build: BuildRow) -> None:
    """What Bitrise tells of an ended build only later; what is known stays."""
    await tx.execute(
        """
        update builds
        set credit_cost = coalesce(credit_cost, :credit_cost), machine_type = coalesce(machine_type, :machine_type),
            stack = coalesce(stack, :stack), is_utility = case when is_utility = 0 then :is_utility else 1 end
        where workspace_id = :workspace_id and build_slug = :build_slug
        """,
        workspace_id=build.workspace_id, build_slug=build.build_slug, credit_cost=build.credit_cost,
        machine_type=build.machine_type, stack=build.stack, is_utility=build.is_utility,
    )  # fmt: skip


async def list_unfinished(db: Reads, workspace_id: str) -> list[BuildRow]:
    rows = await db.fetch_all(
        f"""
        select {COLUMNS} from builds
        where workspace_id = :workspace_id and state != 'finished'
        order by triggered_at desc
        """,
        workspace_id=workspace_id,
    )
    return [_build(row) for row in rows]


async def list_equal_running(db: Reads, workspace_id: str, app_slug: str, digest: str) -> list[BuildRow]:
    """Unfinished builds of equal parameters, newest first."""
    rows = await db.fetch_all(
        f"""
        select {COLUMNS} from builds
        where workspace_id = :workspace_id and app_slug = :app_slug and digest = :digest and state != 'finished'
        order by triggered_at desc
        """,
        workspace_id=workspace_id, app_slug=app_slug, digest=digest,
    )  # fmt: skip
    return [_build(row) for row in rows]


async def list_names(db: Reads, workspace_id: str, app_slug: str, *, column: str) -> list[str]:
    """Workflows, pipelines or branches seen in an app's builds, the newest first. ``column`` is one of those."""
    if column not in ("workflow", "pipeline", "branch"):
        raise ValueError(f"no such column here: {column}")
    rows = await db.fetch_all(
        f"""
        select {column} as name, max(triggered_at) as last_at from builds
        where workspace_id = :workspace_id and app_slug = :app_slug and {column} is not null
        group by {column} order by last_at desc limit 100
        """,
        workspace_id=workspace_id, app_slug=app_slug,
    )  # fmt: skip
    return [row["name"] for row in rows]


async def is_pipeline_known(db: Reads, workspace_id: str, app_slug: str, pipeline: str) -> bool:
    """Whether a build of that pipeline was seen in the app."""
    row = await db.fetch_one(
        """
        select 1 as known from builds
        where workspace_id = :workspace_id and app_slug = :app_slug and pipeline = :pipeline limit 1
        """,
        workspace_id=workspace_id, app_slug=app_slug, pipeline=pipeline,
    )  # fmt: skip
    return row is not None


async def list_durations(db: Reads, build: BuildRow, *, limit: int) -> list[Took]:
    """What the last successes of the same app and workflow (or pipeline) took, newest first."""
    target, is_pipeline = ("pipeline", 1) if build.is_pipeline else ("workflow", 0)
    rows = await db.fetch_all(
        f"""
        select queue_seconds, run_seconds, machine_type from builds
        where workspace_id = :workspace_id and app_slug = :app_slug and {target} = :target
        and outcome = 'succeeded' and is_pipeline = {is_pipeline} and run_seconds is not null
        order by finished_at desc limit :limit
        """,
        workspace_id=build.workspace_id, app_slug=build.app_slug, target=build.target, limit=limit,
    )  # fmt: skip
    return [Took(row["queue_seconds"], row["run_seconds"], row["machine_type"]) for row in rows]


async def claim_abort(tx: Transaction, workspace_id: str, build_slug: str, *, by: str, now: datetime) -> bool:
    """Note who asked for the stop, once."""
    touched = await tx.execute(
        """
        update builds set abort_requested_by = :by, abort_requested_at = :now
        where workspace_id = :workspace_id and build_slug = :build_slug
        and state != 'finished' and abort_requested_by is null
        """,
        workspace_id=workspace_id, build_slug=build_slug, by=by, now=now,
    )  # fmt: skip
    return touched == 1


async def release_abort(tx: Transaction, workspace_id: str, build_slug: str) -> None:
    """Bitrise would not stop it: the button comes back."""
    await tx.execute(
        """
        update builds set abort_requested_by = null, abort_requested_at = null
        where workspace_id = :workspace_id and build_slug = :build_slug and state != 'finished'
        """,
        workspace_id=workspace_id, build_slug=build_slug,
    )  # fmt: skip


async def forget_abort(tx: Transaction, workspace_id: str, build_slug: str) -> None:
    """The stop came too late, whether or not the end is known here: whoever asked did not stop it."""
    await tx.execute(
        """
        update builds set abort_requested_by = null, abort_requested_at = null
        where workspace_id = :workspace_id and build_slug = :build_slug
        """,
        workspace_id=workspace_id, build_slug=build_slug,
    )  # fmt: skip


def _build(row: Row) -> BuildRow:
    return from_row(BuildRow, row)
