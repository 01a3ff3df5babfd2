"""How Python values become columns and rows become dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from storage import Database, Transaction
from storage.database import (
    columns,
    fetch_row,
    fetch_rows,
    from_row,
    insert,
    placeholders,
    to_column,
    to_columns,
    upsert,
)

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


def test_columns_are_those_of_the_dataclass_and_qualified_for_a_join() -> None:
    assert columns(Thing) == "name, count, is_big, at, facts, tags"
    assert placeholders(Thing) == ":name, :count, :is_big, :at, :facts, :tags"
    assert columns(Thing, table="things").startswith("things.name, things.count")


async def test_rows_are_inserted_replaced_and_fetched_as_dataclasses(database: Database) -> None:
    at = datetime(2026, 7, 1, tzinfo=UTC)
    first, second = (Thing(name, 3, True, at, {"a": 1}, ("x",)) for name in ("first", "second"))
    changed = Thing("first", 5, False, None, {"a": 2}, ())

    async def write(tx: Transaction) -> list[bool]:
        await tx.execute(
            """
            create table things (
                name text primary key, count integer, is_big integer, at text, facts text, tags text, length integer
            )"""
        )
        added = [
            await insert(tx, "things", first, length=5),
            await insert(tx, "things", second),
            await insert(tx, "things", changed, skip_existing=True),
        ]
        await upsert(tx, "things", changed, key="name", keep=("count",))
        return added

    assert await database.transaction(write) == [True, True, False]
    kept = replace(changed, count=3)
    assert await fetch_rows(database, Thing, f"select {columns(Thing)} from things order by name") == [kept, second]
    by_name = f"select {columns(Thing)} from things where name = :name"
    assert await fetch_row(database, Thing, by_name, name="second") == second
    assert await fetch_row(database, Thing, by_name, name="third") is None
    rows = await database.fetch_all("select length from things order by name")
    assert [row["length"] for row in rows] == [5, None]
