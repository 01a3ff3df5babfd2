"""Move builds at their scheduled times while webhooks are registered.

Without webhooks, builds move at the next call that reads them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from bot.clock import Clock


class Scheduler:
    """Sleeps until ``next_at()`` (None: forever), then calls ``look()``, in a loop; `stir` when the time changed."""

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
        """Sleep again without a pause, so that a stopped clock knows the next time at once."""
        while at is not None:
            self._until = at
            await self._clock.sleep_until(at)
            self._until = datetime.min.replace(tzinfo=UTC)  # awake: a change meanwhile is handled below
            self._look()
            at = self._next_at()
        self._until = None
