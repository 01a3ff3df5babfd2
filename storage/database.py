"""The interface of a database, and helpers that map rows to dataclasses."""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal, Protocol, TypeVar, cast

T = TypeVar("T")
Row = Mapping[str, Any]
Dialect = Literal["sqlite", "postgresql"]


class DatabaseUnusable(Exception):
    """The database can't be opened or is at another version. The message says what to do."""


class DatabaseInUse(DatabaseUnusable):
    """Another process has locked the database."""


class DatabaseUnavailable(Exception):
    """The database can't be read or written at the moment, and nothing was changed. The message says why.

    It may pass without a restart.
    """


class CommitUnknown(Exception):
    """The connection broke during a commit, which may have succeeded: nothing is retried."""


db_timeout: ContextVar[float] = ContextVar("db_timeout", default=20.0)
"""Seconds to retry while the server is unreachable, before raising `DatabaseUnavailable`."""


class Reads(Protocol):
    """The queries that a database and a transaction have in common. SQL uses ``:named`` parameters."""

    async def fetch_one(self, sql: str, /, **parameters: object) -> Row | None:
        """Return the first row. On a database only for look-ups through an index: it runs on the event loop."""

    async def fetch_all(self, sql: str, /, **parameters: object) -> list[Row]: ...


class Transaction(Reads, Protocol):
    async def execute(self, sql: str, /, **parameters: object) -> int:
        """Run one statement and return the number of rows it changed ("did I win?")."""

    async def fetch_each(self, sql: str, parameters: Sequence[Mapping[str, object]], /) -> list[Row | None]:
        """Run one statement for each set of parameters, in order, and return the first row of each."""

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` on the event loop once the transaction is on disk; never if it is rolled back."""


class Database(Reads, Protocol):
    @property
    def dialect(self) -> Dialect: ...

    async def transaction(self, body: Callable[[Transaction], Awaitable[T]], *, is_quick: bool = False) -> T:
        """Run ``body`` as one transaction and return its result once it is on disk.

        ``is_quick`` marks a handful of statements through indexes, which may run on the event loop.

        ``body`` may await its transaction and nothing else: on SQLite it runs in the writer thread. On PostgreSQL it
        runs again after a conflict with another transaction; its earlier changes are rolled back.
        """

    async def execute(self, sql: str, /, **parameters: object) -> int:
        """Run one statement in a transaction of its own."""

    async def close(self) -> None: ...


def to_column(value: object) -> object:
    """Convert a Python value to what both databases store: times as sortable UTC text, collections as JSON."""
    if value is None or type(value) is str or type(value) is int:  # most of them
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value


def to_columns(record: Any) -> dict[str, object]:
    """Return the fields of a row dataclass as statement parameters."""
    return {name: getattr(record, name) for name in _field_names(cast(Any, type(record)))}


@functools.cache
def _field_names(record_type: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(record_type))


@functools.cache
def columns(record_type: type[Any], *, table: str = "") -> str:
    """Return the columns of a row dataclass for ``select``, qualified with ``table`` for a join."""
    return ", ".join(f"{table}.{name}" if table else name for name in _field_names(cast(Any, record_type)))


@functools.cache
def placeholders(record_type: type[Any]) -> str:
    return ", ".join(f":{name}" for name in _field_names(cast(Any, record_type)))


async def fetch_rows(db: Reads, record_type: type[T], sql: str, /, **parameters: object) -> list[T]:
    return [from_row(record_type, row) for row in await db.fetch_all(sql, **parameters)]


async def fetch_row(db: Reads, record_type: type[T], sql: str, /, **parameters: object) -> T | None:
    """Return the first row, or None. On a database only for look-ups through an index, see `Reads.fetch_one`."""
    row = await db.fetch_one(sql, **parameters)
    return from_row(record_type, row) if row else None


async def find_row(db: Reads, record_type: type[T], table: str, /, **key: object) -> T | None:
    """Return the row whose columns have these values, or None. On a database only through an index, see `fetch_one`."""
    row = await db.fetch_one(_select_sql(cast(Any, record_type), table, tuple(key)), **key)
    return from_row(record_type, row) if row else None


async def list_rows(db: Reads, record_type: type[T], table: str, /, *, order_by: str, **key: object) -> list[T]:
    """Return the rows whose columns have these values."""
    sql = _select_sql(cast(Any, record_type), table, tuple(key))
    return await fetch_rows(db, record_type, f"{sql} order by {order_by}", **key)


@functools.cache
def _select_sql(record_type: type[Any], table: str, names: tuple[str, ...]) -> str:
    return f"select {columns(cast(Any, record_type))} from {table}{_where(names)}"


def _where(names: tuple[str, ...]) -> str:
    return f" where {' and '.join(f'{name} = :{name}' for name in names)}" if names else ""


async def delete_rows(db: Database | Transaction, table: str, /, **key: object) -> int:
    """Delete the rows whose columns have these values; return how many there were."""
    return await db.execute(f"delete from {table}{_where(tuple(key))}", **key)


async def insert(
    tx: Transaction, table: str, record: Any = None, *, skip_existing: bool = False, **values: object
) -> bool:
    """Add a row: a dataclass, columns, or both. With ``skip_existing``, return False if its key is taken."""
    values = (to_columns(record) if record else {}) | values
    return await tx.execute(_insert_sql(table, tuple(values), skip_existing), **values) == 1


@functools.cache
def _insert_sql(table: str, names: tuple[str, ...], skip_existing: bool) -> str:
    placeholders = ", ".join(f":{name}" for name in names)
    on_conflict = " on conflict do nothing" if skip_existing else ""
    return f"insert into {table} ({', '.join(names)}) values ({placeholders}){on_conflict}"


async def upsert(tx: Transaction, table: str, record: Any, *, key: str, keep: tuple[str, ...] = ()) -> None:
    """Add a row dataclass, or replace the row with the same ``key`` ("workspace_id, app_slug") except ``keep``."""
    await tx.execute(_upsert_sql(table, cast(Any, type(record)), key, keep), **to_columns(record))


@functools.cache
def _upsert_sql(table: str, record_type: type[Any], key: str, keep: tuple[str, ...]) -> str:
    names = _field_names(cast(Any, record_type))
    replaced = [name for name in names if name not in (*key.split(", "), *keep)]
    settings = ", ".join(f"{name} = excluded.{name}" for name in replaced)
    return f"{_insert_sql(table, names, False)} on conflict ({key}) do update set {settings}"


def from_row(record_type: type[T], row: Row) -> T:
    """Convert a row to its dataclass."""
    values = []
    for name, read in _readers(cast(Any, record_type)):
        value = row[name]
        values.append(value if value is None or read is None else read(value))
    return record_type(*values)


@functools.cache
def _readers(record_type: type[Any]) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    hints = typing.get_type_hints(record_type)
    return tuple((field.name, _reader(hints[field.name])) for field in dataclasses.fields(record_type))


def _reader(hint: Any) -> Callable[[Any], Any] | None:
    """Return the conversion of a stored value to the type ``hint``, or None if it needs none."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(arg for arg in typing.get_args(hint) if arg is not type(None))
    origin = typing.get_origin(hint) or hint
    if origin is datetime:
        return datetime.fromisoformat
    if origin is bool:
        return bool
    if origin in (dict, Mapping) or origin is list:
        return json.loads
    if origin is tuple:
        return lambda text: tuple(json.loads(text))
    return None
