"""Live windows: each hears, by server-sent events, the parts of its world that have changed since it last heard."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from playground.page_shown import Shown
from playground.page_wire import Wire
from playground.slack.world import User
from playground.stage import Stage
from playground.wire import Phase

LOOK_SECONDS = 0.25
"""Builds move by the clock and tell nobody, so one also looks without being called."""
ALIVE_SECONDS = 10.0

PHASES: tuple[Phase, ...] = ("accepted", "answered")

JSON = dict[str, Any]


class Window:
    """What one window has heard."""

    def __init__(self) -> None:
        self.called = asyncio.Event()
        self.wire_number = 0
        self._heard: dict[str, str] = {}

    def news(self, sections: Mapping[str, Any]) -> JSON:
        """The sections that read otherwise than last time; one that is gone is null."""
        written = {name: json.dumps(value, default=str) for name, value in sections.items()}
        changed = {name: sections[name] for name, text in written.items() if self._heard.get(name) != text}
        gone = {name: None for name in self._heard if name not in written}
        self._heard = written
        return {**changed, **gone}


class Live:
    def __init__(self, stage: Stage, shown: Shown, wire: Wire) -> None:
        self._stage, self._shown, self._wire = stage, shown, wire
        self._windows: set[Window] = set()
        self._undo: list[Callable[[], None]] = []
        self._ended = False

    def begin(self) -> None:
        """Be called whenever a call at either server has had its effect or is answered."""
        for server in (self._stage.slack, self._stage.bitrise):
            self._undo += [server.hooks.on("*", phase, self._heard) for phase in PHASES]

    def end(self) -> None:
        self._ended = True
        for undo in self._undo:
            undo()
        self.wake()

    def wake(self) -> None:
        for window in self._windows:
            window.called.set()

    def snapshot(self, person: User) -> JSON:
        """All of it at once."""
        return {"now": self._now(), "sections": self._shown.sections(person), "wire": self._wire.since(0)}

    async def serve(self, request: web.Request, person: User) -> web.StreamResponse:
        """Until the window is closed or the page stops."""
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        window = Window()
        self._windows.add(window)
        with contextlib.suppress(ConnectionError):
            await self._tell(response, window, person)
        self._windows.discard(window)
        return response

    async def _tell(self, response: web.StreamResponse, window: Window, person: User) -> None:
        told_at = asyncio.get_running_loop().time()
        while not self._ended:
            window.called.clear()
            news = self._news(window, person)
            now = asyncio.get_running_loop().time()
            if news is not None:
                await response.write(f"data: {json.dumps(news, default=str)}\n\n".encode())
                told_at = now
            elif now - told_at > ALIVE_SECONDS:
                await response.write(b": still here\n\n")
                told_at = now
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(window.called.wait(), LOOK_SECONDS)

    def _news(self, window: Window, person: User) -> JSON | None:
        sections, wire = window.news(self._shown.sections(person)), self._wire.since(window.wire_number)
        if not sections and not wire:
            return None
        if wire:
            window.wire_number = wire[-1]["number"]
        return {"now": self._now(), "sections": sections, "wire": wire}

    def _now(self) -> int:
        return int(self._stage.clock.now().timestamp() * 1000)

    async def _heard(self, facts: Mapping[str, Any]) -> None:
        self.wake()
