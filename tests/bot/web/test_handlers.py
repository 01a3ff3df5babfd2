"""Who answers a delivery: directly by its exact id, everybody else through Bolt."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bot.web.dispatch import handler_key, split_handlers


async def take(ack: Any, body: Any, ctx: Any) -> None: ...


async def press(ack: Any, body: Any, ctx: Any) -> None: ...


PAGES = re.compile("build.page.*")
DIRECT, OTHERS = split_handlers(
    [
        ("command", "/build", take),
        ("action", "build.stop", press),
        ("action", "build.stop", take),
        ("action", PAGES, press),
        ("view", "build.start", take),
        ("event", "app_home_opened", take),
        ("shortcut", "build.new", press),
    ]
)


def pressed(action_id: str) -> dict[str, Any]:
    return {"type": "block_actions", "actions": [{"action_id": action_id}]}


@pytest.mark.parametrize(
    ("body", "handler"),
    [
        ({"command": "/build", "text": ""}, take),
        (pressed("build.stop"), press),
        ({"type": "view_submission", "view": {"callback_id": "build.start"}}, take),
        ({"type": "view_closed", "view": {"callback_id": "build.start"}}, None),
        ({"type": "event_callback", "event": {"type": "app_home_opened"}}, None),
        ({"command": "/other"}, None),
        (pressed("build.start"), None),
        (pressed("build.page.2"), None),
        ({}, None),
    ],
)
def test_who_answers(body: dict[str, Any], handler: Any) -> None:
    assert DIRECT.get(handler_key(body)) is handler


def test_bolt_serves_the_rest() -> None:
    assert [("action", PAGES, press), ("event", "app_home_opened", take), ("shortcut", "build.new", press)] == OTHERS
