"""The database: one store per table, on SQLite or PostgreSQL. Imports nothing from bot/ or commands/."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from storage.database import (
    CommitUnknown,
    Database,
    DatabaseInUse,
    DatabaseUnavailable,
    DatabaseUnusable,
    Reads,
    Row,
    Transaction,
    db_timeout,
)
from storage.migrations import migrate, schema_version

__all__ = [
    "CommitUnknown",
    "Database",
    "DatabaseInUse",
    "DatabaseUnavailable",
    "DatabaseUnusable",
    "Reads",
    "Row",
    "Transaction",
    "absent_file",
    "db_timeout",
    "is_postgres",
    "needs_packages",
    "open_database",
    "schema_version",
]


async def open_database(url: str) -> Database:
    """Open and migrate the database at ``sqlite:///path`` (three slashes relative, four absolute) or ``postgresql://…``.

    Raises `DatabaseUnusable`. Its message never holds the URL, which may contain a password.
    """
    # Only the configured driver is imported.
    if is_postgres(url):
        return await _open_postgres(url)
    parts = urlsplit(url)
    if parts.scheme != "sqlite" or parts.netloc or len(parts.path) < 2:
        raise DatabaseUnusable(
            "Invalid database URL. Use sqlite:///buildbell.db (a file in the working directory) "
            "or postgresql://user@host/buildbell."
        )
    import sqlite3

    from storage.sqlite import SqliteDatabase

    path = Path(parts.path[1:])
    database = SqliteDatabase(path)
    try:
        await migrate(database)
    except BaseException as error:
        await database.close()
        if isinstance(error, sqlite3.Error):
            raise DatabaseUnusable(
                f"Cannot create tables in {path}: {error}. "
                "Set BUILDBELL_DATABASE_URL to a new file or to a database of Buildbell."
            ) from error
        raise
    return database


async def _open_postgres(url: str) -> Database:
    try:
        from storage.postgres import PostgresDatabase
        from storage.postgres_connection import creating_tables
        from storage.procrastinate_schema import prepare_queue
    except ImportError as error:
        raise DatabaseUnusable(needs_packages(error)) from error
    database = await PostgresDatabase.open(url)
    try:
        async with database.advisory_lock("migrations"):  # several replicas may start at the same time
            with creating_tables():
                await migrate(database)
                await prepare_queue(database)
        database.can_lock = True
    except BaseException:
        await database.close()
        raise
    return database


def needs_packages(error: ImportError) -> str:
    return f"PostgreSQL needs more packages ({error}). Run `pip install '.[postgres]'` in the checkout."


def absent_file(url: str) -> Path | None:
    """Return the SQLite file that the URL names if it is missing: opening the database would create an empty one."""
    path = Path(url.removeprefix("sqlite:///"))
    return path if url.startswith("sqlite:///") and not path.exists() else None


def is_postgres(url: str) -> bool:
    return url.startswith(("postgresql://", "postgres://"))
