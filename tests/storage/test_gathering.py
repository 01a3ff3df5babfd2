"""What is asked at the same time is answered together; one that cannot be answered spoils nothing for the others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from storage.batching import MOST, Gathering


class Halves:
    """Answers with half of each number, once it may; refuses odd ones."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.begun, self.may = asyncio.Event(), asyncio.Event()

    async def answer(self, numbers: Sequence[int]) -> list[int]:
        self.groups.append(list(numbers))
        self.begun.set()
        await self.may.wait()
        if any(number % 2 for number in numbers):
            raise ValueError("odd")
        return [number // 2 for number in numbers]


async def test_who_comes_meanwhile_makes_the_next_group() -> None:
    halves = Halves()
    gathering = Gathering(halves.answer)
    first = asyncio.create_task(gathering.ask(2))
    await halves.begun.wait()
    others = [asyncio.create_task(gathering.ask(number)) for number in (4, 6)]
    await asyncio.sleep(0)
    halves.may.set()
    assert await asyncio.gather(first, *others) == [1, 2, 3]
    assert halves.groups == [[2], [4, 6]]


async def test_who_is_on_the_way_already_is_waited_for() -> None:
    halves = Halves()
    halves.may.set()
    gathering = Gathering(halves.answer)

    async def a_turn_later(number: int) -> int:
        await asyncio.sleep(0)
        return await gathering.ask(number)

    assert list(await asyncio.gather(gathering.ask(2), a_turn_later(4))) == [1, 2]
    assert halves.groups == [[2, 4]]


async def test_a_group_is_never_larger_than_fifty() -> None:
    halves = Halves()
    halves.may.set()
    gathering = Gathering(halves.answer)
    numbers = range(0, 2 * (MOST + 10), 2)
    assert await asyncio.gather(*map(gathering.ask, numbers)) == [number // 2 for number in numbers]
    assert [len(group) for group in halves.groups] == [MOST, 10]


async def test_one_that_cannot_be_answered_is_alone_with_it() -> None:
    halves = Halves()
    halves.may.set()
    gathering = Gathering(halves.answer)
    answers = await asyncio.gather(*map(gathering.ask, (2, 3, 4)), return_exceptions=True)
    assert (answers[0], repr(answers[1]), answers[2]) == (1, "ValueError('odd')", 2)
    assert await gathering.ask(6) == 3


async def test_who_has_gone_holds_up_nobody() -> None:
    halves = Halves()
    gathering = Gathering(halves.answer)
    gone, stays = asyncio.create_task(gathering.ask(2)), asyncio.create_task(gathering.ask(4))
    await halves.begun.wait()
    gone.cancel()
    halves.may.set()
    assert await stays == 2
    with pytest.raises(asyncio.CancelledError):
        await gone
