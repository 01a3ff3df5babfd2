"""Two connections to Slack: whichever of them is being replaced, the other takes what people type."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Literal

import pytest

from playground.slack.replies import cut
from playground.slack.sockets import Connection
from tests.world import World

TYPED = "/build shop deploy main"


class Doorway:
    """Holds or cuts who comes to open a connection."""

    def __init__(self, world: World) -> None:
        self.came, self.opened = asyncio.Event(), asyncio.Event()
        self.count = 0
        world.slack.on("socket", "before", self._wait)

    async def _wait(self, facts: Mapping[str, Any]) -> None:
        self.count += 1
        self.came.set()
        await self.opened.wait()


@pytest.fixture
async def lines(world: World) -> list[Connection]:
    """Both connections, the older one first."""
    await world.passes(seconds=60)
    await world.slack.sockets.connected(world.app.app, count=2)
    return world.slack.sockets.of(world.app.app)


def addresses(world: World) -> int:
    return len(world.slack.journal.named("apps.connections.open"))


async def test_the_second_connection_comes_a_minute_after_the_first(world: World) -> None:
    await world.passes(seconds=59)
    assert addresses(world) == 1
    await world.passes(seconds=1)
    await world.slack.sockets.connected(world.app.app, count=2)
    assert addresses(world) == 2


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_while_both_are_to_be_refreshed_one_of_them_hears(
    world: World, lines: list[Connection], reason: Literal["warning", "refresh_requested"]
) -> None:
    doorway = Doorway(world)
    await world.slack.sockets.disconnect(reason)
    await doorway.came.wait()
    assert len(world.slack.sockets.of(world.app.app)) == 1, "one has left, and waits at the door"
    said = await world.slack.command(world.ana, world.ios, TYPED)
    assert (said.ok, said.attempts) == (True, 1)
    doorway.opened.set()
    for line in lines:
        await world.slack.sockets.replaced(line)
    await world.slack.sockets.connected(world.app.app, count=2)
    await world.settled()
    assert len(world.builds()) == 1
    assert addresses(world) == 4


async def test_when_one_is_cut_the_other_hears(world: World, lines: list[Connection]) -> None:
    cut(lines[0].request)
    await world.slack.sockets.replaced(lines[0])
    assert world.slack.sockets.of(world.app.app) == lines[1:]
    said = await world.say(TYPED)
    assert (said.ok, said.attempts) == (True, 1)
    assert len(world.builds()) == 1


async def test_an_answer_whose_connection_has_gone_is_no_bug(world: World) -> None:
    gone = asyncio.Event()

    async def close_the_line(facts: Mapping[str, Any]) -> None:
        if not gone.is_set():
            gone.set()
            (handler, _) = world.bot.socket._handlers  # type: ignore[union-attr]
            await handler.line.current_session.close()  # type: ignore[union-attr]

    world.slack.on("views.open", "accepted", close_the_line)
    world.slack.limits.ack_seconds = 0.2
    said = await world.slack.command(world.ana, world.ios, "/build")
    assert said.error == "operation_timeout"


async def test_a_handshake_that_breaks_is_made_again_with_a_new_address(
    world: World, lines: list[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.web.socket_mode.HANDSHAKE_SECONDS", 0.2)
    world.expects_errors = True  # the SDK complains
    broken: list[Any] = []

    async def break_once(facts: Mapping[str, Any]) -> None:
        if not broken:
            broken.append(facts)
            cut(facts["request"])

    world.slack.on("socket", "before", break_once)
    await world.slack.sockets.disconnect()
    for line in lines:
        await world.slack.sockets.replaced(line)
    await world.slack.sockets.connected(world.app.app, count=2)
    assert addresses(world) == 5


async def test_a_second_connection_that_finds_no_room_does_not_insist(world: World) -> None:
    world.slack.limits.connections = 1
    doorway = Doorway(world)
    doorway.opened.set()
    await world.passes(seconds=60)
    await doorway.came.wait()
    assert (await world.say(TYPED)).ok
    assert (doorway.count, addresses(world)) == (1, 2)


async def test_it_may_be_stopped_while_it_waits_for_an_address(world: World, lines: list[Connection]) -> None:
    doorway = Doorway(world)
    await world.slack.sockets.disconnect()
    await doorway.came.wait()
    await world.stop_bot()
    doorway.opened.set()
    assert not world.is_up
