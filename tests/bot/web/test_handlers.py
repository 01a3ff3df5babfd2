"""Who answers a delivery: by its exact name at once, everybody else through Bolt."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.web.handlers import Handlers


async def take(ack: Any, body: Any, ctx: Any) -> None: ...


async def press(ack: Any, action: Any) -> None: ...


async def press_curiously(ack: Any, action: Any, logger: Any) -> None: ...


async def authorize() -> AuthorizeResult | None:
    return None


@pytest.fixture
def handlers() -> Handlers:
    handlers = Handlers(AsyncApp(signing_secret="x", authorize=cast(Any, authorize)))
    handlers.command("/build")(take)
    handlers.action("build.stop")(press)
    handlers.action("build.odd")(press_curiously)
    handlers.action(re.compile("build.page.*"))(press)
    handlers.view("build.start")(take)
    return handlers


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
def test_who_answers(handlers: Handlers, body: dict[str, Any], handler: Any) -> None:
    found = handlers.find(body)
    assert (found and found.handler) is handler


async def test_who_has_no_exact_name_is_registered_with_bolt_all_the_same(handlers: Handlers) -> None:
    handlers.event("app_home_opened")(take)
    assert handlers.action("build.late")(press) is press
    assert handlers.find(pressed("build.late")) is not None
