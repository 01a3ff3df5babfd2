"""Blocks of messages and views. Text from outside enters through `plain` or `bot.slack.rich`, never raw.

https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.slack import rich
from bot.slack.text import NOTHING, Message, clean, safe_url, shorten

BUTTON_TEXT_LIMIT = 75
SECTION_LIMIT = 3_000
BLOCKS_IN_MESSAGE = 50
BLOCKS_IN_VIEW = 100


class Block(dict[str, Any]):
    """JSON instead of the SDK's model, whose checks took most of the time of a message."""


class Button(dict[str, Any]):
    pass


def message(text: str, *blocks: Block | Sequence[Block] | None) -> Message:
    flat = [each for block in blocks if block for each in ([block] if isinstance(block, Block) else block)]
    return Message(text, tuple(flat[:BLOCKS_IN_MESSAGE]))


def lines(*rows: rich.Line) -> Block:
    """One paragraph of several lines; empty ones are left out."""
    parts: list[rich.Part] = []
    for row in rows:
        if line := list(rich.flatten(row)):
            parts += [rich.words("\n"), *line] if parts else line
    section = {"type": "rich_text_section", "elements": parts or [rich.words(NOTHING)]}
    return Block(type="rich_text", elements=[section])


def preformatted(text: str) -> Block:
    return Block(type="rich_text", elements=[{"type": "rich_text_preformatted", "elements": [rich.words(text)]}])


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
