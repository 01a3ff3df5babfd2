"""Who answers a delivery: directly by its exact id, everybody else through Bolt."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bot.web.dispatch import direct_handlers, handler_key


async def take(ack: Any, body: Any, ctx: Any) -> None: ...


async def press(ack: Any, action: Any) -> None: ...


async def press_curiously(ack: Any, action: Any, logger: Any) -> None: ...


HANDLERS = direct_handlers(
    [
        ("command", "/build", take),
        ("action", "build.stop", press),
        ("action", "build.odd", press_curiously),
        ("action", re.compile("build.page.*"), press),
        ("view", "build.start", take),
        ("event", "app_home_opened", take),
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
        (pressed("build.odd"), None),
        ({}, None),
    ],
)
def test_who_answers(body: dict[str, Any], handler: Any) -> None:
    found = HANDLERS.get(handler_key(body))
    assert (found and found.run) is handler
