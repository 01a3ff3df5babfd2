"""Builds to stop and the reason: one build, or those of an app that filters pick. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.builds.bulk_abort import Picked
from bot.builds.queries import Named
from bot.domain.abort_reasons import REASONS_TO_CHOOSE, Reason
from commands.build_reference import read_build
from commands.grammar import Grammar, one_name, unknown, without_value
from commands.tokenizer import ArgumentsUnclear, Words, quote_input

ABORT = Grammar((), {"branch b": one_name, "workflow w": one_name, "pr pull-request": str, "reason": str})
_OLDER = "older"
_OPTION = re.compile(rf"(?P<key>{'|'.join(ABORT.names)}):(?P<value>.+)", re.IGNORECASE | re.DOTALL)
_FILTER = re.compile(r"(?P<key>[A-Za-z][\w-]*):(?!//)")
_TAGGED = re.compile(r"\[(?P<tag>[a-z-]+)\]\s*(?P<note>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AbortArguments:
    """One build, or the filters that pick running builds of an app, and the reason.

    ``category`` is None when nothing typed names one; ``sentence`` is the reason in the person's own words.
    """

    build: Named = field(default_factory=Named)
    filters: Picked = field(default_factory=Picked)
    category: Reason | None = None
    sentence: str = ""


def read_abort(words: Words) -> AbortArguments:
    """``shop #812 wrong branch``, ``shop branch:main reason:stuck``. Raises ArgumentsUnclear.

    What follows the build and the filters is the reason, however it looks.
    """
    build, (options, words) = Named(), _leading_options(words)
    if not options or _names_app_or_build(words):
        build, words = read_build(words)
        more, words = _leading_options(words, names_build=build.names_build)
        options |= more
    if not build.names_build:
        _check_filter(words, is_picked=bool(options.keys() - {"reason"}))
    category, sentence = _reason(words.tail(), options.get("reason"))
    filters = Picked(
        app=build.app,
        branch=options.get("branch"),
        workflow=options.get("workflow"),
        pull_request_id=_number(options["pr"]) if "pr" in options else None,
        is_older=_OLDER in options,
    )
    return AbortArguments(build, filters, category, sentence)


def _leading_options(words: Words, *, names_build: bool = False) -> tuple[dict[str, str], Words]:
    """The options at the beginning, and the words after them. After a build, filters are a part of the reason."""
    options: dict[str, str] = {}
    for count, word in enumerate(words.words):
        match = None if word.quoted else _OPTION.fullmatch(word.text)
        name = ABORT.names[match["key"].lower()] if match else ""
        if not names_build and not word.quoted and word.text.lower() == _OLDER:
            options[_OLDER] = word.text
        elif match is None or (names_build and name != "reason"):
            return options, words.after(count)
        else:
            options[name] = one_name(match["value"]) if name in ("branch", "workflow") else match["value"]
    return options, words.after(len(words.words))


def _check_filter(words: Words, *, is_picked: bool) -> None:
    """Refuse a misspelt filter: taken for a reason, it would stop other builds than those that are meant."""
    match = _FILTER.match(words.words[0].text) if words and not words.words[0].quoted else None
    if match and match["key"].lower() in ABORT.names:
        raise without_value(match["key"])
    if match and not is_picked:
        raise unknown("filter", match[0], ABORT.names)


def _names_app_or_build(words: Words) -> bool:
    """Whether an app or a build follows the filters: only what is plainly one; anything else begins the reason."""
    return bool(words) and not words.words[0].quoted and bool(re.match(r"app:.|#[0-9]", words.words[0].text))


def _number(text: str) -> int:
    match = re.fullmatch(r"#?([0-9]{1,9})", text)
    if match is None:
        raise ArgumentsUnclear(f"{quote_input(text)} is no number of a pull request.", "Write it as in `pr:123`.")
    return int(match[1])


def _reason(sentence: str, named: str | None) -> tuple[Reason | None, str]:
    """The category that was named, or that the sentence is or begins with as ``[tag]``, and the rest of it."""
    if named is not None:
        if category := _CATEGORIES.get(_normalized(named)):
            return category, sentence
        raise unknown("reason", named, [reason.value for reason in REASONS_TO_CHOOSE])
    if (match := _TAGGED.fullmatch(sentence)) and (category := _CATEGORIES.get(_normalized(match["tag"]))):
        return category, match["note"]
    category = _CATEGORIES.get(_normalized(sentence))
    return category, "" if category else sentence


def _normalized(text: str) -> str:
    return text.casefold().replace("-", " ").strip(" .!")


_CATEGORIES = {_normalized(text): reason for reason in REASONS_TO_CHOOSE for text in (reason.value, reason.label)}
