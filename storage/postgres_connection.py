"""How PostgreSQL is reached: what a connection is told, and which of its errors go by."""

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
COLLISIONS = ("40001", "40P01")
"""Serialization failure and deadlock: the transaction was undone, and may go well next time."""
CONNECTING: dict[str, Any] = {
    "application_name": "buildbell",
    "connect_timeout": 5,
    # A server that is gone without a word is noticed within 15 s, also by a connection that only listens.
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15000,
}
LIMITS = "set statement_timeout = '30s'; set lock_timeout = '10s'; set idle_in_transaction_session_timeout = '60s'"
UNREADABLE = (
    "The database URL cannot be read. It looks like postgresql://user:password@host:5432/buildbell; "
    "in a password, @ is written %40, / is %2F, : is %3A and % is %25."
)


def may_be_tried_again(error: BaseException) -> bool:
    causes = list(_causes(error))
    if any(isinstance(cause, CommitUnknown) for cause in causes):
        return False
    return any(is_lost(cause) or getattr(cause, "sqlstate", None) in COLLISIONS for cause in causes)


def is_away(error: BaseException) -> bool:
    """Will it go by itself: no connection to be had, or one that broke."""
    return any(is_lost(cause) or isinstance(cause, PoolTimeout) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Procrastinate wraps the driver's errors."""
    while error is not None:
        yield error
        error = error.__cause__


def is_lost(error: BaseException) -> bool:
    """The connection is gone, or the server is going."""
    if not isinstance(error, psycopg.OperationalError) or isinstance(error, PoolTimeout | PoolClosed):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


async def configure(connection: Connection) -> None:
    await connection.set_autocommit(True)  # a transaction says itself where it begins
    connection.adapters.register_dumper(Text, StrDumper)
    connection.adapters.register_loader("numeric", FloatLoader)  # sums and averages, as SQLite gives them
    await connection.execute(LIMITS)


def options_beside(url: str) -> dict[str, Any]:
    """What the URL does not say itself."""
    try:
        told = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise DatabaseUnusable(UNREADABLE) from None  # its own words repeat the URL, with the password
    host, port = str(told.get("host", "")), str(told.get("port", ""))
    if "@" in host[1:] or port.strip("0123456789,"):  # a piece of a password, which an error would show
        raise DatabaseUnusable(UNREADABLE)
    return {name: value for name, value in CONNECTING.items() if name not in told}


async def greet(url: str, options: dict[str, Any]) -> None:
    """Connect once, so that whoever starts us gets one sentence rather than the pool's patience."""
    try:
        connection = await AsyncConnection.connect(url, **options)
    except psycopg.Error as error:
        raise DatabaseUnusable(
            f"PostgreSQL does not take us: {_reason(error)}. "
            "Check the database URL (BUILDBELL_DATABASE_URL), and that the server runs."
        ) from None
    encoding = connection.info.parameter_status("server_encoding")
    await connection.close()
    if encoding not in ("UTF8", None):
        raise DatabaseUnusable(
            f"The database stores text as {encoding}, and Buildbell needs UTF8: make another one with "
            "`createdb --template=template0 --encoding=UTF8`."
        )


@contextlib.contextmanager
def preparing() -> Iterator[None]:
    """Our tables are made or changed. Raises `DatabaseUnusable` when the server does not let us."""
    try:
        yield
    except psycopg.Error as error:
        if is_away(error):
            raise
        raise DatabaseUnusable(
            f"PostgreSQL does not let us make our tables: {_reason(error)}. The database has to be Buildbell's alone, "
            "and to belong to the user that BUILDBELL_DATABASE_URL names: alter database … owner to …."
        ) from error


@contextlib.contextmanager
def only_reading() -> Iterator[None]:
    """Raises `DatabaseUnusable` when tables are not there, or not for us."""
    try:
        yield
    except psycopg.ProgrammingError as error:
        raise DatabaseUnusable(
            f"The database cannot be read: {_reason(error)}. Has `buildbell migrate` run, and may this user read it?"
        ) from error


def _reason(error: psycopg.Error) -> str:
    """The server's or the driver's first line; neither puts the password there."""
    first = next(iter(str(error).strip().splitlines()), "")
    return first.removeprefix("connection failed: ").strip().rstrip(".") or type(error).__name__
