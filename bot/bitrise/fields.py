"""One field of Bitrise's JSON at a time: whatever stands there, the answer has the right type or is None.

The reference declares every field as never null, and every field can be null, empty, missing or of another type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

LARGEST = 2**53
"""Beyond it a JSON number is no longer exact, and beyond 2**63 no database takes it."""
YEARS = range(1971, 9999)
"""``0001-01-01T00:00:00Z`` is how "never" is written in some places, ``9999-12-31`` in others."""
LONGEST_NUMBER = 20


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def clean(text: str) -> str:
    """What every database and every socket takes: no NUL, no half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def text(value: object) -> str | None:
    """Blank counts as missing: Bitrise sends null, an empty string or nothing for the same thing."""
    return clean(value) if isinstance(value, str) and value.strip() else None


def whole(value: object) -> int | None:
    """A number without a fraction; also one in quotes, as some fields are untyped in the reference."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdecimal() and len(value) < LONGEST_NUMBER else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and abs(value) <= LARGEST else None


def flag(value: object) -> bool:
    return value is True


def moment(value: object) -> datetime | None:
    """An RFC 3339 time, in UTC; without a zone it is taken for UTC."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at.year in YEARS else None


def plain(value: object) -> str:
    """The value of an environment variable: a string, or what was a number or a truth value in somebody's YAML."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, float) or whole(value) is not None else ""
