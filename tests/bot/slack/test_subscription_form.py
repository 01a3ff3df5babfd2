"""The subscription form: patterns become text and come back, choices stand for patterns, nothing is too long."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.builds import Cause, Outcome
from bot.notifications.filters import MAX_PATTERN_CHARACTERS, MAX_PATTERNS, Filters
from bot.slack.forms import FormRefused, read_metadata
from bot.slack.text import escape
from commands.subscription_form import (
    FORM,
    chosen_of,
    join_patterns,
    split_patterns,
    subscription_form,
    typed_patterns,
)
from commands.subscription_syntax import ALL_APPS, read_subscription
from commands.suggestions import app_option
from commands.tokenizer import tokenize
from playground.slack.state import initial_values
from playground.slack.validation import check_view

PRINTABLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
NAMES = (
    st.text(PRINTABLE, min_size=1, max_size=30).map(lambda text: " ".join(text.split())).filter(lambda t: t.strip("!"))
)
PATTERNS = st.lists(NAMES, max_size=MAX_PATTERNS, unique=True)


def submitted(**initial: Any) -> dict[str, Any]:
    """The form as somebody sends it who touched nothing."""
    view = subscription_form("C1", **{"app": app_option(ALL_APPS, None)} | initial)
    return {**view, "state": {"values": initial_values(view["blocks"])}}


@given(PATTERNS)
def test_patterns_come_back_from_their_text(patterns: list[str]) -> None:
    assert split_patterns(join_patterns(patterns)) == patterns


@given(PATTERNS)
def test_patterns_in_a_field_are_what_they_are_when_typed(patterns: list[str]) -> None:
    typed = " ".join(typed_patterns("branch", join_patterns(patterns)))
    assert list(read_subscription(tokenize(escape(typed)))[1].filters.branch) == patterns


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("main, release/*", ["main", "release/*"]),
        (" main ,,  release/* ,", ["main", "release/*"]),
        ('"odd, one", main', ["odd, one", "main"]),
        ("“odd, one”, main", ["odd, one", "main"]),
        ("my workflow, other", ["my workflow", "other"]),
        ("main\nrelease/*", ["main release/*"]),
        ("", []),
    ],
)
def test_how_people_write_lists(text: str, patterns: list[str]) -> None:
    typed = " ".join(typed_patterns("branch", text))
    assert list(read_subscription(tokenize(escape(typed)))[1].filters.branch) == patterns


@pytest.mark.parametrize(
    ("patterns", "chosen"),
    [
        ((), ()),
        (("failed",), ("failed",)),
        (("!failed",), ("succeeded", "aborted", "skipped")),
        (("s*",), ("succeeded", "skipped")),
        (("s*", "!skipped"), ("succeeded",)),
        (("*",), ()),
    ],
)
def test_what_is_chosen_is_what_the_patterns_let_through(patterns: tuple[str, ...], chosen: tuple[str, ...]) -> None:
    assert chosen_of(patterns, Outcome) == chosen


def test_what_nobody_touched_is_read_as_it_was() -> None:
    wanted = Filters(
        workflow=("deploy", "a, b"), branch=("!x",), tag=("v*",), outcome=("!aborted",), cause=("!schedule", "!api"),
        by=("U012AB", "octocat", "!U034CD", "!dependabot*"), reason=("!stuck", "s*"),
    )  # fmt: skip
    view = submitted(subscription_id="s1", filters=wanted, style="thread", starts=True)
    form = FORM.read(view)
    assert (read_metadata(view)["channel_id"], form.subscription_id, form.app_slug) == ("C1", "s1", None)
    assert (form.style, form.starts) == ("thread", True)
    assert form.apply_to(wanted) == wanted


def test_all_causes_chosen_is_any_cause() -> None:
    view = submitted(filters=Filters(cause=("push",)))
    view["state"]["values"]["subscribe.cause"]["subscribe.cause"]["selected_options"] = [
        {"value": str(cause)} for cause in Cause
    ]
    assert FORM.read(view).filters["cause"] == ()


def test_a_view_with_nothing_in_it_asks_for_the_app() -> None:
    with pytest.raises(FormRefused) as refused:
        FORM.read({})
    assert refused.value.errors == {"subscribe.app": "Choose an app, or all apps."}


def test_a_view_with_nothing_but_the_app_is_read() -> None:
    chosen = {"subscribe.app": {"selected_option": {"value": ALL_APPS}}}
    form = FORM.read({"state": {"values": {"subscribe.app": chosen}}})
    assert (form.app_slug, form.subscription_id, form.style) == (None, "", "card")
    assert form.apply_to(Filters()) == Filters()


def test_patterns_that_do_not_fit_their_field_stay_as_they_are() -> None:
    longest = tuple(f"{number:02}" + "x" * (MAX_PATTERN_CHARACTERS - 2) for number in range(MAX_PATTERNS))
    wanted = Filters(workflow=longest, branch=("main",), by=("U012AB", *(f"y{each}" for each in longest[1:])))
    view = submitted(subscription_id="s1", app=app_option("a" * 36, "t" * 200), filters=wanted)
    assert check_view({name: value for name, value in view.items() if name != "state"}) == []
    assert "They stay unchanged" in str(view["blocks"])
    assert FORM.read(view).apply_to(wanted) == wanted
