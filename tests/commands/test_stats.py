"""The text of statistics: app, period and filters."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.builds import Cause
from commands.stats import read_stats
from commands.tokenizer import ArgumentsUnclear, tokenize


@pytest.mark.parametrize(
    ("typed", "options"),
    [
        ("", {}),
        ("shop", {"app": "shop"}),
        ("shop 90d", {"app": "shop", "days": 90}),
        ("7D shop", {"app": "shop", "days": 7}),
        ("14days", {"days": 14}),
        ("last:30d", {"days": 30}),
        ("all", {"app": "all"}),
        ("ALL 7d", {"app": "ALL", "days": 7}),
        ('"iOS Shop" 30d', {"app": "iOS Shop", "days": 30}),
        ('"7d"', {"app": "7d"}),
        ("app:shop workflow:deploy", {"app": "shop", "workflow": "deploy"}),
        ("shop deploy main", {"app": "shop", "workflow": "deploy", "branch": "main"}),
        ("shop branch:release/3.2 cause:pr", {"app": "shop", "branch": "release/3.2", "cause": Cause.PULL_REQUEST}),
    ],
)
def test_app_period_and_filters_are_read(typed: str, options: dict[str, Any]) -> None:
    assert read_stats(tokenize(typed))[0] == options


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("0d", "isn't a valid period"),
        ("201d", "isn't a valid period"),
        ("7d 30d", "both periods"),
        ("shop 90", "`90` isn't a valid period. Use 7d, 30d or 90d"),
        ("shop 4w", "isn't a valid period"),
        ("shop failed", "Stats always count every result"),
        ("shop outcome:failed", "Remove it, or list builds: `list shop outcome:failed`"),
        ("shop deploy main extra", "Unexpected `extra`"),
        ("shop by:@ana", "can't be filtered by person"),
        ("shop cause:moon", "Unknown cause"),
        ("shop colour:red", "Unknown filter"),
    ],
)
def test_unclear_text_is_refused(typed: str, problem: str) -> None:
    with pytest.raises(ArgumentsUnclear, match=problem):
        read_stats(tokenize(typed))


@given(st.text())
def test_any_text_gives_a_valid_period_or_an_error(text: str) -> None:
    try:
        days = read_stats(tokenize(text))[0].get("days")
    except ArgumentsUnclear:
        return
    assert days is None or 1 <= days <= 200
