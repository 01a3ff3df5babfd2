"""The App Home: how it stands with Bitrise, my builds, and a way to start one.

https://docs.slack.dev/surfaces/app-home
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.slack import ids
from bot.slack.blocks import BLOCKS_IN_VIEW, Block, actions, button, context, divider, header, lines, section
from bot.slack.build_lists import list_line, running_blocks
from bot.slack.build_text import BuildView
from bot.slack.forms import Payload
from bot.slack.replies import escape_lines, health_line
from bot.slack.text import code, date, escape
from storage.users import ALL, FAILURES, OFF, UserRow
from storage.workspaces import WorkspaceRow

RUNNING_SHOWN = 15
RECENT_SHOWN = 15
NO_BUILDS = (
    "What you start from Slack is listed here. So is what you push, once *Notifications…* knows your name in Git."
)

_LEVELS = {OFF: "none", FAILURES: "when a build of yours fails", ALL: "when a build of yours ends"}


@dataclass(frozen=True, slots=True)
class HomeFacts:
    """``running`` and ``recent`` are the builds of the person whose Home it is; ``person`` what they have saved.

    ``past`` says what is being read of the past; empty when nothing is.
    """

    workspace: WorkspaceRow | None
    running: Sequence[BuildView]
    recent: Sequence[BuildView]
    may_connect: bool
    command: str
    person: UserRow | None = None
    past: str = ""


def home_view(facts: HomeFacts, *, now: datetime) -> Payload:
    blocks: list[Block] = [
        section(health_line(facts.workspace, command=facts.command)),
        *([context(escape_lines(facts.past))] if facts.past else []),
        *_buttons(facts),
        *_wishes(facts.person),
        divider(),
        *_running(facts.running, now),
        *_recent(facts.recent),
        divider(),
        context(_help(facts.command, now)),
    ]
    return _home(blocks)


def _buttons(facts: HomeFacts) -> list[Block]:
    is_connected = facts.workspace is not None and facts.workspace.bitrise_token_sealed is not None
    connect = "Replace the Bitrise token" if is_connected else "Connect Bitrise"
    style = None if is_connected else "primary"
    return actions(
        button(ids.HOME_START, "Start a build", value="home", style="primary") if is_connected else None,
        button(ids.HOME_REFRESH, "Refresh", value="home"),
        button(ids.CONNECTION_CONNECT, connect, value="home", style=style) if facts.may_connect else None,
    )


def strangers_home() -> Payload:
    """For people who see this app through a shared channel."""
    told = (
        "You are here through Slack Connect. Cards in shared channels are for you to read; starting and stopping "
        "builds is for members of the workspace they belong to."
    )
    return _home([section(told)])


def _home(blocks: list[Block]) -> Payload:
    return {"type": "home", "callback_id": "home", "blocks": blocks[:BLOCKS_IN_VIEW]}


def _wishes(person: UserRow | None) -> list[Block]:
    if person is None:
        return []
    return [section(preferences_line(person)), *actions(button(ids.ME_NOTIFICATIONS, "Notifications…", value="home"))]


def preferences_line(person: UserRow) -> str:
    """Describe the preferences in one line of mrkdwn."""
    return f"*Direct messages:* {_LEVELS.get(person.dm_level, _LEVELS[OFF])}. {_known_as(person)}"


def _known_as(person: UserRow) -> str:
    comes = [f"comes from {', '.join(map(code, person.git_names))}"] if person.git_names else []
    signed = [f"is signed with {code(person.email)}"] if person.email else []
    if not comes and not signed:
        return "Yours is what you start from Slack; I know no name of yours in Git yet."
    return f"Yours is what you start from Slack, and what {' or '.join([*comes, *signed])}."


def _running(builds: Sequence[BuildView], now: datetime) -> list[Block]:
    blocks: list[Block] = [header("Your builds that run")]
    for build in builds[:RUNNING_SHOWN]:
        blocks += running_blocks(build, now)
    return blocks if builds else [*blocks, section("None of your builds is running.")]


def _recent(builds: Sequence[BuildView]) -> list[Block]:
    heading = header("Your recent builds")
    if not builds:
        return [heading, section(NO_BUILDS)]
    return [heading, lines(*map(list_line, builds[:RECENT_SHOWN]))]


def _help(command: str, now: datetime) -> str:
    slash = escape(command)
    return f"As of {date(now)}. `{slash} help` lists what you can type; `{slash} status` shows what runs now."
