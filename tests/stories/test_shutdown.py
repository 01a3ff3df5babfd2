"""Start and stop: finish what runs, leave the rest to the next bot, and tell monitors the state."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import pytest

from bot.web import socket_mode
from playground.bitrise import Fault
from playground.wire import Hooks, Phase
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
PATIENT, AT_ONCE = 60, 0
"""Seconds for the work that runs."""


@pytest.fixture
async def patient(open_world: OpenWorld) -> World:
    return await open_world(shutdown_seconds=PATIENT)


@pytest.fixture
async def hasty(open_world: OpenWorld) -> World:
    return await open_world(shutdown_seconds=AT_ONCE)


class Held:
    """The first such call waits until it is released, or dropped without a response."""

    def __init__(self, hooks: Hooks, name: str, phase: Phase) -> None:
        self.arrived, self.released, self._is_dropped = asyncio.Event(), asyncio.Event(), False
        hooks.on(name, phase, self._wait)

    async def _wait(self, facts: Mapping[str, Any]) -> None:
        if not self.arrived.is_set():
            self.arrived.set()
            await self.released.wait()
            if self._is_dropped:
                raise asyncio.CancelledError

    def drop(self) -> None:
        self._is_dropped = True
        self.released.set()


async def get(world: World, path: str) -> tuple[int, str]:
    """Read a page that monitors read."""
    url = f"http://127.0.0.1:{world.bot.port}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def start_build(world: World, text: str = "/build shop deploy main") -> Any:
    return await world.slack.command(world.ana, world.ios, text)


async def begin_to_stop(world: World) -> asyncio.Task[None]:
    stopping = asyncio.create_task(world.stop_bot())
    while (await get(world, "/readyz"))[0] == 200:
        pass
    return stopping


# Work that runs.


async def test_a_start_under_way_is_finished_first(patient: World) -> None:
    held = Held(patient.bitrise.hooks, "builds.trigger", "accepted")
    await start_build(patient)
    await held.arrived.wait()
    stopping = await begin_to_stop(patient)
    held.released.set()
    await stopping
    await patient.start_bot()
    await patient.settled()
    assert (len(patient.cards()), len(patient.bitrise.triggers)) == (1, 1)
    assert patient.bitrise.journal.named("builds.list") == [], "the answer was stored, so nobody searched for the build"


@pytest.mark.parametrize("phase", ["before", "accepted"])
async def test_a_start_that_hangs_is_taken_up_by_the_next_bot(hasty: World, phase: Phase) -> None:
    held = Held(hasty.bitrise.hooks, "builds.trigger", phase)
    await start_build(hasty)
    await held.arrived.wait()
    await hasty.stop_bot()
    if phase == "before":
        assert hasty.builds() == []
    held.drop()
    await hasty.start_bot()
    await hasty.passes(minutes=12)
    assert hasty.builds()[0].workflow == "deploy"
    assert "Succeeded" in hasty.sees()


async def test_a_message_that_slack_does_not_take_is_sent_by_the_next_bot(hasty: World) -> None:
    held = Held(hasty.slack.hooks, "chat.postMessage", "before")
    await start_build(hasty)
    await held.arrived.wait()
    await hasty.stop_bot()
    assert hasty.cards() == []
    held.drop()
    await hasty.start_bot()
    await hasty.passes(minutes=1)
    assert len(hasty.cards()) == 1


async def test_slack_is_away_when_the_bot_stops(hasty: World) -> None:
    await hasty.slack.stop()
    await hasty.stop_bot()


async def test_bitrise_is_away_when_the_bot_stops(hasty: World) -> None:
    await hasty.bitrise.stop()
    await start_build(hasty)
    await hasty.stop_bot()
    await hasty.bitrise.start()
    await hasty.start_bot()
    await hasty.passes(minutes=1)
    assert (len(hasty.cards()), len(hasty.bitrise.triggers)) == (1, 1)


async def test_the_socket_is_dead_without_knowing_when_the_bot_stops(patient: World) -> None:
    for connection in patient.slack.sockets.of():
        assert connection.request.transport is not None
        connection.request.transport.pause_reading()
    patient.slack.limits.ack_seconds = 0.2
    await start_build(patient)
    await patient.stop_bot()


async def test_a_command_that_comes_during_the_stop_is_not_taken(patient: World) -> None:
    held = Held(patient.bitrise.hooks, "builds.trigger", "before")
    patient.slack.limits.ack_seconds = 0.2
    await start_build(patient)
    await held.arrived.wait()
    stopping = await begin_to_stop(patient)
    late = await start_build(patient, "/build shop deploy develop")
    assert not late.ok
    held.released.set()
    await stopping


# Monitors and a Slack in trouble.


async def test_healthy_before_ready_and_ready_once_slack_answers(patient: World) -> None:
    await patient.stop_bot()
    held = Held(patient.slack.hooks, "auth.test", "before")
    starting = asyncio.create_task(patient.start_bot())
    await held.arrived.wait()
    assert [(await get(patient, path))[0] for path in ("/healthz", "/readyz")] == [200, 503]
    held.released.set()
    await starting
    assert [(await get(patient, path))[0] for path in ("/healthz", "/readyz")] == [200, 200]


async def test_healthy_and_not_ready_during_the_stop(patient: World) -> None:
    held = Held(patient.bitrise.hooks, "builds.trigger", "before")
    await start_build(patient)
    await held.arrived.wait()
    stopping = await begin_to_stop(patient)
    assert (await get(patient, "/healthz"))[0] == 200
    assert "shutdown" in (await get(patient, "/readyz"))[1]
    held.released.set()
    await stopping


async def test_metrics_count_what_happened(patient: World) -> None:
    await patient.say("/build shop deploy main")
    metrics = (await get(patient, "/metrics"))[1].splitlines()
    assert 'buildbell_slack_requests_total{kind="command",result="answered"} 2.0' in metrics, "connect and start"
    assert 'buildbell_jobs{state="failed"} 0.0' in metrics


async def test_slack_in_trouble_is_waited_for(
    patient: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(socket_mode, "RETRY_SECONDS", 0.01)
    await patient.stop_bot()
    patient.slack.faults.add(Fault("apps.connections.open", kind="status", status=503))
    await patient.start_bot()
    logged = {record.getMessage() for record in caplog.records}
    assert logged & {"Slack refused a connection; trying again", "Slack did not respond; trying again"}
