"""The text of a subscription: app, patterns, style and starts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.notifications.filters import KEYS, Filters, to_text
from bot.notifications.subscriptions import SubscriptionParameters
from commands.subscription_syntax import ALL_APPS, read_subscription
from commands.tokenizer import ArgumentsUnclear, tokenize
from tests.commands.typed import ANY_TEXT, PLAIN, escaped


def subscription(
    app: str | None = None, filters: Filters | None = None, style: str | None = None, starts: bool | None = None
) -> tuple[str | None, SubscriptionParameters]:
    return app, SubscriptionParameters(None, filters or Filters(), style, starts)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", subscription()),
        ("shop", subscription("shop")),
        ("all", subscription(ALL_APPS)),
        ("*", subscription(ALL_APPS)),
        ("app:All", subscription(ALL_APPS)),
        ('"all"', subscription("all")),
        ('app:"iOS Shop"', subscription("iOS Shop")),
        ("shop starts", subscription("shop", starts=True)),
        ("no-starts shop", subscription("shop", starts=False)),
        ("shop starts:Off style:Lines", subscription("shop", style="line", starts=False)),
        ("style:changes", subscription(style="changes")),
        ('"starts" "failed"', subscription("starts", Filters(workflow=("failed",)))),
    ],
)
def test_app_style_and_starts_are_read(text: str, arguments: tuple[str | None, SubscriptionParameters]) -> None:
    assert read_subscription(tokenize(text)) == arguments


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("workflow:deploy,release-*", Filters(workflow=("deploy", "release-*"))),
        ("w:a pipeline:b p:c", Filters(workflow=("a", "b", "c"))),
        ("branch:!dependabot/* b:main,,main,", Filters(branch=("!dependabot/*", "main"))),
        ("tag:v* t:x", Filters(tag=("v*", "x"))),
        ("shop deploy,lint main,!dev", Filters(workflow=("deploy", "lint"), branch=("main", "!dev"))),
        ("shop w:deploy main", Filters(workflow=("deploy",), branch=("main",))),
        ("app:shop deploy", Filters(workflow=("deploy",))),
        ("shop failed", Filters(outcome=("failed",))),
        ("Red,Cancelled shop", Filters(outcome=("failed", "aborted"))),
        ("shop !green", Filters(outcome=("!succeeded",))),
        ("outcome:broken,s* state:!skipped", Filters(outcome=("failed", "s*", "!skipped"))),
        ("cause:nightly,PR,!push", Filters(cause=("schedule", "pull-request", "!push"))),
        ("reason:superseded,ROLLING-build", Filters(reason=("superseded", "rolling-build"))),
        ("by:<@U012AB|ana>,!<@W9>,@OctoCat,Bo-*", Filters(by=("U012AB", "!W9", "octocat", "bo-*"))),
        ("by:@U012AB,u012ab", Filters(by=("U012AB", "u012ab"))),
        ("by:@!x,!@y", Filters(by=("x", "!y"))),
        ('branch:"my branch" branch:"a,b" branch:"!c d"', Filters(branch=("my branch", "a,b", "!c d"))),
        ('shop "my flow" “a,b”', Filters(workflow=("my flow",), branch=("a,b",))),
        ('shop A="" B="c d"', Filters(workflow=("A=",), branch=("B=c d",))),
        ("branch:it's,5\"", Filters(branch=("it's", '5"'))),
    ],
)
def test_filters_are_read(text: str, filters: Filters) -> None:
    assert read_subscription(tokenize(text))[1].filters == filters


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("shop werkflow:x", "Did you mean `workflow`"),
        ("shop xyz:1", "`workflow`, `w`"),
        ("outcome:faild", "Did you mean `failed`"),
        ("outcome:x*", "Use one of `succeeded`"),
        ("outcome:running", "Add `starts`"),
        ("shop queued", "Add `starts`"),
        ("cause:pusch", "Did you mean `push`"),
        ("reason:wrong-targt", "Did you mean `wrong-target`"),
        ("style:crad", "Did you mean `card`"),
        ("starts:maybe", "`on`"),
        ("branch: main", "after the colon"),
        ('branch:""', "has no value"),
        ("branch:,", "only commas"),
        ("branch:!", "`!` isn't a valid value"),
        ("by:@", "`@` isn't a valid value"),
        ("by:me", "`by:@` and your name"),
        ("by:octocat,!Me", "`by:@` and your name"),
        ("!branch:main", "`branch:!…`"),
        ('branch:"a b",main', "its own key"),
        ('branch:main,!"a b"', "its own key"),
        ('branch:"a","b"', "its own key"),
        ('branch:"a b",main workflow:"c d"', "its own key"),
        ("a b c d", "`d`"),
        ("branch:" + ",".join(str(number) for number in range(21)), "can have up to 20"),
        ("branch:" + "x" * 201, "longer than the 200"),
        ("branch:!" + "x" * 200, "longer than the 200"),
    ],
)
def test_unclear_text_is_refused_with_a_hint(text: str, sentence: str) -> None:
    with pytest.raises(ArgumentsUnclear) as unclear:
        read_subscription(tokenize(text))
    assert sentence in unclear.value.sentence


@pytest.mark.parametrize("text", ["branch:" + ",".join(str(number) for number in range(20)), "tag:" + "x" * 200])
def test_values_at_the_limits_are_read(text: str) -> None:
    assert to_text(read_subscription(tokenize(text))[1].filters) == text


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", subscription()),
        ("shop", subscription("shop")),
        (
            "shop failed b:main style:line starts",
            subscription("shop", Filters(branch=("main",), outcome=("failed",)), style="line", starts=True),
        ),
        ("all", subscription(ALL_APPS)),
    ],
)
def test_unsubscribe_reads_the_text_of_subscribe(
    text: str, arguments: tuple[str | None, SubscriptionParameters]
) -> None:
    assert read_subscription(tokenize(text)) == arguments


# Properties.

PIECES = st.sampled_from(
    [f"{key}:" for key in KEYS]
    + ["!", ",", " ", "*", '"', "'", "\\", "@", "<@U012AB|ana>", "failed", "push", "stuck", "x"]
)
FILTERED = st.lists(PIECES, max_size=15).map("".join)


@given(st.one_of(ANY_TEXT, FILTERED))
def test_any_text_gives_filters_that_read_back_or_an_error(text: str) -> None:
    try:
        filters = read_subscription(tokenize(text))[1].filters
    except ArgumentsUnclear:
        return
    assert read_subscription(tokenize(escaped(to_text(filters))))[1].filters == filters


LISTS = st.lists(PLAIN.filter(lambda pattern: pattern not in ("", "!")), max_size=4, unique=True).map(tuple)


@given(LISTS, LISTS, LISTS, st.sets(st.sampled_from(["failed", "!skipped", "s*"])))
def test_described_filters_read_back(
    workflow: tuple[str, ...], branch: tuple[str, ...], tag: tuple[str, ...], outcome: set[str]
) -> None:
    filters = Filters(workflow, branch, tag, tuple(outcome))
    assert read_subscription(tokenize(escaped(to_text(filters))))[1].filters == filters
