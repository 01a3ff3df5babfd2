"""Several processes on one PostgreSQL: each its role, and nobody is missed when one is killed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from playground.bot_process import free_port
from tests.processes.conftest import opened
from tests.processes.scene import BotProcess, Scene


@pytest.fixture
async def shared(request: pytest.FixtureRequest, tmp_path: Path, postgres_url: str) -> AsyncIterator[Scene]:
    """Connected to Bitrise, on PostgreSQL; Slack delivers by Socket Mode or, as a parameter says, over HTTP."""
    scene = Scene(tmp_path, socket_mode=getattr(request, "param", "socket") == "socket")
    scene.settings["database_url"] = postgres_url
    async with opened(scene):
        await scene.connect()
        yield scene


async def run(scene: Scene, role: str) -> BotProcess:
    """A process of this role. The one that takes requests is where Slack expects it."""
    port = scene.port if role != "worker" else free_port()
    process = await scene.launch("run", "--role", role, port=str(port))
    await process.until_ready()
    return process


async def test_one_takes_the_command_and_another_does_it(shared: Scene) -> None:
    web, worker = await run(shared, "web"), await run(shared, "worker")
    await shared.start_build()
    await shared.until(lambda: shared.cards, "a card")
    shared.bitrise.finish(shared.build, "success")
    await shared.until(lambda: shared.announcements, "the end is told")
    assert "Succeeded" in shared.sees()
    assert [process.events("ready")[0]["role"] for process in (web, worker)] == ["web", "worker"]
    assert len(shared.bitrise.builds()) == 1


@pytest.mark.parametrize("shared", ["http"], indirect=True)
async def test_what_a_killed_worker_was_doing_is_done_by_another(shared: Scene) -> None:
    """It dies when Bitrise has taken the start and before it can note that: the build is found, and not doubled."""
    await run(shared, "web")
    worker = await run(shared, "worker")
    shared.once(shared.bitrise.hooks, "builds.trigger", "accepted", worker.kill)
    await shared.start_build()
    await shared.until(lambda: not worker.is_alive, "the worker is killed")
    await run(shared, "worker")
    await shared.until(lambda: shared.cards, "a card")
    shared.bitrise.finish(shared.build, "success")
    await shared.until(lambda: shared.announcements, "the end is told")
    assert (len(shared.bitrise.builds()), len(shared.cards), len(shared.announcements)) == (1, 1, 1)
