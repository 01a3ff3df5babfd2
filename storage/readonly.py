"""Read-only access beside a running Buildbell, so that an export doesn't have to stop it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

from storage import is_postgres, needs_packages
from storage.database import DatabaseUnusable, Reads, Row, to_column
from storage.migrations import MIGRATIONS
from storage.sqlite_file import translate_error


class ReadonlySqlite:
    """A read-only connection; its queries run in threads, one at a time."""

    def __init__(self, path: Path) -> None:
        try:
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise DatabaseUnusable(f"Cannot open the database file {path}: {error}.") from error
        self._connection.row_factory = sqlite3.Row

    async def fetch_one(self, sql: str, /, **parameters: object) -> Row | None:
        rows = await self.fetch_all(sql, **parameters)
        return rows[0] if rows else None

    async def fetch_all(self, sql: str, /, **parameters: object) -> list[Row]:
        values = {name: to_column(value) for name, value in parameters.items()}
        try:
            return await asyncio.to_thread(lambda: self._connection.execute(sql, values).fetchall())
        except sqlite3.DatabaseError as error:
            if (unavailable := translate_error(error)) is not error:
                raise unavailable from error
            raise DatabaseUnusable(f"Cannot read the database: {error}. Run `buildbell migrate` first.") from error

    def close(self) -> None:
        self._connection.close()


@contextlib.asynccontextmanager
async def open_readonly(url: str) -> AsyncIterator[Reads]:
    """Open the database without migrating it. Raises `DatabaseUnusable` if it is missing or at another version."""
    if not is_postgres(url):
        with contextlib.closing(ReadonlySqlite(Path(urlsplit(url).path[1:]))) as file:
            await _check_version(file)
            yield file
        return
    try:
        from storage.postgres import PostgresDatabase
        from storage.postgres_connection import reading_tables
    except ImportError as error:
        raise DatabaseUnusable(needs_packages(error)) from error
    database = await PostgresDatabase.open(url)
    try:
        with reading_tables():
            await _check_version(database)
            yield database
    finally:
        await database.close()


async def _check_version(reads: Reads) -> None:
    row = await reads.fetch_one("select max(version) as version from schema_version")
    version, newest = int(row["version"] or 0) if row else 0, MIGRATIONS[-1].number
    if version != newest:
        raise DatabaseUnusable(
            f"The database has schema version {version}, but this Buildbell needs version {newest}. "
            + ("Run `buildbell migrate` first." if version < newest else "Use the newer Buildbell that wrote it.")
        )
