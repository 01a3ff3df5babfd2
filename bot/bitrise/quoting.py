"""Bitrise's own words, fit to be shown: one line, not too long, and nothing in them that must stay secret."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from http import HTTPStatus

from bot.bitrise.fields import clean, mapping, text
from bot.logs import SECRETS

QUOTED_CHARACTERS = 300
DEEPEST = 4
HIDDEN = "…"
SPEAKING = ("message", "error_msg", "error", "errors")
"""In the order in which Bitrise's own command line reads them."""
EMPTY_WORDS = frozenset(status.phrase.casefold() for status in HTTPStatus)
"""``Not Found`` tells a person nothing that the status has not told already."""


class Quoting:
    """``token`` and every one of ``values`` are left out, wherever Bitrise repeats them."""

    def __init__(self, token: str, values: Sequence[str] = ()) -> None:
        spellings = {spelling for value in values for spelling in _spellings(value)}
        # A value may be as short as "1": only where it stands alone, or hardly a word would be left of the sentence.
        patterns = [rf"(?<!\w){re.escape(each)}(?!\w)" for each in sorted(spellings, key=len, reverse=True)]
        self._hidden = re.compile("|".join([re.escape(token), *patterns])) if token else None

    def quote(self, words: str) -> str:
        flat = one_line(self._hide(clean(words)))
        return shortened(self._hide(flat))

    def _hide(self, words: str) -> str:
        hidden = self._hidden.sub(HIDDEN, words) if self._hidden else words
        return SECRETS.sub(HIDDEN, hidden)

    def said(self, body: object) -> str | None:
        """What an error body says to a person, in any of the forms it is known to take; None for nothing of use."""
        words = _said(body)
        quoted = self.quote(words) if words else ""
        return quoted if quoted.strip(" .!").casefold() not in EMPTY_WORDS | {""} else None


def _said(body: object) -> str | None:
    if isinstance(body, str):
        return text(body)
    fields = mapping(body)
    return next((words for name in SPEAKING if (words := "; ".join(_texts(fields.get(name), DEEPEST)))), None)


def _texts(value: object, depth: int) -> Iterator[str]:
    """``errors`` is a list of strings here, an object of lists there, and ``error`` may be an object itself."""
    if isinstance(value, str) and value.strip():
        yield value.strip()
    elif isinstance(value, list) and depth:
        for item in value:
            yield from _texts(item, depth - 1)
    elif isinstance(value, dict) and depth:
        if words := _said(value):
            yield words
            return
        for name, inner in value.items():
            yield from (words if name == "base" else f"{name}: {words}" for words in _texts(inner, depth - 1))


def one_line(words: str) -> str:
    """Without control characters, line breaks and marks that turn the direction of writing."""
    return " ".join("".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in words).split())


def shortened(words: str, characters: int = QUOTED_CHARACTERS) -> str:
    return words if len(words) <= characters else f"{words[: characters - 1]}…"


def as_sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?", "…")) else f"{words}."


def _spellings(value: str) -> set[str]:
    """A value as it is, on one line, and inside quotation marks; a value without a letter or digit hides nothing."""
    if not any(char.isalnum() for char in value):
        return set()
    ascii_json, utf8_json = json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
    return {clean(each) for each in (value, one_line(value), value.strip(), ascii_json, utf8_json, repr(value)[1:-1])}
