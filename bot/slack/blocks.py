"""The pieces messages and views are drawn from. Text from outside enters by `said`, `coded` and `plain`, never raw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    RichTextBlock,
    RichTextElementParts,
    RichTextSectionElement,
    SectionBlock,
)
from slack_sdk.models.blocks.block_elements import InteractiveElement, RichTextElement

from bot.slack.text import NOTHING, Message, is_user, outside, plain_date, safe_url, shorten

Part = RichTextElement
Line = Sequence[Part]

BUTTON_TEXT_LIMIT = 75
SECTION_LIMIT = 3_000
BLOCKS_IN_MESSAGE = 50
BLOCKS_IN_VIEW = 100


def message(text: str, *blocks: Block) -> Message:
    return Message(text, tuple(block.to_dict() for block in blocks[:BLOCKS_IN_MESSAGE]))


# Rich text: the safe way to show what others wrote, for nothing in it is ever parsed.


def words(text: str, *, bold: bool = False, italic: bool = False) -> Part:
    """Our own words, as they are."""
    return RichTextElementParts.Text(text=text, style=_style(bold=bold, italic=italic))


def said(text: str, limit: int, *, bold: bool = False, italic: bool = False) -> Part:
    """What others wrote, as one line."""
    return words(outside(text, limit) or NOTHING, bold=bold, italic=italic)


def coded(text: str, limit: int = 100) -> Part:
    """An identifier of others: a branch, a tag."""
    return RichTextElementParts.Text(text=outside(text, limit) or NOTHING, style=_style(code=True))


def linked(url: str | None, text: str) -> Part:
    """A link with our own label; the label alone when the URL is not http(s)."""
    safe = safe_url(url) if url else None
    return RichTextElementParts.Link(url=safe, text=text) if safe else words(text)


def moment(at: datetime) -> Part:
    """Shown in the reader's own zone."""
    return RichTextElementParts.Date(
        timestamp=int(at.timestamp()), format="{date_short_pretty} at {time}", fallback=plain_date(at)
    )


def person(who: str) -> Part:
    """A Slack user by id; a name from elsewhere as text."""
    return RichTextElementParts.User(user_id=who) if is_user(who) else said(who, 60)


def _style(**kinds: bool) -> RichTextElementParts.TextStyle | None:
    wanted = {kind: True for kind, is_on in kinds.items() if is_on}
    return RichTextElementParts.TextStyle(**wanted) if wanted else None


def lines(*drawn: Line) -> RichTextBlock:
    """One paragraph of several lines; empty ones are left out."""
    parts: list[Part] = []
    for line in filter(None, drawn):
        parts += [words("\n"), *line] if parts else line
    return RichTextBlock(elements=[RichTextSectionElement(elements=parts or [words(NOTHING)])])


def separated(parts: Iterable[Part], by: str = " · ") -> list[Part]:
    joined: list[Part] = []
    for part in parts:
        joined += [words(by), part] if joined else [part]
    return joined


# Mrkdwn, for sentences of ours: what comes from outside is escaped by the caller (bot.slack.text).


def section(text: str) -> SectionBlock:
    """``verbatim``: Slack shall not turn plain ``@here`` or ``#general`` into a mention by itself."""
    return SectionBlock(text=_mrkdwn(text, SECTION_LIMIT))


def plain_section(text: str) -> dict[str, Any]:
    """What `section` draws, by hand: every acknowledgement is one, and the SDK takes a tenth of it to check itself."""
    return {
        "type": "section",
        "text": {"type": "mrkdwn", "text": shorten(text, SECTION_LIMIT) or NOTHING, "verbatim": True},
    }


def context(text: str) -> ContextBlock:
    return ContextBlock(elements=[_mrkdwn(text, SECTION_LIMIT)])


def header(text: str) -> HeaderBlock:
    return HeaderBlock(text=plain(text, 150))


def divider() -> DividerBlock:
    return DividerBlock()


def plain(text: str, limit: int) -> PlainTextObject:
    """Plain text needs no escaping; ``emoji`` is off, or ``fix:x:y`` in a branch would become a picture."""
    return PlainTextObject(text=outside(text, limit) or NOTHING, emoji=False)


def _mrkdwn(text: str, limit: int) -> MarkdownTextObject:
    return MarkdownTextObject(text=shorten(text, limit) or NOTHING, verbatim=True)


# Buttons.


def button(
    action_id: str, text: str, *, value: str, style: str | None = None, label: str | None = None
) -> ButtonElement:
    """``label`` is what a screen reader says instead of the text."""
    return ButtonElement(
        action_id=action_id,
        text=plain(text, BUTTON_TEXT_LIMIT),
        value=value,
        style=style,
        accessibility_label=outside(label, BUTTON_TEXT_LIMIT) if label else None,
    )


def link_button(action_id: str, text: str, *, url: str, label: str | None = None) -> ButtonElement | None:
    """None when the URL is not one a button may open."""
    safe = safe_url(url)
    if safe is None:
        return None
    return ButtonElement(
        action_id=action_id,
        text=plain(text, BUTTON_TEXT_LIMIT),
        url=safe,
        accessibility_label=outside(label, BUTTON_TEXT_LIMIT) if label else None,
    )


def actions(*elements: InteractiveElement | None) -> list[Block]:
    """A row of buttons; no block at all when there is none."""
    drawn: list[Any] = [element for element in elements if element is not None]
    return [ActionsBlock(elements=drawn)] if drawn else []
