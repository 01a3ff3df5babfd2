"""What a person typed, made plain and cut into words: phone typography, Slack's escapes, quotes.

Pure. Slack's escapes: https://docs.slack.dev/interactivity/implementing-slash-commands (escaping is a setting of the
app, so text without any is read as well).
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from dataclasses import dataclass

from bot.errors import InvalidInput

MAX_CHARACTERS = 3_000
_SHOWN_CHARACTERS = 60


class ArgumentsUnclear(InvalidInput):
    """What was typed cannot be read: ``problem`` says what is wrong, ``hint`` what to type; ``sentence`` is both."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(f"{problem} {hint}")
        self.problem = problem
        self.hint = hint


@dataclass(frozen=True, slots=True)
class UserMention:
    """A person Slack recognised in the text."""

    user_id: str
    name: str = ""

    @property
    def text(self) -> str:
        """How the mention stands in the plain text."""
        return f"@{self.name}" if self.name and not re.search(r"\s", self.name) else f"@{self.user_id}"


@dataclass(frozen=True, slots=True)
class Word:
    """One word without its quotes: ``quoted`` if all of it had them, ``value_quoted`` if what follows ``key:`` had."""

    text: str
    start: int
    quoted: bool = False
    value_quoted: bool = False

    @property
    def is_open(self) -> bool:
        """Whether its characters may have a meaning: nothing of it was in quotes."""
        return not self.quoted and not self.value_quoted


@dataclass(frozen=True, slots=True)
class Words:
    """A cleaned text and its words. Falsy when there is none."""

    text: str
    words: tuple[Word, ...]
    mentions: tuple[UserMention, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words)

    def after(self, count: int) -> Words:
        return Words(self.text, self.words[count:], self.mentions)

    def tail(self, index: int = 0) -> str:
        """The text from a word on, as it was typed; one quoted word alone comes without its quotes."""
        left = self.words[index:]
        if not left:
            return ""
        return left[0].text if len(left) == 1 and left[0].quoted else self.text[left[0].start :]

    def mention(self, text: str) -> UserMention | None:
        """The person meant by ``@name`` in this text."""
        return next((mention for mention in self.mentions if mention.text == text), None)


def read(text: str | Words) -> Words:
    """Clean a text and cut it into words. Raises ArgumentsUnclear when it is longer than 3,000 characters."""
    if isinstance(text, Words):
        return text
    plain, mentions = _undo_slack(text) if "<" in text or "&" in text else (text, ())
    plain = plain.strip() if plain.isascii() and plain.isprintable() else _flatten(plain)
    if len(plain) > MAX_CHARACTERS:
        raise ArgumentsUnclear(
            f"That is {len(plain):,} characters, more than the {MAX_CHARACTERS:,} a command can have.",
            "Shorten it, or run the command alone and use the form.",
        )
    return Words(plain, split(plain), mentions)


def shown(text: str) -> str:
    """A piece of what was typed, for showing it back: short, and inert in a Slack message whoever escapes it."""
    short = text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
    return f"`{short.translate(_INERT)}`"


_INERT = str.maketrans("<>`", "\u2039\u203a'")


# Slack's escapes.

_BRACKETED = re.compile(r"<(?P<target>[^<>|\s][^<>|]*)(?:\|(?P<label>[^<>]*))?>")
_LINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.*|(?:mailto|tel):.*", re.DOTALL)
_ENTITY = re.compile(r"&(amp|lt|gt);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}


def _undo_slack(text: str) -> tuple[str, tuple[UserMention, ...]]:
    mentions: list[UserMention] = []

    def plain(found: re.Match[str]) -> str:
        target, label = found["target"], found["label"] or ""
        if re.fullmatch(r"@[UW][A-Z0-9]+", target):
            mentions.append(UserMention(target[1:], _unescape(label.lstrip("@"))))
            return mentions[-1].text.replace("&", "&amp;")
        return _plain_bracket(target, label) or found[0]

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
    return _ENTITY.sub(lambda found: _ENTITIES[found[1]], text)


# Typography.

_TYPOGRAPHY = {
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", '"'),
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032", "'"),
    **dict.fromkeys("\u2013\u2010\u2011\u2012\u2212", "-"),
    **dict.fromkeys("\u2014\u2015", "--"),  # the long dash is what a phone makes of two
}
_ODD = re.compile(r"[^\x20-\x7e]")
_JOINERS = "\u200c\u200d"


def _flatten(text: str) -> str:
    """Typewriter quotes and dashes, plain spaces, one line, nothing invisible."""
    return _ODD.sub(_plain_character, text).strip()


def _plain_character(found: re.Match[str]) -> str:
    ch = found[0]
    category = unicodedata.category(ch)
    if category in ("Zs", "Zl", "Zp") or ch in "\t\n\r\v\f\x85":
        return " "
    if ch in _JOINERS:  # part of an emoji or of a Persian word, unless it stands alone
        return ch if _is_visible(found.string, found.start() - 1) and _is_visible(found.string, found.end()) else ""
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
    """Cut at spaces. A word, or the value of ``key:`` and ``KEY=``, may stand in quotes and hold spaces.

    A quote closes only before a space or the end, so ``it's`` and ``5"`` need no care; one that never closes is a
    character like any other. Inside, a backslash before the quote makes it one of the text.
    """
    if '"' not in text and "'" not in text:  # most of what is typed
        return tuple(Word(found[0], found.start()) for found in _VISIBLE.finditer(text))
    closers = {quote: [found.end() - 1 for found in closer.finditer(text)] for quote, closer in _CLOSERS.items()}
    words: list[Word] = []
    at = 0
    while found := _VISIBLE.search(text, at):
        word, at = _word_at(text, found.start(), closers)
        words.append(word)
    return tuple(words)


def _word_at(text: str, start: int, closers: dict[str, list[int]]) -> tuple[Word, int]:
    key = _KEY_BEFORE_QUOTE.match(text, start)
    opening = key.end() if key else start
    close = _closing(closers.get(text[opening], []), opening)
    if close is None:
        bare = _VISIBLE.match(text, start)
        end = bare.end() if bare else len(text)
        return Word(text[start:end], start), end
    quote = text[opening]
    value = _SPECIAL[quote].sub(lambda run: "\\" * (len(run[1]) // 2), text[opening + 1 : close])
    return Word(text[start:opening] + value, start, quoted=key is None, value_quoted=key is not None), close + 1


def _closing(closers: list[int], opening: int) -> int | None:
    place = bisect_left(closers, opening + 1)
    return closers[place] if place < len(closers) else None
