"""The tables of many workspaces: where the Slack app was installed, and who is on the way to installing it."""

from __future__ import annotations

INSTALLS = (
    # An empty text stands where there is nothing, because null never equals null in a key.
    """
    create table installations (
        enterprise_id text not null,
        team_id text not null,
        user_id text not null,
        app_id text,
        enterprise_name text,
        team_name text,
        bot_id text,
        bot_user_id text,
        bot_scopes text not null,
        tokens_sealed text not null,
        expires_at text,
        installed_at text not null,
        renewing_until text,
        primary key (enterprise_id, team_id, user_id)
    )""",
    "create index installations_of_team on installations (team_id, user_id)",
    """
    create table oauth_states (
        state_digest text primary key,
        browser_digest text not null,
        expires_at text not null
    )""",
    "create index oauth_states_old on oauth_states (expires_at)",
    "alter table workspaces add column enterprise_id text",
    "alter table workspaces add column uninstalled_at text",
    "create index workspaces_of_enterprise on workspaces (enterprise_id) where enterprise_id is not null",
)
