"""Work that goes on after an answer was given and may be lost with the process: each task has this owner."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from contextvars import Context
from typing import Any

log = logging.getLogger(__name__)
CANCEL_AGAIN_SECONDS = 2.5
"""Longer than the cleanup of a cancelled task may take, shorter than the grace that a shutdown has left."""


async def cancel_all(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended.

    On Python 3.11 `asyncio.wait_for`, which psycopg's pool and Slack's client use, drops a cancellation that arrives
    together with its result (https://github.com/python/cpython/issues/86296). A task that goes on is cancelled again.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)


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
            await cancel_all(self._running)

    async def settled(self) -> None:
        while self._running:
            await asyncio.wait(self._running)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a task broke", extra={"task": task.get_name()}, exc_info=error)
