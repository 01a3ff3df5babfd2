"""A worker in a process of its own: says on standard output what it began, did and had to drop, a line each.

usage: worker.py URL hang|finish [--fast] NAME…   A name's first letter is its key. "hang" never finishes a job.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from typing import Any, cast

from bot.clock import SystemClock
from bot.engine import Engine, Job, JobKind, engine_for
from bot.engine.procrastinate import DistributedEngine, WorkerConfig
from storage import Database, Transaction, open_database
from storage.postgres import PostgresDatabase

FAST = WorkerConfig(poll_seconds=0.1, heartbeat_seconds=0.2, dead_after_seconds=1, rescue_seconds=0.3)


def say(*words: object) -> None:
    print(*words, flush=True)


async def main(url: str, mode: str, *names: str) -> None:
    database = await open_database(url)
    engine = _engine(database, is_fast="--fast" in names)

    async def work(_: Any, arguments: Mapping[str, Any]) -> None:
        say("began", arguments["name"])
        try:
            if mode == "hang":
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            say("dropped", arguments["name"])
            raise
        say("did", arguments["name"])

    engine.register(JobKind("work", work, concurrency=4))

    async def enqueue(tx: Transaction) -> None:
        for name in names:
            if name != "--fast":
                await engine.enqueue(tx, Job("work", {"name": name}, key=name[0]))

    await database.transaction(enqueue)
    await engine.start()
    await asyncio.Event().wait()


def _engine(database: Database, *, is_fast: bool) -> Engine:
    if is_fast:
        return DistributedEngine(database=cast(PostgresDatabase, database), clock=SystemClock(), config=FAST)
    return engine_for(database, clock=SystemClock())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
