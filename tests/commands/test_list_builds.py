"""The text of a list: the filters."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.builds import Cause, Outcome, State
from commands.list_builds import read_list
from commands.tokenizer import ArgumentsUnclear, tokenize


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", {}),
        ("shop", {"app": "shop"}),
        ('"iOS Shop" deploy main', {"app": "iOS Shop", "workflow": "deploy", "branch": "main"}),
        ("shop failed", {"app": "shop", "outcome": Outcome.FAILED}),
        ('"failed"', {"app": "failed"}),
        ("running app:shop", {"app": "shop", "state": State.RUNNING}),
        (
            "workflow:deploy b:main outcome:Green",
            {"workflow": "deploy", "branch": "main", "outcome": Outcome.SUCCEEDED},
        ),
        ("status:on-hold", {"state": State.QUEUED}),
        ("cause:PR page:3", {"cause": Cause.PULL_REQUEST, "page": 3}),
        ("cause:schedule", {"cause": Cause.SCHEDULE}),
        ("by:<@U012AB|ana>", {"by": "@ana"}),
        ("by:octocat", {"by": "octocat"}),
    ],
)
def test_filters_are_read(text: str, options: dict[str, Any]) -> None:
    assert read_list(tokenize(text)) == options


@pytest.mark.parametrize(
    "text", ["app:a b c", "a workflow:b c", "a branch:c b", "workflow:b a c", "b branch:c app:a", "c w:b app:a"]
)
def test_positional_words_take_the_places_without_an_option(text: str) -> None:
    assert read_list(tokenize(text)) == {"app": "a", "workflow": "b", "branch": "c"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("outcome:faild", "Did you mean `failed`"),
        ("cause:xyz", "`pull-request`"),
        ("werkflow:x", "Did you mean `workflow`"),
        ("page:0", "Use 1 to"),
        ("page:x", "Use 1 to"),
        ("page:²", "Use 1 to"),
        ("a b c d", "`d`"),
        ("app:a b c d", "`d`"),
        ("a workflow:b branch:c d", "`d`"),
        ("a branch: b", "`branch:` has no value"),
        ("a outcome:", "`outcome:` has no value"),
        ("a workflow:release-*", "`release-\\*` is a pattern"),
        ("a branch:*", "`\\*` is a pattern"),
    ],
)
def test_unknown_filter_is_refused_with_the_nearest(text: str, sentence: str) -> None:
    with pytest.raises(ArgumentsUnclear, match=sentence):
        read_list(tokenize(text))
