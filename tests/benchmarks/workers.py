"""What is measured inside a process of its own: jobs, messages, an hour. ``python -m tests.benchmarks.workers WHAT …``.

Each prints one line of JSON. The settings are in BUILDBELL_… as always; the stand-ins live in the process that asks.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import secrets
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import aiohttp
import uvloop

from bot import logs as log
from bot import outbox
from bot.app import Bot
from bot.clock import SystemClock
from bot.engine import Job, JobKind, engine_for
from bot.settings import read_settings
from bot.slack.replies import reply
from bot.web.payloads import read_form
from playground.clock import SteppedClock
from storage import open_database
from storage import outbox as outbox_rows
from tests.benchmarks.contest import PAGE
from tests.benchmarks.pressure import quantile
from tests.benchmarks.wire import NUMBERS, TEAM, button_fields, slash_fields

JOBS, LATE_JOBS = 1000, 100
MESSAGES = 1000


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def rss_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 2**20


async def jobs() -> dict[str, float]:
    """Trivial jobs, twenty at a time; then some alone, timed from when they were due."""
    database = await open_database(read_settings().database_url.get_secret_value())
    engine = engine_for(database, clock=SystemClock())
    done, late = 0, []
    all_done = asyncio.Event()

    async def work(_: Any, arguments: Mapping[str, Any]) -> None:
        nonlocal done
        done += 1
        if done == JOBS:
            all_done.set()

    async def note(_: Any, arguments: Mapping[str, Any]) -> None:
        late.append(time.time() - arguments["due"])
        all_done.set()

    engine.register(JobKind("work", work, concurrency=20))
    engine.register(JobKind("note", note, concurrency=20))
    await engine.start()
    began, cpu = time.perf_counter(), cpu_seconds()
    batch = [database.transaction(lambda tx: engine.enqueue(tx, Job("work"))) for _ in range(JOBS)]
    await asyncio.gather(*batch, all_done.wait())
    took, cpu = time.perf_counter() - began, cpu_seconds() - cpu
    for _ in range(LATE_JOBS):
        all_done.clear()
        due = datetime.now(UTC)
        job = Job("note", {"due": due.timestamp()})
        await database.transaction(lambda tx, job=job: engine.enqueue(tx, job))  # type: ignore[misc]
        await all_done.wait()
    at_once, late[:] = list(late), []
    for _ in range(10):
        all_done.clear()
        due = datetime.now(UTC) + timedelta(seconds=0.3)
        job = Job("note", {"due": due.timestamp()}, due_at=due)
        await database.transaction(lambda tx, job=job: engine.enqueue(tx, job))  # type: ignore[misc]
        await all_done.wait()
    await engine.stop(within_seconds=1)
    await database.close()
    return {
        "per_second": JOBS / took, "cpu_us": cpu / JOBS * 1e6, "p50_ms": quantile(at_once, 0.5) * 1000,
        "p99_ms": quantile(at_once, 0.99) * 1000, "due_p50_ms": median(late) * 1000,
    }  # fmt: skip


async def _bot(**given: Any) -> Bot:
    clock = given.pop("clock", SystemClock())
    bot = Bot(read_settings().model_copy(update=given), clock=clock, new_id=lambda: secrets.token_hex(8))
    await bot.start()
    return bot


async def outgoing() -> dict[str, float]:
    """Messages to as many channels through the outbox: stored, a job, sent, forgotten; and the same bytes, bare."""
    bot = await _bot(idle_sweep_seconds=86400.0)
    ctx = bot.ctx
    message = reply("The build 812 of Shop on `main` succeeded after 7 minutes. " * 3)
    await bot.wait_idle()
    began, cpu = time.perf_counter(), cpu_seconds()

    async def tell(number: int) -> None:
        await ctx.db.transaction(lambda tx: outbox.post_to_channel(ctx, tx, TEAM, f"C{number:09d}", message))

    await asyncio.gather(*(tell(number) for number in range(MESSAGES)))
    while await outbox_rows.count_waiting(ctx.db):  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    took, cpu = time.perf_counter() - began, cpu_seconds() - cpu
    bare, bare_cpu = await _bare_messages(read_settings().slack_api_url, message.to_payload())
    await bot.stop()
    return {
        "per_second": MESSAGES / took, "cpu_us": cpu / MESSAGES * 1e6,
        "bare_per_second": MESSAGES / bare, "bare_cpu_us": bare_cpu / MESSAGES * 1e6,
    }  # fmt: skip


async def _bare_messages(slack_url: str, payload: Mapping[str, Any]) -> tuple[float, float]:
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer xoxb-1"}) as session:

        async def send(numbers: range) -> None:
            for number in numbers:
                body = json.dumps({"channel": f"C{number:09d}", **payload}).encode()
                async with session.post(
                    slack_url + "chat.postMessage", data=body, headers={"Content-Type": "application/json"}
                ) as response:
                    await response.read()

        began, cpu = time.perf_counter(), cpu_seconds()
        await asyncio.gather(*(send(range(start, MESSAGES, 16)) for start in range(16)))
        return time.perf_counter() - began, cpu_seconds() - cpu


async def hour() -> dict[str, Any]:
    """An hour of commands, presses and sweeps on a clock that steps; memory after every ten minutes of it."""
    clock = SteppedClock(datetime.now(UTC))
    bot = await _bot(clock=clock)
    memory, rss, objects = [], [], []
    tracemalloc.start()
    for _ in range(6):
        for _ in range(60):
            await asyncio.gather(*(_deliver(bot, slash_fields(next(NUMBERS))) for _ in range(3)))
            await asyncio.gather(*(_deliver(bot, button_fields(next(NUMBERS))) for _ in range(3)))
            await _step(bot, clock, seconds=10)
        gc.collect()
        memory.append(tracemalloc.get_traced_memory()[0] / 2**20)
        rss.append(rss_mib())
        objects.append(len(gc.get_objects()))
    await bot.stop()
    return {"traced_mib": memory, "rss_mib": rss, "objects": objects}


async def _deliver(bot: Bot, fields: Mapping[str, str]) -> None:
    response = await bot.dispatcher.dispatch_direct(read_form(urlencode(fields).encode()))
    assert response is not None
    assert response.status == 200, response.body


async def _step(bot: Bot, clock: SteppedClock, *, seconds: float) -> None:
    """Time passes; whatever falls due on the way happens at its time."""
    end = clock.now() + timedelta(seconds=seconds)
    await bot.wait_idle()
    while (at := clock.next_waking()) is not None and at <= end:
        clock.move_to(at)
        await bot.wait_idle()
    clock.move_to(end)
    await bot.wait_idle()


WORK: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {"jobs": jobs, "outgoing": outgoing, "hour": hour}


async def main(name: str) -> None:
    print(json.dumps(await WORK[name]()), flush=True)


if __name__ == "__main__":
    log.configure("ERROR", "text")
    uvloop.run(main(sys.argv[1]))
