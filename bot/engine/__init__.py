"""Work that must be done even if the process dies: stored with the row it acts on, then run until it is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

from bot.clock import Clock
from storage import Database, Transaction

Handler = Callable[[Mapping[str, Any]], Awaitable[None]]
GIVE_UP_AFTER = 10
began_before: ContextVar[bool] = ContextVar("began_before", default=False)
"""Inside a handler: this very job was begun once and did not end; whoever did it may have died with things in hand."""
LONGEST_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Job:
    """``key`` keeps the order: jobs of a key run one at a time, oldest first, also across retries that wait.

    ``due_at`` None means now.
    """

    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job as data, registered by `bot.app`. ``run`` takes the context and the job's arguments.

    ``on_exhausted`` runs once a job failed so often that it isn't retried, so that a person learns of it.
    ``is_urgent``: a person waits for it, so it overtakes other jobs. Only for jobs without a key.
    """

    name: str
    run: Callable[[Any, Mapping[str, Any]], Awaitable[None]]
    concurrency: int
    on_exhausted: Callable[[Any, Mapping[str, Any]], Awaitable[None]] | None = None
    is_urgent: bool = False


class RetryAt(Exception):
    """Raised by a handler: not yet, run this job again at ``at`` (or up to a second later)."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at.isoformat())
        self.at = at


class Engine(Protocol):
    """At least once: a handler may run again after a crash and must find its own traces."""

    def register(
        self, kind: str, handler: Handler, *, concurrency: int, give_up: Handler | None = None, is_urgent: bool = False
    ) -> None:
        """Say who does jobs of a kind, and how many at a time. Before `start`.

        ``is_urgent``: somebody waits for it, and thousands of other jobs do not come before it. For jobs without key.

        ``give_up`` is called when a job broke so often that it is not tried again, so that somebody is told.
        """

    async def enqueue(self, tx: Transaction, *jobs: Job) -> None:
        """Store jobs in the caller's transaction: all of it is there, or nothing."""

    async def start(self) -> None: ...

    async def stop(self, *, within_seconds: float) -> None:
        """Take no more jobs, let those that run finish; what does not finish runs again at the next start."""

    async def settled(self) -> None:
        """Return when no job runs and none is due."""

    async def count_jobs(self) -> dict[str, int]:
        """How many there are, by state: ``todo``, ``doing``, ``failed``."""


def pause_after(failures: int) -> timedelta:
    """How long a job that broke waits before it is tried again."""
    return min(LONGEST_PAUSE, timedelta(seconds=2.0 ** min(failures, 20)))


def engine_for(database: Database, *, clock: Clock) -> Engine:
    """The engine that keeps its jobs in this database. The other one is not imported."""
    if database.dialect == "postgresql":
        from bot.engine.procrastinate import DistributedEngine
        from storage.postgres import PostgresDatabase

        return DistributedEngine(database=cast(PostgresDatabase, database), clock=clock)
    from bot.engine.sqlite import LocalEngine

    return LocalEngine(database=database, clock=clock)
