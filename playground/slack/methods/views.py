"""views.* and blocks.validate: https://docs.slack.dev/reference/methods?filter=views"""

from __future__ import annotations

from typing import Any

from playground.slack.calls import Call
from playground.slack.core import Core
from playground.slack.errors import SlackError, refusal
from playground.slack.schema import Findings
from playground.slack.validation import check_blocks, check_view
from playground.slack.world import JSON, Installation


def read_view(core: Core, app: Installation, value: Any, kind: str) -> JSON:
    """Return the view if it is valid and of that kind. Raises ``invalid_arguments``."""
    if findings := check_view(value) or core.files.check(app, value["blocks"], "/view/blocks"):
        raise refusal("invalid_arguments", findings)
    view: JSON = value
    if view["type"] != kind:
        raise SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] view must be a {kind}"]})
    return view


def open_view(core: Core, call: Call) -> JSON:
    body = read_view(core, call.bot, call.nested("view"), "modal")
    trigger = core.triggers.exchange(call.text("trigger_id"), call.bot)
    return {"view": core.modals.open(call.bot, trigger.user, body).payload()}


def push(core: Core, call: Call) -> JSON:
    body = read_view(core, call.bot, call.nested("view"), "modal")
    trigger = core.triggers.exchange(call.text("trigger_id"), call.bot)
    if not trigger.from_modal:
        raise SlackError("invalid_trigger_id")
    return {"view": core.modals.push(call.bot, trigger.user, body).payload()}


def update(core: Core, call: Call) -> JSON:
    if call.given("view_id"):
        view = core.modals.get(call.bot, call.text("view_id"))
    elif call.given("external_id"):
        view = core.modals.with_external_id(call.bot, call.text("external_id"))
    else:
        raise SlackError("invalid_arguments")
    body = read_view(core, call.bot, call.nested("view"), view.type)
    return {"view": core.modals.update(view, body, call.text("hash") or None).payload()}


def publish(core: Core, call: Call) -> JSON:
    body = read_view(core, call.bot, call.nested("view"), "home")
    if not call.bot.app.home_enabled:
        raise SlackError("not_enabled")
    user = core.world.users.get(call.text("user_id"))
    if user is None:
        raise SlackError("user_not_found")
    return {"view": core.modals.publish(call.bot, user, body, call.text("hash") or None).payload()}


def validate(core: Core, call: Call) -> JSON:
    """https://docs.slack.dev/reference/methods/blocks.validate"""
    given = [name for name in ("blocks", "message", "view") if call.given(name)]
    if len(given) != 1:
        raise SlackError("invalid_arguments")
    name = given[0]
    if findings := _findings(name, call.nested(name)):
        raise SlackError(
            f"invalid_{name}", errors=[{"pointer": each.pointer, "message": each.message} for each in findings]
        )
    return {}


def _findings(name: str, value: Any) -> Findings:
    if name == "view":
        return check_view(value)
    if name == "message" and isinstance(value, dict):
        return check_blocks(value.get("blocks") or [], "message", "/message/blocks")
    return check_blocks(value, "message")
