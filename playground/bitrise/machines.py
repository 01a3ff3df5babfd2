"""Build machines: move builds from on hold to running to finished, at planned times or on request."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime

from playground.bitrise.model import Build, Stage, Status

Ended = Callable[[Build, datetime], None]


class Machines:
    """`settle(now)` applies everything due until now, in order; nothing moves without it.

    ``planned`` is called when something new is scheduled.
    """

    def __init__(self, ended: Ended, planned: Callable[[], None] = lambda: None) -> None:
        self._ended, self._planned = ended, planned
        self._ticket = itertools.count()
        self._plans: list[tuple[datetime, int, int, Build]] = []
        self._busy: Counter[str] = Counter()
        self._waiting: defaultdict[str, list[Build]] = defaultdict(list)

    def admit(self, build: Build) -> None:
        """Queue a new build: on hold for its queue time, longer if all machines of its workspace are busy."""
        self._plan(build, build.triggered_at + build.queue)

    def settle(self, now: datetime) -> None:
        while self._plans and self._plans[0][0] <= now:
            at, _, turn, build = heapq.heappop(self._plans)
            if build.turn == turn:
                self._step(build, at)

    def next_at(self) -> datetime | None:
        """Return the next scheduled time, or None."""
        while self._plans and self._plans[0][3].turn != self._plans[0][2]:
            heapq.heappop(self._plans)
        return self._plans[0][0] if self._plans else None

    def hold(self, build: Build, at: datetime) -> None:
        """Put a build back on hold, until `run` or `end`."""
        self._leave(build, at)
        build.stage, build.started_at = Stage.ON_HOLD, None

    def run(self, build: Build, at: datetime) -> None:
        """Start a build now, before all others."""
        self._void(build)
        self._take_slot(build)
        self._begin(build, at)

    def end(self, build: Build, status: Status, at: datetime, reason: str | None = None) -> None:
        """Finish a build; ``reason`` is stored for aborted ones."""
        if build.started_at is None and status in (Status.SUCCESS, Status.FAILED):
            build.started_at = at
        build.stage, build.status, build.finished_at = Stage.ENDED, status, at
        build.abort_reason = reason if status in (Status.ABORTED, Status.ABORTED_WITH_SUCCESS) else None
        self._leave(build, at)
        self._ended(build, at)

    def plan_abort(self, build: Build, status: Status, at: datetime, reason: str) -> None:
        """Schedule an abort in place of everything else planned for the build."""
        build.planned, build.planned_reason, build.is_ending = status, reason, True
        self._plan(build, at)

    def _step(self, build: Build, at: datetime) -> None:
        match build.stage:
            case _ if build.is_ending:
                self.end(build, build.planned, at, build.planned_reason)
            case Stage.ON_HOLD if self._is_full(build):
                self._waiting[build.app.owner.slug].append(build)
            case Stage.ON_HOLD:
                self._start(build, at)
            case Stage.STARTING:
                self._begin(build, at)
            case Stage.RUNNING:
                self.end(build, build.planned, at, build.planned_reason)

    def _start(self, build: Build, at: datetime) -> None:
        self._take_slot(build)
        build.stage = Stage.STARTING
        self._plan(build, at + build.boot)

    def _begin(self, build: Build, at: datetime) -> None:
        build.stage, build.started_at = Stage.RUNNING, at
        if build.duration is not None:
            self._plan(build, at + build.duration)

    def _plan(self, build: Build, at: datetime) -> None:
        self._void(build)
        heapq.heappush(self._plans, (at, next(self._ticket), build.turn, build))
        self._planned()

    def _void(self, build: Build) -> None:
        build.turn += 1

    def _is_full(self, build: Build) -> bool:
        limit = getattr(build.app.owner, "concurrency", None)
        return limit is not None and self._busy[build.app.owner.slug] >= limit

    def _take_slot(self, build: Build) -> None:
        if not build.has_slot:
            build.has_slot = True
            self._busy[build.app.owner.slug] += 1
        self._stop_waiting(build)

    def _leave(self, build: Build, at: datetime) -> None:
        """Give the machine to the build with the highest priority, then the longest wait."""
        self._void(build)
        self._stop_waiting(build)
        if not build.has_slot:
            return
        build.has_slot = False
        self._busy[build.app.owner.slug] -= 1
        waiting = self._waiting[build.app.owner.slug]
        if waiting and not self._is_full(build):
            self._start(min(waiting, key=lambda each: (-each.priority, each.order)), at)

    def _stop_waiting(self, build: Build) -> None:
        waiting = self._waiting[build.app.owner.slug]
        if build in waiting:
            waiting.remove(build)
