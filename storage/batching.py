"""Questions that come while one is being answered are answered together: a round trip or a commit is paid once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")
MOST = 50


class Gathering(Generic[Q, A]):
    """``answer`` takes up to fifty questions and returns as many answers, in order.

    When it fails for several, each is asked again alone, so that one of them spoils nothing for the others: it must be
    harmless to ask twice.
    """

    def __init__(self, answer: Callable[[Sequence[Q]], Awaitable[Sequence[A]]]) -> None:
        self._answer = answer
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._work: asyncio.Task[None] | None = None

    async def ask(self, question: Q) -> A:
        """Raises what ``answer`` raises for this question alone."""
        answered: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answered))
        if self._work is None:
            self._work = asyncio.create_task(self._answer_all(), name="questions gathered")
        return await answered

    async def _answer_all(self) -> None:
        group: list[tuple[Q, asyncio.Future[A]]] = []
        try:
            while self._waiting:
                await self._until_nobody_else_comes()
                group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._answer_group(group)
        finally:
            self._work = None
            for _, answered in (*group, *self._waiting):  # none is open, unless this was cut off
                answered.cancel()

    async def _until_nobody_else_comes(self) -> None:
        """Let the loop read what has come in: on a busy one the next questions are on their way to us."""
        known = 0
        while known < len(self._waiting) < MOST:
            known = len(self._waiting)
            await asyncio.sleep(0)

    async def _answer_group(self, group: Sequence[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._answer([question for question, _ in group])
        except Exception as error:
            if len(group) > 1:
                for each in group:
                    await self._answer_group([each])
            elif not group[0][1].done():
                group[0][1].set_exception(error)
            return
        for (_, answered), answer in zip(group, answers, strict=True):
            if not answered.done():  # whoever asked may have gone
                answered.set_result(answer)
