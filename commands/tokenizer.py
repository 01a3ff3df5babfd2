"""Tokenizer for typed text: undo phone typography and Slack's escapes, then split into words with their quotes.

Pure. Slack's escapes: https://docs.slack.dev/interactivity/implementing-slash-commands (escaping is a setting of the
Slack app, so text without any is read as well).
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass

from bot.errors import InvalidInput, Suggestion

MAX_CHARACTERS = 3_000
MAX_QUOTED_CHARACTERS = 60


class ArgumentsUnclear(InvalidInput):
    """Typed text that can't be read: ``problem`` says why, ``hint`` what to type, ``sentence`` is both."""

    def __init__(self, problem: str, hint: str, *, suggestions: tuple[Suggestion, ...] = ()) -> None:
        super().__init__(f"{problem} {hint}", suggestions=suggestions)
        self.problem = problem
        self.hint = hint


@dataclass(frozen=True, slots=True)
class UserMention:
    """A person whom Slack recognized in the text."""

    user_id: str
    name: str = ""

    @property
    def text(self) -> str:
        """The mention as it stands in the cleaned text."""
        return f"@{self.name}" if self.name and not re.search(r"\s", self.name) else f"@{self.user_id}"


@dataclass(frozen=True, slots=True)
class Word:
    """A word without its quotes: ``quoted`` if all of it had them, ``value_quoted`` if the part after ``key:`` had."""

    text: str
    start: int
    quoted: bool = False
    value_quoted: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the characters may have a meaning, because no part of the word is in quotes."""
        return not self.quoted and not self.value_quoted


@dataclass(frozen=True, slots=True)
class Words:
    """A cleaned text and its words. Falsy without any."""

    text: str
    words: tuple[Word, ...]
    mentions: tuple[UserMention, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words)

    def after(self, count: int) -> Words:
        return Words(self.text, self.words[count:], self.mentions)

    def as_typed(self) -> str:
        """The text from the first word on, with all quotes."""
        return self.text[self.words[0].start :] if self.words else ""

    def tail(self, index: int = 0) -> str:
        """The text from a word on, as typed, except that a single quoted word comes without its quotes."""
        left = self.words[index:]
        if not left:
            return ""
        return left[0].text if len(left) == 1 and left[0].quoted else self.text[left[0].start :]

    def mention(self, text: str) -> UserMention | None:
        """The person meant by ``@name``."""
        return next((mention for mention in self.mentions if mention.text == text), None)


def tokenize(text: str, *, keep: Collection[str] = ()) -> Words:
    """Clean a text and split it into words. Raises ArgumentsUnclear when it is longer than 3,000 characters.

    ``keep`` has names that exist with typography that a phone makes: they stay as typed.
    """
    mentions: tuple[UserMention, ...] = ()
    if "<" in text or "&" in text:
        text, mentions = _undo_slack(text)
    is_plain = text.isascii() and text.isprintable()
    cleaned = text.strip() if is_plain else _clean_typography(text, keep)
    if len(cleaned) > MAX_CHARACTERS:
        raise ArgumentsUnclear(
            f"The command has {len(cleaned):,} characters; the limit is {MAX_CHARACTERS:,}.",
            "Shorten it, or use the form.",
        )
    return Words(cleaned, split(cleaned), mentions)


def quote_input(text: str, limit: int = MAX_QUOTED_CHARACTERS) -> str:
    """Quote typed text in an answer: shortened, and inert in a Slack message however it is escaped."""
    short = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return f"`{short.translate(_INERT)}`"


_INERT = str.maketrans("<>`", "\u2039\u203a'")


# Slack's escapes.

_BRACKETED = re.compile(r"<(?P<target>[^<>|\s][^<>|]*)(?:\|(?P<label>[^<>]*))?>")
_LINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.*|(?:mailto|tel):.*", re.DOTALL)
_ENTITY = re.compile(r"&(amp|lt|gt);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}


def _undo_slack(text: str) -> tuple[str, tuple[UserMention, ...]]:
    mentions: list[UserMention] = []

    def plain(match: re.Match[str]) -> str:
        target, label = match["target"], match["label"] or ""
        if re.fullmatch(r"@[UW][A-Z0-9]+", target):
            mentions.append(UserMention(target[1:], _unescape(label.lstrip("@"))))
            return mentions[-1].text.replace("&", "&amp;")
        return _plain_bracket(target, label) or match[0]

    return _unescape(_BRACKETED.sub(plain, text)), tuple(mentions)


def _plain_bracket(target: str, label: str) -> str:
    if re.fullmatch(r"#[CG][A-Z0-9]+", target):
        return f"#{label or target[1:]}"
    if target.startswith("!"):
        return label or f"@{target[1:].partition('^')[0]}"
    if not _LINK.fullmatch(target):
        return ""
    # Slack makes links of what looks like one (`release.io`): then the label is what was typed. A label of other words
    # was pasted with a link behind it, and the link is what is meant.
    typed = re.sub(r"^(?:[A-Za-z][A-Za-z0-9+.-]*://|mailto:|tel:)", "", target).rstrip("/")
    return label if label and typed == label.rstrip("/") else target if "://" in target else target.split(":", 1)[1]


def _unescape(text: str) -> str:
    return _ENTITY.sub(lambda match: _ENTITIES[match[1]], text)


# Typography.

_TYPOGRAPHY = {
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", '"'),
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032", "'"),
    **dict.fromkeys("\u2013\u2010\u2011\u2012\u2212", "-"),
    **dict.fromkeys("\u2014\u2015", "--"),  # the long dash is what a phone makes of two
}
_JOINERS = "\u200c\u200d"


def has_typography(text: str) -> bool:
    """Whether a text has quotes or dashes that cleaning would change."""
    return not text.isascii() and any(ch in _TYPOGRAPHY for ch in text)


def _clean_typography(text: str, keep: Collection[str]) -> str:
    """Return one line with typewriter quotes and dashes and nothing invisible."""
    kept: set[int] = set()
    for name in filter(has_typography, keep):
        for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE):
            kept.update(range(*match.span()))
    plain = (ch if " " <= ch <= "~" or at in kept else _plain_character(text, at) for at, ch in enumerate(text))
    return "".join(plain).strip()


def _plain_character(text: str, at: int) -> str:
    ch = text[at]
    category = unicodedata.category(ch)
    if category in ("Zs", "Zl", "Zp") or ch in "\t\n\r\v\f\x85":
        return " "
    if ch in _JOINERS:  # part of an emoji or of a Persian word, unless it stands alone
        return ch if _is_visible(text, at - 1) and _is_visible(text, at + 1) else ""
    return "" if category in ("Cc", "Cf", "Cs") else _TYPOGRAPHY.get(ch, ch)


def _is_visible(text: str, at: int) -> bool:
    ch = text[at : at + 1] if at >= 0 else ""
    return bool(ch) and not ch.isascii() and unicodedata.category(ch)[0] not in "CZ" and ch not in _TYPOGRAPHY


# Words.

_KEY_BEFORE_QUOTE = re.compile(r"[A-Za-z_][\w.-]*(?:\[[^\]\s]*\])?[:=](?=[\"'])")
_VISIBLE = re.compile(r"\S+")
_CLOSERS = {quote: re.compile(rf"(?<!\\)(?:\\\\)*{quote}(?!\S)") for quote in "\"'"}
_SPECIAL = {quote: re.compile(rf"(?<!\\)(\\+)(?={quote}|\Z)") for quote in "\"'"}


def split(text: str) -> tuple[Word, ...]:
    """Split at spaces. A word, or the value of ``key:`` and ``KEY=``, may stand in quotes and hold spaces.

    A quote closes only before a space or the end, so ``it's`` and ``5"`` need no care, and one that never closes is an
    ordinary character. Inside, a backslash before the quote makes it part of the text.
    """
    if '"' not in text and "'" not in text:  # most of what is typed
        return tuple([Word(match[0], match.start()) for match in _VISIBLE.finditer(text)])
    closers = {quote: [match.end() - 1 for match in closer.finditer(text)] for quote, closer in _CLOSERS.items()}
    words: list[Word] = []
    at = 0
    while match := _VISIBLE.search(text, at):
        word, at = _word_at(text, match.start(), closers)
        words.append(word)
    return tuple(words)


def _word_at(text: str, start: int, closers: dict[str, list[int]]) -> tuple[Word, int]:
    key = _KEY_BEFORE_QUOTE.match(text, start)
    opening = key.end() if key else start
    quote = text[opening]
    places = closers.get(quote, [])
    place = bisect_left(places, opening + 1)
    if place == len(places):
        bare = _VISIBLE.match(text, start)
        end = bare.end() if bare else len(text)
        return Word(text[start:end], start), end
    close = places[place]
    value = _SPECIAL[quote].sub(lambda run: "\\" * (len(run[1]) // 2), text[opening + 1 : close])
    return Word(text[start:opening] + value, start, quoted=key is None, value_quoted=key is not None), close + 1
