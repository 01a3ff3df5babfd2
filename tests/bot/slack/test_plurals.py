"""Singular forms in messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.bitrise.models import Artifact
from bot.notifications import messages as notifications
from bot.results.install_links import BuildFiles, InstallLink
from bot.results.messages import artifacts_message
from bot.slack import build_lists as lists
from bot.slack import cards
from bot.slack.build_text import BuildView
from bot.slack.text import Message
from bot.statistics import digest_messages as digest_message
from bot.statistics.insights import Insight, InsightKind
from bot.statistics.messages import BY_REASON, DETAILS, StatsPage, stats_message
from bot.statistics.queries import Cost, Counts, Percentiles, Stats, StatsQuery
from bot.sync import import_messages as import_message
from storage.imports import OPEN, ImportRow
from storage.results import ResultRow

NOON = datetime(2026, 8, 7, 12, tzinfo=UTC)
Make = Callable[..., BuildView]
Seen = Callable[[Message], str]

FILE = Artifact(slug="f1", title="report.html", kind="file", size_bytes=1, is_public=False)
PAGE = InstallLink("ios", "Shop.ipa", 1, None, "https://b.io/p", is_public=True)


def test_one_more_build_is_not_shown(build: Make, seen: Seen, now: datetime) -> None:
    many = [build(build_slug=f"b{each}") for each in range(13)]
    assert "…and 1 more." in seen(cards.card(many[:11], now=now))
    assert "…and 3 more." in seen(cards.card(many, now=now))
    assert "…and 1 more." in seen(lists.running_now(many, now=now))


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (BuildFiles((PAGE,), (FILE,)), "To install from iOS Shop deploy #812: iOS https://b.io/p. 1 other file."),
        (BuildFiles((PAGE,), (FILE, FILE)), "To install from iOS Shop deploy #812: iOS https://b.io/p. 2 other files."),
        (BuildFiles((), (FILE,)), "1 file of iOS Shop deploy #812."),
        (BuildFiles((), (FILE, FILE)), "2 files of iOS Shop deploy #812."),
    ],
)
def test_one_file(build: Make, left: BuildFiles, told: str) -> None:
    assert artifacts_message(build(), left).text == told


def test_one_failed_test(ended: Make, now: datetime) -> None:
    finding = ResultRow("T1", "b0001", "complete", now, tests=("testLogin",))
    told = notifications.explanation(ended("failed"), finding, None, None)
    assert told is not None
    assert told.text == "iOS Shop deploy #812 failed; 1 test failed."


def stats(counts: Counts, costs: dict[str, Cost]) -> Stats:
    spread = Percentiles(60, 60, 1)
    return Stats(
        query=StatsQuery("a1"), since=NOON, until=NOON, counts=counts, before=Counts(), run=spread, run_before=spread,
        queue=spread, costs=costs, reasons=[("stuck", 1)], apps={}, workflows=[], flaky=[], intervals=[],
    )  # fmt: skip


def test_one_stopped_build_and_one_credit(seen: Seen) -> None:
    told = stats(Counts(aborted=1), {"aborted": Cost(60, 1)})
    assert "*1 of 1 build stopped*: 1 by people" in seen(stats_message(told, StatsPage(told.query, BY_REASON), {}))
    assert "aborted 1 min (1 credit)" in seen(stats_message(told, StatsPage(told.query, DETAILS), {}))
    insight = Insight(InsightKind.SKIPPED, 1, now=0.5, count=5, saved_credits=1)
    assert digest_message.insight_text(insight, told, {}).endswith("saved about 1 credit.")


def test_one_build_of_the_past(seen: Seen) -> None:
    row = ImportRow(
        "T1", "a1", OPEN, NOON - timedelta(days=30), "UANA", NOON, updated_at=NOON, imported_count=1, total=1
    )
    assert "a1: 1 of 1 build (100%)" in seen(import_message.progress([row], {}, command="/build"))
