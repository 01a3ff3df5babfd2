"""What only many replicas and a server can do: share the work, lose a connection, leave a job to nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from procrastinate.manager import JobManager

from bot.clock import SystemClock
from bot.engine import Job, RetryAt
from bot.engine.procrastinate import DistributedEngine, Pace
from storage import Transaction
from storage.postgres import PostgresDatabase
from tests.postgres_server import CUT_OTHERS

FAST = Pace(poll=0.05, beat=0.1, dead_after=5, rescue=0.2)
CLOCK = SystemClock()


class Record:
    """What all replicas did, in the order it happened."""

    def __init__(self) -> None:
        self.done: list[tuple[str, int]] = []
        self.running: set[str] = set()
        self.overlaps: list[str] = []
        self.postponed: set[tuple[str, int]] = set()
        self.by: list[str] = []
        self.changed = asyncio.Condition()

    async def work(self, replica: str, arguments: Mapping[str, Any]) -> None:
        key, number = arguments["key"], arguments["number"]
        if key in self.running:
            self.overlaps.append(key)
        self.running.add(key)
        try:
            await asyncio.sleep(0)
            if number % 5 == 3 and (key, number) not in self.postponed:
                self.postponed.add((key, number))
                raise RetryAt(CLOCK.now() + timedelta(milliseconds=50))
            self.by.append(replica)
            async with self.changed:
                self.done.append((key, number))
                self.changed.notify_all()
        finally:
            self.running.discard(key)

    async def until_done(self, count: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.done) >= count)


@dataclass(frozen=True)
class Replica:
    database: PostgresDatabase
    engine: DistributedEngine

    async def add(self, *jobs: Job) -> None:
        async def enqueue(tx: Transaction) -> None:
            for job in jobs:
                await self.engine.enqueue(tx, job)

        await self.database.transaction(enqueue)


@asynccontextmanager
async def replica(url: str, name: str, record: Record) -> AsyncIterator[Replica]:
    database = await PostgresDatabase.open(url)
    engine = DistributedEngine(database=database, clock=CLOCK, pace=FAST)

    async def work(arguments: Mapping[str, Any]) -> None:
        await record.work(name, arguments)

    engine.register("work", work, concurrency=3)
    yield Replica(database, engine)
    await engine.stop(within_seconds=5)
    await database.close()


def numbered(*keys: str, count: int) -> list[Job]:
    return [Job("work", {"key": key, "number": number}, key=key) for number in range(count) for key in keys]


async def cut(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(CUT_OTHERS)


async def test_replicas_share_the_work_and_keep_the_order_of_every_key(postgres_url: str) -> None:
    record, keys = Record(), ("a", "b", "c", "d", "e", "f")
    async with replica(postgres_url, "one", record) as one, replica(postgres_url, "two", record) as two:
        await one.add(*numbered(*keys, count=10))
        await asyncio.gather(one.engine.start(), two.engine.start())
        await record.until_done(60)
        await asyncio.gather(one.engine.settled(), two.engine.settled())
    assert record.overlaps == []
    assert {*record.by} == {"one", "two"}
    for key in keys:
        assert [number for each, number in record.done if each == key] == list(range(10))


async def test_one_that_was_not_started_only_enqueues(postgres_url: str) -> None:
    record = Record()
    async with replica(postgres_url, "web", record) as web, replica(postgres_url, "worker", record) as worker:
        await worker.engine.start()
        await web.add(*numbered("a", count=2))
        await worker.engine.settled()
    assert record.by == ["worker", "worker"]


async def test_what_somebody_waits_for_comes_before_what_piled_up(postgres_url: str) -> None:
    record = Record()
    async with replica(postgres_url, "one", record) as one:

        async def answer(arguments: Mapping[str, Any]) -> None:
            await record.work("one", arguments)

        one.engine.register("answer", answer, concurrency=3, is_urgent=True)
        await one.add(*numbered("a", "b", "c", count=3), Job("answer", {"key": "person", "number": 0}))
        await one.engine.start()
        await one.engine.settled()
    assert record.done[0] == ("person", 0)
    assert len(record.done) == 10


async def test_work_goes_on_after_every_connection_was_cut(postgres_url: str, caplog: pytest.LogCaptureFixture) -> None:
    record = Record()
    async with replica(postgres_url, "one", record) as one:
        await one.engine.start()
        for number in range(3):
            await cut(postgres_url)
            await one.add(Job("work", {"key": "a", "number": number}, key="a"))
        await one.engine.settled()
    assert record.done == [("a", 0), ("a", 1), ("a", 2)]
    assert [each for each in caplog.records if each.levelname == "ERROR"] == []


async def test_a_job_that_was_taken_and_never_came_is_released(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks after the server took the job and before we heard of it."""
    record = Record()
    lost: list[Any] = []
    fetch = JobManager.fetch_job

    async def lose_the_first(self: JobManager, queues: Any, worker_id: int) -> Any:
        job = await fetch(self, queues, worker_id)
        if job is not None and not lost:
            lost.append(job)
            raise TimeoutError
        return job

    monkeypatch.setattr(JobManager, "fetch_job", lose_the_first)
    async with replica(postgres_url, "one", record) as one:
        await one.engine.start()
        await one.add(Job("work", {"key": "a", "number": 0}))
        await one.engine.settled()
        assert (len(lost), await one.engine.count_jobs()) == (1, {"todo": 1})
        await one.database.execute("update procrastinate_jobs set scheduled_at = null")
        await one.engine.settled()
    assert record.done == [("a", 0)]


async def test_when_nobody_could_be_told_of_a_hopeless_job_it_is_tried_once_more(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    async def work(arguments: Mapping[str, Any]) -> None:
        raise ValueError("always")

    async def give_up(arguments: Mapping[str, Any]) -> None:
        told.append(arguments["name"])
        if len(told) == 1:
            raise ValueError("not now")

    async with replica(postgres_url, "one", Record()) as one:
        one.engine.register("other", work, concurrency=1, give_up=give_up)
        await one.add(Job("other", {"name": "a"}))
        await one.database.execute("update procrastinate_jobs set attempts = 9")
        await one.engine.start()
        await one.engine.settled()
        assert (told, await one.engine.count_jobs()) == (["a"], {"todo": 1})
        await one.database.execute("update procrastinate_jobs set scheduled_at = null")
        await one.engine.settled()
        assert (told, await one.engine.count_jobs()) == (["a", "a"], {"failed": 1})
    assert "could not be stored" in caplog.text
