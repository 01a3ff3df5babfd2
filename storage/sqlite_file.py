"""A SQLite file: lock it, open it, and explain its errors."""

from __future__ import annotations

import fcntl
import sqlite3
from pathlib import Path
from typing import TextIO

from storage.database import DatabaseInUse, DatabaseUnavailable, DatabaseUnusable

PRAGMAS = ("synchronous = full", "busy_timeout = 2000", "foreign_keys = on")
ERROR_SENTENCES = {
    sqlite3.SQLITE_FULL: "The disk with the database is full.",
    sqlite3.SQLITE_IOERR: "The disk can't read or write the database.",
    sqlite3.SQLITE_READONLY: "The database file is read-only.",
    sqlite3.SQLITE_CANTOPEN: "The database file can't be opened.",
    sqlite3.SQLITE_BUSY: "Another process, such as a backup, keeps the database locked.",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged. Stop Buildbell and restore a backup.",
}
"""By primary result code. https://www.sqlite.org/rescode.html"""


def translate_error(error: BaseException) -> BaseException:
    """Return an error of the disk as `DatabaseUnavailable`, any other error unchanged."""
    sentence = ERROR_SENTENCES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    if sentence is None:
        return error
    unavailable = DatabaseUnavailable(sentence)
    unavailable.__cause__ = error
    return unavailable


def make_private(path: Path) -> None:
    """Create a new file readable by its owner only: it will hold names, addresses and sealed tokens.

    SQLite creates the -wal and -shm files with the same mode.
    """
    if not path.exists():
        path.touch(mode=0o600)


def connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, uri=path.startswith("file:"), isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        for pragma in PRAGMAS:
            connection.execute(f"pragma {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def enable_wal(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL mode, which it keeps."""
    if connection.execute("pragma journal_mode").fetchone()[0] != "wal":
        import sqlite_utils  # 3 MiB that an existing database doesn't need

        sqlite_utils.Database(connection).enable_wal()


def lock(path: Path) -> TextIO:
    """Hold ``<path>.lock`` for the life of this process: two processes would both send every message."""
    lock_path = path.with_name(path.name + ".lock")
    try:
        handle = lock_path.open("w")
    except OSError as error:
        raise DatabaseUnusable(
            f"Cannot write {lock_path}: {error.strerror}. The folder must exist, and the user that runs Buildbell must "
            "own it and the database."
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise DatabaseInUse(
            f"Another process is using {path}. SQLite serves one process, so stop the other one first."
        ) from error
    return handle
