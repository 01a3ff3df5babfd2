"""An update by a replica that others took for dead, and that was only slow, doesn't stay."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from bot.delivery import sender
from bot.engine import RetryAt
from bot.sync import poller
from playground.wire import Fault
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]


class Hands:
    """Run the jobs of a bot by hand: as one replica, and as another that runs the same at the same time."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def sweep(self) -> None:
        """Sync a minute later."""
        clock = self._world.clock
        clock.move_to(clock.now().replace(minute=clock.now().minute + 1))
        await poller.perform_sync(self._world.bot.ctx, {"workspace_id": self._world.team.id})

    async def waiting(self) -> list[str]:
        rows = await self._world.bot.ctx.db.fetch_all("select outbox_id from outbox order by rowid")
        return [row["outbox_id"] for row in rows]

    async def deliver(self, *outbox_ids: str) -> None:
        for outbox_id in outbox_ids:
            await sender.deliver(self._world.bot.ctx, {"outbox_id": outbox_id})


@pytest.fixture
async def world_and_hands(open_world: OpenWorld) -> tuple[World, Hands]:
    """Return a world with the card of a queued build, in which no job runs automatically from now on."""
    world = await open_world()
    await world.say("/build shop endless main")
    await world.bot.engine.stop(within_seconds=1)
    return world, Hands(world)


@pytest.mark.parametrize("ends", ["answered", "unanswered", "cut off"])
async def test_update_sent_last_by_a_slow_replica_is_corrected(world_and_hands: tuple[World, Hands], ends: str) -> None:
    world, hands = world_and_hands
    arrived, released = asyncio.Event(), asyncio.Event()

    async def hold(facts: Mapping[str, Any]) -> None:
        undo()
        arrived.set()
        await released.wait()

    undo = world.slack.hooks.on("chat.update", "before", hold)
    if ends == "unanswered":
        world.slack.faults.add(Fault("chat.update", "cut_after"))
    await hands.sweep()
    runs, *_ = await hands.waiting()
    slow = asyncio.create_task(hands.deliver(runs))
    await arrived.wait()

    world.bitrise.finish(world.builds()[0], "failed")
    await hands.sweep()
    await hands.deliver(*await hands.waiting())
    assert "Failed" in world.read(world.card)

    if ends == "cut off":
        world.slack.hooks.on("chat.update", "accepted", lambda _: cut_off(slow))
    released.set()
    await asyncio.wait([slow])
    assert "Running" in world.read(world.card), "Slack took the older drawing last"
    assert slow.cancelled() == (ends == "cut off")
    assert isinstance(None if slow.cancelled() else slow.exception(), RetryAt) == (ends == "unanswered")

    await hands.deliver(*await hands.waiting())
    assert "Failed" in world.read(world.card)


async def cut_off(task: asyncio.Task[None]) -> None:
    task.cancel()
