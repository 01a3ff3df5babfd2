"""Statistics of a period: results, durations, queue times, abort reasons and costs of builds.

Builds count in the period in which they finished. A pipeline is the sum of its builds and isn't counted again.
Success rate = succeeded / (succeeded + failed); aborted and skipped builds are counted beside it.
"""

from __future__ import annotations

import dataclasses
import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import accumulate, pairwise

from bot.context import Context
from storage import statistics as stats_rows
from storage.statistics import FlakyCommit, ResultCount, Scope, Target

PERIODS = (7, 30, 90)
DEFAULT_DAYS = 30
MAX_DAYS = 200
"""Bitrise itself keeps builds no longer."""
MAX_INTERVALS = 10
MAX_WORKFLOWS = 5


@dataclass(frozen=True, slots=True)
class StatsQuery:
    """The builds to count. Without ``app_slug``: all apps that are available to the connected token."""

    app_slug: str | None = None
    days: int = DEFAULT_DAYS
    workflow: str | None = None
    branch: str | None = None
    cause: str | None = None

    def scope(self, workspace_id: str, since: datetime, until: datetime) -> Scope:
        return Scope(workspace_id, since, until, self.app_slug, self.workflow, self.branch, self.cause)


@dataclass(frozen=True, slots=True)
class Counts:
    """Builds by outcome. ``finished`` are those that say something about the code: succeeded and failed."""

    succeeded: int = 0
    failed: int = 0
    aborted: int = 0
    skipped: int = 0

    @property
    def total(self) -> int:
        return self.finished + self.aborted + self.skipped

    @property
    def finished(self) -> int:
        return self.succeeded + self.failed

    @property
    def success_rate(self) -> float | None:
        return self.succeeded / self.finished if self.finished else None


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Median and 90th percentile of durations in seconds."""

    median: float
    p90: int
    builds: int


@dataclass(frozen=True, slots=True)
class Cost:
    run_seconds: int = 0
    credits: int = 0


@dataclass(frozen=True, slots=True)
class Workflow:
    """``median`` is the duration of its successes, None if unknown."""

    app_slug: str
    name: str | None
    succeeded: int
    failed: int
    median: float | None

    @property
    def finished(self) -> int:
        return self.succeeded + self.failed


@dataclass(frozen=True, slots=True)
class Interval:
    """Whole days of the period, for a chart: from ``since`` until just before ``until``."""

    since: datetime
    until: datetime
    counts: Counts

    @property
    def label(self) -> str:
        """``Mar 2``, or ``Mar 2-4`` for several days."""
        first, last = self.since.date(), (self.until - timedelta(microseconds=1)).date()
        if first == last:
            return f"{first:%b} {first.day}"
        return f"{first:%b} {first.day}\N{EN DASH}{last.day if first.month == last.month else f'{last:%b} {last.day}'}"


@dataclass(frozen=True, slots=True)
class Stats:
    """``before`` counts the period of the same length just before. ``costs`` are by outcome.

    ``reasons`` and ``apps`` start with the most frequent; ``workflows`` are those with a finished build, by name.
    """

    query: StatsQuery
    since: datetime
    until: datetime
    counts: Counts
    before: Counts
    run: Percentiles | None
    run_before: Percentiles | None
    queue: Percentiles | None
    costs: Mapping[str, Cost]
    reasons: Sequence[tuple[str | None, int]]
    apps: Mapping[str, Counts]
    workflows: Sequence[Workflow]
    flaky: Sequence[FlakyCommit]
    intervals: Sequence[Interval] = ()

    @property
    def slowest(self) -> list[Workflow]:
        """Workflows with the longest median duration."""
        timed = [workflow for workflow in self.workflows if workflow.median is not None]
        return sorted(timed, key=lambda each: (-(each.median or 0), each.app_slug, each.name or ""))[:MAX_WORKFLOWS]

    @property
    def most_failing(self) -> list[Workflow]:
        """Workflows with the most failures, then with the highest share of failures."""
        failing = [workflow for workflow in self.workflows if workflow.failed]
        failing.sort(key=lambda each: (-each.failed, each.finished, each.app_slug, each.name or ""))
        return failing[:MAX_WORKFLOWS]


@dataclass(frozen=True, slots=True)
class PeriodComparison:
    """A period and the one before. ``failing_since`` is since when the most failing workflows have had no success."""

    now: Stats
    before: Stats
    failing_since: Mapping[Target, datetime] = field(default_factory=dict)


async def compare_periods(
    ctx: Context, workspace_id: str, query: StatsQuery, *, until: datetime, zone: tzinfo
) -> PeriodComparison:
    now = await load_stats(ctx, workspace_id, query, until=until, zone=zone)
    before = await load_stats(ctx, workspace_id, query, until=now.since, zone=zone)
    failing_since: dict[Target, datetime] = {}
    for worst in now.most_failing:
        scope = query.scope(workspace_id, until - timedelta(days=MAX_DAYS), until)
        of_workflow = dataclasses.replace(scope, app_slug=worst.app_slug, workflow=worst.name)
        if worst.name and (since := await stats_rows.find_failing_since(ctx.db, of_workflow)):
            failing_since[(worst.app_slug, worst.name)] = since
    return PeriodComparison(now, before, failing_since)


async def has_finished_builds(ctx: Context, workspace_id: str, query: StatsQuery, *, until: datetime) -> bool:
    scope = query.scope(workspace_id, split_days(until, query.days)[0], until)
    return bool(await stats_rows.count_results(ctx.db, scope))


async def load_stats(
    ctx: Context, workspace_id: str, query: StatsQuery, *, until: datetime | None = None, zone: tzinfo = UTC
) -> Stats:
    """Return the statistics of the last ``query.days`` days in ``zone``, today included, compared with as many before.

    ``until`` is now by default. A period that ends at midnight consists of whole days.
    """
    until = (until or ctx.clock.now()).astimezone(zone)
    edges = split_days(until, query.days)
    since, days = edges[0], timedelta(days=query.days)
    scope = query.scope(workspace_id, since, until)
    earlier = query.scope(workspace_id, since - days, until - days)  # by the wall clock, also when that changes
    by_interval = [
        await stats_rows.count_results(ctx.db, dataclasses.replace(scope, since=begin, until=end))
        for begin, end in pairwise(edges)
    ]
    results = [result for interval in by_interval for result in interval]
    durations = await stats_rows.count_durations(ctx.db, scope)
    all_durations: Counter[int | None] = Counter()
    for builds_by_seconds in durations.values():
        all_durations.update(builds_by_seconds)
    reasons = await stats_rows.count_reasons(ctx.db, scope)
    return Stats(
        query=query,
        since=since,
        until=until,
        counts=sum_counts(results),
        before=sum_counts(await stats_rows.count_results(ctx.db, earlier)),
        run=percentiles(all_durations),
        run_before=percentiles(await stats_rows.count_run_seconds(ctx.db, earlier)),
        queue=percentiles(await stats_rows.count_queue_seconds(ctx.db, scope)),
        costs=_sum_costs(results),
        reasons=sorted(reasons.items(), key=lambda each: (-each[1], each[0] or "")),
        apps=_counts_by_app(results),
        workflows=_list_workflows(durations, await stats_rows.count_failures(ctx.db, scope)),
        flaky=await stats_rows.list_flaky(ctx.db, scope),
        intervals=[Interval(*edge, sum_counts(each)) for edge, each in zip(pairwise(edges), by_interval, strict=True)],
    )


def split_days(until: datetime, days: int) -> list[datetime]:
    """Return the edges of at most `MAX_INTERVALS` intervals of whole days, from midnight to midnight and to ``until``.

    The days are those of the time zone of ``until``.
    """
    last_day = (until - timedelta(microseconds=1)).date()
    first_day, step = last_day - timedelta(days=days - 1), math.ceil(days / MAX_INTERVALS)
    starts = [first_day + timedelta(days=offset) for offset in range(0, days, step)]
    return [*(datetime.combine(day, time(), tzinfo=until.tzinfo) for day in starts), until]


def sum_counts(results: Iterable[ResultCount]) -> Counts:
    by_outcome: Counter[str] = Counter()
    for result in results:
        by_outcome[result.outcome] += result.builds
    return Counts(**by_outcome)


def _sum_costs(results: Iterable[ResultCount]) -> dict[str, Cost]:
    costs: dict[str, Cost] = {}
    for result in results:
        cost = costs.get(result.outcome, Cost())
        costs[result.outcome] = Cost(cost.run_seconds + result.run_seconds, cost.credits + result.credits)
    return costs


def _counts_by_app(results: Sequence[ResultCount]) -> dict[str, Counts]:
    """Return the counts of each app, the app with the most builds first."""
    builds: Counter[str] = Counter()
    for result in results:
        builds[result.app_slug] += result.builds
    slugs = sorted(builds, key=lambda slug: (-builds[slug], slug))
    return {slug: sum_counts(result for result in results if result.app_slug == slug) for slug in slugs}


def _list_workflows(
    durations: Mapping[Target, Mapping[int | None, int]], failures: Mapping[Target, int]
) -> list[Workflow]:
    workflows = []
    for target in sorted({*durations, *failures}, key=lambda target: (target[0], target[1] or "")):
        builds_by_seconds = durations.get(target, {})
        run = percentiles(builds_by_seconds)
        succeeded, failed = sum(builds_by_seconds.values()), failures.get(target, 0)
        workflows.append(Workflow(*target, succeeded, failed, run.median if run else None))
    return workflows


def percentiles(builds_by_seconds: Mapping[int | None, int] | Mapping[int, int]) -> Percentiles | None:
    """Calculate median and p90 from the number of builds by duration, without builds of unknown duration.

    The median of an even number is the mean of the two in the middle; p90 is the shortest duration that at least nine
    in ten builds didn't exceed.
    """
    durations = sorted((seconds, builds) for seconds, builds in builds_by_seconds.items() if seconds is not None)
    ends = list(accumulate(builds for _, builds in durations))
    if not ends:
        return None
    total = ends[-1]
    positions = ((total - 1) // 2, total // 2, math.ceil(0.9 * total) - 1)
    lower, upper, p90 = (durations[bisect_right(ends, position)][0] for position in positions)
    return Percentiles(median=(lower + upper) / 2, p90=p90, builds=total)
