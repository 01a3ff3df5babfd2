"""Check the fields of a webhook registration or change (``v0.AppWebhookCreateParams`` in the API reference)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playground.bitrise.calls import Call
from playground.bitrise.refusals import bad_request
from playground.bitrise.webhooks import EVENTS

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
RESERVED = ("bitrise-", "content-", "host", "transfer-encoding", "connection")
"""Prefixes of headers that Bitrise sets itself and refuses in a registration."""


@dataclass(frozen=True, slots=True)
class WebhookParams:
    url: str
    events: tuple[str, ...]
    headers: dict[str, str]
    secret: str = field(default="", repr=False)


def read_webhook(call: Call) -> WebhookParams:
    """Read a registration; ``secret`` is required and may be empty."""
    sent = call.body()
    secret = sent.get("secret")
    if not isinstance(secret, str):
        raise bad_request("Invalid secret: it should be a string")
    return WebhookParams(_url(sent.get("url")), _events(sent.get("events")), _headers(sent.get("headers")), secret)


def read_change(call: Call) -> WebhookParams:
    """Read a change, which replaces everything except the secret; the reference has no way to change that."""
    sent = call.body()
    if "secret" in sent:
        raise bad_request("Invalid secret: it cannot be changed")
    return WebhookParams(_url(sent.get("url")), _events(sent.get("events")), _headers(sent.get("headers")))


def _url(value: Any) -> str:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", value):
        raise bad_request("Invalid url: it should be an address that begins with http:// or https://")
    return str(value)


def _events(value: Any) -> tuple[str, ...]:
    is_list = isinstance(value, list) and all(isinstance(each, str) for each in value)
    if not is_list or not value or len(set(value)) < len(value) or not set(value) <= set(EVENTS):
        raise bad_request(f"Invalid events: one or more of {', '.join(EVENTS)}, each once")
    return tuple(value)


def _headers(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(_is_header(name, each) for name, each in value.items()):
        raise bad_request("Invalid headers: it should be an object of names and values")
    return value


def _is_header(name: str, value: Any) -> bool:
    is_free = HEADER_NAME.fullmatch(name) and not name.lower().startswith(RESERVED)
    return bool(is_free) and isinstance(value, str) and bool(HEADER_VALUE.fullmatch(value))
