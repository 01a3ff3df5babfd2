"""Ending tasks: also one that drops a cancellation, as `asyncio.wait_for` does on Python 3.11."""

from __future__ import annotations

import asyncio

import pytest

from bot import tasks
from bot.tasks import Tasks, cancel_all


class Deaf:
    """A task's work that drops its first cancellations."""

    def __init__(self, dropped: int) -> None:
        self.cancellations, self._dropped = 0, dropped

    async def __call__(self) -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancellations += 1
                if self.cancellations > self._dropped:
                    raise


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "CANCEL_AGAIN_SECONDS", 0.01)


async def test_a_task_that_drops_a_cancellation_is_cancelled_again() -> None:
    good, deaf = Deaf(dropped=0), Deaf(dropped=2)
    running = [asyncio.create_task(good()), asyncio.create_task(deaf())]
    await asyncio.sleep(0)
    await cancel_all(running)
    assert [task.cancelled() for task in running] == [True, True]
    assert (good.cancellations, deaf.cancellations) == (1, 3)


async def test_nothing_to_cancel_is_no_error() -> None:
    await cancel_all([])


async def test_cancelling_waits_for_the_cleanup_of_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "CANCEL_AGAIN_SECONDS", 60)
    cleaned_up = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            cleaned_up.set()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await cancel_all([task])
    assert cleaned_up.is_set()


async def test_draining_ends_a_task_that_drops_a_cancellation() -> None:
    owner, deaf = Tasks(), Deaf(dropped=1)
    owner.spawn(deaf(), name="deaf")
    await owner.drain(within_seconds=0)
    assert deaf.cancellations == 2
