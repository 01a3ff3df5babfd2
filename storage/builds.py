"""Builds as last synced from Bitrise, with what only Buildbell knows: who requested them and why they were stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.database import Reads, Transaction, columns, fetch_rows, find_row, insert, to_columns

NEWEST_BUILDS = 2_000
"""How many builds of an app are read for the names of its branches."""


@dataclass(frozen=True, slots=True)
class BuildRow:
    """``state`` is queued, running or finished; ``outcome`` succeeded, failed, aborted, skipped, or None until then.

    ``variables_sealed`` are those that a person set, one ``KEY=value`` a line. ``credit_cost`` is in Bitrise's credits;
    ``cause_detail`` is the pull request, tag, Git host or text of the cause.
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
    triggered_by_name: str | None
    state: str
    outcome: str | None
    reason: str | None
    reason_text: str | None
    reason_by: str | None
    abort_requested_by: str | None
    abort_requested_at: datetime | None
    request_id: str | None
    requested_by: str | None
    parameters_hash: str | None
    triggered_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    last_synced_at: datetime
    stack: str | None = None
    credit_cost: int | None = None
    is_utility: bool = False
    cause_detail: str | None = None
    pipeline_workflow_id: str | None = None
    pull_request_url: str | None = None
    variables_sealed: str | None = None
    variables_hash: str | None = None

    @property
    def is_finished(self) -> bool:
        return self.state == "finished"

    @property
    def queue_seconds(self) -> int | None:
        """Seconds from the trigger to a machine, None if it never reached one. Stored in a column for statistics."""
        return seconds_between(self.triggered_at, self.started_at)

    @property
    def run_seconds(self) -> int | None:
        """Seconds on a machine, None until the build has finished. Stored in a column for statistics."""
        return seconds_between(self.started_at, self.finished_at)

    @property
    def target(self) -> str | None:
        """The name of the pipeline or workflow."""
        return self.pipeline if self.is_pipeline else self.workflow


def seconds_between(begin: datetime | None, end: datetime | None) -> int | None:
    """Return whole seconds, at least 0; None if one of the times is unknown."""
    if begin is None or end is None:
        return None
    return max(0, (end - begin) // timedelta(seconds=1))  # Bitrise's clock and ours may differ slightly


@dataclass(frozen=True, slots=True)
class Durations:
    """How long one build took, in seconds, and on which machine."""

    queue_seconds: int | None
    run_seconds: int
    machine_type: str | None = None


async def add_build(tx: Transaction, build: BuildRow) -> bool:
    """Return False if the build is stored already."""
    return await insert(
        tx, "builds", build, skip_existing=True, queue_seconds=build.queue_seconds, run_seconds=build.run_seconds
    )


async def save_build(tx: Transaction, build: BuildRow, *, expected_state: str) -> bool:
    """Update a build if it is still in ``expected_state``; return whether it was."""
    values = to_columns(build) | {"queue_seconds": build.queue_seconds, "run_seconds": build.run_seconds}
    settings = ", ".join(f"{name} = :{name}" for name in values)
    touched = await tx.execute(
        f"""
        update builds
        set {settings}
        where workspace_id = :workspace_id and build_slug = :build_slug and state = :expected_state
        """,
        **values, expected_state=expected_state,
    )  # fmt: skip
    return touched == 1


async def find_build(db: Reads, workspace_id: str, build_slug: str) -> BuildRow | None:
    return await find_row(db, BuildRow, "builds", workspace_id=workspace_id, build_slug=build_slug)


async def fill_details(tx: Transaction, build: BuildRow) -> None:
    """Store what Bitrise reports of a finished build only later; what is stored already stays."""
    await tx.execute(
        """
        update builds
        set credit_cost = coalesce(credit_cost, :credit_cost),
            machine_type = coalesce(machine_type, :machine_type),
            stack = coalesce(stack, :stack),
            is_utility = case when is_utility = 0 then :is_utility else 1 end
        where workspace_id = :workspace_id and build_slug = :build_slug
        """,
        workspace_id=build.workspace_id, build_slug=build.build_slug, credit_cost=build.credit_cost,
        machine_type=build.machine_type, stack=build.stack, is_utility=build.is_utility,
    )  # fmt: skip


async def list_unfinished(db: Reads, workspace_id: str) -> list[BuildRow]:
    """Return the newest first."""
    return await fetch_rows(
        db,
        BuildRow,
        f"""
        select {columns(BuildRow)} from builds
        where workspace_id = :workspace_id and state != 'finished'
        order by triggered_at desc
        """,
        workspace_id=workspace_id,
    )


async def list_of_channel(db: Reads, workspace_id: str, channel_id: str, *, limit: int) -> list[BuildRow]:
    """Return the builds that the newest messages of a channel are about, newest message first."""
    rows = await fetch_rows(
        db,
        BuildRow,
        f"""
        select {columns(BuildRow, table="builds")} from messages
        join message_builds on message_builds.message_id = messages.message_id
        join builds on builds.workspace_id = message_builds.workspace_id
            and builds.build_slug = message_builds.build_slug
        where messages.workspace_id = :workspace_id and messages.channel_id = :channel_id
        and messages.kind in ('card', 'line', 'change') and messages.is_deleted = 0
        order by messages.created_at desc, message_builds.position desc
        limit :limit
        """,
        workspace_id=workspace_id,
        channel_id=channel_id,
        limit=limit,
    )
    return list({row.build_slug: row for row in rows}.values())


async def list_identical_running(db: Reads, workspace_id: str, app_slug: str, parameters_hash: str) -> list[BuildRow]:
    """Return unfinished builds with the same parameters, newest first."""
    return await fetch_rows(
        db,
        BuildRow,
        f"""
        select {columns(BuildRow)} from builds
        where workspace_id = :workspace_id and app_slug = :app_slug
        and parameters_hash = :parameters_hash and state != 'finished'
        order by triggered_at desc
        """,
        workspace_id=workspace_id,
        app_slug=app_slug,
        parameters_hash=parameters_hash,
    )


async def list_names(db: Reads, workspace_id: str, app_slug: str, *, column: str) -> list[str]:
    """Return up to 100 workflows, pipelines or branches of an app's builds, most recent first.

    The cost doesn't grow with the history: branches come from the newest builds, and there are few workflows and
    pipelines, so that the index is skipped through from name to name.
    """
    parameters = {"workspace_id": workspace_id, "app_slug": app_slug}
    of_app = "workspace_id = :workspace_id and app_slug = :app_slug"
    if column == "branch":
        names = f"""
            select branch as name, max(triggered_at) as last_at
            from (
                select branch, triggered_at from builds where {of_app} order by triggered_at desc limit {NEWEST_BUILDS}
            ) as newest
            where branch is not null
            group by branch
        """
    elif column in ("workflow", "pipeline"):
        first = f"select {column} from builds where {of_app} and {column} is not null"
        names = f"""
            with recursive names (name) as (
                select ({first} order by {column} limit 1)
                union all
                select ({first} and {column} > names.name order by {column} limit 1) from names where name is not null
            )
            select name, (
                select triggered_at from builds where {of_app} and {column} = names.name
                order by triggered_at desc limit 1
            ) as last_at
            from names
            where name is not null
        """
    else:
        raise ValueError(f"no such column here: {column}")
    rows = await db.fetch_all(f"{names} order by last_at desc limit 100", **parameters)
    return [row["name"] for row in rows]


async def has_pipeline(db: Reads, workspace_id: str, app_slug: str, pipeline: str) -> bool:
    """Return whether a build of that pipeline is stored."""
    row = await db.fetch_one(
        """
        select 1 from builds
        where workspace_id = :workspace_id and app_slug = :app_slug and pipeline = :pipeline
        limit 1
        """,
        workspace_id=workspace_id, app_slug=app_slug, pipeline=pipeline,
    )  # fmt: skip
    return row is not None


async def list_durations(db: Reads, build: BuildRow, *, limit: int) -> list[Durations]:
    """Return the durations of the last successes of the same app and workflow (or pipeline), newest first."""
    # "< 1" keeps SQLite from the index of statistics, in which it would read every success to find a rare workflow.
    target = "pipeline = :target and is_pipeline = 1" if build.is_pipeline else "workflow = :target and is_pipeline < 1"
    return await fetch_rows(
        db,
        Durations,
        f"""
        select {columns(Durations)} from builds
        where workspace_id = :workspace_id and app_slug = :app_slug and {target}
        and outcome = 'succeeded' and run_seconds is not null
        order by finished_at desc
        limit :limit
        """,
        workspace_id=build.workspace_id,
        app_slug=build.app_slug,
        target=build.target,
        limit=limit,
    )


async def claim_abort(tx: Transaction, workspace_id: str, build_slug: str, *, by: str, now: datetime) -> bool:
    """Store who requested to stop the build; return False if it has finished or somebody else was first."""
    touched = await tx.execute(
        """
        update builds
        set abort_requested_by = :by, abort_requested_at = :now
        where workspace_id = :workspace_id and build_slug = :build_slug
        and state != 'finished' and abort_requested_by is null
        """,
        workspace_id=workspace_id, build_slug=build_slug, by=by, now=now,
    )  # fmt: skip
    return touched == 1


async def release_abort(tx: Transaction, workspace_id: str, build_slug: str, *, even_finished: bool = False) -> None:
    """Delete a refused abort request from an unfinished build, or, if it came too late, from a finished one as well."""
    await tx.execute(
        """
        update builds
        set abort_requested_by = null, abort_requested_at = null
        where workspace_id = :workspace_id and build_slug = :build_slug
        and (state != 'finished' or :even_finished = 1)
        """,
        workspace_id=workspace_id, build_slug=build_slug, even_finished=even_finished,
    )  # fmt: skip
