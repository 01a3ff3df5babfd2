"""PostgreSQL: a connection pool, and serializable transactions that are retried when two of them conflict."""

from __future__ import annotations

import asyncio
import contextlib
import random
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from storage.database import CommitUnknown, DatabaseUnavailable, DatabaseUnusable, Dialect, Row, Transaction, db_timeout
from storage.postgres_connection import (
    TIMEOUTS,
    Connection,
    check_server,
    configure,
    connection_options,
    is_connection_lost,
    is_retryable,
    is_unreachable,
)
from storage.postgres_transaction import DeferredStatement, PostgresTransaction, fetch

T = TypeVar("T")
Pool = AsyncConnectionPool[Connection]
MAX_CONNECTIONS = 10
UNREACHABLE = "Can't reach PostgreSQL."
EXCLUSIVE_SECONDS = 3.0
"""For how long an exclusive transaction may hold up all others: one second for the lock, the rest for its work."""
BEGIN = "begin isolation level serializable"
BEGIN_SHARED = f"{BEGIN}; lock table schema_version in row share mode"
BEGIN_EXCLUSIVE = f"""
    {BEGIN}; set local lock_timeout = '1s'; lock table schema_version in exclusive mode; set local lock_timeout = '10s'
"""
"""The lock comes before the snapshot, so that a transaction that waited for it sees what was committed meanwhile."""


class PostgresDatabase:
    """A server that any number of processes share. See `storage.database.Database`."""

    dialect: Dialect = "postgresql"

    def __init__(self, pool: Pool, connect: Callable[[], Awaitable[AsyncConnection]]) -> None:
        self.pool, self._connect = pool, connect
        self._is_closed = False
        self._is_in_body = False
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._retry_lock = asyncio.Lock()
        self.can_lock = False
        """Set once the table exists that transactions lock to run exclusively."""

    @classmethod
    async def open(cls, url: str) -> PostgresDatabase:
        """Raises `DatabaseUnusable` if the server can't be used."""
        options = connection_options(url)
        await check_server(url, options)
        pool: Pool = AsyncConnectionPool(
            url, min_size=1, max_size=MAX_CONNECTIONS, open=False, configure=configure,
            kwargs=options | {"row_factory": dict_row}, name="buildbell",
        )  # fmt: skip
        await pool.open()
        return cls(pool, partial(AsyncConnection.connect, url, autocommit=True, **options))

    async def transaction(self, body: Callable[[Transaction], Awaitable[T]], *, is_quick: bool = False) -> T:
        """Run ``body``, several times if it conflicts with other transactions; only its last run takes effect."""
        with self._counted():
            tx, result = await self._retry(partial(self._try, body), again=partial(self._try_exclusively, body))
        for callback in tx.callbacks:
            asyncio.get_running_loop().call_soon(callback)  # if one raises, the others still run
        if tx.callbacks:
            await asyncio.sleep(0)  # they run before the caller resumes
        return result

    async def execute(self, sql: str, /, **parameters: object) -> int:
        return await self.transaction(lambda tx: tx.execute(sql, **parameters))

    async def fetch_one(self, sql: str, /, **parameters: object) -> Row | None:
        rows = await self.fetch_all(sql, **parameters)
        return rows[0] if rows else None

    async def fetch_all(self, sql: str, /, **parameters: object) -> list[Row]:
        with self._counted():
            return await self._retry(partial(self._read, sql, parameters))

    async def close(self) -> None:
        """Wait for running transactions, then close. Safe to call twice."""
        self._is_closed = True
        await self._idle.wait()
        await self.pool.close()

    @contextlib.asynccontextmanager
    async def advisory_lock(self, name: str, *, wait: bool = True) -> AsyncIterator[bool]:
        """Hold a lock that one process at a time can have. Without ``wait``, yield False if another has it."""
        key = zlib.crc32(f"buildbell {name}".encode())
        async with self.pool.connection() as connection:
            if wait:
                await connection.execute("set lock_timeout = 0; set statement_timeout = 0")
                await connection.execute("select pg_advisory_lock(%s)", [key])
                await connection.execute(TIMEOUTS)
            cursor = await connection.execute("select pg_try_advisory_lock(%s) as is_ours", [key])
            row = await cursor.fetchone()
            try:
                yield bool(row and row["is_ours"])
            finally:
                with contextlib.suppress(psycopg.OperationalError):  # a lost connection holds no lock
                    await connection.execute("select pg_advisory_unlock_all()")

    async def listen(self, channels: Iterable[str]) -> AsyncIterator[str]:
        """Yield the channel of each notification, received on a connection outside the pool."""
        async with await self._connect() as connection:
            for channel in channels:
                await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
            async for notification in connection.notifies():
                yield notification.channel

    @contextlib.contextmanager
    def _counted(self) -> Generator[None]:
        if self._is_in_body:
            raise RuntimeError("a transaction may await its own statements only")
        if self._is_closed:
            raise DatabaseUnusable("The database is closed.")
        self._running += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def _retry(
        self, attempt: Callable[[], Awaitable[T]], *, again: Callable[[], Awaitable[T]] | None = None
    ) -> T:
        """Retry after a conflict or a lost connection, unless the commit may have succeeded."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + db_timeout.get()
        try:
            return await attempt()
        except Exception as error:
            await self._pause_before_retry(error, is_late=loop.time() > deadline)
        async with self._retry_turn(deadline):  # one at a time: together they would conflict again
            while True:
                try:
                    return await (again or attempt)()
                except Exception as error:
                    await self._pause_before_retry(error, is_late=loop.time() > deadline)

    @contextlib.asynccontextmanager
    async def _retry_turn(self, deadline: float) -> AsyncIterator[None]:
        """Raises `DatabaseUnavailable` if other retries take until the deadline."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._retry_lock.acquire()
        except TimeoutError:
            raise DatabaseUnavailable(UNREACHABLE) from None
        try:
            yield
        finally:
            self._retry_lock.release()

    async def _pause_before_retry(self, error: Exception, *, is_late: bool) -> None:
        """Wait a moment, or raise the error if it can't be retried."""
        if is_late or not is_retryable(error):
            if is_unreachable(error) and not isinstance(error, CommitUnknown):
                raise DatabaseUnavailable(UNREACHABLE) from error
            raise error
        if is_unreachable(error):
            await self.pool.check()
        await asyncio.sleep(random.uniform(0.002, 0.02))

    def _connection(self) -> AbstractAsyncContextManager[Connection]:
        return self.pool.connection(timeout=db_timeout.get())

    async def _read(self, sql: str, parameters: dict[str, object]) -> list[Row]:
        async with self._connection() as connection:
            return await fetch(connection, sql, parameters)

    async def _try_exclusively(self, body: Callable[[Transaction], Awaitable[T]]) -> tuple[PostgresTransaction, T]:
        """Run ``body`` while no other transaction runs; beside the others if the lock or the body takes too long."""
        if self.can_lock:
            with contextlib.suppress(psycopg.errors.LockNotAvailable, TimeoutError):
                return await self._try(body, begin=BEGIN_EXCLUSIVE, within_seconds=EXCLUSIVE_SECONDS)
        return await self._try(body)

    async def _try(
        self,
        body: Callable[[Transaction], Awaitable[T]],
        *,
        begin: str | None = None,
        within_seconds: float | None = None,
    ) -> tuple[PostgresTransaction, T]:
        """Run ``body`` once. ``within_seconds`` doesn't limit the commit: an interrupted one may have succeeded."""
        tx = PostgresTransaction()
        async with self._connection() as connection:
            try:
                async with asyncio.timeout(within_seconds):
                    await connection.execute(begin or (BEGIN_SHARED if self.can_lock else BEGIN))
                    result = await self._run_body(body(tx), connection)
            except BaseException:
                await _roll_back(connection)
                raise
            await _commit(connection)
        return tx, result

    async def _run_body(self, body: Awaitable[T], connection: Connection) -> T:
        """Drive a body, executing each statement it awaits. Awaiting anything else raises, as it does on SQLite."""
        coroutine: Any = body.__await__()
        advance = partial(coroutine.send, None)
        try:
            while isinstance(statement := self._advance(advance), DeferredStatement):
                try:
                    advance = partial(coroutine.send, await statement.run(connection))
                except BaseException as error:
                    advance = partial(coroutine.throw, error)
        except StopIteration as stop:
            result: T = stop.value
            return result
        coroutine.close()
        raise RuntimeError("a transaction may await its own statements only")

    def _advance(self, advance: Callable[[], object]) -> object:
        self._is_in_body = True
        try:
            return advance()
        finally:
            self._is_in_body = False


async def _commit(connection: Connection) -> None:
    try:
        await connection.execute("commit")
    except psycopg.OperationalError as error:
        if is_connection_lost(error):
            raise CommitUnknown("the connection to PostgreSQL broke during a commit") from error
        raise


async def _roll_back(connection: Connection) -> None:
    with contextlib.suppress(psycopg.Error):  # the server has rolled back a broken connection
        await connection.execute("rollback")
