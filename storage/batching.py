"""Request batching: items submitted while a batch is being processed form the next one, so they share a round trip."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
MAX_BATCH = 50


class Batcher(Generic[Item, Result]):
    """Pass submitted items to ``process`` in batches of up to `MAX_BATCH`; it returns as many results, in order.

    If a batch fails, each of its items is processed again on its own, so that one bad item doesn't fail the others.
    ``process`` has to be safe to repeat.
    """

    def __init__(self, process: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]]) -> None:
        self._process = process
        self._queue: list[tuple[Item, asyncio.Future[Result]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Return the result for ``item``. Raises what ``process`` raises for it alone."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.append((item, future))
        if self._worker is None:
            self._worker = asyncio.create_task(self._run(), name="batcher")
        return await future

    async def _run(self) -> None:
        batch: list[tuple[Item, asyncio.Future[Result]]] = []
        try:
            while self._queue:
                await self._wait_for_more()
                batch, self._queue = self._queue[:MAX_BATCH], self._queue[MAX_BATCH:]
                await self._process_batch(batch)
        finally:
            self._worker = None
            for _, future in (*batch, *self._queue):  # unless this task was canceled, none is pending
                future.cancel()

    async def _wait_for_more(self) -> None:
        """Yield to the event loop as long as that brings more items: on a busy loop they are already on their way."""
        size = 0
        while size < len(self._queue) < MAX_BATCH:
            size = len(self._queue)
            await asyncio.sleep(0)

    async def _process_batch(self, batch: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._process([item for item, _ in batch])
        except Exception as error:
            if len(batch) > 1:
                for entry in batch:
                    await self._process_batch([entry])
            elif not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():  # the caller may have been canceled
                future.set_result(result)
