"""Every database there is, fresh for each test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from storage import Database, Transaction, open_database
from storage import workspaces as workspace_rows
from tests.postgres_server import PostgresServer

Body = Callable[[Transaction], Awaitable[Any]]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/contract.db"


@pytest.fixture(params=["sqlite_url", "postgres_url"], ids=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database, of each kind."""
    address: str = request.getfixturevalue(request.param)
    return address


@pytest.fixture
def empty_url(postgres: PostgresServer) -> Iterator[str]:
    """A database of PostgreSQL with nothing in it."""
    url = postgres.make_database(is_empty=True)
    yield url
    postgres.drop_database(url)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = await open_database(url)
    yield database
    await database.close()


@pytest.fixture
async def notes(database: Database) -> None:
    """A table for tests whose subject is the database itself."""
    await database.execute("create table notes (note_id text primary key, text text)")


def note(note_id: str, text: str = "") -> Body:
    async def write(tx: Transaction) -> str:
        await tx.execute("insert into notes (note_id, text) values (:note_id, :text)", note_id=note_id, text=text)
        return note_id

    return write


async def noted(database: Database) -> list[str]:
    rows = await database.fetch_all("select note_id from notes order by note_id")
    return [row["note_id"] for row in rows]


class Held:
    """Keeps a transaction open in the middle of its body, in the writer's thread or on the loop."""

    def __init__(self, database: Database) -> None:
        self._is_threaded = database.dialect == "sqlite"
        self._reached, self._may_go_on = threading.Event(), threading.Event()

    async def here(self, tx: Transaction) -> None:
        self._reached.set()
        if self._is_threaded:
            self._may_go_on.wait(10)
        else:
            await cast(Any, tx).with_connection(lambda _: asyncio.to_thread(self._may_go_on.wait, 10))

    async def reached(self) -> None:
        await asyncio.to_thread(self._reached.wait, 10)

    def go_on(self) -> None:
        self._may_go_on.set()


@pytest.fixture
async def workspaces(database: Database) -> Database:
    """With one workspace, T1."""
    await workspace_rows.save_workspace(database, workspace_id="T1", name="Acme", bot_user_id="U0")
    return database
