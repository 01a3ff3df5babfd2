"""What is to be stopped, and why: one build, or those of a branch or workflow. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.domain.abort_reasons import REASONS_TO_CHOOSE, Reason
from commands.build_reference import BuildArguments, find_build
from commands.synonyms import one_name, unknown
from commands.tokenizer import ArgumentsUnclear, Words, read, shown

_KEYS = {
    "branch": "branch",
    "b": "branch",
    "workflow": "workflow",
    "w": "workflow",
    "pr": "pull request",
    "pull-request": "pull request",
    "reason": "reason",
}
_OLDER = "older"
_PULL_REQUEST = re.compile(r"#?(?P<number>[0-9]{1,9})")
_KEYED = re.compile(rf"(?P<key>{'|'.join(_KEYS)}):(?P<value>.+)", re.IGNORECASE | re.DOTALL)
_FILTER = re.compile(r"(?P<key>[A-Za-z][\w-]*):(?!//)")
_TAGGED = re.compile(r"\[(?P<tag>[a-z-]+)\]\s*(?P<sentence>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AbortArguments:
    """One build, or all of an app's running builds that the filters pick, and the reason.

    ``is_older``: only those that a newer one replaces. ``category`` is None when nothing typed names one;
    ``sentence`` is the reason in the person's own words.
    """

    build: BuildArguments = field(default_factory=BuildArguments)
    branch: str | None = None
    workflow: str | None = None
    category: Reason | None = None
    sentence: str = ""
    pull_request_id: int | None = None
    is_older: bool = False


def parse_abort(text: str | Words) -> AbortArguments:
    """``shop #812 wrong branch``, ``shop branch:main reason:stuck``. Raises ArgumentsUnclear.

    What follows the build and the filters is the reason, whatever it looks like.
    """
    words = read(text)
    parts, used = _leading_parts(words, is_many=True)
    words = words.after(used)
    build = BuildArguments()
    if not used or _names_app_or_build(words):
        build, taken = find_build(words)
        more, used = _leading_parts(words.after(taken), is_many=not build.names_build)
        parts, words = parts | more, words.after(taken + used)
    if not build.names_build:
        _check_filter(words, is_picked=bool(parts.keys() - {"reason"}))
    category, sentence = _reason(words.tail(), parts.get("reason"))
    return AbortArguments(
        build,
        parts.get("branch"),
        parts.get("workflow"),
        category,
        sentence,
        pull_request_id=_number(parts["pull request"]) if "pull request" in parts else None,
        is_older=_OLDER in parts,
    )


def _number(typed: str) -> int:
    found = _PULL_REQUEST.fullmatch(typed)
    if found is None:
        raise ArgumentsUnclear(f"{shown(typed)} is no number of a pull request.", "Write it as in `pr:123`.")
    return int(found["number"])


def _leading_parts(words: Words, *, is_many: bool) -> tuple[dict[str, str], int]:
    """The filters and the category at the beginning, and how many words they took.

    ``is_many``: no build is named, so that filters and "older" pick some; after a build they begin the reason.
    """
    parts: dict[str, str] = {}
    for used, word in enumerate(words.words):
        if is_many and not word.quoted and word.text.lower() == _OLDER:
            parts[_OLDER] = word.text
            continue
        keyed = None if word.quoted else _KEYED.fullmatch(word.text)
        name = _KEYS[keyed["key"].lower()] if keyed else ""
        if keyed is None or not (is_many or name == "reason"):
            return parts, used
        parts[name] = one_name(keyed["value"]) if name in ("branch", "workflow") else keyed["value"]
    return parts, len(words.words)


def _check_filter(words: Words, *, is_picked: bool) -> None:
    """Where builds are picked, what begins like a filter and is none would stop others than those that are meant."""
    said = _FILTER.match(words.words[0].text) if words and not words.words[0].quoted else None
    if said and said["key"].lower() in _KEYS:
        raise ArgumentsUnclear(f"{shown(said[0])} has no value.", "Write it behind the colon, without a space.")
    if said and not is_picked:
        raise unknown("filter", said[0], _KEYS)


def _names_app_or_build(words: Words) -> bool:
    """After a filter only what is plainly an app or a build is one; anything else begins the reason."""
    return bool(words) and not words.words[0].quoted and bool(re.match(r"app:.|#[0-9]", words.words[0].text))


def _reason(sentence: str, named: str | None) -> tuple[Reason | None, str]:
    if named is not None:
        return _category(named), sentence
    if (tagged := _TAGGED.fullmatch(sentence)) and (category := _CATEGORIES.get(_spoken(tagged["tag"]))):
        return category, tagged["sentence"]
    category = _CATEGORIES.get(_spoken(sentence))
    return category, "" if category else sentence


def _category(named: str) -> Reason:
    category = _CATEGORIES.get(_spoken(named))
    if category is None:
        raise unknown("reason", named, [reason.value for reason in REASONS_TO_CHOOSE])
    return category


def _spoken(text: str) -> str:
    return text.casefold().replace("-", " ").strip(" .!")


_CATEGORIES = {_spoken(text): reason for reason in REASONS_TO_CHOOSE for text in (reason.value, reason.label)}
