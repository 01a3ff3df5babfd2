"""The job table of the local engine: jobs that wait, that run, and that failed for good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.database import Database, Reads, Transaction, from_row


@dataclass(frozen=True, slots=True)
class JobRow:
    job_id: int
    kind: str
    key: str | None
    arguments: dict[str, Any]
    attempts: int
    due_at: datetime


async def add_job(
    tx: Transaction, *, kind: str, key: str | None, arguments: Mapping[str, Any], due_at: datetime
) -> None:
    await tx.execute(
        """
        insert into jobs (kind, key, arguments, state, attempts, due_at)
        values (:kind, :key, :arguments, 'todo', 0, :due_at)
        """,
        kind=kind, key=key, arguments=dict(arguments), due_at=due_at,
    )  # fmt: skip


async def claim_jobs(tx: Transaction, *, kind: str, now: datetime, limit: int) -> list[JobRow]:
    """Claim up to ``limit`` due jobs; of a key only the oldest one, and none while an older one is unfinished."""
    rows = await tx.fetch_all(
        """
        update jobs set state = 'doing', attempts = attempts + 1
        where job_id in (
            select job_id from jobs as job
            where kind = :kind and state = 'todo' and due_at <= :now
            and (key is null or not exists (
                select 1 from jobs as earlier
                where earlier.key = job.key and earlier.state in ('todo', 'doing')
                and earlier.job_id < job.job_id))
            order by due_at, job_id limit :limit)
        returning job_id, kind, key, arguments, attempts, due_at
        """,
        kind=kind, now=now, limit=limit,
    )  # fmt: skip
    return [from_row(JobRow, row) for row in sorted(rows, key=lambda row: int(row["job_id"]))]


async def next_due_at(db: Reads, *, kind: str) -> datetime | None:
    """Return when the next job that may run is due. Jobs behind an unfinished one of their key don't count."""
    row = await db.fetch_one(
        """
        select due_at from jobs as job
        where kind = :kind and state = 'todo'
        and (key is null or not exists (
            select 1 from jobs as earlier
            where earlier.key = job.key and earlier.state in ('todo', 'doing')
            and earlier.job_id < job.job_id))
        order by due_at, job_id limit 1
        """,
        kind=kind,
    )
    return datetime.fromisoformat(row["due_at"]) if row else None


async def delete_job(db: Database, job_id: int) -> None:
    await db.execute("delete from jobs where job_id = :job_id", job_id=job_id)


async def postpone_job(db: Database, job_id: int, *, due_at: datetime) -> None:
    """Run the same job again at ``due_at``, and forget its failures."""
    await db.execute(
        "update jobs set state = 'todo', due_at = :due_at, attempts = 0 where job_id = :job_id",
        job_id=job_id, due_at=due_at,
    )  # fmt: skip


async def release_job(db: Database, job_id: int) -> None:
    """Run a canceled job again; that it was cut off doesn't count as a failure."""
    await db.execute(
        "update jobs set state = 'todo', attempts = attempts - 1 where job_id = :job_id and state = 'doing'",
        job_id=job_id,
    )


async def retry_job(db: Database, job_id: int, *, due_at: datetime, error: str) -> None:
    """Run a failed job again at ``due_at``."""
    await db.execute(
        "update jobs set state = 'todo', due_at = :due_at, error = :error where job_id = :job_id",
        job_id=job_id, due_at=due_at, error=error,
    )  # fmt: skip


async def fail_job(db: Database, job_id: int, *, error: str) -> None:
    await db.execute(
        "update jobs set state = 'failed', error = :error where job_id = :job_id", job_id=job_id, error=error
    )


async def requeue_unfinished(db: Database) -> int:
    """Make the jobs that ran when the process died run again; called before any job runs."""
    return await db.execute("update jobs set state = 'todo' where state = 'doing'")


async def list_unfinished(db: Reads) -> list[JobRow]:
    """Return the jobs that run or wait, in the order in which they were added."""
    rows = await db.fetch_all(
        """
        select job_id, kind, key, arguments, attempts, due_at from jobs
        where state in ('todo', 'doing') order by job_id
        """
    )
    return [from_row(JobRow, row) for row in rows]


async def count_due(db: Reads, *, now: datetime) -> int:
    """Return how many jobs run, or could run now."""
    rows = await db.fetch_all(
        """
        select count(*) as due from jobs as job
        where state = 'doing' or (state = 'todo' and due_at <= :now
        and (key is null or not exists (
            select 1 from jobs as earlier
            where earlier.key = job.key and earlier.state in ('todo', 'doing')
            and earlier.job_id < job.job_id)))
        """,
        now=now,
    )
    return int(rows[0]["due"])


async def count_jobs(db: Reads) -> dict[str, int]:
    rows = await db.fetch_all("select state, count(*) as jobs from jobs group by state")
    return {row["state"]: row["jobs"] for row in rows}
