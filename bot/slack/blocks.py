"""Blocks of messages and views. Text from outside enters through `text_part`, `code_part` or `plain`, never raw.

https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from bot.slack.text import NOTHING, Message, clean, is_user, plain_date, safe_url, shorten

BUTTON_TEXT_LIMIT = 75
SECTION_LIMIT = 3_000
BLOCKS_IN_MESSAGE = 50
BLOCKS_IN_VIEW = 100


# JSON as Slack takes it, not the SDK's models: their checks took most of the time of a message.


class Block(dict[str, Any]):
    pass


class Button(dict[str, Any]):
    pass


class Part(dict[str, Any]):
    """An element of a line of rich text."""


Line: TypeAlias = "str | Part | Sequence[Line] | None"
"""Rich text: words of our own, parts, nothing, or a sequence of these."""


def message(text: str, *blocks: Block | Sequence[Block] | None) -> Message:
    flat = [each for block in blocks if block for each in ([block] if isinstance(block, Block) else block)]
    return Message(text, tuple(flat[:BLOCKS_IN_MESSAGE]))


# Rich text: the safe way to show what others wrote, because Slack parses nothing in it.


def lines(*rows: Line) -> Block:
    """One paragraph of several lines; empty ones are left out."""
    parts: list[Part] = []
    for row in rows:
        if line := list(flatten(row)):
            parts += [_text("\n"), *line] if parts else line
    section = {"type": "rich_text_section", "elements": parts or [_text(NOTHING)]}
    return Block(type="rich_text", elements=[section])


def flatten(line: Line) -> Iterator[Part]:
    if isinstance(line, Part):
        yield line
    elif isinstance(line, str):
        if line:
            yield _text(line)
    else:
        for each in line or ():
            yield from flatten(each)


def joined(separator: str, lines: Iterable[Line]) -> list[Line]:
    """Put ``separator`` between the lines that are not empty."""
    parts: list[Line] = []
    for line in [line for line in lines if line]:
        if parts:
            parts.append(separator)
        parts.append(line)
    return parts


def plain_text(line: Line, *, default: str = "") -> str:
    """Return the words of a line for a notification, not escaped; ``default`` stands for mentions and dates."""
    return "".join(part.get("text", default) for part in flatten(line))


def text_part(text: str, limit: int, *, italic: bool = False) -> Part:
    """Text from outside, as one line."""
    return _text(clean(text, limit) or NOTHING, style="italic" if italic else "")


def bold(text: str, limit: int | None = None) -> Part:
    """Text from outside in bold; words of our own have no ``limit`` and stay as they are."""
    return _text(text if limit is None else clean(text, limit) or NOTHING, style="bold")


def code_part(text: str, limit: int = 100) -> Part:
    """An identifier from outside: a branch, a tag, a command."""
    return _text(clean(text, limit) or NOTHING, style="code")


def link_part(url: str | None, text: str) -> Part:
    """A link with a label of our own; the label alone if the URL is not http(s)."""
    safe = safe_url(url) if url else None
    return Part(type="link", url=safe, text=text) if safe else _text(text)


def date_part(at: datetime) -> Part:
    """A time in the reader's own zone."""
    seconds, fallback = int(at.timestamp()), plain_date(at)
    return Part(type="date", timestamp=seconds, format="{date_short_pretty} at {time}", fallback=fallback)


def user_part(user: str) -> Part:
    """A mention of a Slack user id; a name from elsewhere as text."""
    return Part(type="user", user_id=user) if is_user(user) else text_part(user, 60)


def channel_part(channel_id: str) -> Part:
    return Part(type="channel", channel_id=channel_id)


def _text(text: str, style: str = "") -> Part:
    return Part(type="text", text=text, style={style: True}) if style else Part(type="text", text=text)


def preformatted(text: str) -> Block:
    return Block(type="rich_text", elements=[{"type": "rich_text_preformatted", "elements": [_text(text)]}])


# Mrkdwn, for our own sentences: the caller escapes what comes from outside (bot.slack.text).


def section(text: str) -> Block:
    return Block(type="section", text=_mrkdwn(text))


def context(text: str) -> Block:
    return Block(type="context", elements=[_mrkdwn(text)])


def _mrkdwn(text: str) -> dict[str, Any]:
    """``verbatim`` keeps Slack from turning plain ``@here`` or ``#general`` into a mention."""
    return {"type": "mrkdwn", "text": shorten(text, SECTION_LIMIT) or NOTHING, "verbatim": True}


def header(text: str) -> Block:
    return Block(type="header", text=plain(text, 150))


def divider() -> Block:
    return Block(type="divider")


def image(file_id: str, *, alt_text: str) -> Block:
    return Block(type="image", alt_text=alt_text, slack_file={"id": file_id})


def plain(text: str, limit: int) -> dict[str, Any]:
    """Plain text needs no escaping; with ``emoji`` on, ``fix:x:y`` in a branch would become a picture."""
    return {"type": "plain_text", "text": clean(text, limit) or NOTHING, "emoji": False}


# Buttons.


def button(action_id: str, text: str, *, value: str, style: str | None = None, label: str | None = None) -> Button:
    """``label`` is what a screen reader says instead of the text."""
    look = {"style": style} if style else {}
    return _button(action_id, text, label, value=value, **look)


def link_button(action_id: str, text: str, *, url: str, label: str) -> Button | None:
    """None if a button may not open the URL."""
    safe = safe_url(url)
    return _button(action_id, text, label, url=safe) if safe else None


def _button(action_id: str, text: str, label: str | None, **more: str) -> Button:
    if label:
        more["accessibility_label"] = clean(label, BUTTON_TEXT_LIMIT)
    return Button(type="button", action_id=action_id, text=plain(text, BUTTON_TEXT_LIMIT), **more)


def actions(*elements: Button | None) -> list[Block]:
    """A row of buttons; no block without any."""
    present = [element for element in elements if element is not None]
    return [Block(type="actions", elements=present)] if present else []
