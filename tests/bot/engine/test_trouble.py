"""The local engine on a database that cannot be written for a while: it waits, and goes on without a restart."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.engine import Job, JobKind, RetryAt, is_retry
from bot.engine.sqlite import LocalEngine
from playground.clock import SteppedClock
from storage import Database, DatabaseUnavailable, open_database
from tests.conftest import Complaints


class Desk:
    """One kind of job; a job may lock the database, as a backup does, and the test takes the lock away."""

    def __init__(self, database: Database, path: Path) -> None:
        self.clock = SteppedClock()
        self.engine = LocalEngine(database=database, clock=self.clock)
        self.engine.register(JobKind("work", self._work, concurrency=4))
        self.database, self._path = database, path
        self.backup: sqlite3.Connection | None = None
        self.done: list[str] = []
        self.again: list[str] = []
        self.is_locked = asyncio.Event()

    async def _work(self, _: Any, arguments: Mapping[str, Any]) -> None:
        name = arguments["name"]
        if is_retry.get():
            self.again.append(name)
        if name.startswith("lock") and name not in self.done:
            self.lock()
        self.done.append(name)
        if name == "lock and come back" and self.done.count(name) == 1:
            raise RetryAt(self.clock.now())
        if name == "lock and write":
            await self.database.execute("update jobs set error = 'seen' where state = 'doing'")

    def lock(self) -> None:
        self.backup = sqlite3.connect(self._path, isolation_level=None)
        self.backup.execute("begin immediate")
        self.is_locked.set()

    def unlock(self) -> None:
        assert self.backup is not None
        self.backup.execute("rollback")
        self.backup.close()
        self.backup = None

    async def ask(self, name: str) -> None:
        await self.database.transaction(lambda tx: self.engine.enqueue(tx, Job("work", {"name": name}, key="lane")))


@pytest.fixture
async def desk(tmp_path: Path, short_locks: None) -> AsyncIterator[Desk]:
    database = await open_database(f"sqlite:///{tmp_path}/jobs.db")
    desk = Desk(database, tmp_path / "jobs.db")
    await desk.engine.start()
    yield desk
    await desk.engine.stop(within_seconds=1)
    await database.close()


@pytest.mark.parametrize(
    ("name", "times"),
    [("lock", 1), ("lock and come back", 2), ("lock and write", 2)],
    ids=["ends", "retries", "writes"],
)
async def test_a_job_whose_end_cannot_be_stored_holds_up_nobody_for_ever(
    desk: Desk, complaints: Complaints, name: str, times: int
) -> None:
    await desk.ask(name)
    await desk.is_locked.wait()
    await complaints.until("")
    desk.unlock()
    await desk.ask("next of the same key")
    await desk.engine.wait_idle()
    assert desk.done == [name] * times + ["next of the same key"]
    assert desk.again == (["lock and write"] if name == "lock and write" else []), "what broke off is told so"
    assert await desk.engine.count_jobs() == {}


async def test_it_says_so_once_however_long_it_lasts(desk: Desk, complaints: Complaints) -> None:
    await desk.ask("lock")
    await desk.is_locked.wait()
    for _ in range(5):
        with pytest.raises(DatabaseUnavailable):
            await desk.ask("not taken")
    desk.unlock()
    await desk.engine.wait_idle()
    (told,) = complaints.told
    assert told == "bot.engine.sqlite: jobs wait for the database"
