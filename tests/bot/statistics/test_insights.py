"""Insights of scheduled reports: each rule at its threshold, and properties of all of them."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.statistics.digest_messages import insight_text
from bot.statistics.insights import MAX_INSIGHTS, Insight, InsightKind, find_insights
from bot.statistics.queries import Cost, Counts, Percentiles, PeriodComparison, Stats, StatsQuery, Workflow
from storage.statistics import FlakyCommit, Target

UNTIL = datetime(2026, 3, 9, 8, tzinfo=UTC)
WEEK = timedelta(days=7)
CALM = Counts(succeeded=40, failed=2)
TITLES = {"shop": "iOS <Shop>"}


def stats(counts: Counts = CALM, **more: Any) -> Stats:
    known: dict[str, Any] = {
        "query": StatsQuery(days=7), "since": UNTIL - WEEK, "until": UNTIL, "counts": counts, "before": Counts(),
        "run": None, "run_before": None, "queue": None, "costs": {}, "reasons": (), "apps": {}, "workflows": (),
        "flaky": (),
    }  # fmt: skip
    return Stats(**known | more)


def flaky(count: int, workflow: str = "test") -> list[FlakyCommit]:
    return [FlakyCommit("shop", workflow, f"{place:040x}", 1) for place in range(count)]


def queue(median: float, builds: int = 20) -> Percentiles:
    return Percentiles(median, round(2 * median), builds)


def deploy(succeeded: int = 10, failed: int = 0, median: float | None = 600) -> Workflow:
    return Workflow("shop", "deploy", succeeded, failed, median)


def compare(now: Stats, before: Stats, failing_since: dict[Target, datetime] | None = None) -> PeriodComparison:
    return PeriodComparison(now, before, failing_since or {})


FAILING_SINCE: dict[Target, datetime] = {("shop", "deploy"): UNTIL - timedelta(days=2)}
SAVING = {"succeeded": Cost(60_000, 400), "skipped": Cost(600, 10)}


@pytest.mark.parametrize(
    ("now", "before", "kinds"),
    [
        (stats(Counts(30, 10)), stats(Counts(38, 2)), [InsightKind.RATE_FELL]),
        (stats(Counts(38, 2)), stats(Counts(30, 10)), [InsightKind.RATE_ROSE]),
        (stats(Counts(38, 2)), stats(Counts(39, 1)), []),  # 2.5 points are noise
        (stats(Counts(5, 4)), stats(Counts(38, 2)), []),  # nine builds are too few
        (stats(workflows=[deploy(9, 3)]), stats(), [InsightKind.FAILING]),
        (stats(workflows=[deploy(9, 2)]), stats(), []),
        (stats(workflows=[deploy(30, 3)]), stats(), []),
        (stats(reasons=[("superseded", 5), ("stuck", 15)]), stats(), [InsightKind.REPLACED]),
        (stats(reasons=[("superseded", 4)]), stats(), []),
        (stats(reasons=[("superseded", 5), ("stuck", 16)]), stats(), []),
        (stats(reasons=[("rolling-build", 20)]), stats(), []),  # Bitrise does it already
        (stats(queue=queue(180)), stats(queue=queue(60)), [InsightKind.WAITING]),
        (stats(queue=queue(100)), stats(queue=queue(60)), []),
        (stats(queue=queue(180)), stats(queue=queue(60, builds=9)), []),
        (stats(workflows=[deploy(median=720)]), stats(workflows=[deploy(median=600)]), [InsightKind.SLOWER]),
        (stats(workflows=[deploy(median=719)]), stats(workflows=[deploy(median=600)]), []),
        (stats(workflows=[deploy(median=40)]), stats(workflows=[deploy(median=20)]), []),
        (stats(workflows=[deploy(median=720)]), stats(workflows=[deploy(4, median=600)]), []),
        (stats(flaky=flaky(2)), stats(), [InsightKind.FLAKY]),
        (stats(flaky=flaky(1)), stats(), []),
        (stats(Counts(40, 2, 0, 5)), stats(), [InsightKind.SKIPPED]),
        (stats(Counts(40, 2, 0, 4)), stats(), []),
        (stats(Counts(90, 2, 0, 5)), stats(), []),
    ],
)  # fmt: skip
def test_insight_is_found_from_its_threshold_on(now: Stats, before: Stats, kinds: list[InsightKind]) -> None:
    assert [insight.kind for insight in find_insights(compare(now, before))] == kinds


@pytest.mark.parametrize(
    ("comparison", "text"),
    [
        (compare(stats(Counts(30, 10)), stats(Counts(38, 2))),
         "The success rate fell 20 pts, from 95% to 75%."),
        (compare(stats(workflows=[deploy(9, 3)]), stats()),
         "iOS &lt;Shop&gt; `deploy` fails most often: 3 of 12 (25%)."),
        (compare(stats(workflows=[deploy(9, 3)]), stats(), FAILING_SINCE),
         "iOS &lt;Shop&gt; `deploy` fails most often: 3 of 12 (25%), without a success since <!date^1772870400"),
        (compare(stats(reasons=[("superseded", 19), ("stuck", 31)]), stats()),
         "38% of stopped builds were superseded. Turn on rolling builds, and Bitrise stops them automatically."),
        (compare(stats(queue=queue(180)), stats(queue=queue(60))),
         "Median queue time rose from 1 min to 3 min. More Bitrise concurrency"),
        (compare(stats(workflows=[deploy(median=900)]), stats(workflows=[deploy(median=600)])),
         "iOS &lt;Shop&gt; `deploy` takes 50% longer: 15 min, previously 10 min."),
        (compare(stats(flaky=[*flaky(3), *flaky(2, "lint")]), stats()),
         "5 commits failed and also passed without changes, most often in iOS &lt;Shop&gt; `test`"),
        (compare(stats(Counts(40, 2, 0, 10), costs=SAVING), stats()),
         "10 builds (19.2%) were skipped because nothing changed, which saved about 90 credits."),
        (compare(stats(Counts(40, 2, 0, 10)), stats()),
         "10 builds (19.2%) were skipped because nothing changed."),
    ],
)  # fmt: skip
def test_insight_is_described_in_a_sentence(comparison: PeriodComparison, text: str) -> None:
    (insight,) = find_insights(comparison)
    assert insight_text(insight, comparison.now, TITLES).startswith(text)


COUNTS = st.builds(Counts, *[st.integers(0, 300)] * 4)
WORKFLOWS = st.lists(
    st.builds(
        Workflow, st.just("shop"), st.sampled_from(["deploy", "test", None]), st.integers(0, 50), st.integers(0, 50),
        st.none() | st.integers(1, 5_000),
    ).filter(lambda each: each.finished > 0),
    max_size=3, unique_by=lambda each: each.name,
)  # fmt: skip
STATS = st.builds(
    lambda counts, workflows, reasons, waits, commits: stats(
        counts, workflows=workflows, reasons=list(reasons.items()), queue=waits, flaky=flaky(commits), costs=SAVING
    ),
    COUNTS, WORKFLOWS,
    st.dictionaries(st.sampled_from(["superseded", "stuck", "rolling-build", None]), st.integers(1, 99)),
    st.none() | st.builds(queue, st.integers(0, 3_000), st.integers(1, 99)), st.integers(0, 30),
)  # fmt: skip


@given(STATS, STATS)
def test_the_most_useful_insights_are_returned_one_of_a_kind(now: Stats, before: Stats) -> None:
    insights = find_insights(compare(now, before))
    assert len(insights) <= MAX_INSIGHTS
    assert len({insight.kind for insight in insights}) == len(insights)
    assert [insight.weight for insight in insights] == sorted((insight.weight for insight in insights), reverse=True)
    assert all(0 < insight.weight <= 100 for insight in insights)


@given(STATS, STATS)
def test_every_insight_is_a_sentence_on_one_line(now: Stats, before: Stats) -> None:
    for insight in find_insights(compare(now, before)):
        text = insight_text(insight, now, TITLES)
        assert text.endswith(".")
        assert "\n" not in text
        assert "<Shop>" not in text


@given(STATS)
def test_equal_periods_have_no_insight_about_a_change(now: Stats) -> None:
    changes = {InsightKind.RATE_FELL, InsightKind.RATE_ROSE, InsightKind.WAITING, InsightKind.SLOWER}
    assert changes.isdisjoint(insight.kind for insight in find_insights(compare(now, now)))


def test_workflow_without_a_recent_success_weighs_more() -> None:
    def first(comparison: PeriodComparison) -> Insight:
        return find_insights(comparison)[0]

    now = stats(workflows=[deploy(9, 3)])
    assert first(compare(now, stats(), FAILING_SINCE)).weight > first(compare(now, stats())).weight
    assert first(dataclasses.replace(compare(now, stats(), FAILING_SINCE))).since == UNTIL - timedelta(days=2)
