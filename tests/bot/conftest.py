"""Builds to render, and readers of rendered messages that check them as Slack does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings

from bot.domain.eta import Eta
from bot.slack.build_text import BuildView
from bot.slack.text import Message
from playground.slack.validation import check_blocks, check_view
from storage.builds import BuildRow
from storage.workspaces import WorkspaceRow

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

NOON = datetime(2026, 8, 7, 12, 0, tzinfo=UTC)
MARKUP = re.compile(r"<[^>]*>")
OURS = re.compile(
    r"<(?:@[UW][A-Z0-9]+|#[CGD][A-Z0-9]+|!date\^\d+\^\{date_short_pretty\} at \{time\}\|[\d :-]+ UTC|https?://[^|>]+\|[^>]*)>"
)

DEFAULTS: dict[str, Any] = {
    "workspace_id": "T1",
    "build_slug": "b0001",
    "app_slug": "a0001",
    "number": 812,
    "is_pipeline": False,
    "workflow": "deploy",
    "pipeline": None,
    "branch": "release/3.2",
    "tag": None,
    "commit_hash": "a1b2c3d4e5f6",
    "commit_message": "Fix login crash\n\nLonger story.",
    "commit_url": "https://example.com/commit/a1b2c3d4e5f6",
    "build_message": None,
    "pull_request_id": None,
    "machine_type": None,
    "cause": "slack",
    "triggered_by_name": "ana",
    "state": "running",
    "outcome": None,
    "reason": None,
    "reason_text": None,
    "reason_by": None,
    "abort_requested_by": None,
    "abort_requested_at": None,
    "request_id": None,
    "requested_by": "UANA",
    "parameters_hash": None,
    "triggered_at": NOON - timedelta(seconds=200),
    "started_at": NOON - timedelta(seconds=180),
    "finished_at": None,
    "last_synced_at": NOON,
}

SHOWN: dict[str, Any] = {"app_title": "iOS Shop", "url": "https://app.bitrise.io/build/b0001"}


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOON


@pytest.fixture(scope="session")
def build() -> Callable[..., BuildView]:
    """``build(state="queued", app_title=…)``: a running build of iOS Shop, with what differs."""

    def make(**changes: Any) -> BuildView:
        around: dict[str, Any] = {
            key: changes.pop(key)
            for key in ("app_title", "url", "eta", "requester_name", "variables")
            if key in changes
        }
        facts: dict[str, Any] = {**SHOWN, **around}
        return BuildView(BuildRow(**{**DEFAULTS, **changes}), **facts)

    return make


@pytest.fixture(scope="session")
def ended(build: Callable[..., BuildView]) -> Callable[..., BuildView]:
    """A finished build that ran 400 seconds."""

    def make(outcome: str | None, **changes: Any) -> BuildView:
        times = {"started_at": NOON - timedelta(seconds=400), "finished_at": NOON}
        return build(**{"state": "finished", "outcome": outcome, **times, **changes})

    return make


@pytest.fixture(scope="session")
def usual() -> Eta:
    return Eta(median_seconds=420, p90_seconds=500)


@pytest.fixture(scope="session")
def workspace() -> Callable[..., WorkspaceRow]:
    def make(**changes: Any) -> WorkspaceRow:
        facts: dict[str, Any] = {
            "workspace_id": "T1",
            "name": "Acme",
            "bot_user_id": "UBOT",
            "bitrise_token_sealed": "sealed",
            "bitrise_owner": "Acme CI",
            "connected_by": "UANA",
            "connected_at": NOON,
            "health": "ok",
            "health_since": NOON,
            "apps_refreshed_at": NOON,
            "sync_due_at": NOON,
            "sync_claimed_until": None,
            "last_synced_at": NOON,
            "last_sync_error": None,
        }
        return WorkspaceRow(**{**facts, **changes})

    return make


@pytest.fixture(scope="session")
def seen() -> Callable[[Message], str]:
    """Return the text of a message, line by line; fail if Slack would refuse the message."""

    def read(message: Message) -> str:
        payload = json.loads(json.dumps(message.to_payload()))
        assert check_blocks(payload.get("blocks", []), "message") == []
        assert 0 < len(payload["text"]) <= 4_000
        assert sum(len(text) for text, _ in texts_of(payload.get("blocks", []))) <= 13_000
        for text in [payload["text"], *(text for text, is_parsed in texts_of(payload.get("blocks", [])) if is_parsed)]:
            assert only_ours(text), text
        return "\n".join([*map(read_block, payload.get("blocks", []))] or [payload["text"]])

    return read


@pytest.fixture(scope="session")
def seen_view() -> Callable[[dict[str, Any]], str]:
    """The same for a modal or a Home tab."""

    def read(view: dict[str, Any]) -> str:
        view = json.loads(json.dumps(view))
        assert check_view(view) == []
        for text, is_parsed in texts_of(view["blocks"]):
            assert not is_parsed or only_ours(text), text
        return "\n".join(map(read_block, view["blocks"]))

    return read


@pytest.fixture(scope="session")
def is_ours() -> Callable[[str], bool]:
    return only_ours


def only_ours(mrkdwn: str) -> bool:
    """Whether all that Slack would parse is a mention, link or date of the shapes we write."""
    rest = OURS.sub("", mrkdwn)
    return "<" not in rest and ">" not in rest


def texts_of(drawn: Any) -> Iterator[tuple[str, bool]]:
    """Every text in blocks, and whether Slack parses mentions and links in it."""
    if isinstance(drawn, list):
        for each in drawn:
            yield from texts_of(each)
    elif isinstance(drawn, dict):
        if isinstance(drawn.get("text"), str):
            yield drawn["text"], drawn.get("type") == "mrkdwn"
        for each in drawn.values():
            yield from texts_of(each)


def read_block(block: dict[str, Any]) -> str:
    match block["type"]:
        case "rich_text":
            return "".join(map(read_part, block["elements"][0]["elements"]))
        case "section" | "header":
            return str(block["text"]["text"])
        case "context":
            return str(block["elements"][0]["text"])
        case "actions":
            return " ".join(f"[{element['text']['text']}]" for element in block["elements"])
        case "input":
            return f"{block['label']['text']}: {read_input(block['element'])}"
        case kind:
            return f"({kind})"


def read_part(part: dict[str, Any]) -> str:
    match part["type"]:
        case "user":
            return f"@{part['user_id']}"
        case "date":
            return str(part["fallback"])
        case _:
            return str(part["text"])


def read_input(element: dict[str, Any]) -> str:
    chosen = element.get("initial_option") or next(iter(element.get("initial_options", [])), None)
    return str(chosen["text"]["text"] if chosen else element.get("initial_value", ""))
