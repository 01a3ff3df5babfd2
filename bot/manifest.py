"""Build the Slack app's manifest from the settings, so that both always match."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from bot.settings import Settings, env_name
from bot.settings_check import check_oauth
from bot.slack import ids

SCOPES: Final = {
    "commands": "receive the slash commands and the shortcut",
    "chat:write": "post cards and notifications in channels the bot is invited to",
    "links:read": "receive links to Bitrise builds in channels the bot is in",
    "links:write": "show the build's card below such a link",
    "users:read": "read names for build messages and stop reasons, and who is an admin or a guest",
}
READ_EMAIL: Final = "users:read.email"
OPTIONAL_SCOPES: Final = {
    "app_mentions:read": "reply to a mention with how to use the slash command",
    "chat:write.public": "post cards in public channels without an invitation",
    "files:write": "send QR codes of install pages, and stats as a CSV file",
    READ_EMAIL: "match commits with people by email address",
}
EVENTS: Final = ("app_home_opened", "app_mention", "app_uninstalled", "link_shared", "tokens_revoked")
ORGANIZATION_EVENTS: Final = ("team_access_revoked",)
"""Events for apps that an organization can install in many workspaces."""
EVENTS_PATH: Final = "/slack/events"
"""The path of all requests from Slack in HTTP mode."""
REDIRECT_PATH: Final = "/slack/oauth_redirect"
"""The path to which Slack redirects a browser after the consent page."""

HEADER: Final = """\
# Manifest of the Slack app for Buildbell. In Slack, choose "Create New App", "From a manifest" and paste it.
# Created by `buildbell manifest`. Run it again after you change the command, the mode or the public URL.
"""
LONG_DESCRIPTION: Final = (
    "Type /build in any channel to start a Bitrise build. One message, the card, tracks it live: branch, commit, "
    "progress and result. A button on the card stops the build with a reason that everybody can read later. "
    "One Bitrise token connects all apps. Self-hosted: tokens stay on your own machine, encrypted."
)


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """A slash command of the app: the main one with a suffix, and the verb it stands for."""

    suffix: str
    verb: str
    description: str
    usage_hint: str


SLASH_COMMANDS = (
    SlashCommand("", "", "Start a Bitrise build, or show one", '[app] [workflow] [branch] [KEY=value] ["message"]'),
    SlashCommand("-status", "status", "Show a build, or all running builds", "[app] [#number]"),
    SlashCommand("-abort", "abort", "Stop a build, with a reason", "[app] #number [reason]"),
)


def build_manifest(settings: Settings) -> dict[str, Any]:
    """Return the manifest for `apps.manifest.create` (https://docs.slack.dev/reference/app-manifest).

    In HTTP mode it has URLs only if ``public_url`` is set; see `check_urls`.
    """
    url = None if settings.uses_socket_mode or not settings.public_url else settings.public_url + EVENTS_PATH
    return {
        "_metadata": {"major_version": 2, "minor_version": 0},
        "display_information": {
            "name": "Buildbell",
            "description": "Start, track and stop Bitrise builds from Slack.",
            "background_color": "#3c2a5c",
            "long_description": LONG_DESCRIPTION.replace("/build", settings.command),
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "Buildbell", "always_online": True},
            "shortcuts": [_shortcut()],
            "unfurl_domains": [urlsplit(settings.bitrise_site_url).hostname],
            "slash_commands": _commands(settings.command, url),
        },
        "oauth_config": {
            **({"redirect_urls": [f"{settings.public_url}{REDIRECT_PATH}"]} if settings.uses_oauth else {}),
            # bot_optional is a subset of bot, which the installing person may decline.
            "scopes": {"bot": [*SCOPES, *OPTIONAL_SCOPES], "bot_optional": list(OPTIONAL_SCOPES)},
        },
        "settings": _settings(url, is_for_many=settings.uses_oauth),
    }


def _shortcut() -> dict[str, str]:
    return {
        "name": "Start a build",
        "type": "global",
        "callback_id": ids.BUILD_START,
        "description": "Open a form to choose app, workflow and branch.",
    }


def _commands(command: str, url: str | None) -> list[dict[str, Any]]:
    # Apps for Enterprise organizations have to escape, and it distinguishes the channel #ios from the text "#ios".
    return [
        {
            "command": command + each.suffix,
            **({"url": url} if url else {}),
            "description": each.description,
            "usage_hint": each.usage_hint,
            "should_escape": True,
        }
        for each in SLASH_COMMANDS
    ]


def _settings(url: str | None, *, is_for_many: bool) -> dict[str, Any]:
    """Build the settings. Token rotation comes with OAuth: it needs a token store and can't be switched off."""
    events: dict[str, Any] = {"bot_events": sorted(EVENTS + ORGANIZATION_EVENTS) if is_for_many else list(EVENTS)}
    interactivity: dict[str, Any] = {"is_enabled": True}
    if url:
        events["request_url"] = url
        interactivity |= {"request_url": url, "message_menu_options_url": url}
    return {
        "event_subscriptions": events,
        "interactivity": interactivity,
        "org_deploy_enabled": is_for_many,
        "socket_mode_enabled": url is None,
        "token_rotation_enabled": is_for_many,
    }


def check_urls(settings: Settings) -> list[str]:
    """Return a sentence if HTTP mode or OAuth needs a URL. Without any token, assume Socket Mode."""
    if missing := check_oauth(settings):
        return missing
    if settings.slack_signing_secret is None or settings.uses_socket_mode or settings.public_url:
        return []
    return [
        f"{env_name('public_url')} is not set, but HTTP mode needs it. Set the URL at which Slack reaches "
        f"{EVENTS_PATH}, such as https://buildbell.example.com, or set {env_name('slack_app_token')}."
    ]


def to_yaml(manifest: dict[str, Any]) -> str:
    """Return the manifest as YAML with a header; strings are quoted as in JSON."""
    return HEADER + "\n".join(_lines(manifest, indent="")) + "\n"


def _lines(value: dict[str, Any], indent: str) -> Iterator[str]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield f"{indent}{key}:"
            yield from _lines(item, indent + "  ")
        elif isinstance(item, list):
            yield f"{indent}{key}:"
            yield from _items(item, indent + "  ")
        else:
            yield f"{indent}{key}: {json.dumps(item, ensure_ascii=False)}"


def _items(items: list[Any], indent: str) -> Iterator[str]:
    for item in items:
        if isinstance(item, dict):
            first, *rest = _lines(item, indent + "  ")
            yield f"{indent}- {first.lstrip()}"
            yield from rest
        else:
            yield f"{indent}- {json.dumps(item, ensure_ascii=False)}"
