"""Which builds a list is about: app, workflow, branch, how they ended, what caused them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bot.domain.builds import Cause, Outcome, State
from commands.synonyms import CAUSES, ENDS, one_name, one_of, unknown
from commands.tokenizer import ArgumentsUnclear, UserMention, Word, Words, read, shown


@dataclass(frozen=True, slots=True)
class ListArguments:
    """``words`` are app, workflow and branch in this order, as far as they were not named."""

    words: tuple[str, ...] = ()
    app: str | None = None
    workflow: str | None = None
    branch: str | None = None
    outcome: Outcome | None = None
    state: State | None = None
    cause: Cause | None = None
    by: UserMention | str | None = None
    page: int = 1

    def placed(self) -> ListArguments:
        """The words put where they stand for."""
        placed = dict(zip(self.free_places(), self.words, strict=False))
        return replace(
            self,
            words=(),
            app=placed.get("app", self.app),
            workflow=placed.get("workflow", self.workflow),
            branch=placed.get("branch", self.branch),
        )

    def free_places(self) -> list[str]:
        places = {"app": self.app, "workflow": self.workflow, "branch": self.branch}
        return [place for place, given in places.items() if given is None]


_KEYED = re.compile(r"(?P<key>[A-Za-z][\w-]*):(?P<value>.*)", re.DOTALL)
_MOST_PAGES = 1_000
_LIST_KEYS = {
    "app": "app",
    "workflow": "workflow",
    "w": "workflow",
    "branch": "branch",
    "b": "branch",
    "outcome": "outcome",
    "state": "outcome",
    "status": "outcome",
    "cause": "cause",
    "by": "by",
    "page": "page",
}


def parse_list(text: str | Words) -> ListArguments:
    """``shop failed branch:main by:@ana page:2``. Raises ArgumentsUnclear."""
    words = read(text)
    arguments = ListArguments()
    for word in words.words:
        arguments = _with_word(arguments, word, words)
    places = len(arguments.free_places())
    if len(arguments.words) > places:
        raise ArgumentsUnclear(
            f"I do not know what {shown(arguments.words[places])} is.",
            "Write filters as `workflow:deploy branch:main outcome:failed`.",
        )
    return arguments


def _with_word(arguments: ListArguments, word: Word, words: Words) -> ListArguments:
    keyed = None if word.quoted else _KEYED.fullmatch(word.text)
    if keyed:
        return _with_filter(arguments, keyed["key"].lower(), keyed["value"], words)
    if word.is_open and (end := ENDS.get(word.text.lower())):
        return _with_end(arguments, end)
    return replace(arguments, words=(*arguments.words, word.text)) if word.text else arguments


def _with_filter(arguments: ListArguments, key: str, value: str, words: Words) -> ListArguments:
    name = _LIST_KEYS.get(key)
    if name is None:
        raise unknown("filter", f"{key}:", _LIST_KEYS)
    if not value:
        raise ArgumentsUnclear(f"{shown(f'{key}:')} has no value.", "Write it behind the colon, without a space.")
    match name:
        case "outcome":
            return _with_end(arguments, one_of("outcome", value, ENDS))
        case "cause":
            return replace(arguments, cause=one_of("cause", value, CAUSES))
        case "by":
            return replace(arguments, by=words.mention(value) or value)
        case "page":
            return replace(arguments, page=_page(value))
        case _:
            return _with_name(arguments, name, value if name == "app" else one_name(value))


def _with_name(arguments: ListArguments, name: str, value: str) -> ListArguments:
    app, workflow, branch = (
        value if name == part else given
        for part, given in (("app", arguments.app), ("workflow", arguments.workflow), ("branch", arguments.branch))
    )
    return replace(arguments, app=app, workflow=workflow, branch=branch)


def _with_end(arguments: ListArguments, end: Outcome | State) -> ListArguments:
    return replace(arguments, outcome=end) if isinstance(end, Outcome) else replace(arguments, state=end)


def _page(value: str) -> int:
    page = int(value) if re.fullmatch(r"[0-9]{1,4}", value) else 0
    if not 1 <= page <= _MOST_PAGES:
        raise ArgumentsUnclear(f"{shown(value)} is no page.", f"Pages go from 1 to {_MOST_PAGES:,}.")
    return page
