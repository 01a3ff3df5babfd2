"""Read the text of a subscription: the app, patterns by filter, the style, whether starts are included. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.abort_reasons import Reason
from bot.domain.builds import Outcome
from bot.notifications.filters import EXCLUDES, KEYS, MAX_PATTERN_CHARACTERS, MAX_PATTERNS, Filters, matches
from bot.notifications.subscriptions import SubscriptionParameters
from commands.grammar import CAUSES, RESULTS, Grammar, Part, choice, unknown
from commands.tokenizer import ArgumentsUnclear, Words, quote_input
from storage.subscriptions import CHANGES

ALL_APPS = "*"
STYLES = {
    **{style: style for style in ("card", "line", "thread", CHANGES)},
    **dict.fromkeys(("cards", "full"), "card"),
    **dict.fromkeys(("lines", "one-line", "short"), "line"),
    **dict.fromkeys(("threads", "branch", "per-branch"), "thread"),
    **dict.fromkeys(("change", "changed", "only-changes"), CHANGES),
}
STARTS = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}
_BARE_STARTS = {"starts": True, "no-starts": False, "nostarts": False}
_VALUES: Mapping[str, Mapping[str, str]] = {
    "outcome": {word: result for word, result in RESULTS.items() if isinstance(result, Outcome)},
    "cause": CAUSES,
    "reason": {reason.value: reason for reason in Reason},
}
_EXCLUDED_KEY = re.compile(r"!(?P<key>[A-Za-z][\w-]*):.*", re.DOTALL)
# A quote before a comma does not end a word, so the tokenizer reads the rest of the list as a part of the value.
_QUOTES_IN_LIST = re.compile(r"""[A-Za-z][\w-]*:(?P<mark>["'])(?:\\.|(?!(?P=mark)|\\).)*(?P=mark),""")
_USER_ID = re.compile(r"@[UW][A-Z0-9]+")


def _bare_word(text: str) -> tuple[str, Any] | None:
    """Read ``starts`` or a list of results, and refuse an exclamation mark in the wrong place."""
    if match := _EXCLUDED_KEY.fullmatch(text):
        if match["key"].lower() not in GRAMMAR.names:
            raise unknown("filter", f"{match['key']}:", GRAMMAR.names)
        example = quote_input(f"{match['key']}:!…")
        raise ArgumentsUnclear("An exclamation mark excludes a value.", f"Write it after the key: {example}.")
    word = text.lower()
    if word in _BARE_STARTS:
        return "starts", _BARE_STARTS[word]
    results = [part for part in word.split(",") if part]
    is_result = results and all(part.removeprefix(EXCLUDES) in RESULTS for part in results)
    return ("outcome", word) if is_result else None


GRAMMAR = Grammar(
    positional=("app", "workflow", "branch"),
    keys={
        **dict.fromkeys(("app", "workflow w pipeline p", "branch b", "tag t", "outcome state status"), str),
        **dict.fromkeys(("cause", "by", "reason"), str),
        "style": choice("style", STYLES),
        "starts": choice("setting of starts", STARTS),
    },
    bare=_bare_word,
    example="workflow:deploy,release-* branch:main outcome:failed",
)


def read_subscription(words: Words) -> tuple[str | None, SubscriptionParameters]:
    """Return the name of the app, ALL_APPS or None, and the subscription without it. Raises ArgumentsUnclear.

    ``shop deploy,release-* main failed by:@ana style:line starts``.
    Words without a key are the app (``all`` for all of them), workflows and branches in this order, unless a key names
    them; results and ``starts`` stand anywhere. A list has commas, or its key again; a value in quotes is one pattern.
    """
    values: dict[str, Any] = {}
    filters: dict[str, tuple[str, ...]] = {}
    for part in GRAMMAR.parts(words):
        if part.name in KEYS:
            patterns = [_read_pattern(part.name, pattern, words) for pattern in _split_list(part, words)]
            filters[part.name] = _limit(part.name, [*filters.get(part.name, ()), *patterns])
        elif part.name == "app" and part.word.is_open and part.value.lower() in ("all", ALL_APPS):
            values["app"] = ALL_APPS
        else:
            values[part.name] = part.value
    return values.pop("app", None), SubscriptionParameters(None, Filters(**filters), **values)


def _split_list(part: Part, words: Words) -> list[str]:
    """Split a list. Quotes are for a whole value, so a list with quotes inside is refused."""
    key, value, word = part.key or part.name, part.value, part.word
    patterns = [pattern for pattern in value.split(",") if pattern] if word.is_open else [value]
    if not patterns:
        raise ArgumentsUnclear(f"`{key}:` has no value, only commas.", f"Write it as `{key}:one,two`.")
    has_quotes = word.is_open and any(pattern.lstrip(EXCLUDES).startswith(('"', "'")) for pattern in patterns)
    if has_quotes or (word.value_quoted and _QUOTES_IN_LIST.match(words.text, word.start)):
        raise ArgumentsUnclear(
            f"Misplaced quotes in {quote_input(f'{key}:{value}')}.",
            f'Give each quoted value its own key: `{key}:"one, two" {key}:three`. An exclamation mark goes inside.',
        )
    return patterns


def _limit(name: str, patterns: Sequence[str]) -> tuple[str, ...]:
    distinct = tuple(dict.fromkeys(patterns))
    if len(distinct) > MAX_PATTERNS:
        raise ArgumentsUnclear(
            f"`{name}:` has {len(distinct)} patterns, but can have up to {MAX_PATTERNS}.",
            "Combine some with `*`, or subscribe twice.",
        )
    return distinct


def _read_pattern(name: str, text: str, words: Words) -> str:
    mark = EXCLUDES if text.startswith(EXCLUDES) else ""
    value = text.removeprefix(EXCLUDES)
    if name == "by":
        value = _read_person(value, words)
    elif name in _VALUES:
        value = _read_value(name, value)
    if not value:
        raise ArgumentsUnclear(f"{quote_input(text)} isn't a valid value for `{name}:`.", "`*` matches anything.")
    if len(mark + value) > MAX_PATTERN_CHARACTERS:
        raise ArgumentsUnclear(
            f"{quote_input(text)} is longer than the {MAX_PATTERN_CHARACTERS} characters a pattern can have.",
            "Shorten it with a `*`.",
        )
    return mark + value


def _read_person(name: str, words: Words) -> str:
    """Return a Slack user id, or a name at the Git host in lower case."""
    if mention := words.mention(name):
        return mention.user_id
    if name.lower() == "me":
        problem = f"{quote_input('by:me')} would wait for somebody of that name."
        raise ArgumentsUnclear(problem, "Write `by:@` and your name.")
    return name[1:] if _USER_ID.fullmatch(name) else name.lstrip("@!").lower()


def _read_value(name: str, text: str) -> str:
    """Return the word that a synonym stands for, or a wildcard that matches any of the words."""
    values, word = _VALUES[name], text.lower()
    if name == "outcome" and word in RESULTS and word not in values:
        raise ArgumentsUnclear(
            f"{quote_input(text)} isn't a result.",
            "Add `starts` to be notified of starts, or leave it out to match all results.",
        )
    if re.search(r"[*?]", word) and any(matches(word, each) for each in values.values()):
        return word
    return str(choice(name, values)(word))
