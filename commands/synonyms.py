"""The words people have for outcomes and causes, and the answer to a word that nobody knows. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from bot.domain.builds import Cause, Outcome, State
from bot.fuzzy import nearest
from commands.tokenizer import ArgumentsUnclear, shown

Known = TypeVar("Known")

ENDS: dict[str, Outcome | State] = {
    **{outcome.value: outcome for outcome in Outcome},
    **{state.value: state for state in State},
    **dict.fromkeys(("success", "ok", "green", "passed"), Outcome.SUCCEEDED),
    **dict.fromkeys(("failure", "error", "red", "broken"), Outcome.FAILED),
    **dict.fromkeys(("cancelled", "canceled", "stopped"), Outcome.ABORTED),
    **dict.fromkeys(("on-hold", "waiting"), State.QUEUED),
}
CAUSES: dict[str, Cause] = {
    **{cause.value: cause for cause in Cause},
    **dict.fromkeys(("pr", "pullrequest", "pull_request"), Cause.PULL_REQUEST),
    **dict.fromkeys(("scheduled", "scheduler", "nightly"), Cause.SCHEDULE),
}


def one_of(kind: str, word: str, known: Mapping[str, Known]) -> Known:
    """What a word stands for. Raises ArgumentsUnclear with the nearest word, or all of them."""
    if word.lower() not in known:
        raise unknown(kind, word, known)
    return known[word.lower()]


def unknown(kind: str, word: str, known: Iterable[str]) -> ArgumentsUnclear:
    meant = nearest(word, known)
    hint = f"Did you mean `{meant}`?" if meant else f"What I know: {', '.join(f'`{name}`' for name in known)}."
    return ArgumentsUnclear(f"I know no {kind} {shown(word)}.", hint)


def no_part(name: str, parts: Collection[str]) -> str:
    """The name of a variable. Raises ArgumentsUnclear where a part is meant as well, as in ``branch=main``."""
    if len(name) > 1 and name in parts:
        raise ArgumentsUnclear(
            f"{shown(f'{name}=')} would set an environment variable.",
            f"If you mean the {name}, write `{name}:…` with a colon; a variable of that name is `env[{name}]:…`.",
        )
    return name


def one_name(value: str) -> str:
    """The name of a workflow or branch for which Bitrise is asked. Raises ArgumentsUnclear for a pattern.

    No branch has a star in its name (https://git-scm.com/docs/git-check-ref-format), and no workflow of Bitrise.
    """
    if "*" in value:
        problem = f"{shown(value)} is no name, and patterns are for subscriptions."
        raise ArgumentsUnclear(problem, "Write one branch or workflow as it is called.")
    return value
