"""Work that goes on after an answer was given and may be lost with the process: each task has this owner."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextvars import Context
from typing import Any

log = logging.getLogger(__name__)


class Tasks:
    """Keeps what it started, logs what broke, and waits for the rest at shutdown."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        task = asyncio.create_task(work, name=name, context=Context())  # not in the hurry of whoever began it
        self._running.add(task)
        task.add_done_callback(self._ended)

    async def drain(self, *, within_seconds: float) -> None:
        """Let everything finish, new tasks included; cancel what takes longer."""
        try:
            async with asyncio.timeout(within_seconds):
                await self.settled()
        except TimeoutError:
            late = list(self._running)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def settled(self) -> None:
        while self._running:
            await asyncio.wait(self._running)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a task broke", extra={"task": task.get_name()}, exc_info=error)
