"""The text of a start, in words and in Bitrise's pipe syntax."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.builds.start import command_text
from bot.errors import BuildbellError
from commands.start_syntax import TypedStart, read_start
from commands.tokenizer import ArgumentsUnclear, tokenize
from tests.commands.typed import PLAIN, SLUG, escaped

NAMES = PLAIN.map(str.strip).filter(bool)
"""Names of apps, workflows and branches, with any signs that cleaning keeps."""


def refusal(text: str) -> ArgumentsUnclear:
    with pytest.raises(ArgumentsUnclear) as caught:
        read_start(tokenize(text))
    return caught.value


def start(
    *words: str, environment: tuple[tuple[str, str], ...] = (), message: str | None = None, **parts: Any
) -> TypedStart:
    return TypedStart(words=words, environment=environment, message=message, **parts)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", start()),
        ("shop", start("shop")),
        (
            'shop deploy release/3.2 FLAVOR=beta "try the new login"',
            start("shop", "deploy", "release/3.2", environment=(("FLAVOR", "beta"),), message="try the new login"),
        ),
        ('"iOS Shop" deploy', start("iOS Shop", "deploy")),
        ("'iOS Shop' deploy", start("iOS Shop", "deploy")),
        ('FLAVOR=beta shop "x"', start("shop", environment=(("FLAVOR", "beta"),), message="x", quoted_at=1)),
        ('shop NOTE="two words" deploy', start("shop", "deploy", environment=(("NOTE", "two words"),))),
        ("shop A=1 B=2", start("shop", environment=(("A", "1"), ("B", "2")))),
        ('shop A= B=""', start("shop", environment=(("A", ""), ("B", "")))),
        ("shop A=b=c:d|e,f'g\\", start("shop", environment=(("A", "b=c:d|e,f'g\\"),))),
        ('shop A="say \\"hi\\" c:\\dir"', start("shop", environment=(("A", 'say "hi" c:\\dir'),))),
        ("shop it's", start("shop", "it's")),
        ("shop message:'it's done'", start("shop", message="it's done")),
        ('shop "unclosed', start("shop", '"unclosed')),
        ('shop "', start("shop", '"')),
        ('shop "" deploy', start("shop", "deploy")),
        (
            "shop workflow:deploy branch:main commit:a1b2c3d",
            start("shop", workflow="deploy", branch="main", commit="a1b2c3d"),
        ),
        ("app:shop pipeline:nightly main", start("main", app="shop", pipeline="nightly")),
        ("w:deploy b:main m:note", start(workflow="deploy", branch="main", message="note")),
        ('app:"iOS Shop" Workflow:deploy', start(app="iOS Shop", workflow="deploy")),
        ("workflow: deploy branch: main", start(workflow="deploy", branch="main")),
        ("shop main trigger-map", start("shop", "main", uses_trigger_map=True)),
        ("shop deploy main more", start("shop", "deploy", "main", "more")),
        ("branch: fix:login commit: 'b:1'", start(branch="fix:login", commit="b:1")),
        ('branch:""', start()),
        ("shop message: try the new login", start("shop", message="try the new login")),
        ('shop message: "try it" main', start("shop", "main", message="try it")),
        ("shop BRANCH=a t=b env[tag]:c", start("shop", environment=(("BRANCH", "a"), ("t", "b"), ("tag", "c")))),
        ("shop env[A]:1 env[B]: two words", start("shop", environment=(("A", "1"), ("B", "two words")))),
        ("https://app.bitrise.io/app/0f3e1d2c4b5a6978 deploy", start("0f3e1d2c4b5a6978", "deploy")),
        ("shop fix/#12", start("shop", "fix/#12")),
    ],
)
def test_start_is_read_from_words(text: str, arguments: TypedStart) -> None:
    assert read_start(tokenize(text)) == arguments


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        (
            "workflow: deploy|branch: main|env[K]: v|message: x|commit: c",
            start(workflow="deploy", branch="main", commit="c", message="x", environment=(("K", "v"),)),
        ),
        (
            "w:deploy|t:v1|c:a1b|m:hi",
            start(workflow="deploy", tag="v1", commit="a1b", message="hi"),
        ),
        ("workflow:deploy|branch:main", start(workflow="deploy", branch="main")),
        (" workflow : deploy | branch : main ", start(workflow="deploy", branch="main")),
        ("|workflow: deploy||branch: main|", start(workflow="deploy", branch="main")),
        ("shop workflow: deploy|branch: main", start("shop", workflow="deploy", branch="main")),
        ('"iOS Shop" workflow: deploy|branch: main', start("iOS Shop", workflow="deploy", branch="main")),
        ("app: iOS Shop|workflow: deploy", start(app="iOS Shop", workflow="deploy")),
        ("shop deploy branch: main|commit: a1b", start("shop", "deploy", branch="main", commit="a1b")),
        ("pipeline: nightly|branch: main", start(pipeline="nightly", branch="main")),
        ('branch: main|message: a: "b" c', start(branch="main", message='a: "b" c')),
        ("branch: main|ENV[A]: x=1|env[ B ]:", start(branch="main", environment=(("A", "x=1"), ("B", "")))),
        ("branch: main|b: other", start(branch="main")),
        ("b: other|branch: main", start(branch="main")),
        ("b: other|branch: |w: x", start(branch="other", workflow="x")),
        ("branch: main", start(branch="main")),
        ("message: several words", start(message="several words")),
        ("shop branch:main FILTER=a|b", start("shop", branch="main", environment=(("FILTER", "a|b"),))),
        ('shop branch:main "either | or"', start("shop", branch="main", message="either | or")),
    ],
)
def test_start_is_read_from_pipe_syntax(text: str, arguments: TypedStart) -> None:
    assert read_start(tokenize(text)) == arguments


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        ("workflow: a|broonch: b", "`broonch:`", "`branch:`"),
        ("workflow: a|colour: b", "`colour:`", "`workflow`"),
        ("branch: a|foo[K]: b", "`foo[K]:`", "`env[NAME]`"),
        ("branch: a|main", "`main`", "`branch: main`"),
        ("shop broonch:main", "`broonch:`", "`branch:`"),
        ("shop branch:", "`branch:`", "after the colon"),
        ("shop branch: workflow:deploy", "`branch:`", "after the colon"),
        ("shop branch: env[A]:b", "`branch:`", "after the colon"),
        ("shop branch: FLAVOR=beta", "`branch:`", "after the colon"),
        ("shop workflow: branch: main", "`workflow:`", "after the colon"),
        ("shop 1A=b", "`1A`", "letters, digits"),
        ("shop deploy branch=main", "`branch=`", "`branch:…`"),
        ('shop workflow="deploy" main', "`workflow=`", "`env[workflow]:…`"),
        ("branch: a|env[two words]: b", "`two words`", "letters, digits"),
        ("shop BUILDBELL_REQUEST=x", "`BUILDBELL_REQUEST`", "another name"),
        ("shop buildbell_x=x", "`buildbell_x`", "another name"),
        ('shop "one" "two"', "`two`", '`branch:"two"`'),
        ("shop workflow:a pipeline:b", "a pipeline", "Remove one"),
        ("shop workflow:a trigger-map", "a pipeline", "`trigger-map`"),
        ("shop deploy branch:main tag:v1", "a branch or a tag", "`branch:main` or `tag:v1`"),
        ("shop b:main branch:other deploy", "`branch:` is given twice", "`shop branch:other deploy`"),
        ("shop deploy A=1 B=2 A=3 main", "`A` is given twice", "`shop deploy B=2 A=3 main`"),
        ("workflow: a|branch: main|branch: other", "`branch:` is given twice", "Remove one"),
        ("branch: main|env[A]: 1|env[A]: 2", "`A` is given twice", "Remove one"),
        (
            "shop deploy main message:try the login A=1",
            "needs quotes",
            '`shop deploy main message:"try the login" A=1`',
        ),
        ("shop deploy main message:try the login", "needs quotes", '`shop deploy main message:"try the login"`'),
        ("shop --branch main", "`--branch`", "`branch:main`"),
        ("shop —branch main", "`--branch`", "`branch:main`"),
        ("shop https://ci.example.com/x", "`https://ci.example.com/x`", "link to a build"),
        (f"shop deploy https://app.bitrise.io/build/{SLUG}", "link to a build", "alone"),
        ("x" * 3_001, "3,001 characters", "form"),
    ],
)
def test_unclear_text_is_refused_with_a_hint(text: str, problem: str, hint: str) -> None:
    unclear = refusal(text)
    assert problem in unclear.problem
    assert hint in unclear.hint
    assert unclear.sentence == f"{unclear.problem} {unclear.hint}"
    assert isinstance(unclear, BuildbellError)


def test_quoted_input_is_short_and_mentions_nobody() -> None:
    sentence = refusal(f"a -&lt;!channel&gt;`{'x' * 500}").sentence
    assert "<" not in sentence
    assert sentence.count("`") == 6
    assert len(sentence) < 300


def test_limit_of_3000_characters_counts_unescaped_text() -> None:
    text = f'shop A="{"&" * 2_991}"'
    assert len(text) == 3_000
    assert read_start(tokenize(escaped(text))).environment == (("A", "&" * 2_991),)


@given(
    st.lists(NAMES, max_size=3),
    st.lists(
        st.tuples(st.from_regex(r"[A-Z]{1,5}", fullmatch=True), PLAIN), max_size=2, unique_by=lambda pair: pair[0]
    ),
    st.none() | PLAIN.filter(str.strip),
)
def test_a_written_start_is_read_back(
    words: list[str], environment: list[tuple[str, str]], message: str | None
) -> None:
    text = command_text(words, environment=environment, message=message)
    read = read_start(tokenize(text))
    named = [value for value in (read.app, read.workflow, read.branch) if value]
    assert [*read.words, *named] == words or set(words) == {*read.words, *named}
    assert (read.environment, read.message) == (tuple(environment), message)
    named_text = command_text(app="a1", workflow="deploy", branch=words[0] if words else "main", message=message)
    assert read_start(tokenize(named_text)).branch == (words[0] if words else "main")
