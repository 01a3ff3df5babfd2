"""A command from Slack to its acknowledgement over HTTP, beside the limit and the peers.

``python -m tests.benchmarks.acks`` prints the table. Every server verifies Slack's signature; only Buildbell does
more: the workspace, the person, the app, one stored request and its job, on disk before the answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from playground.bot_process import free_port
from tests.benchmarks.contest import PEERS, Figures, Server, python, running
from tests.benchmarks.furnish import environment, furnish
from tests.benchmarks.pressure import all_it_takes, at_rate
from tests.benchmarks.standins import StandIns
from tests.benchmarks.tables import Table
from tests.benchmarks.wire import SIGNING_SECRET, commands

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))
DURABLE: Any = ("shared_buffers=64MB", "max_connections=100")
LIMIT = "raw aiohttp that only verifies"
OURS = "Buildbell, SQLite"
OURS_POSTGRES = "Buildbell, PostgreSQL"
WHOLE = "Buildbell, SQLite, and the builds started meanwhile"


def peers(standins: StandIns, ports: Callable[[], int]) -> tuple[dict[str, tuple[Server, int]], list[str]]:
    """By name, each with its port; and who is missing, and why."""
    found: dict[str, tuple[Server, int]] = {}
    missing = []

    def add(name: str, command: Callable[[int], Sequence[str]], **environment: str) -> None:
        port = ports()
        found[name] = Server(name, command(port), environment), port

    slack = standins.slack_url("peer")
    add(LIMIT, lambda port: python("tests.benchmarks.peers.raw", str(port)))
    bolt = "tests.benchmarks.peers.bolt"
    add("Bolt tuned, only acks", lambda port: python(bolt, str(port), "tuned", slack))
    add("Bolt as documented, only acks", lambda port: python(bolt, str(port), "documented", slack))
    if (PEERS / "py" / "gunicorn").is_dir():
        flask = python("gunicorn", "-w1", "--threads", "8", "--log-level", "error")
        add(
            "Bolt with Flask, sync, only acks",
            lambda port: [*flask, "-b", f"127.0.0.1:{port}", "tests.benchmarks.peers.flasky:pages"],
            PYTHONPATH=f"{Path(__file__).parents[2]}{os.pathsep}{PEERS / 'py'}", SLACK_URL=slack,
        )  # fmt: skip
    else:
        missing.append("Bolt with Flask: gunicorn and Flask are not there (`make bench` brings them)")
    if shutil.which("node") and (PEERS / "node_modules" / "@slack" / "bolt").is_dir():
        add("Bolt for JavaScript, only acks", lambda port: javascript(str(port)), **javascript_environment(slack))
    else:
        missing.append("Bolt for JavaScript: Node or @slack/bolt is not there (`make bench` brings it when npm is)")
    return found, missing


def javascript(where: str) -> list[str]:
    return ["node", str(Path(__file__).parent / "peers" / "bolt.js"), where]


def javascript_environment(slack_url: str) -> dict[str, str]:
    return {"NODE_PATH": str(PEERS / "node_modules"), "SLACK_URL": slack_url, "SIGNING_SECRET": SIGNING_SECRET}


async def ours(
    standins: StandIns,
    name: str,
    database_url: str,
    port: int,
    role: str,
    *,
    module: str = "tests.benchmarks.peers.ours",
) -> Server:
    await furnish(database_url)
    return Server(name, python(module, role), environment(standins, "ours", database_url, port))


@contextlib.asynccontextmanager
async def postgres() -> AsyncIterator[str | None]:
    """The address of a database that is as durable as SQLite's, on the load's core; None when there is no server."""
    try:
        from tests import postgres_server
    except ImportError:
        yield None
        return
    with postgres_server.running_server(DURABLE) as url:
        server = await asyncio.to_thread(postgres_server.PostgresServer, url)
        try:
            yield server.make_database()
        finally:
            server.close()


async def measure_acks(
    *, requests: Callable[[], Iterator[bytes]] = commands, only: str | None = None, soak: int = 0
) -> Table:
    """One run: every server up, rounds in turns, then latency at half of what each one takes."""
    folder = Path(tempfile.mkdtemp(prefix="buildbell-bench-"))
    async with StandIns().open() as standins, postgres() as postgres_url:
        found, missing = peers(standins, free_port)
        for name, url, role in (
            (OURS, f"sqlite:///{folder}/acks.db", "web"),
            (OURS_POSTGRES, postgres_url, "web"),
            (WHOLE, f"sqlite:///{folder}/whole.db", "all"),
        ):
            if url:
                port = free_port()
                found[name] = await ours(standins, name, url, port, role), port
        if only:
            found = {
                name: pair for name, pair in found.items() if name == LIMIT or any(o in name for o in only.split(","))
            }
        # What the builds cost is work that goes on: beside the others it would be measured with them.
        busy = {name: found.pop(name) for name in (WHOLE,) if name in found}
        figures = await _contest(found, requests, soak)
        rows = [figures[name].row(name, figures[LIMIT]) for name in found]
        if busy:
            later = await _contest({LIMIT: found[LIMIT], **busy}, requests, 0)
            rows += [later[name].row(name, later[LIMIT]) for name in busy]
    shutil.rmtree(folder, ignore_errors=True)
    return Table("From a command to its acknowledgement over HTTP", rows, notes=missing, raw=figures)


async def _contest(
    found: dict[str, tuple[Server, int]], requests: Callable[[], Iterator[bytes]], soak: int
) -> dict[str, Figures]:
    figures = {name: Figures() for name in found}
    async with running([server for server, _ in found.values()]):
        for name, (server, port) in found.items():
            await server.until_answers(f"http://127.0.0.1:{port}/")
            await asyncio.sleep(0.3)
            figures[name].rss_start = server.rss_mib()
            figures[name].expected = (await all_it_takes(port, requests(), 0.7, expected=12_000)).per_second * 1.5
            figures[name].rss_warm = server.rss_mib()
        for number in range(ROUNDS):
            for name in found if number % 2 == 0 else reversed(found):
                await _round(*found[name], figures[name], requests)
        for number in range(min(ROUNDS, 3)):
            for name in found if number % 2 == 0 else reversed(found):
                rate = median(figures[name].per_second) / 2
                answers = await at_rate(found[name][1], requests(), rate, SECONDS)
                figures[name].p50.append(answers.milliseconds(0.50))
                figures[name].p99.append(answers.milliseconds(0.99))
                figures[name].refused += answers.refused
        for name, (server, port) in found.items():
            while name == OURS and figures[name].answered < soak:
                await _round(server, port, figures[name], requests)
            figures[name].rss_end = server.rss_mib()
    return figures


async def _round(server: Server, port: int, figures: Figures, requests: Callable[[], Iterator[bytes]]) -> None:
    before = server.cpu_seconds()
    answers = await all_it_takes(port, requests(), SECONDS, expected=int(figures.expected * SECONDS))
    figures.cpu_us.append((server.cpu_seconds() - before) / len(answers.seconds) * 1e6)
    figures.per_second.append(answers.per_second)
    figures.refused += answers.refused
    figures.answered += len(answers.seconds)


if __name__ == "__main__":
    import sys

    uvloop.run(measure_acks(only=sys.argv[1] if len(sys.argv) > 1 else None)).show()
