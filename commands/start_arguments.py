"""What a start says: app, workflow, branch, environment, message; in our words or in Bitrise's own pipe syntax.

Pure. The pipe syntax (``workflow: deploy|branch: main|env[K]: v``) is that of Bitrise's own slash command:
https://docs.bitrise.io/en/bitrise-ci/run-and-analyze-builds/triggering-builds-manually.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.bitrise.models import RESERVED_PREFIX
from bot.fuzzy import nearest
from commands.build_reference import bitrise_page
from commands.synonyms import no_part
from commands.tokenizer import ArgumentsUnclear, Word, Words, read, shown, split

# How a part may be named; the one-letter names are Bitrise's (but for p, which it has no word for).
KEYS = {
    "app": "app",
    "workflow": "workflow",
    "w": "workflow",
    "pipeline": "pipeline",
    "p": "pipeline",
    "branch": "branch",
    "b": "branch",
    "tag": "tag",
    "t": "tag",
    "commit": "commit",
    "c": "commit",
    "message": "message",
    "m": "message",
}
_KEYED = re.compile(r"(?P<key>[A-Za-z][\w-]*)(?:\[(?P<name>[^\]]*)\])?:(?P<value>.*)", re.DOTALL)
_ASSIGNED = re.compile(r"(?P<name>[^\s=/:@#]+)=(?P<value>.*)", re.DOTALL)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class StartArguments:
    """A start as it was typed. ``words`` are app, workflow or pipeline, and branch in this order, not yet looked up."""

    words: tuple[str, ...] = ()
    app: str | None = None
    workflow: str | None = None
    pipeline: str | None = None
    branch: str | None = None
    tag: str | None = None
    commit: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    message: str | None = None

    def _free_places(self) -> list[str]:
        places = {"app": self.app, "workflow": self.workflow or self.pipeline, "branch": self.branch}
        return [place for place, given in places.items() if given is None]


def parse_start(text: str | Words) -> StartArguments:
    """Read everything after the command. Raises ArgumentsUnclear."""
    words = read(text)
    draft = _Draft()
    if segments := _pipe_segments(words):
        draft.take_pipe(segments, words)
    else:
        draft.take_words(words)
    return draft.arguments()


@dataclass(slots=True)
class _Draft:
    """A start while it is being read."""

    words: list[str] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def take_words(self, words: Words) -> None:
        index = 0
        while index < len(words.words):
            index = self._take(words, index)

    def _take(self, words: Words, index: int) -> int:
        """Read one word, and what belongs to it; the index of the next."""
        word = words.words[index]
        if word.quoted:
            self._take_quoted(word, is_first=index == 0)
        elif word.text.startswith("-"):
            raise ArgumentsUnclear(f"I have no option {shown(word.text)}.", "Write `branch:main` or `KEY=value`.")
        elif page := bitrise_page(word.text):
            self._take_page(word, page.app)
        elif keyed := _KEYED.fullmatch(word.text):
            return self._take_keyed(words, index, keyed)
        elif assigned := _ASSIGNED.fullmatch(word.text):
            self.set_variable(no_part(assigned["name"], KEYS), assigned["value"])
        else:
            self.words.append(word.text)
        return index + 1

    def _take_quoted(self, word: Word, *, is_first: bool) -> None:
        """Quotes hold a message, or at the very start the title of an app."""
        if not word.text.strip():
            return
        if is_first:
            self.words.append(word.text)
        elif "message" in self.parts:
            raise ArgumentsUnclear(
                f"There is a second message, {shown(word.text)}.",
                "Name a quoted part that is none: `workflow:…`, `branch:…` or `KEY=…`.",
            )
        else:
            self.parts["message"] = word.text

    def _take_page(self, word: Word, app: str | None) -> None:
        if app is None:
            raise ArgumentsUnclear(f"{shown(word.text)} is the page of a build.", "Write it alone to see that build.")
        self.words.append(app)

    def _take_keyed(self, words: Words, index: int, keyed: re.Match[str]) -> int:
        """``key:value``; with a space after the colon the value is the next word, or for free text all the rest."""
        value, after = keyed["value"], index + 1
        if not value and not words.words[index].value_quoted:
            is_free = keyed["name"] is not None or KEYS.get(keyed["key"].lower()) == "message"
            if after == len(words.words) or (not is_free and _names_part(words.words[after])):
                raise ArgumentsUnclear(f"Nothing follows {shown(keyed[0])}.", "Write its value after the colon.")
            following = words.words[after]
            takes_all = is_free and not following.quoted
            value, after = (words.tail(after), len(words.words)) if takes_all else (following.text, after + 1)
        self.set_part(keyed["key"], keyed["name"], value)
        return after

    def take_pipe(self, segments: list[str], words: Words) -> None:
        """Bitrise's rules: cut at each pipe, then at the first colon; no quotes; a long name beats its letter."""
        front = _FIRST_PAIR.fullmatch(segments[0])
        if front is not None and front["front"].strip():
            self.take_words(Words(front["front"], split(front["front"]), words.mentions))
        pairs = [front, *map(_pair, segments[1:])]
        for pair in sorted(filter(None, pairs), key=lambda pair: len(pair["key"]) > 1):
            value = pair["value"].strip()
            if value or pair["name"] is not None or pair["key"].lower() not in KEYS:
                self.set_part(pair["key"], pair["name"], value)

    def set_part(self, key: str, name: str | None, value: str) -> None:
        if name is not None and key.lower() == "env":
            self.set_variable(name.strip(), value)
        elif name is None and key.lower() in KEYS:
            self.parts[KEYS[key.lower()]] = value
        else:
            raise _unknown_part(key if name is None else f"{key}[{name}]", value)

    def set_variable(self, name: str, value: str) -> None:
        if not _VARIABLE.fullmatch(name):
            raise ArgumentsUnclear(
                f"{shown(name)} cannot be the name of an environment variable.",
                "Names have letters, digits and underscores, and do not begin with a digit.",
            )
        if name.upper().startswith(RESERVED_PREFIX):
            raise ArgumentsUnclear(
                f"{shown(name)} cannot be set: names that begin with {RESERVED_PREFIX} are kept for the bot itself.",
                "Choose another name.",
            )
        self.environment[name] = value

    def arguments(self) -> StartArguments:
        parts = {key: value for key, value in self.parts.items() if value}
        arguments = StartArguments(
            words=tuple(self.words), environment=tuple(self.environment.items()), **_checked(parts)
        )
        room = len(arguments._free_places())
        if len(arguments.words) > room:
            raise ArgumentsUnclear(
                f"I do not know what {shown(arguments.words[room])} is: app, workflow and branch are already there.",
                'Put a build message in quotes, like `"try the new login"`, and check that each quote is closed.',
            )
        return arguments


def _checked(parts: dict[str, str]) -> dict[str, str]:
    if "workflow" in parts and "pipeline" in parts:
        raise ArgumentsUnclear("There is a workflow and a pipeline.", "A build runs one of them: leave one out.")
    return parts


def _unknown_part(key: str, value: str) -> ArgumentsUnclear:
    if value.startswith("//"):
        return ArgumentsUnclear(
            f"{shown(f'{key}:{value}')} is no page of Bitrise that I know.", "Paste the address of a build or an app."
        )
    meant = nearest(key, [known for known in KEYS if len(known) > 1])
    known = "`app`, `workflow`, `pipeline`, `branch`, `tag`, `commit`, `message` and `env[NAME]`"
    hint = f"Did you mean `{meant}:`?" if meant else f"What I know: {known}."
    return ArgumentsUnclear(f"I do not know {shown(key + ':')}.", hint)


def _names_part(word: Word) -> bool:
    """Whether a word begins with the name of a part or variable, so that it is no value of the one before."""
    keyed = _KEYED.fullmatch(word.text)
    is_named = keyed is not None and (keyed["key"].lower() in KEYS or keyed["name"] is not None)
    return not word.quoted and (is_named or _ASSIGNED.fullmatch(word.text) is not None)


# Bitrise's pipe syntax.

# The first ``key: value`` with what may stand before it (``shop workflow: deploy``).
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
    return segments if is_loose or all(map(_KEYED.match, map(str.strip, segments))) else []


def _pair(segment: str) -> re.Match[str]:
    pair = _FIRST_PAIR.fullmatch(segment.strip())
    if pair is None or pair["front"]:
        raise ArgumentsUnclear(
            f"I cannot read {shown(segment.strip())} between the pipes.",
            "Each part is `name: value`, like `branch: main`.",
        )
    return pair
