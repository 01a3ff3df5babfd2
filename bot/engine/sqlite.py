"""The engine of one process: a table of jobs in SQLite, a worker for each kind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from bot.clock import Clock
from bot.engine import GIVE_UP_AFTER, Handler, Job, RetryAt, began_before, pause_after
from bot.tasks import cancel_all
from storage import Database, DatabaseUnavailable, Transaction
from storage import jobs as job_rows
from storage.jobs import JobRow

log = logging.getLogger(__name__)
TRY_AGAIN_SECONDS = 1.0


class LocalEngine:
    """See `bot.engine.Engine`."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock
        self._workers: dict[str, _Worker] = {}
        self._loops: list[asyncio.Task[None]] = []

    def register(
        self, kind: str, handler: Handler, *, concurrency: int, give_up: Handler | None = None, is_urgent: bool = False
    ) -> None:
        """Each kind has a worker of its own, so none is more urgent than another."""
        self._workers[kind] = _Worker(kind, handler, give_up, concurrency, self._db, self._clock)

    async def enqueue(self, tx: Transaction, *jobs: Job) -> None:
        for job in jobs:
            due_at = job.due_at or self._clock.now()
            await job_rows.add_job(tx, kind=job.kind, key=job.key, arguments=job.arguments, due_at=due_at)
            tx.after_commit(self._workers[job.kind].wake)

    async def start(self) -> None:
        """Take up what a dead process left unfinished, then work."""
        requeued = await job_rows.requeue_unfinished(self._db)
        if requeued:
            log.info("unfinished jobs run again", extra={"jobs": requeued})
        self._loops = [
            asyncio.create_task(worker.work(), name=f"jobs {kind}") for kind, worker in self._workers.items()
        ]

    async def stop(self, *, within_seconds: float) -> None:
        for worker in self._workers.values():
            worker.stop()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_seconds
        if self._loops:  # one may just be bringing more jobs
            await asyncio.wait(self._loops, timeout=within_seconds)
        if running := self._running():
            await asyncio.wait(running, timeout=max(0.0, deadline - loop.time()))
        await cancel_all([*self._loops, *self._running()])
        self._loops = []

    def _running(self) -> list[asyncio.Task[None]]:
        return [task for worker in self._workers.values() for task in worker.running]

    async def settled(self) -> None:
        while True:
            for worker in self._workers.values():
                await worker.idle.wait()
            due = await job_rows.count_due(self._db, now=self._clock.now())
            if not due and all(worker.idle.is_set() for worker in self._workers.values()):
                return
            await asyncio.sleep(0)  # a worker is on its way to a job that has just become due

    async def count_jobs(self) -> dict[str, int]:
        return await job_rows.count_jobs(self._db)


class _Worker:
    """Claims due jobs of one kind and runs up to ``concurrency`` of them."""

    def __init__(
        self, kind: str, handler: Handler, give_up: Handler | None, concurrency: int, database: Database, clock: Clock
    ) -> None:
        self._kind, self._handler, self._give_up, self._concurrency = kind, handler, give_up, concurrency
        self._db, self._clock = database, clock
        self._woken = asyncio.Event()
        self._is_stopping = False
        self._is_in_trouble = False
        self.running: set[asyncio.Task[None]] = set()
        self.idle = asyncio.Event()

    def wake(self) -> None:
        self.idle.clear()
        self._woken.set()

    def stop(self) -> None:
        self._is_stopping = True
        self.wake()

    async def work(self) -> None:
        while not self._is_stopping:
            try:
                await self._turn()
            except DatabaseUnavailable as trouble:
                self._complain(trouble)
                await asyncio.sleep(TRY_AGAIN_SECONDS)
            except Exception:
                log.exception("the job table cannot be read; trying again", extra={"kind": self._kind})
                await asyncio.sleep(TRY_AGAIN_SECONDS)

    def _complain(self, trouble: DatabaseUnavailable) -> None:
        """Once, however long it lasts."""
        if not self._is_in_trouble:
            self._is_in_trouble = True
            log.error("jobs wait for the database", extra={"kind": self._kind, "error": str(trouble)})

    async def _turn(self) -> None:
        """Start the jobs that are due, then wait until one is added, one ends, or the next one is due."""
        self._woken.clear()
        free, due_at = self._concurrency - len(self.running), None
        if free:
            rows, due_at = await self._db.transaction(partial(self._claim, limit=free))
            self._is_in_trouble = False
            for row in rows:
                task = asyncio.create_task(self._run(row), name=f"{row.kind} {row.job_id}")
                self.running.add(task)
                task.add_done_callback(self._ended)
        if self._woken.is_set() or (due_at is not None and due_at <= self._clock.now()):
            return
        if not self.running:
            self.idle.set()
        waits: list[asyncio.Task[Any]] = [asyncio.create_task(self._woken.wait())]
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
        rows = await job_rows.claim_jobs(tx, kind=self._kind, now=self._clock.now(), limit=limit)
        return rows, None if len(rows) == limit else await job_rows.next_due_at(tx, kind=self._kind)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a job's end could not be stored; it runs again at the next start", exc_info=error)
        self.wake()

    async def _run(self, row: JobRow) -> None:
        began_before.set(row.attempts > 1)
        try:
            await self._handler(row.arguments)
        except RetryAt as retry:
            await self._end(partial(job_rows.postpone_job, self._db, row.job_id, due_at=retry.at))
        except asyncio.CancelledError:
            await job_rows.release_job(self._db, row.job_id)
            raise
        except DatabaseUnavailable as trouble:  # no failure of its own; but it began, and has to know that
            self._complain(trouble)
            now = self._clock.now()
            await self._end(partial(job_rows.retry_job, self._db, row.job_id, due_at=now, error=type(trouble).__name__))
        except Exception as error:
            await self._fail(row, error)
        else:
            await self._end(partial(job_rows.delete_job, self._db, row.job_id))

    async def _end(self, store: Callable[[], Awaitable[None]]) -> None:
        """Store how a job ended, however long the disk takes: unstored, it would hold back all others of its key."""
        while True:
            try:
                await store()
                return
            except DatabaseUnavailable as trouble:
                self._complain(trouble)
            await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _fail(self, row: JobRow, error: Exception) -> None:
        """A bug: try again with growing pauses, then keep the job for the operator to see."""
        facts: Mapping[str, Any] = {"kind": row.kind, "job_id": row.job_id, "attempts": row.attempts}
        log.error("a job failed", extra=dict(facts), exc_info=error)
        if row.attempts >= GIVE_UP_AFTER:
            if self._give_up is not None:
                await self._give_up(row.arguments)
            await self._end(partial(job_rows.fail_job, self._db, row.job_id, error=type(error).__name__))
            return
        due_at = self._clock.now() + pause_after(row.attempts)
        await self._end(partial(job_rows.retry_job, self._db, row.job_id, due_at=due_at, error=type(error).__name__))
