"""A transaction on PostgreSQL as its body sees it: each statement is a step, which is done with the connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import psycopg

from storage.database import Row
from storage.dialects import translate
from storage.postgres_connection import Connection

T = TypeVar("T")


class Step:
    """What a transaction's body awaits: something to be done with the connection."""

    def __init__(self, work: Callable[[Connection], Awaitable[Any]]) -> None:
        self.work = work

    def __await__(self) -> Generator[Step, Any, Any]:
        return (yield self)


class PostgresTransaction:
    """The statements of one try of a body. See `storage.database.Transaction`."""

    def __init__(self) -> None:
        self.committed: list[Callable[[], None]] = []

    async def on_connection(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Let another library work with this transaction's connection."""
        result: T = await Step(work)
        return result

    async def execute(self, sql: str, /, **parameters: object) -> int:
        cursor = await self.on_connection(partial(execute, sql=sql, parameters=parameters))
        return cursor.rowcount

    async def fetch_one(self, sql: str, /, **parameters: object) -> Row | None:
        rows = await self.fetch_all(sql, **parameters)
        return rows[0] if rows else None

    async def fetch_all(self, sql: str, /, **parameters: object) -> list[Row]:
        return await self.on_connection(partial(fetch, sql=sql, parameters=parameters))

    async def fetch_each(self, sql: str, parameters: Sequence[Mapping[str, object]], /) -> list[Row | None]:
        return await self.on_connection(partial(fetch_each, sql=sql, parameters=parameters))

    def after_commit(self, callback: Callable[[], None]) -> None:
        self.committed.append(callback)


async def execute(connection: Connection, sql: str, parameters: dict[str, object]) -> psycopg.AsyncCursor[Any]:
    statement = translate(sql)
    return await connection.execute(statement.sql, statement.values(parameters))


async def fetch(connection: Connection, sql: str, parameters: dict[str, object]) -> list[Row]:
    cursor = await execute(connection, sql, parameters)
    return list(await cursor.fetchall())


async def fetch_each(connection: Connection, sql: str, parameters: Sequence[Mapping[str, object]]) -> list[Row | None]:
    """In one round trip, however many there are."""
    statement = translate(sql)
    async with connection.cursor() as cursor:
        await cursor.executemany(statement.sql, [statement.values(each) for each in parameters], returning=True)
        found: list[Row | None] = [await cursor.fetchone()]
        while cursor.nextset():
            found.append(await cursor.fetchone())
    return found
