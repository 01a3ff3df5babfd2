"""Read what Slack sends by HTTP: the form, the JSON, and whether its fields have the right shape. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

Payload = Mapping[str, Any]


def read_form(raw: bytes) -> Payload:
    """Parse the fields of a command, or the JSON in ``payload``; empty for anything else."""
    try:
        fields = {}
        for pair in raw.decode().split("&"):  # `parse_qsl` takes twice as long over it
            name, _, value = pair.partition("=")
            fields[name] = unquote_plus(value) if "%" in value or "+" in value else value
        body = json.loads(fields["payload"]) if "payload" in fields else fields
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def read_json(raw: bytes) -> Payload:
    """Parse the body of an event; empty for anything that isn't a JSON object."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


OBJECTS = ("team", "view", "user", "enterprise", "event", "channel", "container", "message")
TEXTS = ("type", "command", "text", "team_id", "user_id", "channel_id", "trigger_id", "callback_id", "response_url")
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "block_actions": ("actions", "user"),
    "block_suggestion": ("action_id", "user"),
    "view_submission": ("view", "user"),
    "view_closed": ("view", "user"),
    "shortcut": ("callback_id", "user"),
    "message_action": ("callback_id", "user"),
    "event_callback": ("event",),
}


def is_well_formed(body: Payload) -> bool:
    """Whether a request has the fields of its kind, each of the right type. Bolt fails on those that don't.

    https://docs.slack.dev/reference/interaction-payloads
    """
    kind = body.get("type")
    if "ssl_check" in body or kind == "url_verification":
        return True
    if kind is None:
        required: tuple[str, ...] = ("command", "team_id", "user_id", "trigger_id")
    else:
        required = REQUIRED.get(kind, ("user",)) if isinstance(kind, str) else ("type",)
    if not all(body.get(name) for name in required):
        return False
    if not all(isinstance(body.get(name) or {}, dict) for name in OBJECTS):
        return False
    if not all(isinstance(body.get(name) or "", str) for name in TEXTS):
        return False
    ids = [(body.get(name) or {}).get("id", "") for name in ("team", "user", "view")]
    ids += [body.get("action_id", ""), (body.get("view") or {}).get("callback_id", "")]
    lists = [body.get(name) or [] for name in ("authorizations", "response_urls", "actions")]
    return (
        all(isinstance(each, str | None) for each in ids)
        and all(isinstance(each, list) and all(isinstance(item, dict) for item in each) for each in lists)
        and all(isinstance(each.get("action_id"), str) for each in body.get("actions") or ())
        and (kind != "event_callback" or isinstance(body["event"].get("type"), str))
        and (kind not in ("view_submission", "block_actions", "shortcut") or bool(body["user"].get("id")))
    )
