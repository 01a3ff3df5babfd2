"""What a database promises: all or nothing, one failing call harms no other, committed means readable."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta, timezone

import pytest

from storage import Database, DatabaseInUse, Transaction, open_database
from storage.database import to_column


@pytest.fixture(autouse=True)
async def table(database: Database) -> None:
    await database.execute("create table notes (note text primary key, at text)")


async def add(database: Database, *notes: str, fails: bool = False) -> None:
    async def body(tx: Transaction) -> None:
        for note in notes:
            await tx.execute("insert into notes (note) values (:note)", note=note)
        if fails:
            raise LookupError("after the inserts")

    await database.transaction(body)


async def notes_in(database: Database) -> list[str]:
    return sorted(row["note"] for row in await database.fetch_all("select note from notes"))


async def test_what_is_committed_can_be_read_at_once(database: Database) -> None:
    await add(database, "a", "b")
    row = await database.fetch_one("select count(*) as notes from notes")
    assert row is not None
    assert row["notes"] == 2
    assert await notes_in(database) == ["a", "b"]


async def test_a_body_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(LookupError):
        await add(database, "a", "b", fails=True)
    assert await notes_in(database) == []


async def test_one_failing_call_does_not_undo_its_neighbours(database: Database) -> None:
    calls = [add(database, f"n{number}", fails=number % 3 == 0) for number in range(30)]
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(end, LookupError) for end in ended) == 10
    assert await notes_in(database) == sorted(f"n{number}" for number in range(30) if number % 3)


async def test_a_broken_statement_is_the_callers_error_alone(database: Database) -> None:
    broken = database.execute("insert into nowhere values (1)")
    ended = await asyncio.gather(add(database, "a"), broken, add(database, "b"), return_exceptions=True)
    assert isinstance(ended[1], sqlite3.OperationalError)
    assert await notes_in(database) == ["a", "b"]


async def test_row_counts_tell_who_won(database: Database) -> None:
    await add(database, "a")
    sql = "update notes set at = 'taken' where note = 'a' and at is null"
    assert sorted(await asyncio.gather(*(database.execute(sql) for _ in range(5)))) == [0, 0, 0, 0, 1]


async def test_after_commit_is_called_only_for_what_is_on_disk(database: Database) -> None:
    called: list[str] = []

    async def note(tx: Transaction, name: str, *, fails: bool) -> None:
        tx.after_commit(lambda: called.append(name))
        if fails:
            raise LookupError

    await asyncio.gather(
        database.transaction(lambda tx: note(tx, "kept", fails=False)),
        database.transaction(lambda tx: note(tx, "undone", fails=True)),
        return_exceptions=True,
    )
    assert called == ["kept"]


async def test_a_body_that_waits_for_something_else_is_refused_and_wedges_nobody(database: Database) -> None:
    async def sleeps(tx: Transaction) -> None:
        await tx.execute("insert into notes (note) values ('ghost')")
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="its own statements only"):
        await database.transaction(sleeps)
    await add(database, "after")
    assert await notes_in(database) == ["after"]


async def test_a_cancelled_caller_does_not_stop_the_writer(database: Database) -> None:
    call = asyncio.ensure_future(add(database, "a"))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await add(database, "b")
    assert "b" in await notes_in(database)


async def test_closing_writes_what_waits(url: str) -> None:
    database = await open_database(url.replace("contract", "closing"))
    await database.execute("create table notes (note text)")
    waiting = [asyncio.ensure_future(add(database, f"n{number}")) for number in range(20)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*waiting)
    again = await open_database(url.replace("contract", "closing"))
    assert len(await notes_in(again)) == 20
    await again.close()


async def test_a_second_process_is_refused_in_words(database: Database, url: str) -> None:
    with pytest.raises(DatabaseInUse, match="Another process already works with"):
        await open_database(url)


def test_times_sort_as_text_whatever_their_zone() -> None:
    noon = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    times = [noon + timedelta(microseconds=step) for step in (0, 1, 999_999, 60_000_000)]
    texts = [to_column(at.astimezone(timezone(timedelta(hours=shift)))) for shift, at in enumerate(times)]
    assert texts == sorted(map(str, texts))
    assert texts[0] == "2026-03-02T12:00:00.000000Z"
