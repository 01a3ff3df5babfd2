"""Three replicas on a PostgreSQL of their own, between the practice servers; what breaks is broken here."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import signal
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from bot.sync.webhooks import PATH, secret_context
from bot.vault import Vault, parse_keys
from playground.bitrise import Workflow
from playground.bot_process import free_port
from playground.slack import Channel
from playground.slack.replies import cut
from storage import open_database
from storage import workspaces as workspace_rows
from tests.postgres_server import CUT_OTHERS, LocalServer
from tests.processes.scene import BotProcess, Gone, Scene

REPLICAS = 3
FEW_CHANNELS = 20
LASTING = ("fsync=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=200")
"""What was committed outlives a crash of the server, though not one of the machine."""
OPEN_WORK = (
    "select 'request', request_id, kind, state, branch, created_at from requests where state in ('accepted', 'sent')",
    "select 'message', outbox_id, kind, ordering_key, attempts, created_at from outbox",
    """
    select 'job', j.id, j.queue_name, j.lock, j.status, j.attempts, j.scheduled_at, j.args, w.last_heartbeat
    from procrastinate_jobs as j left join procrastinate_workers as w on w.id = j.worker_id
    where j.queue_name != 'sweep'
    """,
)


KILLED = "SIGKILL"
SLOWEST = timedelta(seconds=2)
STOPPED = {signal.SIGINT: "PostgreSQL stopped", signal.SIGQUIT: "PostgreSQL crashed"}
CONNECTIONS = "connections to PostgreSQL cut"
SOCKETS = ("socket cut", "sockets refreshed")


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that can lose an answer on its way or what was to be stored about it."""

    what: str
    began_at: datetime
    ended_at: datetime

    def covers(self, at: datetime, *, within: timedelta) -> bool:
        """Whether what was taken ``at`` may never have been stored. A slow call arrives after its sender's death."""
        after = SLOWEST if self.what.startswith(KILLED) else within
        return self.began_at - within <= at <= self.ended_at + after


class Stage(Scene):
    def __init__(self, folder: Path, server: LocalServer, *, seed: int, channels: int, socket_mode: bool) -> None:
        super().__init__(folder, socket_mode=socket_mode)
        if channels > FEW_CHANNELS:
            self.module = "tests.chaos.replica"
        self.server, self.random = server, random.Random(seed)
        self.settings |= {"database_url": f"{server.url}/postgres"}
        self.replicas: list[BotProcess | None] = [None] * REPLICAS
        self.ports = [free_port() for _ in range(REPLICAS)]
        self.port = self.ports[0]
        self.incidents: list[Incident] = []
        self.happened = Counter(dict.fromkeys([*STOPPED.values(), CONNECTIONS, *(SOCKETS if socket_mode else ())], 0))
        """How often each of the things below was done."""
        self._stops = itertools.cycle(self.random.sample(list(STOPPED), len(STOPPED)))
        self._count, self._turns = channels, itertools.count()
        self._restarting = asyncio.Lock()

    async def open(self) -> None:
        await super().open()
        self.slack.limits.enabled = False  # 429 comes as a fault; else ten thousand messages would take an hour
        await self.connect()
        if not self.socket_mode:
            self.slack.hooks.on("*", "before", self._balance)
            await self._have_bitrise_call()
        await asyncio.gather(*(self.start_replica(number) for number in range(REPLICAS)))

    def _furnish_slack(self) -> None:
        super()._furnish_slack()
        self.people = [self.slack.add_user(self.team, f"person-{number}") for number in range(8)]
        self.channels = [self._channel(number) for number in range(self._count)]

    def _channel(self, number: int) -> Channel:
        channel = self.slack.add_channel(self.team, f"builds-{number}", members=[self.ana, *self.people])
        self.slack.invite(channel, self.app.bot_user)
        return channel

    def _furnish_bitrise(self) -> None:
        super()._furnish_bitrise()
        at_once = timedelta(0)
        two = Workflow(timedelta(seconds=2), queue=at_once, boot=at_once, jitter=0.9)
        self.shop.workflows |= {
            "deploy": two,
            "test": replace(two, failure_rate=0.2),
            "endless": replace(two, duration=None),
        }

    async def _balance(self, facts: Mapping[str, Any]) -> None:
        """As a balancer does: the next replica that lives takes the next request."""
        if "payload" not in facts:
            return
        alive = [port for port, replica in zip(self.ports, self.replicas, strict=True) if replica] or self.ports
        self.app.request_url = f"http://127.0.0.1:{alive[next(self._turns) % len(alive)]}/slack/events"

    async def _have_bitrise_call(self) -> None:
        """The first replica hears of every start and end; while it is dead nobody does."""
        key = secret = "chaos" * 4
        sealed = Vault(parse_keys(self.key)).seal(secret, context=secret_context(self.team.id))
        database = await open_database(self.database_url)
        assert await database.transaction(
            lambda tx: workspace_rows.claim_key(tx, self.team.id, "webhook", key=key, sealed=sealed)
        )
        await database.close()
        self.bitrise.add_webhook(self.shop, f"{self.url}{PATH}/{key}", secret=secret)

    async def start_replica(self, number: int) -> None:
        """Until it is ready; a database that is away sends it home at once, as an orchestrator would see."""
        while True:
            process = await self.launch("run", port=str(self.ports[number]))
            try:
                await process.until_ready()
            except Gone:
                continue
            self.replicas[number] = process
            return

    # What breaks.

    def _note_incident(self, what: str, began_at: datetime) -> None:
        self.incidents.append(Incident(what, began_at, datetime.now(UTC)))
        self.happened[what] += 1

    async def kill(self, what: str) -> None:
        """SIGKILL one, and start it again."""
        await self.until(lambda: any(self.replicas), "a replica that lives")
        number = self.random.choice([number for number in range(REPLICAS) if self.replicas[number]])
        process, self.replicas[number] = self.replicas[number], None
        assert process is not None
        began_at = datetime.now(UTC)
        await process.kill()
        self._note_incident(what, began_at)
        await self.start_replica(number)

    async def restart_database(self) -> None:
        how = next(self._stops)
        async with self._restarting:
            began_at = datetime.now(UTC)
            await asyncio.to_thread(self.server.stop, how)
            await asyncio.to_thread(self.server.start)
            self._note_incident(STOPPED[how], began_at)

    async def cut_connections(self) -> None:
        began_at = datetime.now(UTC)
        try:
            await asyncio.to_thread(self._terminate_backends)
        except psycopg.OperationalError:
            return  # the server is away: they are cut
        self._note_incident(CONNECTIONS, began_at)

    def _terminate_backends(self) -> None:
        with psycopg.connect(self.settings["database_url"], autocommit=True) as connection:
            connection.execute(CUT_OTHERS)

    async def cut_socket(self) -> None:
        if connections := self.slack.sockets.of(self.app.app):
            cut(self.random.choice(connections).request)
            self.happened[SOCKETS[0]] += 1

    async def refresh_sockets(self) -> None:
        await self.slack.sockets.disconnect("warning")
        self.happened[SOCKETS[1]] += 1

    async def is_reachable(self) -> None:
        """Return once Slack has a connection to one of them. People look before they type again."""
        if self.socket_mode:
            await self.slack.sockets.connected(self.app.app)

    async def moves(self) -> None:
        """Return when one of the practice servers has answered a call again."""
        self._moved.clear()
        await self._moved.wait()

    def complaints(self) -> Counter[str]:
        """What the replicas have logged as a warning or an error, by its name."""
        lines = (line for process in self.processes for line in process.said if line.startswith("{"))
        entries = [json.loads(line) for line in lines if '"level": "info"' not in line]
        return Counter(f"{entry['level']}: {entry['event'].partition(':')[0]}" for entry in entries)

    def left(self) -> list[str]:
        """What is still open, by the tables: for whoever has to find out what went wrong."""
        try:
            with psycopg.connect(self.settings["database_url"], autocommit=True) as connection:
                return [str(row) for query in OPEN_WORK for row in connection.execute(query).fetchmany(20)]
        except psycopg.Error as error:
            return [f"the database does not tell: {error}", *self.server.said[-20:]]

    def story(self) -> str:
        return ""  # thousands of messages; the test prints the last ones
