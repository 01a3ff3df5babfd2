"""Which of the known names a person meant: apps, workflows, branches, verbs. Pure."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from enum import IntEnum

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+|[^\W_]")
_FUZZY = 0.6
_FUZZY_CHARACTERS = 100  # comparing longer names letter by letter takes long and finds nothing


class _Closeness(IntEnum):
    EXACT = 0
    CASELESS = 1
    PREFIX = 2
    WORD_PREFIX = 3
    SUBSTRING = 4
    NONE = 5


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The known word that was probably meant ("did you mean"), or None when none is close."""
    known = {_fold(candidate): candidate for candidate in candidates}
    close = difflib.get_close_matches(_fold(word)[:_FUZZY_CHARACTERS], known, n=1, cutoff=_FUZZY)
    return known[close[0]] if close else None


def rank(query: str, names: Iterable[str]) -> list[str]:
    """The names that answer to a query, best first; equally good ones keep their order. All of them for no query.

    Exact, then caseless, prefix, prefixes of its words (``shdep`` no, ``sh dep`` and ``dep`` yes for ``shop-deploy``),
    substring; spelling mistakes are looked for only when nothing else was found.
    """
    known = list(dict.fromkeys(names))
    if not query.strip():
        return known
    close = _by_closeness(query, known)
    if found := [name for closeness in sorted(close) for name in close[closeness]]:
        return found
    matcher = difflib.SequenceMatcher(b=_fold(query)[:_FUZZY_CHARACTERS], autojunk=False)  # it counts b once for all
    similar = [(_similarity(matcher, _fold(name)[:_FUZZY_CHARACTERS]), name) for name in known]
    return [name for ratio, name in sorted(similar, key=lambda pair: -pair[0]) if ratio >= _FUZZY]


def _by_closeness(query: str, names: list[str]) -> dict[_Closeness, list[str]]:
    close: dict[_Closeness, list[str]] = {}
    for name in names:
        closeness = _closeness(query.strip(), name)
        if closeness is not _Closeness.NONE:
            close.setdefault(closeness, []).append(name)
    return close


def _closeness(query: str, name: str) -> _Closeness:
    if query == name:
        return _Closeness.EXACT
    wanted, given = _fold(query), _fold(name)
    if wanted == given:
        return _Closeness.CASELESS
    if given.startswith(wanted):
        return _Closeness.PREFIX
    if _starts_words(query, name):
        return _Closeness.WORD_PREFIX
    return _Closeness.SUBSTRING if wanted in given else _Closeness.NONE


def _starts_words(query: str, name: str) -> bool:
    """Whether each word of the query begins a word of the name, in that order."""
    words = iter([_fold(word) for word in _WORD.findall(name)])
    wanted = [_fold(word) for word in _WORD.findall(query)]
    return bool(wanted) and all(any(word.startswith(start) for word in words) for start in wanted)


def _similarity(matcher: difflib.SequenceMatcher[str], given: str) -> float:
    matcher.set_seq1(given)
    may_be = matcher.real_quick_ratio() >= _FUZZY and matcher.quick_ratio() >= _FUZZY
    return matcher.ratio() if may_be else 0.0


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()
