"""Calculate when a daily or weekly report is due at a local time. Pure.

When clocks go back, a time of day occurs twice: the first one counts. When they go forward, a skipped time is taken as
if the clock hadn't changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from storage.digests import WEEKLY, DigestRow

DEFAULT_TIME = time(9)

_CLOCK = re.compile(r"(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Schedule:
    """``weekday`` starts at 0, Monday, and matters for weekly reports; ``at`` is HH:MM in ``zone`` (IANA)."""

    cadence: str
    weekday: int
    at: str
    zone: str


def next_due(schedule: Schedule | DigestRow, *, after: datetime) -> datetime:
    return next(at for at in _due_times(schedule, after, forward=True) if at > after)


def newest_due(schedule: Schedule | DigestRow, *, until: datetime) -> datetime:
    """Return the last due time, ``until`` included."""
    return next(at for at in _due_times(schedule, until, forward=False) if at <= until)


def _due_times(schedule: Schedule | DigestRow, moment: datetime, *, forward: bool) -> Iterator[datetime]:
    """Yield due times from about then on, forward or backward."""
    zone, clock = find_zone(schedule.zone) or ZoneInfo("UTC"), parse_time(schedule.at) or DEFAULT_TIME
    step = timedelta(days=1 if forward else -1)
    day = moment.astimezone(zone).date() - step
    while True:
        if schedule.cadence != WEEKLY or day.weekday() == schedule.weekday:
            yield datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)
        day += step


def midnight_before(at: datetime, zone_name: str) -> datetime:
    """Return the beginning of the day in that zone."""
    return at.astimezone(find_zone(zone_name) or ZoneInfo("UTC")).replace(hour=0, minute=0, second=0, microsecond=0)


def parse_time(text: str | None) -> time | None:
    """Parse ``22:30``; return None for anything else."""
    match = _CLOCK.fullmatch(text or "")
    return time(int(match["hour"]), int(match["minute"])) if match else None


def find_zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
