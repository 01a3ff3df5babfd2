"""Connections to PostgreSQL: their options, which errors are worth a retry, and errors in plain words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.numeric import FloatLoader
from psycopg.types.string import StrDumper
from psycopg_pool import PoolClosed, PoolTimeout

from storage.database import CommitUnknown, DatabaseUnusable
from storage.dialects import Text

Connection = AsyncConnection[dict[str, Any]]
CONFLICTS = ("40001", "40P01")
"""Serialization failure and deadlock: the transaction was rolled back and can be retried."""
CONNECTION_OPTIONS: dict[str, Any] = {
    "application_name": "buildbell",
    "connect_timeout": 5,
    # A server that vanishes is noticed within 15 s, even by a connection that only listens.
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15000,
}
TIMEOUTS = "set statement_timeout = '30s'; set lock_timeout = '10s'; set idle_in_transaction_session_timeout = '60s'"
UNREADABLE = (
    "Invalid database URL. Use postgresql://user:password@host:5432/buildbell. "
    "In the password, write %40 for @, %2F for /, %3A for : and %25 for %."
)


def is_retryable(error: BaseException) -> bool:
    causes = list(_causes(error))
    if any(isinstance(cause, CommitUnknown) for cause in causes):
        return False
    return any(is_connection_lost(cause) or getattr(cause, "sqlstate", None) in CONFLICTS for cause in causes)


def is_unreachable(error: BaseException) -> bool:
    """Return whether there was no connection or it broke, which may pass without a restart."""
    return any(is_connection_lost(cause) or isinstance(cause, PoolTimeout) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and its causes: Procrastinate wraps the driver's errors."""
    while error is not None:
        yield error
        error = error.__cause__


def is_connection_lost(error: BaseException) -> bool:
    """Return whether the connection broke or the server is shutting down."""
    if not isinstance(error, psycopg.OperationalError) or isinstance(error, PoolTimeout | PoolClosed):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


async def configure(connection: Connection) -> None:
    await connection.set_autocommit(True)  # transactions begin and commit explicitly
    connection.adapters.register_dumper(Text, StrDumper)
    connection.adapters.register_loader("numeric", FloatLoader)  # sums and averages are floats, as on SQLite
    await connection.execute(TIMEOUTS)


def connection_options(url: str) -> dict[str, Any]:
    """Return the options that the URL doesn't set itself. Raises `DatabaseUnusable` for an invalid URL."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise DatabaseUnusable(UNREADABLE) from None  # the driver's message repeats the URL with its password
    host, port = str(parts.get("host", "")), str(parts.get("port", ""))
    if "@" in host[1:] or port.strip("0123456789,"):  # a piece of a password, which an error would show
        raise DatabaseUnusable(UNREADABLE)
    return {name: value for name, value in CONNECTION_OPTIONS.items() if name not in parts}


async def check_server(url: str, options: dict[str, Any]) -> None:
    """Connect once, so that a wrong URL is one sentence at the start instead of a timeout of the pool."""
    try:
        connection = await AsyncConnection.connect(url, **options)
    except psycopg.Error as error:
        raise DatabaseUnusable(
            f"Cannot connect to PostgreSQL: {_reason(error)}. "
            "Check BUILDBELL_DATABASE_URL, and that the server is running."
        ) from None
    encoding = connection.info.parameter_status("server_encoding")
    await connection.close()
    if encoding not in ("UTF8", None):
        raise DatabaseUnusable(
            f"The database has the encoding {encoding}, but Buildbell needs UTF8. Create a new one with "
            "`createdb --template=template0 --encoding=UTF8`."
        )


@contextlib.contextmanager
def creating_tables() -> Iterator[None]:
    """Raise `DatabaseUnusable` if the server refuses to create or change tables."""
    try:
        yield
    except psycopg.Error as error:
        if is_unreachable(error):
            raise
        raise DatabaseUnusable(
            f"Cannot create tables in PostgreSQL: {_reason(error)}. Use an empty database that belongs to the user in "
            "BUILDBELL_DATABASE_URL (`alter database … owner to …`)."
        ) from error


@contextlib.contextmanager
def reading_tables() -> Iterator[None]:
    """Raise `DatabaseUnusable` if tables are missing or this user may not read them."""
    try:
        yield
    except psycopg.ProgrammingError as error:
        raise DatabaseUnusable(
            f"Cannot read the database: {_reason(error)}. Run `buildbell migrate`, and check this user's privileges."
        ) from error


def _reason(error: psycopg.Error) -> str:
    """Return the first line of the message, which never holds the password."""
    first = next(iter(str(error).strip().splitlines()), "")
    return first.removeprefix("connection failed: ").strip().rstrip(".") or type(error).__name__
