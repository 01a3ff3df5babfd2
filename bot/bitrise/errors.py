"""What an answer that is no success means: whether anything was done, whether to ask again, what to tell."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from bot.bitrise.quoting import Quoting, as_sentence
from bot.errors import (
    BitriseBusy,
    BitriseError,
    BitriseNotFound,
    BitriseRefused,
    BitriseUnauthorized,
    BitriseUnavailable,
)

T = TypeVar("T")

RETRY_AFTER_SECONDS = 30.0
LONGEST_RETRY_SECONDS = 600.0
HANDLED_TOO_LATE = frozenset({408, 425})
PASSING = frozenset({502, 503, 504})
"""What stands before Bitrise could not reach it; a moment later it may."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is the JSON value, None where there is none that can be read: HTML, cut short, too long."""

    status: int
    body: object = field(default=None, repr=False)
    is_empty: bool = False
    retry_after: str | None = None

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def parse(raw: bytes) -> object:
    """The JSON value in ``raw``, or its words when it is a line of plain text, or None."""
    try:
        value: object = json.loads(raw)
    except (ValueError, RecursionError):
        words = raw.decode("utf-8", "replace").strip()
        return words if words and not words.startswith(("<", "{", "[", '"')) else None
    return value


def failure_of(answer: Answer, quoting: Quoting, *, now: datetime) -> BitriseError | None:
    """None for a success."""
    status = answer.status
    if answer.is_success:
        return None
    if status == 429:
        seconds = retry_seconds(answer.retry_after, now=now)
        return BitriseBusy(f"Bitrise asks for a pause of {seconds:.0f} s.", retry_after=seconds)
    said = quoting.said(answer.body)
    if 400 <= status < 500 and status not in HANDLED_TOO_LATE:
        return _refusal(status, said)
    if 300 <= status < 400:
        return BitriseUnavailable(
            f"Bitrise answered with a redirect ({status}); the token is not taken there.", status=status
        )
    trouble = f"Bitrise has trouble ({status})"
    return BitriseUnavailable(as_sentence(f"{trouble}: {said}" if said else trouble), status=status)


def _refusal(status: int, said: str | None) -> BitriseError:
    """In Bitrise's own words, without a full stop: there may be more to say after it."""
    more = f": {said}" if said else ""
    if status == 401:
        return BitriseUnauthorized(f"Bitrise does not accept the token{more}", status=status)
    if status == 403:
        return BitriseNotFound(f"Bitrise does not allow it{more}", status=status)
    if status == 404:
        return BitriseNotFound(f"Bitrise cannot find it{more}", status=status)
    return refused(said, status)


def refused(said: str | None, status: int) -> BitriseRefused:
    return BitriseRefused(said or f"Bitrise refused without saying why ({status})", status=status)


def unreadable(status: int = 200) -> BitriseUnavailable:
    return BitriseUnavailable(f"Bitrise's answer cannot be read ({status}).", status=status)


def needed(value: T | None, *, status: int = 200) -> T:
    """What an answer is useless without. Raises `BitriseUnavailable`."""
    if value is None:
        raise unreadable(status)
    return value


def retry_seconds(header: str | None, *, now: datetime) -> float:
    """``Retry-After``, in seconds or as a date; half a minute when Bitrise does not say, never less than a second."""
    seconds = _seconds(header) if header else None
    if seconds is None and header:
        seconds = _seconds_until(header, now)
    return RETRY_AFTER_SECONDS if seconds is None else min(LONGEST_RETRY_SECONDS, max(1.0, seconds))


def _seconds(header: str) -> float | None:
    try:
        seconds = float(header)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def _seconds_until(header: str, now: datetime) -> float | None:
    try:
        at = parsedate_to_datetime(header)
        return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
