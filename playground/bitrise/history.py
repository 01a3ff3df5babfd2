"""Generate months of plausible past builds, for lists, estimates and statistics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from playground.bitrise.commits import PEOPLE, TOPICS, VERBS
from playground.bitrise.model import App, Build, Status
from playground.bitrise.rules import ROLLED, abort_wording
from playground.bitrise.world import World

REASONS = ("wrong branch", "no longer needed", "takes too long", "started twice")
WORKDAY_HOURS = (8, 19)


@dataclass(frozen=True, slots=True)
class History:
    """The amount of builds; ``aborted`` and ``skipped`` are shares of all. Failures come from the workflows."""

    days: int = 60
    per_day: int = 6
    aborted: float = 0.06
    skipped: float = 0.04
    seed: int = 0


def seed_history(world: World, app: App, history: History | None = None) -> list[Build]:
    """Create builds of the last days, oldest first; those still in their planned duration keep running."""
    history = history or History()
    random = Random(f"{app.title}{history.seed}")
    builds = [_past_build(world, app, at, history, random) for at in _times(world.now(), history, random)]
    world.now()
    return builds


def _times(now: datetime, history: History, random: Random) -> Iterator[datetime]:
    """Return times in working hours, fewer on weekends."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for days_ago in range(history.days, 0, -1):
        day = midnight - timedelta(days=days_ago)
        count = history.per_day if day.weekday() < 5 else history.per_day // 4
        yield from sorted(_moment(day, random) for _ in range(count))


def _moment(day: datetime, random: Random) -> datetime:
    first, last = WORKDAY_HOURS
    return day + timedelta(seconds=random.randrange(first * 3600, last * 3600))


def _past_build(world: World, app: App, at: datetime, history: History, random: Random) -> Build:
    who, topic = random.choice(PEOPLE), random.choice(TOPICS)
    is_pull_request = random.random() < 0.6
    build = world.start_build(
        app,
        workflow=random.choice(list(app.workflows)),
        branch=f"feature/{topic}" if is_pull_request else app.branches[0],
        triggered_by=random.choice((f"webhook-github/{who}", f"webhook-github/{who}", f"manual-{who}", None)),
        at=at,
        commit_hash=f"{random.getrandbits(160):040x}",
        commit_message=f"{random.choice(VERBS)} {topic.replace('-', ' ')}",
        **({"pull_request_id": random.randrange(1, 900), "branch_dest": app.branches[0]} if is_pull_request else {}),
    )
    _maybe_cut_short(build, history, random)
    return build


def _maybe_cut_short(build: Build, history: History, random: Random) -> None:
    """Abort or skip some builds: by a person, by a newer build, or because nothing has changed."""
    draw = random.random()
    who = random.choice(PEOPLE)
    if draw < history.aborted:
        reason = random.choice((ROLLED, abort_wording(who, None), abort_wording(who, random.choice(REASONS))))
        _end_early(build, Status.ABORTED, reason, random)
    elif draw < history.aborted + history.skipped:
        _end_early(build, Status.ABORTED_WITH_SUCCESS, abort_wording("bitrise-bot", "no changes"), random)


def _end_early(build: Build, status: Status, reason: str, random: Random) -> None:
    build.planned, build.planned_reason = status, reason
    build.duration = (build.duration or timedelta(minutes=10)) * random.uniform(0.05, 0.7)
