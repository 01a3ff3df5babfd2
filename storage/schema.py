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

HEARING = (
    # builds: what channels, people and figures ask for
    "alter table builds add column stack text",
    "alter table builds add column credit_cost integer",
    "alter table builds add column is_utility integer not null default 0",
    "alter table builds add column cause_detail text",
    "alter table builds add column pipeline_workflow_id text",
    "alter table builds add column pull_request_url text",
    "create index builds_decided on builds (workspace_id, app_slug, branch, triggered_at)",
    """
    create index builds_of_pull_request on builds (workspace_id, app_slug, pull_request_id, triggered_at)
        where state != 'finished'""",
    """
    create index builds_unfinished_on_branch on builds (workspace_id, app_slug, branch, triggered_at)
        where state != 'finished'""",
    # what every start asks: is the same on its way already, does it run, is that a pipeline's name
    "create index requests_equal on requests (workspace_id, app_slug, digest) where state in ('accepted', 'sent')",
    """
    create index builds_unfinished_equal on builds (workspace_id, app_slug, digest, triggered_at)
        where state != 'finished'""",
    """
    create index builds_of_pipelines on builds (workspace_id, app_slug, pipeline, triggered_at)
        where pipeline is not null""",
    # apps: which Git host
    "alter table apps add column provider text",
    # workspaces: how far back everything is known, and where Bitrise's hints come in
    "alter table workspaces add column known_until text",
    "alter table workspaces add column walk_next text",
    "alter table workspaces add column walk_until text",
    "alter table workspaces add column webhook_key text",
    "alter table workspaces add column webhook_secret_sealed text",
    "alter table workspaces add column last_webhook_at text",
    "alter table workspaces add column names_version integer not null default 0",
    "create unique index workspaces_by_webhook_key on workspaces (webhook_key) where webhook_key is not null",
    # cards: not only live ones any more
    "alter table cards add column style text not null default 'card'",
    "alter table cards add column subscription_id text",
    "alter table cards add column parent_id text",
    "alter table cards add column place text",
    "alter table cards add column facts text",
    "create index cards_at_place on cards (workspace_id, channel_id, place) where place is not null and is_gone = 0",
    """
    create table subscriptions (
        subscription_id text primary key,
        workspace_id text not null references workspaces (workspace_id),
        channel_id text not null,
        app_slug text,
        filters text not null,
        style text not null,
        tells_starts integer not null,
        owner text not null,
        created_at text not null,
        paused_at text,
        paused_why text
    )""",
    "create index subscriptions_of_workspace on subscriptions (workspace_id, channel_id)",
    """
    create table news (
        news_id {serial},
        workspace_id text not null references workspaces (workspace_id),
        build_slug text not null,
        kind text not null,
        user_id text,
        at text not null,
        due_at text not null
    )""",
    "create index news_due on news (workspace_id, due_at)",
    """
    create table people (
        workspace_id text not null references workspaces (workspace_id),
        user_id text not null,
        git_names text not null,
        email text,
        tells text not null,
        quiet_from text,
        quiet_until text,
        time_zone text,
        primary key (workspace_id, user_id)
    )""",
    """
    create table build_people (
        workspace_id text not null,
        build_slug text not null,
        user_id text not null,
        triggered_at text,
        primary key (workspace_id, build_slug, user_id)
    )""",
    """
    insert into build_people (workspace_id, build_slug, user_id, triggered_at)
    select workspace_id, build_slug, requester, triggered_at from builds where requester is not null""",
    "create index builds_of_people on build_people (workspace_id, user_id, triggered_at)",
    """
    create table webhooks (
        workspace_id text not null references workspaces (workspace_id),
        app_slug text not null,
        webhook_slug text not null,
        registered_by text not null,
        registered_at text not null,
        primary key (workspace_id, app_slug)
    )""",
    """
    create table findings (
        workspace_id text not null,
        build_slug text not null,
        state text not null,
        asked_at text not null,
        failed_step text,
        lines text not null,
        tests text not null,
        missing text,
        installs text not null,
        primary key (workspace_id, build_slug)
    )""",
)
