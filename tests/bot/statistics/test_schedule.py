"""When something is due that comes every day or week at a local time, also where clocks are moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.statistics.schedule import Schedule, find_zone, newest_due, next_due, read_time, zone_of

AMSTERDAM = "Europe/Amsterdam"
ZONES = st.sampled_from(
    [AMSTERDAM, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC", "Nowhere/At-all"]
)
SCHEDULES = st.builds(
    Schedule,
    st.sampled_from(["daily", "weekly"]),
    st.integers(0, 6),
    st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59)),
    ZONES,
)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        (Schedule("weekly", 0, "09:00", AMSTERDAM), "2026-03-02T07:59:00", "2026-03-02T08:00:00"),
        (Schedule("weekly", 0, "09:00", AMSTERDAM), "2026-03-02T08:00:00", "2026-03-09T08:00:00"),
        (Schedule("daily", 0, "09:00", AMSTERDAM), "2026-03-02T08:00:00", "2026-03-03T08:00:00"),
        (Schedule("daily", 0, "00:30", "Asia/Kathmandu"), "2026-03-02T18:50:00", "2026-03-03T18:45:00"),
        # Summer begins on March 29 and ends on October 25: the local time stays, the hour between them does not.
        (Schedule("daily", 0, "09:00", AMSTERDAM), "2026-03-28T08:00:00", "2026-03-29T07:00:00"),
        (Schedule("daily", 0, "09:00", AMSTERDAM), "2026-10-24T07:00:00", "2026-10-25T08:00:00"),
        # 02:30 is left out, and comes twice: once each day all the same.
        (Schedule("daily", 0, "02:30", AMSTERDAM), "2026-03-28T01:30:00", "2026-03-29T01:30:00"),
        (Schedule("daily", 0, "02:30", AMSTERDAM), "2026-10-24T00:30:00", "2026-10-25T00:30:00"),
        (Schedule("daily", 0, "02:30", AMSTERDAM), "2026-10-25T00:30:00", "2026-10-26T01:30:00"),
    ],
)
def test_it_is_due_at_the_local_time(schedule: Schedule, after: str, due: str) -> None:
    found = next_due(schedule, after=datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(due).replace(tzinfo=UTC)


@given(SCHEDULES, MOMENTS)
def test_the_next_time_comes_after_and_the_newest_before(schedule: Schedule, moment: datetime) -> None:
    newest, following = newest_due(schedule, until=moment), next_due(schedule, after=moment)
    span = timedelta(days=7 if schedule.cadence == "weekly" else 1, hours=3)
    assert newest <= moment < following <= newest + span
    assert next_due(schedule, after=newest) == following


@given(SCHEDULES, MOMENTS)
def test_it_falls_on_the_day_that_was_chosen(schedule: Schedule, moment: datetime) -> None:
    local = next_due(schedule, after=moment).astimezone(zone_of(schedule.zone))
    assert schedule.cadence == "daily" or local.weekday() == schedule.weekday


@pytest.mark.parametrize("name", [None, "", "Mars/Olympus", "../../etc/passwd", "Europe", "x" * 300, "a\0b"])
def test_a_zone_that_is_none_is_utc(name: str | None) -> None:
    assert find_zone(name) is None
    assert zone_of(name) == ZoneInfo("UTC")


@pytest.mark.parametrize("text", [None, "", "7:00", "24:00", "07:60", "07:00:00", " 07:00", "０7:00"])
def test_what_is_no_time_of_day(text: str | None) -> None:
    assert read_time(text) is None
