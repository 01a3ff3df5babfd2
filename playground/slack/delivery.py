"""Deliver payloads to an app by Socket Mode or signed HTTP, and read its response.

https://docs.slack.dev/apis/events-api and https://docs.slack.dev/interactivity/handling-user-interaction
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from playground.slack.core import Core
from playground.slack.event_health import EventHealth
from playground.slack.outcome import Outcome
from playground.slack.signed_http import SignedPost
from playground.slack.sockets import Sockets
from playground.slack.world import JSON, Installation

Kind = Literal["slash_commands", "interactive", "events_api"]
TIMED_OUT = "operation_timeout"
FAILED = "dispatch_failed"


@dataclass(slots=True, eq=False)
class Delivery:
    """One payload and its response.

    ``error`` is Slack's message to the person (``operation_timeout``, ``dispatch_failed``, …), ``answer`` the body of
    the ack, ``errors`` the messages beside the inputs of a modal.
    """

    kind: Kind
    name: str
    app: Installation
    payload: JSON
    envelope_id: str
    ok: bool = False
    error: str | None = None
    answer: JSON | None = None
    errors: dict[str, str] = field(default_factory=dict)
    attempts: int = 0
    may_retry: bool = True
    """False if the app refused further attempts."""


class Courier:
    """Delivers payloads, and retries those without an ack."""

    def __init__(self, core: Core, sockets: Sockets, post: SignedPost) -> None:
        self._core = core
        self._sockets = sockets
        self._post = post
        self._health = EventHealth(core.limits)
        self._tasks: set[asyncio.Task[None]] = set()

    def prepare(self, kind: Kind, name: str, app: Installation, payload: JSON) -> Delivery:
        letters = self._core.world.letters
        envelope_id = "-".join(letters(count, "0123456789abcdef") for count in (8, 4, 4, 4, 12))
        return Delivery(kind, name, app, payload, envelope_id)

    async def deliver(self, delivery: Delivery, retry: tuple[int, str] | None = None) -> Delivery:
        """Deliver now, and schedule the retries that Slack makes."""
        with self._core.busy.doing():
            await self._core.hooks.fire(delivery.name, "before", payload=delivery.payload)
            outcome = await self._try(delivery, retry)
            self._settle(delivery, outcome)
            if delivery.kind == "events_api":
                self._health.count(delivery.app.app, self._core.clock.now(), ok=delivery.ok)
            self._note(delivery, retry)
            if delivery.ok:
                await self._core.hooks.fire(delivery.name, "answered", payload=delivery.payload)
        if not delivery.ok and retry is None and delivery.may_retry:
            self._retry_later(delivery, outcome.reason or "")
        return delivery

    def deliver_soon(self, delivery: Delivery) -> None:
        """Deliver in the background; `Busy` counts it from now on."""
        self._core.busy.begin()
        self._keep(asyncio.create_task(self._deliver_then_rest(delivery)))

    async def _deliver_then_rest(self, delivery: Delivery) -> None:
        try:
            await self.deliver(delivery)
        finally:
            self._core.busy.end()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _try(self, delivery: Delivery, retry: tuple[int, str] | None) -> Outcome:
        delivery.attempts += 1
        if delivery.app.app.socket_mode:
            return await self._by_socket(delivery, retry)
        return await self._post.deliver(delivery.kind, delivery.app, delivery.payload, retry)

    async def _by_socket(self, delivery: Delivery, retry: tuple[int, str] | None) -> Outcome:
        if not self._sockets.of(delivery.app.app):
            return Outcome(reason="connection_failed")
        number, reason = retry or (0, "")
        envelope = {
            "envelope_id": delivery.envelope_id,
            "type": delivery.kind,
            "payload": delivery.payload,
            "accepts_response_payload": delivery.kind != "events_api",
            "retry_attempt": number,
            "retry_reason": reason,
        }
        ack = await self._sockets.send(delivery.app.app, envelope, self._core.limits.ack_seconds)
        return Outcome(reason="timeout") if ack is None else Outcome(answer=ack.get("payload"))

    def _settle(self, delivery: Delivery, outcome: Outcome) -> None:
        delivery.ok = outcome.reason is None
        delivery.answer, delivery.may_retry = outcome.answer, outcome.retry
        timed_out = outcome.reason in ("timeout", "http_timeout")
        delivery.error = None if delivery.ok else TIMED_OUT if timed_out else FAILED

    def _retry_later(self, delivery: Delivery, reason: str) -> None:
        """Schedule a retry: for events always, for commands and interactions by socket only, as documented."""
        socket_mode = delivery.app.app.socket_mode
        if delivery.kind != "events_api" and not (socket_mode and reason == "timeout"):
            return
        waits = self._core.limits.socket_retries if socket_mode else self._core.limits.event_retries
        self._keep(asyncio.create_task(self._retry(delivery, reason, waits)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _retry(self, delivery: Delivery, reason: str, waits: tuple[float, ...]) -> None:
        """Retry a delivery. Its response is too late for the person and only counts in ``attempts``."""
        again = self.prepare(delivery.kind, delivery.name, delivery.app, delivery.payload)
        again.envelope_id = delivery.envelope_id
        for number, seconds in enumerate(waits, start=1):
            await self._core.clock.sleep_until(self._core.clock.now() + timedelta(seconds=seconds))
            if delivery.kind == "events_api" and not delivery.app.app.events_on:
                return
            delivery.attempts += 1
            await self.deliver(again, (number, reason))
            if again.ok or not again.may_retry:
                return

    def _note(self, delivery: Delivery, retry: tuple[int, str] | None) -> None:
        request: dict[str, Any] = {"payload": delivery.payload}
        if retry is not None:
            request["retry"] = retry
        response = {"ok": delivery.ok, "error": delivery.error, "answer": delivery.answer}
        by = "socket" if delivery.app.app.socket_mode else "http"
        self._core.note("out", by, delivery.name, request, response)
