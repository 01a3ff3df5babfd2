"""What a person asks for after a command: the verb, and for each kind of verb what else was said.

Pure: text in, frozen answers out, and nothing looked up. A handler calls ``parse`` once and then the reader of its verb
with what is left::

    asked = parse(command["text"], VERBS)          # Parsed("abort", Words("shop #812 stuck"))
    arguments = parse_abort(asked.words)           # AbortArguments(BuildArguments("shop", 812), sentence="stuck")

All readers take raw text too, such as a form gives, and raise ArgumentsUnclear and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from commands.abort_arguments import AbortArguments, parse_abort
from commands.build_reference import BuildArguments, parse_build, stands_for_build
from commands.list_arguments import ListArguments, parse_list
from commands.start_arguments import StartArguments, parse_start
from commands.subscribe_arguments import (
    ALL_APPS,
    SubscribeArguments,
    UnsubscribeArguments,
    parse_subscribe,
    parse_unsubscribe,
)
from commands.tokenizer import ArgumentsUnclear, UserMention, Words, read

__all__ = [
    "ALL_APPS",
    "NOTHING",
    "SHOW",
    "START",
    "AbortArguments",
    "ArgumentsUnclear",
    "BuildArguments",
    "ListArguments",
    "Parsed",
    "StartArguments",
    "SubscribeArguments",
    "UnsubscribeArguments",
    "UserMention",
    "Words",
    "parse",
    "parse_abort",
    "parse_build",
    "parse_list",
    "parse_start",
    "parse_subscribe",
    "parse_unsubscribe",
    "read",
]

NOTHING = ""
START = "start"
SHOW = "show"


@dataclass(frozen=True, slots=True)
class Parsed:
    """What is asked for: one of the caller's verbs, or NOTHING (open the form), SHOW (a build was named) or START.

    ``words`` is what is left without the verb, for the reader of that verb.
    """

    verb: str
    words: Words


def parse(text: str, verbs: Collection[str]) -> Parsed:
    """Find the verb. A first word that is none of ``verbs`` (lower case) begins a start, or names a build to show.

    An app whose name is a verb is written in quotes. Raises ArgumentsUnclear.
    """
    words = read(text)
    if not words:
        return Parsed(NOTHING, words)
    first = words.words[0]
    if not first.quoted and first.text.lower() in verbs:
        return Parsed(first.text.lower(), words.after(1))
    return Parsed(SHOW if stands_for_build(words) else START, words)
