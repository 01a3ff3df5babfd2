"""What only many replicas and a server can do: share the work, lose a connection, leave a job to nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from procrastinate.manager import JobManager

from bot.clock import SystemClock
from bot.engine import Job, JobKind, RetryAt
from bot.engine.procrastinate import DistributedEngine, WorkerConfig
from storage import Transaction
from storage import procrastinate_schema as queue_rows
from storage.postgres import PostgresDatabase
from tests.postgres_server import CUT_OTHERS

FAST = WorkerConfig(poll_seconds=0.05, heartbeat_seconds=0.1, dead_after_seconds=5, rescue_seconds=0.2)
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
    engine = DistributedEngine(database=database, clock=CLOCK, config=FAST)

    async def work(_: Any, arguments: Mapping[str, Any]) -> None:
        await record.work(name, arguments)

    engine.register(JobKind("work", work, concurrency=3))
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
        await asyncio.gather(one.engine.wait_idle(), two.engine.wait_idle())
    assert record.overlaps == []
    assert {*record.by} == {"one", "two"}
    for key in keys:
        assert [number for each, number in record.done if each == key] == list(range(10))


async def test_one_that_was_not_started_only_enqueues(postgres_url: str) -> None:
    record = Record()
    async with replica(postgres_url, "web", record) as web, replica(postgres_url, "worker", record) as worker:
        await worker.engine.start()
        await web.add(*numbered("a", count=2))
        await worker.engine.wait_idle()
    assert record.by == ["worker", "worker"]


async def test_what_somebody_waits_for_comes_before_what_piled_up(postgres_url: str) -> None:
    record = Record()
    async with replica(postgres_url, "one", record) as one:

        async def answer(_: Any, arguments: Mapping[str, Any]) -> None:
            await record.work("one", arguments)

        one.engine.register(JobKind("answer", answer, concurrency=3, is_urgent=True))
        await one.add(*numbered("a", "b", "c", count=3), Job("answer", {"key": "person", "number": 0}))
        await one.engine.start()
        await one.engine.wait_idle()
    assert record.done[0] == ("person", 0)
    assert len(record.done) == 10


async def test_work_goes_on_after_every_connection_was_cut(postgres_url: str, caplog: pytest.LogCaptureFixture) -> None:
    record = Record()
    async with replica(postgres_url, "one", record) as one:
        await one.engine.start()
        for number in range(3):
            await cut(postgres_url)
            await one.add(Job("work", {"key": "a", "number": number}, key="a"))
        await one.engine.wait_idle()
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
        await one.engine.wait_idle()
        assert (len(lost), await one.engine.count_jobs()) == (1, {"todo": 1})
        await one.database.execute("update procrastinate_jobs set scheduled_at = null")
        await one.engine.wait_idle()
    assert record.done == [("a", 0)]


async def rows_of(one: Replica) -> list[tuple[str, int]]:
    """State and failures of every job, oldest first."""
    rows = await one.database.fetch_all("select status::text, attempts from procrastinate_jobs order by id")
    return [(row["status"], row["attempts"]) for row in rows]


async def test_a_job_taken_by_a_fetch_that_the_stop_cuts_off_counts_as_no_failure(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server took the job, and its answer was on the way."""
    fetch, taken = JobManager.fetch_job, asyncio.Event()

    async def fetch_and_keep(self: JobManager, queues: Any, worker_id: int) -> Any:
        if await fetch(self, queues, worker_id) is not None:
            taken.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(JobManager, "fetch_job", fetch_and_keep)
    async with replica(postgres_url, "one", Record()) as one:
        await one.engine.start()
        await one.add(Job("work", {"key": "a", "number": 0}))
        await taken.wait()
        await one.engine.stop(within_seconds=0)
        assert await rows_of(one) == [("todo", 0)]


async def test_a_job_that_the_stop_cuts_off_is_not_taken_again_by_a_fetch_under_way(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its statement reaches the server after the cancellation, as one on a slow connection does."""
    fetch, fetches = JobManager.fetch_job, 0
    began, is_under_way = asyncio.Event(), asyncio.Event()

    async def fetch_late(self: JobManager, queues: Any, worker_id: int) -> Any:
        nonlocal fetches
        if not began.is_set():
            return await fetch(self, queues, worker_id)
        fetches += 1
        is_under_way.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.1)
            assert await fetch(self, queues, worker_id) is None

    async def hang(_: Any, arguments: Mapping[str, Any]) -> None:
        began.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(JobManager, "fetch_job", fetch_late)
    async with replica(postgres_url, "one", Record()) as one:
        one.engine.register(JobKind("hang", hang, concurrency=2))
        await one.engine.start()
        await one.add(Job("hang", key="a"), Job("hang", key="a"))
        await asyncio.gather(began.wait(), is_under_way.wait())
        await one.engine.stop(within_seconds=0)
        assert fetches == 1
        assert await rows_of(one) == [("todo", 0), ("todo", 0)]


async def test_a_job_whose_end_the_stop_keeps_from_being_stored_counts_as_tried(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_ending = asyncio.Event()

    async def never_finish(*_: Any, **__: Any) -> None:
        is_ending.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(JobManager, "finish_job", never_finish)
    async with replica(postgres_url, "one", Record()) as one:
        await one.engine.start()
        await one.add(Job("work", {"key": "a", "number": 0}))
        await is_ending.wait()
        await one.engine.stop(within_seconds=0)
        assert await rows_of(one) == [("todo", 1)]


async def test_only_the_jobs_of_dead_workers_are_rescued(postgres_url: str) -> None:
    async with replica(postgres_url, "one", Record()) as one:
        await one.add(*numbered("dead", "gone", "alive", "waiting", count=1))
        workers = await one.database.fetch_all(
            """
            with workers as (
                insert into procrastinate_workers (last_heartbeat)
                values (now() - make_interval(secs => 60)), (now()) returning id, last_heartbeat
            ), held as (
                update procrastinate_jobs as job set status = 'doing', worker_id = (
                    select id from workers
                    where (job.lock = 'alive' and last_heartbeat = now())
                    or (job.lock = 'dead' and last_heartbeat < now()))
                where lock in ('dead', 'gone', 'alive') returning id
            )
            select count(*) from held
            """
        )
        assert workers == [{"count": 3}]
        assert [await queue_rows.return_orphaned_jobs(one.database, dead_after_seconds=30) for _ in range(2)] == [2, 0]
        assert await rows_of(one) == [("todo", 1), ("todo", 1), ("doing", 0), ("todo", 0)]


async def test_a_job_is_returned_only_by_the_worker_that_holds_it(postgres_url: str) -> None:
    async with replica(postgres_url, "one", Record()) as one:
        await one.add(*numbered("a", count=1))
        await one.database.execute(
            """
            with worker as (insert into procrastinate_workers default values returning id)
            update procrastinate_jobs set status = 'doing', worker_id = (select id from worker)
            """
        )
        (job,) = await one.database.fetch_all("select id, worker_id from procrastinate_jobs")
        holders = (job["worker_id"] + 1, job["worker_id"], job["worker_id"])
        put_back = partial(queue_rows.return_job, one.database, job["id"], failures=2, due_at=None)
        assert [await put_back(worker_id=each) for each in holders] == [False, True, False]
        assert await rows_of(one) == [("todo", 2)]


async def test_when_nobody_could_be_told_of_a_hopeless_job_it_is_tried_once_more(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    async def work(_: Any, arguments: Mapping[str, Any]) -> None:
        raise ValueError("always")

    async def on_exhausted(_: Any, arguments: Mapping[str, Any]) -> None:
        told.append(arguments["name"])
        if len(told) == 1:
            raise ValueError("not now")

    async with replica(postgres_url, "one", Record()) as one:
        one.engine.register(JobKind("other", work, concurrency=1, on_exhausted=on_exhausted))
        await one.add(Job("other", {"name": "a"}))
        await one.database.execute("update procrastinate_jobs set attempts = 9")
        await one.engine.start()
        await one.engine.wait_idle()
        assert (told, await one.engine.count_jobs()) == (["a"], {"todo": 1})
        await one.database.execute("update procrastinate_jobs set scheduled_at = null")
        await one.engine.wait_idle()
        assert (told, await one.engine.count_jobs()) == (["a", "a"], {"failed": 1})
    assert "could not be stored" in caplog.text
