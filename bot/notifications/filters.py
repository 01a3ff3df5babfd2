"""Which builds a channel wants to hear about: patterns by workflow, branch, outcome and the like, and what fits them.

Pure. In a pattern ``*`` stands for any characters, slashes too (``release/*`` takes ``release/3/hotfix``), and ``?``
for one; everything else, also ``[``, stands for itself. A leading ``!`` excludes. Within a key a build fits when one of
the patterns that ask takes it, or none asks, and none that excludes does; across keys all have to agree.

Workflows, branches and tags are compared as they are written, since Git and Bitrise tell ``Main`` from ``main``.
Outcomes, causes, reasons and people are compared without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import groupby

from bot.domain.builds import Cause
from storage.builds import BuildRow

MAX_PATTERNS = 20
MAX_PATTERN_CHARACTERS = 200
EXCLUDES = "!"

People = Mapping[str, Collection[str]]
"""Slack user id -> the names, in lower case, under which that person is known to the Git host."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Patterns by key; none at all lets every build through.

    ``workflow`` takes a pipeline by its name, too. A build without a branch (of a tag) or without a reason fits no
    pattern that asks for one, and none can exclude it. In ``by`` capitals are a Slack user id (``U012AB``), and names
    are in lower case.
    """

    workflow: tuple[str, ...] = ()
    branch: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    cause: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()


KEYS = tuple(field.name for field in fields(Filters))


# What fits.


def fits_start(filters: Filters, build: BuildRow, people: People) -> bool:
    """Whether to tell that a build has started.

    Who asks for an outcome or a reason wants those ends only, and at the start nobody knows them: then no start fits.
    """
    return not filters.outcome and not filters.reason and _fits_from_start(filters, build, people)


def fits_end(filters: Filters, build: BuildRow, people: People) -> bool:
    """Whether to tell how a build has ended."""
    return (
        _fits_from_start(filters, build, people)
        and _fits_word(filters.outcome, build.outcome)
        and _fits_word(filters.reason, build.reason)
    )


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern, without its ``!``, takes all of a name."""
    return _compiled(pattern).fullmatch(name) is not None


def _fits_from_start(filters: Filters, build: BuildRow, people: People) -> bool:
    return (
        _fits_name(filters.workflow, build.workflow, build.pipeline)
        and _fits_name(filters.branch, build.branch)
        and _fits_name(filters.tag, build.tag)
        and _fits_word(filters.cause, build.cause)
        and _fits(filters.by, lambda pattern: _is_by(pattern, build, people))
    )


def _fits_name(patterns: tuple[str, ...], *names: str | None) -> bool:
    return _fits(patterns, lambda pattern: any(matches(pattern, name) for name in names if name))


def _fits_word(patterns: tuple[str, ...], word: str | None) -> bool:
    return _fits(patterns, lambda pattern: bool(word) and matches(pattern.lower(), (word or "").lower()))


def _fits(patterns: tuple[str, ...], takes: Callable[[str], bool]) -> bool:
    asked, excluded = sides(patterns)
    return (not asked or any(map(takes, asked))) and not any(map(takes, excluded))


def sides(patterns: Sequence[str]) -> tuple[list[str], list[str]]:
    """The patterns that ask, and those that exclude without their ``!``."""
    asked = [pattern for pattern in patterns if not pattern.startswith(EXCLUDES)]
    return asked, [pattern[1:] for pattern in patterns if pattern.startswith(EXCLUDES)]


def _is_by(pattern: str, build: BuildRow, people: People) -> bool:
    """Slack says for certain who started a build from there; a namesake at the Git host does not count then."""
    who = (build.triggered_by_name or "").lower()
    if not is_user_id(pattern):
        return bool(who) and matches(pattern.lower(), who)
    return build.requested_by == pattern if build.requested_by else who in people.get(pattern, ())


def is_user_id(name: str) -> bool:
    return _USER_ID.fullmatch(name) is not None


_USER_ID = re.compile(r"[UW][A-Z0-9]+")


@lru_cache(maxsize=1_024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """What stands between two stars is found at its first place and kept there (``(?>…)``).

    A later place could only leave less for the rest, so no pattern makes the search try them all.
    """
    first, *others = (_literal(piece) for piece in re.split(r"\*+", pattern))
    if not others:
        return re.compile(first, re.DOTALL)
    between = "".join(f"(?>.*?{piece})" for piece in others[:-1])
    return re.compile(f"{first}{between}.*{others[-1]}", re.DOTALL)


def _literal(piece: str) -> str:
    return re.escape(piece).replace(r"\?", ".")


# What is stored.


def to_json(filters: Filters) -> dict[str, list[str]]:
    return {key: list(patterns) for key, patterns in _by_key(filters)}


def from_json(stored: Mapping[str, object]) -> Filters:
    """What an older or newer version has stored: unknown keys, and what is no list of texts, are left out."""
    return Filters(**{key: _stored(stored.get(key)) for key in KEYS})


def _stored(patterns: object) -> tuple[str, ...]:
    if not isinstance(patterns, list | tuple):
        return ()
    return tuple(pattern for pattern in patterns if isinstance(pattern, str) and pattern)


def _by_key(filters: Filters) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The keys that have patterns."""
    for key in KEYS:
        if patterns := getattr(filters, key):
            yield key, patterns


# What people read.

_PLAIN = re.compile(r"!*[^\s,!\"'][^\s,]*")


def describe(filters: Filters) -> str:
    """As it is typed: ``workflow:deploy,release-* branch:"my branch" by:!@U012AB``. Empty when everything fits."""
    return " ".join(word for key, patterns in _by_key(filters) for word in _typed(key, patterns))


def _typed(key: str, patterns: tuple[str, ...]) -> Iterator[str]:
    """A list of plain patterns is one word; one that holds a space, a comma or a quote in front is its own."""
    shown = [_with_at(pattern) if key == "by" else pattern for pattern in patterns]
    for is_plain, run in groupby(shown, lambda pattern: bool(_PLAIN.fullmatch(pattern))):
        values = list(run)
        yield from (f"{key}:{value}" for value in ([",".join(values)] if is_plain else map(quote, values)))


def _with_at(pattern: str) -> str:
    mark, name = _without_mark(pattern)
    return f"{mark}@{name}" if is_user_id(name) else pattern


def _without_mark(pattern: str) -> tuple[str, str]:
    return (EXCLUDES, pattern[1:]) if pattern.startswith(EXCLUDES) else ("", pattern)


def spoken(filters: Filters, names: Mapping[str, str] | None = None) -> str:
    """``workflow deploy or release-*, not branch dependabot/*, only failed or aborted``.

    ``names`` are those of Slack user ids. Plain text from people: the caller escapes it or puts it in rich text.
    """
    phrases = [phrase for key, patterns in _by_key(filters) for phrase in _phrases(key, patterns, names or {})]
    return ", ".join(phrases) or "every build"


_LEADS = {"cause": "caused by ", "outcome": ""}
_CAUSE_LABELS = {cause.value: cause.label for cause in Cause}


def _phrases(key: str, patterns: tuple[str, ...], names: Mapping[str, str]) -> Iterator[str]:
    asked, excluded = (" or ".join(_said(key, pattern, names) for pattern in side) for side in sides(patterns))
    lead = _LEADS.get(key, f"{key} ")
    if asked:
        yield f"{lead or 'only '}{asked}"
    if excluded:
        yield f"not {lead}{excluded}"


def _said(key: str, pattern: str, names: Mapping[str, str]) -> str:
    if key == "by" and is_user_id(pattern):
        return f"@{names.get(pattern, pattern)}"
    return _CAUSE_LABELS.get(pattern, pattern) if key == "cause" else pattern


def quote(text: str) -> str:
    """Quote a text so that ``commands.tokenizer.split`` reads it back unchanged."""
    mark = "'" if '"' in text and "'" not in text else '"'
    escaped = re.sub(rf"(?<!\\)(\\*)({mark}|\Z)", lambda end: end[1] * 2 + (f"\\{mark}" if end[2] else ""), text)
    return mark + escaped + mark
