"""SQLite: one writer thread with group commit; look-ups on the loop and lists in a thread, both read-only."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import queue
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TextIO, TypeVar

import sqlite_utils

from storage.database import DatabaseInUse, DatabaseTrouble, DatabaseUnusable, Dialect, Row, Transaction, to_column

T = TypeVar("T")
BATCH = 500
FOREIGN = "a transaction may await its own statements only"
PRAGMAS = ("synchronous = full", "busy_timeout = 2000", "foreign_keys = on")
TROUBLES = {
    sqlite3.SQLITE_FULL: "The disk that holds the database is full.",
    sqlite3.SQLITE_IOERR: "The disk refuses to read or write the database.",
    sqlite3.SQLITE_READONLY: "The database file may not be written to.",
    sqlite3.SQLITE_CANTOPEN: "The database file can no longer be opened.",
    sqlite3.SQLITE_BUSY: "Another process, like a backup, keeps the database locked.",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged: stop Buildbell and restore a backup.",
}
"""What an error of the disk means, by its primary code. https://www.sqlite.org/rescode.html"""


def _plain(error: BaseException) -> BaseException:
    """What the disk did to us as `DatabaseTrouble`; any other error as it is."""
    trouble = TROUBLES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    if trouble is None:
        return error
    plain = DatabaseTrouble(trouble)
    plain.__cause__ = error
    return plain


def _fetch(connection: sqlite3.Connection, sql: str, parameters: dict[str, object]) -> list[Row]:
    return connection.execute(sql, {name: to_column(value) for name, value in parameters.items()}).fetchall()


def _read(connection: sqlite3.Connection, sql: str, parameters: dict[str, object]) -> list[Row]:
    try:
        return _fetch(connection, sql, parameters)
    except sqlite3.Error as error:
        raise _plain(error) from error


class _SqliteTransaction:
    """Statements inside the writer's savepoint. Its methods never suspend, so the writer's thread can run a body."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.committed: list[Callable[[], None]] = []

    async def execute(self, sql: str, /, **parameters: object) -> int:
        values = {name: to_column(value) for name, value in parameters.items()}
        return self._connection.execute(sql, values).rowcount

    async def fetch_one(self, sql: str, /, **parameters: object) -> Row | None:
        rows = _fetch(self._connection, sql, parameters)
        return rows[0] if rows else None

    async def fetch_all(self, sql: str, /, **parameters: object) -> list[Row]:
        return _fetch(self._connection, sql, parameters)

    def after_commit(self, callback: Callable[[], None]) -> None:
        self.committed.append(callback)


class _Call:
    """A transaction body on its way through the writer, and the future that awaits it."""

    def __init__(self, body: Callable[[Transaction], Awaitable[Any]], future: asyncio.Future[Any]) -> None:
        self.body, self.future = body, future
        self.result: Any = None
        self.error: BaseException | None = None
        self.committed: list[Callable[[], None]] = []

    def run(self, connection: sqlite3.Connection) -> None:
        """Run the body in a savepoint of its own, so that one failing call does not undo its neighbours."""
        transaction = _SqliteTransaction(connection)
        connection.execute("savepoint call")
        try:
            self.result = _drive(self.body(transaction))
            self.committed = transaction.committed
        except BaseException as error:  # whatever it is, it belongs to the caller and must not end the writer
            self.error = error
            if connection.in_transaction:
                connection.execute("rollback to call")
        if connection.in_transaction:
            connection.execute("release call")

    def settle(self) -> None:
        for callback in () if self.error else self.committed:
            self.future.get_loop().call_soon(callback)  # before the caller goes on; one that breaks harms nobody
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(_plain(self.error))


def _drive(body: Awaitable[T]) -> T:
    """Run a coroutine that never really waits, without an event loop."""
    coroutine = body.__await__()
    try:
        next(coroutine)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise RuntimeError(FOREIGN)


class SqliteDatabase:
    """One file, one process. See `storage.database.Database`."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        with contextlib.ExitStack() as opened:
            opened.enter_context(_lock(path))
            try:
                self._writer = opened.enter_context(contextlib.closing(_connect(str(path))))
                sqlite_utils.Database(self._writer).enable_wal()
                self._reader, self._lister = (
                    opened.enter_context(contextlib.closing(_connect(f"{path.absolute().as_uri()}?mode=ro")))
                    for _ in range(2)
                )
            except sqlite3.Error as error:
                raise DatabaseUnusable(f"The database file {path} cannot be opened: {error}.") from error
            self._opened = opened.pop_all()
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._is_closed = False
        self._list_thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-reader")
        self._write_thread = threading.Thread(target=self._write, name="sqlite-writer", daemon=True)
        self._write_thread.start()

    async def transaction(self, body: Callable[[Transaction], Awaitable[T]]) -> T:
        if self._is_closed:
            raise DatabaseUnusable("The database is closed.")
        call = _Call(body, self._loop.create_future())
        self._calls.put(call)
        result: T = await call.future
        return result

    async def execute(self, sql: str, /, **parameters: object) -> int:
        return await self.transaction(lambda tx: tx.execute(sql, **parameters))

    async def fetch_one(self, sql: str, /, **parameters: object) -> Row | None:
        self._refuse_in_body()
        # 8 µs on the loop against 100 µs through a thread; a WAL reader never waits for the writer.
        rows = _read(self._reader, sql, parameters)
        return rows[0] if rows else None

    async def fetch_all(self, sql: str, /, **parameters: object) -> list[Row]:
        self._refuse_in_body()
        return await self._loop.run_in_executor(self._list_thread, _read, self._lister, sql, parameters)

    def _refuse_in_body(self) -> None:
        if threading.current_thread() is self._write_thread:
            raise RuntimeError(FOREIGN)

    async def close(self) -> None:
        """Write what waits, then close; safe to call twice."""
        self._is_closed = True
        self._calls.put(None)
        await asyncio.to_thread(self._write_thread.join)
        self._list_thread.shutdown()
        self._opened.close()

    def _write(self) -> None:
        while (first := self._calls.get()) is not None:
            batch = [first]
            stop = False
            while len(batch) < BATCH and not self._calls.empty():
                call = self._calls.get()
                if call is None:
                    stop = True
                    break
                batch.append(call)
            self._commit(batch)
            if stop:
                return

    def _commit(self, batch: list[_Call]) -> None:
        try:
            self._undo()  # a disk that refused to take back the last group, too
            self._writer.execute("begin immediate")
            for call in batch:
                call.run(self._writer)
                if not self._writer.in_transaction:  # SQLite took everything back: the disk is full, a page is broken
                    undone = sqlite3.OperationalError("the transaction was undone by SQLite")
                    raise call.error if isinstance(call.error, sqlite3.Error) else undone
            self._writer.execute("commit")
        except sqlite3.Error as error:  # the disk is full, the file is locked: nobody's call happened
            with contextlib.suppress(sqlite3.Error):
                self._undo()
            for call in batch:
                call.error = call.error or error
        self._loop.call_soon_threadsafe(_settle, batch)

    def _undo(self) -> None:
        if self._writer.in_transaction:
            self._writer.execute("rollback")


def _settle(batch: list[_Call]) -> None:
    for call in batch:
        call.settle()


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, uri=path.startswith("file:"), isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        for pragma in PRAGMAS:
            connection.execute(f"pragma {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _lock(path: Path) -> TextIO:
    """Hold ``<path>.lock`` for as long as this process lives: two writers would both send every message."""
    try:
        handle = path.with_name(path.name + ".lock").open("w")
    except OSError as error:
        raise DatabaseUnusable(f"The folder of {path} cannot be written to: {error.strerror}.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise DatabaseInUse(
            f"Another process already works with {path}. SQLite serves one Buildbell; stop the other one first."
        ) from error
    return handle
