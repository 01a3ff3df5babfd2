"""Statistics compared with the same numbers calculated in plain Python."""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.context import Context
from bot.statistics import queries as stats_queries
from bot.statistics.queries import (
    Cost,
    Counts,
    Interval,
    Percentiles,
    Stats,
    StatsQuery,
    load_stats,
    percentiles,
    split_days,
)
from playground.clock import SteppedClock
from storage import Database, Transaction, open_database
from storage import apps as app_rows
from storage import builds as build_rows
from storage import workspaces as workspace_rows
from storage.apps import AppRow
from storage.builds import BuildRow
from tests.contexts import make_context

NOW = datetime(2026, 8, 7, 12, tzinfo=UTC)
APPS = ("shop", "droid")
GONE = "gone"
"""An app with stored builds that is no longer available to the token."""
WORKFLOWS = ("test", "deploy", None)
BRANCHES = ("main", "fix/ü")
CAUSES = ("push", "schedule")
OUTCOMES = ("succeeded", "failed", "aborted", "skipped")
COMMITS = ("aaaa", "bbbb", None)
EMPTY: dict[str, Any] = dict.fromkeys(BuildRow.__dataclass_fields__) | {"is_pipeline": False, "is_utility": False}
ids = itertools.count()


def build(**facts: Any) -> BuildRow:
    defaults = {"app_slug": "shop", "cause": "push", "state": "finished", "workflow": "test", "last_synced_at": NOW}
    return BuildRow(**(EMPTY | defaults | {"workspace_id": "T1", "build_slug": f"b{next(ids)}"} | facts))


@st.composite
def builds(draw: st.DrawFn) -> dict[str, Any]:
    """A build of about the last three weeks, in any state, as a table of facts."""
    end = NOW - timedelta(microseconds=draw(st.integers(-3_600_000_000, 20 * 86_400_000_000)))
    queue, run = draw(st.integers(0, 90)), draw(st.integers(0, 12)) * 60 + draw(st.sampled_from((0, 0.25, 0.999999)))
    began = end - timedelta(seconds=run)
    outcome = draw(st.sampled_from((*OUTCOMES, "succeeded", "failed", None)))
    has_run = draw(st.integers(0, 5)) > 0
    return {
        "app_slug": draw(st.sampled_from((*APPS, "shop", GONE))),
        "workflow": draw(st.sampled_from(WORKFLOWS)),
        "branch": draw(st.sampled_from(BRANCHES)),
        "cause": draw(st.sampled_from(CAUSES)),
        "commit_hash": draw(st.sampled_from(COMMITS)),
        "is_pipeline": draw(st.integers(0, 7)) == 0,
        "outcome": outcome,
        "state": "finished" if outcome else "running",
        "reason": draw(st.sampled_from(("superseded", "other", None))) if outcome in ("aborted", "skipped") else None,
        "credit_cost": draw(st.sampled_from((None, 0, 3))),
        "triggered_at": began - timedelta(seconds=queue),
        "started_at": began if has_run else None,
        "finished_at": end if outcome else None,
    }


QUERIES = st.builds(
    StatsQuery,
    app_slug=st.sampled_from((None, *APPS)),
    days=st.sampled_from((1, 7, 10)),
    workflow=st.sampled_from((None, None, "test")),
    branch=st.sampled_from((None, None, "main")),
    cause=st.sampled_from((None, None, "push")),
)


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/figures.db" if is_sqlite else request.getfixturevalue("postgres_url")
    database = await open_database(url)
    yield database
    await database.close()


async def stored(database: Database, workspace_id: str, rows: Sequence[BuildRow]) -> Context:
    await workspace_rows.save_workspace(database, workspace_id=workspace_id, name="Acme", bot_user_id="U0")
    apps = [AppRow(workspace_id, slug, slug, None, None, None, None, False) for slug in APPS]

    async def store(tx: Transaction) -> None:
        await app_rows.replace_apps(tx, workspace_id, apps)
        for row in rows:
            await build_rows.add_build(tx, row)

    await database.transaction(store)
    clock = SteppedClock()
    clock.move_to(NOW)
    return make_context(database, clock=clock)


# The reference calculation: no SQL, no shared code.


def fits(row: BuildRow, query: StatsQuery) -> bool:
    return (
        not row.is_pipeline
        and row.app_slug in ((query.app_slug,) if query.app_slug else APPS)
        and query.workflow in (None, row.workflow)
        and query.branch in (None, row.branch)
        and query.cause in (None, row.cause)
    )


def between(rows: Sequence[BuildRow], since: datetime, until: datetime) -> list[BuildRow]:
    return [row for row in rows if row.outcome and row.finished_at and since <= row.finished_at < until]


def run_seconds(rows: Sequence[BuildRow]) -> list[int]:
    return [
        int((row.finished_at - row.started_at).total_seconds()) for row in rows if row.started_at and row.finished_at
    ]


def success_seconds(rows: Sequence[BuildRow]) -> list[int]:
    return run_seconds([row for row in rows if row.outcome == "succeeded"])


def queue_seconds(rows: Sequence[BuildRow]) -> list[int]:
    return [
        int((row.started_at - row.triggered_at).total_seconds()) for row in rows if row.started_at and row.triggered_at
    ]


def reference_percentiles(seconds: Sequence[int]) -> Percentiles | None:
    if not seconds:
        return None
    within = next(each for each in sorted(seconds) if sum(other <= each for other in seconds) * 10 >= 9 * len(seconds))
    return Percentiles(statistics.median(seconds), within, len(seconds))


def counts(rows: Sequence[BuildRow]) -> Counts:
    return Counts(*(sum(row.outcome == outcome for row in rows) for outcome in OUTCOMES))


def flaky(rows: Sequence[BuildRow], everything: Sequence[BuildRow]) -> dict[tuple[str, str, str], int]:
    passed = {
        (row.app_slug, row.workflow, row.commit_hash)
        for row in everything
        if row.outcome == "succeeded" and not row.is_pipeline
    }
    failures: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        if row.outcome == "failed" and row.workflow and row.commit_hash:
            failures[row.app_slug, row.workflow, row.commit_hash] += 1
    return {key: count for key, count in failures.items() if key in passed}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=st.lists(builds(), max_size=40), query=QUERIES)
async def test_statistics_agree_with_the_reference_calculation(
    database: Database, facts: list[dict[str, Any]], query: StatsQuery
) -> None:
    workspace_id = f"T{next(ids)}"
    rows = [build(**each, workspace_id=workspace_id) for each in facts]
    stats = await stats_queries.load_stats((await stored(database, workspace_id, rows)), workspace_id, query)
    days = timedelta(days=query.days)
    since = (NOW - days + timedelta(days=1)).replace(hour=0)  # the beginning of the first day, today being the last
    ours = [row for row in rows if fits(row, query)]
    inside, before = between(ours, since, NOW), between(ours, since - days, NOW - days)

    assert stats.counts == counts(inside)
    assert stats.before == counts(before)
    assert stats.run == reference_percentiles(success_seconds(inside))
    assert stats.run_before == reference_percentiles(success_seconds(before))
    assert stats.queue == reference_percentiles(queue_seconds(inside))
    assert dict(stats.reasons) == Counter(row.reason for row in inside if row.outcome in ("aborted", "skipped"))
    assert {(each.app_slug, each.workflow, each.commit_hash): each.failures for each in stats.flaky} == flaky(
        inside, rows
    )
    check_costs(stats, inside)
    check_workflows(stats, inside)
    assert [
        counts(between(ours, interval.since, end)) for interval, end in zip(stats.intervals, edges(stats), strict=True)
    ] == [interval.counts for interval in stats.intervals]


def edges(stats: Stats) -> list[datetime]:
    return [*(interval.since for interval in stats.intervals[1:]), stats.until]


def check_costs(stats: Stats, inside: Sequence[BuildRow]) -> None:
    for outcome in OUTCOMES:
        alike = [row for row in inside if row.outcome == outcome]
        cost = stats.costs.get(outcome, Cost())
        assert cost == Cost(sum(run_seconds(alike)), sum(row.credit_cost or 0 for row in alike))


def check_workflows(stats: Stats, inside: Sequence[BuildRow]) -> None:
    expected: dict[tuple[str, str | None], tuple[int, int, float | None]] = {}
    for key in {(row.app_slug, row.workflow) for row in inside if row.outcome in ("succeeded", "failed")}:
        alike = [row for row in inside if (row.app_slug, row.workflow) == key]
        took = success_seconds(alike)
        median = statistics.median(took) if took else None
        expected[key] = (counts(alike).succeeded, counts(alike).failed, median)
    assert {
        (each.app_slug, each.name): (each.succeeded, each.failed, each.median) for each in stats.workflows
    } == expected


@given(st.lists(st.integers(0, 50), min_size=1))
def test_percentiles_agree_with_the_sorted_values(seconds: list[int]) -> None:
    assert percentiles(Counter(seconds)) == reference_percentiles(seconds)


def test_no_builds_have_neither_percentiles_nor_a_rate() -> None:
    assert percentiles({}) is None
    assert Counts(aborted=3, skipped=2).success_rate is None


# The example of docs/metrics.md, calculated by hand.


async def test_example_of_the_documentation(database: Database) -> None:
    def ended(outcome: str, minutes: int, **facts: Any) -> BuildRow:
        at = NOW - timedelta(days=1)
        times = {"triggered_at": at - timedelta(minutes=minutes + 1), "started_at": at - timedelta(minutes=minutes)}
        return build(outcome=outcome, finished_at=at, **(times | facts))

    rows = [
        *(ended("succeeded", minutes, commit_hash="aaaa") for minutes in (6, 7, 8)),
        ended("failed", 3, commit_hash="aaaa", credit_cost=6),
        ended("aborted", 2, reason="superseded", credit_cost=4),
        ended("aborted", 5, reason="rolling-build", started_at=None),
        ended("skipped", 1, reason="no-changes", credit_cost=2),
        build(is_pipeline=True, outcome="failed", finished_at=NOW - timedelta(days=1)),
        build(state="finished", reason_text="Bitrise no longer shows this build."),
    ]
    stats = await stats_queries.load_stats((await stored(database, "T1", rows)), "T1", StatsQuery(days=7))
    assert stats.counts == Counts(succeeded=3, failed=1, aborted=2, skipped=1)
    assert stats.counts.success_rate == 0.75
    assert stats.run == Percentiles(median=420, p90=480, builds=3)
    assert stats.queue == Percentiles(median=60, p90=60, builds=6)
    assert stats.reasons == [("no-changes", 1), ("rolling-build", 1), ("superseded", 1)]
    assert [(each.commit_hash, each.failures) for each in stats.flaky] == [("aaaa", 1)]
    assert (
        stats.costs["failed"].run_seconds + stats.costs["aborted"].run_seconds + stats.costs["skipped"].run_seconds
        == 360
    )


AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM)


@pytest.mark.parametrize(
    ("until", "days", "edges", "labels"),
    [
        ("2026-03-02T00:00", 2, ["2026-02-28T00:00", "2026-03-01T00:00"], ["Feb 28", "Mar 1"]),
        ("2026-03-02T09:30", 1, ["2026-03-02T00:00"], ["Mar 2"]),
        ("2026-03-30T00:00", 2, ["2026-03-28T00:00", "2026-03-29T00:00"], ["Mar 28", "Mar 29"]),  # a day of 23 hours
    ],
)
def test_periods_are_cut_at_midnight(until: str, days: int, edges: list[str], labels: list[str]) -> None:
    found = split_days(local(until), days)
    assert found == [*map(local, edges), local(until)]
    assert [Interval(*edge, Counts()).label for edge in pairwise(found)] == labels


def test_long_periods_have_few_bars_of_whole_days() -> None:
    found = split_days(local("2026-03-11T12:00"), 30)
    assert len(found) == 11
    assert Interval(found[0], found[1], Counts()).label == "Feb 10–12"
    assert Interval(found[6], found[7], Counts()).label == "Feb 28–Mar 2"


async def test_a_build_counts_on_the_day_of_the_readers_zone(database: Database) -> None:
    """Half past eleven in the evening in UTC is already tomorrow in Amsterdam."""
    finished_at = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    rows = [build(outcome="succeeded", finished_at=finished_at, triggered_at=finished_at - timedelta(minutes=5))]
    ctx = await stored(database, "T1", rows)
    until = datetime(2026, 3, 2, 12, tzinfo=UTC)
    query = StatsQuery(days=2)
    in_utc, in_amsterdam = [await load_stats(ctx, "T1", query, until=until, zone=zone) for zone in (UTC, AMSTERDAM)]
    assert [interval.counts.total for interval in in_utc.intervals] == [1, 0]
    assert [interval.counts.total for interval in in_amsterdam.intervals] == [0, 1]
