"""Filters of a list: app, workflow, branch, result, cause. Pure."""

from __future__ import annotations

import re
from typing import Any

from bot.domain.builds import State
from commands.grammar import CAUSES, RESULTS, Grammar, choice, one_name
from commands.tokenizer import ArgumentsUnclear, Words, quote_input

_MAX_PAGE = 1_000


def _page(value: str) -> int:
    page = int(value) if re.fullmatch(r"[0-9]{1,4}", value) else 0
    if not 1 <= page <= _MAX_PAGE:
        raise ArgumentsUnclear(f"{quote_input(value)} is no page.", f"Pages go from 1 to {_MAX_PAGE:,}.")
    return page


def _bare_result(word: str) -> tuple[str, Any] | None:
    result = RESULTS.get(word.lower())
    return ("outcome", result) if result else None


LIST = Grammar(
    positional=("app", "workflow", "branch"),
    keys={
        "app": str,
        "workflow w": one_name,
        "branch b": one_name,
        "outcome state status": choice("outcome", RESULTS),
        "cause": choice("cause", CAUSES),
        "by": str,
        "page": _page,
    },
    bare=_bare_result,
    example="workflow:deploy branch:main outcome:failed",
)


def read_list(words: Words) -> dict[str, Any]:
    """``shop failed branch:main by:@ana page:2``, by name; a state stands apart from an outcome."""
    return {"state" if isinstance(part.value, State) else part.name: part.value for part in LIST.parts(words)}
