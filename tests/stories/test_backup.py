"""A backup that locks the SQLite file: commands are refused in words, and work that has begun is only delayed."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Complaints
from tests.world import World

pytestmark = pytest.mark.usefixtures("short_locks")
TYPED = "/build shop deploy main"


@pytest.fixture
async def world(short_locks: None, open_world: Callable[..., Awaitable[World]]) -> World:
    world = await open_world()
    world.expects_errors = True
    return world


@pytest.fixture
def backup(world: World, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "buildbell.db", isolation_level=None)
    yield connection
    connection.close()


async def ends_well(world: World) -> None:
    """One build and one card, which tells the result."""
    await world.passes(minutes=12)
    assert (len(world.bitrise.triggers), len(world.cards())) == (1, 1)
    assert "Succeeded" in world.read(world.card)


async def test_a_command_meanwhile_is_refused_in_words_and_taken_afterwards(
    world: World, backup: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    backup.execute("begin immediate")
    refused = await world.slack.command(world.ana, world.ios, TYPED)
    assert "a backup, keeps the database locked. Nothing was changed." in str(refused.answer)
    assert world.bitrise.triggers == []
    backup.execute("rollback")
    assert "a request was refused" in caplog.text
    await world.say(TYPED)
    await ends_well(world)


async def test_a_lock_that_lasts_delays_and_loses_nothing(
    world: World, backup: sqlite3.Connection, complaints: Complaints, caplog: pytest.LogCaptureFixture
) -> None:
    locked = asyncio.Event()

    async def lock(facts: Mapping[str, Any]) -> None:
        backup.execute("begin immediate")
        locked.set()

    unsubscribe = world.bitrise.hooks.on("builds.trigger", "accepted", lock)
    await world.slack.command(world.ana, world.ios, TYPED)
    await locked.wait()
    unsubscribe()
    await complaints.until("jobs wait for the database")
    (waiting,) = [record for record in caplog.records if record.getMessage() == "jobs wait for the database"]
    assert "keeps the database locked" in waiting.error  # type: ignore[attr-defined]
    backup.execute("rollback")
    await ends_well(world)
