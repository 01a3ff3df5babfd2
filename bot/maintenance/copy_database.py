"""Move up: copy everything from SQLite into an empty PostgreSQL. It counts only when every row has arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from bot.clock import SystemClock
from bot.engine import Engine, Job, engine_for
from bot.errors import StartupFailed
from storage import Database, Transaction, absent_file, is_postgres, open_database
from storage.jobs import JobStore

if TYPE_CHECKING:
    from storage.copy import Table

NOT_EMPTY = "The target holds something already, so nothing was copied. Make a new database and copy into that."


class CopyFailed(StartupFailed):
    """Nothing was copied; the sentence says why."""


async def copy_database(source_url: str, target_url: str) -> list[str]:
    """Returns what was copied, a sentence each. Raises `CopyFailed`; then the target is as it was."""
    if is_postgres(source_url) or not is_postgres(target_url):
        raise CopyFailed("Copying goes from sqlite:///… to postgresql://…, and in no other direction.")
    if absent := await asyncio.to_thread(absent_file, source_url):
        raise CopyFailed(f"There is no file {absent}, so nothing was copied.")
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

    tables, rows = await list_tables(source), JobStore(source)
    jobs = [Job(row.kind, row.arguments, row.key, row.due_at) for row in await rows.list_unfinished()]
    engine = engine_for(target, clock=SystemClock())
    try:
        counts = await target.transaction(partial(_carry, source=source, tables=tables, engine=engine, jobs=jobs))
    except CopyMismatch as error:
        raise CopyFailed(f"{error}; nothing was copied.") from error
    await target.execute("analyze")  # plans for tables that were empty until now would read all of them
    failed = (await rows.count_jobs()).get("failed", 0)
    behind = f"{failed} that {'was given up stays' if failed == 1 else 'were given up stay'} behind"
    told = [f"{table.name}: {count} {'row' if count == 1 else 'rows'}" for table, count in counts]
    return [*told, f"jobs: {len(jobs)} that wait, in their order; {behind}"]


async def _carry(
    tx: Transaction, *, source: Database, tables: Sequence[Table], engine: Engine, jobs: Sequence[Job]
) -> list[tuple[Table, int]]:
    from storage.copy import copy_table, is_empty
    from storage.postgres_transaction import PostgresTransaction

    assert isinstance(tx, PostgresTransaction)

    async def move(connection: Any) -> list[tuple[Table, int]]:
        if not await is_empty(connection, list(tables)):
            raise CopyFailed(NOT_EMPTY)
        return [(table, await copy_table(connection, source, table)) for table in tables]

    counts = await tx.with_connection(move)
    for job in jobs:
        await engine.enqueue(tx, job)
    return counts
