"""Workers as processes: one that is killed, one that was only asleep, and what each of them imports."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bot.engine.procrastinate import WorkerConfig

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = Path(__file__).with_name("worker.py")


class Worker:
    def __init__(self, process: Process) -> None:
        self._process = process
        self.said: list[str] = []

    async def until(self, *lines: str) -> None:
        """Return when it has said all of these."""
        assert self._process.stdout is not None
        while not {*lines} <= {*self.said}:
            line = await self._process.stdout.readline()
            assert line, f"it ended after {self.said}"
            self.said.append(line.decode().strip())

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


Start = Callable[..., Awaitable[Worker]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    workers: list[Worker] = []

    async def start_one(*arguments: str) -> Worker:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        process = await asyncio.create_subprocess_exec(sys.executable, SCRIPT, *arguments, stdout=PIPE, env=environment)
        workers.append(Worker(process))
        return workers[-1]

    yield start_one
    for worker in workers:
        await worker.kill()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/jobs.db"
    address: str = request.getfixturevalue("postgres_url")
    return address


async def test_the_jobs_of_a_killed_process_run_again_in_order(url: str, start: Start) -> None:
    """The next process runs them, or another that lives."""
    fast = ["--fast"] if url.startswith("postgresql") else []
    first = await start(url, "hang", *fast, "a1", "a2", "b1")
    await first.until("began a1", "began b1")
    await first.kill()
    second = await start(url, "finish", *fast)
    await second.until("did a1", "did a2", "did b1")
    assert [line for line in second.said if line.startswith("did a")] == ["did a1", "did a2"]


def test_by_default_the_jobs_of_a_killed_process_run_again_within_15_seconds() -> None:
    config = WorkerConfig()
    assert config.dead_after_seconds + config.rescue_seconds + config.poll_seconds <= 15


async def test_a_process_that_slept_for_too_long_drops_its_jobs(postgres_url: str, start: Start) -> None:
    first = await start(postgres_url, "hang", "--fast", "a1", "b1")
    await first.until("began a1", "began b1")
    first.send(signal.SIGSTOP)
    second = await start(postgres_url, "finish", "--fast")
    await second.until("did a1", "did b1")
    first.send(signal.SIGCONT)
    await first.until("dropped a1", "dropped b1")


IMPORTED = """
import asyncio, json, sys
import bot.app
from bot.clock import SystemClock
from bot.engine import engine_for
from storage import open_database

async def main():
    database = await open_database(sys.argv[1])
    engine_for(database, clock=SystemClock())
    await database.close()

asyncio.run(main())
print(json.dumps(sorted(sys.modules)))
"""
ONLY = {
    "sqlite": {"storage.sqlite", "bot.engine.sqlite"},
    "postgres": {"storage.postgres", "psycopg", "psycopg_pool", "procrastinate", "bot.engine.procrastinate"},
}


async def test_what_is_not_configured_is_not_imported(url: str) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", IMPORTED, url, stdout=PIPE, cwd=ROOT)
    out, _ = await process.communicate()
    imported = set(json.loads(out))
    ours, others = ("sqlite", "postgres") if url.startswith("sqlite") else ("postgres", "sqlite")
    assert ONLY[ours] - imported == set()
    assert ONLY[others] & imported == set()
