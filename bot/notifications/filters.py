"""Filters of subscriptions: patterns by workflow, branch, outcome and the like, and the builds that match them.

In a pattern ``*`` stands for any characters, slashes too (``release/*`` matches ``release/3/hotfix``), and ``?`` for
one; everything else, also ``[``, stands for itself. A leading ``!`` excludes. A key with patterns that include requires
one of them to match, and none that excludes may match. All keys have to match.

Workflows, branches and tags are compared as they are written, because Git and Bitrise distinguish ``Main`` from
``main``; outcomes, causes, reasons and people without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import groupby

from bot.domain.builds import Cause
from storage.builds import BuildRow

MAX_PATTERNS = 20
MAX_PATTERN_CHARACTERS = 200
EXCLUDES = "!"
USER_ID = re.compile(r"[UW][A-Z0-9]+")
PLAIN = re.compile(r"!*[^\s,!\"'][^\s,]*")
LEADS = {"cause": "caused by ", "outcome": ""}
CAUSE_LABELS = {cause.value: cause.label for cause in Cause}

GitNames = Mapping[str, Collection[str]]
"""Slack user id -> the names in Git, in lower case, of that person."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Patterns by key; without any, every build matches.

    ``workflow`` also matches the name of a pipeline. A build without a branch (of a tag) or without a reason matches no
    pattern that includes one, and none can exclude it. In ``by`` capitals are a Slack user id (``U012AB``), and names
    are in lower case.
    """

    workflow: tuple[str, ...] = ()
    branch: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    cause: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()

    def items(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Return the keys that have patterns."""
        return ((key, patterns) for key in KEYS if (patterns := getattr(self, key)))


KEYS = tuple(field.name for field in fields(Filters))
CASE_INSENSITIVE = ("outcome", "cause", "reason")


# Matching.


def matches_start(filters: Filters, build: BuildRow, git_names: GitNames) -> bool:
    """Whether the start of a build matches; never if the filters require an outcome or reason, unknown until later."""
    return not filters.outcome and not filters.reason and matches_result(filters, build, git_names)


def matches_result(filters: Filters, build: BuildRow, git_names: GitNames) -> bool:
    return all(_matches_key(key, patterns, build, git_names) for key, patterns in filters.items())


def _matches_key(key: str, patterns: Sequence[str], build: BuildRow, git_names: GitNames) -> bool:
    names = [build.workflow, build.pipeline] if key == "workflow" else [getattr(build, key, None)]
    if key == "branch" and build.pull_request_id:  # which may come from a branch of the same name in a fork
        names = []
    is_folded = key in CASE_INSENSITIVE

    def accepts(pattern: str) -> bool:
        if key == "by":
            return _is_by(pattern, build, git_names)
        if is_folded:
            pattern = pattern.lower()
        return any(matches(pattern, name.lower() if is_folded else name) for name in names if name)

    included, excluded = split_excluded(patterns)
    return (not included or any(map(accepts, included))) and not any(map(accepts, excluded))


def _is_by(pattern: str, build: BuildRow, git_names: GitNames) -> bool:
    """Of a build started from Slack only the user id counts: somebody in Git may have the same name."""
    name = (build.triggered_by_name or "").lower()
    if not is_user_id(pattern):
        return bool(name) and matches(pattern.lower(), name)
    return build.requested_by == pattern if build.requested_by else name in git_names.get(pattern, ())


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern, without its ``!``, matches a whole name."""
    return _compile(pattern).fullmatch(name) is not None


def split_excluded(patterns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the patterns that include, and those that exclude without their ``!``."""
    included = [pattern for pattern in patterns if not pattern.startswith(EXCLUDES)]
    return included, [pattern[1:] for pattern in patterns if pattern.startswith(EXCLUDES)]


def is_user_id(name: str) -> bool:
    return USER_ID.fullmatch(name) is not None


@lru_cache(maxsize=1_024)
def _compile(pattern: str) -> re.Pattern[str]:
    """Compile a pattern to one that never backtracks.

    The text between two stars is taken where it is found first (``(?>…)``): a later place would only leave less.
    """
    first, *others = (re.escape(piece).replace(r"\?", ".") for piece in re.split(r"\*+", pattern))
    if not others:
        return re.compile(first, re.DOTALL)
    between = "".join(f"(?>.*?{piece})" for piece in others[:-1])
    return re.compile(f"{first}{between}.*{others[-1]}", re.DOTALL)


# Storing.


def to_json(filters: Filters) -> dict[str, list[str]]:
    return {key: list(patterns) for key, patterns in filters.items()}


def from_json(stored: Mapping[str, object]) -> Filters:
    """Read what this or another version has stored; unknown keys and values that aren't texts are left out."""
    lists = {key: patterns for key, patterns in stored.items() if key in KEYS and isinstance(patterns, list | tuple)}
    return Filters(**{key: tuple(each for each in lists[key] if isinstance(each, str) and each) for key in lists})


# Describing.


def to_text(filters: Filters) -> str:
    """Return the filters as typed: ``workflow:deploy,release-* branch:"my branch" by:!@U012AB``. Empty without any.

    Plain patterns of a key are one word; one with a space, a comma or a quote in front is a word of its own.
    """
    words: list[str] = []
    for key, patterns in filters.items():
        typed = [re.sub(r"^(!?)", r"\1@", each) if key == "by" and is_user_id(each.removeprefix(EXCLUDES)) else each
                 for each in patterns]  # fmt: skip
        for is_plain, group in groupby(typed, lambda pattern: bool(PLAIN.fullmatch(pattern))):
            values = list(group)
            words += [f"{key}:{value}" for value in ([",".join(values)] if is_plain else map(quote, values))]
    return " ".join(words)


def to_sentence(filters: Filters, names: Mapping[str, str] | None = None) -> str:
    """Return ``workflow deploy or release-*, not branch dependabot/*, only failed or aborted``.

    ``names`` are those of Slack user ids. Not escaped.
    """
    phrases: list[str] = []
    for key, patterns in filters.items():
        lead = LEADS.get(key, f"{key} ")
        included, excluded = (
            " or ".join(_label(key, pattern, names or {}) for pattern in side) for side in split_excluded(patterns)
        )
        if included:
            phrases.append(f"{lead or 'only '}{included}")
        if excluded:
            phrases.append(f"not {lead}{excluded}")
    return ", ".join(phrases) or "every build"


def _label(key: str, pattern: str, names: Mapping[str, str]) -> str:
    if key == "by" and is_user_id(pattern):
        return f"@{names.get(pattern, pattern)}"
    return CAUSE_LABELS.get(pattern, pattern) if key == "cause" else pattern


def quote(text: str) -> str:
    """Quote a text so that `commands.tokenizer.split` reads it back unchanged."""
    mark = "'" if '"' in text and "'" not in text else '"'
    escaped = re.sub(rf"(?<!\\)(\\*)({mark}|\Z)", lambda end: end[1] * 2 + (f"\\{mark}" if end[2] else ""), text)
    return mark + escaped + mark
