"""The jobs of the local engine: waiting, running, or failed too often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.database import Database, Reads, Transaction, columns, delete_rows, fetch_rows, from_row, insert

STARTABLE = """
    job.state = 'todo' and (job.key is null or not exists (
        select 1 from jobs as earlier
        where earlier.key = job.key and earlier.state in ('todo', 'doing') and earlier.job_id < job.job_id))
"""
"""Jobs that wait for nothing but their time: jobs of a key run one at a time, oldest first."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """``attempts`` counts this run and the failed ones before it."""

    job_id: int
    kind: str
    key: str | None
    arguments: dict[str, Any]
    attempts: int
    due_at: datetime


async def add_job(
    tx: Transaction, *, kind: str, key: str | None, arguments: Mapping[str, Any], due_at: datetime
) -> None:
    job: dict[str, Any] = {"kind": kind, "key": key, "arguments": dict(arguments), "due_at": due_at}
    await insert(tx, "jobs", state="todo", attempts=0, **job)


async def claim_jobs(tx: Transaction, *, kind: str, now: datetime, limit: int) -> list[JobRow]:
    """Take up to ``limit`` due jobs, oldest first."""
    rows = await tx.fetch_all(
        f"""
        update jobs set state = 'doing', attempts = attempts + 1
        where job_id in (
            select job_id from jobs as job
            where kind = :kind and due_at <= :now and {STARTABLE}
            order by due_at, job_id
            limit :limit)
        returning {columns(JobRow)}
        """,
        kind=kind, now=now, limit=limit,
    )  # fmt: skip
    return [from_row(JobRow, row) for row in sorted(rows, key=lambda row: int(row["job_id"]))]


async def next_due_at(db: Reads, *, kind: str) -> datetime | None:
    """Return when the next job of this kind is due."""
    row = await db.fetch_one(
        f"select due_at from jobs as job where kind = :kind and {STARTABLE} order by due_at, job_id limit 1", kind=kind
    )
    return datetime.fromisoformat(row["due_at"]) if row else None


async def delete_job(db: Database, job_id: int) -> None:
    await delete_rows(db, "jobs", job_id=job_id)


async def postpone_job(db: Database, job_id: int, *, due_at: datetime) -> None:
    """Return a job whose handler asked to run later. Its failures are forgotten."""
    await db.execute(
        "update jobs set state = 'todo', due_at = :due_at, attempts = 0 where job_id = :job_id",
        job_id=job_id, due_at=due_at,
    )  # fmt: skip


async def release_job(db: Database, job_id: int) -> None:
    """Return a job that was cancelled, which doesn't count as an attempt."""
    await db.execute(
        "update jobs set state = 'todo', attempts = attempts - 1 where job_id = :job_id and state = 'doing'",
        job_id=job_id,
    )


async def retry_job(db: Database, job_id: int, *, due_at: datetime, error: str) -> None:
    await db.execute(
        "update jobs set state = 'todo', due_at = :due_at, error = :error where job_id = :job_id",
        job_id=job_id, due_at=due_at, error=error,
    )  # fmt: skip


async def fail_job(db: Database, job_id: int, *, error: str) -> None:
    """Keep a job that isn't retried for the operator to see."""
    await db.execute(
        "update jobs set state = 'failed', error = :error where job_id = :job_id", job_id=job_id, error=error
    )


async def requeue_unfinished(db: Database) -> int:
    """Return the jobs that ran when the process died, and how many there were."""
    return await db.execute("update jobs set state = 'todo' where state = 'doing'")


async def pull_forward(db: Database, *, now: datetime, latest: datetime) -> int:
    """Make jobs due that block others of their key, or wait for a retry, until after ``latest``."""
    return await db.execute(
        """
        update jobs set due_at = :now
        where state = 'todo' and due_at > :latest and (key is not null or attempts > 0)
        """,
        now=now, latest=latest,
    )  # fmt: skip


async def pull_forward_until(db: Database, *, now: datetime, until: datetime) -> int:
    """Make all jobs due that wait for a time up to ``until``."""
    return await db.execute(
        "update jobs set due_at = :now where state = 'todo' and due_at > :now and due_at <= :until",
        now=now, until=until,
    )  # fmt: skip


async def count_due(db: Reads, *, now: datetime) -> int:
    """Count jobs that run or could run now."""
    rows = await db.fetch_all(
        f"select count(*) as due from jobs as job where state = 'doing' or (due_at <= :now and {STARTABLE})", now=now
    )
    return int(rows[0]["due"])


async def count_jobs(db: Reads) -> dict[str, int]:
    """Count jobs by state."""
    rows = await db.fetch_all("select state, count(*) as jobs from jobs group by state")
    return {row["state"]: row["jobs"] for row in rows}


async def list_unfinished(db: Reads) -> list[JobRow]:
    """Return waiting and running jobs in the order they were added."""
    return await fetch_rows(
        db, JobRow, f"select {columns(JobRow)} from jobs where state in ('todo', 'doing') order by job_id"
    )
