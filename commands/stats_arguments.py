"""Filters of statistics: app, period, workflow, branch, cause. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from bot.statistics.queries import MOST_DAYS
from commands.list_arguments import LIST
from commands.tokenizer import ArgumentsUnclear, Words, quote_input

ALL = "all"
_PERIOD = re.compile(r"(?:last:?|span:|days:)?(?P<days>[0-9]{1,4})d(?:ays?)?", re.IGNORECASE)
_USAGE = (
    "Figures can be narrowed to an app, a span, a workflow, a branch and a cause.",
    "As in `stats shop 30d workflow:deploy branch:main cause:push`.",
)


def read_stats(words: Words, *, usage: tuple[str, str] = _USAGE) -> dict[str, Any]:
    """``shop 30d workflow:deploy branch:main cause:push``, by name; ``days`` is the period. ``usage`` is the error."""
    periods = [word for word in words.words if word.is_open and _PERIOD.fullmatch(word.text)]
    if len(periods) > 1:
        problem = f"{quote_input(periods[0].text)} and {quote_input(periods[1].text)} are two spans."
        raise ArgumentsUnclear(problem, "Name one.")
    days = {"days": _days(periods[0].text)} if periods else {}
    others = tuple(word for word in words.words if word not in periods)
    parts = list(LIST.parts(replace(words, words=others)))
    options = {part.name: part.value for part in parts}
    is_surplus = any(not part.key and part.name != "app" for part in parts) or options.get("page", 1) > 1
    if is_surplus or options.keys() & {"outcome", "by"}:
        raise ArgumentsUnclear(*usage)
    return options | days


def _days(text: str) -> int:
    match = _PERIOD.fullmatch(text)
    days = int(match["days"]) if match else 0
    if not 1 <= days <= MOST_DAYS:
        raise ArgumentsUnclear(
            f"{quote_input(text)} is no span I know.",
            f"Write 7d, 30d, 90d, or another number of days up to {MOST_DAYS}.",
        )
    return days
