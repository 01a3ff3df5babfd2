"""Read the text of a start: app, workflow, branch, environment and message, also in Bitrise's pipe syntax. Pure.

The pipe syntax (``workflow: deploy|branch: main|env[K]: v``) is that of Bitrise's own slash command:
https://docs.bitrise.io/en/bitrise-ci/run-and-analyze-builds/triggering-builds-manually.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from bot.bitrise.models import RESERVED_PREFIX
from bot.builds.start import TRIGGER_MAP, quote_argument
from bot.errors import Suggestion
from bot.fuzzy import nearest
from bot.slack.text import escape
from commands.build_reference import read_page
from commands.grammar import START, Grammar, without_value
from commands.tokenizer import ArgumentsUnclear, Word, Words, quote_input, split

# The one-letter names are Bitrise's, except for p, which it has no word for.
GRAMMAR = Grammar(
    positional=("app", "workflow", "branch"),
    keys=dict.fromkeys(("app", "workflow w", "pipeline p", "branch b", "tag t", "commit c", "message m"), str),
)
_OPTION = re.compile(r"(?P<key>[A-Za-z][\w-]*)(?:\[(?P<name>[^\]]*)\])?:(?P<value>.*)", re.DOTALL)
_VARIABLE = re.compile(r"(?P<name>[^\s=/:@#]+)=(?P<value>.*)", re.DOTALL)
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class TypedStart:
    """A start as typed. ``words`` are unnamed, in the order app, workflow, branch; None is a gap.

    The values of the environment may be secret, so they aren't in the repr.
    """

    words: tuple[str, ...] = ()
    app: str | None = None
    workflow: str | None = None
    pipeline: str | None = None
    branch: str | None = None
    tag: str | None = None
    commit: str | None = None
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    message: str | None = None
    quoted_at: int | None = None
    """The number of words before a message that is one word in quotes, without a key: it may be a name."""
    uses_trigger_map: bool = False

    @property
    def has_target(self) -> bool:
        return self.workflow is not None or self.pipeline is not None or self.uses_trigger_map

    @property
    def has_code(self) -> bool:
        return self.branch is not None or self.tag is not None or self.commit is not None


def read_start(words: Words) -> TypedStart:
    """Read everything after the verb. Raises ArgumentsUnclear."""
    reader = _Reader(_read_pipes(words) if "|" in words.text else words)
    index = 0
    while index < len(reader.words.words):
        index = reader.read_word(index)
    return reader.finish()


@dataclass(slots=True)
class _Reader:
    """A start while its words are being read. ``places`` has the word of each option and variable.

    ``quoted_at`` is the number of words before a message in quotes.
    """

    words: Words
    positional: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    quoted_at: int | None = None
    uses_trigger_map: bool = False

    def read_word(self, index: int) -> int:
        """Read one word with what belongs to it. Returns the index of the next."""
        word = self.words.words[index]
        if word.quoted:
            self._read_quoted(word, is_first=index == 0)
        elif word.text.startswith("-"):
            raise ArgumentsUnclear(
                f"{quote_input(word.text)} isn't an option: options don't use dashes.",
                "Try `branch:main`, or `FLAVOR=beta` for a variable.",
            )
        elif "/" in word.text and not word.value_quoted and (page := read_page(word.text)):
            if page.app is None:
                problem = f"{quote_input(word.text)} is a link to a build."
                raise ArgumentsUnclear(problem, "Enter it alone to see that build.")
            self.positional.append(page.app)
        elif option := _OPTION.fullmatch(word.text):
            return self._read_option(index, option)
        elif variable := _VARIABLE.fullmatch(word.text):
            if len(variable["name"]) > 1 and variable["name"] in GRAMMAR.names:
                raise _option_as_variable(variable["name"])
            self._set_variable(variable["name"], variable["value"], index)
        elif word.text.lower() == TRIGGER_MAP:
            self.uses_trigger_map = True
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
            something = quote_input(f'branch:"{word.text}"')
            raise ArgumentsUnclear(
                f"Unexpected {quote_input(word.text)}: the build has a message.",
                f"If it is something else, name it: {something}.",
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
                raise without_value(option[0])
            takes_all = is_free and not left[0].quoted
            value, left = (self.words.tail(index + 1), ()) if takes_all else (left[0].text, left[1:])
        if name is not None and key.lower() == "env":
            self._set_variable(name.strip(), value, index)
        elif name is None and key.lower() in GRAMMAR.names:
            self._set_option(GRAMMAR.names[key.lower()], value, index)
        else:
            raise _unknown(key if name is None else f"{key}[{name}]", value)
        return len(self.words.words) - len(left)

    def _set_option(self, name: str, value: str, index: int) -> None:
        if self.options.get(name):
            raise self._twice(name, f"{name}:", index)
        self.options[name] = value
        self.places[name] = index
        word, following = self.words.words[index], self.words.words[index + 1 : index + 2]
        if name == "message" and value and word.text.endswith(value) and word.is_open and self.positional:
            if following and following[0].is_open and not _begins_option(following[0]):
                raise self._unquoted_message(index)

    def _set_variable(self, name: str, value: str, index: int) -> None:
        if not _VARIABLE_NAME.fullmatch(name):
            raise ArgumentsUnclear(
                f"{quote_input(name)} isn't a valid variable name.",
                "Use letters, digits and underscores, without a digit at the beginning.",
            )
        if name.upper().startswith(RESERVED_PREFIX):
            problem = f"{quote_input(name)} can't be set: names starting with {RESERVED_PREFIX} are reserved."
            raise ArgumentsUnclear(problem, "Choose another name.")
        if name in self.environment:
            raise self._twice(f"={name}", name, index)
        self.environment[name] = value
        self.places[f"={name}"] = index

    def _twice(self, place: str, label: str, index: int) -> ArgumentsUnclear:
        """The error for an option or variable that is given twice, with the command without the first of them."""
        words, first = self.words.words, self.places.get(place, index)
        problem = f"{quote_input(label)} is given twice."
        if first >= index or words[first + 1].start <= words[first].start:  # the pipe syntax
            return ArgumentsUnclear(problem, "Remove one of them.")
        command = self.words.text[words[0].start : words[first].start] + self.words.text[words[first + 1].start :]
        return _corrected(problem, "Keep one", command)

    def _unquoted_message(self, index: int) -> ArgumentsUnclear:
        """The error for ``message:try the login``, with the command in which all of it is the message."""
        words, text = self.words.words, self.words.text
        end = index + 1
        while end < len(words) and words[end].is_open and not _begins_option(words[end]):
            end += 1
        rest = text[words[end].start :] if end < len(words) else ""
        message = text[words[index].start : len(text) - len(rest)].partition(":")[2].strip()
        command = f"{text[words[0].start : words[index].start]}message:{quote_argument(message)} {rest}"
        return _corrected("A message of several words needs quotes.", "Use", command.strip())

    def finish(self) -> TypedStart:
        options: dict[str, Any] = {name: value for name, value in self.options.items() if value}
        if len(options.keys() & {"workflow", "pipeline"}) + self.uses_trigger_map > 1:
            hint = "Remove the word `trigger-map`, or the name." if self.uses_trigger_map else "Remove one of them."
            raise ArgumentsUnclear("A build runs either a workflow or a pipeline.", hint)
        if "tag" in options and "branch" in options:
            raise ArgumentsUnclear(
                "A build runs either a branch or a tag.",
                f"Keep one: {quote_input('branch:' + options['branch'])} or {quote_input('tag:' + options['tag'])}.",
            )
        return TypedStart(
            tuple(self.positional),
            environment=tuple(self.environment.items()),
            quoted_at=self.quoted_at,
            uses_trigger_map=self.uses_trigger_map,
            **options,
        )


def _corrected(problem: str, advice: str, command: str) -> ArgumentsUnclear:
    suggestion = Suggestion("Start this", escape(f"{START} {command}"))
    return ArgumentsUnclear(problem, f"{advice}: {quote_input(command, 200)}", suggestions=(suggestion,))


def _begins_option(word: Word) -> bool:
    """Whether a word is an option or variable of its own, and not the value of the option before."""
    option = None if word.quoted else _OPTION.fullmatch(word.text)
    is_option = option is not None and (option["key"].lower() in GRAMMAR.names or option["name"] is not None)
    return is_option or (not word.quoted and _VARIABLE.fullmatch(word.text) is not None)


def _option_as_variable(name: str) -> ArgumentsUnclear:
    """The error for ``branch=main``."""
    return ArgumentsUnclear(
        f"{quote_input(f'{name}=')} sets an environment variable.",
        f"For the {name}, use a colon: `{name}:…`. For a variable of that name, use `env[{name}]:…`.",
    )


def _unknown(key: str, value: str) -> ArgumentsUnclear:
    if value.startswith("//"):
        problem = f"{quote_input(f'{key}:{value}')} isn't a Bitrise link."
        return ArgumentsUnclear(problem, "Paste a link to a build or an app.")
    meant = nearest(key, [name for name in GRAMMAR.names if len(name) > 1])
    options = "`app`, `workflow`, `pipeline`, `branch`, `tag`, `commit`, `message` and `env[NAME]`"
    hint = f"Did you mean `{meant}:`?" if meant else f"Use one of {options}."
    return ArgumentsUnclear(f"Unknown option {quote_input(key + ':')}.", hint)


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
    long = {pair["key"].lower() for pair in pairs if pair["value"].strip()}
    for pair in pairs:
        key, value = pair["key"] + (f"[{pair['name']}]" if pair["name"] is not None else ""), pair["value"].strip()
        is_beaten = len(key) == 1 and GRAMMAR.names.get(key.lower()) in long
        if (value or key.lower() not in GRAMMAR.names) and not is_beaten:
            options.append(Word(f"{key}:{value}", 0, value_quoted=True))
    front = split(first["front"])
    if words.words[0].quoted:  # the name of an app, which may be several words joined
        end = words.words[0].start + len(first["front"])
        front = tuple(word for word in words.words if word.start < end)
    return Words(first["front"], (*front, *options), words.mentions)


def _read_pair(segment: str) -> re.Match[str]:
    pair = _PAIR.fullmatch(segment.strip())
    if pair is None or pair["front"]:
        problem = f"{quote_input(segment.strip())} isn't an option."
        raise ArgumentsUnclear(problem, "Between pipes use `name: value`, like `branch: main`.")
    return pair
