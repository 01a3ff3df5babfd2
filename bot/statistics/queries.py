"""What happened to builds in a span: how they ended, how long they took, why they were stopped, what that cost.

One rule, kept everywhere: builds are counted in the span in which they ended; a pipeline is the sum of its builds and
is not counted again. True success rate = succeeded / (succeeded + failed); aborted and skipped stand beside it.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from bot.context import Context
from storage import statistics as stats_rows
from storage.statistics import FlakyCommit, ResultCount, Scope, Target

SPANS = (7, 30, 90)
USUAL_DAYS = 30
MOST_DAYS = 200
"""As far back as Bitrise itself keeps builds."""
MOST_PARTS = 10
NAMED = 5
"""So many workflows and commits are named; the rest is counted."""


@dataclass(frozen=True, slots=True)
class StatsWanted:
    """``app_slug`` None: all apps that the stored token reaches."""

    app_slug: str | None = None
    days: int = USUAL_DAYS
    workflow: str | None = None
    branch: str | None = None
    cause: str | None = None

    def scope(self, workspace_id: str, since: datetime, until: datetime) -> Scope:
        return Scope(workspace_id, since, until, self.app_slug, self.workflow, self.branch, self.cause)


@dataclass(frozen=True, slots=True)
class Counts:
    """How builds ended. ``finished`` are those that say something about the code: succeeded and failed."""

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
class Spread:
    """Median and 90th percentile in seconds, of so many builds."""

    median: float
    p90: int
    builds: int


@dataclass(frozen=True, slots=True)
class Cost:
    run_seconds: int = 0
    credits: int = 0


@dataclass(frozen=True, slots=True)
class Workflow:
    """``median`` is of its successes, None where none is known."""

    app_slug: str
    name: str | None
    succeeded: int
    failed: int
    median: float | None

    @property
    def finished(self) -> int:
        return self.succeeded + self.failed


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the span, for a chart."""

    since: datetime
    counts: Counts


@dataclass(frozen=True, slots=True)
class Stats:
    """``before`` is the span of the same length just before. ``costs`` is by outcome.

    ``reasons`` and ``apps`` begin with the most frequent; ``workflows`` are all of which a build finished, by name.
    """

    wanted: StatsWanted
    since: datetime
    until: datetime
    counts: Counts
    before: Counts
    run: Spread | None
    run_before: Spread | None
    queue: Spread | None
    costs: Mapping[str, Cost]
    reasons: Sequence[tuple[str | None, int]]
    apps: Mapping[str, Counts]
    workflows: Sequence[Workflow]
    flaky: Sequence[FlakyCommit]
    parts: Sequence[Part] = field(default=())

    @property
    def slowest(self) -> list[Workflow]:
        """By the median of their successes."""
        timed = [workflow for workflow in self.workflows if workflow.median is not None]
        return sorted(timed, key=lambda each: (-(each.median or 0), each.app_slug, each.name or ""))[:NAMED]

    @property
    def most_failing(self) -> list[Workflow]:
        """By the number of failures, then by their share."""
        failing = [workflow for workflow in self.workflows if workflow.failed]
        return sorted(failing, key=lambda each: (-each.failed, each.finished, each.app_slug, each.name or ""))[:NAMED]


@dataclass(frozen=True, slots=True)
class Compared:
    """A span and the one before it; ``red_since`` says since when workflows that fail most have only failed."""

    now: Stats
    before: Stats
    red_since: Mapping[Target, datetime] = field(default_factory=dict)


async def compare_periods(ctx: Context, workspace_id: str, wanted: StatsWanted, *, until: datetime) -> Compared:
    now = await load_stats(ctx, workspace_id, wanted, until=until)
    before = await load_stats(ctx, workspace_id, wanted, until=now.since)
    red_since: dict[Target, datetime] = {}
    for worst in now.most_failing:
        scope = wanted.scope(workspace_id, until - timedelta(days=MOST_DAYS), until)
        of_it = dataclasses.replace(scope, app_slug=worst.app_slug, workflow=worst.name)
        if worst.name and (since := await stats_rows.find_failing_since(ctx.db, of_it)):
            red_since[(worst.app_slug, worst.name)] = since
    return Compared(now, before, red_since)


async def has_finished_builds(ctx: Context, workspace_id: str, wanted: StatsWanted, *, until: datetime) -> bool:
    scope = wanted.scope(workspace_id, until - timedelta(days=wanted.days), until)
    return bool(await stats_rows.count_results(ctx.db, scope))


async def load_stats(ctx: Context, workspace_id: str, wanted: StatsWanted, *, until: datetime | None = None) -> Stats:
    """The last ``wanted.days`` days until then, or until now, and the same span before."""
    until = until or ctx.clock.now()
    since = until - timedelta(days=wanted.days)
    scope = wanted.scope(workspace_id, since, until)
    earlier = wanted.scope(workspace_id, since - timedelta(days=wanted.days), since)
    edges = edges_of(since, until, min(wanted.days, MOST_PARTS))
    parts = [
        await stats_rows.count_results(ctx.db, dataclasses.replace(scope, since=begin, until=end))
        for begin, end in pairwise(edges)
    ]
    ended = [each for part in parts for each in part]
    lasted = await stats_rows.count_durations(ctx.db, scope)
    return Stats(
        wanted=wanted,
        since=since,
        until=until,
        counts=counts_of(ended),
        before=counts_of(await stats_rows.count_results(ctx.db, earlier)),
        run=spread_of(_together(lasted)),
        run_before=spread_of(await stats_rows.count_run_seconds(ctx.db, earlier)),
        queue=spread_of(await stats_rows.count_queue_seconds(ctx.db, scope)),
        costs=costs_of(ended),
        reasons=_most_frequent(await stats_rows.count_reasons(ctx.db, scope)),
        apps={slug: counts_of(each for each in ended if each.app_slug == slug) for slug in _slugs(ended)},
        workflows=workflows_of(lasted, await stats_rows.count_failures(ctx.db, scope)),
        flaky=await stats_rows.list_flaky(ctx.db, scope),
        parts=[Part(begin, counts_of(part)) for begin, part in zip(edges, parts, strict=False)],
    )


def edges_of(since: datetime, until: datetime, parts: int) -> list[datetime]:
    return [since + (until - since) * place / parts for place in range(parts)] + [until]


def counts_of(ended: Iterable[ResultCount]) -> Counts:
    by_outcome: Counter[str] = Counter()
    for each in ended:
        by_outcome[each.outcome] += each.builds
    return Counts(**by_outcome)


def costs_of(ended: Iterable[ResultCount]) -> dict[str, Cost]:
    costs: dict[str, Cost] = {}
    for each in ended:
        sofar = costs.get(each.outcome, Cost())
        costs[each.outcome] = Cost(sofar.run_seconds + each.run_seconds, sofar.credits + each.credits)
    return costs


def workflows_of(lasted: Mapping[Target, Mapping[int | None, int]], failing: Mapping[Target, int]) -> list[Workflow]:
    found = []
    for target in sorted({*lasted, *failing}, key=lambda target: (target[0], target[1] or "")):
        counted = lasted.get(target, {})
        spread = spread_of(_known(counted))
        median = spread.median if spread else None
        found.append(Workflow(*target, sum(counted.values()), failing.get(target, 0), median))
    return found


def spread_of(counted: Mapping[int, int]) -> Spread | None:
    """From how many builds took so many seconds. The median of an even number is the mean of the two in the middle;
    the 90th percentile is the shortest time within which at least nine in ten stayed."""
    builds = sum(counted.values())
    if not builds:
        return None
    at = _places(counted, ((builds - 1) // 2, builds // 2, math.ceil(0.9 * builds) - 1))
    return Spread(median=(at[0] + at[1]) / 2, p90=at[2], builds=builds)


def _places(counted: Mapping[int, int], places: Sequence[int]) -> list[int]:
    """What stands at these places, in rising order, of all the values laid out in a row."""
    found: list[int] = []
    passed = 0
    for value in sorted(counted):
        passed += counted[value]
        while len(found) < len(places) and places[len(found)] < passed:
            found.append(value)
    return found


def _known(counted: Mapping[int | None, int]) -> dict[int, int]:
    return {seconds: builds for seconds, builds in counted.items() if seconds is not None}


def _together(lasted: Mapping[Target, Mapping[int | None, int]]) -> Counter[int]:
    """Of all workflows in one."""
    counted: Counter[int] = Counter()
    for one in lasted.values():
        counted.update(_known(one))
    return counted


def _most_frequent(counted: Mapping[str | None, int]) -> list[tuple[str | None, int]]:
    return sorted(counted.items(), key=lambda each: (-each[1], each[0] or ""))


def _slugs(ended: Iterable[ResultCount]) -> list[str]:
    """The app with the most builds first."""
    builds: Counter[str] = Counter()
    for each in ended:
        builds[each.app_slug] += each.builds
    return sorted(builds, key=lambda slug: (-builds[slug], slug))
