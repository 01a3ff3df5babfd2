"""Modals for tests."""

from __future__ import annotations

from typing import Any

from tests.playground.slack.conftest import Payload, Scene, text

NAME = {
    "type": "input",
    "block_id": "name",
    "label": text("Name"),
    "element": {"type": "plain_text_input", "action_id": "typed", "max_length": 5},
}
APP = {
    "type": "input",
    "block_id": "app",
    "label": text("App"),
    "optional": True,
    "element": {"type": "external_select", "action_id": "app.find", "min_query_length": 2},
}


def modal(*blocks: Payload, title: str = "Start", **more: Any) -> Payload:
    shown = [*blocks] or [NAME]
    return {"type": "modal", "callback_id": "form", "title": text(title), "submit": text("Go"), "blocks": shown} | more


async def opened(scene: Scene, view: Payload | None = None) -> Payload:
    """Open a modal for Ana."""
    trigger_id = scene.slack.triggers.issue(scene.app, scene.ana)
    answer = await scene.client.views_open(trigger_id=trigger_id, view=view or modal())
    shown: Payload = answer["view"]
    return shown
