"""Procrastinate's tables on PostgreSQL: their migrations, and queries that Procrastinate doesn't offer."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path

from procrastinate.schema import SchemaManager

from storage.database import Database, DatabaseUnusable, Reads, Transaction
from storage.postgres import PostgresDatabase
from storage.postgres_connection import Connection
from storage.postgres_transaction import PostgresTransaction

STARTABLE = """
    job.status = 'todo' and (job.scheduled_at is null or job.scheduled_at <= now())
    and (job.lock is null or not exists (
        select 1 from procrastinate_jobs as earlier
        where earlier.lock = job.lock and earlier.status in ('todo', 'doing') and earlier.id < job.id))
"""


async def prepare_queue(database: PostgresDatabase) -> None:
    """Migrate Procrastinate's tables to the installed version with the scripts that it ships."""
    await database.execute("create table if not exists queue_steps (step text primary key)")
    done = {str(row["step"]) for row in await database.fetch_all("select step from queue_steps")}
    steps = _published_steps()
    if newer := done - steps.keys():
        raise DatabaseUnusable(
            f"The job tables belong to a newer Procrastinate (step {max(newer)}). "
            "Run `pip install --upgrade '.[postgres]'` in the checkout."
        )
    if not done:
        await database.transaction(partial(_run, script=SchemaManager.get_schema(), steps=list(steps)))
    for step in steps if done else ():
        if step not in done:
            await database.transaction(partial(_run, script=steps[step], steps=[step]))


def _published_steps() -> dict[str, str]:
    return {path.stem: path.read_text() for path in sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))}


async def _run(tx: Transaction, script: str, steps: list[str]) -> None:
    assert isinstance(tx, PostgresTransaction)
    await tx.with_connection(partial(_execute_script, script=script))
    for step in steps:
        await tx.execute("insert into queue_steps (step) values (:step)", step=step)


async def _execute_script(connection: Connection, script: str) -> None:
    await connection.execute(script)  # without parameters, so that it may hold many statements


async def server_time(db: Reads) -> datetime:
    """Return the server's time, which decides when a job is due."""
    now: datetime = (await db.fetch_all("select clock_timestamp() as now"))[0]["now"]
    return now


async def pull_forward(db: Database, *, wait_seconds: float) -> int:
    """Make jobs due that block others of their key, or wait for a retry, for longer than ``wait_seconds``."""
    return await db.execute(
        """
        update procrastinate_jobs set scheduled_at = null
        where status = 'todo' and scheduled_at > now() + make_interval(secs => :wait_seconds)
        and (lock is not null or attempts > 0)
        """,
        wait_seconds=wait_seconds,
    )


async def pull_forward_until(db: Database, *, until: datetime) -> int:
    """Make all jobs due that wait for a time up to ``until``."""
    return await db.execute(
        """
        update procrastinate_jobs set scheduled_at = null
        where status = 'todo' and scheduled_at > now() and scheduled_at <= cast(:until as timestamptz)
        """,
        until=until,
    )


async def count_due(db: Reads) -> int:
    """Count jobs that run in any process or could run now."""
    rows = await db.fetch_all(
        f"select count(*) as due from procrastinate_jobs as job where job.status = 'doing' or ({STARTABLE})"
    )
    return int(rows[0]["due"])


async def count_jobs(db: Reads) -> dict[str, int]:
    """Count jobs by state."""
    rows = await db.fetch_all("select status::text as state, count(*) as jobs from procrastinate_jobs group by status")
    return {row["state"]: row["jobs"] for row in rows}


async def return_job(db: Database, job_id: int, *, worker_id: int, failures: int, due_at: datetime | None) -> bool:
    """Put a job back into the queue, due now if ``due_at`` is None. Return False if the worker doesn't hold it."""
    returned = await db.execute(
        """
        update procrastinate_jobs
        set status = 'todo', attempts = :failures, scheduled_at = cast(:due_at as timestamptz)
        where id = :job_id and status = 'doing' and worker_id = :worker_id
        """,
        job_id=job_id, worker_id=worker_id, failures=failures, due_at=due_at,
    )  # fmt: skip
    return returned == 1


async def return_orphaned_jobs(db: Database, *, dead_after_seconds: float) -> int:
    """Put back the jobs of workers that sent no heartbeat for so long, each with one more failure. Return how many.

    One statement: a job that its worker finishes at the same moment isn't put back as well.
    """
    return await db.execute(
        """
        update procrastinate_jobs as job
        set status = 'todo', attempts = attempts + 1, scheduled_at = null
        where status = 'doing' and not exists (
            select 1 from procrastinate_workers as worker
            where worker.id = job.worker_id
            and worker.last_heartbeat >= now() - make_interval(secs => :dead_after_seconds))
        """,
        dead_after_seconds=dead_after_seconds,
    )
