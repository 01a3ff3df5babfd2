"""Starts in typed text: app, workflow, branch, environment, message; in our words or in Bitrise's pipe syntax. Pure.

The pipe syntax (``workflow: deploy|branch: main|env[K]: v``) is that of Bitrise's own slash command:
https://docs.bitrise.io/en/bitrise-ci/run-and-analyze-builds/triggering-builds-manually.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.bitrise.models import RESERVED_PREFIX
from bot.builds.parameters import Wanted
from bot.fuzzy import nearest
from commands.build_reference import read_page
from commands.grammar import Grammar
from commands.tokenizer import ArgumentsUnclear, Word, Words, quote_input, split

# The one-letter names are Bitrise's, except for p, which it has no word for.
START = Grammar(
    positional=("app", "workflow", "branch"),
    keys={
        "app": str,
        "workflow w": str,
        "pipeline p": str,
        "branch b": str,
        "tag t": str,
        "commit c": str,
        "message m": str,
    },
)
_OPTION = re.compile(r"(?P<key>[A-Za-z][\w-]*)(?:\[(?P<name>[^\]]*)\])?:(?P<value>.*)", re.DOTALL)
_VARIABLE = re.compile(r"(?P<name>[^\s=/:@#]+)=(?P<value>.*)", re.DOTALL)
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_start(words: Words) -> Wanted:
    """Read everything after the command. Raises ArgumentsUnclear."""
    reader = _Reader()
    if segments := _pipe_segments(words) if "|" in words.text else []:
        reader.read_segments(segments, words)
    else:
        reader.read_words(words)
    return reader.finish()


@dataclass(slots=True)
class _Reader:
    """A start while it is being read."""

    words: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def read_words(self, words: Words) -> None:
        index = 0
        while index < len(words.words):
            index = self._read_word(words, index)

    def _read_word(self, words: Words, index: int) -> int:
        """Read one word, and what belongs to it. Returns the index of the next."""
        word = words.words[index]
        if word.quoted:
            self._read_quoted(word, is_first=index == 0)
        elif word.text.startswith("-"):
            raise ArgumentsUnclear(f"I have no option {quote_input(word.text)}.", "Write `branch:main` or `KEY=value`.")
        elif "/" in word.text and (page := read_page(word.text)):
            if page.app is None:
                problem = f"{quote_input(word.text)} is the page of a build."
                raise ArgumentsUnclear(problem, "Write it alone to see that build.")
            self.words.append(page.app)
        elif option := _OPTION.fullmatch(word.text):
            return self._read_option(words, index, option)
        elif variable := _VARIABLE.fullmatch(word.text):
            _check_no_option(variable["name"])
            self.set_variable(variable["name"], variable["value"])
        else:
            self.words.append(word.text)
        return index + 1

    def _read_quoted(self, word: Word, *, is_first: bool) -> None:
        """Quotes hold a message, or at the very start the title of an app."""
        if not word.text.strip():
            return
        if is_first:
            self.words.append(word.text)
        elif "message" in self.options:
            raise ArgumentsUnclear(
                f"There is a second message, {quote_input(word.text)}.",
                "Name a quoted part that is none: `workflow:…`, `branch:…` or `KEY=…`.",
            )
        else:
            self.options["message"] = word.text

    def _read_option(self, words: Words, index: int, option: re.Match[str]) -> int:
        """``key:value``; with a space after the colon the value is the next word, or for free text all the rest."""
        value, after = option["value"], index + 1
        if not value and not words.words[index].value_quoted:
            is_free = option["name"] is not None or START.names.get(option["key"].lower()) == "message"
            if after == len(words.words) or (not is_free and _begins_option(words.words[after])):
                raise ArgumentsUnclear(f"Nothing follows {quote_input(option[0])}.", "Write its value after the colon.")
            following = words.words[after]
            takes_all = is_free and not following.quoted
            value, after = (words.tail(after), len(words.words)) if takes_all else (following.text, after + 1)
        self.set_option(option["key"], option["name"], value)
        return after

    def read_segments(self, segments: list[str], words: Words) -> None:
        """Read by Bitrise's rules: cut at each pipe and the first colon, no quotes; a long name beats its letter."""
        first = _FIRST_PAIR.fullmatch(segments[0])
        if first is not None and first["front"].strip():
            self.read_words(Words(first["front"], split(first["front"]), words.mentions))
        pairs = [first, *map(_pair, segments[1:])]
        for pair in sorted(filter(None, pairs), key=lambda pair: len(pair["key"]) > 1):
            value = pair["value"].strip()
            if value or pair["name"] is not None or pair["key"].lower() not in START.names:
                self.set_option(pair["key"], pair["name"], value)

    def set_option(self, key: str, name: str | None, value: str) -> None:
        if name is not None and key.lower() == "env":
            self.set_variable(name.strip(), value)
        elif name is None and key.lower() in START.names:
            self.options[START.names[key.lower()]] = value
        else:
            raise _unknown(key if name is None else f"{key}[{name}]", value)

    def set_variable(self, name: str, value: str) -> None:
        if not _VARIABLE_NAME.fullmatch(name):
            raise ArgumentsUnclear(
                f"{quote_input(name)} cannot be the name of an environment variable.",
                "Names have letters, digits and underscores, and do not begin with a digit.",
            )
        if name.upper().startswith(RESERVED_PREFIX):
            problem = f"names that begin with {RESERVED_PREFIX} are kept for the bot itself."
            raise ArgumentsUnclear(f"{quote_input(name)} cannot be set: {problem}", "Choose another name.")
        self.environment[name] = value

    def finish(self) -> Wanted:
        options = {name: value for name, value in self.options.items() if value}
        if "workflow" in options and "pipeline" in options:
            raise ArgumentsUnclear("There is a workflow and a pipeline.", "A build runs one of them: leave one out.")
        room = 3 - ("app" in options) - ("workflow" in options or "pipeline" in options) - ("branch" in options)
        if len(self.words) > room:
            raise ArgumentsUnclear(
                f"I do not know what {quote_input(self.words[room])} is: app, workflow and branch are already there.",
                'Put a build message in quotes, like `"try the new login"`, and check that each quote is closed.',
            )
        return Wanted(words=tuple(self.words), environment=tuple(self.environment.items()), **options)


def _begins_option(word: Word) -> bool:
    """Whether a word is an option or variable of its own, and no value of the option before."""
    option = None if word.quoted else _OPTION.fullmatch(word.text)
    is_option = option is not None and (option["key"].lower() in START.names or option["name"] is not None)
    return is_option or (not word.quoted and _VARIABLE.fullmatch(word.text) is not None)


def _check_no_option(name: str) -> None:
    """Refuse a variable where an option is meant as well, as in ``branch=main``."""
    if len(name) > 1 and name in START.names:
        raise ArgumentsUnclear(
            f"{quote_input(f'{name}=')} would set an environment variable.",
            f"If you mean the {name}, write `{name}:…` with a colon; a variable of that name is `env[{name}]:…`.",
        )


def _unknown(key: str, value: str) -> ArgumentsUnclear:
    if value.startswith("//"):
        problem = f"{quote_input(f'{key}:{value}')} is no page of Bitrise that I know."
        return ArgumentsUnclear(problem, "Paste the address of a build or an app.")
    meant = nearest(key, [name for name in START.names if len(name) > 1])
    options = "`app`, `workflow`, `pipeline`, `branch`, `tag`, `commit`, `message` and `env[NAME]`"
    return ArgumentsUnclear(
        f"I do not know {quote_input(key + ':')}.", f"Did you mean `{meant}:`?" if meant else f"What I know: {options}."
    )


# Bitrise's pipe syntax.

# The first ``key: value`` with the words before it (``shop workflow: deploy``).
_FIRST_PAIR = re.compile(
    r"(?P<front>(?:[^:|]*\s)?)(?P<key>[A-Za-z][\w-]*)(?:\s*\[(?P<name>[^\]:]*)\])?(?P<before>\s*):(?P<value>.*)",
    re.DOTALL,
)


def _pipe_segments(words: Words) -> list[str]:
    """The parts between pipes when the text is in Bitrise's syntax, else nothing."""
    if not any("|" in word.text and word.is_open for word in words.words):
        return []
    segments = [segment for segment in words.tail().split("|") if segment.strip()]
    first = _FIRST_PAIR.fullmatch(segments[0]) if segments else None
    if first is None:
        return []
    # `shop branch:main FILTER=a|b` has a pipe too. Bitrise's syntax has a free colon, or one in every part.
    is_loose = bool(first["before"]) or first["value"][:1].isspace()
    return segments if is_loose or all(map(_OPTION.match, map(str.strip, segments))) else []


def _pair(segment: str) -> re.Match[str]:
    pair = _FIRST_PAIR.fullmatch(segment.strip())
    if pair is None or pair["front"]:
        problem = f"I cannot read {quote_input(segment.strip())} between the pipes."
        raise ArgumentsUnclear(problem, "Each part is `name: value`, like `branch: main`.")
    return pair
