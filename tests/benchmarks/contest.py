"""Servers side by side: all up at once, each on the one core, visited in turns; what counts are medians and ratios."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.request import urlopen

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv" / "peers"
SERVER_CPU, LOAD_CPU = 0, 1
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Server:
    """A process of its own on the servers' core."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    ready_seconds: float = 0.0

    def start(self) -> None:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("BUILDBELL_", "PYTHONDONT")) and not name.lower().endswith("_proxy")
        }  # an installed program has its bytecode; without it a quarter of a second goes into compiling ours
        environment |= {"PYTHONPATH": str(ROOT), **self.environment}
        log = Path(tempfile.gettempdir()) / f"buildbell-bench-{os.getpid()}.log"
        with log.open("ab") as words:
            self.process = subprocess.Popen(
                ["taskset", "-c", str(SERVER_CPU), *self.command],
                env=environment, cwd=tempfile.gettempdir(), stdout=words, stderr=words, start_new_session=True,
            )  # fmt: skip

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGTERM)  # its own session: gunicorn has children
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _family(self) -> list[int]:
        assert self.process is not None
        found = [self.process.pid]
        for pid in found:
            for thread in Path(f"/proc/{pid}/task").glob("*/children"):
                with contextlib.suppress(OSError):
                    found += map(int, thread.read_text().split())
        return found

    def cpu_seconds(self) -> float:
        """What it and its children have used of the processor."""
        spent = 0
        for pid in self._family():
            with contextlib.suppress(OSError):
                after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                spent += int(after_name[11]) + int(after_name[12])
        return spent / TICKS

    def rss_mib(self) -> float:
        pages = 0
        for pid in self._family():
            with contextlib.suppress(OSError):
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * PAGE / 2**20

    async def until_answers(self, url: str, *, seconds: float = 30) -> None:
        """Return once it speaks HTTP, whatever it says."""
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            if not self.is_up:
                raise RuntimeError(f"{self.name} ended at once")
            if await asyncio.to_thread(_answers, url):
                self.ready_seconds = time.perf_counter() - began
                return
            await asyncio.sleep(0.01)
        raise RuntimeError(f"{self.name} does not answer")


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2):
            return True
    except OSError as error:
        return hasattr(error, "code") and error.code != 503  # an HTTPError is an answer


@dataclass
class Figures:
    """What was measured of one server, round by round."""

    per_second: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    refused: int = 0
    rss_start: float = 0.0
    rss_warm: float = 0.0
    rss_end: float = 0.0
    answered: int = 0
    expected: float = 0.0

    def row(self, name: str, limit: Figures) -> dict[str, str]:
        return {
            "": name,
            "per second": f"{median(self.per_second):,.0f}",
            "of the limit": f"{median(self.per_second) / median(limit.per_second):.2f}",
            "by CPU": f"{median(limit.cpu_us) / median(self.cpu_us):.2f}",
            "CPU µs": f"{median(self.cpu_us):.0f}",
            "p50 ms": f"{median(self.p50):.1f}" if self.p50 else "",
            "p99 ms": f"{median(self.p99):.1f}" if self.p99 else "",
            "MiB at rest": f"{self.rss_start:.0f}",
            "MiB after": f"{self.rss_end:.0f}",
            "not 200": str(self.refused),
        }


@contextlib.asynccontextmanager
async def running(servers: Sequence[Server]) -> AsyncIterator[None]:
    """All of them; only what was started here is ended."""
    os.sched_setaffinity(0, {LOAD_CPU})
    try:
        for server in servers:
            server.start()
        yield
    finally:
        for server in servers:
            server.stop()


def python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


def machine_load() -> str:
    one, five, _ = os.getloadavg()
    return f"load {one:.1f} (1 min), {five:.1f} (5 min) on {os.cpu_count()} cores"
