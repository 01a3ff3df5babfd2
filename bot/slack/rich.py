"""Lines of rich text: the safe way to show what others wrote, because Slack parses nothing in it.

A line is a sequence of our own words and of parts: ``["Started by ", rich.user(user_id), " on ", rich.code(branch)]``.
https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from bot.slack.text import NOTHING, clean, is_user, plain_date, safe_url


class Part(dict[str, Any]):
    """An element of a line of rich text."""


Line: TypeAlias = "str | Part | Sequence[Line] | None"
"""Our own words, a part, nothing, or a sequence of these."""


def flatten(line: Line) -> Iterator[Part]:
    if isinstance(line, Part):
        yield line
    elif isinstance(line, str):
        if line:
            yield words(line)
    else:
        for each in line or ():
            yield from flatten(each)


def join(separator: str, lines: Iterable[Line]) -> list[Line]:
    """Put ``separator`` between the lines that are not empty."""
    parts: list[Line] = []
    for line in [line for line in lines if line]:
        if parts:
            parts.append(separator)
        parts.append(line)
    return parts


def plain(line: Line, *, default: str = "") -> str:
    """Return the words of a line for a notification, not escaped; ``default`` stands for mentions and dates."""
    return "".join(part.get("text", default) for part in flatten(line))


def text(text: str, limit: int, *, italic: bool = False) -> Part:
    """Text from outside, as one line."""
    return words(clean(text, limit) or NOTHING, style="italic" if italic else "")


def bold(text: str, limit: int | None = None) -> Part:
    """Text from outside in bold; words of our own have no ``limit`` and stay as they are."""
    return words(text if limit is None else clean(text, limit) or NOTHING, style="bold")


def code(text: str, limit: int = 100) -> Part:
    """An identifier from outside: a branch, a tag, a command."""
    return words(clean(text, limit) or NOTHING, style="code")


def link(url: str | None, text: str) -> Part:
    """A link with a label of our own; the label alone if the URL is not http(s)."""
    safe = safe_url(url) if url else None
    return Part(type="link", url=safe, text=text) if safe else words(text)


def date(at: datetime) -> Part:
    """A time in the reader's own zone."""
    seconds, fallback = int(at.timestamp()), plain_date(at)
    return Part(type="date", timestamp=seconds, format="{date_short_pretty} at {time}", fallback=fallback)


def user(user: str) -> Part:
    """A mention of a Slack user id; a name from elsewhere as text."""
    return Part(type="user", user_id=user) if is_user(user) else text(user, 60)


def channel(channel_id: str) -> Part:
    return Part(type="channel", channel_id=channel_id)


def words(text: str, style: str = "") -> Part:
    return Part(type="text", text=text, style={style: True}) if style else Part(type="text", text=text)
