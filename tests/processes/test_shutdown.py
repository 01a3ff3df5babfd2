"""Signals and exit codes of a real process. `tests/stories/test_shutdown.py` tells what happens to the work."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.postgres_server import LocalServer
from tests.processes.scene import PATIENCE_SECONDS, BotProcess, Scene

HANGS = "shutdown timed out; the next process finishes the remaining work"
PATIENT = "60"
"""Seconds for running work, where the test ends it."""


async def exit_code(bot: BotProcess, number: signal.Signals = signal.SIGTERM) -> int:
    """Send a signal and return the exit code."""
    bot.send(number)
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await bot.ended()


async def until_stopping(scene: Scene) -> None:
    """Ask until the process says so: nothing else tells that the signal has arrived."""
    while (await scene.get("/readyz"))[0] != 503:
        pass


async def test_a_frozen_database_holds_it_for_a_moment_only(bare_scene: Scene, own_postgres: LocalServer) -> None:
    bare_scene.settings["database_url"] = f"{own_postgres.url}/postgres"
    bot = await bare_scene.run_bot(shutdown_seconds="1")
    own_postgres.freeze()
    try:
        assert await exit_code(bot) == 1
    finally:
        own_postgres.freeze(signal.SIGCONT)
    assert [line["level"] for line in bot.events(HANGS)] == ["warning"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "ctrl-c"])
async def test_idle_it_ends_at_once_and_in_order(scene: Scene, number: signal.Signals) -> None:
    bot = await scene.run_bot(shutdown_seconds=PATIENT)
    assert await exit_code(bot, number) == 0
    assert [line["level"] for line in bot.events("stopped")] == ["info"]


async def test_over_http_too(http_scene: Scene) -> None:
    bot = await http_scene.run_bot(shutdown_seconds=PATIENT)
    await http_scene.start_build()
    await http_scene.until(lambda: http_scene.cards, "a card")
    assert await exit_code(bot) == 0


async def test_a_second_sigterm_changes_nothing(scene: Scene) -> None:
    arrived, released = scene.hold(scene.bitrise.hooks, "builds.trigger", "accepted")
    bot = await scene.run_bot(shutdown_seconds=PATIENT)
    await scene.start_build()
    await arrived.wait()
    bot.terminate()
    await until_stopping(scene)
    bot.terminate()
    released.set()
    assert await bot.ended() == 0


async def test_a_start_that_hangs_is_taken_up_by_the_next_process(scene: Scene) -> None:
    arrived, _ = scene.hold(scene.bitrise.hooks, "builds.trigger", "accepted")
    bot = await scene.run_bot(shutdown_seconds="1")
    await scene.start_build()
    await arrived.wait()
    assert await exit_code(bot) == 0
    await scene.run_bot()
    await scene.until(lambda: scene.cards, "a card")
    scene.bitrise.finish(scene.build, "success")
    await scene.until(lambda: "Succeeded" in scene.sees(), "the end of the build")


@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
async def test_it_may_be_stopped_while_it_waits_for_slack_to_start(scene: Scene, method: str) -> None:
    arrived, _ = scene.hold(scene.slack.hooks, method, "before")
    bot = await scene.launch("run", shutdown_seconds=PATIENT)
    await arrived.wait()
    assert await exit_code(bot) == 0


async def test_a_second_process_is_refused_until_the_first_is_killed(scene: Scene) -> None:
    first = await scene.run_bot()
    code, second = await scene.command_line("run", port="0")
    assert (code, len(second.said)) == (2, 1), second.log
    assert second.said[0].startswith(f"buildbell: Another process is using {scene.database_path}")
    assert first.is_alive
    await first.kill()
    third = await scene.run_bot()
    assert third.is_alive
