"""What figures add to the tables: durations as numbers, indexes that answer alone, a view for other programs; how far
each app's past has been read; which channels are told their figures."""

from __future__ import annotations

FACTS = """
        builds.workspace_id, builds.app_slug, apps.title as app_title, builds.build_slug, builds.number,
        builds.workflow, builds.branch, builds.tag, builds.commit_hash, builds.pull_request_id,
        builds.machine_type, builds.stack, builds.cause, builds.outcome, builds.reason,
        case when builds.outcome = 'succeeded' then 1 when builds.outcome = 'failed' then 0 end as is_success,
        case when builds.pipeline_workflow_id is null then 0 else 1 end as is_of_pipeline,
        builds.triggered_at{as_time} as triggered_at, builds.started_at{as_time} as started_at,
        builds.finished_at{as_time} as finished_at,
        builds.queue_seconds, builds.run_seconds, builds.credit_cost"""
"""What is told of a build to other programs: nothing secret, no variable, no message, no person.

``{as_time}`` makes a time of the text where a database has a type for it.
"""

FIGURES = (
    # builds: what they took, as numbers; the store fills them, see `BuildRow.queue_seconds`
    "alter table builds add column queue_seconds integer",
    "alter table builds add column run_seconds integer",
    "update builds set queue_seconds = {queue_seconds} where triggered_at is not null and started_at is not null",
    "update builds set run_seconds = {run_seconds} where started_at is not null and finished_at is not null",
    # Figures read these indexes alone. A pipeline is the sum of its builds and is in none of them.
    """
    create index builds_figures on builds (
        workspace_id, app_slug, outcome, finished_at,
        run_seconds, queue_seconds, workflow, cause, branch, reason, credit_cost, is_pipeline
    ) where is_pipeline = 0 and outcome is not null""",
    """
    create index builds_failed on builds (
        workspace_id, app_slug, finished_at, commit_hash, workflow, cause, branch, outcome, is_pipeline
    ) where is_pipeline = 0 and outcome = 'failed'""",
    """
    create index builds_passed on builds (workspace_id, app_slug, commit_hash, workflow, outcome, is_pipeline)
        where is_pipeline = 0 and outcome = 'succeeded'""",
    """
    create index pipelines_for_eta on builds (workspace_id, app_slug, pipeline, finished_at)
        where outcome = 'succeeded' and is_pipeline = 1""",
    # For Datasette, Grafana, Metabase and the like: docs/metrics.md explains every column.
    f"""
    create view build_facts as
    select {FACTS}
    from builds
    left join apps on apps.workspace_id = builds.workspace_id and apps.app_slug = builds.app_slug
    where builds.is_pipeline = 0 and builds.outcome is not null""",
    # How far each app's past has been read.
    """
    create table imports (
        workspace_id text not null references workspaces (workspace_id),
        app_slug text not null,
        state text not null,
        since text not null,
        asked_by text not null,
        asked_at text not null,
        anchor text,
        done integer not null,
        total integer,
        spent_ms integer not null,
        failures integer not null,
        restarts integer not null,
        card_id text,
        moved_at text,
        finished_at text,
        error text,
        primary key (workspace_id, app_slug)
    )""",
    "create index imports_open on imports (workspace_id, asked_at) where state = 'open'",
    "create index imports_of_card on imports (card_id) where card_id is not null",
    # Which channels are told their figures, and when.
    """
    create table digests (
        digest_id text primary key,
        workspace_id text not null references workspaces (workspace_id),
        channel_id text not null,
        app_slug text,
        cadence text not null,
        weekday integer not null,
        at text not null,
        zone text not null,
        due_at text not null,
        owner text not null,
        created_at text not null,
        paused_at text,
        paused_why text
    )""",
    "create index digests_of_channel on digests (workspace_id, channel_id)",
)
