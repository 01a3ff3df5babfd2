"""Text on its way into Slack: nothing from outside may mention, link, break a line or overflow there.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
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
FLATTENED = 4_000
"""More of an enormous text is not even looked at; no limit here is longer."""

_USER = re.compile(r"[UW][A-Z0-9]{1,20}")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{1,20}")
_OPEN_TOKEN = re.compile(r"(?:&[a-z]{0,3}|<[^>]*)$")
_URL_ESCAPES = str.maketrans({"|": "%7C", "<": "%3C", ">": "%3E", '"': "%22", "`": "%60", "\\": "%5C"})
# Flattened: line breaks and controls (Cc, Zl, Zp), lone surrogates, and what makes a line read backwards.
_DIRECTION = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted: ``text`` is the notification and all a screen reader reads; ``blocks`` may be none."""

    text: str
    blocks: tuple[dict[str, Any], ...] = ()

    def to_payload(self) -> dict[str, Any]:
        """Without blocks the key is left out, which on an update removes those drawn before."""
        payload: dict[str, Any] = {"text": shorten(self.text, MESSAGE_TEXT_LIMIT) or NOTHING}
        if self.blocks:
            payload["blocks"] = list(self.blocks)
        return payload

    @property
    def digest(self) -> str:
        """Whether a drawing would change anything."""
        return hashlib.sha256(json.dumps(self.to_payload(), sort_keys=True).encode()).hexdigest()[:32]


def escape(text: str) -> str:
    """The three characters that mean something to Slack, so that ``<!channel>`` in a commit message pings nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def one_line(text: str) -> str:
    """The same text without line breaks, control characters and direction tricks; runs of blanks become one."""
    if text.isascii() and text.isprintable():  # most of what is shown; each letter's kind need not be looked up
        return " ".join(text.split())
    return " ".join("".join(" " if _breaks(char) else char for char in text).split())


def _breaks(char: str) -> bool:
    return char in _DIRECTION or unicodedata.category(char) in {"Cc", "Zl", "Zp", "Cs"}


def first_line(text: str) -> str:
    """The first line that says something, as in a commit's title."""
    return next((line for line in map(one_line, text[:FLATTENED].splitlines()) if line), "")


def capital(label: str) -> str:
    """With a capital in front, the rest as it is."""
    return label[:1].upper() + label[1:]


def length(text: str) -> int:
    """As Slack's clients count: an emoji may be two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` characters, the last one ``…`` if something was cut; never half an escape or mention."""
    if length(text) <= limit:
        return text
    room = max(0, limit - 1)
    cut = text[:room]
    while length(cut) > room:
        cut = cut[:-1]
    return _OPEN_TOKEN.sub("", cut).rstrip() + ELLIPSIS


def outside(text: str, limit: int) -> str:
    """Text from outside as one line of at most ``limit`` characters for rich text and plain text; not escaped."""
    return shorten(one_line(text[:FLATTENED]), limit)


def quoted(text: str, limit: int = 300) -> str:
    """Text from outside for mrkdwn: one line, escaped, at most ``limit`` characters."""
    return shorten(escape(one_line(text[:FLATTENED])), limit)


def code(text: str, limit: int = 200) -> str:
    """An identifier in a code span. There is no escape for a backtick, so it becomes an apostrophe."""
    return f"`{quoted(text.replace('`', chr(39)), limit) or NOTHING}`"


def is_user(user_id: str) -> bool:
    return _USER.fullmatch(user_id) is not None


def mention(user_id: str) -> str:
    """A person by Slack's id; anything else is shown as the text it is."""
    return f"<@{user_id}>" if is_user(user_id) else quoted(user_id)


def channel_mention(channel_id: str) -> str:
    return f"<#{channel_id}>" if _CHANNEL.fullmatch(channel_id) else quoted(channel_id)


def safe_url(url: str) -> str | None:
    """The URL if it is http(s) with a host and fits a button; what could end Slack's link syntax is encoded."""
    if len(url) > URL_LIMIT:
        return None
    flat = "".join(one_line(url).split()).translate(_URL_ESCAPES)
    try:
        parts = urlsplit(flat)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc or length(flat) > URL_LIMIT:
        return None
    return flat


def link(url: str, label: str) -> str:
    """A link in mrkdwn; only its label when the URL is none of http(s)."""
    text = quoted(label.replace("|", "/")) or NOTHING
    safe = safe_url(url)
    return f"<{escape(safe)}|{text}>" if safe else text


def date(at: datetime) -> str:
    """A moment, shown in the reader's own zone."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{plain_date(at)}>"


def plain_date(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
