"""Count work in progress, so that servers and tests can wait until there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Busy:
    def __init__(self) -> None:
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def begin(self) -> None:
        self._count += 1
        self._idle.clear()

    def end(self) -> None:
        self._count -= 1
        if self._count == 0:
            self._idle.set()

    @contextmanager
    def doing(self) -> Iterator[None]:
        self.begin()
        try:
            yield
        finally:
            self.end()

    def __bool__(self) -> bool:
        return self._count > 0

    async def quiet(self) -> None:
        await self._idle.wait()
