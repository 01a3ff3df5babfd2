"""Check settings, keys, tokens and the database. Each check has a time limit and ends in a sentence of advice."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import aiohttp
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.errors import BuildbellError
from bot.logs import escape
from bot.manifest import OPTIONAL_SCOPES, SCOPES
from bot.settings import Settings
from bot.settings_check import check_required, find_typos, variable_names
from bot.vault import Token, Vault, parse_keys
from bot.workspaces.oauth_client import basic_auth
from storage import workspaces as workspace_rows

if TYPE_CHECKING:
    from storage.workspaces import WorkspaceRow

CHECK_SECONDS = 10
CLOCK_WARNING_SECONDS = 60
CLOCK_ERROR_SECONDS = 300
"""Requests whose signature is older than five minutes are refused."""

Level = Literal["ok", "warning", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """The result of a check, with a sentence for the operator."""

    subject: str
    level: Level
    sentence: str

    @property
    def is_error(self) -> bool:
        return self.level == "error"


async def run_checks(settings: Settings, *, clock: Clock) -> list[Check]:
    """Run all checks. Opening the database migrates it, as ``run`` does."""
    timeout = aiohttp.ClientTimeout(total=CHECK_SECONDS)
    results = [*check_settings(settings, variable_names()), check_keys(settings)]
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
        if settings.uses_oauth:
            results += await _with_time_limit("OAuth", _check_oauth(settings, session, clock))
        else:
            results += await _with_time_limit("Slack token", _check_bot_token(settings, session, clock))
        results += await _with_time_limit("Slack app token", _check_app_token(settings, session))
        workspaces: list[WorkspaceRow] = []
        results += await _with_time_limit("database", _check_database(settings, workspaces))
        for workspace in workspaces:
            results += await _with_time_limit("Bitrise token", _check_bitrise(settings, session, workspace))
            results += check_skips(settings, workspace)
    return results


async def _with_time_limit(subject: str, check: Awaitable[list[Check]]) -> list[Check]:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check
    except TimeoutError:
        return [Check(subject, "error", f"No response within {CHECK_SECONDS} s. Check network and proxy.")]
    except BuildbellError as error:
        return [Check(subject, "error", error.sentence)]
    except Exception as error:  # a check that breaks must not hide the results of the others
        return [Check(subject, "error", f"Check failed: {type(error).__name__}: {error}.")]


def check_settings(settings: Settings, names: Iterable[str]) -> list[Check]:
    """Check that all required settings are set, and that every BUILDBELL_ variable is one."""
    missing = [Check("settings", "error", sentence) for sentence in check_required(settings)]
    typos = [Check("settings", "warning", sentence) for sentence in find_typos(names)]
    mode = "Socket Mode" if settings.uses_socket_mode else f"HTTP on {settings.host}:{settings.port}"
    complete = [] if missing else [Check("settings", "ok", f"Complete. Connects to Slack by {mode}.")]
    return [*missing, *typos, *complete]


def check_keys(settings: Settings) -> Check:
    try:
        keys = _keys(settings)
    except BuildbellError as error:
        return Check("encryption keys", "error", error.sentence)
    if not keys:
        return Check("encryption keys", "skipped", "Not set yet.")
    rest = len(keys) - 1
    older = f", {rest} older {'key' if rest == 1 else 'keys'} (decrypt only)" if rest else ""
    return Check("encryption keys", "ok", f"1 active key{older}.")


def _keys(settings: Settings) -> tuple[bytes, ...]:
    return parse_keys(settings.encryption_keys.get_secret_value()) if settings.encryption_keys else ()


async def _check_bot_token(settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> list[Check]:
    if settings.slack_bot_token is None:
        return [Check("Slack token", "skipped", "Not set.")]
    client = _slack_client(settings, session, settings.slack_bot_token)
    try:
        answer = await client.auth_test()
    except SlackApiError as error:
        refusal = Check("Slack token", "error", _refusal("BUILDBELL_SLACK_BOT_TOKEN", error))
        return [refusal, *_check_clock(_headers(error.response), clock)]
    except (aiohttp.ClientError, TimeoutError) as error:
        return [Check("Slack token", "error", _unreachable(settings.slack_api_url, error))]
    headers = _headers(answer)
    who = f"@{answer.get('user')} in {answer.get('team')}"
    return [
        Check("Slack token", "ok", f"Valid for {who}."),
        check_scopes(headers.get("x-oauth-scopes", "")),
        *_check_clock(headers, clock),
    ]


async def _check_oauth(settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> list[Check]:
    """Exchange an invalid code: if Slack complains only about the code, client id and secret are right."""
    results = check_oauth_address(settings)
    client_secret = settings.slack_client_secret.get_secret_value() if settings.slack_client_secret else ""
    headers = {"Authorization": basic_auth(settings.slack_client_id or "", Token(client_secret))}
    client = AsyncWebClient(base_url=settings.slack_api_url, session=session, retry_handlers=[])
    try:
        await client.api_call("oauth.v2.access", data={"code": "asked-by-buildbell-doctor"}, headers=headers)
    except SlackApiError as error:
        clock_results = _check_clock(_headers(error.response), clock)
        if (code := str(error.response.get("error"))) == "invalid_code":
            return [*results, Check("OAuth", "ok", "Slack accepts the client id and client secret."), *clock_results]
        name = "BUILDBELL_SLACK_CLIENT_ID" if "client_id" in code else "BUILDBELL_SLACK_CLIENT_SECRET"
        return [*results, Check("OAuth", "error", _refusal(name, error)), *clock_results]
    except (aiohttp.ClientError, TimeoutError) as error:
        return [*results, Check("OAuth", "error", _unreachable(settings.slack_api_url, error))]
    return results


def check_oauth_address(settings: Settings) -> list[Check]:
    """Check the install page, to which Slack redirects over HTTPS only, and warn about an unused bot token."""
    url = settings.public_url or ""
    results = [Check("install page", "ok", f"Workspaces install at {url}/slack/install.")]
    if not url.startswith("https://"):
        results = [Check("install page", "error", "BUILDBELL_PUBLIC_URL must begin with https:// for OAuth.")]
    if settings.slack_bot_token is not None:
        unused = "BUILDBELL_SLACK_BOT_TOKEN isn't used with OAuth. Install again from the install page, then remove it."
        results.append(Check("Slack token", "warning", unused))
    return results


def check_scopes(granted: str) -> Check:
    """Check ``granted``, Slack's x-oauth-scopes header."""
    names = {scope.strip() for scope in granted.split(",")}
    if missing := [scope for scope in SCOPES if scope not in names]:
        return Check(
            "Slack scopes",
            "error",
            f"Missing: {', '.join(missing)}. Update the Slack app from `buildbell manifest` and reinstall it.",
        )
    if left_out := [scope for scope in OPTIONAL_SCOPES if scope not in names]:
        return Check(
            "Slack scopes", "ok", f"All required scopes granted. Optional, not granted: {', '.join(left_out)}."
        )
    return Check("Slack scopes", "ok", "All scopes granted.")


async def _check_app_token(settings: Settings, session: aiohttp.ClientSession) -> list[Check]:
    """Open a connection: Bolt's Socket Mode client retries a bad token forever without reporting it."""
    if settings.slack_app_token is None:
        return [Check("Slack app token", "skipped", "Not set. HTTP mode doesn't need it.")]
    client = _slack_client(settings, session, settings.slack_app_token)
    try:
        await client.apps_connections_open(app_token=settings.slack_app_token.get_secret_value())
    except SlackApiError as error:
        return [Check("Slack app token", "error", _refusal("BUILDBELL_SLACK_APP_TOKEN", error))]
    except (aiohttp.ClientError, TimeoutError) as error:
        return [Check("Slack app token", "error", _unreachable(settings.slack_api_url, error))]
    return [Check("Slack app token", "ok", "Slack accepts it for Socket Mode.")]


def _slack_client(settings: Settings, session: aiohttp.ClientSession, token: SecretStr) -> AsyncWebClient:
    return AsyncWebClient(
        token=token.get_secret_value(), base_url=settings.slack_api_url, session=session, retry_handlers=[]
    )


ADVICE = {
    "bad_client_secret": 'Copy "Client Secret" again from "Basic Information".',
    "invalid_client_id": 'Copy "Client ID" again from "Basic Information".',
    "invalid_auth": "Copy it again from the Slack app's page.",
    "not_authed": "Copy it again from the Slack app's page.",
    "token_revoked": "Reinstall the app and copy the new token.",
    "token_expired": "Reinstall the app and copy the new token.",
    "account_inactive": "Reinstall the app and copy the new token.",
    "missing_scope": "Add the scope connections:write to it.",
    "not_allowed_token_type": "Bot tokens start with xoxb-, app-level tokens with xapp-.",
    "forbidden_team": "Turn on Socket Mode for the Slack app.",
    "ratelimited": "Try again in a minute.",
}


def _refusal(name: str, error: SlackApiError) -> str:
    code = str(error.response.get("error") or f"HTTP {error.response.status_code}")
    return f"Slack rejected {name} ({code}). {ADVICE.get(code, 'Look up the error in the documentation of Slack.')}"


def _unreachable(url: str, error: Exception) -> str:
    return f"Can't reach {url} ({type(error).__name__}). Check the URL, network and proxy."


def _headers(answer: object) -> Mapping[str, str]:
    return {name.lower(): value for name, value in getattr(answer, "headers", {}).items()}


def _check_clock(headers: Mapping[str, str], clock: Clock) -> list[Check]:
    try:
        slack_time = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return [Check("clock", "skipped", "Slack's response has no date to compare with.")]
    seconds = round(abs((clock.now() - slack_time).total_seconds()))
    if seconds <= CLOCK_WARNING_SECONDS:
        return [Check("clock", "ok", "In sync with Slack.")]
    level: Level = "error" if seconds > CLOCK_ERROR_SECONDS else "warning"
    return [Check("clock", level, f"{seconds} s off from Slack. Enable time synchronization (NTP).")]


async def _check_database(settings: Settings, workspaces: list[WorkspaceRow]) -> list[Check]:
    """Open the database, and add to ``workspaces`` those whose tokens are checked next."""
    from storage import DatabaseInUse, DatabaseUnavailable, DatabaseUnusable, absent_file, open_database, schema_version

    url = settings.database_url.get_secret_value()
    if absent := absent_file(url):
        return [_absent(absent)]
    try:
        database = await open_database(url)
    except DatabaseInUse:
        running = f"In use by a running Buildbell. To check its connection, run {settings.command} doctor in Slack."
        return [Check("database", "ok", running)]
    except (DatabaseUnusable, DatabaseUnavailable) as error:
        return [Check("database", "error", str(error))]
    try:
        version = await schema_version(database)
        workspaces += await workspace_rows.list_workspaces(database)
    finally:
        await database.close()
    name = "PostgreSQL" if database.dialect == "postgresql" else url
    return [Check("database", "ok", f"{name} is writable, schema version {version}.")]


async def _check_bitrise(settings: Settings, session: aiohttp.ClientSession, workspace: WorkspaceRow) -> list[Check]:
    from bot.bitrise.client import BitriseClient
    from bot.bitrise.http import HttpTransport
    from bot.connection import token_context

    if workspace.bitrise_token_sealed is None:
        return [Check("Bitrise token", "skipped", f"{workspace.name}: run {settings.command} connect in Slack.")]
    if not (keys := _keys(settings)):
        return [Check("Bitrise token", "skipped", f"{workspace.name}: can't decrypt it without encryption keys.")]
    token = Vault(keys).open(workspace.bitrise_token_sealed, context=token_context(workspace.workspace_id))
    client = BitriseClient(HttpTransport(session, settings.bitrise_api_url, token, retry_delays_seconds=()))
    total = (await client.list_apps(limit=1)).total
    reached = "" if total is None else f", {total} {'app' if total == 1 else 'apps'}"
    return [Check("Bitrise token", "ok", f"{workspace.name}: {workspace.bitrise_owner}{reached}.")]


def check_skips(settings: Settings, workspace: WorkspaceRow) -> list[Check]:
    """Check that CI steps can reach the skip endpoint if it is on."""
    if workspace.skip_key is None:
        return []
    if settings.public_url is None:
        sentence = f"{workspace.name}: builds can't reach Buildbell. Set BUILDBELL_PUBLIC_URL."
        return [Check("skip step", "warning", sentence)]
    at = workspace.last_skip_at
    usage = f"last used {at:%Y-%m-%d %H:%M} UTC" if at else "not used yet"
    return [Check("skip step", "ok", f"{workspace.name}: on, {usage}.")]


def _absent(path: Path) -> Check:
    """Report a missing database file. Don't create it: an empty one in the wrong folder would look right."""
    if os.access(path.absolute().parent, os.W_OK):
        return Check("database", "ok", f"{path} doesn't exist yet. `buildbell run` creates it.")
    return Check("database", "error", f"{path} doesn't exist, and its folder isn't writable.")


def format_table(results: Sequence[Check]) -> str:
    """Format one line for each result, and a summary."""
    width = max(len(result.subject) for result in results)
    lines = [f"{result.level:<8} {result.subject:<{width}}  {escape(result.sentence)}" for result in results]
    errors = sum(result.is_error for result in results)
    lines.append("")
    lines.append("All checks passed." if not errors else f"{errors} {'check' if errors == 1 else 'checks'} failed.")
    return "\n".join(lines)
