"""SQLite: one writer thread with group commit; look-ups on the loop and lists in a thread, both read-only.

Two threads of Python take turns, and a busy loop lets the writer have its turn after milliseconds only, statement by
statement. So quick transactions run on the loop while the writer rests, and only their commit, which waits for the
disk, is the writer's.
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
from pathlib import Path
from typing import Any, TypeVar

from storage.database import DatabaseUnusable, Dialect, Row, Transaction, to_column
from storage.sqlite_file import connect, enable_wal, lock, make_private, plain

T = TypeVar("T")
PLAIN = (str, int, type(None))
"""What SQLite stores as it is: most of what there is."""
BATCH = 500
LOCKED_SECONDS = 2.0
"""Less than a person in Slack waits for an answer."""
LOCKED_PAUSE_SECONDS = 0.02
FOREIGN = "a transaction may await its own statements only"


def _fetch(connection: sqlite3.Connection, sql: str, parameters: Mapping[str, object]) -> list[Row]:
    return connection.execute(sql, _columns(parameters)).fetchall()


def _columns(parameters: Mapping[str, object]) -> dict[str, object]:
    return {name: value if type(value) in PLAIN else to_column(value) for name, value in parameters.items()}


def _read(connection: sqlite3.Connection, sql: str, parameters: Mapping[str, object]) -> list[Row]:
    try:
        return _fetch(connection, sql, parameters)
    except sqlite3.Error as error:
        raise plain(error) from error


class _SqliteTransaction:
    """Statements inside the writer's savepoint. Its methods never suspend, so the writer's thread can run a body."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.committed: list[Callable[[], None]] = []

    async def execute(self, sql: str, /, **parameters: object) -> int:
        return self._connection.execute(sql, _columns(parameters)).rowcount

    async def fetch_one(self, sql: str, /, **parameters: object) -> Row | None:
        rows = _fetch(self._connection, sql, parameters)
        return rows[0] if rows else None

    async def fetch_all(self, sql: str, /, **parameters: object) -> list[Row]:
        return _fetch(self._connection, sql, parameters)

    async def fetch_each(self, sql: str, parameters: Sequence[Mapping[str, object]], /) -> list[Row | None]:
        found = [_fetch(self._connection, sql, each) for each in parameters]
        return [rows[0] if rows else None for rows in found]

    def after_commit(self, callback: Callable[[], None]) -> None:
        self.committed.append(callback)


class _Call:
    """A transaction body on its way through the writer, and the future that awaits it."""

    def __init__(self, body: Callable[[Transaction], Awaitable[Any]], future: asyncio.Future[Any]) -> None:
        self.body, self.future, self.since = body, future, time.monotonic()
        self.result: Any = None
        self.error: BaseException | None = None
        self.committed: list[Callable[[], None]] = []

    def run(self, connection: sqlite3.Connection) -> None:
        """Run the body in a savepoint of its own, so that one failing call does not undo its neighbours."""
        connection.execute("savepoint call")
        try:
            self.run_bare(connection)
        except BaseException as error:  # whatever it is, it belongs to the caller and must not end the writer
            self.error = error
            if connection.in_transaction:
                connection.execute("rollback to call")
        if connection.in_transaction:
            connection.execute("release call")

    def run_bare(self, connection: sqlite3.Connection) -> None:
        """Run the body. Raises what it raises, and whoever shares the transaction is undone with it."""
        transaction = _SqliteTransaction(connection)
        self.result = _drive(self.body(transaction))
        self.committed = transaction.committed

    def settle(self) -> None:
        for callback in () if self.error else self.committed:
            self.future.get_loop().call_soon(callback)  # before the caller goes on; one that breaks harms nobody
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(plain(self.error))


class _Group:
    """Calls that become one transaction of SQLite's. ``trouble`` is what makes it end without a commit."""

    def __init__(self, calls: list[_Call]) -> None:
        self.calls = calls
        self.trouble: sqlite3.Error | None = None

    def run(self, connection: sqlite3.Connection) -> None:
        for call in self.calls:
            call.run(connection)
            if not connection.in_transaction:  # SQLite took everything back: the disk is full, a page is broken
                undone = sqlite3.OperationalError("the transaction was undone by SQLite")
                self.trouble = call.error if isinstance(call.error, sqlite3.Error) else undone
                return

    def fail(self, error: sqlite3.Error) -> None:
        for call in self.calls:
            call.error = call.error or error

    def settle(self) -> None:
        for call in self.calls:
            call.settle()


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
            opened.enter_context(lock(path))
            try:
                make_private(path)
                self._writer = opened.enter_context(contextlib.closing(connect(str(path))))
                enable_wal(self._writer)
                self._writer.execute("pragma busy_timeout = 0")  # from here on waiting is for the thread alone
                self._reader, self._lister = (
                    opened.enter_context(contextlib.closing(connect(f"{path.absolute().as_uri()}?mode=ro")))
                    for _ in range(2)
                )
            except (sqlite3.Error, OSError) as error:
                raise DatabaseUnusable(f"The database file {path} cannot be opened: {error}.") from error
            self._opened = opened.pop_all()
        self._calls: queue.SimpleQueue[_Call | _Group | None] = queue.SimpleQueue()
        self._on_their_way = 0
        self._is_in_body = False
        self._loop = asyncio.get_running_loop()
        self._is_closed = False
        self._list_thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-reader")
        self._write_thread = threading.Thread(target=self._write, name="sqlite-writer", daemon=True)
        self._write_thread.start()

    async def transaction(self, body: Callable[[Transaction], Awaitable[T]], *, is_quick: bool = False) -> T:
        if self._is_closed:
            raise DatabaseUnusable("The database is closed.")
        call = _Call(body, self._loop.create_future())
        is_run = is_quick and not self._on_their_way and self._run_at_once(call)
        self._on_their_way += 1
        self._calls.put(_Group([call]) if is_run else call)
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
        if self._is_in_body or threading.current_thread() is self._write_thread:
            raise RuntimeError(FOREIGN)

    async def close(self) -> None:
        """Write what waits, then close; safe to call twice."""
        self._is_closed = True
        self._calls.put(None)
        await asyncio.to_thread(self._write_thread.join)
        self._list_thread.shutdown()
        self._opened.close()

    # On the loop.

    def _run_at_once(self, call: _Call) -> bool:
        """All of a quick call but its commit, while the writer rests.

        False when anything is in the way, a locked file or a broken body: the writer's thread sorts it out.
        """
        self._is_in_body = True
        try:
            self._undo()
            self._writer.execute("begin immediate")
            call.run_bare(self._writer)
        except Exception:
            with contextlib.suppress(sqlite3.Error):
                self._undo()
            return False
        finally:
            self._is_in_body = False
        return True

    def _settle(self, group: _Group) -> None:
        self._on_their_way -= len(group.calls)
        group.settle()

    # In the writer's thread.

    def _write(self) -> None:
        while (first := self._calls.get()) is not None:
            if isinstance(first, _Group):  # run already, while nothing else was on its way
                self._end(first)
                continue
            group = _Group([first])
            while len(group.calls) < BATCH and not self._calls.empty():
                call = self._calls.get()
                if call is None:
                    self._write_group(group)
                    return
                assert isinstance(call, _Call)
                group.calls.append(call)
            self._write_group(group)

    def _write_group(self, group: _Group) -> None:
        try:
            self._undo()  # a disk that refused to take back the last group, too
            self._begin(until=group.calls[0].since + LOCKED_SECONDS)
            group.run(self._writer)
        except sqlite3.Error as error:
            group.trouble = error
        self._end(group)

    def _begin(self, *, until: float) -> None:
        """Wait for another process that has locked the file, a while."""
        while True:
            try:
                self._writer.execute("begin immediate")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(LOCKED_PAUSE_SECONDS)

    def _end(self, group: _Group) -> None:
        """Commit. When the disk is full or the file is locked, nobody's call happened."""
        try:
            if group.trouble is not None:
                raise group.trouble
            self._writer.execute("commit")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._undo()
            group.fail(error)
        self._loop.call_soon_threadsafe(self._settle, group)

    def _undo(self) -> None:
        if self._writer.in_transaction:
            self._writer.execute("rollback")
