"""What in the figures is worth a sentence: each rule by its edge, and what holds for whatever figures there are."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.statistics.digest_messages import insight_text
from bot.statistics.insights import TOLD, Kind, Remark, remarks
from bot.statistics.queries import Compared, Cost, Counts, Spread, Stats, StatsWanted, Workflow
from storage.statistics import FlakyCommit, Target

UNTIL = datetime(2026, 3, 9, 8, tzinfo=UTC)
WEEK = timedelta(days=7)
CALM = Counts(succeeded=40, failed=2)
TITLES = {"shop": "iOS <Shop>"}


def stats(counts: Counts = CALM, **more: Any) -> Stats:
    known: dict[str, Any] = {
        "wanted": StatsWanted(days=7), "since": UNTIL - WEEK, "until": UNTIL, "counts": counts, "before": Counts(),
        "run": None, "run_before": None, "queue": None, "costs": {}, "reasons": (), "apps": {}, "workflows": (),
        "flaky": (),
    }  # fmt: skip
    return Stats(**known | more)


def flaky(count: int, workflow: str = "test") -> list[FlakyCommit]:
    return [FlakyCommit("shop", workflow, f"{place:040x}", 1) for place in range(count)]


def queue(median: float, builds: int = 20) -> Spread:
    return Spread(median, round(2 * median), builds)


def deploy(succeeded: int = 10, failed: int = 0, median: float | None = 600) -> Workflow:
    return Workflow("shop", "deploy", succeeded, failed, median)


RED: dict[Target, datetime] = {("shop", "deploy"): UNTIL - timedelta(days=2)}
SAVING = {"succeeded": Cost(60_000, 400), "skipped": Cost(600, 10)}


@pytest.mark.parametrize(
    ("now", "before", "kinds"),
    [
        (stats(Counts(30, 10)), stats(Counts(38, 2)), [Kind.RATE_FELL]),
        (stats(Counts(38, 2)), stats(Counts(30, 10)), [Kind.RATE_ROSE]),
        (stats(Counts(38, 2)), stats(Counts(39, 1)), []),  # 2.5 points are weather
        (stats(Counts(5, 4)), stats(Counts(38, 2)), []),  # nine builds are chance
        (stats(workflows=[deploy(9, 3)]), stats(), [Kind.FAILING]),
        (stats(workflows=[deploy(9, 2)]), stats(), []),
        (stats(workflows=[deploy(30, 3)]), stats(), []),
        (stats(reasons=[("superseded", 5), ("stuck", 15)]), stats(), [Kind.REPLACED]),
        (stats(reasons=[("superseded", 4)]), stats(), []),
        (stats(reasons=[("superseded", 5), ("stuck", 16)]), stats(), []),
        (stats(reasons=[("rolling-build", 20)]), stats(), []),  # Bitrise does it already
        (stats(queue=queue(180)), stats(queue=queue(60)), [Kind.WAITING]),
        (stats(queue=queue(100)), stats(queue=queue(60)), []),
        (stats(queue=queue(180)), stats(queue=queue(60, builds=9)), []),
        (stats(workflows=[deploy(median=720)]), stats(workflows=[deploy(median=600)]), [Kind.SLOWER]),
        (stats(workflows=[deploy(median=719)]), stats(workflows=[deploy(median=600)]), []),
        (stats(workflows=[deploy(median=40)]), stats(workflows=[deploy(median=20)]), []),
        (stats(workflows=[deploy(median=720)]), stats(workflows=[deploy(4, median=600)]), []),
        (stats(flaky=flaky(2)), stats(), [Kind.FLAKY]),
        (stats(flaky=flaky(1)), stats(), []),
        (stats(Counts(40, 2, 0, 5)), stats(), [Kind.SKIPPED]),
        (stats(Counts(40, 2, 0, 4)), stats(), []),
        (stats(Counts(90, 2, 0, 5)), stats(), []),
    ],
)  # fmt: skip
def test_a_remark_is_made_where_the_figures_bear_it(now: Stats, before: Stats, kinds: list[Kind]) -> None:
    assert [remark.kind for remark in remarks(Compared(now, before))] == kinds


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        (Compared(stats(Counts(30, 10)), stats(Counts(38, 2))),
         "The success rate fell by 20.0 points, from 95.0 % to 75.0 %."),
        (Compared(stats(workflows=[deploy(9, 3)]), stats()), "iOS &lt;Shop&gt; `deploy` fails most: 3 of 12 (25.0 %)."),
        (Compared(stats(workflows=[deploy(9, 3)]), stats(), RED),
         "iOS &lt;Shop&gt; `deploy` fails most: 3 of 12 (25.0 %), and nothing else since <!date^1772870400"),
        (Compared(stats(reasons=[("superseded", 19), ("stuck", 31)]), stats()),
         "38.0 % of stops were replaced builds: turn on rolling builds, and Bitrise stops them by itself."),
        (Compared(stats(queue=queue(180)), stats(queue=queue(60))),
         "Builds wait 3 min for a machine in the middle, 1 min before: more concurrency"),
        (Compared(stats(workflows=[deploy(median=900)]), stats(workflows=[deploy(median=600)])),
         "iOS &lt;Shop&gt; `deploy` takes 50 % longer: 15 min, 10 min before."),
        (Compared(stats(flaky=[*flaky(3), *flaky(2, "lint")]), stats()),
         "5 commits failed and also passed with nothing changed, most of them in iOS &lt;Shop&gt; `test`"),
        (Compared(stats(Counts(40, 2, 0, 10), costs=SAVING), stats()),
         "10 builds (19.2 %) had nothing to do and were skipped, which saved about 90 credits."),
        (Compared(stats(Counts(40, 2, 0, 10)), stats()),
         "10 builds (19.2 %) had nothing to do and were skipped."),
    ],
)  # fmt: skip
def test_the_sentence_says_what_was_found(figures: Compared, told: str) -> None:
    (remark,) = remarks(figures)
    assert insight_text(remark, figures.now, TITLES).startswith(told)


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
def test_whatever_there_is_the_heaviest_few_are_told_one_of_a_kind(now: Stats, before: Stats) -> None:
    told = remarks(Compared(now, before))
    assert len(told) <= TOLD
    assert len({remark.kind for remark in told}) == len(told)
    assert [remark.weight for remark in told] == sorted((remark.weight for remark in told), reverse=True)
    assert all(0 < remark.weight <= 100 for remark in told)


@given(STATS, STATS)
def test_whatever_is_told_is_a_sentence_of_one_line(now: Stats, before: Stats) -> None:
    for remark in remarks(Compared(now, before)):
        told = insight_text(remark, now, TITLES)
        assert told.endswith(".")
        assert "\n" not in told
        assert "<Shop>" not in told


@given(STATS)
def test_a_span_like_the_one_before_has_nothing_that_moved(now: Stats) -> None:
    moved = {Kind.RATE_FELL, Kind.RATE_ROSE, Kind.WAITING, Kind.SLOWER}
    assert moved.isdisjoint(remark.kind for remark in remarks(Compared(now, now)))


def test_red_since_makes_a_failing_workflow_heavier() -> None:
    def heavy(figures: Compared) -> Remark:
        return remarks(figures)[0]

    now = stats(workflows=[deploy(9, 3)])
    assert heavy(Compared(now, stats(), RED)).weight > heavy(Compared(now, stats())).weight
    assert heavy(dataclasses.replace(Compared(now, stats(), RED))).since == UNTIL - timedelta(days=2)
