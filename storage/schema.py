"""The shape of the tables, as it was made: what each numbered step adds. A step that was released is never changed."""

from __future__ import annotations

FIRST = (
    """
    create table workspaces (
        workspace_id text primary key,
        name text not null,
        bot_user_id text,
        slack_token_sealed text,
        bitrise_token_sealed text,
        bitrise_token_kind text,
        bitrise_owner text,
        connected_by text,
        connected_at text,
        health text not null,
        health_since text,
        apps_refreshed_at text,
        sweep_due_at text,
        sweep_claimed_until text,
        last_sweep_at text,
        last_sweep_error text
    )""",
    """
    create table apps (
        workspace_id text not null references workspaces (workspace_id),
        app_slug text not null,
        title text not null,
        repo_owner text,
        repo_slug text,
        repo_url text,
        project_type text,
        is_disabled integer not null,
        primary key (workspace_id, app_slug)
    )""",
    """
    create table aliases (
        workspace_id text not null references workspaces (workspace_id),
        alias text not null,
        app_slug text not null,
        primary key (workspace_id, alias)
    )""",
    """
    create table channels (
        workspace_id text not null references workspaces (workspace_id),
        channel_id text not null,
        app_slug text,
        workflow text,
        branch text,
        finish_in text not null,
        primary key (workspace_id, channel_id)
    )""",
    """
    create table requests (
        request_id text primary key,
        workspace_id text not null references workspaces (workspace_id),
        kind text not null,
        unique_key text not null,
        state text not null,
        user_id text not null,
        user_name text not null,
        channel_id text,
        response_url_sealed text,
        view_id text,
        app_slug text,
        build_slug text,
        workflow text,
        branch text,
        parameters_sealed text not null,
        digest text,
        created_at text not null,
        sent_at text,
        settled_at text,
        told_at text,
        result text
    )""",
    "create unique index requests_once on requests (workspace_id, unique_key)",
    "create index requests_in_channel on requests (workspace_id, channel_id, app_slug, created_at)",
    "create index requests_open on requests (workspace_id, state) where state in ('held', 'accepted', 'sent')",
    """
    create table builds (
        workspace_id text not null references workspaces (workspace_id),
        build_slug text not null,
        app_slug text not null,
        number integer,
        is_pipeline integer not null,
        workflow text,
        pipeline text,
        branch text,
        tag text,
        commit_hash text,
        commit_message text,
        commit_url text,
        build_message text,
        pull_request_id integer,
        machine_type text,
        cause text not null,
        cause_who text,
        state text not null,
        outcome text,
        reason text,
        reason_text text,
        reason_by text,
        abort_requested_by text,
        abort_requested_at text,
        request_id text,
        requester text,
        digest text,
        triggered_at text,
        started_at text,
        finished_at text,
        seen_at text not null,
        primary key (workspace_id, build_slug)
    )""",
    "create index builds_of_app on builds (workspace_id, app_slug, triggered_at)",
    "create index builds_unfinished on builds (workspace_id, triggered_at) where state != 'finished'",
    "create index builds_of_person on builds (workspace_id, requester, triggered_at) where requester is not null",
    """
    create index builds_for_eta on builds (workspace_id, app_slug, workflow, finished_at)
        where outcome = 'succeeded'""",
    """
    create table cards (
        card_id text primary key,
        workspace_id text not null references workspaces (workspace_id),
        channel_id text not null,
        ts text,
        requester text,
        request_id text,
        rerouted_from text,
        created_at text not null,
        drawn_at text,
        drawn_digest text,
        announced_at text,
        is_gone integer not null
    )""",
    """
    create table card_builds (
        card_id text not null references cards (card_id),
        workspace_id text not null,
        build_slug text not null,
        position integer not null,
        primary key (card_id, build_slug)
    )""",
    "create index cards_of_build on card_builds (workspace_id, build_slug)",
    """
    create table outbox (
        outbox_id text primary key,
        workspace_id text not null references workspaces (workspace_id),
        lane text not null,
        kind text not null,
        card_id text,
        payload text not null,
        dedupe_key text,
        attempts integer not null,
        created_at text not null
    )""",
    "create unique index outbox_once on outbox (dedupe_key) where dedupe_key is not null",
    """
    create table audit (
        audit_id text primary key,
        workspace_id text not null,
        at text not null,
        user_id text not null,
        verb text not null,
        subject text not null,
        result text not null
    )""",
    "create index audit_of_workspace on audit (workspace_id, at)",
    """
    create table jobs (
        job_id {serial},
        kind text not null,
        key text,
        arguments text not null,
        state text not null,
        attempts integer not null,
        due_at text not null,
        error text
    )""",
    "create index jobs_due on jobs (kind, due_at, job_id) where state = 'todo'",
    "create index jobs_of_key on jobs (key, job_id) where state in ('todo', 'doing') and key is not null",
)
