"""SQLite: a writer thread with group commit, and read-only connections for look-ups on the event loop and for lists.

Python threads share one interpreter lock, so a busy event loop delays the writer thread by milliseconds per statement.
Therefore a quick transaction runs on the loop while the writer is idle; only its commit, which waits for the disk, runs
in the writer thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from storage.database import DatabaseUnusable, Dialect, Row, Transaction, to_column
from storage.sqlite_file import connect, enable_wal, lock, make_private, translate_error

T = TypeVar("T")
NATIVE_TYPES = (str, int, type(None))
MAX_BATCH = 500
LOCK_TIMEOUT_SECONDS = 2.0
"""Shorter than the three seconds that Slack waits for an answer."""
LOCK_RETRY_SECONDS = 0.02
FOREIGN_AWAIT = "a transaction may await its own statements only"


def _execute(connection: sqlite3.Connection, sql: str, parameters: Mapping[str, object]) -> sqlite3.Cursor:
    values = {name: value if type(value) in NATIVE_TYPES else to_column(value) for name, value in parameters.items()}
    return connection.execute(sql, values)


def _read(connection: sqlite3.Connection, sql: str, parameters: Mapping[str, object]) -> list[Row]:
    try:
        return _execute(connection, sql, parameters).fetchall()
    except sqlite3.Error as error:
        raise translate_error(error) from error


@dataclass(slots=True)
class _SqliteTransaction:
    """Run statements inside the writer's savepoint. No method suspends, so a body can run without an event loop."""

    connection: sqlite3.Connection
    callbacks: list[Callable[[], None]]

    async def execute(self, sql: str, /, **parameters: object) -> int:
        return _execute(self.connection, sql, parameters).rowcount

    async def fetch_one(self, sql: str, /, **parameters: object) -> Row | None:
        rows = _execute(self.connection, sql, parameters).fetchall()
        return rows[0] if rows else None

    async def fetch_all(self, sql: str, /, **parameters: object) -> list[Row]:
        return _execute(self.connection, sql, parameters).fetchall()

    async def fetch_each(self, sql: str, parameters: Sequence[Mapping[str, object]], /) -> list[Row | None]:
        results = [_execute(self.connection, sql, each).fetchall() for each in parameters]
        return [rows[0] if rows else None for rows in results]

    def after_commit(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)


@dataclass(slots=True)
class WriteTask:
    """A transaction body queued for the writer, and the future its caller awaits."""

    body: Callable[[Transaction], Awaitable[Any]]
    future: asyncio.Future[Any]
    queued_at: float
    result: Any = None
    error: BaseException | None = None
    callbacks: Sequence[Callable[[], None]] = ()

    def run(self, connection: sqlite3.Connection) -> None:
        transaction = _SqliteTransaction(connection, [])
        self.result = run_sync(self.body(transaction))
        self.callbacks = transaction.callbacks

    def complete(self) -> None:
        for callback in () if self.error else self.callbacks:
            self.future.get_loop().call_soon(callback)  # before the caller resumes; if one raises, the others still run
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(translate_error(self.error))


@dataclass(slots=True)
class CommitBatch:
    """Tasks that share one SQLite transaction. With ``error`` set it is rolled back instead of committed."""

    tasks: list[WriteTask]
    error: sqlite3.Error | None = None

    def run(self, connection: sqlite3.Connection) -> None:
        """Run each task in a savepoint of its own, so that a failing one doesn't undo the others."""
        for task in self.tasks:
            connection.execute("savepoint task")
            try:
                task.run(connection)
            except BaseException as error:  # it belongs to the caller and must not end the writer thread
                task.error = error
                if connection.in_transaction:
                    connection.execute("rollback to task")
            if not connection.in_transaction:  # SQLite rolled everything back: the disk is full or a page is damaged
                undone = sqlite3.OperationalError("the transaction was undone by SQLite")
                self.error = task.error if isinstance(task.error, sqlite3.Error) else undone
                return
            connection.execute("release task")


def run_sync(body: Awaitable[T]) -> T:
    """Run a coroutine that never suspends, without an event loop."""
    coroutine = body.__await__()
    try:
        next(coroutine)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise RuntimeError(FOREIGN_AWAIT)


class SqliteDatabase:
    """A file that one process owns. See `storage.database.Database`."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        with contextlib.ExitStack() as opened:
            opened.enter_context(lock(path))
            try:
                make_private(path)
                self._writer = opened.enter_context(contextlib.closing(connect(str(path))))
                enable_wal(self._writer)
                self._writer.execute("pragma busy_timeout = 0")  # waits would block the event loop
                self._reader, self._lister = (
                    opened.enter_context(contextlib.closing(connect(f"{path.absolute().as_uri()}?mode=ro")))
                    for _ in range(2)
                )
            except (sqlite3.Error, OSError) as error:
                raise DatabaseUnusable(f"Cannot open the database file {path}: {error}.") from error
            self._opened = opened.pop_all()
        self._queue: queue.SimpleQueue[WriteTask | CommitBatch | None] = queue.SimpleQueue()
        self._pending = 0
        self._is_in_body = False
        self._loop = asyncio.get_running_loop()
        self._is_closed = False
        self._list_thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-reader")
        self._write_thread = threading.Thread(target=self._write, name="sqlite-writer", daemon=True)
        self._write_thread.start()

    async def transaction(self, body: Callable[[Transaction], Awaitable[T]], *, is_quick: bool = False) -> T:
        if self._is_closed:
            raise DatabaseUnusable("The database is closed.")
        task = WriteTask(body, self._loop.create_future(), time.monotonic())
        has_run = is_quick and not self._pending and self._run_on_loop(task)
        self._pending += 1
        self._queue.put(CommitBatch([task]) if has_run else task)
        result: T = await task.future
        return result

    async def execute(self, sql: str, /, **parameters: object) -> int:
        return await self.transaction(lambda tx: tx.execute(sql, **parameters))

    async def fetch_one(self, sql: str, /, **parameters: object) -> Row | None:
        self._refuse_in_body()
        # 8 µs on the loop, 100 µs through a thread; in WAL mode a reader never waits for the writer.
        rows = _read(self._reader, sql, parameters)
        return rows[0] if rows else None

    async def fetch_all(self, sql: str, /, **parameters: object) -> list[Row]:
        self._refuse_in_body()
        return await self._loop.run_in_executor(self._list_thread, _read, self._lister, sql, parameters)

    def _refuse_in_body(self) -> None:
        if self._is_in_body or threading.current_thread() is self._write_thread:
            raise RuntimeError(FOREIGN_AWAIT)

    async def close(self) -> None:
        """Finish queued transactions, then close. Safe to call twice."""
        self._is_closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._write_thread.join)
        self._list_thread.shutdown()
        self._opened.close()

    # On the event loop.

    def _run_on_loop(self, task: WriteTask) -> bool:
        """Run a quick task up to its commit. Return False if that fails: the writer thread then runs it again."""
        self._is_in_body = True
        try:
            self._begin(deadline=0)
            task.run(self._writer)
        except Exception:
            self._roll_back()
            return False
        finally:
            self._is_in_body = False
        return True

    def _complete(self, batch: CommitBatch) -> None:
        self._pending -= len(batch.tasks)
        for task in batch.tasks:
            task.complete()

    # In the writer thread.

    def _write(self) -> None:
        while (first := self._queue.get()) is not None:
            if isinstance(first, CommitBatch):  # has run on the loop while nothing else was pending
                self._finish(first)
                continue
            batch = CommitBatch([first])
            while len(batch.tasks) < MAX_BATCH and not self._queue.empty():
                task = self._queue.get()
                if task is None:
                    self._write_batch(batch)
                    return
                assert isinstance(task, WriteTask)
                batch.tasks.append(task)
            self._write_batch(batch)

    def _write_batch(self, batch: CommitBatch) -> None:
        try:
            self._begin(deadline=batch.tasks[0].queued_at + LOCK_TIMEOUT_SECONDS)
            batch.run(self._writer)
        except sqlite3.Error as error:
            batch.error = error
        self._finish(batch)

    def _begin(self, *, deadline: float) -> None:
        """Begin a transaction, retrying while another process has locked the file."""
        if self._writer.in_transaction:  # the rollback of the last batch failed, too
            self._writer.execute("rollback")
        while True:
            try:
                self._writer.execute("begin immediate")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(LOCK_RETRY_SECONDS)

    def _finish(self, batch: CommitBatch) -> None:
        """Commit, or roll back and fail every task of the batch: the disk is full, or the file is locked."""
        try:
            if batch.error is not None:
                raise batch.error
            self._writer.execute("commit")
        except sqlite3.Error as error:
            self._roll_back()
            for task in batch.tasks:
                task.error = task.error or error
        self._loop.call_soon_threadsafe(self._complete, batch)

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._writer.in_transaction:
                self._writer.execute("rollback")
