"""Polling: one call for any number of builds, how often, and what happens while Bitrise is unavailable."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from playground.wire import Fault
from storage import sync_schedule as sync_rows
from tests.stored import stored_builds
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
LIST, ONE = "builds.list-all", "builds.get"


@pytest.fixture
async def world(open_world: OpenWorld) -> World:
    """A world that polls as often as it does by default."""
    return await open_world(sweep_seconds=10)


def calls(world: World, operation: str) -> int:
    return len(world.bitrise.journal.named(operation))


async def stored_states(world: World) -> list[str]:
    rows = await stored_builds(world.bot.ctx.db, world.team.id)
    return [row.outcome or row.state for row in rows]


async def watch(world: World, count: int) -> None:
    """Run ``count`` endless builds, each synced when it was new; the oldest has a card here."""
    await world.say("/build shop endless main")
    for number in range(1, count):
        world.bitrise.hold(world.bitrise.start_build(world.droid, workflow="deploy"))
        if number % 40 == 0:
            await world.passes(seconds=10)
    await world.passes(seconds=30)


async def test_fifty_running_builds_cost_one_call_a_sync(world: World) -> None:
    await watch(world, 50)
    world.bitrise.journal.clear()
    await world.passes(seconds=100)
    assert (calls(world, LIST), len(world.bitrise.journal)) == (10, 10)


async def test_builds_beyond_the_first_page_are_fetched_one_by_one(world: World) -> None:
    await watch(world, 53)
    world.bitrise.journal.clear()
    await world.passes(seconds=10)
    assert (calls(world, LIST), calls(world, ONE)) == (1, 3)


async def test_result_of_a_build_beyond_the_first_page_is_synced(world: World) -> None:
    await watch(world, 60)
    world.bitrise.finish(world.builds()[0])
    await world.passes(seconds=10)
    assert world.read(world.cards()[0]).startswith("✅ Succeeded")


async def test_each_build_beyond_the_first_page_gets_its_turn(world: World) -> None:
    await watch(world, 95)
    world.bitrise.finish(world.builds()[0])
    await world.passes(seconds=60)
    assert world.read(world.cards()[0]).startswith("✅ Succeeded")


@pytest.mark.parametrize("status", [500, 400, 410, 422])
async def test_build_that_cannot_be_fetched_delays_no_other(world: World, status: int) -> None:
    await watch(world, 55)
    oldest, second, *_ = world.builds()
    path = f"/v0.1/apps/*/builds/{second.slug}"
    world.bitrise.faults.add(Fault(path, status=status, times=None))
    await world.passes(seconds=10)  # from now on it has waited longest, and is asked for first
    world.bitrise.finish(oldest)
    await world.passes(minutes=1)
    assert world.read(world.cards()[0]).startswith("✅ Succeeded")


async def test_builds_started_elsewhere_are_stored(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="test", triggered_by="webhook-github/octocat")
    await world.passes(minutes=20)
    assert await stored_states(world) == ["succeeded"]
    assert not world.cards()


async def test_polling_is_frequent_only_while_a_card_is_live(world: World) -> None:
    await world.passes(minutes=10)
    world.bitrise.journal.clear()
    await world.passes(minutes=10)
    idle = calls(world, LIST)
    await world.say("/build shop endless main")
    world.bitrise.journal.clear()
    await world.passes(minutes=10)
    assert (idle, calls(world, LIST)) == (2, 60)


async def test_the_intervals_are_settings(open_world: OpenWorld) -> None:
    world = await open_world(sweep_seconds=30, idle_sweep_seconds=600)
    await world.say("/build shop endless main")
    world.bitrise.journal.clear()
    await world.passes(minutes=10)
    assert calls(world, LIST) == 20


async def test_start_is_synced_at_once(world: World) -> None:
    await world.passes(minutes=2)
    world.bitrise.journal.clear()
    await world.say("/build shop deploy main")
    assert calls(world, LIST) == 1


async def test_subscription_during_a_sync_makes_another_due_in_two_seconds(world: World) -> None:
    await world.passes(minutes=2)
    world.bitrise.journal.clear()

    async def subscribe(facts: Mapping[str, Any]) -> None:
        undo()
        await world.slack.command(world.ana, world.ios, "/build subscribe shop style:line")

    undo = world.bitrise.on(LIST, "accepted", subscribe)
    await world.say("/build shop endless main")
    assert calls(world, LIST) == 1
    await world.passes(seconds=2)
    assert calls(world, LIST) == 2


@pytest.mark.parametrize("status", [429, 500])
async def test_polling_backs_off_while_bitrise_fails(world: World, status: int) -> None:
    await world.say("/build shop endless main")
    world.bitrise.faults.add(Fault(LIST, status=status, times=None))
    world.bitrise.journal.clear()
    await world.passes(minutes=30)
    assert 5 <= calls(world, LIST) <= 12


async def test_retry_after_of_bitrise_is_respected(world: World) -> None:
    await world.say("/build shop endless main")
    world.bitrise.faults.add(Fault(LIST, status=429, retry_after=300))
    await world.passes(seconds=10)
    world.bitrise.journal.clear()
    await world.passes(seconds=299)
    assert calls(world, LIST) == 0


async def test_after_an_outage_the_card_catches_up_and_polling_is_frequent_again(world: World) -> None:
    await world.say("/build shop deploy main")
    world.bitrise.faults.add(Fault(LIST, status=500, times=None))
    await world.passes(minutes=20)
    world.bitrise.faults.clear()
    await world.passes(minutes=5)
    assert world.read(world.card).startswith("✅ Succeeded")
    await world.say("/build shop endless main")
    world.bitrise.journal.clear()
    await world.passes(minutes=1)
    assert calls(world, LIST) == 6


async def test_result_during_a_downtime_is_shown_at_the_next_start(world: World) -> None:
    await world.say("/build shop deploy main")
    await world.stop_bot()
    await world.passes(minutes=20)
    await world.start_bot()
    await world.settled()
    assert world.read(world.card).startswith("✅ Succeeded")
    assert len(world.thread(world.card)) == 1


async def test_sync_that_keeps_failing_at_its_end_is_not_the_last(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.expects_errors = True
    await world.say("/build shop endless main")
    with monkeypatch.context() as broken:
        broken.setattr(sync_rows, "finish_sync", None)
        await world.passes(minutes=40)
    assert (await world.bot.engine.count_jobs())["failed"] > 0
    world.bitrise.journal.clear()
    await world.passes(minutes=25)
    assert calls(world, LIST) > 100


async def test_deleted_build_finishes_without_an_outcome(world: World) -> None:
    await world.say("/build shop endless main")
    world.bitrise.faults.add(Fault(LIST, "body", status=200, body={"data": []}, times=None))
    world.bitrise.faults.add(Fault(ONE, status=404, times=None))
    await world.passes(minutes=9)
    assert world.read(world.card).startswith("⏳ Queued")
    await world.passes(minutes=3)
    assert "Bitrise no longer shows this build" in world.read(world.card)
    assert "[Stop…]" not in world.read(world.card)


async def test_build_not_found_for_a_moment_is_kept(world: World) -> None:
    await world.say("/build shop deploy main")
    world.bitrise.faults.add(Fault(LIST, "body", status=200, body={"data": []}, times=6))
    world.bitrise.faults.add(Fault(ONE, status=404, times=6))
    await world.passes(minutes=10)
    assert world.read(world.card).startswith("✅ Succeeded")


async def test_bitrise_is_not_called_without_a_token(open_world: OpenWorld) -> None:
    world = await open_world(connected=False)
    await world.passes(minutes=30)
    assert not len(world.bitrise.journal)


async def test_bitrise_is_not_called_after_disconnecting(world: World) -> None:
    await world.say("/build disconnect", by=world.ada)
    await world.press(world.whisper(world.ada), "Disconnect", by=world.ada)
    world.bitrise.journal.clear()
    await world.passes(minutes=30)
    assert not len(world.bitrise.journal)
