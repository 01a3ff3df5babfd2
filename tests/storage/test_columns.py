"""How Python values become columns and rows become dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from storage.database import column_list, from_row, placeholder_list, to_column, to_columns

moments = st.datetimes(min_value=datetime(1000, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.timezones())


@dataclass(frozen=True, slots=True)
class Thing:
    name: str
    count: int | None
    is_big: bool
    at: datetime | None
    facts: Mapping[str, Any]
    tags: tuple[str, ...]


@given(moments, moments)
def test_times_sort_as_text(one: datetime, other: datetime) -> None:
    texts = str(to_column(one)), str(to_column(other))
    assert (texts[0] < texts[1]) == (one.astimezone(UTC) < other.astimezone(UTC))


@given(moments)
def test_a_time_comes_back_as_the_same_moment_in_utc(moment: datetime) -> None:
    back = datetime.fromisoformat(str(to_column(moment)))
    assert back == moment.astimezone(UTC)
    assert back.utcoffset() == timedelta(0)


def test_a_time_of_another_zone_is_stored_in_utc() -> None:
    in_berlin = datetime(2026, 7, 1, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    assert to_column(in_berlin) == "2026-07-01T10:00:00.000000Z"


@given(
    st.builds(
        Thing,
        name=st.text(),
        count=st.none() | st.integers(),
        is_big=st.booleans(),
        at=st.none() | moments.map(lambda moment: moment.astimezone(UTC)),
        facts=st.dictionaries(st.text(), st.none() | st.integers() | st.text()),
        tags=st.lists(st.text()).map(tuple),
    )
)
def test_a_row_comes_back_as_it_was(thing: Thing) -> None:
    stored = {name: to_column(value) for name, value in to_columns(thing).items()}
    assert all(value is None or isinstance(value, str | int) for value in stored.values())
    assert from_row(Thing, stored) == thing


def test_columns_are_those_of_the_dataclass() -> None:
    assert column_list(Thing) == "name, count, is_big, at, facts, tags"
    assert placeholder_list(Thing) == ":name, :count, :is_big, :at, :facts, :tags"
