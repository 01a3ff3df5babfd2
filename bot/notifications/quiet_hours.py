"""When a person is not to be disturbed. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from storage.users import PersonRow

_CLOCK = re.compile(r"(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])")


def ends_at(person: PersonRow, now: datetime) -> datetime | None:
    """When the person's quiet hours end, if it is quiet for them now. Hours may pass midnight; equal ones are none.

    Where clocks go back, a time of day comes twice: the next one counts. Where they go forward, a time that is left out
    is taken as if the clock had not been moved.
    """
    begins, ends = read_time(person.quiet_from), read_time(person.quiet_until)
    if begins is None or ends is None or begins == ends:
        return None
    local = now.astimezone(zone_of(person.time_zone))
    clock = local.time().replace(tzinfo=None)
    is_quiet = begins <= clock < ends if begins < ends else clock >= begins or clock < ends
    if not is_quiet:
        return None
    day = local.date() + timedelta(days=1 if clock >= ends else 0)
    both = [datetime.combine(day, ends.replace(fold=fold), tzinfo=local.tzinfo).astimezone(UTC) for fold in (0, 1)]
    return next((end for end in both if end > now), None)


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
