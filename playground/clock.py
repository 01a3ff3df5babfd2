"""Clocks for practice: one that runs faster than real time, one that a test moves."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta


class ScaledClock:
    """Runs ``speed`` times as fast as the wall clock, from now on. The speed may change."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._since = time.monotonic()
        self._origin = datetime.now(UTC)

    @property
    def speed(self) -> float:
        return self._speed

    def set_speed(self, speed: float) -> None:
        self._origin, self._since, self._speed = self.now(), time.monotonic(), speed

    def now(self) -> datetime:
        return self._origin + timedelta(seconds=(time.monotonic() - self._since) * self._speed)

    async def sleep_until(self, at: datetime) -> None:
        # In slices, because the speed may change meanwhile.
        while (left := (at - self.now()).total_seconds()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left / self._speed, 0.25))


class SteppedClock:
    """Stands still until `move_to`, which wakes the sleepers in the order of their times."""

    def __init__(self, start: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def next_waking(self) -> datetime | None:
        """Return the time of the next sleeper, or None."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def move_to(self, at: datetime) -> None:
        """Set the time forward and wake every sleeper that is due."""
        self._now = max(self._now, at)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            sleeper = heapq.heappop(self._sleepers)[2]
            if not sleeper.done():
                sleeper.set_result(None)

    def set_back(self, by: timedelta) -> None:
        """Set the time back, as a person or a time server may do. Sleepers wait for their time all the same."""
        self._now -= by

    async def sleep_until(self, at: datetime) -> None:
        if at <= self._now:
            return
        sleeper = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (at, next(self._order), sleeper))
        await sleeper
