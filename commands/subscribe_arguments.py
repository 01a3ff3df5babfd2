"""What a channel wants to hear: the app, the filters, the style, and whether starts are told. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.domain.abort_reasons import Reason
from bot.domain.builds import Outcome
from bot.notifications.filters import EXCLUDES, MAX_PATTERN_CHARACTERS, MAX_PATTERNS, Filters, matches
from commands.synonyms import CAUSES, ENDS, one_of, unknown
from commands.tokenizer import ArgumentsUnclear, Word, Words, read, shown
from storage.subscriptions import CHANGES

ALL_APPS = "*"


@dataclass(frozen=True, slots=True)
class SubscribeArguments:
    """``app`` is None when none was said, and ALL_APPS for all; ``style`` is one of STYLES; None is "not said"."""

    app: str | None = None
    filters: Filters = field(default_factory=Filters)
    style: str | None = None
    starts: bool | None = None


@dataclass(frozen=True, slots=True)
class UnsubscribeArguments:
    """``app`` is None when none was said: then it is about everything this channel hears."""

    app: str | None = None
    filters: Filters = field(default_factory=Filters)


STYLES = ("card", "line", "thread", CHANGES)

_KEYED = re.compile(r"(?P<mark>!?)(?P<key>[A-Za-z][\w-]*):(?P<value>.*)", re.DOTALL)
_KEYS = {
    "app": "app",
    "workflow": "workflow",
    "w": "workflow",
    "pipeline": "workflow",
    "p": "workflow",
    "branch": "branch",
    "b": "branch",
    "tag": "tag",
    "t": "tag",
    "outcome": "outcome",
    "state": "outcome",
    "status": "outcome",
    "cause": "cause",
    "by": "by",
    "reason": "reason",
    "style": "style",
    "starts": "starts",
}
_STYLES = {
    **{style: style for style in STYLES},
    **dict.fromkeys(("cards", "full"), "card"),
    **dict.fromkeys(("lines", "one-line", "short"), "line"),
    **dict.fromkeys(("threads", "branch", "per-branch"), "thread"),
    **dict.fromkeys(("change", "changed", "only-changes"), CHANGES),
}
_STARTS = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}
_BARE_STARTS = {"starts": True, "no-starts": False, "nostarts": False}
_OUTCOMES = {word: end for word, end in ENDS.items() if isinstance(end, Outcome)}
_KNOWN: Mapping[str, Mapping[str, str]] = {
    "outcome": _OUTCOMES,
    "cause": CAUSES,
    "reason": {reason.value: reason for reason in Reason},
}
_USER_ID = re.compile(r"@[UW][A-Z0-9]+")


def parse_subscribe(text: str | Words) -> SubscribeArguments:
    """``shop deploy,release-* main failed by:@ana style:line starts``. Raises ArgumentsUnclear.

    Words without a key are the app (``all`` for all of them), workflows and branches, in this order, as far as those
    were not named; outcomes and ``starts`` stand anywhere. A list is separated by commas, or its key is said again; a
    value in quotes is one pattern.
    """
    words = read(text)
    arguments, loose = SubscribeArguments(), list[Word]()
    for word in words.words:
        keyed = None if word.quoted else _KEYED.fullmatch(word.text)
        if keyed:
            arguments = _with_keyed(arguments, keyed, word, words)
        elif (known := _with_known(arguments, word, words)) is not None:
            arguments = known
        elif word.text:
            loose.append(word)
    return _placed(arguments, loose, words)


def parse_unsubscribe(text: str | Words) -> UnsubscribeArguments:
    """``shop``, nothing, or all that was typed to subscribe: its style and starts are read past."""
    arguments = parse_subscribe(text)
    return UnsubscribeArguments(arguments.app, arguments.filters)


# Words.


def _with_keyed(arguments: SubscribeArguments, keyed: re.Match[str], word: Word, words: Words) -> SubscribeArguments:
    key, value = keyed["key"], keyed["value"]
    name = _KEYS.get(key.lower())
    if name is None:
        raise unknown("filter", f"{key}:", _KEYS)
    if keyed["mark"]:
        raise ArgumentsUnclear(
            "An exclamation mark excludes a value.", f"Write it after the key: {shown(f'{key}:!…')}."
        )
    if not value:
        raise ArgumentsUnclear(f"{shown(f'{key}:')} has no value.", "Write it behind the colon, without a space.")
    match name:
        case "app":
            return replace(arguments, app=_app(value, word))
        case "style":
            return replace(arguments, style=one_of("style", value, _STYLES))
        case "starts":
            return replace(arguments, starts=one_of("setting of starts", value, _STARTS))
        case _:
            return _with_patterns(arguments, name, _listed(key, value, word, words), words)


def _with_known(arguments: SubscribeArguments, word: Word, words: Words) -> SubscribeArguments | None:
    """With a word that needs no key, ``starts`` or outcomes; None when it is another."""
    said = word.text.lower()
    if not word.is_open:
        return None
    if said in _BARE_STARTS:
        return replace(arguments, starts=_BARE_STARTS[said])
    parts = [part for part in said.split(",") if part]
    if parts and all(part.removeprefix(EXCLUDES) in ENDS for part in parts):
        return _with_patterns(arguments, "outcome", parts, words)
    return None


def _placed(arguments: SubscribeArguments, loose: Sequence[Word], words: Words) -> SubscribeArguments:
    taken = {"app": arguments.app, "workflow": arguments.filters.workflow, "branch": arguments.filters.branch}
    places = [place for place, given in taken.items() if not given]
    if len(loose) > len(places):
        raise ArgumentsUnclear(
            f"I do not know what {shown(loose[len(places)].text)} is.",
            "Write filters as `workflow:deploy,release-* branch:main outcome:failed`.",
        )
    for place, word in zip(places, loose, strict=False):
        if place == "app":
            arguments = replace(arguments, app=_app(word.text, word))
        else:
            arguments = _with_patterns(arguments, place, _listed(place, word.text, word, words), words)
    return arguments


def _app(value: str, word: Word) -> str:
    return ALL_APPS if word.is_open and value.lower() in ("all", ALL_APPS) else value


# Patterns.

# To ``read`` a quote before a comma does not end a word, so what follows has become part of the value.
_QUOTES_IN_LIST = re.compile(r"""[A-Za-z][\w-]*:(?P<mark>["'])(?:\\.|(?!(?P=mark)|\\).)*(?P=mark),""")


def _with_patterns(arguments: SubscribeArguments, key: str, parts: Sequence[str], words: Words) -> SubscribeArguments:
    known: tuple[str, ...] = getattr(arguments.filters, key)
    patterns = tuple(dict.fromkeys((*known, *(_pattern(key, part, words) for part in parts))))
    if len(patterns) > MAX_PATTERNS:
        raise ArgumentsUnclear(
            f"That is {len(patterns)} patterns for `{key}:`, more than the {MAX_PATTERNS} I keep.",
            "Say several with one `*`, or subscribe twice.",
        )
    return replace(arguments, filters=replace(arguments.filters, **{key: patterns}))


def _listed(key: str, value: str, word: Word, words: Words) -> list[str]:
    """The parts of a list. Quotes are for a whole value, so a list with quotes inside is refused, not guessed at."""
    parts = [part for part in value.split(",") if part] if word.is_open else [value]
    if not parts:
        raise ArgumentsUnclear(f"`{key}:` has no value, only commas.", f"Write it as `{key}:one,two`.")
    opened = word.is_open and any(part.lstrip(EXCLUDES).startswith(('"', "'")) for part in parts)
    if opened or (word.value_quoted and _QUOTES_IN_LIST.match(words.text, word.start)):
        raise ArgumentsUnclear(
            f"I cannot read the quotes in {shown(f'{key}:{value}')}.",
            f'Give each value in quotes its own key: `{key}:"one, two" {key}:three`; an exclamation mark goes inside.',
        )
    return parts


def _pattern(key: str, part: str, words: Words) -> str:
    mark = EXCLUDES if part.startswith(EXCLUDES) else ""
    name = part.removeprefix(EXCLUDES)
    meant = _person(name, words) if key == "by" else _known(key, name) if key in _KNOWN else name
    if not meant:
        raise ArgumentsUnclear(f"{shown(part)} is no value for `{key}:`.", "`*` stands for any characters.")
    if len(mark + meant) > MAX_PATTERN_CHARACTERS:
        raise ArgumentsUnclear(
            f"{shown(part)} is longer than the {MAX_PATTERN_CHARACTERS} characters a pattern can have.",
            "Shorten it with a `*`.",
        )
    return mark + meant


def _person(name: str, words: Words) -> str:
    """A Slack user id, or a name at the Git host in lower case."""
    if mention := words.mention(name):
        return mention.user_id
    if name.lower() == "me":
        raise ArgumentsUnclear(f"{shown('by:me')} would wait for somebody of that name.", "Write `by:@` and your name.")
    return name[1:] if _USER_ID.fullmatch(name) else name.lstrip("@!").lower()


def _known(key: str, name: str) -> str:
    known, word = _KNOWN[key], name.lower()
    if key == "outcome" and word in ENDS and word not in _OUTCOMES:
        raise ArgumentsUnclear(
            f"{shown(name)} is not how a build ends.",
            "Write `starts` to hear of starts, or leave it out to hear all ends.",
        )
    if re.search(r"[*?]", word) and any(matches(word, value) for value in known.values()):
        return word
    return str(one_of(key, word, known))
