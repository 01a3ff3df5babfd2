"""What a failed answer of Bitrise means: whose fault, whether something was done, what to tell."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bot.errors import (
    BitriseBusy,
    BitriseError,
    BitriseNotFound,
    BitriseRefused,
    BitriseUnauthorized,
    BitriseUnavailable,
)

QUOTED_CHARACTERS = 300
RETRY_AFTER_SECONDS = 30.0
LONGEST_RETRY_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is the parsed JSON, None when it is none."""

    status: int
    body: Any
    retry_after: str | None
    has_body: bool


def failure_of(answer: Answer, token: str) -> BitriseError | None:
    """None for a success. The sentence quotes Bitrise, never the token."""
    status = answer.status
    if 200 <= status < 300:
        if isinstance(answer.body, Mapping) or not answer.has_body:
            return None
        return BitriseUnavailable("Bitrise's answer cannot be read.", status=status)
    words = (said(answer.body) or "").replace(token, "…") if token else said(answer.body) or ""
    words = words or f"Bitrise answered with {status}."
    if status == 401:
        return BitriseUnauthorized(words, status=status)
    if status in (403, 404):
        return BitriseNotFound(words, status=status)
    if status == 429:
        return BitriseBusy("Bitrise asks for a pause.", retry_after=retry_seconds(answer.retry_after))
    if 400 <= status < 500:
        return BitriseRefused(words, status=status)
    if 300 <= status < 400:
        return BitriseUnavailable(f"Bitrise answered with a redirect ({status}), which is not followed.", status=status)
    return BitriseUnavailable(f"Bitrise has trouble ({status}).", status=status)


def said(body: Any) -> str | None:
    """Bitrise's own words, in the order its own command line reads them: message, error_msg, error, errors."""
    if not isinstance(body, Mapping):
        return None
    for name in ("message", "error_msg", "error"):
        if isinstance(body.get(name), str) and body[name].strip():
            return one_line(body[name])
    errors = body.get("errors")
    if isinstance(errors, Mapping):
        errors = [f"{name}: {text}" for name, texts in errors.items() for text in _listed(texts)]
    if isinstance(errors, list) and errors:
        return one_line("; ".join(str(error) for error in errors))
    return None


def _listed(texts: Any) -> list[Any]:
    return texts if isinstance(texts, list) else [texts]


def one_line(text: str) -> str:
    flat = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    flat = " ".join(flat.split())
    return flat if len(flat) <= QUOTED_CHARACTERS else f"{flat[: QUOTED_CHARACTERS - 1]}…"


def retry_seconds(text: str | None) -> float:
    """``Retry-After`` in seconds or as a date; half a minute when Bitrise does not say."""
    try:
        seconds = float(text or "")
    except ValueError:
        seconds = _until(text or "")
    return RETRY_AFTER_SECONDS if math.isnan(seconds) else min(LONGEST_RETRY_SECONDS, max(1.0, seconds))


def _until(text: str) -> float:
    try:
        return (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return RETRY_AFTER_SECONDS
