"""Load on an HTTP server: as much as it takes, or so much a second, timed from when a request was meant to be sent."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

CONNECTIONS = 32
HTTP_OK = b"200"


@dataclass
class Answers:
    """What came back: the time of each answer in seconds, and how many were not 200."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    lasted: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.lasted

    def milliseconds(self, share: float) -> float:
        """The time within which ``share`` of the answers came."""
        return quantile(self.seconds, share) * 1000


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class _Line(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, crowd: _Crowd) -> None:
        self._crowd = crowd
        self._began: float | None = None
        self._read = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]

    def ask(self, request: bytes, meant_at: float) -> None:
        assert self._transport is not None
        self._began = meant_at
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._read += data
        if not _is_whole(self._read) or self._began is None:
            return
        answers = self._crowd.answers
        answers.seconds.append(time.perf_counter() - self._began)
        answers.refused += self._read[9:12] != HTTP_OK
        must_close = b"connection: close" in self._read[:400].lower()
        self._read, self._began = b"", None
        if must_close:
            assert self._transport is not None
            self._transport.close()
        else:
            self._crowd.is_free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.is_gone(in_the_middle=self._began is not None)

    def hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _is_whole(answer: bytes) -> bool:
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = answer[:end].lower()
    at = head.find(b"content-length:")
    if at >= 0:
        return len(answer) >= end + 4 + int(head[at + 15 :].split(b"\r\n", 1)[0])
    return b"chunked" not in head or answer.endswith(b"0\r\n\r\n")


class _Crowd:
    """The connections to one server, and who of them waits for work."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.answers = Answers()
        self.free: deque[_Line] = deque()
        self.lines: list[_Line] = []
        self.waiting: deque[tuple[bytes, float]] = deque()
        self.requests: Iterator[bytes] | None = None
        self._is_over = False
        self._calls: set[asyncio.Task[None]] = set()

    async def open(self, connections: int) -> None:
        for _ in range(connections):
            await self._dial()

    async def _dial(self) -> None:
        _, line = await asyncio.get_running_loop().create_connection(lambda: _Line(self), "127.0.0.1", self._port)
        self.lines.append(line)
        self.is_free(line)

    def is_free(self, line: _Line) -> None:
        if self._is_over:
            return
        if self.waiting:
            line.ask(*self.waiting.popleft())
        elif self.requests is not None:
            line.ask(next(self.requests), time.perf_counter())
        else:
            self.free.append(line)

    def is_gone(self, *, in_the_middle: bool) -> None:
        """A server that closes after an answer (a thread of gunicorn may) is called again."""
        if not self._is_over:
            self.answers.refused += in_the_middle
            call = asyncio.ensure_future(self._dial())
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    def ask(self, request: bytes, meant_at: float) -> None:
        if self.free:
            self.free.popleft().ask(request, meant_at)
        else:
            self.waiting.append((request, meant_at))

    def close(self) -> None:
        self._is_over = True
        for line in self.lines:
            line.hang_up()


async def all_it_takes(port: int, requests: Iterator[bytes], seconds: float, *, expected: int = 6000) -> Answers:
    """As many as the server answers, ``CONNECTIONS`` at a time. ``expected`` are made before the clock runs."""
    made = list(itertools.islice(requests, expected))
    crowd = _Crowd(port)
    crowd.requests = itertools.chain(made, requests)
    began = time.perf_counter()
    await crowd.open(CONNECTIONS)
    await asyncio.sleep(seconds)
    crowd.answers.lasted = time.perf_counter() - began
    crowd.close()
    await asyncio.sleep(0.05)
    return crowd.answers


async def at_rate(port: int, requests: Iterator[bytes], rate: float, seconds: float) -> Answers:
    """Poisson arrivals, whether or not the server keeps up: an answer's time counts from when it was to be asked."""
    made = list(itertools.islice(requests, int(rate * seconds)))
    crowd, draw = _Crowd(port), random.Random(1)
    await crowd.open(2 * CONNECTIONS)
    began = due = time.perf_counter() + 0.05
    for request in made:
        if (left := due - time.perf_counter()) > 0:
            await asyncio.sleep(left)
        crowd.ask(request, due)
        due += draw.expovariate(rate)
    give_up = time.perf_counter() + 10
    while len(crowd.answers.seconds) < len(made) and time.perf_counter() < give_up:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    crowd.answers.lasted = time.perf_counter() - began
    crowd.close()
    await asyncio.sleep(0.05)
    return crowd.answers
