"""PostgreSQL: a pool of connections; transactions as strict as SQLite's, tried again when two of them collide."""

from __future__ import annotations

import asyncio
import contextlib
import random
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from storage.database import CommitUnknown, DatabaseUnavailable, DatabaseUnusable, Dialect, Row, Transaction, db_timeout
from storage.postgres_connection import (
    LIMITS,
    Connection,
    configure,
    greet,
    is_away,
    is_lost,
    may_be_tried_again,
    options_beside,
)
from storage.postgres_transaction import PostgresTransaction, Step, fetch

T = TypeVar("T")
Pool = AsyncConnectionPool[Connection]
MOST_CONNECTIONS = 10
AWAY = "PostgreSQL cannot be reached just now."
ALONE_SECONDS = 3.0
"""For so long everybody else may wait: a second for the lock, and the rest for the work."""
BEGIN = "begin isolation level serializable"
AMONG_OTHERS = f"{BEGIN}; lock table schema_version in row share mode"
ALONE = f"""
    {BEGIN}; set local lock_timeout = '1s'; lock table schema_version in exclusive mode; set local lock_timeout = '10s'
"""
"""Locking a table comes before the snapshot is taken, so that who has waited sees what was done meanwhile."""


class PostgresDatabase:
    """One server, any number of processes. See `storage.database.Database`."""

    dialect: Dialect = "postgresql"

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._is_closed = False
        self._is_in_body = False
        self._running = 0
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._again = asyncio.Lock()
        self.takes_turns = False
        """Set once there is the table that transactions lock to let one go alone."""

    @classmethod
    async def open(cls, url: str) -> PostgresDatabase:
        """Raises `DatabaseUnusable` when the server does not take us."""
        options = options_beside(url)
        await greet(url, options)
        pool: Pool = AsyncConnectionPool(
            url, min_size=1, max_size=MOST_CONNECTIONS, open=False, configure=configure,
            kwargs=options | {"row_factory": dict_row}, name="buildbell",
        )  # fmt: skip
        await pool.open()
        return cls(pool)

    async def transaction(self, body: Callable[[Transaction], Awaitable[T]], *, is_quick: bool = False) -> T:
        """A body may run several times; only what its last run did is there."""
        with self._busy():
            tx, result = await self._tried(partial(self._try, body), again=partial(self._try_alone, body))
        for callback in tx.committed:
            asyncio.get_running_loop().call_soon(callback)  # one that breaks harms nobody
        if tx.committed:
            await asyncio.sleep(0)  # they come before the caller goes on
        return result

    async def execute(self, sql: str, /, **parameters: object) -> int:
        return await self.transaction(lambda tx: tx.execute(sql, **parameters))

    async def fetch_one(self, sql: str, /, **parameters: object) -> Row | None:
        rows = await self.fetch_all(sql, **parameters)
        return rows[0] if rows else None

    async def fetch_all(self, sql: str, /, **parameters: object) -> list[Row]:
        with self._busy():
            return await self._tried(partial(self._read, sql, parameters))

    async def close(self) -> None:
        """Finish what runs, then close; safe to call twice."""
        self._is_closed = True
        await self._at_rest.wait()
        await self.pool.close()

    @contextlib.asynccontextmanager
    async def alone(self, name: str, *, waits: bool = True) -> AsyncIterator[bool]:
        """Hold an advisory lock, which one process at a time can have; False when it ``waits`` not and is too late."""
        key = zlib.crc32(f"buildbell {name}".encode())
        async with self.pool.connection() as connection:
            if waits:
                await connection.execute("set lock_timeout = 0; set statement_timeout = 0")
                await connection.execute("select pg_advisory_lock(%s)", [key])
                await connection.execute(LIMITS)
            cursor = await connection.execute("select pg_try_advisory_lock(%s) as is_ours", [key])
            row = await cursor.fetchone()
            try:
                yield bool(row and row["is_ours"])
            finally:
                with contextlib.suppress(psycopg.OperationalError):  # a connection that is gone holds no lock
                    await connection.execute("select pg_advisory_unlock_all()")

    @contextlib.contextmanager
    def _busy(self) -> Generator[None]:
        if self._is_in_body:
            raise RuntimeError("a transaction may await its own statements only")
        if self._is_closed:
            raise DatabaseUnusable("The database is closed.")
        self._running += 1
        self._at_rest.clear()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._at_rest.set()

    async def _tried(
        self, attempt: Callable[[], Awaitable[T]], *, again: Callable[[], Awaitable[T]] | None = None
    ) -> T:
        """Try again what collided with another transaction or lost its connection, if it cannot have happened."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + db_timeout.get()
        try:
            return await attempt()
        except Exception as error:
            await self._before_another(error, is_late=loop.time() > deadline)
        async with self._turn(deadline):  # one at a time: those that collided once would only collide again
            while True:
                try:
                    return await (again or attempt)()
                except Exception as error:
                    await self._before_another(error, is_late=loop.time() > deadline)

    @contextlib.asynccontextmanager
    async def _turn(self, deadline: float) -> AsyncIterator[None]:
        """Raises `DatabaseUnavailable` when others have been at it for too long."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._again.acquire()
        except TimeoutError:
            raise DatabaseUnavailable(AWAY) from None
        try:
            yield
        finally:
            self._again.release()

    async def _before_another(self, error: Exception, *, is_late: bool) -> None:
        """Raise the error if that was the last try, else wait a moment."""
        if is_late or not may_be_tried_again(error):
            if is_away(error) and not isinstance(error, CommitUnknown):
                raise DatabaseUnavailable(AWAY) from error
            raise error
        if is_away(error):
            await self.pool.check()
        await asyncio.sleep(random.uniform(0.002, 0.02))

    def _connection(self) -> AbstractAsyncContextManager[Connection]:
        return self.pool.connection(timeout=db_timeout.get())

    async def _read(self, sql: str, parameters: dict[str, object]) -> list[Row]:
        async with self._connection() as connection:
            return await fetch(connection, sql, parameters)

    async def _try_alone(self, body: Callable[[Transaction], Awaitable[T]]) -> tuple[PostgresTransaction, T]:
        """While nobody else does anything it collides with nobody; among others if one of them hangs, or it is long."""
        if self.takes_turns:
            with contextlib.suppress(psycopg.errors.LockNotAvailable, TimeoutError):
                return await self._try(body, begin=ALONE, within_seconds=ALONE_SECONDS)
        return await self._try(body)

    async def _try(
        self,
        body: Callable[[Transaction], Awaitable[T]],
        *,
        begin: str | None = None,
        within_seconds: float | None = None,
    ) -> tuple[PostgresTransaction, T]:
        """``within_seconds`` is for everything but the commit: one that is cut off may have happened."""
        tx = PostgresTransaction()
        async with self._connection() as connection:
            try:
                async with asyncio.timeout(within_seconds):
                    await connection.execute(begin or (AMONG_OTHERS if self.takes_turns else BEGIN))
                    result = await self._drive(body(tx), connection)
            except BaseException:
                await _roll_back(connection)
                raise
            await _commit(connection)
        return tx, result

    async def _drive(self, body: Awaitable[T], connection: Connection) -> T:
        """Run a body, doing each step that it awaits; anything else that it awaits is refused, as on SQLite."""
        steps: Any = body.__await__()
        advance = partial(steps.send, None)
        try:
            while isinstance(step := self._advance(advance), Step):
                try:
                    advance = partial(steps.send, await step.work(connection))
                except BaseException as error:
                    advance = partial(steps.throw, error)
        except StopIteration as stop:
            result: T = stop.value
            return result
        steps.close()
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
        if is_lost(error):
            raise CommitUnknown("the connection to PostgreSQL broke during a commit") from error
        raise


async def _roll_back(connection: Connection) -> None:
    with contextlib.suppress(psycopg.Error):  # a broken connection has rolled back by itself
        await connection.execute("rollback")
