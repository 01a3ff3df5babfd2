"""Quiet hours: over midnight, in every zone, when clocks are moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.notifications.quiet_hours import ends_at, find_zone, read_time, zone_of
from storage.users import PersonRow

ZONES = ("UTC", "Europe/Amsterdam", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Auckland")
clocks = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))
moments = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
zones = st.sampled_from(ZONES)


def person(begins: str | None, ends: str | None, zone: str | None = "Europe/Amsterdam") -> PersonRow:
    return PersonRow("T1", "U1", quiet_from=begins, quiet_until=ends, time_zone=zone)


def in_amsterdam(text: str, *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Amsterdam"), fold=fold)


@given(moments, zones, clocks)
def test_without_hours_it_is_never_quiet(now: datetime, zone: str, clock: str) -> None:
    for begins, ends in ((None, None), (clock, None), (None, clock), (clock, clock), (clock, "25:00")):
        assert ends_at(person(begins, ends, zone), now) is None


@given(moments, zones, clocks, clocks)
def test_an_end_is_ahead_and_at_the_persons_own_time(now: datetime, zone: str, begins: str, ends: str) -> None:
    end = ends_at(person(begins, ends, zone), now)
    assume(end is not None)
    assert end is not None
    assert now < end <= now + timedelta(hours=26)
    local = end.astimezone(ZoneInfo(zone))
    assert f"{local:%H:%M}" == ends or is_left_out(local, ends)


def is_left_out(local: datetime, clock: str) -> bool:
    """Whether clocks are moved forward over that time on that day."""
    time = read_time(clock)
    assert time is not None
    wanted = datetime.combine(local.date(), time, tzinfo=local.tzinfo)
    return wanted.astimezone(UTC).astimezone(local.tzinfo).time() != time


@given(moments, zones, clocks, clocks)
def test_when_the_hours_are_over_they_are_over(now: datetime, zone: str, begins: str, ends: str) -> None:
    end = ends_at(person(begins, ends, zone), now)
    assume(end is not None)
    assert end is not None
    assert ends_at(person(begins, ends, zone), end) is None


@given(moments, zones, clocks, clocks)
def test_at_any_time_it_is_quiet_in_the_hours_or_in_their_complement(
    now: datetime, zone: str, begins: str, ends: str
) -> None:
    assume(begins != ends)
    quiet = [ends_at(person(*hours, zone), now) is not None for hours in ((begins, ends), (ends, begins))]
    assert sorted(quiet) == [False, True]


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2026-03-02 21:59", None),
        ("2026-03-02 22:00", "2026-03-03 07:00"),
        ("2026-03-03 00:00", "2026-03-03 07:00"),
        ("2026-03-03 06:59", "2026-03-03 07:00"),
        ("2026-03-03 07:00", None),
        ("2026-03-28 23:00", "2026-03-29 07:00"),  # an hour shorter: clocks go forward
        ("2026-10-24 23:00", "2026-10-25 07:00"),  # an hour longer
    ],
)
def test_a_night(now: str, ends: str | None) -> None:
    end = ends_at(person("22:00", "07:00"), in_amsterdam(now).astimezone(UTC))
    assert end == (in_amsterdam(ends) if ends else None)


def test_a_time_that_comes_twice_ends_the_hours_twice() -> None:
    """From 02:00 on, the hour before three is there once more, and quiet once more."""
    who = person("22:00", "02:30")
    first, second = in_amsterdam("2026-10-25 02:30"), in_amsterdam("2026-10-25 02:30", fold=1)
    assert second.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=1)
    assert ends_at(who, in_amsterdam("2026-10-25 02:10").astimezone(UTC)) == first.astimezone(UTC)
    assert ends_at(who, in_amsterdam("2026-10-25 02:45").astimezone(UTC)) is None
    assert ends_at(who, in_amsterdam("2026-10-25 02:10", fold=1).astimezone(UTC)) == second.astimezone(UTC)


def test_a_time_that_is_left_out_ends_the_hours_all_the_same() -> None:
    end = ends_at(person("22:00", "02:30"), in_amsterdam("2026-03-29 01:00").astimezone(UTC))
    assert end is not None
    assert f"{end.astimezone(ZoneInfo('Europe/Amsterdam')):%H:%M}" == "03:30"


@pytest.mark.parametrize("name", [None, "", "Mars/Olympus", "../../etc/passwd", "Europe", "x" * 300, "a\0b"])
def test_a_zone_that_is_none_is_utc(name: str | None) -> None:
    assert find_zone(name) is None
    assert zone_of(name) == ZoneInfo("UTC")


@pytest.mark.parametrize("text", [None, "", "7:00", "24:00", "07:60", "07:00:00", " 07:00", "０7:00"])
def test_what_is_no_time_of_day(text: str | None) -> None:
    assert read_time(text) is None
