"""Answers and deliveries that are spoilt, Slack's and Bitrise's. Every kind comes in its turn, and is counted."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from playground.wire import Fault, Faults

Draw = Callable[[str, random.Random], Fault]

SLACK_CALLS = ("chat.postMessage", "chat.postMessage", "chat.update", "response_url", "views.open")
BITRISE_CALLS = ("builds.trigger", "builds.abort", "builds.list-all", "builds.list", "builds.get")
WEBHOOKS = ("build/triggered", "build/finished")
ANSWERS: Mapping[str, Draw] = {
    "429": lambda name, draw: Fault(name, "status", status=429, retry_after=1),
    "5xx": lambda name, draw: Fault(name, "status", status=draw.choice((500, 502, 503))),
    "slow": lambda name, draw: Fault(name, "slow", delay=draw.uniform(0.2, 1.5)),
    "cut before it took the call": lambda name, draw: Fault(name, "cut_before"),
    "cut after it took the call": lambda name, draw: Fault(name, "cut_after"),
}
DELIVERIES: Mapping[str, Draw] = {
    "lost": lambda name, draw: Fault(name, "lost"),
    "delivered twice": lambda name, draw: Fault(name, "twice", delay=draw.uniform(0.0, 2.0)),
    "overtaken": lambda name, draw: Fault(name, "late", delay=draw.uniform(0.5, 3.0)),
}


@dataclass(frozen=True, slots=True)
class Door:
    """Where something is spoilt: whose answers or deliveries, which of them, and how."""

    whose: str
    faults: Faults
    names: tuple[str, ...]
    kinds: Mapping[str, Draw]


class Spoiler:
    def __init__(self, door: Door, draw: random.Random) -> None:
        self._door, self._draw = door, draw
        self._turns = self._take_turns()
        self._added: list[tuple[str, Fault]] = []

    def _take_turns(self) -> Iterator[str]:
        """Kinds, none twice before all have come."""
        while True:
            yield from self._draw.sample(list(self._door.kinds), len(self._door.kinds))

    async def spoil(self) -> None:
        """One of the next calls goes wrong."""
        kind, name = next(self._turns), self._draw.choice(self._door.names)
        fault = self._door.kinds[kind](name, self._draw)
        self._added.append((kind, fault))
        self._door.faults.add(fault)

    def struck(self) -> Counter[str]:
        """How many of each kind have met a call; 0 where none has."""
        waiting = {id(fault) for fault in self._door.faults}
        counted = Counter({f"{self._door.whose} {kind}": 0 for kind in self._door.kinds})
        counted.update(f"{self._door.whose} {kind}" for kind, fault in self._added if id(fault) not in waiting)
        return counted
