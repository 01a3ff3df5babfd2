"""Blocks of messages and views. Text from outside enters through `text_part`, `code_part` or `plain`, never raw.

https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from slack_sdk.models import blocks as sdk
from slack_sdk.models.blocks.basic_components import SlackFile
from slack_sdk.models.blocks.block_elements import InteractiveElement, RichTextElement

from bot.slack.text import NOTHING, Message, clean, is_user, plain_date, safe_url, shorten

Block = sdk.Block
Button = sdk.ButtonElement
Part = RichTextElement
Line: TypeAlias = "str | Part | Sequence[Line] | None"
"""Rich text: words of our own, parts, nothing, or a sequence of these."""

BUTTON_TEXT_LIMIT = 75
SECTION_LIMIT = 3_000
BLOCKS_IN_MESSAGE = 50
BLOCKS_IN_VIEW = 100


def message(text: str, *blocks: Block | Sequence[Block] | None) -> Message:
    flat = [each for block in blocks if block for each in ([block] if isinstance(block, Block) else block)]
    return Message(text, tuple(block.to_dict() for block in flat[:BLOCKS_IN_MESSAGE]))


# Rich text: the safe way to show what others wrote, because Slack parses nothing in it.


def lines(*rows: Line) -> Block:
    """One paragraph of several lines; empty ones are left out."""
    parts: list[Part] = []
    for row in rows:
        if line := list(flatten(row)):
            parts += [_text("\n"), *line] if parts else line
    return sdk.RichTextBlock(elements=[sdk.RichTextSectionElement(elements=parts or [_text(NOTHING)])])


def flatten(line: Line) -> Iterator[Part]:
    if isinstance(line, str):
        if line:
            yield _text(line)
    elif isinstance(line, RichTextElement):
        yield line
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
    return "".join(getattr(part, "text", None) or default for part in flatten(line))


def text_part(text: str, limit: int, *, italic: bool = False) -> Part:
    """Text from outside, as one line."""
    return _text(clean(text, limit) or NOTHING, italic=italic)


def bold(text: str, limit: int | None = None) -> Part:
    """Text from outside in bold; words of our own have no ``limit`` and stay as they are."""
    return _text(text if limit is None else clean(text, limit) or NOTHING, bold=True)


def code_part(text: str, limit: int = 100) -> Part:
    """An identifier from outside: a branch, a tag, a command."""
    return _text(clean(text, limit) or NOTHING, code=True)


def link_part(url: str | None, text: str) -> Part:
    """A link with a label of our own; the label alone if the URL is not http(s)."""
    safe = safe_url(url) if url else None
    return sdk.RichTextElementParts.Link(url=safe, text=text) if safe else _text(text)


def date_part(at: datetime) -> Part:
    """A time in the reader's own zone."""
    return sdk.RichTextElementParts.Date(
        timestamp=int(at.timestamp()), format="{date_short_pretty} at {time}", fallback=plain_date(at)
    )


def user_part(user: str) -> Part:
    """A mention of a Slack user id; a name from elsewhere as text."""
    return sdk.RichTextElementParts.User(user_id=user) if is_user(user) else text_part(user, 60)


def channel_part(channel_id: str) -> Part:
    return sdk.RichTextElementParts.Channel(channel_id=channel_id)


def _text(text: str, **style: bool) -> Part:
    on = {name: True for name, is_on in style.items() if is_on}
    return sdk.RichTextElementParts.Text(text=text, style=sdk.RichTextElementParts.TextStyle(**on) if on else None)


def preformatted(text: str) -> Block:
    element = sdk.RichTextPreformattedElement(elements=[sdk.RichTextElementParts.Text(text=text)])
    return sdk.RichTextBlock(elements=[element])


# Mrkdwn, for our own sentences: the caller escapes what comes from outside (bot.slack.text).


def section(text: str) -> Block:
    """``verbatim`` keeps Slack from turning plain ``@here`` or ``#general`` into a mention."""
    return sdk.SectionBlock(text=_mrkdwn(text))


def plain_section(text: str) -> dict[str, Any]:
    """The same as a dict: every acknowledgement is one, and the SDK's checks take a tenth of it."""
    return {
        "type": "section",
        "text": {"type": "mrkdwn", "text": shorten(text, SECTION_LIMIT) or NOTHING, "verbatim": True},
    }


def context(text: str) -> Block:
    return sdk.ContextBlock(elements=[_mrkdwn(text)])


def _mrkdwn(text: str) -> sdk.MarkdownTextObject:
    return sdk.MarkdownTextObject(text=shorten(text, SECTION_LIMIT) or NOTHING, verbatim=True)


def header(text: str) -> Block:
    return sdk.HeaderBlock(text=plain(text, 150))


def divider() -> Block:
    return sdk.DividerBlock()


def image(file_id: str, *, alt_text: str) -> Block:
    return sdk.ImageBlock(alt_text=alt_text, slack_file=SlackFile(id=file_id))


def plain(text: str, limit: int) -> sdk.PlainTextObject:
    """Plain text needs no escaping; with ``emoji`` on, ``fix:x:y`` in a branch would become a picture."""
    return sdk.PlainTextObject(text=clean(text, limit) or NOTHING, emoji=False)


# Buttons.


def button(action_id: str, text: str, *, value: str, style: str | None = None, label: str | None = None) -> Button:
    """``label`` is what a screen reader says instead of the text."""
    return Button(
        action_id=action_id,
        text=plain(text, BUTTON_TEXT_LIMIT),
        value=value,
        style=style,
        accessibility_label=clean(label, BUTTON_TEXT_LIMIT) if label else None,
    )


def link_button(action_id: str, text: str, *, url: str, label: str) -> Button | None:
    """None if a button may not open the URL."""
    safe = safe_url(url)
    if safe is None:
        return None
    return Button(
        action_id=action_id,
        text=plain(text, BUTTON_TEXT_LIMIT),
        url=safe,
        accessibility_label=clean(label, BUTTON_TEXT_LIMIT),
    )


def actions(*elements: InteractiveElement | None) -> list[Block]:
    """A row of buttons; no block without any."""
    present: list[Any] = [element for element in elements if element is not None]
    return [sdk.ActionsBlock(elements=present)] if present else []
