"""What goes wrong, and when: drawn from the seed, bound to how much has been asked for and not to the clock."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from playground.wire import Phase
from tests.chaos.faults import ANSWERS, BITRISE_CALLS, DELIVERIES, SLACK_CALLS, WEBHOOKS, Door, Spoiler
from tests.chaos.stage import Stage

Deed = Callable[[], Coroutine[Any, Any, None]]
AT_ANY_TIME = "SIGKILL at any time"
OVERTAKEN = "Slack's delivery overtaken"
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
LATEST_POINT = 0.8
"""After so much of the work no kill waits for a point that nobody might get to any more."""
MOST_MOVES = 30
"""A delivery is not held back for longer than so many answers of the practice servers."""


class Trouble:
    """``size``: how much will be asked for; ``pass_to`` is told how much has been."""

    def __init__(self, stage: Stage, *, size: int, kills: int, restarts: int, seed: int) -> None:
        self._stage, self._random = stage, random.Random(seed)
        self._order = itertools.count()
        self._plan: list[tuple[float, int, Deed]] = []
        self._running: set[asyncio.Task[None]] = set()
        self._undo: list[Callable[[], None]] = []
        self._points = itertools.cycle(self._random.sample(POINTS, len(POINTS)))
        self._spoilers = [Spoiler(door, random.Random(self._random.random())) for door in self._doors()]
        self._to_hold = self._delivered = 0
        self.counts = Counter(dict.fromkeys([AT_ANY_TIME, *(told(*point) for point in POINTS), OVERTAKEN], 0))
        """How often each thing that can go wrong did so, once all is over; 0 for what never did."""
        self.kills, self.restarts = kills, restarts
        self._draw(size)
        stage.slack.hooks.on("*", "before", self._hold)

    def _doors(self) -> list[Door]:
        slack, bitrise = self._stage.slack, self._stage.bitrise
        doors = [
            Door("Slack", slack.faults, SLACK_CALLS, ANSWERS),
            Door("Bitrise", bitrise.faults, BITRISE_CALLS, ANSWERS),
        ]
        if not self._stage.socket_mode:
            doors.append(Door("Bitrise's webhook", bitrise.delivery_faults, WEBHOOKS, DELIVERIES))
        return doors

    def _draw(self, size: int) -> None:
        stage = self._stage
        for number in range(self.kills):
            if number % 2:
                self._add(size, self._kill_at_a_point, latest=LATEST_POINT)
            else:
                self._add(size, partial(stage.kill, AT_ANY_TIME))
        deeds: list[tuple[Deed, int]] = [
            (stage.restart_database, self.restarts),
            (stage.cut_connections, self.restarts * 2),
            (self._hold_next, max(3, size // 50)),
            *((spoiler.spoil, size // 8) for spoiler in self._spoilers),
        ]
        if stage.socket_mode:
            deeds += [(stage.cut_socket, self.restarts * 2), (stage.refresh_sockets, self.restarts)]
        for deed, count in deeds:
            for _ in range(count):
                self._add(size, deed)

    def _add(self, size: int, deed: Deed, *, latest: float = 0.95) -> None:
        at = size * self._random.uniform(0.05, latest)
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
        self._to_hold = 0
        self.counts.update(self._stage.happened)
        for spoiler in self._spoilers:
            self.counts.update(spoiler.struck())
        for faults in (self._stage.slack.faults, self._stage.bitrise.faults, self._stage.bitrise.delivery_faults):
            faults.clear()

    async def _kill_at_a_point(self) -> None:
        """When a call gets there; at the end of all if none ever does."""
        side, name, phase = next(self._points)
        hooks = self._stage.slack.hooks if side == "slack" else self._stage.bitrise.hooks
        reached: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def reach(facts: object) -> None:
            settle(told(side, name, phase))

        def settle(what: str) -> None:
            if not reached.done():
                reached.set_result(what)

        undo = hooks.on(name, phase, reach)
        self._undo.append(partial(settle, AT_ANY_TIME))
        what = await reached
        undo()
        await self._stage.kill(what)

    # Deliveries in another order.

    async def _hold_next(self) -> None:
        self._to_hold += 1

    async def _hold(self, facts: Mapping[str, Any]) -> None:
        """A delivery whose turn it is goes on when two that came later have passed, or nobody comes."""
        if "payload" not in facts:
            return
        self._delivered += 1
        if not self._to_hold:
            return
        self._to_hold -= 1
        mine = self._delivered
        for _ in range(MOST_MOVES):
            if self._delivered < mine + 2:
                await self._stage.moves()
        self.counts[OVERTAKEN] += self._delivered > mine


def told(side: str, name: str, phase: Phase) -> str:
    return f"SIGKILL at {name} {phase}"
