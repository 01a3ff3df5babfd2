"""When something is due that comes every day or every week at a local time, whatever is done to the clocks. Pure.

Where clocks go back, a time of day comes twice: the first one counts. Where they go forward, a time that is left out is
taken as if the clock had not been moved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from storage.digests import WEEKLY, DigestRow

USUAL = time(9)

_CLOCK = re.compile(r"(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Schedule:
    """``weekday`` counts from Monday, 0, and matters each week only; ``at`` is HH:MM in ``zone`` (IANA)."""

    cadence: str
    weekday: int
    at: str
    zone: str


def schedule_of(digest: DigestRow) -> Schedule:
    return Schedule(digest.cadence, digest.weekday, digest.at, digest.zone)


def next_due(schedule: Schedule, *, after: datetime) -> datetime:
    return next(at for at in _around(schedule, after, forward=True) if at > after)


def newest_due(schedule: Schedule, *, until: datetime) -> datetime:
    """The last time it was due, ``until`` itself among them."""
    return next(at for at in _around(schedule, until, forward=False) if at <= until)


def _around(schedule: Schedule, moment: datetime, *, forward: bool) -> Iterator[datetime]:
    """Due times from about then on, later and later, or earlier and earlier."""
    zone, clock = zone_of(schedule.zone), read_time(schedule.at) or USUAL
    step = timedelta(days=1 if forward else -1)
    day = moment.astimezone(zone).date() - step
    while True:
        if schedule.cadence != WEEKLY or day.weekday() == schedule.weekday:
            yield datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)
        day += step


def read_time(text: str | None) -> time | None:
    """``22:30``; None for anything else."""
    found = _CLOCK.fullmatch(text or "")
    return time(int(found["hour"]), int(found["minute"])) if found else None


def zone_of(name: str | None) -> ZoneInfo:
    """An IANA zone; UTC when there is none of that name."""
    return find_zone(name) or ZoneInfo("UTC")


def find_zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
