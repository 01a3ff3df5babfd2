"""What goes wrong, and when: drawn from the seed, bound to how much has been asked for and not to the clock."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections.abc import Callable, Coroutine
from typing import Any

from playground.wire import Fault, Hooks, Phase
from tests.chaos.stage import Stage

Deed = Callable[[], Coroutine[Any, Any, None]]
SLACK = ("chat.postMessage", "chat.postMessage", "chat.update", "chat.postEphemeral", "views.open", "response_url")
BITRISE = ("builds.trigger", "builds.abort", "builds.list-all", "builds.list", "builds.get")
POINTS: tuple[tuple[str, str, Phase], ...] = (
    ("slack", "chat.postMessage", "accepted"),
    ("slack", "chat.postMessage", "answered"),
    ("slack", "/build", "answered"),
    ("bitrise", "builds.trigger", "before"),
    ("bitrise", "builds.trigger", "accepted"),
    ("bitrise", "builds.trigger", "answered"),
    ("bitrise", "builds.abort", "accepted"),
)
"""Where a kill hurts most. Which of the replicas made the call nobody knows: one in three is hit."""


class Trouble:
    """``size``: how much will be asked for; ``pass_to`` is told how much has been."""

    def __init__(self, stage: Stage, *, size: int, kills: int, restarts: int, seed: int) -> None:
        self._stage, self._random = stage, random.Random(seed)
        self._order = itertools.count()
        self._plan: list[tuple[float, int, Deed]] = []
        self._running: set[asyncio.Task[None]] = set()
        self._undo: list[Callable[[], None]] = []
        self.kills, self.restarts = kills, restarts
        self._draw(size)

    def _draw(self, size: int) -> None:
        stage = self._stage
        for number in range(self.kills):
            self._add(size, self._kill_somewhere if number % 2 else stage.kill)
        for deed, count in (
            (stage.restart_database, self.restarts),
            (stage.cut_connections, self.restarts * 2),
            (stage.cut_socket, self.restarts * 2),
            (stage.refresh_sockets, self.restarts),
            (self._slack_fault, size // 8),
            (self._bitrise_fault, size // 8),
        ):
            for _ in range(count):
                self._add(size, deed)

    def _add(self, size: int, deed: Deed) -> None:
        at = size * self._random.uniform(0.05, 0.95)
        heapq.heappush(self._plan, (at, next(self._order), deed))

    def pass_to(self, progress: int) -> None:
        """Let happen what is due. Raises what went wrong with what went wrong."""
        for task in self._running:
            if task.done():
                task.result()
        while self._plan and self._plan[0][0] <= progress:
            self._running.add(asyncio.create_task(heapq.heappop(self._plan)[2]()))

    async def end(self) -> None:
        """What has begun is gone through; from then on nothing goes wrong any more."""
        for undo in self._undo:
            undo()
        await asyncio.gather(*self._running)
        self._stage.slack.faults.clear()
        self._stage.bitrise.faults.clear()

    async def _kill_somewhere(self) -> None:
        side, name, phase = self._random.choice(POINTS)
        hooks = self._stage.slack.hooks if side == "slack" else self._stage.bitrise.hooks
        reached = asyncio.Event()
        self._once(hooks, name, phase, reached)
        await reached.wait()
        await self._stage.kill()

    def _once(self, hooks: Hooks, name: str, phase: Phase, reached: asyncio.Event) -> None:
        async def reach(facts: object) -> None:
            reached.set()

        hooks.on(name, phase, reach)
        self._undo.append(reached.set)

    async def _slack_fault(self) -> None:
        self._stage.slack.faults.add(self._fault(self._random.choice(SLACK)))

    async def _bitrise_fault(self) -> None:
        self._stage.bitrise.faults.add(self._fault(self._random.choice(BITRISE)))

    def _fault(self, name: str) -> Fault:
        draw = self._random
        return draw.choice(
            (
                Fault(name, "status", status=429, retry_after=1),
                Fault(name, "status", status=draw.choice((500, 502, 503))),
                Fault(name, "slow", delay=draw.uniform(0.2, 1.5)),
                Fault(name, "cut_before"),
                Fault(name, "cut_after"),
            )
        )
