"""Escape and shorten text for Slack: text from outside must not mention, link, break a line or overflow.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

MESSAGE_TEXT_LIMIT = 3_900
"""chat.update refuses a text of more than 4,000 characters (`msg_too_long`)."""

ELLIPSIS = "…"
DASH = "\u2013"
NOTHING = DASH
URL_LIMIT = 3_000
LONGEST_GRAPHEME = 32
"""Code points of one visible character; more accents are nobody's name."""
LONGEST_INPUT = 4_000
"""The rest of a longer text is ignored; no limit here is higher."""

_USER = re.compile(r"[UW][A-Z0-9]{1,20}")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{1,20}")
_OPEN_TOKEN = re.compile(r"(?:&[a-z]{0,3}|<[^>]*)$")
_CLOSING = re.compile(r"(?<=\S)[*_~](?!\w)")
_ALIKE = {"*": "\u2217", "_": "\u02cd", "~": "\u223c"}
_JOINER = "\u200d"
_EXTENDS = re.compile("[\u200d\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")  # joiner, skin tones, tags of regions
_FLAGS = "".join(map(chr, range(0x1F1E6, 0x1F200)))  # two of these letters are a flag
_URL_ESCAPES = str.maketrans({"|": "%7C", "<": "%3C", ">": "%3E", '"': "%22", "`": "%60", "\\": "%5C"})
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
_RIGHT_TO_LEFT = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
_RUN = re.compile(f"{_RIGHT_TO_LEFT}+(?:['\u2019\" \u200c\u200d-]+{_RIGHT_TO_LEFT}+)*")
"""Words of a right-to-left script, without numbers beside them."""
_DIRECTION = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Message:
    """``text`` is the notification and all a screen reader reads; ``blocks`` are optional."""

    text: str
    blocks: tuple[dict[str, Any], ...] = ()

    def __add__(self, other: Message) -> Message:
        """Put the other message below this one."""
        return Message(f"{self.text} {other.text}" if other.text else self.text, self.blocks + other.blocks)

    def to_payload(self) -> dict[str, Any]:
        """Without blocks the key is left out, which on an update removes earlier blocks."""
        payload: dict[str, Any] = {"text": shorten(self.text, MESSAGE_TEXT_LIMIT) or NOTHING}
        if self.blocks:
            payload["blocks"] = list(self.blocks)
        return payload

    @property
    def digest(self) -> str:
        """A hash that tells whether an update would change anything."""
        return hashlib.sha256(json.dumps(self.to_payload(), sort_keys=True).encode()).hexdigest()[:32]


def escape(text: str) -> str:
    """Escape Slack's control characters, so that ``<!channel>`` in a commit message pings nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def one_line(text: str) -> str:
    """Remove line breaks, control characters and direction marks; runs of spaces become one."""
    if text.isascii() and text.isprintable():  # the fast path of most text
        return " ".join(text.split())
    return " ".join("".join(" " if _breaks(char) else char for char in text).split())


def _breaks(char: str) -> bool:
    return char in _DIRECTION or unicodedata.category(char) in {"Cc", "Zl", "Zp", "Cs"}


def isolate(text: str) -> str:
    """Isolate text from outside that begins from the right, so that numbers beside it stay in place.

    Of other text, and of a sentence with isolated names, isolate only the words that are left.
    https://www.w3.org/International/questions/qa-bidi-unicode-controls
    """
    if text.isascii() or not _RUN.search(text):
        return text
    first = next((kind for kind in map(unicodedata.bidirectional, text) if kind in ("L", "R", "AL", "FSI")), "L")
    return f"{_ISOLATE}{text}{_END_ISOLATE}" if first in ("R", "AL") else isolate_words(text)


def isolate_words(text: str) -> str:
    """Isolate the right-to-left words of a sentence of ours that are not isolated yet."""
    if text.isascii() or not _RUN.search(text):
        return text
    parts, depth = [], 0
    for part in re.split(f"([{_ISOLATE}{_END_ISOLATE}])", text):
        depth += (part == _ISOLATE) - (part == _END_ISOLATE)
        parts.append(part if depth else _RUN.sub(lambda run: f"{_ISOLATE}{run[0]}{_END_ISOLATE}", part))
    return "".join(parts)


def flatten(text: str) -> str:
    """Make a text to show one line as `one_line` does, but keep isolates that are complete."""
    if text.isascii():
        return one_line(text)
    kept = _paired_isolates(text) if _ISOLATE in text else set()
    flat = "".join(" " if at not in kept and _breaks(char) else char for at, char in enumerate(text))
    return " ".join(flat.split())


def _paired_isolates(text: str) -> set[int]:
    """Return the places of isolates that end, and of their ends."""
    opened: list[int] = []
    kept: set[int] = set()
    for at, char in enumerate(text):
        if char == _ISOLATE:
            opened.append(at)
        elif char == _END_ISOLATE and opened:
            kept |= {opened.pop(), at}
    return kept


def first_line(text: str) -> str:
    """Return the first line that isn't empty, as in a commit's title."""
    return next((line for line in map(one_line, text[:LONGEST_INPUT].splitlines()) if line), "")


def capital(label: str) -> str:
    """Capitalize the first letter and keep the rest."""
    return label[:1].upper() + label[1:]


def length(text: str) -> int:
    """Count UTF-16 units, as Slack does: an emoji may be two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def width(text: str) -> int:
    """Count the characters that are seen, as a line of fixed width needs it."""
    return len(text) - text.count(_ISOLATE) - text.count(_END_ISOLATE)


def shorten(text: str, limit: int) -> str:
    """Cut to ``limit`` characters, the last one ``…``, never inside an escape or a mention."""
    if length(text) <= limit:
        return text
    return _close(limit, lambda room: _OPEN_TOKEN.sub("", _cut(text, room - 1)).rstrip() + ELLIPSIS)


def _close(limit: int, cut: Callable[[int], str]) -> str:
    """Cut to ``limit`` characters, among them the ends of isolates that the cut left open."""
    left_open = 0
    while True:
        text = cut(limit - left_open)
        missing = text.count(_ISOLATE) - text.count(_END_ISOLATE)
        if missing <= left_open:
            return text + _END_ISOLATE * missing
        left_open = missing


def _cut(text: str, room: int) -> str:
    """Cut between graphemes: a family emoji, or a letter with its accents, stays whole."""
    end = max(0, room)
    while length(text[:end]) > room and end:
        end -= 1
    border = next((at for at in range(end, max(-1, end - LONGEST_GRAPHEME), -1) if not _is_inside(text, at)), end)
    return text[:border]


def _is_inside(text: str, at: int) -> bool:
    """Whether the position is inside a grapheme. https://unicode.org/reports/tr29"""
    if not 0 < at < len(text):
        return False
    if _EXTENDS.match(text, at) or unicodedata.category(text[at]).startswith("M") or text[at - 1] == _JOINER:
        return True
    return text[at] in _FLAGS and (at - len(text[:at].rstrip(_FLAGS))) % 2 == 1


def clean(text: str, limit: int) -> str:
    """One line of at most ``limit`` characters, for rich text and plain text; not escaped."""
    flat = isolate(flatten(text[:LONGEST_INPUT]))
    return flat if length(flat) <= limit else _close(limit, lambda room: _cut(flat, room - 1).rstrip() + ELLIPSIS)


def quoted(text: str, limit: int = 300) -> str:
    """One line of at most ``limit`` characters, escaped for mrkdwn."""
    return shorten(escape(isolate(flatten(text[:LONGEST_INPUT]))), limit)


def unmarked(text: str, limit: int = 300) -> str:
    """The same without formatting: mrkdwn has no escape for ``*_~``, so a mark that could close is replaced by a
    lookalike."""
    return _CLOSING.sub(lambda mark: _ALIKE[mark[0]], quoted(text.replace("`", "'"), limit))


def code(text: str, limit: int = 200) -> str:
    """An identifier as inline code. Mrkdwn has no escape for a backtick, so it becomes an apostrophe."""
    return f"`{quoted(text.replace('`', chr(39)), limit) or NOTHING}`"


def plural(count: int, noun: str) -> str:
    """``1 build``, ``1,850 builds``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def period(days: int) -> str:
    """``30 days``, ``24 hours``."""
    return f"{days} days" if days > 1 else "24 hours"


def is_user(user_id: str) -> bool:
    return _USER.fullmatch(user_id) is not None


def mention(user_id: str) -> str:
    """Mention a Slack user id; anything else stays text."""
    return f"<@{user_id}>" if is_user(user_id) else quoted(user_id)


def is_channel(text: str) -> bool:
    """Whether the text is the id of a channel or another conversation."""
    return _CHANNEL.fullmatch(text) is not None


def channel_mention(channel_id: str) -> str:
    return f"<#{channel_id}>" if is_channel(channel_id) else quoted(channel_id)


def safe_url(url: str) -> str | None:
    """Return an http(s) URL that fits a button, with the characters encoded that could end Slack's link syntax."""
    if len(url) > URL_LIMIT:
        return None
    flat = one_line(url).replace(" ", "").translate(_URL_ESCAPES)
    try:
        parts = urlsplit(flat)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc or length(flat) > URL_LIMIT:
        return None
    return flat


def link(url: str, label: str) -> str:
    """A link in mrkdwn; the label alone if the URL is not http(s)."""
    text = quoted(label.replace("|", "/")) or NOTHING
    safe = safe_url(url)
    return f"<{escape(safe)}|{text}>" if safe else text


def date(at: datetime) -> str:
    """A time in the reader's own zone."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{plain_date(at)}>"


def plain_date(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
