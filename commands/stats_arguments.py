"""What figures are about: an app, a span, a workflow, a branch, a cause. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bot.domain.builds import Cause
from bot.statistics.queries import MOST_DAYS
from commands.list_arguments import parse_list
from commands.tokenizer import ArgumentsUnclear, Word, Words, read, shown

_SPAN = re.compile(r"(?:last:?|span:|days:)?(?P<days>[0-9]{1,4})d(?:ays?)?", re.IGNORECASE)
_ALL = "all"
_USAGE = (
    "Figures can be narrowed to an app, a span, a workflow, a branch and a cause.",
    "As in `stats shop 30d workflow:deploy branch:main cause:push`.",
)


@dataclass(frozen=True, slots=True)
class StatsArguments:
    """``app`` None: the channel's app, or all apps; ``is_all``: all apps were asked for. ``days`` None: as usual."""

    app: str | None = None
    is_all: bool = False
    days: int | None = None
    workflow: str | None = None
    branch: str | None = None
    cause: Cause | None = None


def parse_stats(text: str | Words, *, usage: tuple[str, str] = _USAGE) -> StatsArguments:
    """``shop 30d workflow:deploy branch:main cause:push``. Raises ArgumentsUnclear; ``usage`` is said to too much."""
    words = read(text)
    spans = [word for word in words.words if word.is_open and _SPAN.fullmatch(word.text)]
    if len(spans) > 1:
        raise ArgumentsUnclear(f"{shown(spans[0].text)} and {shown(spans[1].text)} are two spans.", "Name one.")
    days = _days(spans[0]) if spans else None
    rest = replace(words, words=tuple(word for word in words.words if word not in spans))
    asked = parse_list(rest)
    if asked.outcome or asked.state or asked.by or asked.page > 1 or len(asked.words) + bool(asked.app) > 1:
        raise ArgumentsUnclear(*usage)
    app = asked.app or next(iter(asked.words), None)
    is_all = app is not None and app.lower() == _ALL
    return StatsArguments(None if is_all else app, is_all, days, asked.workflow, asked.branch, asked.cause)


def _days(word: Word) -> int:
    found = _SPAN.fullmatch(word.text)
    days = int(found["days"]) if found else 0
    if not 1 <= days <= MOST_DAYS:
        raise ArgumentsUnclear(
            f"{shown(word.text)} is no span I know.",
            f"Write 7d, 30d, 90d, or another number of days up to {MOST_DAYS}.",
        )
    return days
