"""What the bot remembers. Knows nothing of bot/ or commands/."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from storage.database import Database, DatabaseInUse, DatabaseUnusable, Reads, Row, Transaction
from storage.migrations import migrate, schema_version

__all__ = [
    "Database",
    "DatabaseInUse",
    "DatabaseUnusable",
    "Reads",
    "Row",
    "Transaction",
    "open_database",
    "schema_version",
]


async def open_database(url: str) -> Database:
    """Open and migrate the database at ``sqlite:///path`` (three slashes relative, four absolute).

    Raises `DatabaseUnusable` with a plain sentence.
    """
    parts = urlsplit(url)
    if parts.scheme != "sqlite" or parts.netloc or len(parts.path) < 2:
        raise DatabaseUnusable("The database URL must look like sqlite:///buildbell.db (a file beside the process).")
    from storage.sqlite import SqliteDatabase  # the driver that is not configured is not imported

    database = SqliteDatabase(Path(parts.path[1:]))
    try:
        await migrate(database, dialect="sqlite")
    except BaseException:
        await database.close()
        raise
    return database
