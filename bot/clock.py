"""What time it is. Everything that waits or dates a row asks a clock, so that a day can pass in a test at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells and awaits time. Every datetime is aware and in UTC."""

    def now(self) -> datetime: ...

    async def sleep_until(self, at: datetime) -> None:
        """Return once ``now() >= at``; at once when that is already so."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep_until(self, at: datetime) -> None:
        await asyncio.sleep(max(0.0, (at - self.now()).total_seconds()))
