"""What to stop, and why."""

from __future__ import annotations

import pytest

from bot.domain.abort_reasons import Reason
from commands.abort_arguments import AbortArguments, parse_abort
from commands.build_reference import BuildArguments
from commands.tokenizer import ArgumentsUnclear
from tests.commands.typed import PAGE, SLUG

SHOP_812 = BuildArguments("shop", 812)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", AbortArguments()),
        ("shop #812", AbortArguments(SHOP_812)),
        ("shop #812 wrong commit, sorry", AbortArguments(SHOP_812, sentence="wrong commit, sorry")),
        ("shop 812 see branch:main and #811", AbortArguments(SHOP_812, sentence="see branch:main and #811")),
        ('shop #812 "two words"', AbortArguments(SHOP_812, sentence="two words")),
        ("shop #812 stuck", AbortArguments(SHOP_812, category=Reason.STUCK)),
        ("shop #812 Saving credits.", AbortArguments(SHOP_812, category=Reason.SAVING_CREDITS)),
        ("shop #812 wrong branch or workflow", AbortArguments(SHOP_812, category=Reason.WRONG_TARGET)),
        ("shop #812 [stuck] for an hour", AbortArguments(SHOP_812, category=Reason.STUCK, sentence="for an hour")),
        ("shop #812 [APP-7] x", AbortArguments(SHOP_812, sentence="[APP-7] x")),
        ("shop #812 reason:duplicate of #811", AbortArguments(SHOP_812, category=Reason.DUPLICATE, sentence="of #811")),
        ("shop branch:main", AbortArguments(BuildArguments("shop"), branch="main")),
        ("shop b:main w:deploy old", AbortArguments(BuildArguments("shop"), "main", "deploy", sentence="old")),
        ("branch:main app:shop old", AbortArguments(BuildArguments("shop"), "main", sentence="old")),
        ("branch:main 3 times flaky", AbortArguments(branch="main", sentence="3 times flaky")),
        ("shop pr:#12", AbortArguments(BuildArguments("shop"), pull_request_id=12)),
        ("shop pull-request:12 old", AbortArguments(BuildArguments("shop"), sentence="old", pull_request_id=12)),
        ("shop older", AbortArguments(BuildArguments("shop"), is_older=True)),
        ("Older b:main stuck", AbortArguments(branch="main", category=Reason.STUCK, is_older=True)),
        ("shop #812 older than mine", AbortArguments(SHOP_812, sentence="older than mine")),
        ('"older" b:main', AbortArguments(BuildArguments("older"), branch="main")),
        ("shop #812 branch:x/* is frozen", AbortArguments(SHOP_812, sentence="branch:x/* is frozen")),
        ("shop #812 note: branch: main", AbortArguments(SHOP_812, sentence="note: branch: main")),
        ("shop b:main note: old", AbortArguments(BuildArguments("shop"), "main", sentence="note: old")),
        ("shop see https://acme.example", AbortArguments(BuildArguments("shop"), sentence="see https://acme.example")),
        ("shop https://acme.example", AbortArguments(BuildArguments("shop"), sentence="https://acme.example")),
        (f"{PAGE} x", AbortArguments(BuildArguments(slug=SLUG, url=PAGE), sentence="x")),
    ],
)
def test_an_abort_says_what_and_why(text: str, arguments: AbortArguments) -> None:
    assert parse_abort(text) == arguments


@pytest.mark.parametrize("typed", ["pr:feature", "pr:1234567890", "pr:-1"])
def test_a_pull_request_has_a_number(typed: str) -> None:
    with pytest.raises(ArgumentsUnclear, match="is no number of a pull request"):
        parse_abort(f"shop {typed}")


def test_an_unknown_category_is_said() -> None:
    with pytest.raises(ArgumentsUnclear, match="Did you mean `wrong-target`"):
        parse_abort("shop #812 reason:wrong-targt")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("shop branch: main", "`branch:` has no value"),
        ("shop workflow:deploy branch: main", "`branch:` has no value"),
        ("shop pr: 12", "`pr:` has no value"),
        ("shop werkflow:deploy", "Did you mean `workflow`"),
        ("shop tag:v1", "no filter `tag:`"),
        ("shop branch:feature/*", "`feature/\\*` is no name"),
        ("shop w:* older", "`\\*` is no name"),
    ],
)
def test_a_filter_that_picks_nothing_is_no_reason(typed: str, sentence: str) -> None:
    with pytest.raises(ArgumentsUnclear, match=sentence):
        parse_abort(typed)
