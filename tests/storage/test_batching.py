"""Items submitted at the same time are processed together, and one that fails doesn't fail the others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from storage.batching import MAX_BATCH, Batcher


class Halves:
    """Halves each number once ``may_return`` is set; refuses odd ones."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.is_called, self.may_return = asyncio.Event(), asyncio.Event()

    async def process(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        self.is_called.set()
        await self.may_return.wait()
        if any(number % 2 for number in numbers):
            raise ValueError("odd")
        return [number // 2 for number in numbers]


async def test_items_submitted_during_a_batch_form_the_next_one() -> None:
    halves = Halves()
    batcher = Batcher(halves.process)
    first = asyncio.create_task(batcher.submit(2))
    await halves.is_called.wait()
    others = [asyncio.create_task(batcher.submit(number)) for number in (4, 6)]
    await asyncio.sleep(0)
    halves.may_return.set()
    assert await asyncio.gather(first, *others) == [1, 2, 3]
    assert halves.batches == [[2], [4, 6]]


async def test_items_already_on_the_event_loop_join_the_batch() -> None:
    halves = Halves()
    halves.may_return.set()
    batcher = Batcher(halves.process)

    async def submit_later(number: int) -> int:
        await asyncio.sleep(0)
        return await batcher.submit(number)

    assert list(await asyncio.gather(batcher.submit(2), submit_later(4))) == [1, 2]
    assert halves.batches == [[2, 4]]


async def test_a_batch_is_never_larger_than_fifty() -> None:
    halves = Halves()
    halves.may_return.set()
    batcher = Batcher(halves.process)
    numbers = range(0, 2 * (MAX_BATCH + 10), 2)
    assert await asyncio.gather(*map(batcher.submit, numbers)) == [number // 2 for number in numbers]
    assert [len(batch) for batch in halves.batches] == [MAX_BATCH, 10]
    assert MAX_BATCH == 50


async def test_one_that_fails_is_alone_with_it() -> None:
    halves = Halves()
    halves.may_return.set()
    batcher = Batcher(halves.process)
    results = await asyncio.gather(*map(batcher.submit, (2, 3, 4)), return_exceptions=True)
    assert (results[0], repr(results[1]), results[2]) == (1, "ValueError('odd')", 2)
    assert await batcher.submit(6) == 3


async def test_a_canceled_caller_holds_up_nobody() -> None:
    halves = Halves()
    batcher = Batcher(halves.process)
    canceled, stays = asyncio.create_task(batcher.submit(2)), asyncio.create_task(batcher.submit(4))
    await halves.is_called.wait()
    canceled.cancel()
    halves.may_return.set()
    assert await stays == 2
    with pytest.raises(asyncio.CancelledError):
        await canceled
