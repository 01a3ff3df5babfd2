"""Grammars: the positional words and ``key:value`` options of each verb, and the errors for everything else. Pure.

A module declares its verb's ``Grammar`` and reads the text after the verb::

    parsed = parse(command["text"], VERBS)          # Parsed("list", Words("shop failed by:@ana"))
    options = LIST.read(parsed.words)               # {"outcome": Outcome.FAILED, "by": "@ana", "app": "shop"}

The only error is ArgumentsUnclear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

from bot.domain.builds import Cause, Outcome, State
from bot.fuzzy import fold, nearest
from commands.build_reference import refers_to_build
from commands.tokenizer import ArgumentsUnclear, Word, Words, quote_input, tokenize

T = TypeVar("T")

NOTHING = ""
START = "start"
SHOW = "show"
HELP = "help"
APP_KEY = "app:"
MAX_NAME_WORDS = 12
"""The longest name of an app that is typed without quotes."""
HELP_WORDS = frozenset({HELP, "?", "--help", "-h"})
OPTION = re.compile(r"(?P<key>[A-Za-z][\w-]*):(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A verb and the words after it: one of the caller's verbs, NOTHING (open the form), SHOW (a build) or START."""

    verb: str
    words: Words


def parse(
    text: str, verbs: Collection[str], *, app_names: Container[str] = frozenset(), keep: Collection[str] = ()
) -> Parsed:
    """Find the verb. A first word that is none of ``verbs`` (lower case) begins a start, or names a build to show.

    An app whose name is a verb is written in quotes; only a title of several words wins over a verb it begins with.
    ``keep`` is for `tokenize`. Raises ArgumentsUnclear.
    """
    words = tokenize(text, keep=keep)
    if not words.words:
        return Parsed(NOTHING, words)
    first = words.words[0]
    if first.text.lower() in HELP_WORDS and first.is_open:
        return Parsed(HELP, words.after(1))
    joined = join_app_name(words, app_names)
    if not first.quoted and first.text.lower() in verbs:
        rest = join_app_name(words.after(1), app_names)
        names_app = bool(rest) and fold(rest.words[0].text) in app_names
        if joined.words[0] is first or names_app:
            asks_help = ends_in_help(rest, after_app=names_app)
            return Parsed(HELP, replace(words, words=(first,))) if asks_help else Parsed(first.text.lower(), rest)
    if ends_in_help(joined, after_app=not re.search("[:=|]", joined.words[0].text)):
        return Parsed(HELP, tokenize(START))
    # A bare number or slug stands alone or after the app, so most of what is longer is a start.
    may_be_reference = len(joined.words) <= 2 or "#" in joined.text or "/" in joined.text
    return Parsed(SHOW if may_be_reference and refers_to_build(joined) else START, joined)


def join_app_name(words: Words, app_names: Container[str]) -> Words:
    """Join the words that are exactly an app's name, at the beginning or after ``app:``, into one.

    The longest name wins. A name of one word stays as it is. ``app_names`` are those of `AppIndex.names`.
    """
    items, place, key = words.words, 0, ""
    if APP_KEY in words.text.lower():
        keyed = [at for at, word in enumerate(items) if word.is_open and word.text.lower().startswith(APP_KEY)]
        place, key = (keyed[0], APP_KEY) if keyed else (0, "")
    for count in range(min(len(items) - place, MAX_NAME_WORDS), 1, -1):
        run = items[place : place + count]
        text = " ".join([word.text for word in run])[len(key) :].strip()
        name, _, number = text.rpartition("#")
        if text.lower() in app_names or (not text.isascii() and fold(text) in app_names):
            name, number = text, ""
        elif not number.isdecimal() or fold(name.strip()) not in app_names:
            continue
        if all(word.is_open for word in run):
            joined = [Word(key + name.strip(), run[0].start, quoted=not key, value_quoted=bool(key))]
            joined += [Word(f"#{number}", run[-1].start)] if number else []
            return replace(words, words=(*items[:place], *joined, *items[place + count :]))
    return words


def ends_in_help(words: Words, *, after_app: bool) -> bool:
    """Whether words after a verb are a request for help: alone, after an app, or with ``--help`` at the end."""
    if not words.words:
        return False
    last, count = words.words[-1], len(words.words)
    is_last_help = last.text.lower() in HELP_WORDS and last.is_open
    return is_last_help and (count == 1 or (count == 2 and after_app) or last.text.startswith("-"))


class Part(NamedTuple):
    """A value with its word and its ``key``, which is empty for a positional word."""

    name: str
    value: Any
    key: str
    word: Word


class Grammar:
    """The words of one verb: values by position, ``key:value`` options, and ``bare`` words that need no key.

    ``keys`` has each option with its synonyms (``"workflow w"``) and the function that reads its value. ``bare``
    returns the name and value of the option that a word alone stands for.
    """

    def __init__(
        self,
        keys: Mapping[str, Callable[[str], Any]],
        *,
        positional: Sequence[str] = (),
        bare: Callable[[str], tuple[str, Any] | None] = lambda word: None,
        example: str = "",
    ) -> None:
        self.positional, self._bare, self._example = positional, bare, example
        self.names = {key: names.split()[0] for names in keys for key in names.split()}
        self.readers = {names.split()[0]: reader for names, reader in keys.items()}

    def parts(self, words: Words) -> Iterator[Part]:
        """Yield the options, then the positional words for the places that no option fills."""
        positional: list[Word] = []
        named: set[str] = set()
        for word in words.words:
            part = self._option(word) or self._bare_word(word)
            if part is not None:
                named.add(part.name)
                yield part
            elif word.text:
                positional.append(word)
        free = [name for name in self.positional if name not in named]
        if len(positional) > len(free):
            surplus = quote_input(positional[len(free)].text)
            raise ArgumentsUnclear(f"Unexpected {surplus}.", f"Use filters like `{self._example}`.")
        yield from (Part(name, word.text, "", word) for name, word in zip(free, positional, strict=False))

    def _option(self, word: Word) -> Part | None:
        match = None if word.quoted else OPTION.fullmatch(word.text)
        if match is None:
            return None
        key, value = match["key"], match["value"]
        name = self.names.get(key.lower())
        if name is None:
            raise unknown("filter", f"{key}:", self.names)
        if not value:
            raise without_value(key)
        return Part(name, self.readers[name](value), key, word)

    def _bare_word(self, word: Word) -> Part | None:
        option = self._bare(word.text) if word.is_open else None
        return Part(*option, "", word) if option else None


# Errors.


def unknown(kind: str, word: str, names: Iterable[str]) -> ArgumentsUnclear:
    """Return the error for a word that isn't one of the names, with the nearest of them or all."""
    near = nearest(word, names)
    hint = f"Did you mean `{near}`?" if near else f"Use one of {', '.join(f'`{name}`' for name in names)}."
    return ArgumentsUnclear(f"Unknown {kind} {quote_input(word)}.", hint)


def without_value(key: str) -> ArgumentsUnclear:
    return ArgumentsUnclear(f"{quote_input(key.rstrip(':') + ':')} has no value.", "Enter it after the colon.")


# Values.

RESULTS: dict[str, Outcome | State] = {
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


def choice(kind: str, values: Mapping[str, T]) -> Callable[[str], T]:
    """Return a reader of the values by name that raises ArgumentsUnclear for any other word."""

    def read(word: str) -> T:
        if word.lower() not in values:
            raise unknown(kind, word, values)
        return values[word.lower()]

    return read


def one_name(value: str) -> str:
    """Read the name of a workflow or branch for a request to Bitrise. Raises ArgumentsUnclear for a pattern.

    Neither a branch (https://git-scm.com/docs/git-check-ref-format) nor a workflow can have a star in its name.
    """
    if "*" in value:
        problem = f"{quote_input(value)} is a pattern, which only subscriptions take."
        raise ArgumentsUnclear(problem, "Enter the whole name of one branch or workflow.")
    return value
