"""Copy everything from SQLite to an empty PostgreSQL, in one transaction that also verifies every row."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from bot.clock import SystemClock
from bot.engine import Engine, Job, engine_for
from bot.errors import StartupFailed
from storage import Database, Transaction, absent_file, is_postgres, open_database
from storage import jobs as job_rows

if TYPE_CHECKING:
    from storage.copy import Table

NOT_EMPTY = "The target database isn't empty, so nothing was copied. Create a new database and copy into that."


class CopyFailed(StartupFailed):
    """Nothing was copied; the sentence says why."""


async def copy_database(source_url: str, target_url: str) -> list[str]:
    """Return one line for each table. Raises `CopyFailed`, which leaves the target unchanged."""
    if is_postgres(source_url) or not is_postgres(target_url):
        raise CopyFailed("Can only copy from sqlite:///… to postgresql://….")
    if absent := await asyncio.to_thread(absent_file, source_url):
        raise CopyFailed(f"{absent} doesn't exist, so nothing was copied.")
    source = await open_database(source_url)
    try:
        target = await open_database(target_url)
        try:
            return await _copy(source, target)
        finally:
            await target.close()
    finally:
        await source.close()


async def _copy(source: Database, target: Database) -> list[str]:
    from storage.copy import CopyMismatch, list_tables

    tables = await list_tables(source)
    jobs = [Job(row.kind, row.arguments, row.key, row.due_at) for row in await job_rows.list_unfinished(source)]
    engine = engine_for(target, clock=SystemClock())
    try:
        counts = await target.transaction(partial(_copy_rows, source=source, tables=tables, engine=engine, jobs=jobs))
    except CopyMismatch as error:
        raise CopyFailed(f"{error}; nothing was copied.") from error
    await target.execute("analyze")  # the planner would scan whole tables that it knows as empty
    failed = (await job_rows.count_jobs(source)).get("failed", 0)
    left_behind = f"{failed} failed {'job' if failed == 1 else 'jobs'} not copied"
    lines = [f"{table.name}: {count} {'row' if count == 1 else 'rows'}" for table, count in counts]
    return [*lines, f"jobs: {len(jobs)} pending, in order; {left_behind}"]


async def _copy_rows(
    tx: Transaction, *, source: Database, tables: Sequence[Table], engine: Engine, jobs: Sequence[Job]
) -> list[tuple[Table, int]]:
    from storage.copy import copy_table, is_empty
    from storage.postgres_transaction import PostgresTransaction

    assert isinstance(tx, PostgresTransaction)

    async def copy_tables(connection: Any) -> list[tuple[Table, int]]:
        if not await is_empty(connection, list(tables)):
            raise CopyFailed(NOT_EMPTY)
        return [(table, await copy_table(connection, source, table)) for table in tables]

    counts = await tx.with_connection(copy_tables)
    for job in jobs:
        await engine.enqueue(tx, job)
    return counts
