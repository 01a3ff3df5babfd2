"""The text of a start: app, workflow, branch, environment and message, also in Bitrise's pipe syntax. Pure.

The pipe syntax (``workflow: deploy|branch: main|env[K]: v``) is that of Bitrise's own slash command:
https://docs.bitrise.io/en/bitrise-ci/run-and-analyze-builds/triggering-builds-manually.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from bot.bitrise.models import RESERVED_PREFIX
from bot.builds.parameters import StartRequest
from bot.fuzzy import nearest
from commands.build_reference import read_page
from commands.grammar import Grammar
from commands.tokenizer import ArgumentsUnclear, Word, Words, quote_input, split

# The one-letter names are Bitrise's, except for p, which it has no word for.
GRAMMAR = Grammar(
    positional=("app", "workflow", "branch"),
    keys=dict.fromkeys(("app", "workflow w", "pipeline p", "branch b", "tag t", "commit c", "message m"), str),
)
_OPTION = re.compile(r"(?P<key>[A-Za-z][\w-]*)(?:\[(?P<name>[^\]]*)\])?:(?P<value>.*)", re.DOTALL)
_VARIABLE = re.compile(r"(?P<name>[^\s=/:@#]+)=(?P<value>.*)", re.DOTALL)
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_start(words: Words) -> StartRequest:
    """Read everything after the command. Raises ArgumentsUnclear."""
    reader = _Reader(_read_pipes(words) if "|" in words.text else words)
    index = 0
    while index < len(reader.words.words):
        index = reader.read_word(index)
    return reader.finish()


@dataclass(slots=True)
class _Reader:
    """A start while its words are being read. ``quoted_at`` is the number of words before a message in quotes."""

    words: Words
    positional: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    quoted_at: int | None = None

    def read_word(self, index: int) -> int:
        """Read one word with what belongs to it. Returns the index of the next."""
        word = self.words.words[index]
        if word.quoted:
            self._read_quoted(word, is_first=index == 0)
        elif word.text.startswith("-"):
            raise ArgumentsUnclear(f"I have no option {quote_input(word.text)}.", "Write `branch:main` or `KEY=value`.")
        elif "/" in word.text and not word.value_quoted and (page := read_page(word.text)):
            if page.app is None:
                problem = f"{quote_input(word.text)} is the page of a build."
                raise ArgumentsUnclear(problem, "Write it alone to see that build.")
            self.positional.append(page.app)
        elif option := _OPTION.fullmatch(word.text):
            return self._read_option(index, option)
        elif variable := _VARIABLE.fullmatch(word.text):
            if len(variable["name"]) > 1 and variable["name"] in GRAMMAR.names:
                raise _option_as_variable(variable["name"])
            self._set_variable(variable["name"], variable["value"])
        else:
            self.positional.append(word.text)
        return index + 1

    def _read_quoted(self, word: Word, *, is_first: bool) -> None:
        """Quotes hold a message, or at the very start the title of an app."""
        if not word.text.strip():
            return
        if is_first:
            self.positional.append(word.text)
        elif "message" in self.options:
            raise ArgumentsUnclear(
                f"There is a second message, {quote_input(word.text)}.",
                "Name a quoted part that is none: `workflow:…`, `branch:…` or `KEY=…`.",
            )
        else:
            self.options["message"] = word.text
            self.quoted_at = None if re.search(r"\s", word.text) else len(self.positional)

    def _read_option(self, index: int, option: re.Match[str]) -> int:
        """``key:value``; with a space after the colon the value is the next word, or for free text all the rest."""
        key, name, value = option.group("key", "name", "value")
        left = self.words.words[index + 1 :]
        if not value and not self.words.words[index].value_quoted:
            is_free = name is not None or GRAMMAR.names.get(key.lower()) == "message"
            if not left or (not is_free and _begins_option(left[0])):
                raise ArgumentsUnclear(f"Nothing follows {quote_input(option[0])}.", "Write its value after the colon.")
            takes_all = is_free and not left[0].quoted
            value, left = (self.words.tail(index + 1), ()) if takes_all else (left[0].text, left[1:])
        if name is not None and key.lower() == "env":
            self._set_variable(name.strip(), value)
        elif name is None and key.lower() in GRAMMAR.names:
            self.options[GRAMMAR.names[key.lower()]] = value
        else:
            raise _unknown(key if name is None else f"{key}[{name}]", value)
        return len(self.words.words) - len(left)

    def _set_variable(self, name: str, value: str) -> None:
        if not _VARIABLE_NAME.fullmatch(name):
            raise ArgumentsUnclear(
                f"{quote_input(name)} cannot be the name of an environment variable.",
                "Names have letters, digits and underscores, and do not begin with a digit.",
            )
        if name.upper().startswith(RESERVED_PREFIX):
            problem = f"names that begin with {RESERVED_PREFIX} are kept for the bot itself."
            raise ArgumentsUnclear(f"{quote_input(name)} cannot be set: {problem}", "Choose another name.")
        self.environment[name] = value

    def finish(self) -> StartRequest:
        options: dict[str, Any] = {name: value for name, value in self.options.items() if value}
        if "workflow" in options and "pipeline" in options:
            raise ArgumentsUnclear("There is a workflow and a pipeline.", "A build runs one of them: leave one out.")
        taken = {"workflow" if name == "pipeline" else name for name in options}
        room = len([name for name in GRAMMAR.positional if name not in taken])
        if len(self.positional) > room:
            unknown = quote_input(self.positional[room])
            raise ArgumentsUnclear(
                f"I do not know what {unknown} is: app, workflow and branch are already there.",
                'Put a build message in quotes, like `"try the new login"`, and check that each quote is closed.',
            )
        environment, quoted_at = tuple(self.environment.items()), self.quoted_at
        return StartRequest(words=tuple(self.positional), environment=environment, quoted_at=quoted_at, **options)


def _begins_option(word: Word) -> bool:
    """Whether a word is an option or variable of its own, and not the value of the option before."""
    option = None if word.quoted else _OPTION.fullmatch(word.text)
    is_option = option is not None and (option["key"].lower() in GRAMMAR.names or option["name"] is not None)
    return is_option or (not word.quoted and _VARIABLE.fullmatch(word.text) is not None)


def _option_as_variable(name: str) -> ArgumentsUnclear:
    """The error for ``branch=main``."""
    return ArgumentsUnclear(
        f"{quote_input(f'{name}=')} would set an environment variable.",
        f"If you mean the {name}, write `{name}:…` with a colon; a variable of that name is `env[{name}]:…`.",
    )


def _unknown(key: str, value: str) -> ArgumentsUnclear:
    if value.startswith("//"):
        problem = f"{quote_input(f'{key}:{value}')} is no page of Bitrise that I know."
        return ArgumentsUnclear(problem, "Paste the address of a build or an app.")
    meant = nearest(key, [name for name in GRAMMAR.names if len(name) > 1])
    options = "`app`, `workflow`, `pipeline`, `branch`, `tag`, `commit`, `message` and `env[NAME]`"
    hint = f"Did you mean `{meant}:`?" if meant else f"What I know: {options}."
    return ArgumentsUnclear(f"I do not know {quote_input(key + ':')}.", hint)


# Bitrise's pipe syntax.

# The first ``key: value`` with the words before it (``shop workflow: deploy``).
_PAIR = re.compile(
    r"(?P<front>(?:[^:|]*\s)?)(?P<key>[A-Za-z][\w-]*)(?:\s*\[(?P<name>[^\]:]*)\])?(?P<before>\s*):(?P<value>.*)",
    re.DOTALL,
)


def _read_pipes(words: Words) -> Words:
    """Return text in pipe syntax as words with one option each, and any other text as it is.

    Bitrise's rules: cut at each pipe and then at the first colon; no quotes; a long name beats its letter.
    """
    segments = [segment for segment in words.tail().split("|") if segment.strip()]
    first = _PAIR.fullmatch(segments[0]) if segments else None
    if first is None or not any("|" in word.text and word.is_open for word in words.words):
        return words
    # `shop branch:main FILTER=a|b` has a pipe too. Bitrise's syntax has a free colon, or one in every part.
    is_loose = bool(first["before"]) or first["value"][:1].isspace()
    if not is_loose and not all(_OPTION.match(segment.strip()) for segment in segments):
        return words
    pairs = [first, *map(_read_pair, segments[1:])]
    options = []
    for pair in sorted(pairs, key=lambda pair: len(pair["key"]) > 1):
        key, value = pair["key"] + (f"[{pair['name']}]" if pair["name"] is not None else ""), pair["value"].strip()
        if value or key.lower() not in GRAMMAR.names:
            options.append(Word(f"{key}:{value}", 0, value_quoted=True))
    front = split(first["front"])
    if words.words[0].quoted:  # the name of an app, which may be several words joined
        end = words.words[0].start + len(first["front"])
        front = tuple(word for word in words.words if word.start < end)
    return Words(first["front"], (*front, *options), words.mentions)


def _read_pair(segment: str) -> re.Match[str]:
    pair = _PAIR.fullmatch(segment.strip())
    if pair is None or pair["front"]:
        problem = f"I cannot read {quote_input(segment.strip())} between the pipes."
        raise ArgumentsUnclear(problem, "Each part is `name: value`, like `branch: main`.")
    return pair
