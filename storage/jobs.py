"""The job table of the local engine: what waits, what runs, what failed for good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.database import Database, Transaction, from_row


@dataclass(frozen=True, slots=True)
class JobRow:
    job_id: int
    kind: str
    key: str | None
    arguments: dict[str, Any]
    attempts: int
    due_at: datetime


class JobStore:
    def __init__(self, database: Database) -> None:
        self._db = database

    async def add_job(
        self, tx: Transaction, *, kind: str, key: str | None, arguments: Mapping[str, Any], due_at: datetime
    ) -> None:
        await tx.execute(
            """
            insert into jobs (kind, key, arguments, state, attempts, due_at)
            values (:kind, :key, :arguments, 'todo', 0, :due_at)
            """,
            kind=kind, key=key, arguments=dict(arguments), due_at=due_at,
        )  # fmt: skip

    async def claim_jobs(self, *, kind: str, now: datetime, limit: int) -> list[JobRow]:
        """Take up to ``limit`` due jobs; of a key only the oldest one, and none while an older one is unfinished."""

        async def claim(tx: Transaction) -> list[JobRow]:
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

        return await self._db.transaction(claim)

    async def next_due_at(self, *, kind: str) -> datetime | None:
        """When the next job that may run is due. Jobs behind an unfinished one of their key are not counted."""

        async def read(tx: Transaction) -> datetime | None:
            row = await tx.fetch_one(
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

        return await self._db.transaction(read)

    async def delete_job(self, job_id: int) -> None:
        await self._db.execute("delete from jobs where job_id = :job_id", job_id=job_id)

    async def postpone_job(self, job_id: int, *, due_at: datetime) -> None:
        """Not yet: the same job again at ``due_at``, its count of failures forgotten."""
        await self._db.execute(
            "update jobs set state = 'todo', due_at = :due_at, attempts = 0 where job_id = :job_id",
            job_id=job_id, due_at=due_at,
        )  # fmt: skip

    async def release_job(self, job_id: int) -> None:
        """It was cut off, which is no failure of its own."""
        await self._db.execute(
            "update jobs set state = 'todo', attempts = attempts - 1 where job_id = :job_id and state = 'doing'",
            job_id=job_id,
        )

    async def retry_job(self, job_id: int, *, due_at: datetime, error: str) -> None:
        """It broke: once more at ``due_at``."""
        await self._db.execute(
            "update jobs set state = 'todo', due_at = :due_at, error = :error where job_id = :job_id",
            job_id=job_id, due_at=due_at, error=error,
        )  # fmt: skip

    async def count_due(self, *, now: datetime) -> int:
        """Jobs that run, or could run now."""
        rows = await self._db.fetch_all(
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

    async def fail_job(self, job_id: int, *, error: str) -> None:
        await self._db.execute(
            "update jobs set state = 'failed', error = :error where job_id = :job_id", job_id=job_id, error=error
        )

    async def requeue_unfinished(self) -> int:
        """At start: whatever ran when the process died runs again."""
        return await self._db.execute("update jobs set state = 'todo' where state = 'doing'")

    async def list_unfinished(self) -> list[JobRow]:
        """What waits, in the order it was added."""
        rows = await self._db.fetch_all(
            """
            select job_id, kind, key, arguments, attempts, due_at from jobs
            where state in ('todo', 'doing') order by job_id
            """
        )
        return [from_row(JobRow, row) for row in rows]

    async def count_jobs(self) -> dict[str, int]:
        rows = await self._db.fetch_all("select state, count(*) as jobs from jobs group by state")
        return {row["state"]: row["jobs"] for row in rows}
