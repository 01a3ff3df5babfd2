"""Match what was typed with known names: apps, workflows, branches, verbs. Ignores case and accents. Pure."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from enum import IntEnum

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+|[^\W_]")
_ACCENT = re.compile("[\u0300-\u036f]")
_WITHOUT_STROKES = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"})
_MIN_RATIO = 0.6
_MAX_COMPARED = 100  # comparing longer names letter by letter is slow and finds nothing


class _Closeness(IntEnum):
    EXACT = 0
    CASELESS = 1
    ACCENTLESS = 2
    PREFIX = 3
    WORD_PREFIX = 4
    SUBSTRING = 5
    NONE = 6


def nearest(word: str, candidates: Iterable[str], *, ratio: float = _MIN_RATIO) -> str | None:
    """Return the candidate that was probably meant ("did you mean"), or None when none is close."""
    by_folded = {fold(candidate): candidate for candidate in candidates}
    close = difflib.get_close_matches(fold(word)[:_MAX_COMPARED], by_folded, n=1, cutoff=ratio)
    return by_folded[close[0]] if close else None


def rank(query: str, names: Iterable[str]) -> list[str]:
    """Return the names that match, best first, ties in their order; all names for an empty query.

    Exact, then caseless, without accents, prefix, prefixes of its words (``sh dep`` and ``dep`` match ``shop-deploy``,
    ``shdep`` doesn't), substring. Similar spellings are returned only when nothing else matches.
    """
    unique = list(dict.fromkeys(names))
    if not query.strip():
        return unique
    by_closeness: dict[_Closeness, list[str]] = {}
    for name in unique:
        by_closeness.setdefault(_closeness(query.strip(), name), []).append(name)
    if matches := [name for closeness in list(_Closeness)[:-1] for name in by_closeness.get(closeness, ())]:
        return matches
    matcher = difflib.SequenceMatcher(b=fold(query)[:_MAX_COMPARED], autojunk=False)  # caches its statistics of b
    ratios = [(_ratio(matcher, fold(name)[:_MAX_COMPARED]), name) for name in unique]
    return [name for ratio, name in sorted(ratios, key=lambda pair: -pair[0]) if ratio >= _MIN_RATIO]


def _closeness(query: str, name: str) -> _Closeness:
    if query == name:
        return _Closeness.EXACT
    folded_query, folded_name = fold(query), fold(name)
    if folded_query == folded_name:
        return _Closeness.CASELESS if _caseless(query) == _caseless(name) else _Closeness.ACCENTLESS
    if folded_name.startswith(folded_query):
        return _Closeness.PREFIX
    if _starts_words(query, name):
        return _Closeness.WORD_PREFIX
    return _Closeness.SUBSTRING if folded_query in folded_name else _Closeness.NONE


def _starts_words(query: str, name: str) -> bool:
    """Whether each word of the query begins a word of the name, in that order."""
    words = iter([fold(word) for word in _WORD.findall(_without_accents(name))])
    starts = [fold(word) for word in _WORD.findall(_without_accents(query))]
    return bool(starts) and all(any(word.startswith(start) for word in words) for start in starts)


def _ratio(matcher: difflib.SequenceMatcher[str], text: str) -> float:
    matcher.set_seq1(text)
    may_be_close = matcher.real_quick_ratio() >= _MIN_RATIO and matcher.quick_ratio() >= _MIN_RATIO
    return matcher.ratio() if may_be_close else 0.0


def fold(text: str) -> str:
    """Return the text without differences of case, accents and width: ``Café`` and ``CAFE`` become ``cafe``."""
    return _caseless(text) if text.isascii() else _caseless(_without_accents(text)).translate(_WITHOUT_STROKES)


def _without_accents(text: str) -> str:
    """Remove accents of Latin, Greek and Cyrillic letters; other marks, as of Devanagari or kana, are letters."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFKD", text)))


def _caseless(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()
