"""What in the figures of a span is worth a sentence, held against the span before: the three most useful remarks. Pure.

Each rule asks for enough builds that its remark is no chance, and weighs it from 0 to about 100.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.abort_reasons import Reason
from bot.domain.builds import Outcome
from bot.statistics.queries import Compared, Stats, Workflow
from storage.statistics import Target

TOLD = 3
ENOUGH = 10
"""Builds, before a rate says anything."""
ENOUGH_OF_WORKFLOW = 5
ENOUGH_STOPS = 5


class Kind(StrEnum):
    RATE_FELL = "rate-fell"
    RATE_ROSE = "rate-rose"
    FAILING = "failing"
    REPLACED = "replaced"
    WAITING = "waiting"
    SLOWER = "slower"
    FLAKY = "flaky"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Remark:
    """``now`` and ``before`` are a rate or a time in seconds, as the kind says; ``count`` of ``total`` are builds,
    stops or commits. ``saved_credits`` and ``saved_seconds`` are what skipping has saved."""

    kind: Kind
    weight: float
    now: float = 0
    before: float = 0
    count: int = 0
    total: int = 0
    target: Target | None = None
    since: datetime | None = None
    saved_credits: int = 0
    saved_seconds: int = 0


def remarks(figures: Compared) -> list[Remark]:
    """The most useful first, one of a kind, three at most; none of a span in which nothing ended."""
    found = [remark for rule in RULES for remark in rule(figures)]
    return sorted(found, key=lambda remark: (-remark.weight, list(Kind).index(remark.kind)))[:TOLD]


def _rate(figures: Compared) -> Iterator[Remark]:
    now, before = figures.now.counts, figures.before.counts
    if min(now.finished, before.finished) < ENOUGH or now.success_rate is None or before.success_rate is None:
        return
    points = 100 * (now.success_rate - before.success_rate)
    if abs(points) < 5:
        return
    kind, each = (Kind.RATE_ROSE, 1.5) if points > 0 else (Kind.RATE_FELL, 3)
    yield Remark(kind, min(100, each * abs(points)), now=now.success_rate, before=before.success_rate)


def _failing(figures: Compared) -> Iterator[Remark]:
    """The workflow that fails most, if it fails often."""
    for worst in figures.now.most_failing[:1]:
        share = worst.failed / worst.finished
        if worst.failed < 3 or share < 0.2:
            return
        target = (worst.app_slug, worst.name)
        since = figures.red_since.get(target)
        weight = 30 + 50 * share + (20 if since else 0)
        yield Remark(
            Kind.FAILING, weight, now=share, count=worst.failed, total=worst.finished, target=target, since=since
        )


def _replaced(figures: Compared) -> Iterator[Remark]:
    """Builds that people stopped because a newer one came: Bitrise can do that by itself."""
    stops = sum(builds for _, builds in figures.now.reasons)
    replaced = sum(builds for reason, builds in figures.now.reasons if reason == Reason.SUPERSEDED)
    if replaced >= ENOUGH_STOPS and replaced / stops >= 0.25:
        yield Remark(Kind.REPLACED, 30 + 50 * replaced / stops, now=replaced / stops, count=replaced, total=stops)


def _waiting(figures: Compared) -> Iterator[Remark]:
    now, before = figures.now.queue, figures.before.queue
    if now is None or before is None or min(now.builds, before.builds) < ENOUGH:
        return
    if now.median - before.median >= 60 and now.median >= 1.5 * before.median:
        weight = 40 + min(40.0, (now.median - before.median) / 15)
        yield Remark(Kind.WAITING, weight, now=now.median, before=before.median)


def _slower(figures: Compared) -> Iterator[Remark]:
    """The workflow whose successes take longest more than before."""
    known = {(each.app_slug, each.name): each for each in figures.before.workflows}
    grown = []
    for each in figures.now.workflows:
        earlier = known.get((each.app_slug, each.name))
        growth = _growth(each, earlier) if earlier else None
        if growth is not None and earlier is not None:
            grown.append((growth, each, earlier))
    for growth, each, earlier in sorted(grown, key=lambda found: -found[0])[:1]:
        weight = 25 + min(50, 100 * growth)
        target = (each.app_slug, each.name)
        yield Remark(Kind.SLOWER, weight, now=each.median or 0, before=earlier.median or 0, target=target)


def _growth(now: Workflow, before: Workflow) -> float | None:
    """By which share it takes longer, if that is worth a word."""
    if min(now.succeeded, before.succeeded) < ENOUGH_OF_WORKFLOW or not now.median or not before.median:
        return None
    if now.median < 1.2 * before.median or now.median - before.median < 30:
        return None
    return now.median / before.median - 1


def _flaky(figures: Compared) -> Iterator[Remark]:
    flaky = figures.now.flaky
    if len(flaky) < 2:
        return
    workflows = [(each.app_slug, each.workflow) for each in flaky]
    target = max(dict.fromkeys(workflows), key=workflows.count)
    yield Remark(Kind.FLAKY, 25 + min(50, 5 * len(flaky)), count=len(flaky), target=target)


def _skipped(figures: Compared) -> Iterator[Remark]:
    """What ended early because there was nothing to do, and what a success would have cost instead."""
    counts = figures.now.counts
    if counts.skipped < ENOUGH_STOPS or counts.skipped / counts.total < 0.1:
        return
    seconds, credits = _saved(figures.now)
    share = counts.skipped / counts.total
    yield Remark(
        Kind.SKIPPED, 20 + 40 * share, now=share, count=counts.skipped, total=counts.total, saved_credits=credits,
        saved_seconds=seconds,
    )  # fmt: skip


def _saved(stats: Stats) -> tuple[int, int]:
    """Seconds and credits: as much as so many successes take, less what the skipped ones took."""
    usual, spent, counts = stats.costs.get(Outcome.SUCCEEDED), stats.costs.get(Outcome.SKIPPED), stats.counts
    if usual is None or spent is None or not counts.succeeded:
        return 0, 0
    seconds = counts.skipped * usual.run_seconds / counts.succeeded - spent.run_seconds
    credits = counts.skipped * usual.credits / counts.succeeded - spent.credits
    return max(0, round(seconds)), max(0, round(credits))


RULES: tuple[Callable[[Compared], Iterator[Remark]], ...] = (
    _rate, _failing, _replaced, _waiting, _slower, _flaky, _skipped,
)  # fmt: skip
