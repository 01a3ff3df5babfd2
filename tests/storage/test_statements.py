"""Every statement of every store works on both databases, with and without optional values."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest

import storage
from storage import Database, Reads, Transaction
from tests.storage.conftest import NOW

NAMED: dict[str, Any] = {"workspace_id": "T1"}
CHOSEN: dict[str, dict[str, Any]] = {
    "list_names": {"column": "branch"},
    "replace_sealed": {"column": "bitrise_token_sealed"},
}
"""Parameters that are one of a few words."""
PLAIN: dict[Any, Any] = {str: "x", int: 1, float: 1.5, bool: True, datetime: NOW, object: "x", Any: "x"}
LISTS = (list, tuple, Sequence, Iterable)
MAPPINGS = (dict, Mapping)


NO_STORES = {"database", "migrations", "copy", "readonly", "batching", "postgres", "postgres_connection", "sqlite"}
NO_STORES |= {"postgres_transaction", "procrastinate_schema", "sqlite_file", "dialects"}
"""Modules below the stores."""


def statements() -> list[Callable[..., Any]]:
    """Every public coroutine function of storage whose first parameter is a database or a transaction."""
    found = []
    for info in pkgutil.iter_modules(storage.__path__):
        if info.name in NO_STORES:
            continue
        module = importlib.import_module(f"storage.{info.name}")
        for name, function in inspect.getmembers(module, inspect.iscoroutinefunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                found.append(function)
    return found


def value(hint: Any, *, name: str, is_full: bool, tx: Transaction) -> Any:
    """Something of this type; what may be None is, unless ``is_full``."""
    if name in NAMED or hint in (Transaction, Reads, Database):
        return NAMED.get(name, tx)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if not is_full and type(None) in inner:
            return None
        return value(inner[0], name=name, is_full=is_full, tx=tx)
    if origin is typing.Literal:
        return inner[0]
    if origin in LISTS:
        each = inner[:1] if origin is not tuple or ... in inner else inner
        return [value(hint, name=name, is_full=is_full, tx=tx) for hint in each]
    if hint in MAPPINGS or origin in MAPPINGS:
        return {"x": "x"}
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return hint(  # type: ignore[operator]
            **{f.name: value(hints[f.name], name=f.name, is_full=is_full, tx=tx) for f in dataclasses.fields(hint)}
        )
    return PLAIN[hint]


def arguments(method: Callable[..., Any], *, is_full: bool, tx: Transaction) -> dict[str, Any]:
    hints = typing.get_type_hints(method)
    names = inspect.signature(method).parameters
    made = {name: value(hints[name], name=name, is_full=is_full, tx=tx) for name in names}
    return made | CHOSEN.get(method.__name__, {})


class Undone(Exception):
    """Each method finds what was there before."""


@pytest.mark.usefixtures("workspaces")
@pytest.mark.parametrize("is_full", [True, False], ids=["full", "bare"])
async def test_every_statement_works_on_both_databases(database: Database, is_full: bool) -> None:
    refused = {}
    for function in statements():
        try:
            await call(database, function, is_full=is_full)
        except Exception as error:
            if not is_about_another_row(error):
                refused[f"{function.__module__}.{function.__name__}"] = repr(error)
    assert refused == {}


async def call(database: Database, function: Callable[..., Any], *, is_full: bool) -> None:
    async def call_and_undo(tx: Transaction) -> None:
        await function(**arguments(function, is_full=is_full, tx=tx))
        raise Undone

    if Database in typing.get_type_hints(function).values():  # it opens a transaction of its own
        await function(**arguments(function, is_full=is_full, tx=typing.cast(Transaction, database)))
        return
    with contextlib.suppress(Undone):
        await database.transaction(call_and_undo)


def is_about_another_row(error: Exception) -> bool:
    """The statement was understood, and refused because a row that it refers to is not there."""
    return "foreign key" in str(error).lower()


def test_the_stores_are_found() -> None:
    modules = {function.__module__ for function in statements()}
    assert {"storage.builds", "storage.messages", "storage.workspaces"} <= modules
    assert len(statements()) > 60
