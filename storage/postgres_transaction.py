"""The transaction that a body sees on PostgreSQL: it awaits statements, and the database executes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import psycopg

from storage.database import Row
from storage.dialects import translate
from storage.postgres_connection import Connection

T = TypeVar("T")


class DeferredStatement:
    """Work that a body awaits and the database runs with the connection of the transaction."""

    def __init__(self, run: Callable[[Connection], Awaitable[Any]]) -> None:
        self.run = run

    def __await__(self) -> Generator[DeferredStatement, Any, Any]:
        return (yield self)


class PostgresTransaction:
    """The statements of one attempt at a body. See `storage.database.Transaction`."""

    def __init__(self) -> None:
        self.callbacks: list[Callable[[], None]] = []

    async def with_connection(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run ``work``, which may call other libraries, with this transaction's connection."""
        result: T = await DeferredStatement(work)
        return result

    async def execute(self, sql: str, /, **parameters: object) -> int:
        cursor = await self.with_connection(partial(execute, sql=sql, parameters=parameters))
        return cursor.rowcount

    async def fetch_one(self, sql: str, /, **parameters: object) -> Row | None:
        rows = await self.fetch_all(sql, **parameters)
        return rows[0] if rows else None

    async def fetch_all(self, sql: str, /, **parameters: object) -> list[Row]:
        return await self.with_connection(partial(fetch, sql=sql, parameters=parameters))

    async def fetch_each(self, sql: str, parameters: Sequence[Mapping[str, object]], /) -> list[Row | None]:
        return await self.with_connection(partial(fetch_each, sql=sql, parameters=parameters))

    def after_commit(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)


async def execute(connection: Connection, sql: str, parameters: dict[str, object]) -> psycopg.AsyncCursor[Any]:
    statement = translate(sql)
    return await connection.execute(statement.sql, statement.values(parameters))


async def fetch(connection: Connection, sql: str, parameters: dict[str, object]) -> list[Row]:
    cursor = await execute(connection, sql, parameters)
    return list(await cursor.fetchall())


async def fetch_each(connection: Connection, sql: str, parameters: Sequence[Mapping[str, object]]) -> list[Row | None]:
    """Execute all in one round trip."""
    statement = translate(sql)
    async with connection.cursor() as cursor:
        await cursor.executemany(statement.sql, [statement.values(each) for each in parameters], returning=True)
        rows: list[Row | None] = [await cursor.fetchone()]
        while cursor.nextset():
            rows.append(await cursor.fetchone())
    return rows
