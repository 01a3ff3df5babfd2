"""What step 2 adds: room for subscriptions, news, people, webhooks and findings. Never changed once it is released."""

from __future__ import annotations

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
    # workspaces: where steps of builds ask for a stop
    "alter table workspaces add column skip_key text",
    "alter table workspaces add column skip_secret_sealed text",
    "alter table workspaces add column last_skip_at text",
    "create unique index workspaces_by_skip_key on workspaces (skip_key) where skip_key is not null",
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
        at text not null
    )""",
    "create index news_in_order on news (workspace_id, at)",
    """
    create table people (
        workspace_id text not null references workspaces (workspace_id),
        user_id text not null,
        git_names text not null,
        email text,
        tells text not null,
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
