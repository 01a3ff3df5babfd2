"""Real processes between real sockets; nothing they print may hold a secret or a traceback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.processes.scene import Scene

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Allow for a busy machine: a process alone takes a second to start on an idle one."""
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.timeout(300))


@asynccontextmanager
async def opened(scene: Scene) -> AsyncIterator[Scene]:
    await scene.open()
    try:
        yield scene
    finally:
        await scene.close()
    printed = "".join(process.printed for process in scene.processes)
    ours = [line for line in printed.splitlines() if '"logger": "slack_bolt"' not in line]  # Slack's client complains
    assert [secret[:9] for secret in scene.secrets if secret in printed] == [], "a secret was printed"
    assert [line for line in ours if "Traceback" in line] == []
    assert [line for line in ours if '"level": "error"' in line] == []


@pytest.fixture
async def bare_scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Nobody has connected Bitrise yet, and there is no database."""
    async with opened(Scene(tmp_path)) as scene:
        yield scene


@pytest.fixture
async def scene(bare_scene: Scene) -> Scene:
    """Connected to Bitrise; no process runs yet."""
    await bare_scene.connect()
    return bare_scene


@pytest.fixture
async def http_scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Connected too, and Slack delivers over HTTP."""
    async with opened(Scene(tmp_path, socket_mode=False)) as scene:
        await scene.connect()
        yield scene
