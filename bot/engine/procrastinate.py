"""The engine of many replicas: Procrastinate's queue on PostgreSQL with a worker that limits concurrency per kind.

Procrastinate's own worker has one limit for all jobs and a connection of its own to listen on. One such worker for
each kind would cost a dozen connections per replica.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, cast

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job as QueuedJob
from procrastinate.jobs import Status
from procrastinate.manager import get_channel_for_queues

from bot.clock import Clock
from bot.engine import MAX_ATTEMPTS, MAX_BACKOFF, Job, JobKind, RetryAt, backoff, is_retry
from bot.tasks import cancel_all
from storage import CommitUnknown, DatabaseUnavailable, Transaction
from storage import procrastinate_schema as queue_rows
from storage.postgres import PostgresDatabase
from storage.postgres_connection import is_unreachable
from storage.postgres_transaction import PostgresTransaction

log = logging.getLogger(__name__)
logging.getLogger("procrastinate").setLevel(logging.WARNING)  # below, it logs every job with its arguments


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """Intervals and timeouts. The jobs of a killed replica run again after ``dead_after`` + ``rescue`` at most."""

    poll_seconds: float = 1.0
    """How often to look for jobs when no notification arrives."""
    heartbeat_seconds: float = 2.0
    dead_after_seconds: float = 6.0
    """A worker without a heartbeat for so long counts as dead."""
    rescue_seconds: float = 5.0
    """How often to look for the jobs of dead workers."""
    call_timeout_seconds: float = 10.0


@dataclass(slots=True)
class _Registered:
    kind: JobKind
    ctx: Any
    running: set[asyncio.Task[None]] = field(default_factory=set)


class DistributedEngine:
    """See `bot.engine.Engine`. ``start`` makes it a worker; without it, it only enqueues."""

    def __init__(self, *, database: PostgresDatabase, clock: Clock, config: WorkerConfig | None = None) -> None:
        self._db, self._clock, self._config = database, clock, config or WorkerConfig()
        self._connector = PsycopgConnector()
        self._queue = App(connector=self._connector)
        self._manager = self._queue.job_manager
        self._kinds: dict[str, _Registered] = {}
        self._wakeup = asyncio.Event()
        self._is_stopping = False
        self._loops: list[asyncio.Task[None]] = []
        self._has_orphans = False
        self._unfinished: set[int] = set()
        """Ids of jobs that began here and whose result isn't stored."""
        self._worker_id = 0
        self._heartbeat_at = 0.0
        self._clocks: tuple[datetime, ...] = ()
        """The time of this process and of the server, as last read."""

    def register(self, kind: JobKind, ctx: Any = None) -> None:
        self._kinds[kind.name] = _Registered(kind, ctx)

    async def enqueue(self, tx: Transaction, *jobs: Job) -> None:
        assert isinstance(tx, PostgresTransaction)
        if jobs:
            await tx.with_connection(partial(self._defer, jobs))
            tx.after_commit(self._wakeup.set)  # earlier than PostgreSQL's notification

    async def _defer(self, jobs: Sequence[Job], connection: Any) -> None:
        await self._manager.batch_defer_jobs_async([self._queued(job) for job in jobs], connection=connection)

    def _queued(self, job: Job) -> QueuedJob:
        registered = self._kinds.get(job.kind)  # none when jobs are only copied
        priority = int(registered is not None and registered.kind.is_urgent)
        deferrer = self._queue.configure_task(
            job.kind, queue=job.kind, lock=job.key, schedule_at=job.due_at, priority=priority
        )
        return deferrer.make_new_job(**job.arguments)

    async def start(self) -> None:
        await self._connector.open_async(pool=cast(Any, self._db.pool))  # its type requires tuple rows
        await self._register_worker()
        # A job that waits longer than any retry does was postponed before a clock was set back.
        await queue_rows.pull_forward(self._db, wait_seconds=MAX_BACKOFF.total_seconds())
        self._is_stopping = False
        loops = {"fetch": self._fetch, "listen": self._listen, "heartbeat": self._heartbeat, "rescue": self._rescue}
        self._loops = [asyncio.create_task(self._repeat(step), name=f"jobs {name}") for name, step in loops.items()]

    async def stop(self, *, within_seconds: float) -> None:
        if not self._loops:
            return
        self._is_stopping = True
        self._wakeup.set()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_seconds
        await asyncio.wait(self._loops[:1], timeout=within_seconds)  # the fetch under way may return another job
        if running := self._running():
            await asyncio.wait(running, timeout=max(0.0, deadline - loop.time()))
        await cancel_all([*self._running(), *self._loops])
        await cancel_all(self._running())  # started by a fetch whose cancellation was dropped
        self._loops = []
        try:
            await self._return_orphans(is_delayed=False)
            async with asyncio.timeout(self._config.call_timeout_seconds):
                await self._manager.unregister_worker(self._worker_id)
        except (ConnectorException, DatabaseUnavailable, CommitUnknown, TimeoutError):
            log.warning("the database is unavailable; other workers take over the jobs")

    async def wait_idle(self) -> None:
        while self._running() or await queue_rows.count_due(self._db):  # noqa: ASYNC110  # other replicas set no event
            await asyncio.sleep(self._config.poll_seconds / 20)

    async def count_jobs(self) -> dict[str, int]:
        return await queue_rows.count_jobs(self._db)

    def _running(self) -> list[asyncio.Task[None]]:
        return [task for registered in self._kinds.values() for task in registered.running]

    # The loops of a worker.

    async def _repeat(self, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a step until `stop`, also after the database was unavailable or a connection hung."""
        while not self._is_stopping:
            try:
                await step()
            except Exception as error:
                facts = {"doing": step.__name__.strip("_"), "error": str(error.__cause__ or error)}
                is_passing = is_unreachable(error) or isinstance(error, TimeoutError)
                log.warning("the job queue cannot be used", extra=facts, exc_info=None if is_passing else error)
                await asyncio.sleep(self._config.poll_seconds)

    async def _fetch(self) -> None:
        """Start jobs until none may run or no kind has capacity, then wait for the next notification or poll."""
        self._wakeup.clear()
        if self._has_orphans:
            await self._return_orphans(is_delayed=True)
            self._has_orphans = False
        while (kinds := self._kinds_with_capacity()) and not self._is_stopping:
            job = await self._fetch_job(kinds)
            if job is None:
                break
            registered = self._kinds[job.queue]
            task = asyncio.create_task(self._run(registered, job), name=_task_name(job))
            registered.running.add(task)
            task.add_done_callback(partial(self._on_done, registered))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._config.poll_seconds):
                await self._wakeup.wait()

    def _kinds_with_capacity(self) -> list[str]:
        return [name for name, each in self._kinds.items() if len(each.running) < each.kind.concurrency]

    async def _fetch_job(self, kinds: list[str]) -> QueuedJob | None:
        try:
            async with asyncio.timeout(self._config.call_timeout_seconds):
                return await self._manager.fetch_job(kinds, self._worker_id)
        except BaseException:
            self._has_orphans = True  # the server may have given us a job whose row never arrived
            raise

    def _on_done(self, registered: _Registered, task: asyncio.Task[None]) -> None:
        registered.running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a job's result could not be stored; it runs again", exc_info=error)
            self._has_orphans = True
        self._wakeup.set()

    async def _return_orphans(self, *, is_delayed: bool) -> None:
        """Put back jobs that are ours and don't run: no other worker does while we live.

        Those that began here count as failed once more. At shutdown this follows the last fetch, because one that is
        under way at the server would take a job again.
        """
        running = {task.get_name() for task in self._running()}
        async with asyncio.timeout(self._config.call_timeout_seconds):
            for job in await self._manager.list_jobs_async(worker_id=self._worker_id, status="doing"):
                if _task_name(job) not in running:
                    due_at = self._clock.now() + backoff(job.attempts + 1) if is_delayed else None
                    await self._return_job(job, due_at=due_at, failures=job.attempts + (job.id in self._unfinished))
                    self._unfinished.discard(cast(int, job.id))

    async def _listen(self) -> None:
        """Wake up on notifications. Procrastinate's listener waits with `asyncio.wait_for`, see `cancel_all`."""
        async for _ in self._db.listen(get_channel_for_queues(self._kinds)):
            self._wakeup.set()

    async def _heartbeat(self) -> None:
        """Show the other workers that we live. After too long a silence they have our jobs, so start over."""
        await asyncio.sleep(self._config.heartbeat_seconds)
        if self._is_lost(self._worker_id):
            log.warning("this worker was cut off from the database for too long; its jobs run elsewhere")
            await cancel_all(self._running())
            await self._register_worker()
            return
        now = asyncio.get_running_loop().time()
        async with asyncio.timeout(self._config.call_timeout_seconds):
            await self._manager.update_heartbeat(self._worker_id)
        self._heartbeat_at = now

    async def _register_worker(self) -> None:
        now = asyncio.get_running_loop().time()
        async with asyncio.timeout(self._config.call_timeout_seconds):
            self._worker_id = await self._manager.register_worker()
        self._heartbeat_at = now

    def _is_lost(self, worker_id: int | None) -> bool:
        silence = asyncio.get_running_loop().time() - self._heartbeat_at
        return worker_id != self._worker_id or silence > self._config.dead_after_seconds

    async def _rescue(self) -> None:
        """Put back the jobs of dead workers."""
        await asyncio.sleep(self._config.rescue_seconds)
        dead_after = self._config.dead_after_seconds
        async with asyncio.timeout(self._config.call_timeout_seconds):
            rescued = await queue_rows.return_orphaned_jobs(self._db, dead_after_seconds=dead_after)
            await self._manager.prune_stalled_workers(dead_after * 10)
            clocks = self._clock.now(), await queue_rows.server_time(self._db)
            if any(now < before for now, before in zip(clocks, self._clocks, strict=False)):
                until = max(*clocks, *self._clocks) + MAX_BACKOFF
                rescued += await queue_rows.pull_forward_until(self._db, until=until)  # they would block their key
            self._clocks = clocks
        if rescued:
            log.info("unfinished jobs run again", extra={"jobs": rescued})
            self._wakeup.set()

    # One job.

    async def _run(self, registered: _Registered, job: QueuedJob) -> None:
        is_retry.set(job.attempts > 0)
        job_id = cast(int, job.id)
        self._unfinished.add(job_id)
        try:
            await registered.kind.run(registered.ctx, job.task_kwargs)
        except RetryAt as retry:
            await self._store(job, partial(self._return_job, job, due_at=retry.at, failures=0))
        except asyncio.CancelledError:
            self._unfinished.discard(job_id)  # the handler has cleaned up, and `stop` puts the job back
            raise
        except (DatabaseUnavailable, CommitUnknown) as error:  # not the job's failure, but the next run is a retry
            log.warning("a job waits for the database", extra={"kind": job.queue, "error": str(error)})
            await self._store(job, partial(self._return_job, job, due_at=None, failures=max(job.attempts, 1)))
        except Exception as error:
            await self._handle_failure(registered, job, error)
        else:
            await self._store(job, partial(self._manager.finish_job, job, Status.SUCCEEDED, delete_job=True))

    async def _handle_failure(self, registered: _Registered, job: QueuedJob, error: Exception) -> None:
        """Retry with growing pauses. After `MAX_ATTEMPTS`, keep the job for the operator to see."""
        failures = job.attempts + 1
        log.error("a job failed", extra={"kind": job.queue, "job_id": job.id, "attempts": failures}, exc_info=error)
        if failures < MAX_ATTEMPTS:
            due_at = self._clock.now() + backoff(failures)
            await self._store(job, partial(self._return_job, job, due_at=due_at, failures=failures))
            return
        if registered.kind.on_exhausted is not None:
            await registered.kind.on_exhausted(registered.ctx, job.task_kwargs)
        await self._store(job, partial(self._manager.finish_job, job, Status.FAILED, delete_job=False))

    async def _return_job(self, job: QueuedJob, *, due_at: datetime | None, failures: int) -> None:
        job_id, worker_id = cast(int, job.id), cast(int, job.worker_id)
        await queue_rows.return_job(self._db, job_id, worker_id=worker_id, failures=failures, due_at=due_at)

    async def _store(self, job: QueuedJob, write: Callable[[], Awaitable[None]]) -> None:
        """Store how a job ended, retrying until we count as dead: from then on another worker may have the job."""
        while not self._is_lost(job.worker_id):
            try:
                async with asyncio.timeout(self._config.call_timeout_seconds):
                    await write()
                    self._unfinished.discard(cast(int, job.id))
                    return
            except (DatabaseUnavailable, CommitUnknown, TimeoutError):
                pass
            except ConnectorException as error:
                if not is_unreachable(error):
                    raise
            await asyncio.sleep(self._config.poll_seconds)
        self._unfinished.discard(cast(int, job.id))
        log.warning("a job finished after its worker counted as dead; it runs again", extra={"job_id": job.id})


def _task_name(job: QueuedJob) -> str:
    return f"{job.queue} {job.id}"
