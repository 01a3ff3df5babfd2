"""The tables, indexes and views of a new database. Once released, a step is never changed: add one to `migrations`."""

from __future__ import annotations

from storage.schema_builds import BUILDS, VIEWS

WORKSPACES = (
    """
    create table workspaces (
        workspace_id text primary key,
        name text not null,
        enterprise_id text,
        bot_user_id text,
        uninstalled_at text,
        bitrise_token_sealed text,
        bitrise_owner text,
        connected_by text,
        connected_at text,
        health text not null,
        health_since text,
        apps_refreshed_at text,
        names_version integer not null default 0,
        sync_due_at text,
        sync_claimed_until text,
        last_synced_at text,
        last_sync_error text,
        synced_until text,
        backfill_cursor text,
        backfill_until text,
        webhook_key text,
        webhook_secret_sealed text,
        last_webhook_at text,
        skip_key text,
        skip_secret_sealed text,
        last_skip_at text
    )""",
    "create index workspaces_of_enterprise on workspaces (enterprise_id) where enterprise_id is not null",
    "create unique index workspaces_by_webhook_key on workspaces (webhook_key) where webhook_key is not null",
    "create unique index workspaces_by_skip_key on workspaces (skip_key) where skip_key is not null",
    # An empty text stands where there is nothing, because null never equals null in a key.
    """
    create table installations (
        enterprise_id text not null,
        team_id text not null,
        app_id text,
        enterprise_name text,
        team_name text,
        bot_user_id text,
        bot_scopes text not null,
        tokens_sealed text not null,
        expires_at text,
        installed_at text not null,
        renewing_until text,
        primary key (enterprise_id, team_id)
    )""",
    "create index installations_of_team on installations (team_id)",
    """
    create table oauth_states (
        state_digest text primary key,
        browser_digest text not null,
        expires_at text not null
    )""",
    "create index oauth_states_old on oauth_states (expires_at)",
    """
    create table audit (
        audit_id text primary key,
        workspace_id text not null,
        created_at text not null,
        user_id text not null,
        action text not null,
        subject text not null,
        result text not null,
        app_slug text
    )""",
    "create index audit_of_workspace on audit (workspace_id, created_at, audit_id)",
    "create index audit_by_age on audit (created_at)",
)

APPS = (
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
        provider text,
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
        introduced_at text,
        primary key (workspace_id, channel_id)
    )""",
    """
    create table presets (
        workspace_id text not null references workspaces (workspace_id),
        channel_id text not null,
        name text not null,
        app_slug text not null,
        parameters_sealed text not null,
        created_by text not null,
        created_at text not null,
        primary key (workspace_id, channel_id, name)
    )""",
    """
    create table webhooks (
        workspace_id text not null references workspaces (workspace_id),
        app_slug text not null,
        webhook_slug text not null,
        primary key (workspace_id, app_slug)
    )""",
)

REQUESTS = (
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
        parameters_hash text,
        created_at text not null,
        sent_at text,
        completed_at text,
        notified_at text,
        result text
    )""",
    "create unique index requests_once on requests (workspace_id, unique_key)",
    "create index requests_of_user on requests (workspace_id, user_id, created_at) where kind = 'start'",
    # Every start looks for an identical one in progress, and the metrics count open requests.
    """
    create index requests_identical on requests (workspace_id, app_slug, parameters_hash)
        where state in ('accepted', 'sent')""",
)

NOTIFICATIONS = (
    """
    create table subscriptions (
        subscription_id text primary key,
        workspace_id text not null references workspaces (workspace_id),
        channel_id text not null,
        app_slug text,
        filters text not null,
        style text not null,
        include_starts integer not null,
        created_by text not null,
        created_at text not null,
        paused_at text,
        pause_reason text,
        app_title text
    )""",
    "create index subscriptions_of_workspace on subscriptions (workspace_id, channel_id)",
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
        created_by text not null,
        created_at text not null,
        paused_at text,
        pause_reason text
    )""",
    "create index digests_of_channel on digests (workspace_id, channel_id)",
    """
    create table events (
        event_id {serial},
        workspace_id text not null references workspaces (workspace_id),
        build_slug text not null,
        kind text not null,
        occurred_at text not null
    )""",
    "create index events_in_order on events (workspace_id, occurred_at)",
    """
    create table users (
        workspace_id text not null references workspaces (workspace_id),
        user_id text not null,
        git_names text not null,
        email text,
        dm_level text not null,
        primary key (workspace_id, user_id)
    )""",
    """
    create table build_owners (
        workspace_id text not null,
        build_slug text not null,
        user_id text not null,
        triggered_at text,
        primary key (workspace_id, build_slug, user_id)
    )""",
    "create index builds_of_owner on build_owners (workspace_id, user_id, triggered_at)",
)

MESSAGES = (
    """
    create table messages (
        message_id text primary key,
        workspace_id text not null references workspaces (workspace_id),
        channel_id text not null,
        ts text,
        requested_by text,
        request_id text,
        rerouted_from text,
        created_at text not null,
        rendered_at text,
        content_hash text,
        announced_at text,
        is_deleted integer not null,
        kind text not null default 'card',
        subscription_id text,
        parent_id text,
        thread_key text,
        facts text
    )""",
    """
    create index messages_by_thread_key on messages (workspace_id, channel_id, thread_key)
        where thread_key is not null and is_deleted = 0""",
    "create index messages_of_channel on messages (workspace_id, channel_id, created_at)",
    """
    create table message_followers (
        message_id text not null references messages (message_id),
        user_id text not null,
        primary key (message_id, user_id)
    )""",
    """
    create table message_builds (
        message_id text not null references messages (message_id),
        workspace_id text not null,
        build_slug text not null,
        position integer not null,
        primary key (message_id, build_slug)
    )""",
    "create index messages_of_build on message_builds (workspace_id, build_slug)",
    """
    create table outbox (
        outbox_id text primary key,
        workspace_id text not null references workspaces (workspace_id),
        ordering_key text not null,
        kind text not null,
        message_id text,
        payload text not null,
        dedupe_key text,
        attempts integer not null,
        created_at text not null
    )""",
    "create unique index outbox_once on outbox (dedupe_key) where dedupe_key is not null",
)

JOBS = (
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

SCHEMA = (*WORKSPACES, *APPS, *REQUESTS, *BUILDS, *VIEWS, *NOTIFICATIONS, *MESSAGES, *JOBS)
