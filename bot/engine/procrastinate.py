"""The engine of many replicas: Procrastinate's jobs on PostgreSQL, fetched by a loop that keeps to our limits per kind.

Procrastinate's own worker has one limit for everything it does and one connection to listen with; one of them for each
kind would cost a dozen connections a replica. So this is a worker of our own on its job manager.
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
from bot.engine import GIVE_UP_AFTER, Handler, Job, RetryAt, began_before, pause_after
from bot.tasks import cancel_all
from storage import CommitUnknown, DatabaseUnavailable, Transaction
from storage.postgres import PostgresDatabase
from storage.postgres_connection import is_unreachable
from storage.postgres_transaction import PostgresTransaction
from storage.procrastinate_schema import QueueStore

log = logging.getLogger(__name__)
logging.getLogger("procrastinate").setLevel(logging.WARNING)  # it tells of every job, with its arguments


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds: how often jobs are looked for besides being told of them, how often a worker says that it lives,
    when it counts as dead, how often the dead are looked for, and what one call to the database may take.

    A killed replica's jobs run again after at most ``dead_after + rescue`` and a moment.
    """

    poll: float = 1.0
    beat: float = 2.0
    dead_after: float = 6.0
    rescue: float = 5.0
    call: float = 10.0


@dataclass(slots=True)
class _Kind:
    handler: Handler
    give_up: Handler | None
    concurrency: int
    running: set[asyncio.Task[None]] = field(default_factory=set)


class DistributedEngine:
    """See `bot.engine.Engine`. ``start`` makes it a worker; without, it only enqueues."""

    def __init__(self, *, database: PostgresDatabase, clock: Clock, pace: Pace | None = None) -> None:
        self._database, self._clock, self._pace = database, clock, pace or Pace()
        self._connector = PsycopgConnector()
        self._queue = App(connector=self._connector)
        self._manager = self._queue.job_manager
        self._rows = QueueStore(database)
        self._kinds: dict[str, _Kind] = {}
        self._urgent: set[str] = set()
        self._woken = asyncio.Event()
        self._is_stopping = False
        self._loops: list[asyncio.Task[None]] = []
        self._has_strays = False
        self._begun: set[int] = set()
        """Ids of jobs that began here and whose end isn't stored yet."""
        self._worker_id = 0
        self._beaten_at = 0.0

    def register(
        self, kind: str, handler: Handler, *, concurrency: int, give_up: Handler | None = None, is_urgent: bool = False
    ) -> None:
        self._kinds[kind] = _Kind(handler, give_up, concurrency)
        if is_urgent:
            self._urgent.add(kind)

    async def enqueue(self, tx: Transaction, *jobs: Job) -> None:
        assert isinstance(tx, PostgresTransaction)
        if jobs:
            await tx.with_connection(partial(self._defer, jobs))
            tx.after_commit(self._woken.set)  # sooner than PostgreSQL tells us

    async def _defer(self, jobs: Sequence[Job], connection: Any) -> None:
        await self._manager.batch_defer_jobs_async([self._queued(job) for job in jobs], connection=connection)

    def _queued(self, job: Job) -> QueuedJob:
        deferrer = self._queue.configure_task(
            job.kind, queue=job.kind, lock=job.key, schedule_at=job.due_at, priority=int(job.kind in self._urgent)
        )
        return deferrer.make_new_job(**job.arguments)

    async def start(self) -> None:
        await self._connector.open_async(pool=cast(Any, self._database.pool))  # its type forgets rows as mappings
        await self._sign_on()
        self._is_stopping = False
        loops = {"fetch": self._fetch, "listen": self._listen, "beat": self._beat, "rescue": self._rescue}
        self._loops = [asyncio.create_task(self._for_ever(work), name=f"jobs {name}") for name, work in loops.items()]

    async def stop(self, *, within_seconds: float) -> None:
        if not self._loops:
            return
        self._is_stopping = True
        self._woken.set()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_seconds
        await asyncio.wait(self._loops[:1], timeout=within_seconds)  # it may just be bringing another job
        if running := self._running():
            await asyncio.wait(running, timeout=max(0.0, deadline - loop.time()))
        await cancel_all([*self._running(), *self._loops])
        await cancel_all(self._running())  # begun by a fetch whose cancellation was dropped
        self._loops = []
        await self._sign_off()

    async def _sign_off(self) -> None:
        try:
            await self._release_strays(waits=False)
            async with asyncio.timeout(self._pace.call):
                await self._manager.unregister_worker(self._worker_id)
        except (ConnectorException, DatabaseUnavailable, CommitUnknown, TimeoutError):
            log.warning("the database is away; the others will notice that this worker is gone")

    async def settled(self) -> None:
        while True:
            if not self._running() and not await self._rows.count_due():
                return
            await asyncio.sleep(self._pace.poll / 20)

    async def count_jobs(self) -> dict[str, int]:
        return await self._rows.count_jobs()

    def _running(self) -> list[asyncio.Task[None]]:
        return [task for kind in self._kinds.values() for task in kind.running]

    # What goes on for as long as the worker lives.

    async def _for_ever(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Again and again; a database that is away or a connection that hangs ends nothing."""
        while not self._is_stopping:
            try:
                await work()
            except Exception as error:
                facts = {"doing": work.__name__.strip("_"), "error": str(error.__cause__ or error)}
                is_passing = is_unreachable(error) or isinstance(error, TimeoutError)
                log.warning("the job queue cannot be used", extra=facts, exc_info=None if is_passing else error)
                await asyncio.sleep(self._pace.poll)

    async def _fetch(self) -> None:
        """Take jobs until there is none that may run, or no room; then wait to be told, or a second."""
        self._woken.clear()
        if self._has_strays:
            await self._release_strays()
            self._has_strays = False
        while (kinds := self._with_room()) and not self._is_stopping:
            if (job := await self._take(kinds)) is None:
                break
            self._begin(job)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pace.poll):
                await self._woken.wait()

    async def _take(self, kinds: list[str]) -> QueuedJob | None:
        try:
            async with asyncio.timeout(self._pace.call):
                return await self._manager.fetch_job(kinds, self._worker_id)
        except BaseException:
            self._has_strays = True  # one may be taken without having come to us
            raise

    async def _release_strays(self, *, waits: bool = True) -> None:
        """Return jobs that we hold and don't run: nobody else does while we live. Those that began count as tried.

        At shutdown after the last fetch: one that is under way at the server would take a job again.
        """
        running = {task.get_name() for task in self._running()}
        async with asyncio.timeout(self._pace.call):
            for job in await self._manager.list_jobs_async(worker_id=self._worker_id, status="doing"):
                if _name(job) not in running:
                    at = self._clock.now() + pause_after(job.attempts + 1) if waits else None
                    await self._again(job, at=at, failures=job.attempts + (job.id in self._begun))
                    self._begun.discard(cast(int, job.id))

    def _with_room(self) -> list[str]:
        return [name for name, kind in self._kinds.items() if len(kind.running) < kind.concurrency]

    def _begin(self, job: QueuedJob) -> None:
        kind = self._kinds[job.queue]
        task = asyncio.create_task(self._run(kind, job), name=_name(job))
        kind.running.add(task)
        task.add_done_callback(partial(self._ended, kind))

    def _ended(self, kind: _Kind, task: asyncio.Task[None]) -> None:
        kind.running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a job's end could not be stored; it runs again", exc_info=error)
            self._has_strays = True
        self._woken.set()

    async def _listen(self) -> None:
        """Procrastinate's own listener waits with `asyncio.wait_for`, see `cancel_all`."""
        async for _ in self._database.listen(get_channel_for_queues(self._kinds)):
            self._woken.set()

    async def _beat(self) -> None:
        """Say that we live. Who could not for too long has lost its jobs to the others, and begins anew."""
        await asyncio.sleep(self._pace.beat)
        if self._is_lost(self._worker_id):
            log.warning("this worker was cut off from the database for too long; its jobs run elsewhere")
            await cancel_all(self._running())
            await self._sign_on()
            return
        now = asyncio.get_running_loop().time()
        async with asyncio.timeout(self._pace.call):
            await self._manager.update_heartbeat(self._worker_id)
        self._beaten_at = now

    async def _sign_on(self) -> None:
        now = asyncio.get_running_loop().time()
        async with asyncio.timeout(self._pace.call):
            self._worker_id = await self._manager.register_worker()
        self._beaten_at = now

    def _is_lost(self, worker_id: int | None) -> bool:
        silent = asyncio.get_running_loop().time() - self._beaten_at
        return worker_id != self._worker_id or silent > self._pace.dead_after

    async def _rescue(self) -> None:
        """Return to the queue what dead workers left unfinished."""
        await asyncio.sleep(self._pace.rescue)
        async with asyncio.timeout(self._pace.call):
            rescued = await self._rows.rescue_jobs(dead_after=self._pace.dead_after)
            await self._manager.prune_stalled_workers(self._pace.dead_after * 10)
        if rescued:
            log.info("unfinished jobs run again", extra={"jobs": rescued})
            self._woken.set()

    # One job.

    async def _run(self, kind: _Kind, job: QueuedJob) -> None:
        assert job.id is not None
        began_before.set(job.attempts > 0)
        self._begun.add(job.id)
        try:
            await kind.handler(job.task_kwargs)
        except RetryAt as retry:
            await self._end(job, partial(self._again, job, at=retry.at, failures=0))
        except asyncio.CancelledError:
            self._begun.discard(job.id)  # its handler has cleaned up; `stop` returns it
            raise
        except (DatabaseUnavailable, CommitUnknown) as trouble:  # no failure of its own; but it began
            log.warning("a job waits for the database", extra={"kind": job.queue, "error": str(trouble)})
            await self._end(job, partial(self._again, job, at=None, failures=max(job.attempts, 1)))
        except Exception as error:
            await self._fail(kind, job, error)
        else:
            await self._end(job, partial(self._manager.finish_job, job, Status.SUCCEEDED, delete_job=True))

    async def _fail(self, kind: _Kind, job: QueuedJob, error: Exception) -> None:
        """A bug: try again with growing pauses, then keep the job for the operator to see."""
        failures = job.attempts + 1
        log.error("a job failed", extra={"kind": job.queue, "job_id": job.id, "attempts": failures}, exc_info=error)
        if failures < GIVE_UP_AFTER:
            at = self._clock.now() + pause_after(failures)
            await self._end(job, partial(self._again, job, at=at, failures=failures))
            return
        if kind.give_up is not None:
            await kind.give_up(job.task_kwargs)
        await self._end(job, partial(self._manager.finish_job, job, Status.FAILED, delete_job=False))

    async def _again(self, job: QueuedJob, *, at: datetime | None, failures: int) -> None:
        assert job.id is not None
        assert job.worker_id is not None
        await self._rows.retry_job(job.id, worker_id=job.worker_id, failures=failures, at=at)

    async def _end(self, job: QueuedJob, store: Callable[[], Awaitable[None]]) -> None:
        """Store how a job ended, trying for as long as it is ours: others may have it once we count as dead."""
        assert job.id is not None
        while not self._is_lost(job.worker_id):
            try:
                async with asyncio.timeout(self._pace.call):
                    await store()
                    self._begun.discard(job.id)
                    return
            except (DatabaseUnavailable, CommitUnknown, TimeoutError):
                pass
            except ConnectorException as error:
                if not is_unreachable(error):
                    raise
            await asyncio.sleep(self._pace.poll)
        self._begun.discard(job.id)
        log.warning("a job ended after its worker was taken for dead; it runs again", extra={"job_id": job.id})


def _name(job: QueuedJob) -> str:
    return f"{job.queue} {job.id}"
