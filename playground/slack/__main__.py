"""Serve a practice Slack alone: ``python -m playground.slack [--port 0] [--manifest manifest.json]``."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from bot.clock import SystemClock
from playground.signals import wait_for_stop
from playground.slack.server import PracticeSlack

MANIFEST: dict[str, Any] = {
    "display_information": {"name": "Practice"},
    "features": {
        "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
        "bot_user": {"display_name": "practice"},
        "slash_commands": [{"command": "/practice", "description": "Say something", "should_escape": True}],
    },
    "oauth_config": {"scopes": {"bot": ["commands", "chat:write", "users:read"]}},
    "settings": {"event_subscriptions": {"bot_events": ["app_home_opened"]}, "socket_mode_enabled": True},
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m playground.slack", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--manifest", type=Path, help="an app manifest as JSON")
    parser.add_argument("--request-url", help="where commands and presses go when Socket Mode is off")
    options = parser.parse_args()
    manifest = json.loads(options.manifest.read_text()) if options.manifest else MANIFEST
    asyncio.run(serve(manifest, port=options.port, request_url=options.request_url))


async def serve(manifest: dict[str, Any], *, port: int, request_url: str | None) -> None:
    """Serve until SIGINT or SIGTERM."""
    slack = PracticeSlack(clock=SystemClock(), port=port)
    await slack.start()
    print(found_team(slack, manifest, request_url), flush=True)
    await wait_for_stop()
    await slack.stop()


def found_team(slack: PracticeSlack, manifest: dict[str, Any], request_url: str | None) -> str:
    """Create a team with two people and a channel. Return the settings that connect a bot."""
    team = slack.add_team("Acme")
    ana, bo = slack.add_user(team, "ana", admin=True), slack.add_user(team, "bo")
    general = slack.add_channel(team, "general", members=[ana, bo])
    app = slack.install(manifest, team, request_url)
    slack.invite(general, app.bot_user)
    facts = {
        "Web API": slack.api_url,
        "Bot token": app.bot_token,
        "App token": app.app_token,
        "Signing secret": app.signing_secret,
        "Team": f"{team.id} {team.name}",
        "Channel": f"{general.id} #{general.name}",
        "UserActions": ", ".join(f"{user.id} @{user.name}" for user in (ana, bo)),
    }
    return "\n".join(f"{name:<15} {value}" for name, value in facts.items())


if __name__ == "__main__":
    main()
