"""Find the three most useful insights in the statistics of a period compared with the one before. Pure.

Each rule requires enough builds to rule out chance, and weighs its insight from 0 to about 100.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.abort_reasons import Reason
from bot.domain.builds import Outcome
from bot.statistics.queries import PeriodComparison, Stats, Workflow
from storage.statistics import Target

MAX_INSIGHTS = 3
MIN_BUILDS = 10
"""Finished builds from which on a rate is meaningful."""
MIN_SUCCESSES = 5
MIN_STOPS = 5


class InsightKind(StrEnum):
    RATE_FELL = "rate-fell"
    RATE_ROSE = "rate-rose"
    FAILING = "failing"
    REPLACED = "replaced"
    WAITING = "waiting"
    SLOWER = "slower"
    FLAKY = "flaky"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Insight:
    """``now`` and ``before`` are a rate or a duration in seconds, depending on the kind.

    ``count`` and ``total`` are builds, stops or commits. Skipped builds saved ``saved_credits`` and ``saved_seconds``.
    """

    kind: InsightKind
    weight: float
    now: float = 0
    before: float = 0
    count: int = 0
    total: int = 0
    target: Target | None = None
    since: datetime | None = None
    saved_credits: int = 0
    saved_seconds: int = 0


def find_insights(comparison: PeriodComparison) -> list[Insight]:
    """Return at most three insights, one of a kind, the most useful first."""
    insights = [insight for rule in RULES if (insight := rule(comparison))]
    return sorted(insights, key=lambda insight: (-insight.weight, list(InsightKind).index(insight.kind)))[:MAX_INSIGHTS]


def _rate_change(comparison: PeriodComparison) -> Insight | None:
    now, before = comparison.now.counts, comparison.before.counts
    if min(now.finished, before.finished) < MIN_BUILDS or now.success_rate is None or before.success_rate is None:
        return None
    points = 100 * (now.success_rate - before.success_rate)
    if abs(points) < 5:
        return None
    kind, weight_of_point = (InsightKind.RATE_ROSE, 1.5) if points > 0 else (InsightKind.RATE_FELL, 3)
    return Insight(kind, min(100, weight_of_point * abs(points)), now=now.success_rate, before=before.success_rate)


def _most_failing(comparison: PeriodComparison) -> Insight | None:
    worst = next(iter(comparison.now.most_failing), None)
    if worst is None or worst.failed < 3 or worst.failed / worst.finished < 0.2:
        return None
    share, target = worst.failed / worst.finished, (worst.app_slug, worst.name)
    since = comparison.failing_since.get(target)
    weight = 30 + 50 * share + (20 if since else 0)
    return Insight(
        InsightKind.FAILING, weight, now=share, count=worst.failed, total=worst.finished, target=target, since=since
    )


def _replaced(comparison: PeriodComparison) -> Insight | None:
    """Find builds that people stopped for a newer one: Bitrise can do that automatically."""
    stops = sum(builds for _, builds in comparison.now.reasons)
    replaced = sum(builds for reason, builds in comparison.now.reasons if reason == Reason.SUPERSEDED)
    if replaced < MIN_STOPS or replaced / stops < 0.25:
        return None
    return Insight(InsightKind.REPLACED, 30 + 50 * replaced / stops, now=replaced / stops, count=replaced, total=stops)


def _longer_queue(comparison: PeriodComparison) -> Insight | None:
    now, before = comparison.now.queue, comparison.before.queue
    if now is None or before is None or min(now.builds, before.builds) < MIN_BUILDS:
        return None
    if now.median - before.median < 60 or now.median < 1.5 * before.median:
        return None
    weight = 40 + min(40.0, (now.median - before.median) / 15)
    return Insight(InsightKind.WAITING, weight, now=now.median, before=before.median)


def _slower(comparison: PeriodComparison) -> Insight | None:
    """Find the workflow whose duration grew most."""
    before_by_target = {(each.app_slug, each.name): each for each in comparison.before.workflows}
    slower = []
    for now in comparison.now.workflows:
        before = before_by_target.get((now.app_slug, now.name))
        if before is not None and (growth := _growth(now, before)) is not None:
            slower.append((growth, now, before))
    if not slower:
        return None
    growth, now, before = max(slower, key=lambda each: each[0])
    weight, target = 25 + min(50, 100 * growth), (now.app_slug, now.name)
    return Insight(InsightKind.SLOWER, weight, now=now.median or 0, before=before.median or 0, target=target)


def _growth(now: Workflow, before: Workflow) -> float | None:
    """Return by which share the median duration grew, if that is noticeable."""
    if min(now.succeeded, before.succeeded) < MIN_SUCCESSES or not now.median or not before.median:
        return None
    if now.median < 1.2 * before.median or now.median - before.median < 30:
        return None
    return now.median / before.median - 1


def _flaky(comparison: PeriodComparison) -> Insight | None:
    flaky = comparison.now.flaky
    if len(flaky) < 2:
        return None
    targets = [(each.app_slug, each.workflow) for each in flaky]
    most_flaky = max(dict.fromkeys(targets), key=targets.count)
    return Insight(InsightKind.FLAKY, 25 + min(50, 5 * len(flaky)), count=len(flaky), target=most_flaky)


def _skipped(comparison: PeriodComparison) -> Insight | None:
    """Find skipped builds, and what they saved compared with successful ones."""
    counts = comparison.now.counts
    if counts.skipped < MIN_STOPS or counts.skipped / counts.total < 0.1:
        return None
    share = counts.skipped / counts.total
    seconds, credits = _saved(comparison.now)
    return Insight(
        InsightKind.SKIPPED,
        20 + 40 * share,
        now=share,
        count=counts.skipped,
        total=counts.total,
        saved_credits=credits,
        saved_seconds=seconds,
    )


def _saved(stats: Stats) -> tuple[int, int]:
    """Return seconds and credits: the usual cost of so many successes, less that of the skipped builds."""
    usual, spent, counts = stats.costs.get(Outcome.SUCCEEDED), stats.costs.get(Outcome.SKIPPED), stats.counts
    if usual is None or spent is None or not counts.succeeded:
        return 0, 0
    seconds = counts.skipped * usual.run_seconds / counts.succeeded - spent.run_seconds
    credits = counts.skipped * usual.credits / counts.succeeded - spent.credits
    return max(0, round(seconds)), max(0, round(credits))


RULES: tuple[Callable[[PeriodComparison], Insight | None], ...] = (
    _rate_change, _most_failing, _replaced, _longer_queue, _slower, _flaky, _skipped,
)  # fmt: skip
