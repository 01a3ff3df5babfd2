"""What figures are about, as it is typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.builds import Cause
from commands.stats_arguments import StatsArguments, parse_stats
from commands.tokenizer import ArgumentsUnclear


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("", StatsArguments()),
        ("shop", StatsArguments("shop")),
        ("shop 90d", StatsArguments("shop", days=90)),
        ("7D shop", StatsArguments("shop", days=7)),
        ("14days", StatsArguments(days=14)),
        ("last:30d", StatsArguments(days=30)),
        ("all", StatsArguments(is_all=True)),
        ("ALL 7d", StatsArguments(is_all=True, days=7)),
        ('"iOS Shop" 30d', StatsArguments("iOS Shop", days=30)),
        ('"7d"', StatsArguments("7d")),
        ("app:shop workflow:deploy", StatsArguments("shop", workflow="deploy")),
        ("shop branch:release/3.2 cause:pr", StatsArguments("shop", branch="release/3.2", cause=Cause.PULL_REQUEST)),
    ],
)
def test_what_is_asked(typed: str, asked: StatsArguments) -> None:
    assert parse_stats(typed) == asked


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("0d", "is no span"),
        ("201d", "is no span"),
        ("7d 30d", "two spans"),
        ("shop failed", "can be narrowed"),
        ("shop deploy main", "can be narrowed"),
        ("app:shop deploy", "can be narrowed"),
        ("all app:shop", "can be narrowed"),
        ("shop by:@ana", "can be narrowed"),
        ("shop cause:moon", "no cause"),
        ("shop colour:red", "no filter"),
    ],
)
def test_what_cannot_be_read(typed: str, problem: str) -> None:
    with pytest.raises(ArgumentsUnclear, match=problem):
        parse_stats(typed)


@given(st.text())
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        days = parse_stats(text).days
    except ArgumentsUnclear:
        return
    assert days is None or 1 <= days <= 200
