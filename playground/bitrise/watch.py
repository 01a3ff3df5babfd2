"""Looks at the floor when something falls due there, while anybody waits to hear of it.

Builds move when somebody looks, and whoever waits for a webhook does not look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from bot.clock import Clock


class FloorWatch:
    """Asleep until ``next_at()`` (None: nothing to wait for), then ``look()``, and so on; ``stir`` when it changed."""

    def __init__(self, clock: Clock, next_at: Callable[[], datetime | None], look: Callable[[], object]) -> None:
        self._clock, self._next_at, self._look = clock, next_at, look
        self._is_up = False
        self._until: datetime | None = None
        self._sleep: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._is_up = True
        self.stir()

    async def stop(self) -> None:
        self._is_up = False
        if self._sleep is not None:
            self._sleep.cancel()
            await asyncio.gather(self._sleep, return_exceptions=True)
        self._sleep = self._until = None

    def stir(self) -> None:
        at = self._next_at() if self._is_up else None
        if at is None or (self._until is not None and self._until <= at):
            return
        if self._sleep is not None:
            self._sleep.cancel()
        self._until, self._sleep = at, asyncio.get_running_loop().create_task(self._wait(at))

    async def _wait(self, at: datetime | None) -> None:
        """Falls asleep again in the same breath, so that a clock that stands knows at once when to wake it."""
        while at is not None:
            self._until = at
            await self._clock.sleep_until(at)
            self._until = datetime.min.replace(tzinfo=UTC)  # awake: what changes meanwhile is seen below
            self._look()
            at = self._next_at()
        self._until = None
