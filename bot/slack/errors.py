"""What a call to Slack can end in besides an answer, and how that is read off what came back.

https://docs.slack.dev/apis/web-api#evaluating_responses
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from bot.errors import BuildbellError

RETRY_AFTER_SECONDS = 30.0
"""How long to wait when Slack says 429 without saying until when."""
LONGEST_RETRY_SECONDS = 3600.0
"""Nothing leaves for the workspace meanwhile; who has to wait longer is told so once more."""
OK, TOO_MANY = 200, 429
SERVER_ERRORS = 500

_BUSY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_THEIR_FAULT = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)


class SlackFailed(BuildbellError):
    """A call to Slack did not succeed."""


class SlackBusy(SlackFailed):
    """429: nothing was done; ask again after ``retry_after`` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"Slack takes no more of these for {retry_after:g} s.")
        self.retry_after = retry_after


class SlackRefused(SlackFailed):
    """Slack said no and did nothing. ``error`` is its word; ``needed`` the scope that is missing, if it is that.

    ``messages`` are Slack's remarks on blocks and views.
    """

    def __init__(self, error: str, *, needed: str | None = None, messages: tuple[str, ...] = ()) -> None:
        super().__init__(f"Slack refused: {error}" + (f" (the scope {needed} is missing)" if needed else "") + ".")
        self.error = error
        self.needed = needed
        self.messages = messages


class NotInstalled(SlackRefused):
    """Buildbell was removed from the workspace, or never was there: nothing can be said."""

    def __init__(self) -> None:
        super().__init__("not_installed")


class TriggerExpired(SlackRefused):
    """Too late to open a form."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.sentence = "Slack leaves me three seconds to open a form, and this time they had passed. Please try again."


class TriggerUsed(SlackRefused):
    """The form is open already: the press was delivered twice."""


class SlackUnavailable(SlackFailed):
    """5xx, a time-out, a cut connection or an answer that cannot be read: the call may have taken effect."""


def failure_of(response: Any) -> SlackFailed:
    """``response`` is the SDK's, or aiohttp's own when the body could not be read."""
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0))
    data = getattr(response, "data", None)
    error = text_of(data, "error") if isinstance(data, dict) else ""
    if status == TOO_MANY or error in _BUSY:
        return SlackBusy(retry_after(response.headers))
    if status >= SERVER_ERRORS or error in _THEIR_FAULT or not error or not isinstance(data, dict):
        return SlackUnavailable(f"Slack answered with {status}{f' {error}' if error else ''}.")
    remarks = dict_of(data, "response_metadata").get("messages")
    messages = tuple(map(str, remarks)) if isinstance(remarks, list) else ()
    return SlackRefused(error, needed=text_of(data, "needed") or None, messages=messages)


def check_plain_answer(status: int, headers: Mapping[str, str], body: str) -> None:
    """Response URLs and upload addresses answer outside the Web API: by status, and a word in the body."""
    if status == TOO_MANY:
        raise SlackBusy(retry_after(headers))
    if status >= SERVER_ERRORS:
        raise SlackUnavailable(f"Slack answered with {status}.")
    if status != OK or response_url_error(body):
        raise SlackRefused(response_url_error(body) or f"http_{status}")


def retry_after(headers: Mapping[str, str]) -> float:
    text = next((value for key, value in headers.items() if key.lower() == "retry-after"), "")
    try:
        seconds = float(text)
    except ValueError:
        return RETRY_AFTER_SECONDS
    return min(LONGEST_RETRY_SECONDS, max(1.0, seconds)) if math.isfinite(seconds) else RETRY_AFTER_SECONDS


def response_url_error(body: str) -> str | None:
    """A response URL answers ``ok`` or JSON, and an error as JSON or as a bare word (``used_url``, ``expired_url``)."""
    text = body.strip()
    try:
        answer = json.loads(text)
    except ValueError:
        return None if text in ("", "ok") else text[:100]
    if not isinstance(answer, dict) or answer.get("ok"):
        return None
    return text_of(answer, "error") or "unknown_error"


def dict_of(facts: Any, name: str) -> dict[str, Any]:
    found = facts.get(name)
    return found if isinstance(found, dict) else {}


def text_of(facts: Any, name: str) -> str:
    found = facts.get(name)
    return found if isinstance(found, str) else ""
