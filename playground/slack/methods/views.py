"""views.* and blocks.validate: https://docs.slack.dev/reference/methods?filter=views"""

from __future__ import annotations

from typing import Any

from playground.slack.calls import Call
from playground.slack.desk import Desk
from playground.slack.errors import SlackError, refusal
from playground.slack.schema import Findings
from playground.slack.validation import check_blocks, check_view
from playground.slack.world import JSON, Installation


def read_view(desk: Desk, app: Installation, value: Any, kind: str) -> JSON:
    """The view when it is whole and of that kind; Slack says ``invalid_arguments`` otherwise."""
    if found := check_view(value) or desk.files.check(app, value["blocks"], "/view/blocks"):
        raise refusal("invalid_arguments", found)
    view: JSON = value
    if view["type"] != kind:
        raise SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] view must be a {kind}"]})
    return view


def open_view(desk: Desk, call: Call) -> JSON:
    body = read_view(desk, call.bot, call.nested("view"), "modal")
    trigger = desk.triggers.exchange(call.text("trigger_id"), call.bot)
    return {"view": desk.modals.open(call.bot, trigger.user, body).payload()}


def push(desk: Desk, call: Call) -> JSON:
    body = read_view(desk, call.bot, call.nested("view"), "modal")
    trigger = desk.triggers.exchange(call.text("trigger_id"), call.bot)
    if not trigger.from_modal:
        raise SlackError("invalid_trigger_id")
    return {"view": desk.modals.push(call.bot, trigger.user, body).payload()}


def update(desk: Desk, call: Call) -> JSON:
    if call.given("view_id"):
        view = desk.modals.get(call.bot, call.text("view_id"))
    elif call.given("external_id"):
        view = desk.modals.with_external_id(call.bot, call.text("external_id"))
    else:
        raise SlackError("invalid_arguments")
    body = read_view(desk, call.bot, call.nested("view"), view.type)
    return {"view": desk.modals.update(view, body, call.text("hash") or None).payload()}


def publish(desk: Desk, call: Call) -> JSON:
    body = read_view(desk, call.bot, call.nested("view"), "home")
    if not call.bot.app.home_enabled:
        raise SlackError("not_enabled")
    user = desk.world.users.get(call.text("user_id"))
    if user is None:
        raise SlackError("user_not_found")
    return {"view": desk.modals.publish(call.bot, user, body, call.text("hash") or None).payload()}


def validate(desk: Desk, call: Call) -> JSON:
    """https://docs.slack.dev/reference/methods/blocks.validate"""
    given = [name for name in ("blocks", "message", "view") if call.given(name)]
    if len(given) != 1:
        raise SlackError("invalid_arguments")
    name = given[0]
    if found := _findings(name, call.nested(name)):
        raise SlackError(
            f"invalid_{name}", errors=[{"pointer": each.pointer, "message": each.message} for each in found]
        )
    return {}


def _findings(name: str, value: Any) -> Findings:
    if name == "view":
        return check_view(value)
    if name == "message" and isinstance(value, dict):
        return check_blocks(value.get("blocks") or [], "message", "/message/blocks")
    return check_blocks(value, "message")
