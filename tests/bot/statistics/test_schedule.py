"""Due times of daily and weekly reports at a local time, also when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.statistics.schedule import Schedule, find_zone, newest_due, next_due, parse_time

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
        # Summer time begins on March 29 and ends on October 25: the local time stays, the hours between change.
        (Schedule("daily", 0, "09:00", AMSTERDAM), "2026-03-28T08:00:00", "2026-03-29T07:00:00"),
        (Schedule("daily", 0, "09:00", AMSTERDAM), "2026-10-24T07:00:00", "2026-10-25T08:00:00"),
        # 02:30 is skipped, then occurs twice: still once each day.
        (Schedule("daily", 0, "02:30", AMSTERDAM), "2026-03-28T01:30:00", "2026-03-29T01:30:00"),
        (Schedule("daily", 0, "02:30", AMSTERDAM), "2026-10-24T00:30:00", "2026-10-25T00:30:00"),
        (Schedule("daily", 0, "02:30", AMSTERDAM), "2026-10-25T00:30:00", "2026-10-26T01:30:00"),
    ],
)
def test_report_is_due_at_the_local_time(schedule: Schedule, after: str, due: str) -> None:
    due_at = next_due(schedule, after=datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert due_at == datetime.fromisoformat(due).replace(tzinfo=UTC)


@given(SCHEDULES, MOMENTS)
def test_next_due_time_is_later_and_the_newest_earlier(schedule: Schedule, moment: datetime) -> None:
    newest, following = newest_due(schedule, until=moment), next_due(schedule, after=moment)
    period = timedelta(days=7 if schedule.cadence == "weekly" else 1, hours=3)
    assert newest <= moment < following <= newest + period
    assert next_due(schedule, after=newest) == following


@given(SCHEDULES, MOMENTS)
def test_weekly_report_is_due_on_its_weekday(schedule: Schedule, moment: datetime) -> None:
    local = next_due(schedule, after=moment).astimezone(find_zone(schedule.zone) or UTC)
    assert schedule.cadence == "daily" or local.weekday() == schedule.weekday


@pytest.mark.parametrize("name", [None, "", "Mars/Olympus", "../../etc/passwd", "Europe", "x" * 300, "a\0b"])
def test_unknown_zone_is_not_found_and_utc_is_used(name: str | None) -> None:
    assert find_zone(name) is None
    schedule = Schedule("daily", 0, "09:00", name or "")
    assert next_due(schedule, after=datetime(2026, 3, 2, tzinfo=UTC)) == datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize("text", [None, "", "7:00", "24:00", "07:60", "07:00:00", " 07:00", "０7:00"])
def test_invalid_time_is_not_parsed(text: str | None) -> None:
    assert parse_time(text) is None
