"""What a command cannot do without: one sentence for each setting that is missing, with the name and the way out."""

from __future__ import annotations

from bot.settings import Settings, env_name

NO_ADDRESS_FOR_OAUTH = (
    "BUILDBELL_PUBLIC_URL is not set, and workspaces cannot install by OAuth without it: set the address under which "
    "browsers reach this process, like https://buildbell.example.com."
)


def missing_for_run(settings: Settings) -> list[str]:
    """What ``run`` cannot do without: one sentence each with the name and the way out."""
    missing = []
    if settings.slack_bot_token is None and not settings.uses_oauth:
        missing.append(
            f"{env_name('slack_bot_token')} is not set: install the Slack app to your workspace and copy the "
            '"Bot User OAuth Token" from "OAuth & Permissions".'
        )
    missing += missing_for_oauth(settings)
    if settings.role != "all" and settings.database_url.get_secret_value().startswith("sqlite:"):
        missing.append(
            f"{env_name('role')} is {settings.role}, and {env_name('database_url')} names SQLite, which serves one "
            f"process: set the role to all, or use PostgreSQL."
        )
    if settings.takes_requests and settings.slack_app_token is None and settings.slack_signing_secret is None:
        missing.append(
            f"Neither {env_name('slack_app_token')} (for Socket Mode) nor {env_name('slack_signing_secret')} (for "
            'HTTP) is set: copy one of them from "Basic Information" of the Slack app.'
        )
    if settings.build_metrics and settings.metrics_token is None:
        missing.append(f"{env_name('build_metrics')} is on, but {env_name('metrics_token')} is not set.")
    if settings.encryption_keys is None:
        missing.append(
            f"{env_name('encryption_keys')} is not set: run `buildbell keys new`, set what it prints, and keep a copy "
            "apart from the database."
        )
    return missing


def missing_for_oauth(settings: Settings) -> list[str]:
    """Half of OAuth is none; and a browser has to find the way back."""
    pair = {"slack_client_id": settings.slack_client_id, "slack_client_secret": settings.slack_client_secret}
    absent = [env_name(field) for field, value in pair.items() if value is None]
    if len(absent) == 1:
        [given] = {env_name(field) for field in pair} - set(absent)
        return [f"{absent[0]} is not set, but {given} is: set both for OAuth, or neither for one workspace."]
    return [NO_ADDRESS_FOR_OAUTH] if settings.uses_oauth and not settings.public_url else []
