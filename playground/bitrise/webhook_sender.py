"""Send outgoing webhooks over HTTP: one attempt each, in order for each webhook, all recorded.

``faults`` lets them fail. A fault's name is a glob over the event (``build/finished``), ``where`` may name ``app`` and
``build`` by slug, and the kinds are ``lost`` (never arrives; recorded without a response), ``twice`` (arrives two
times) and ``late`` (later ones overtake it). ``delay`` holds back a late one, or the second of two, in seconds of the
practice clock, unlike in the faults of calls.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp

from bot.clock import Clock
from playground.bitrise.ids import Ids
from playground.bitrise.webhooks import Delivery, PendingDelivery
from playground.busy import Busy
from playground.wire import Entry, Fault, Faults, Journal

KINDS = frozenset({"lost", "twice", "late"})
TIMEOUT_SECONDS = 10.0
LARGEST_ANSWER = 64 * 1024
LEAST_TO_HIDE = 8
"""Hiding shorter secrets would turn half of a journal into stars."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response; ``status`` is None if there was none, and ``text`` says why."""

    status: int | None = None
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class WebhookSender:
    """Sends webhooks between `start` and `stop`; ``busy`` counts unfinished deliveries."""

    def __init__(self, clock: Clock, journal: Journal, busy: Busy, names: Ids) -> None:
        self.faults = Faults(KINDS)
        self._clock, self._journal, self._busy, self._names = clock, journal, busy, names
        self._session: aiohttp.ClientSession | None = None
        self._on_the_way: set[asyncio.Task[None]] = set()
        self._held_back: set[asyncio.Task[None]] = set()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def start(self) -> None:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())

    async def stop(self) -> None:
        """Finish started deliveries and drop the delayed ones."""
        for task in self._held_back:
            task.cancel()
        await asyncio.gather(*self._held_back, *self._on_the_way, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def post(self, pending: PendingDelivery) -> None:
        if self._session is None:
            return
        facts = {"app": pending.hook.app.slug, "build": pending.build_slug}
        fault = self.faults.take(pending.event, **facts)
        match fault.kind if fault else "":
            case "lost":
                self._record(pending, pending.headers(), Reply(text="lost on the way"), 0.0, fault)
            case "late":
                self._send_later(pending, fault)
            case "twice":
                self._send(pending)
                self._send_later(pending, fault)
            case _:
                self._send(pending)

    def _send(self, pending: PendingDelivery, fault: Fault | None = None) -> None:
        self._busy.begin()
        self._keep(self._on_the_way, self._carry(pending, fault))

    def _send_later(self, pending: PendingDelivery, fault: Fault | None) -> None:
        if fault is not None and fault.delay:
            self._keep(self._held_back, self._hold_back(pending, fault))
        else:
            self._send(pending, fault)

    @staticmethod
    def _keep(among: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        among.add(task)
        task.add_done_callback(among.discard)

    async def _hold_back(self, pending: PendingDelivery, fault: Fault) -> None:
        await self._clock.sleep_until(self._clock.now() + timedelta(seconds=fault.delay))
        self._send(pending, fault)

    async def _carry(self, pending: PendingDelivery, fault: Fault | None) -> None:
        try:
            async with self._turns[pending.hook.slug]:
                headers, began = pending.headers(), time.monotonic()
                reply = await self._knock(pending, headers)
                self._record(pending, headers, reply, time.monotonic() - began, fault)
        finally:
            self._busy.end()

    async def _knock(self, pending: PendingDelivery, headers: Mapping[str, str]) -> Reply:
        assert self._session is not None
        try:
            async with self._session.post(
                pending.hook.url, data=pending.body, headers=headers, allow_redirects=False
            ) as answer:
                text = (await answer.content.read(LARGEST_ANSWER)).decode(errors="replace")
                return Reply(answer.status, text, dict(answer.headers))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return Reply(text=type(error).__name__)

    def _record(
        self, pending: PendingDelivery, headers: Mapping[str, str], reply: Reply, seconds: float, fault: Fault | None
    ) -> None:
        """Record an attempt at the webhook, as Bitrise does, and in the journal with secrets as stars."""
        at, hook = self._clock.now(), pending.hook
        hook.deliveries.append(
            Delivery(self._names.ulid(), at, pending, headers, reply.status, reply.headers, reply.text, round(seconds))
        )
        for secret in (hook.secret, *hook.headers.values()):
            if len(secret) >= LEAST_TO_HIDE:
                self._journal.hide(secret)
        self._journal.add(Entry(at, "out", "http", "webhooks.deliver", posted(pending, headers), replied(reply, fault)))


def posted(pending: PendingDelivery, headers: Mapping[str, str]) -> dict[str, Any]:
    low = {key.lower(): value for key, value in headers.items()}
    return {"method": "POST", "path": pending.hook.url, "headers": low, "body": json.loads(pending.body)}


def replied(reply: Reply, fault: Fault | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"error": reply.text}
    if reply.status is not None:
        entry = {"status": reply.status, "headers": dict(reply.headers), "body": reply.text}
    return entry | ({"fault": fault.kind} if fault else {})
