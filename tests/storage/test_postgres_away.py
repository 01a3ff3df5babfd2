"""A PostgreSQL that goes away: told in a sentence as soon as whoever asks may wait, and forgotten when it is back."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from playground.slack import Delivery
from storage import Database, DatabaseTrouble, open_database, patience
from storage.connecting import is_away
from tests.postgres_server import LocalServer
from tests.storage.conftest import note, noted
from tests.world import World

SHORT = 0.3


@pytest.fixture
def server() -> Iterator[LocalServer]:
    """One of these tests' own, because others must not lose theirs."""
    folder = Path(tempfile.mkdtemp(prefix="buildbell-away-"))
    server = LocalServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture
async def database(server: LocalServer) -> AsyncIterator[Database]:
    database = await open_database(f"{server.url}/postgres")
    await database.execute("create table notes (note_id text primary key, text text)")
    token = patience.set(SHORT)
    yield database
    patience.reset(token)
    await database.close()


async def test_it_is_told_and_work_goes_on_when_it_is_back(server: LocalServer, database: Database) -> None:
    await database.transaction(note("before"))
    server.stop()
    for asked in (database.transaction(note("lost")), database.fetch_all("select * from notes")):
        with pytest.raises(DatabaseTrouble, match="PostgreSQL cannot be reached just now") as told:
            await asked
        assert is_away(told.value)
    server.start()
    patience.set(20.0)
    await database.transaction(note("after"))
    assert await noted(database) == ["after", "before"]


async def test_who_may_wait_longer_waits_for_it(server: LocalServer, database: Database) -> None:
    server.stop()
    patience.set(20.0)
    waits = asyncio.create_task(database.transaction(note("waited")))
    await asyncio.sleep(0)
    server.start()
    await waits
    assert await noted(database) == ["waited"]


async def test_a_command_is_refused_in_words_before_slack_gives_up(server: LocalServer, tmp_path: Path) -> None:
    world = World(tmp_path, database_url=f"{server.url}/postgres")
    world.expects_errors = True
    await world.open()
    await world.connect()
    server.stop()
    said: Delivery = await world.slack.command(world.ana, world.ios, "/build shop deploy main")
    server.start()
    assert "PostgreSQL cannot be reached just now. Nothing was done." in str(said.answer)
    await world.say("/build shop deploy main")
    await world.close()
    assert len(world.builds()) == 1
