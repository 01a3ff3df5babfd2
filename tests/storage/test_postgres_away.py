"""A PostgreSQL server that becomes unreachable: reported within the timeout of the caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from playground.clock import SteppedClock
from playground.slack import Delivery
from storage import Database, DatabaseUnavailable, db_timeout, open_database
from storage.postgres_connection import is_unreachable
from tests.postgres_server import LocalServer
from tests.storage.conftest import note, noted
from tests.world import World

SHORT = 0.3


@pytest.fixture
async def database(own_postgres: LocalServer) -> AsyncIterator[Database]:
    database = await open_database(f"{own_postgres.url}/postgres")
    await database.execute("create table notes (note_id text primary key, text text)")
    token = db_timeout.set(SHORT)
    yield database
    db_timeout.reset(token)
    await database.close()


async def test_an_outage_is_reported_and_work_resumes_after_it(own_postgres: LocalServer, database: Database) -> None:
    await database.transaction(note("before"))
    own_postgres.stop()
    for asked in (database.transaction(note("lost")), database.fetch_all("select * from notes")):
        with pytest.raises(DatabaseUnavailable, match="Can't reach PostgreSQL") as told:
            await asked
        assert is_unreachable(told.value)
    own_postgres.start()
    db_timeout.set(20.0)
    await database.transaction(note("after"))
    assert await noted(database) == ["after", "before"]


async def test_a_caller_with_a_longer_timeout_outlasts_an_outage(own_postgres: LocalServer, database: Database) -> None:
    own_postgres.stop()
    db_timeout.set(20.0)
    waits = asyncio.create_task(database.transaction(note("waited")))
    await asyncio.sleep(0)
    own_postgres.start()
    await waits
    assert await noted(database) == ["waited"]


async def test_a_command_is_refused_in_words_before_slack_gives_up(own_postgres: LocalServer, tmp_path: Path) -> None:
    clock = SteppedClock(datetime.now(UTC))  # the jobs go by the server's
    world = World(tmp_path, database_url=f"{own_postgres.url}/postgres", clock=clock)
    world.expects_errors = True
    await world.open()
    await world.connect()
    own_postgres.stop()
    said: Delivery = await world.slack.command(world.ana, world.ios, "/build shop deploy main")
    own_postgres.start()
    assert "Can't reach PostgreSQL. Nothing was changed." in str(said.answer)
    await world.say("/build shop deploy main")
    await world.close()
    assert len(world.builds()) == 1
