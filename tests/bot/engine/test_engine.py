"""What every engine promises: order per key, one at a time, not before its time, and again after a crash."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import tasks
from bot.clock import SystemClock
from bot.engine import MAX_ATTEMPTS, Engine, Job, JobKind, RetryAt, is_retry
from bot.engine.procrastinate import DistributedEngine, WorkerConfig
from bot.engine.sqlite import LocalEngine
from playground.clock import SteppedClock
from storage import Database, DatabaseUnavailable, open_database
from storage import procrastinate_schema as queue_rows
from storage.postgres import PostgresDatabase

FAST = WorkerConfig(poll_seconds=0.05, heartbeat_seconds=0.1, dead_after_seconds=5, rescue_seconds=0.1)


class Bench:
    """An engine on a real database whose one kind of job is told by each test what to do."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = SteppedClock() if database.dialect == "sqlite" else SystemClock()
        self.done: list[Any] = []
        self.fail: dict[Any, list[Exception]] = {}
        self.gate: dict[Any, asyncio.Event] = {}
        self.running: list[Any] = []
        self.most_at_once = 0
        self.hopeless: list[Any] = []
        self.again: list[Any] = []
        self.changed = asyncio.Condition()
        self.engine = self.new_engine()

    def new_engine(self) -> Engine:
        engine: Engine
        if isinstance(self.database, PostgresDatabase):
            engine = DistributedEngine(database=self.database, clock=self.clock, config=FAST)
        else:
            engine = LocalEngine(database=self.database, clock=self.clock)
        engine.register(JobKind("work", self.work, concurrency=4, on_exhausted=self.note_hopeless))
        return engine

    async def work(self, _: Any, arguments: Mapping[str, Any]) -> None:
        name = arguments["name"]
        if is_retry.get():
            self.again.append(name)
        await self._note(self.running.append, name)
        self.most_at_once = max(self.most_at_once, len(self.running))
        try:
            if name in self.gate:
                await self.gate[name].wait()
            if self.fail.get(name):
                raise self.fail[name].pop(0)
            await self._note(self.done.append, name)
        finally:
            self.running.remove(name)

    async def note_hopeless(self, _: Any, arguments: Mapping[str, Any]) -> None:
        self.hopeless.append(arguments["name"])

    async def _note(self, note: Callable[[Any], None], name: Any) -> None:
        async with self.changed:
            note(name)
            self.changed.notify_all()

    async def add(self, name: str, *, key: str | None = None, after_seconds: float = 0) -> None:
        due_at = self.clock.now() + timedelta(seconds=after_seconds)
        job = Job("work", {"name": name}, key=key, due_at=due_at)
        await self.database.transaction(lambda tx: self.engine.enqueue(tx, job))

    async def until(self, *, running: list[str] | None = None, done: list[str] | None = None) -> None:
        """Return when exactly these run, or are done."""
        async with self.changed:
            await self.changed.wait_for(lambda: self.running == running or self.done == done)

    async def move(self, seconds: float) -> None:
        """Let time pass: by our clock, or, where the server's counts, by bringing nearer what waits."""
        if isinstance(self.clock, SteppedClock):
            self.clock.move_to(self.clock.now() + timedelta(seconds=seconds))
            return
        await self.database.execute(
            """
            update procrastinate_jobs set scheduled_at = scheduled_at - make_interval(secs => :seconds)
            where status = 'todo'
            """,
            seconds=float(seconds),
        )

    async def pass_seconds(self, seconds: float) -> None:
        await self.move(seconds)
        await self.engine.wait_idle()


@pytest.fixture(params=["sqlite", "postgres"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/jobs.db" if is_sqlite else request.getfixturevalue("postgres_url")
    database = await open_database(url)
    bench = Bench(database)
    await bench.engine.start()
    yield bench
    await bench.engine.stop(within_seconds=1)
    await database.close()


async def test_jobs_of_a_key_run_one_at_a_time_in_order(bench: Bench) -> None:
    bench.gate["a"] = asyncio.Event()
    for name in "abc":
        await bench.add(name, key="ios")
    await bench.add("other", key="android")
    await bench.until(done=["other"])
    assert bench.running == ["a"]
    bench.gate["a"].set()
    await bench.engine.wait_idle()
    assert bench.done == ["other", "a", "b", "c"]


async def test_a_waiting_retry_holds_its_key_and_nobody_else(bench: Bench) -> None:
    bench.fail["a"] = [RetryAt(bench.clock.now() + timedelta(seconds=30))]
    await bench.add("a", key="ios")
    await bench.add("b", key="ios")
    await bench.add("c")
    await bench.engine.wait_idle()
    assert bench.done == ["c"]
    await bench.pass_seconds(30)
    assert bench.done == ["c", "a", "b"]


async def test_a_job_does_not_run_before_its_time(bench: Bench) -> None:
    await bench.add("later", after_seconds=60)
    await bench.pass_seconds(59)
    assert bench.done == []
    await bench.pass_seconds(1)
    assert bench.done == ["later"]


async def test_a_job_becomes_due_while_a_long_one_runs(bench: Bench) -> None:
    bench.gate["long"] = asyncio.Event()
    await bench.add("long")
    await bench.add("soon", after_seconds=5)
    await bench.until(running=["long"])
    await bench.move(5)
    await bench.until(done=["soon"])
    bench.gate["long"].set()
    await bench.engine.wait_idle()


async def test_concurrency_is_bounded(bench: Bench) -> None:
    gate = asyncio.Event()
    for number in range(12):
        bench.gate[str(number)] = gate
        await bench.add(str(number))
    await bench.until(running=["0", "1", "2", "3"])
    gate.set()
    await bench.engine.wait_idle()
    assert bench.most_at_once == 4
    assert len(bench.done) == 12


async def test_an_undone_transaction_leaves_no_job(bench: Bench) -> None:
    async def enqueue_then_fail(tx: Any) -> None:
        await bench.engine.enqueue(tx, Job("work", {"name": "ghost"}))
        raise LookupError("nothing happened")

    with pytest.raises(LookupError):
        await bench.database.transaction(enqueue_then_fail)
    await bench.engine.wait_idle()
    assert bench.done == []


async def test_a_broken_job_is_tried_again_and_then_kept_for_the_operator(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.fail["a"] = [ValueError("first"), ValueError("second")]
    bench.fail["hopeless"] = [ValueError("again")] * 99
    await bench.add("a")
    await bench.add("hopeless", key="ios")
    await bench.add("behind", key="ios")
    await bench.engine.wait_idle()
    for _ in range(12):
        await bench.pass_seconds(600)
    assert bench.done == ["a", "behind"]
    assert bench.hopeless == ["hopeless"]
    assert sorted(bench.again) == ["a"] * 2 + ["hopeless"] * 9  # a handler can tell that it was begun before
    assert await bench.engine.count_jobs() == {"failed": 1}
    assert "a job failed" in caplog.text


async def test_a_killed_process_runs_its_unfinished_job_again(bench: Bench) -> None:
    bench.gate["a"] = asyncio.Event()
    await bench.add("a", key="ios")
    await bench.add("b", key="ios")
    await bench.until(running=["a"])
    await bench.engine.stop(within_seconds=0)
    assert bench.done == []
    bench.gate["a"].set()
    bench.engine = bench.new_engine()
    await bench.engine.start()
    await bench.engine.wait_idle()
    assert bench.done == ["a", "b"]


async def test_stopping_waits_for_what_runs(bench: Bench) -> None:
    bench.gate["a"] = asyncio.Event()
    await bench.add("a")
    await bench.until(running=["a"])
    stopping = asyncio.create_task(bench.engine.stop(within_seconds=5))
    await asyncio.sleep(0)
    await bench.add("too late")
    bench.gate["a"].set()
    await stopping
    assert bench.done in (["a"], ["a", "too late"])  # what was just being brought is waited for as well
    assert not bench.running


async def test_what_is_just_being_brought_when_stopping_begins_does_not_run_on_after_it(bench: Bench) -> None:
    bench.gate |= {"a": asyncio.Event(), "b": asyncio.Event()}
    await bench.add("a")
    await bench.until(running=["a"])
    for _ in range(5):  # the worker finds nothing else, and rests
        await bench.database.transaction(lambda tx: tx.fetch_all("select 1"))
    await bench.add("b")
    for _ in range(5):  # it is told, and asks for it
        await asyncio.sleep(0)
    await bench.engine.stop(within_seconds=0.1)
    assert bench.running == []


async def test_a_retry_that_was_asked_for_is_no_failure(bench: Bench) -> None:
    """However often Slack says "later", the job is not given up."""
    bench.fail["a"] = [RetryAt(bench.clock.now() + timedelta(seconds=1)) for _ in range(12)] + [ValueError("once")]
    await bench.add("a")
    for _ in range(14):
        await bench.pass_seconds(10)
    assert (bench.done, bench.hopeless) == (["a"], [])


async def test_trouble_with_the_database_is_no_failure_of_the_job(bench: Bench) -> None:
    bench.fail["a"] = [DatabaseUnavailable("It is away.") for _ in range(MAX_ATTEMPTS + 1)]
    await bench.add("a")
    await bench.engine.wait_idle()
    assert (bench.done, bench.hopeless) == (["a"], [])


async def test_what_the_database_cut_short_has_to_know_that_it_began(bench: Bench) -> None:
    """It may have things in hand, such as the claim of a sweep."""
    bench.fail["a"] = [DatabaseUnavailable("It is away.")]
    await bench.add("a")
    await bench.engine.wait_idle()
    assert (bench.done, bench.again) == (["a"], ["a"])


async def test_what_is_cut_off_by_stopping_counts_as_no_failure_and_runs_again_first(bench: Bench) -> None:
    bench.gate["a"] = asyncio.Event()
    for name in "ab":
        await bench.add(name, key="ios")
    await bench.until(running=["a"])
    await bench.engine.stop(within_seconds=0)
    jobs = await bench.engine.count_jobs()
    assert sum(jobs.values()) == 2
    bench.gate["a"].set()
    bench.fail["a"] = [ValueError("again")] * 9
    bench.engine = bench.new_engine()
    await bench.engine.start()
    for _ in range(12):
        await bench.pass_seconds(600)
    assert (bench.done, bench.hopeless) == (["a", "b"], [])


async def test_stopping_ends_a_handler_that_drops_its_cancellation(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "CANCEL_AGAIN_SECONDS", 0.01)
    began, dropped = asyncio.Event(), asyncio.Event()

    async def drop_the_first(_: Any, arguments: Mapping[str, Any]) -> None:
        began.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        dropped.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(bench, "work", drop_the_first)
    await bench.engine.stop(within_seconds=1)
    bench.engine = bench.new_engine()
    await bench.engine.start()
    await bench.add("a")
    await began.wait()
    await bench.engine.stop(within_seconds=0)
    assert dropped.is_set()
    assert await bench.engine.count_jobs() == {"todo": 1}


async def test_stopping_twice_or_without_a_start_is_harmless(bench: Bench) -> None:
    await bench.engine.stop(within_seconds=1)
    await bench.engine.stop(within_seconds=1)
    await bench.new_engine().stop(within_seconds=1)
    bench.engine = bench.new_engine()
    await bench.engine.start()
    await bench.add("a")
    await bench.engine.wait_idle()
    assert bench.done == ["a"]


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(jobs=st.lists(st.tuples(st.sampled_from([None, "ios", "android"]), st.integers(0, 2)), max_size=12))
async def test_whatever_breaks_every_job_is_done_once_and_keys_keep_their_order(
    bench: Bench, jobs: list[tuple[str | None, int]]
) -> None:
    bench.done.clear()
    for number, (key, failures) in enumerate(jobs):
        bench.fail[str(number)] = [RetryAt(bench.clock.now() + timedelta(seconds=5)) for _ in range(failures)]
        await bench.add(str(number), key=key)
    for _ in range(1 + sum(failures for _, failures in jobs)):
        await bench.pass_seconds(5)
    assert sorted(map(int, bench.done)) == list(range(len(jobs)))
    for key in ("ios", "android"):
        of_key = [int(name) for name in bench.done if jobs[int(name)][0] == key]
        assert of_key == sorted(of_key)


BACK = [timedelta(seconds=30), timedelta(hours=1), timedelta(days=1)]


class ShiftedClock(SystemClock):
    """The machine's clock, ahead of the database server's."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return super().now() + self._ahead

    def set_back(self, by: timedelta) -> None:
        self._ahead -= by


@pytest.mark.parametrize("by", BACK)
async def test_clock_that_is_set_back_blocks_no_key(
    bench: Bench, by: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.engine.stop(within_seconds=1)
    monkeypatch.setattr("bot.engine.sqlite.CLOCK_CHECK_SECONDS", 0.01)
    clock = SteppedClock() if isinstance(bench.clock, SteppedClock) else ShiftedClock(by)
    bench.clock = clock
    bench.engine = bench.new_engine()
    await bench.engine.start()
    bench.fail["a"] = [RetryAt(clock.now() + timedelta(seconds=20))]
    await bench.database.transaction(lambda tx: bench.engine.enqueue(tx, Job("work", {"name": "a"}, key="ios")))
    await bench.add("b", key="ios")
    await bench.add("tomorrow", after_seconds=86_400)
    await bench.engine.wait_idle()
    await asyncio.sleep(0.3)
    assert bench.done == []
    clock.set_back(by)
    async with asyncio.timeout(5):
        await bench.until(done=["a", "b"])


@pytest.mark.parametrize("by", BACK)
async def test_server_clock_that_is_set_back_blocks_no_key(
    bench: Bench, by: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs were postponed while the server's clock, which alone decides what is due, was ahead by that much."""
    if bench.database.dialect == "sqlite":
        pytest.skip("a file has no clock of its own")
    ahead = by

    async def shifted_time(database: Database) -> datetime:
        return SystemClock().now() + ahead

    monkeypatch.setattr(queue_rows, "server_time", shifted_time)
    await bench.add("a", key="ios", after_seconds=by.total_seconds() + 20)
    await bench.add("b", key="ios")
    await bench.add("tomorrow", after_seconds=by.total_seconds() + 86_400)
    await bench.engine.wait_idle()
    await asyncio.sleep(0.3)
    assert bench.done == []
    ahead = timedelta()
    async with asyncio.timeout(5):
        await bench.until(done=["a", "b"])


async def test_job_from_before_the_clock_was_set_back_runs_after_a_restart(bench: Bench) -> None:
    await bench.engine.stop(within_seconds=1)
    await bench.add("a", key="ios", after_seconds=3600)
    await bench.add("b", key="ios")
    await bench.add("later", after_seconds=3600)
    bench.engine = bench.new_engine()
    await bench.engine.start()
    await bench.engine.wait_idle()
    assert bench.done == ["a", "b"]
