"""What goes on behind the acknowledgements: jobs, messages, sweeps, a start of the process, an hour of it all.

``python -m tests.benchmarks.working [jobs|outgoing|sweeps|starting|hour]`` prints the tables.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from playground.bot_process import free_port
from tests.benchmarks.acks import postgres
from tests.benchmarks.contest import Server, python, running
from tests.benchmarks.furnish import environment, furnish, token_of
from tests.benchmarks.pressure import quantile
from tests.benchmarks.standins import StandIns, listed_builds
from tests.benchmarks.tables import Table
from tests.benchmarks.wire import TEAM

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
STARTED_IN, REST_MIB = 0.8, 60.0
SWEPT = (1, 10, 100, 1000)
BUILDS_EACH = 10
SWEEP_SECONDS = 10


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[tuple[StandIns, Path]]:
    folder = Path(tempfile.mkdtemp(prefix="buildbell-bench-"))
    async with StandIns().open() as standins:
        yield standins, folder
    shutil.rmtree(folder, ignore_errors=True)


async def ask(what: str, given: Mapping[str, str]) -> dict[str, Any]:
    """What a worker on the servers' core found."""
    bare = {key: value for key, value in os.environ.items() if not key.startswith("BUILDBELL_")}
    bare = {key: value for key, value in bare.items() if not key.lower().endswith("_proxy")}
    command = ["taskset", "-c", "0", *python("tests.benchmarks.workers", what)]
    process = await asyncio.create_subprocess_exec(
        *command, env=bare | dict(given), stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    out, _ = await process.communicate()
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


async def jobs() -> Table:
    found: dict[str, list[dict[str, Any]]] = {}
    async with scene() as (standins, folder), postgres() as postgres_url:
        urls = {"in SQLite": f"sqlite:///{folder}/jobs.db"}
        if postgres_url:
            urls["Procrastinate on PostgreSQL"] = postgres_url
        for _ in range(min(ROUNDS, 3)):
            for name, url in urls.items():
                found.setdefault(name, []).append(await ask("jobs", environment(standins, "jobs", url, 0)))
    names = {
        "per_second": "jobs a second", "cpu_us": "CPU µs a job", "p50_ms": "stored to begun, p50 ms",
        "p99_ms": "p99 ms", "due_p50_ms": "due to begun, p50 ms",
    }  # fmt: skip
    rows = [
        {"": name} | {title: f"{median(each[key] for each in rounds):,.1f}" for key, title in names.items()}
        for name, rounds in found.items()
    ]
    return Table("Jobs", rows, raw=found)


async def outgoing() -> Table:
    found = []
    async with scene() as (standins, folder):
        for number in range(min(ROUNDS, 3)):
            url = f"sqlite:///{folder}/out{number}.db"
            await furnish(url)
            found.append(await ask("outgoing", environment(standins, "out", url, 0)))
    middle = {key: median(each[key] for each in found) for key in found[0]}
    rows = [
        {
            "": name, "messages a second": f"{middle[f'{kind}per_second']:,.0f}",
            "of the limit": f"{middle[f'{kind}per_second'] / middle['bare_per_second']:.2f}",
            "CPU µs": f"{middle[f'{kind}cpu_us']:.0f}",
        }
        for name, kind in {"raw aiohttp, the same bytes": "bare_", "through the outbox": ""}.items()
    ]  # fmt: skip
    return Table("chat.postMessage", rows, raw=found)


async def starting() -> Table:
    seconds, rests = [], []
    async with scene() as (standins, folder):
        url = f"sqlite:///{folder}/start.db"
        await furnish(url)
        for _ in range(ROUNDS):
            port = free_port()
            server = Server("start", python("bot", "run"), environment(standins, "start", url, port))
            async with running([server]):
                await server.until_answers(f"http://127.0.0.1:{port}/readyz")
                seconds.append(server.ready_seconds)
                await asyncio.sleep(1)
                rests.append(server.rss_mib())
    ready, rest = median(seconds), median(rests)
    rows = [
        {
            "": "buildbell run",
            "ready after s": f"{ready:.2f}",
            "at the best": f"{min(seconds):.2f}",
            "MiB at rest": f"{rest:.0f}",
        }
    ]
    misses = [f"ready after {ready:.2f} s; {STARTED_IN} s are allowed"] if ready > STARTED_IN else []
    misses += [f"{rest:.0f} MiB at rest; {REST_MIB:.0f} are allowed"] if rest > REST_MIB else []
    return Table("From start to ready", rows, misses=misses, raw={"seconds": seconds, "rests": rests})


async def hour() -> Table:
    async with scene() as (standins, folder):
        url = f"sqlite:///{folder}/hour.db"
        await furnish(url)
        found = await ask("hour", environment(standins, "hour", url, 0))
    rows = [
        {
            "": f"after {10 * number} min",
            "traced MiB": f"{traced:.1f}",
            "RSS MiB": f"{rss:.0f}",
            "objects": f"{count:,}",
        }
        for number, (traced, rss, count) in enumerate(
            zip(found["traced_mib"], found["rss_mib"], found["objects"], strict=True), start=1
        )
    ]
    return Table("An hour of mixed load, on a clock that steps", rows, raw=found)


def running_builds(workspace: int) -> bytes:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return listed_builds([
        {
            "slug": f"{workspace:06x}{number:010x}", "status": 0, "status_text": "in-progress", "build_number": number,
            "triggered_at": now, "started_on_worker_at": now, "environment_prepare_finished_at": now,
            "finished_at": None, "branch": f"feature-{number}", "triggered_workflow": "deploy", "is_on_hold": False,
            "commit_hash": "a1b2c3d4", "commit_message": "Fix login crash", "triggered_by": "webhook-github/ana",
            "repository": {"slug": "0123456789abcdef", "title": "Shop", "owner": {"name": "Acme", "slug": "acme"}},
        }
        for number in range(BUILDS_EACH)
    ])  # fmt: skip


async def sweeps() -> Table:
    """Everybody swept every ten seconds; measured once each workspace has been swept, for two rounds of sweeps."""
    rows = []
    raw: dict[int, dict[str, float]] = {}
    for count in SWEPT:
        raw[count] = await _swept(count)
        one = raw[count]
        rows.append({
            "": f"{count:,} × {BUILDS_EACH}", "sweeps": f"{one['sweeps']:.0f}",
            "CPU ms a sweep": f"{one['cpu_ms']:.2f}",
            "CPU µs a build": f"{one['cpu_ms'] / BUILDS_EACH * 1000:.0f}", "calls a sweep": f"{one['calls']:.2f}",
            "late p50 s": f"{one['late_p50']:.2f}", "late p99 s": f"{one['late_p99']:.2f}", "MiB": f"{one['mib']:.0f}",
        })  # fmt: skip
    return Table("Sweeps: workspaces × running builds", rows, raw=raw)


async def _swept(count: int) -> dict[str, float]:
    teams = (TEAM, *(f"T{number:08d}" for number in range(1, count)))
    async with scene() as (standins, folder):
        standins.running = {f"{token_of(team)}": running_builds(place) for place, team in enumerate(teams)}
        url, port = f"sqlite:///{folder}/sweeps.db", free_port()
        await furnish(url, workspaces=teams)
        given = environment(standins, "sweeps", url, port, idle_sweep_seconds=str(SWEEP_SECONDS))
        server = Server("sweeps", python("tests.benchmarks.peers.ours", "all"), given)
        async with running([server]):
            await server.until_answers(f"http://127.0.0.1:{port}/readyz")
            while len(standins.swept_at) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            await asyncio.sleep(2 + SWEEP_SECONDS * 0.8)
            before, calls, swept = server.cpu_seconds(), standins.bitrise_calls, standins.sweeps
            await asyncio.sleep(2 * SWEEP_SECONDS)
            sweeps = standins.sweeps - swept
            spent, mib = server.cpu_seconds() - before, server.rss_mib()
            calls = standins.bitrise_calls - calls
    late = [
        later - earlier - SWEEP_SECONDS
        for at in standins.swept_at.values()
        for earlier, later in itertools.pairwise(at[1:])
    ]
    return {
        "sweeps": sweeps, "cpu_ms": spent / sweeps * 1000, "calls": calls / sweeps, "mib": mib,
        "late_p50": quantile(late, 0.5), "late_p99": quantile(late, 0.99),
    }  # fmt: skip


SUBJECTS: dict[str, Callable[[], Awaitable[Table]]] = {
    "jobs": jobs, "outgoing": outgoing, "sweeps": sweeps, "starting": starting, "hour": hour,
}  # fmt: skip


async def main(names: list[str]) -> None:
    for name in names or SUBJECTS:
        (await SUBJECTS[name]()).show()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1:]))
