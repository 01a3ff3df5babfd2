"""The contract of both databases: isolated transactions that are durable once they return."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from storage import Database, DatabaseUnusable, Transaction, db_timeout, open_database
from tests.storage.conftest import Body, Held, note, noted

pytestmark = pytest.mark.usefixtures("notes")


async def together(database: Database, *bodies: Body) -> list[Any]:
    """Run these at once; on SQLite in one group commit, for the writer is kept busy until all of them wait for it."""
    held = Held(database)
    blocking = asyncio.ensure_future(database.transaction(held.here))
    waiting = [asyncio.ensure_future(database.transaction(body)) for body in bodies]
    await asyncio.sleep(0)  # one turn of the loop puts all of them in the queue
    held.go_on()
    await asyncio.wait([blocking])
    ended: list[Any] = await asyncio.gather(blocking, *waiting, return_exceptions=True)
    return ended[1:]


# One transaction.


async def test_a_transaction_returns_what_its_body_returns(database: Database) -> None:
    assert await database.transaction(note("a")) == "a"
    assert await noted(database) == ["a"]


async def test_a_body_that_fails_leaves_nothing(database: Database) -> None:
    async def fail(tx: Transaction) -> None:
        await note("a")(tx)
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        await database.transaction(fail)
    assert await noted(database) == []


async def test_a_body_sees_what_it_wrote(database: Database) -> None:
    async def write_and_read(tx: Transaction) -> tuple[Any, int]:
        await note("a", "first")(tx)
        row = await tx.fetch_one("select text from notes where note_id = :note_id", note_id="a")
        return row and row["text"], len(await tx.fetch_all("select note_id from notes"))

    assert await database.transaction(write_and_read) == ("first", 1)


async def test_uncommitted_rows_are_not_visible_to_others(database: Database) -> None:
    held = Held(database)

    async def write_and_wait(tx: Transaction) -> None:
        await note("a")(tx)
        await held.here(tx)

    writing = asyncio.ensure_future(database.transaction(write_and_wait))
    await held.reached()
    before = (await database.fetch_one("select note_id from notes where note_id = 'a'"), await noted(database))
    held.go_on()
    await writing
    assert before == (None, [])
    assert await noted(database) == ["a"]


async def test_committed_rows_are_visible_to_both_ways_of_reading(database: Database) -> None:
    for number in range(20):
        note_id = f"{number:02}"
        await database.transaction(note(note_id))
        row = await database.fetch_one("select note_id from notes where note_id = :note_id", note_id=note_id)
        assert row is not None
        assert (await noted(database))[-1] == note_id


async def test_execute_returns_how_many_rows_it_changed(database: Database) -> None:
    await together(database, note("a"), note("b"))
    assert await database.execute("update notes set text = 'x'") == 2
    assert await database.execute("update notes set text = 'y' where note_id = 'a'") == 1
    assert await database.execute("delete from notes where note_id = 'z'") == 0


async def test_a_wrong_statement_fails_only_its_caller(database: Database) -> None:
    with pytest.raises(Exception, match="nowhere"):
        await database.execute("insert into nowhere (note_id) values (1)")
    assert await database.transaction(note("a")) == "a"


# Several at once.


async def test_a_failing_transaction_does_not_undo_others(database: Database) -> None:
    async def fail(tx: Transaction) -> None:
        await note("x")(tx)
        raise LookupError("no")

    results = await together(database, note("a"), fail, note("b"), note("a"), note("c"))
    assert type(results[1]) is LookupError
    assert [isinstance(results[place], Exception) for place in (0, 3)].count(True) == 1, "one of two that are the same"
    assert await noted(database) == ["a", "b", "c"]


async def test_concurrent_writers_lose_nothing(database: Database) -> None:
    async def count(tx: Transaction) -> None:
        row = await tx.fetch_one("select text from notes where note_id = 'sum'")
        assert row is not None
        await tx.execute("update notes set text = :text where note_id = 'sum'", text=str(int(row["text"]) + 1))

    await database.transaction(note("sum", "0"))
    db_timeout.set(60.0)  # a machine with other work takes longer than the default; no write may be refused here
    await asyncio.gather(*(database.transaction(count) for _ in range(700)))
    row = await database.fetch_one("select text from notes where note_id = 'sum'")
    assert row is not None
    assert row["text"] == "700"


async def test_only_one_of_many_wins_a_race(database: Database) -> None:
    await database.transaction(note("prize", "free"))
    claim = "update notes set text = 'taken' where note_id = 'prize' and text = 'free'"
    assert sum(await asyncio.gather(*(database.execute(claim) for _ in range(50)))) == 1


async def test_a_canceled_caller_harms_nobody(database: Database) -> None:
    held = Held(database)

    async def slow(tx: Transaction) -> None:
        await note("a")(tx)
        await held.here(tx)

    waiting = asyncio.ensure_future(database.transaction(slow))
    await held.reached()
    waiting.cancel()
    held.go_on()
    assert await database.transaction(note("b")) == "b"
    await asyncio.wait([waiting])
    assert waiting.cancelled()


# After the commit.


async def test_after_commit_runs_before_the_caller_resumes(database: Database) -> None:
    told: list[bool] = []

    async def write(tx: Transaction) -> None:
        await note("a")(tx)
        tx.after_commit(lambda: told.append(threading.current_thread() is threading.main_thread()))

    await database.transaction(write)
    assert told == [True]


async def test_after_commit_is_not_called_after_a_rollback(database: Database) -> None:
    told: list[str] = []

    async def fail(tx: Transaction) -> None:
        tx.after_commit(lambda: told.append("undone"))
        raise LookupError("no")

    async def succeed(tx: Transaction) -> None:
        tx.after_commit(lambda: told.append("done"))

    await together(database, fail, succeed)
    assert told == ["done"]


async def test_a_failing_callback_harms_nobody(database: Database) -> None:
    broken: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context["exception"]))

    def fail() -> None:
        raise LookupError("no")

    async def write(tx: Transaction) -> str:
        tx.after_commit(fail)
        return await note("a")(tx)  # type: ignore[no-any-return]

    assert await together(database, write, note("b")) == ["a", "b"]
    assert [str(error) for error in broken] == ["no"]


# What a body may not do.


async def _sleep(_: Database) -> None:
    await asyncio.sleep(0)


async def _list(database: Database) -> None:
    await database.fetch_all("select note_id from notes")


async def _find(database: Database) -> None:
    await database.fetch_one("select note_id from notes")


@pytest.mark.parametrize("foreign", [_sleep, _list, _find], ids=["sleeps", "lists past it", "looks past it"])
async def test_a_body_may_await_only_its_own_statements(
    database: Database, foreign: Callable[[Database], Awaitable[None]]
) -> None:
    async def wait(tx: Transaction) -> None:
        await note("a")(tx)
        await foreign(database)

    with pytest.raises(RuntimeError, match="a transaction may await its own statements only"):
        await database.transaction(wait)
    assert await noted(database) == []
    assert await database.transaction(note("b")) == "b"


@pytest.mark.parametrize("error", [asyncio.CancelledError, GeneratorExit])
async def test_no_error_of_a_body_stops_the_writer(database: Database, error: type[BaseException]) -> None:
    async def fail(tx: Transaction) -> None:
        await note("a")(tx)
        raise error

    results = await together(database, fail, note("b"))
    assert [type(results[0]), results[1]] == [error, "b"]
    assert await noted(database) == ["b"]


# Opening and closing.


async def test_close_commits_pending_transactions_first(url: str, database: Database) -> None:
    writing = [asyncio.ensure_future(database.transaction(note(f"{number:04}"))) for number in range(1200)]
    await asyncio.sleep(0)
    await database.close()
    assert len(await asyncio.gather(*writing)) == 1200
    again = await open_database(url)
    assert len(await noted(again)) == 1200
    await again.close()


async def test_close_twice_is_harmless_and_writing_afterwards_is_refused(database: Database) -> None:
    await database.close()
    await database.close()
    with pytest.raises(DatabaseUnusable, match="closed"):
        await database.transaction(note("a"))
