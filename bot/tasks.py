"""Background tasks that outlive the request that started them and may be lost with the process."""

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
    """Own background tasks: log failures, and wait for the rest at shutdown."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        task = asyncio.create_task(work, name=name, context=Context())  # without the request's database timeout
        self._running.add(task)
        task.add_done_callback(self._on_done)

    async def drain(self, *, within_seconds: float) -> None:
        """Wait for all tasks, new ones included; cancel those that take longer."""
        try:
            async with asyncio.timeout(within_seconds):
                await self.wait_idle()
        except TimeoutError:
            await cancel_all(self._running)

    async def wait_idle(self) -> None:
        while self._running:
            await asyncio.wait(self._running)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a task failed", extra={"task": task.get_name()}, exc_info=error)
