"""Turn failed responses into errors: whether anything was done, whether to retry, and Bitrise's own words, redacted."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

from bot.bitrise.models import ApiResponse
from bot.bitrise.parsing import as_mapping, as_text, clean
from bot.errors import (
    BitriseBusy,
    BitriseError,
    BitriseNotFound,
    BitriseRefused,
    BitriseUnauthorized,
    BitriseUnavailable,
)
from bot.logs import SECRETS

T = TypeVar("T")

DEFAULT_RETRY_SECONDS = 30.0
MAX_RETRY_SECONDS = 600.0
MAY_BE_HANDLED = frozenset({408, 425})
"""Client errors that say nothing about whether Bitrise did it."""
MAX_CHARACTERS = 300
MAX_DEPTH = 4
HIDDEN = "…"
MESSAGE_FIELDS = ("message", "error_msg", "error", "errors")
"""In the order in which Bitrise's own command line reads them. https://github.com/bitrise-io/bitrise-cli"""
STATUS_PHRASES = frozenset(status.phrase.casefold() for status in HTTPStatus)


def error_for(response: ApiResponse, redactor: ErrorRedactor, *, now: datetime) -> BitriseError:
    """Return the error of a response that isn't a success. A refusal has no full stop, so that advice can follow."""
    status = response.status
    if status == 429:
        seconds = retry_after_seconds(response.retry_after, now=now)
        return BitriseBusy(f"Bitrise is rate limiting Buildbell for {seconds:.0f} s.", retry_after=seconds)
    if 300 <= status < 400:
        redirected = f"Bitrise redirected the request (HTTP {status}), and Buildbell doesn't follow."
        return BitriseUnavailable(redirected, status=status)
    message = redactor.message(response.body)
    details = f": {message}" if message else ""
    if not 400 <= status < 500 or status in MAY_BE_HANDLED:
        trouble = f"Bitrise returned HTTP {status}{details}"
        return BitriseUnavailable(trouble if trouble.endswith((".", "!", "?", "…")) else f"{trouble}.", status=status)
    if status == 401:
        return BitriseUnauthorized(f"Bitrise rejected the token (HTTP 401){details}", status=status)
    if status == 403:
        return BitriseNotFound(f"Bitrise denied access (HTTP 403){details}", status=status)
    if status == 404:
        return BitriseNotFound(
            f"Not found in Bitrise (HTTP 404){details or ', or the token has no access'}", status=status
        )
    return refusal(message, status)


def refusal(message: str | None, status: int) -> BitriseRefused:
    return BitriseRefused(message or f"Bitrise refused without a reason (HTTP {status})", status=status)


def is_error_body(body: object) -> bool:
    """Whether a body reports an error, also under the status of a success, and holds nothing else."""
    fields = as_mapping(body)
    others = {name for name, value in fields.items() if value is not None} - {*MESSAGE_FIELDS, "status"}
    if fields.get("status") == "error":
        return "id" not in others  # a pipeline has a status too
    return not others and fields.get("status") is None and _message(fields) is not None


def unreadable(status: int = 200) -> BitriseUnavailable:
    return BitriseUnavailable(f"Bitrise sent an unreadable response (HTTP {status}).", status=status)


def require(value: T | None, *, status: int = 200) -> T:
    """Return a parsed value. Raises `BitriseUnavailable` if the response held none."""
    if value is None:
        raise unreadable(status)
    return value


def retry_after_seconds(header: str | None, *, now: datetime) -> float:
    """Read ``Retry-After``, in seconds or as a date, and keep it between 1 second and 10 minutes."""
    try:
        seconds = float(header or "nan")
    except ValueError:
        seconds = _seconds_until(header or "", now)
    return min(MAX_RETRY_SECONDS, max(1.0, seconds)) if math.isfinite(seconds) else DEFAULT_RETRY_SECONDS


def _seconds_until(header: str, now: datetime) -> float:
    try:
        at = parsedate_to_datetime(header)
        return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return math.nan


class ErrorRedactor:
    """Bitrise's error text, fit to show: one line, short, without the token and without ``values``."""

    def __init__(self, token: str, values: Sequence[str] = ()) -> None:
        spellings = {spelling for value in values for spelling in _spellings(value)}
        # A value may be as short as "1", so it is hidden only where it stands alone.
        patterns = [rf"(?<!\w){re.escape(each)}(?!\w)" for each in sorted(spellings, key=len, reverse=True)]
        self._hidden = re.compile("|".join([re.escape(token), *patterns])) if token else None

    def message(self, body: object) -> str | None:
        """Return the message of an error body in any of its known forms, or None if it only repeats the status."""
        text = _message(body)
        redacted = self.redact(text) if text else ""
        return redacted if redacted.strip(" .!").casefold() not in STATUS_PHRASES | {""} else None

    def redact(self, text: str) -> str:
        # Twice: a secret may be broken over lines, and become one only when they are joined.
        return shorten(self._hide(one_line(self._hide(clean(text)))))

    def _hide(self, text: str) -> str:
        return SECRETS.sub(HIDDEN, self._hidden.sub(HIDDEN, text) if self._hidden else text)


def _message(body: object) -> str | None:
    if isinstance(body, str):
        return as_text(body)
    fields = as_mapping(body)
    return next((text for name in MESSAGE_FIELDS if (text := "; ".join(_texts(fields.get(name), MAX_DEPTH)))), None)


def _texts(value: object, depth: int) -> Iterator[str]:
    """``errors`` may be a list of strings or an object of lists, and ``error`` may be an object itself."""
    if isinstance(value, str) and value.strip():
        yield value.strip()
    elif isinstance(value, list) and depth:
        for item in value:
            yield from _texts(item, depth - 1)
    elif isinstance(value, dict) and depth:
        if message := _message(value):
            yield message
            return
        for name, inner in value.items():
            yield from (text if name == "base" else f"{name}: {text}" for text in _texts(inner, depth - 1))


def one_line(text: str) -> str:
    """Remove control characters, line breaks and marks that change the writing direction."""
    return " ".join("".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text).split())


def shorten(text: str, characters: int = MAX_CHARACTERS) -> str:
    return text if len(text) <= characters else f"{text[: characters - 1]}…"


def _spellings(value: str) -> set[str]:
    """A value as it is, on one line, and inside quotation marks. One without a letter or digit hides nothing."""
    if not any(char.isalnum() for char in value):
        return set()
    ascii_json, utf8_json = json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
    return {clean(each) for each in (value, one_line(value), value.strip(), ascii_json, utf8_json, repr(value)[1:-1])}
