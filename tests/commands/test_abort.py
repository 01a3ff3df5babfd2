"""The text of an abort: the build or the filters, and the reason."""

from __future__ import annotations

from typing import Any

import pytest

from bot.builds.bulk_abort import BulkFilter
from bot.builds.queries import BuildRef
from bot.domain.abort_reasons import Reason
from commands.abort import AbortArguments, read_abort
from commands.tokenizer import ArgumentsUnclear, tokenize
from tests.commands.typed import PAGE, SLUG

SHOP, SHOP_812 = BuildRef("shop"), BuildRef("shop", 812)


def abort(build: BuildRef, *, category: Reason | None = None, sentence: str = "", **filters: Any) -> AbortArguments:
    return AbortArguments(build, BulkFilter(build.app, **filters), category, sentence)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", abort(BuildRef())),
        ("shop #812", abort(SHOP_812)),
        ("shop #812 wrong commit, sorry", abort(SHOP_812, sentence="wrong commit, sorry")),
        ("shop 812 see branch:main and #811", abort(SHOP_812, sentence="see branch:main and #811")),
        ('shop #812 "two words"', abort(SHOP_812, sentence="two words")),
        ("shop #812 stuck", abort(SHOP_812, category=Reason.STUCK)),
        ("shop #812 Saving credits.", abort(SHOP_812, category=Reason.SAVING_CREDITS)),
        ("shop #812 wrong branch or workflow", abort(SHOP_812, category=Reason.WRONG_TARGET)),
        ("shop #812 [stuck] for an hour", abort(SHOP_812, category=Reason.STUCK, sentence="for an hour")),
        ("shop #812 [APP-7] x", abort(SHOP_812, sentence="[APP-7] x")),
        ("shop #812 reason:duplicate of #811", abort(SHOP_812, category=Reason.DUPLICATE, sentence="of #811")),
        ("shop branch:main", abort(SHOP, branch="main")),
        ("shop b:main w:deploy old", abort(SHOP, branch="main", workflow="deploy", sentence="old")),
        ("branch:main app:shop old", abort(SHOP, branch="main", sentence="old")),
        ("branch:main 3 times flaky", abort(BuildRef(), branch="main", sentence="3 times flaky")),
        ("shop pr:#12", abort(SHOP, pull_request_id=12)),
        ("shop pull-request:12 old", abort(SHOP, sentence="old", pull_request_id=12)),
        ("shop older", abort(SHOP, is_older=True)),
        ("Older b:main stuck", abort(BuildRef(), branch="main", category=Reason.STUCK, is_older=True)),
        ("shop #812 older than mine", abort(SHOP_812, sentence="older than mine")),
        ('"older" b:main', abort(BuildRef("older"), branch="main")),
        ("shop #812 branch:x/* is frozen", abort(SHOP_812, sentence="branch:x/* is frozen")),
        ("shop #812 note: branch: main", abort(SHOP_812, sentence="note: branch: main")),
        ("shop b:main note: old", abort(SHOP, branch="main", sentence="note: old")),
        ("shop see https://acme.example", abort(SHOP, sentence="see https://acme.example")),
        ("shop https://acme.example", abort(SHOP, sentence="https://acme.example")),
        (f"{PAGE} x", abort(BuildRef(slug=SLUG), sentence="x")),
    ],
)
def test_build_or_filters_and_the_reason_are_read(text: str, arguments: AbortArguments) -> None:
    assert read_abort(tokenize(text)) == arguments


@pytest.mark.parametrize("typed", ["pr:feature", "pr:1234567890", "pr:-1"])
def test_pull_request_must_be_a_number(typed: str) -> None:
    with pytest.raises(ArgumentsUnclear, match="isn't a pull request number"):
        read_abort(tokenize(f"shop {typed}"))


def test_unknown_category_is_refused_with_the_nearest() -> None:
    with pytest.raises(ArgumentsUnclear, match="Did you mean `wrong-target`"):
        read_abort(tokenize("shop #812 reason:wrong-targt"))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("shop branch: main", "`branch:` has no value"),
        ("shop workflow:deploy branch: main", "`branch:` has no value"),
        ("shop pr: 12", "`pr:` has no value"),
        ("shop werkflow:deploy", "Did you mean `workflow`"),
        ("shop tag:v1", "Unknown filter `tag:`"),
        ("shop branch:feature/*", "`feature/\\*` is a pattern"),
        ("shop w:* older", "`\\*` is a pattern"),
    ],
)
def test_broken_filter_is_refused_and_not_taken_for_a_reason(typed: str, sentence: str) -> None:
    with pytest.raises(ArgumentsUnclear, match=sentence):
        read_abort(tokenize(typed))
