"""Errors of the disk and locks of other processes: SQLite reports them in a sentence and damages nothing."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import Database, DatabaseUnavailable, Transaction, open_database
from storage.sqlite import SqliteDatabase
from tests.storage.conftest import note, noted
from tests.storage.test_database import together

STORM = Path(__file__).with_name("storm.py")
SURVIVED = 300
"""So many writes were promised to be on disk when the process is killed."""


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


def path_of(url: str) -> str:
    return url.removeprefix("sqlite:///")


@contextlib.contextmanager
def locked(url: str) -> Iterator[None]:
    """A backup that holds the write lock."""
    backup = sqlite3.connect(path_of(url), isolation_level=None)
    backup.execute("begin immediate")
    try:
        yield
    finally:
        backup.execute("rollback")
        backup.close()


def integrity(url: str) -> str:
    connection = sqlite3.connect(path_of(url))
    try:
        return str(connection.execute("pragma integrity_check").fetchone()[0])
    finally:
        connection.close()


async def is_well(database: Database, url: str) -> None:
    """It writes and reads again, and no page is damaged."""
    await database.transaction(note("after"))
    assert "after" in await noted(database)
    assert integrity(url) == "ok"


@pytest.mark.usefixtures("notes")
async def test_a_full_disk_is_reported_and_passes(url: str, database: Database) -> None:
    await database.execute("pragma max_page_count = 1")  # SQLite keeps to what there is, and says what a full disk says
    results = await together(database, note("big", "x" * 100_000), note("also big", "x" * 100_000))
    assert [str(result) for result in results] == ["The disk with the database is full."] * 2
    assert all(isinstance(result, DatabaseUnavailable) for result in results)
    assert await noted(database) == []
    await database.execute("pragma max_page_count = 1000000")
    await is_well(database, url)


@pytest.mark.usefixtures("notes")
async def test_a_read_only_file_is_reported_and_passes(url: str, database: Database) -> None:
    assert isinstance(database, SqliteDatabase)
    await database.execute("pragma query_only = on")  # SQLite says what it says on a disk that turned read-only
    with pytest.raises(DatabaseUnavailable, match="is read-only"):
        await database.transaction(note("a"))
    assert await noted(database) == [], "reading goes on"
    database._writer.execute("pragma query_only = off")  # by nobody else: no transaction begins meanwhile
    await is_well(database, url)


@pytest.mark.usefixtures("short_locks", "notes")
async def test_a_lock_of_a_backup_is_reported_and_passes(url: str, database: Database) -> None:
    with locked(url):
        with pytest.raises(DatabaseUnavailable, match="keeps the database locked"):
            await database.transaction(note("a"))
        assert await noted(database) == [], "reading goes on"
    await is_well(database, url)


@pytest.mark.usefixtures("notes")
async def test_a_wrong_statement_is_not_reported_as_an_error_of_the_disk(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await database.execute("delete from nowhere")
    await database.transaction(note("a"))
    with pytest.raises(sqlite3.IntegrityError):
        await database.transaction(note("a"))


def damage(path: Path) -> None:
    """The page that holds the rows is overwritten, as a dying disk would."""
    whole = bytearray(path.read_bytes())
    root = next_to(whole, b"x" * 500)
    whole[root : root + 4096] = b"\xff" * 4096
    path.write_bytes(whole)


@pytest.mark.usefixtures("notes")
async def test_a_damaged_page_is_reported(url: str, database: Database) -> None:
    async def fill(tx: Transaction) -> None:
        for number in range(50):
            await note(str(number), "x" * 1000)(tx)

    await database.transaction(fill)
    await database.close()
    damage(Path(path_of(url)))
    broken = await open_database(url)
    with pytest.raises(DatabaseUnavailable, match="damaged"):
        await broken.fetch_all("select sum(length(text)) as all_text from notes")
    await broken.close()


def next_to(data: bytearray, what: bytes) -> int:
    """Where the page begins that holds it."""
    return data.index(what) // 4096 * 4096


async def test_a_kill_during_writes_loses_no_committed_transaction(url: str) -> None:
    storm = await asyncio.create_subprocess_exec(
        sys.executable, STORM, url, stdout=asyncio.subprocess.PIPE, cwd=STORM.parents[2]
    )
    assert storm.stdout is not None
    promised = [(await storm.stdout.readline()).decode().strip() for _ in range(SURVIVED)]
    storm.kill()
    await storm.wait()
    promised += (await storm.stdout.read()).decode().split("\n")[:-1]
    assert integrity(url) == "ok"
    database = await open_database(url)
    kept = set(await noted(database))
    await is_well(database, url)
    await database.close()
    assert len(promised) >= SURVIVED
    assert set(promised) <= kept


@pytest.mark.usefixtures("notes")
async def test_a_quick_transaction_waits_for_a_backup_without_blocking_the_loop(url: str, database: Database) -> None:
    with locked(url):
        waits = asyncio.create_task(database.transaction(note("waited"), is_quick=True))
        await asyncio.sleep(0)
        assert await database.fetch_one("select count(*) as notes from notes") is not None
        assert not waits.done()
    assert await waits == "waited"
    await is_well(database, url)
