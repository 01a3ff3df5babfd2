"""The tables and indexes of builds, their results and imports, and the view for other programs. See `schema`."""

from __future__ import annotations

BUILDS = (
    """
    create table builds (
        workspace_id text not null references workspaces (workspace_id),
        build_slug text not null,
        app_slug text not null,
        number integer,
        is_pipeline integer not null,
        pipeline_workflow_id text,
        workflow text,
        pipeline text,
        branch text,
        tag text,
        commit_hash text,
        commit_message text,
        commit_url text,
        build_message text,
        pull_request_id integer,
        pull_request_url text,
        variables_sealed text,
        variables_hash text,
        machine_type text,
        stack text,
        credit_cost integer,
        is_utility integer not null default 0,
        cause text not null,
        triggered_by_name text,
        cause_detail text,
        state text not null,
        outcome text,
        reason text,
        reason_text text,
        reason_by text,
        abort_requested_by text,
        abort_requested_at text,
        request_id text,
        requested_by text,
        parameters_hash text,
        triggered_at text,
        started_at text,
        finished_at text,
        queue_seconds integer,
        run_seconds integer,
        last_synced_at text not null,
        primary key (workspace_id, build_slug)
    )""",
    "create index builds_of_app on builds (workspace_id, app_slug, triggered_at)",
    "create index builds_of_branch on builds (workspace_id, app_slug, branch, triggered_at)",
    """
    create index builds_of_workflow on builds (workspace_id, app_slug, workflow, triggered_at)
        where workflow is not null""",
    """
    create index builds_of_pipelines on builds (workspace_id, app_slug, pipeline, triggered_at)
        where pipeline is not null""",
    "create index builds_unfinished on builds (workspace_id, triggered_at) where state != 'finished'",
    """
    create index builds_unfinished_identical on builds (workspace_id, app_slug, parameters_hash, triggered_at)
        where state != 'finished'""",
    """
    create index builds_unfinished_on_branch on builds (workspace_id, app_slug, branch, triggered_at)
        where state != 'finished'""",
    """
    create index builds_of_pull_request on builds (workspace_id, app_slug, pull_request_id, triggered_at)
        where state != 'finished'""",
    """
    create index builds_for_eta on builds (workspace_id, app_slug, workflow, finished_at)
        where outcome = 'succeeded'""",
    """
    create index pipelines_for_eta on builds (workspace_id, app_slug, pipeline, finished_at)
        where outcome = 'succeeded' and is_pipeline = 1""",
    # Statistics read these indexes alone. A pipeline is the sum of its builds and is in none of them.
    """
    create index builds_statistics on builds (
        workspace_id, app_slug, outcome, finished_at,
        run_seconds, queue_seconds, workflow, cause, branch, reason, credit_cost, is_pipeline
    ) where is_pipeline = 0 and outcome is not null""",
    """
    create index builds_failed on builds (
        workspace_id, app_slug, finished_at, commit_hash, workflow, cause, branch, outcome, is_pipeline
    ) where is_pipeline = 0 and outcome = 'failed'""",
    """
    create index builds_succeeded on builds (workspace_id, app_slug, commit_hash, workflow, outcome, is_pipeline)
        where is_pipeline = 0 and outcome = 'succeeded'""",
    """
    create table results (
        workspace_id text not null,
        build_slug text not null,
        state text not null,
        requested_at text not null,
        failed_step text,
        lines text not null,
        tests text not null,
        missing text,
        installs text not null,
        primary key (workspace_id, build_slug)
    )""",
    """
    create table imports (
        workspace_id text not null references workspaces (workspace_id),
        app_slug text not null,
        state text not null,
        since text not null,
        requested_by text not null,
        requested_at text not null,
        cursor text,
        imported_count integer not null,
        total integer,
        duration_ms integer not null,
        failures integer not null,
        restarts integer not null,
        message_id text,
        updated_at text,
        finished_at text,
        error text,
        primary key (workspace_id, app_slug)
    )""",
    "create index imports_open on imports (workspace_id, requested_at) where state = 'open'",
    "create index imports_of_message on imports (message_id) where message_id is not null",
)

BUILD_FACTS = """
        builds.workspace_id, builds.app_slug, apps.title as app_title, builds.build_slug, builds.number,
        builds.workflow, builds.branch, builds.tag, builds.commit_hash, builds.pull_request_id,
        builds.machine_type, builds.stack, builds.cause, builds.outcome, builds.reason,
        case when builds.outcome = 'succeeded' then 1 when builds.outcome = 'failed' then 0 end as is_success,
        case when builds.pipeline_workflow_id is null then 0 else 1 end as is_of_pipeline,
        builds.triggered_at{as_time} as triggered_at, builds.started_at{as_time} as started_at,
        builds.finished_at{as_time} as finished_at,
        builds.queue_seconds, builds.run_seconds, builds.credit_cost"""
"""A finished build for other programs: nothing secret, no variables, no messages, no people.

``{as_time}`` casts the text to a time where the database has a type for it.
"""

VIEWS = (
    # For Datasette, Grafana, Metabase and the like: docs/metrics.md explains every column.
    f"""
    create view build_facts as
    select {BUILD_FACTS}
    from builds
    left join apps on apps.workspace_id = builds.workspace_id and apps.app_slug = builds.app_slug
    where builds.is_pipeline = 0 and builds.outcome is not null""",
)
