"""From a webhook of Bitrise's to the call that tells Slack; Buildbell asks Bitrise in between what is true.

``python -m tests.benchmarks.webhooks``. One a while, because Bitrise is asked every two seconds at most.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import uvloop

from bot.bitrise.webhook import SECRET_HEADER
from bot.sync.webhooks import PATH, secret_context
from bot.sync_schedule import MIN_PAUSE
from bot.vault import Vault, parse_keys
from playground.bot_process import free_port
from storage import Transaction, open_database
from storage import subscriptions as subscription_rows
from storage import workspaces as workspace_rows
from storage.subscriptions import SubscriptionRow
from tests.benchmarks.contest import Server, python, running
from tests.benchmarks.furnish import KEY, environment, furnish
from tests.benchmarks.pressure import quantile
from tests.benchmarks.standins import SHOP, StandIns, ended
from tests.benchmarks.tables import Table
from tests.benchmarks.wire import CHANNEL, TEAM

SECRET, DOOR = "a-secret-of-the-webhooks", "d00rd00rd00r"
WEBHOOKS = 15
LIMIT, OURS = "raw aiohttp that believes the webhook", "Buildbell, SQLite"


async def measure_webhooks() -> Table:
    folder = Path(tempfile.mkdtemp(prefix="buildbell-bench-"))
    async with StandIns().open() as standins:
        url, ports = f"sqlite:///{folder}/webhooks.db", (free_port(), free_port())
        await _subscribe(url)
        relay = python("tests.benchmarks.peers.relay", str(ports[0]), standins.slack_url("relay"), SECRET)
        given = environment(standins, "ours", url, ports[1], idle_sweep_seconds="86400")
        servers = {
            LIMIT: ("relay", ports[0], Server(LIMIT, relay)),
            OURS: ("ours", ports[1], Server(OURS, python("tests.benchmarks.peers.ours", "all"), given)),
        }
        async with running([server for _, _, server in servers.values()]):
            for _, port, server in servers.values():
                await server.until_answers(f"http://127.0.0.1:{port}/readyz")
            rows = [{"": name} | await _told(standins, *found) for name, found in servers.items()]
    shutil.rmtree(folder, ignore_errors=True)
    return Table("From Bitrise's webhook to the message in Slack", rows, raw=rows)


async def _subscribe(url: str) -> None:
    """A workspace with a door for webhooks, and a channel that hears of everything."""
    await furnish(url)
    database = await open_database(url)
    sealed = Vault(parse_keys(KEY)).seal(SECRET, context=secret_context(TEAM))
    row = SubscriptionRow("s1", TEAM, CHANNEL, None, {}, "line", False, "U1", datetime.now(UTC))

    async def keep(tx: Transaction) -> None:
        await workspace_rows.claim_key(tx, TEAM, "webhook", key=DOOR, sealed=sealed)
        await subscription_rows.save_subscription(tx, row)

    await database.transaction(keep)
    await database.close()


async def _told(standins: StandIns, short: str, port: int, server: Server) -> dict[str, str]:
    """How long each of some webhooks took, and what it cost."""
    seconds: list[float] = []
    await asyncio.sleep(2 * MIN_PAUSE.total_seconds())
    before = server.cpu_seconds()
    async with aiohttp.ClientSession() as session:
        for _ in range(WEBHOOKS):
            number = next(standins.numbers)
            standins.triggered.appendleft(ended(number))
            heard = standins.calls[f"{short} chat.postMessage"]
            sent_at = time.time()
            await _call(session, f"http://127.0.0.1:{port}{PATH}/{DOOR}", number)
            seconds.append(await _until_told(standins, f"{short} chat.postMessage", heard) - sent_at)
            await asyncio.sleep(MIN_PAUSE.total_seconds() + 0.5)
    spent = server.cpu_seconds() - before
    return {
        "p50 ms": f"{quantile(seconds, 0.5) * 1000:.1f}",
        "slowest ms": f"{max(seconds) * 1000:.1f}",
        "CPU ms each": f"{spent / WEBHOOKS * 1000:.1f}",
    }


async def _call(session: aiohttp.ClientSession, url: str, number: int) -> None:
    body = json.dumps({"app_slug": SHOP, "build_slug": f"{number:016x}", "build_number": number, "build_status": 1})
    headers = {SECRET_HEADER: SECRET, "Bitrise-Event-Type": "build/finished", "Content-Type": "application/json"}
    async with session.post(url, data=body, headers=headers) as response:
        assert response.status == 204, response.status


async def _until_told(standins: StandIns, name: str, heard: int) -> float:
    give_up = time.time() + 30
    while time.time() < give_up:
        if standins.calls[name] > heard:
            return standins.called_at[name][heard]
        await asyncio.sleep(0.0005)
    raise RuntimeError("nobody told Slack")


if __name__ == "__main__":
    uvloop.run(measure_webhooks()).show()
