"""Durable jobs: stored in the transaction of the row they act on, run at least once, retried until they succeed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

from bot.clock import Clock
from storage import Database, Transaction

MAX_ATTEMPTS = 10
MAX_BACKOFF = timedelta(minutes=5)
is_retry: ContextVar[bool] = ContextVar("is_retry", default=False)
"""In a handler: an earlier run of this job didn't end. Its process may have died and left claims behind."""


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
    """Raised by a handler to run its job again at ``at``, or up to a second later. Not counted as a failure."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at.isoformat())
        self.at = at


class Engine(Protocol):
    """Runs jobs at least once: a handler may run again after a crash and must recognize what it did before."""

    def register(self, kind: JobKind, ctx: Any = None) -> None:
        """Run jobs of this kind, with ``ctx`` as their handler's first argument. Call it before `start`."""

    async def enqueue(self, tx: Transaction, *jobs: Job) -> None:
        """Store jobs as part of the caller's transaction."""

    async def start(self) -> None: ...

    async def stop(self, *, within_seconds: float) -> None:
        """Take no more jobs and let running ones finish. Those that don't are cancelled and run at the next start."""

    async def wait_idle(self) -> None:
        """Return when no job is running or due."""

    async def count_jobs(self) -> dict[str, int]:
        """Count jobs by state: ``todo``, ``doing``, ``failed``."""


def backoff(failures: int) -> timedelta:
    """Return how long to wait before the next attempt."""
    return min(MAX_BACKOFF, timedelta(seconds=2.0 ** min(failures, 20)))


def engine_for(database: Database, *, clock: Clock) -> Engine:
    """Return the engine that keeps its jobs in this database, importing only that one."""
    if database.dialect == "postgresql":
        from bot.engine.procrastinate import DistributedEngine
        from storage.postgres import PostgresDatabase

        return DistributedEngine(database=cast(PostgresDatabase, database), clock=clock)
    from bot.engine.sqlite import LocalEngine

    return LocalEngine(database=database, clock=clock)
