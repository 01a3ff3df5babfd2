"""What every test stands on."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.world import World

settings.register_profile("here", deadline=None)  # how long an example takes says nothing about the code
settings.load_profile("here")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of whoever runs the tests are not the settings under test."""
    for name in os.environ:
        if name.upper().startswith("BUILDBELL_"):
            monkeypatch.delenv(name)


@pytest.fixture
async def open_world(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[World]]]:
    """Open a world with settings of the test's own choice; it is closed afterwards."""
    opened: list[World] = []

    async def open_one(*, connected: bool = True, **settings: Any) -> World:
        world = World(tmp_path, **settings)
        opened.append(world)
        await world.open()
        if connected:
            await world.connect()
        return world

    yield open_one
    for world in opened:
        await world.close()


@pytest.fixture
async def world(open_world: Callable[..., Awaitable[World]]) -> World:
    """Connected to Bitrise, by Socket Mode."""
    return await open_world()
