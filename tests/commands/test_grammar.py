"""The verb, and properties that hold for every reader and any text."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from commands.abort import read_abort
from commands.build_reference import read_build
from commands.grammar import NOTHING, SHOW, START, parse
from commands.list_builds import read_list
from commands.start_syntax import read_start
from commands.tokenizer import ArgumentsUnclear, Words, tokenize
from tests.commands.typed import ANY_TEXT, SLUG, TYPED, VERBS, escaped


@pytest.mark.parametrize(
    ("text", "verb", "left"),
    [
        ("", NOTHING, []),
        (" \u200b\t ", NOTHING, []),
        ("status", "status", []),
        ("STATUS shop", "status", ["shop"]),
        ("abort shop #812 stuck", "abort", ["shop", "#812", "stuck"]),
        ('"status" deploy', START, ["status", "deploy"]),
        ("shop deploy", START, ["shop", "deploy"]),
        ("shop status", START, ["shop", "status"]),
        ("workflow: deploy|branch: main", START, ["workflow:", "deploy|branch:", "main"]),
        ("shop #812", SHOW, ["shop", "#812"]),
        ("shop 812", SHOW, ["shop", "812"]),
        ("iOS Shop #812", SHOW, ["iOS", "Shop", "#812"]),
        ("#812", SHOW, ["#812"]),
        ("shop#812", SHOW, ["shop#812"]),
        (SLUG, SHOW, [SLUG]),
        ("<https://app.bitrise.io/build/a851343a3121eadf>", SHOW, ["https://app.bitrise.io/build/a851343a3121eadf"]),
        ("shop 812 FLAVOR=beta", START, ["shop", "812", "FLAVOR=beta"]),
        ("workflow:deploy #812", START, ["workflow:deploy", "#812"]),
        ('shop deploy "fix #812"', START, ["shop", "deploy", "fix #812"]),
        ('"812"', START, ["812"]),
    ],
)
def test_first_word_is_a_verb_or_begins_a_start_or_a_reference(text: str, verb: str, left: list[str]) -> None:
    asked = parse(text, VERBS)
    assert (asked.verb, [word.text for word in asked.words.words]) == (verb, left)


TITLES = {"ios shop", "ios shop beta", "shop", "shop 2", "status board", "c# app", "my list"}


@pytest.mark.parametrize(
    ("text", "verb", "left"),
    [
        ("iOS Shop deploy main", START, ["iOS Shop", "deploy", "main"]),
        ("iOS  Shop Beta deploy", START, ["iOS Shop Beta", "deploy"]),
        ("list IOS shop failed", "list", ["IOS shop", "failed"]),
        ("deploy app:iOS Shop main", START, ["deploy", "app:iOS Shop", "main"]),
        ("app: iOS Shop deploy", START, ["app:iOS Shop", "deploy"]),
        ("iOS Shop #812", SHOW, ["iOS Shop", "#812"]),
        ("iOS Shop#812", SHOW, ["iOS Shop", "#812"]),
        ("iOS Shop 812", SHOW, ["iOS Shop", "812"]),
        ("Shop 2", START, ["Shop 2"]),
        ("Shop 2 812", SHOW, ["Shop 2", "812"]),
        ("C# App deploy", START, ["C# App", "deploy"]),
        ("status board deploy", START, ["status board", "deploy"]),
        ("status Status Board", "status", ["Status Board"]),
        ("list shop", "list", ["shop"]),
        ('"iOS" Shop', START, ["iOS", "Shop"]),
        ('iOS "Shop"', START, ["iOS", "Shop"]),
        ("shop iOS Shop", START, ["shop", "iOS", "Shop"]),
        ("my list", START, ["my list"]),
    ],
)
def test_the_longest_title_is_one_word(text: str, verb: str, left: list[str]) -> None:
    parsed = parse(text, VERBS, app_names=TITLES)
    assert (parsed.verb, [word.text for word in parsed.words.words]) == (verb, left)


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("help", []),
        ("--help", []),
        ("?", []),
        ("help status", ["status"]),
        ("STATUS help", ["STATUS"]),
        ("status --help", ["status"]),
        ("list shop help", ["list"]),
        ("list shop deploy -h", ["list"]),
        ("shop help", ["start"]),
        ("nothing help", ["start"]),
        ("iOS Shop ?", ["start"]),
        ("shop deploy --help", ["start"]),
    ],
)
def test_a_request_for_help_has_the_verb_as_its_topic(text: str, topic: list[str]) -> None:
    parsed = parse(text, VERBS, app_names=TITLES)
    assert (parsed.verb, [word.text for word in parsed.words.words]) == ("help", topic)


@pytest.mark.parametrize("text", ['shop "help"', "branch: help", "shop help main", "list deploy help", 'list "?"'])
def test_help_among_other_words_is_a_word(text: str) -> None:
    assert parse(text, VERBS, app_names=TITLES).verb in (START, "list")


def outcome_of_reading(text: str) -> object:
    try:
        asked = parse(text, VERBS)
        return asked.verb, [(word.text, word.quoted) for word in asked.words.words], read_start(asked.words)
    except ArgumentsUnclear as unclear:
        return unclear.sentence


@given(TYPED, st.randoms(use_true_random=False))
def test_phone_typography_changes_nothing(text: str, chance: random.Random) -> None:
    forms = {'"': '"“”„«»', "'": "'‘’", " ": " \u00a0\u2009"}
    typed = "".join(chance.choice(forms.get(ch, ch)) + chance.choice(["", "", "\u200b"]) for ch in text)
    assert outcome_of_reading(typed.replace("--", "—")) == outcome_of_reading(text)


@given(TYPED)
def test_slacks_escaping_changes_nothing(text: str) -> None:
    assume(tokenize(text).text == text.strip())  # else the typed text holds an escape itself
    assert outcome_of_reading(escaped(text)) == outcome_of_reading(text)


@given(st.sampled_from(["build/", "app/0f3e1d2c4b5a6978/build/"]), st.booleans())
def test_address_that_slack_made_a_link_changes_nothing(path: str, has_label: bool) -> None:
    url = f"https://app.bitrise.io/{path}{SLUG}?tab=log&step=2"
    link = f"<{escaped(url)}|{escaped(url)}>" if has_label else f"<{escaped(url)}>"
    assert read_build(tokenize(f"shop {link} x"))[0] == read_build(tokenize(f"shop {url} x"))[0]


def of_text(reader: Callable[[Words], object]) -> Callable[[str], object]:
    return lambda text: reader(tokenize(text))


READERS: list[Callable[[str], object]] = [
    *map(of_text, (read_start, read_build, read_list, read_abort)),
    lambda text: parse(text, VERBS),
]


def read_or_refused(reader: Callable[[str], object], text: str) -> object:
    try:
        return reader(text)
    except ArgumentsUnclear as unclear:
        return unclear


@given(ANY_TEXT)
def test_any_text_is_read_or_refused_with_a_hint(text: str) -> None:
    for reader in READERS:
        answer = read_or_refused(reader, text)
        assert answer is not None
        assert not isinstance(answer, ArgumentsUnclear) or (answer.problem and answer.hint)


@pytest.mark.parametrize(
    "text", ['"a ' * 1_000, '\\" ' * 1_000, '"' + "\\" * 2_999, "a:" * 1_500, "a[" * 1_500, "<" * 3_000]
)
def test_long_texts_of_quotes_and_keys_are_read(text: str) -> None:
    assert tokenize(text).text == text.strip()
    for reader in READERS:
        assert len(str(read_or_refused(reader, text))) < 200_000
