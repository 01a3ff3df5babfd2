"""Socket Mode: envelopes acknowledged a second and how long one waits, beside a bare connection and Bolt's own.

``python -m tests.benchmarks.envelopes``. The stand-in Slack opens the connections, sends and takes the time.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from statistics import median

import uvloop

from playground.bot_process import free_port
from tests.benchmarks.acks import ROUNDS, SECONDS, javascript, javascript_environment
from tests.benchmarks.contest import PEERS, Figures, Server, python, running
from tests.benchmarks.furnish import environment, furnish
from tests.benchmarks.pressure import quantile
from tests.benchmarks.standins import Link, StandIns
from tests.benchmarks.tables import Table
from tests.benchmarks.wire import NUMBERS, slash_fields

WINDOW = 64
LIMIT = "bare WebSocket that only acks"
OURS = "Buildbell, SQLite"


async def measure_envelopes() -> Table:
    folder = tempfile.mkdtemp(prefix="buildbell-bench-")
    async with StandIns().open() as standins:
        url = f"sqlite:///{folder}/envelopes.db"
        await furnish(url)
        peer = "tests.benchmarks.peers.envelopes"
        given = environment(standins, "ours", url, free_port(), slack_app_token="xapp-1")
        servers = {
            LIMIT: ("bare", Server(LIMIT, python(peer, "bare", standins.slack_url("bare")))),
            "Bolt tuned, only acks": ("tuned", Server("tuned", python(peer, "tuned", standins.slack_url("tuned")))),
            "Bolt as documented, only acks": (
                "documented", Server("documented", python(peer, "documented", standins.slack_url("documented"))),
            ),
            OURS: ("ours", Server(OURS, python("tests.benchmarks.peers.ours", "web"), given)),
        }  # fmt: skip
        notes = []
        if shutil.which("node") and (PEERS / "node_modules" / "@slack" / "bolt").is_dir():
            script = Server("js", javascript("socket"), javascript_environment(standins.slack_url("js")))
            servers["Bolt for JavaScript, only acks"] = "js", script
        else:
            notes.append("Bolt for JavaScript: Node or @slack/bolt is not there")
        figures = await _contest(standins, servers)
    shutil.rmtree(folder, ignore_errors=True)
    rows = [figures[name].row(name, figures[LIMIT]) for name in servers]
    return Table("Socket Mode: from an envelope to its acknowledgement", rows, notes=notes, raw=figures)


async def _contest(standins: StandIns, servers: dict[str, tuple[str, Server]]) -> dict[str, Figures]:
    figures = {name: Figures() for name in servers}
    async with running([server for _, server in servers.values()]):
        for name, (short, server) in servers.items():
            while not standins.links.get(short):  # noqa: ASYNC110  # another process sets no event here
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.3)
            figures[name].rss_start = server.rss_mib()
            await _as_many(standins.links[short][0], 0.5)
        for number in range(ROUNDS):
            for name in servers if number % 2 == 0 else reversed(servers):
                short, server = servers[name]
                before = server.cpu_seconds()
                count, lasted = await _as_many(standins.links[short][0], SECONDS)
                figures[name].cpu_us.append((server.cpu_seconds() - before) / count * 1e6)
                figures[name].per_second.append(count / lasted)
        for name, (short, server) in servers.items():
            for _ in range(min(ROUNDS, 3)):
                seconds = await _paced(standins.links[short][0], median(figures[name].per_second) / 2)
                figures[name].p50.append(quantile(seconds, 0.5) * 1000)
                figures[name].p99.append(quantile(seconds, 0.99) * 1000)
            figures[name].refused = len(standins.links[short][0].sent)
            figures[name].rss_end = server.rss_mib()
    return figures


async def _as_many(link: Link, seconds: float) -> tuple[int, float]:
    """Keep `WINDOW` envelopes unacknowledged."""
    link.seconds.clear()
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        while len(link.sent) >= WINDOW:
            link.room.clear()
            await link.room.wait()
        await _send(link, time.perf_counter())
    await _drained(link)
    return len(link.seconds), time.perf_counter() - began


async def _paced(link: Link, rate: float) -> list[float]:
    link.seconds.clear()
    began = due = time.perf_counter()
    while due < began + SECONDS:
        if (left := due - time.perf_counter()) > 0:
            await asyncio.sleep(left)
        await _send(link, due)
        due += random.expovariate(rate)
    await _drained(link)
    return list(link.seconds)


async def _send(link: Link, meant_at: float) -> None:
    number = next(NUMBERS)
    await link.send("slash_commands", slash_fields(number), number, meant_at)


async def _drained(link: Link, *, now: Callable[[], float] = time.perf_counter) -> None:
    give_up = now() + 10
    while link.sent and now() < give_up:  # noqa: ASYNC110
        await asyncio.sleep(0.002)


if __name__ == "__main__":
    uvloop.run(measure_envelopes()).show()
