"""Push the changed parts of the page's state to every open window with server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from playground.page.state import PageState
from playground.page.wire import WireLog
from playground.slack.world import User
from playground.stage import Stage
from playground.wire import Phase

POLL_SECONDS = 0.25
"""Builds change state by the clock, without a call that could wake a window."""
KEEPALIVE_SECONDS = 10.0

PHASES: tuple[Phase, ...] = ("accepted", "answered")

JSON = dict[str, Any]


class Window:
    """One open window and the state it was sent last."""

    def __init__(self) -> None:
        self.called = asyncio.Event()
        self.wire_number = 0
        self._seen: dict[str, str] = {}

    def update(self, sections: Mapping[str, Any]) -> JSON:
        """Return the sections that changed since the last call; a removed one is null."""
        written = {name: json.dumps(value, default=str) for name, value in sections.items()}
        changed = {name: sections[name] for name, text in written.items() if self._seen.get(name) != text}
        gone = {name: None for name in self._seen if name not in written}
        self._seen = written
        return {**changed, **gone}


class LiveUpdates:
    def __init__(self, stage: Stage, state: PageState, wire: WireLog) -> None:
        self._stage, self._state, self._wire = stage, state, wire
        self._windows: set[Window] = set()
        self._unsubscribe: list[Callable[[], None]] = []
        self._ended = False

    def begin(self) -> None:
        """Wake the windows on every call that either practice server takes or answers."""
        for server in (self._stage.slack, self._stage.bitrise):
            self._unsubscribe += [server.hooks.on("*", phase, self._on_call) for phase in PHASES]

    def end(self) -> None:
        self._ended = True
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self.wake()

    def wake(self) -> None:
        for window in self._windows:
            window.called.set()

    def snapshot(self, person: User) -> JSON:
        """Return the whole state."""
        return {"now": self._now(), "sections": self._state.sections(person), "wire": self._wire.since(0)}

    async def serve(self, request: web.Request, person: User) -> web.StreamResponse:
        """Send updates until the window is closed or the page stops."""
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        window = Window()
        self._windows.add(window)
        with contextlib.suppress(ConnectionError):
            await self._send_updates(response, window, person)
        self._windows.discard(window)
        return response

    async def _send_updates(self, response: web.StreamResponse, window: Window, person: User) -> None:
        sent_at = asyncio.get_running_loop().time()
        while not self._ended:
            window.called.clear()
            update = self._next_update(window, person)
            now = asyncio.get_running_loop().time()
            if update is not None:
                await response.write(f"data: {json.dumps(update, default=str)}\n\n".encode())
                sent_at = now
            elif now - sent_at > KEEPALIVE_SECONDS:
                await response.write(b": still here\n\n")
                sent_at = now
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await window.called.wait()

    def _next_update(self, window: Window, person: User) -> JSON | None:
        sections, wire = window.update(self._state.sections(person)), self._wire.since(window.wire_number)
        if not sections and not wire:
            return None
        if wire:
            window.wire_number = wire[-1]["number"]
        return {"now": self._now(), "sections": sections, "wire": wire}

    def _now(self) -> int:
        return int(self._stage.clock.now().timestamp() * 1000)

    async def _on_call(self, facts: Mapping[str, Any]) -> None:
        self.wake()
