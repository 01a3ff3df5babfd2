"""SQLite only: batches that are rolled back as a whole, files of other programs, file modes."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from storage import Database, DatabaseInUse, DatabaseUnusable, Transaction, open_database
from tests.storage.conftest import note, noted
from tests.storage.test_database import together

Body = Callable[[Transaction], Awaitable[None]]
pytestmark = pytest.mark.usefixtures("notes")


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


async def test_a_batch_that_sqlite_rolls_back_fails_for_every_caller(database: Database) -> None:
    async def undo(tx: Transaction) -> None:
        await tx.execute("rollback")  # what SQLite does by itself when the disk is full

    results = await together(database, note("a"), undo, note("b"))
    assert all(isinstance(result, Exception) for result in results)
    assert await noted(database) == []
    assert await database.transaction(note("c")) == "c"


@pytest.fixture
async def quiet(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Nothing is logged as an error meanwhile."""
    yield
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.usefixtures("quiet")
async def test_a_file_that_is_open_is_refused(url: str, database: Database) -> None:
    with pytest.raises(DatabaseInUse, match="Another process is using"):
        await open_database(url)
    await database.close()
    await (await open_database(url)).close()


@pytest.mark.parametrize("name", ["with space.db", "50%25.db", "größe.db", "no-suffix"])
async def test_a_file_may_have_any_name(tmp_path: Path, name: str) -> None:
    opened = await open_database(f"sqlite:///{tmp_path / name}")
    await opened.close()
    assert (tmp_path / name).exists()


async def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    opened = await open_database(f"sqlite:///{tmp_path / 'bell.db'}")
    rights = [(tmp_path / name).stat().st_mode & 0o777 for name in ("bell.db", "bell.db-wal", "bell.db-shm")]
    await opened.close()
    assert rights == [0o600] * 3


async def test_a_file_whose_rights_were_chosen_keeps_them(tmp_path: Path) -> None:
    path = tmp_path / "bell.db"
    path.touch()
    path.chmod(0o640)
    await (await open_database(f"sqlite:///{path}")).close()
    assert path.stat().st_mode & 0o777 == 0o640


async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    diary = tmp_path / "diary.db"
    diary.write_text("Dear diary, " * 100)
    with pytest.raises(DatabaseUnusable, match=r"Cannot open .*diary\.db"):
        await open_database(f"sqlite:///{diary}")
    assert diary.read_text().startswith("Dear diary")


# Quick transactions: on the loop, while the writer rests.


def thread_of(told: list[str]) -> Body:
    async def body(tx: Transaction) -> None:
        told.append(threading.current_thread().name)
        await note(f"by {len(told)}")(tx)

    return body


async def test_a_quick_transaction_runs_on_the_loop_while_the_writer_is_idle(database: Database) -> None:
    told: list[str] = []
    await database.transaction(thread_of(told), is_quick=True)
    await asyncio.gather(*(database.transaction(thread_of(told), is_quick=True) for _ in range(2)))
    assert told[0] == told[1] == threading.current_thread().name
    assert told[2] == "sqlite-writer"  # the one before it was still on its way to the disk
    assert await noted(database) == ["by 1", "by 2", "by 3"]


async def test_quick_and_other_transactions_keep_their_order(database: Database) -> None:
    quick = [False, True, True, False, True]
    bodies = [database.transaction(note(f"{place}"), is_quick=each) for place, each in enumerate(quick)]
    await asyncio.gather(*bodies)
    assert await noted(database) == ["0", "1", "2", "3", "4"]


async def test_a_failing_quick_transaction_leaves_nothing(database: Database) -> None:
    async def breaks(tx: Transaction) -> None:
        await note("half")(tx)
        raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        await database.transaction(breaks, is_quick=True)
    await database.transaction(note("after"), is_quick=True)
    assert await noted(database) == ["after"]


async def test_a_quick_transaction_may_await_only_its_own_statements(database: Database) -> None:
    async def asks_the_database(tx: Transaction) -> None:
        await database.fetch_one("select 1")

    with pytest.raises(RuntimeError, match="its own statements only"):
        await database.transaction(asks_the_database, is_quick=True)
    assert await database.fetch_one("select 1") is not None


async def test_pending_transactions_are_committed_before_the_file_is_closed(url: str, database: Database) -> None:
    written = asyncio.create_task(database.transaction(note("last"), is_quick=True))
    await asyncio.sleep(0)
    await database.close()
    assert await written == "last"
    again = await open_database(url)
    assert await noted(again) == ["last"]
    await again.close()
