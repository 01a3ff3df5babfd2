"""The engine of a single process: a table of jobs in SQLite and one worker for each kind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

from bot.clock import Clock
from bot.engine import MAX_ATTEMPTS, MAX_BACKOFF, Job, JobKind, RetryAt, backoff, is_retry
from bot.tasks import cancel_all
from storage import Database, DatabaseUnavailable, Transaction
from storage import jobs as job_rows
from storage.jobs import JobRow

log = logging.getLogger(__name__)
RETRY_SECONDS = 1.0
CLOCK_CHECK_SECONDS = 1.0


class LocalEngine:
    """See `bot.engine.Engine`. Each kind has a worker of its own, so no kind needs to be urgent."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._db, self._clock = database, clock
        self._workers: dict[str, _Worker] = {}
        self._loops: list[asyncio.Task[None]] = []
        self._watch: asyncio.Task[None] | None = None

    def register(self, kind: JobKind, ctx: Any = None) -> None:
        self._workers[kind.name] = _Worker(kind, ctx, self._db, self._clock)

    async def enqueue(self, tx: Transaction, *jobs: Job) -> None:
        for job in jobs:
            due_at = job.due_at or self._clock.now()
            await job_rows.add_job(tx, kind=job.kind, key=job.key, arguments=job.arguments, due_at=due_at)
            tx.after_commit(self._workers[job.kind].wake)

    async def start(self) -> None:
        """Return the jobs of a process that died to the queue, then start the workers.

        A job that waits longer than any retry does was postponed before the clock was set back.
        """
        now = self._clock.now()
        await job_rows.pull_forward(self._db, now=now, latest=now + MAX_BACKOFF)
        requeued = await job_rows.requeue_unfinished(self._db)
        if requeued:
            log.info("unfinished jobs run again", extra={"jobs": requeued})
        workers = self._workers.items()
        self._loops = [asyncio.create_task(worker.work(), name=f"jobs {kind}") for kind, worker in workers]
        self._watch = asyncio.create_task(self._watch_clock(), name="jobs clock")

    async def _watch_clock(self) -> None:
        """Make jobs due whose time has moved away because the clock was set back: they would block their key."""
        latest = self._clock.now()
        while True:
            await asyncio.sleep(CLOCK_CHECK_SECONDS)
            now = self._clock.now()
            if now < latest:
                try:
                    pulled = await job_rows.pull_forward_until(self._db, now=now, until=latest + MAX_BACKOFF)
                except DatabaseUnavailable:
                    continue
                log.warning("the clock was set back; waiting jobs run now", extra={"jobs": pulled})
                for worker in self._workers.values():
                    worker.wake()
            latest = now

    async def stop(self, *, within_seconds: float) -> None:
        for worker in self._workers.values():
            worker.stop()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_seconds
        if self._loops:  # a worker may be starting jobs that it has just claimed
            await asyncio.wait(self._loops, timeout=within_seconds)
        if running := self._running():
            await asyncio.wait(running, timeout=max(0.0, deadline - loop.time()))
        await cancel_all([*self._loops, *self._running(), *([self._watch] if self._watch else [])])
        self._loops = []

    async def wait_idle(self) -> None:
        while True:
            for worker in self._workers.values():
                await worker.idle.wait()
            due = await job_rows.count_due(self._db, now=self._clock.now())
            if not due and all(worker.idle.is_set() for worker in self._workers.values()):
                return
            await asyncio.sleep(0)  # let a worker claim the job that has just become due

    async def count_jobs(self) -> dict[str, int]:
        return await job_rows.count_jobs(self._db)

    def _running(self) -> list[asyncio.Task[None]]:
        return [task for worker in self._workers.values() for task in worker.running]


class _Worker:
    """Claims due jobs of one kind and runs up to its ``concurrency`` of them at a time."""

    def __init__(self, kind: JobKind, ctx: Any, database: Database, clock: Clock) -> None:
        self._kind, self._ctx, self._db, self._clock = kind, ctx, database, clock
        self._wakeup = asyncio.Event()
        self._is_stopping = False
        self._is_unavailable_logged = False
        self.running: set[asyncio.Task[None]] = set()
        self.idle = asyncio.Event()

    def wake(self) -> None:
        self.idle.clear()
        self._wakeup.set()

    def stop(self) -> None:
        self._is_stopping = True
        self.wake()

    async def work(self) -> None:
        while not self._is_stopping:
            try:
                await self._start_due_jobs()
            except DatabaseUnavailable as error:
                self._log_unavailable(error)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                log.exception("the job table cannot be read; trying again", extra={"kind": self._kind.name})
                await asyncio.sleep(RETRY_SECONDS)

    def _log_unavailable(self, error: DatabaseUnavailable) -> None:
        """Log one error for as long as the database is unavailable."""
        if not self._is_unavailable_logged:
            self._is_unavailable_logged = True
            log.error("jobs wait for the database", extra={"kind": self._kind.name, "error": str(error)})

    async def _start_due_jobs(self) -> None:
        """Start the jobs that are due, then wait until one is added, one ends, or the next one is due."""
        self._wakeup.clear()
        free, due_at = self._kind.concurrency - len(self.running), None
        if free:
            rows, due_at = await self._db.transaction(partial(self._claim, limit=free))
            self._is_unavailable_logged = False
            for row in rows:
                task = asyncio.create_task(self._run(row), name=f"{row.kind} {row.job_id}")
                self.running.add(task)
                task.add_done_callback(self._on_done)
        if self._wakeup.is_set() or (due_at is not None and due_at <= self._clock.now()):
            return
        if not self.running:
            self.idle.set()
        waits: list[asyncio.Task[Any]] = [asyncio.create_task(self._wakeup.wait())]
        if due_at is not None:
            waits.append(asyncio.create_task(self._clock.sleep_until(due_at)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.idle.clear()
            for wait in waits:
                wait.cancel()

    async def _claim(self, tx: Transaction, *, limit: int) -> tuple[list[JobRow], datetime | None]:
        """Return claimed jobs, and when the next one is due: None if there is none, or no room for it yet."""
        rows = await job_rows.claim_jobs(tx, kind=self._kind.name, now=self._clock.now(), limit=limit)
        return rows, None if len(rows) == limit else await job_rows.next_due_at(tx, kind=self._kind.name)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self.running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a job's result could not be stored; it runs again at the next start", exc_info=error)
        self.wake()

    async def _run(self, row: JobRow) -> None:
        is_retry.set(row.attempts > 1)
        try:
            await self._kind.run(self._ctx, row.arguments)
        except RetryAt as retry:
            await self._store(partial(job_rows.postpone_job, self._db, row.job_id, due_at=retry.at))
        except asyncio.CancelledError:
            await job_rows.release_job(self._db, row.job_id)
            raise
        except DatabaseUnavailable as error:  # not the job's failure, but the next run must know that this one began
            self._log_unavailable(error)
            await self._retry(row, error, due_at=self._clock.now())
        except Exception as error:
            await self._handle_failure(row, error)
        else:
            await self._store(partial(job_rows.delete_job, self._db, row.job_id))

    async def _handle_failure(self, row: JobRow, error: Exception) -> None:
        """Retry with growing pauses. After `MAX_ATTEMPTS`, keep the job for the operator to see."""
        facts = {"kind": row.kind, "job_id": row.job_id, "attempts": row.attempts}
        log.error("a job failed", extra=facts, exc_info=error)
        if row.attempts < MAX_ATTEMPTS:
            await self._retry(row, error, due_at=self._clock.now() + backoff(row.attempts))
            return
        if self._kind.on_exhausted is not None:
            await self._kind.on_exhausted(self._ctx, row.arguments)
        await self._store(partial(job_rows.fail_job, self._db, row.job_id, error=type(error).__name__))

    async def _retry(self, row: JobRow, error: Exception, *, due_at: datetime) -> None:
        await self._store(partial(job_rows.retry_job, self._db, row.job_id, due_at=due_at, error=type(error).__name__))

    async def _store(self, write: Callable[[], Awaitable[None]]) -> None:
        """Store how a job ended, however long that takes: until then it blocks all others of its key."""
        while True:
            try:
                await write()
                return
            except DatabaseUnavailable as error:
                self._log_unavailable(error)
            await asyncio.sleep(RETRY_SECONDS)
