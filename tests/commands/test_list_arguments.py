"""A list and its filters."""

from __future__ import annotations

import pytest

from bot.domain.builds import Cause, Outcome, State
from commands.list_arguments import ListArguments, parse_list
from commands.tokenizer import ArgumentsUnclear, UserMention


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", ListArguments()),
        ("shop", ListArguments(words=("shop",))),
        ('"iOS Shop" deploy main', ListArguments(words=("iOS Shop", "deploy", "main"))),
        ("shop failed", ListArguments(words=("shop",), outcome=Outcome.FAILED)),
        ('"failed"', ListArguments(words=("failed",))),
        ("running app:shop", ListArguments(app="shop", state=State.RUNNING)),
        (
            "workflow:deploy b:main outcome:Green",
            ListArguments(workflow="deploy", branch="main", outcome=Outcome.SUCCEEDED),
        ),
        ("status:on-hold", ListArguments(state=State.QUEUED)),
        ("cause:PR page:3", ListArguments(cause=Cause.PULL_REQUEST, page=3)),
        ("cause:schedule", ListArguments(cause=Cause.SCHEDULE)),
        ("by:<@U012AB|ana>", ListArguments(by=UserMention("U012AB", "ana"))),
        ("by:octocat", ListArguments(by="octocat")),
    ],
)
def test_a_list_is_filtered(text: str, arguments: ListArguments) -> None:
    assert parse_list(text) == arguments


@pytest.mark.parametrize(
    "text", ["app:a b c", "a workflow:b c", "a branch:c b", "workflow:b a c", "b branch:c app:a", "c w:b app:a"]
)
def test_words_take_the_places_that_were_not_named(text: str) -> None:
    assert parse_list(text).placed() == ListArguments(app="a", workflow="b", branch="c")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("outcome:faild", "Did you mean `failed`"),
        ("cause:xyz", "`pull-request`"),
        ("werkflow:x", "Did you mean `workflow`"),
        ("page:0", "from 1 to"),
        ("page:x", "from 1 to"),
        ("page:²", "from 1 to"),
        ("a b c d", "`d`"),
        ("app:a b c d", "`d`"),
        ("a workflow:b branch:c d", "`d`"),
        ("a branch: b", "`branch:` has no value"),
        ("a outcome:", "`outcome:` has no value"),
        ("a workflow:release-*", "`release-\\*` is no name"),
        ("a branch:*", "`\\*` is no name"),
    ],
)
def test_an_unknown_filter_is_said(text: str, sentence: str) -> None:
    with pytest.raises(ArgumentsUnclear, match=sentence):
        parse_list(text)
