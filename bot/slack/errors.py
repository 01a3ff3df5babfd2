"""Errors of calls to Slack, read from a response. `bot.slack.refusals` lists how Buildbell reacts to each.

https://docs.slack.dev/apis/web-api#evaluating_responses,
https://docs.slack.dev/reference/methods/chat.postMessage#errors
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from bot.errors import BuildbellError
from bot.slack.refusals import Remedy, remedy_of

RETRY_AFTER_SECONDS = 30.0
"""The wait after a 429 without a Retry-After header."""
LONGEST_RETRY_SECONDS = 3600.0
"""Upper limit of a wait, during which nothing is sent to the workspace; a longer one ends in another 429."""
OK, TOO_MANY = 200, 429
SERVER_ERRORS = 500

_BUSY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})


class SlackFailed(BuildbellError):
    """A call to Slack did not succeed."""


class SlackBusy(SlackFailed):
    """429: nothing was done. Retry after ``retry_after`` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"Slack takes no more of these for {retry_after:g} s.")
        self.retry_after = retry_after


class SlackRefused(SlackFailed):
    """Slack refused the call and did nothing.

    ``error`` is its error code, ``needed`` the missing scope, ``messages`` its remarks on blocks and views.
    """

    def __init__(self, error: str, *, needed: str | None = None, messages: tuple[str, ...] = ()) -> None:
        super().__init__(f"Slack refused: {error}" + (f" (the scope {needed} is missing)" if needed else "") + ".")
        self.error = error
        self.needed = needed
        self.messages = messages


class NotInstalled(SlackRefused):
    """Buildbell is not installed in the workspace: a call needs its token."""

    def __init__(self) -> None:
        super().__init__("not_installed")


class TriggerExpired(SlackRefused):
    """The trigger id expired before the view was opened."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.sentence = "The form took too long to open (Slack allows 3 seconds). Try again."


class TriggerUsed(SlackRefused):
    """The trigger id was used before: the interaction was delivered twice and the view is open."""


class SlackUnavailable(SlackFailed):
    """5xx, a timeout, a lost connection or an unreadable response: the call may have taken effect."""


def error_from(response: Any) -> SlackFailed:
    """``response`` is the SDK's, or aiohttp's own when the body could not be read."""
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0))
    data = getattr(response, "data", None)
    error = text_of(data, "error") if isinstance(data, dict) else ""
    if status == TOO_MANY or error in _BUSY:
        return SlackBusy(retry_after(response.headers))
    if status >= SERVER_ERRORS or remedy_of(error) is Remedy.WAIT or not error or not isinstance(data, dict):
        return SlackUnavailable(f"Slack answered with {status}{f' {error}' if error else ''}.")
    remarks = dict_of(data, "response_metadata").get("messages")
    messages = tuple(map(str, remarks)) if isinstance(remarks, list) else ()
    return SlackRefused(error, needed=text_of(data, "needed") or None, messages=messages)


def check_plain_response(status: int, headers: Mapping[str, str], body: str) -> None:
    """Raise the error of a response URL or upload URL, which respond outside the Web API."""
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
    """Return the error in the body of a response URL: JSON or a bare word (``used_url``, ``expired_url``)."""
    text = body.strip()
    try:
        answer = json.loads(text)
    except ValueError:
        return None if text in ("", "ok") else text[:100]
    if not isinstance(answer, dict) or answer.get("ok"):
        return None
    return text_of(answer, "error") or "unknown_error"


def dict_of(data: Any, name: str) -> dict[str, Any]:
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def text_of(data: Any, name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""
