"""Check required settings, and detect misspelled ``BUILDBELL_`` variables: one sentence for each problem."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches

from dotenv import dotenv_values

from bot.settings import PREFIX, Settings, env_name

NO_URL_FOR_OAUTH = (
    "BUILDBELL_PUBLIC_URL is not set, but OAuth needs it. "
    "Set the URL at which browsers reach this process, such as https://buildbell.example.com."
)


def check_required(settings: Settings) -> list[str]:
    """Return a sentence for each setting that ``run`` needs: its name and what to do."""
    missing = []
    if settings.slack_bot_token is None and not settings.uses_oauth:
        missing.append(
            f"{env_name('slack_bot_token')} is not set. Install the Slack app in your workspace and copy the "
            '"Bot User OAuth Token" from "OAuth & Permissions".'
        )
    missing += check_oauth(settings)
    if settings.role != "all" and settings.database_url.get_secret_value().startswith("sqlite:"):
        missing.append(
            f"{env_name('role')}={settings.role} doesn't work with SQLite, which serves one process. "
            f"Set it to all, or set {env_name('database_url')} to PostgreSQL."
        )
    if settings.takes_requests and settings.slack_app_token is None and settings.slack_signing_secret is None:
        missing.append(
            f"Set {env_name('slack_app_token')} (for Socket Mode) or {env_name('slack_signing_secret')} (for HTTP). "
            'Both are under "Basic Information" of the Slack app.'
        )
    if settings.build_metrics and settings.metrics_token is None:
        missing.append(f"{env_name('build_metrics')} needs {env_name('metrics_token')}. Set it, or turn metrics off.")
    if settings.encryption_keys is None:
        missing.append(
            f"{env_name('encryption_keys')} is not set. Run `buildbell keys new`, set what it prints, and keep a copy "
            "apart from the database."
        )
    return missing


def check_oauth(settings: Settings) -> list[str]:
    """Check that client id and secret are both set or both not, and that browsers can be redirected back."""
    pair = {"slack_client_id": settings.slack_client_id, "slack_client_secret": settings.slack_client_secret}
    absent = [env_name(field) for field, value in pair.items() if value is None]
    if len(absent) == 1:
        [present] = {env_name(field) for field in pair} - set(absent)
        return [f"{absent[0]} is not set, but {present} is. Set both for OAuth, or neither for one workspace."]
    return [NO_URL_FOR_OAUTH] if settings.uses_oauth and not settings.public_url else []


def variable_names() -> set[str]:
    """Return the names of all variables in the environment and in ``.env``."""
    return {*os.environ, *dotenv_values(".env", encoding="utf-8")}


def find_typos(names: Iterable[str]) -> list[str]:
    """Return a sentence for each name with the prefix of a setting that isn't one, with the closest setting."""
    valid = {env_name(field) for field in Settings.model_fields}
    typos = {name.upper() for name in names if name.upper().startswith(PREFIX)} - valid
    return [f"Unknown setting {typo}.{_did_you_mean(typo, valid)}" for typo in sorted(typos)]


def _did_you_mean(typo: str, valid: set[str]) -> str:
    close = get_close_matches(typo, valid, n=1)
    return f" Did you mean {close[0]}?" if close else ""
