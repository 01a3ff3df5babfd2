"""What is seen of builds, however many, with one call; how often; and what happens while Bitrise is away."""

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


def calls(world: World, operation: str) -> int:
    return len(world.bitrise.journal.named(operation))


async def stored_states(world: World) -> list[str]:
    rows = await stored_builds(world.bot.ctx.db, world.team.id)
    return [row.outcome or row.state for row in rows]


async def watch(world: World, count: int) -> None:
    """So many endless builds, each of them seen when it was new; the oldest has a card here."""
    await world.say("/build shop endless main")
    for number in range(1, count):
        world.bitrise.hold(world.bitrise.start_build(world.droid, workflow="deploy"))
        if number % 40 == 0:
            await world.passes(seconds=10)
    await world.passes(seconds=30)


async def test_fifty_running_builds_cost_one_call_a_sweep(world: World) -> None:
    await watch(world, 50)
    world.bitrise.journal.clear()
    await world.passes(seconds=100)
    assert (calls(world, LIST), len(world.bitrise.journal)) == (10, 10)


async def test_builds_that_fell_off_the_page_are_asked_for_one_by_one(world: World) -> None:
    await watch(world, 53)
    world.bitrise.journal.clear()
    await world.passes(seconds=10)
    assert (calls(world, LIST), calls(world, ONE)) == (1, 3)


async def test_the_end_of_a_build_that_fell_off_the_page_is_seen(world: World) -> None:
    await watch(world, 60)
    world.bitrise.finish(world.builds()[0])
    await world.passes(seconds=10)
    assert world.read(world.cards()[0]).startswith("✅ Succeeded")


async def test_however_many_fell_off_the_page_each_gets_its_turn(world: World) -> None:
    await watch(world, 95)
    world.bitrise.finish(world.builds()[0])
    await world.passes(seconds=60)
    assert world.read(world.cards()[0]).startswith("✅ Succeeded")


@pytest.mark.parametrize("status", [500, 400, 410, 422])
async def test_a_build_that_cannot_be_shown_holds_up_no_other(world: World, status: int) -> None:
    await watch(world, 55)
    oldest, second, *_ = world.builds()
    path = f"/v0.1/apps/*/builds/{second.slug}"
    world.bitrise.faults.add(Fault(path, status=status, times=None))
    await world.passes(seconds=10)  # from now on it has waited longest, and is asked for first
    world.bitrise.finish(oldest)
    await world.passes(minutes=1)
    assert world.read(world.cards()[0]).startswith("✅ Succeeded")


async def test_builds_nobody_started_here_are_known(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="test", triggered_by="webhook-github/octocat")
    await world.passes(minutes=20)
    assert await stored_states(world) == ["succeeded"]
    assert not world.cards()


async def test_bitrise_is_asked_often_while_a_build_is_watched_and_seldom_otherwise(world: World) -> None:
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


async def test_a_start_is_looked_at_at_once(world: World) -> None:
    await world.passes(minutes=2)
    world.bitrise.journal.clear()
    await world.say("/build shop deploy main")
    assert calls(world, LIST) == 1


async def test_what_happens_during_a_sweep_is_looked_at_two_seconds_later(world: World) -> None:
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
async def test_while_bitrise_is_away_it_is_asked_less_and_less(world: World, status: int) -> None:
    await world.say("/build shop endless main")
    world.bitrise.faults.add(Fault(LIST, status=status, times=None))
    world.bitrise.journal.clear()
    await world.passes(minutes=30)
    assert 5 <= calls(world, LIST) <= 12


async def test_a_pause_bitrise_asks_for_is_kept(world: World) -> None:
    await world.say("/build shop endless main")
    world.bitrise.faults.add(Fault(LIST, status=429, retry_after=300))
    await world.passes(seconds=10)
    world.bitrise.journal.clear()
    await world.passes(seconds=299)
    assert calls(world, LIST) == 0


async def test_after_an_outage_the_card_catches_up_and_the_pace_is_back(world: World) -> None:
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


async def test_what_happened_while_the_bot_was_down_is_caught_up_at_once(world: World) -> None:
    await world.say("/build shop deploy main")
    await world.stop_bot()
    await world.passes(minutes=20)
    await world.start_bot()
    await world.settled()
    assert world.read(world.card).startswith("✅ Succeeded")
    assert len(world.thread(world.card)) == 1


async def test_a_sweep_that_broke_too_often_at_its_end_is_not_the_last(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.expects_errors = True
    await world.say("/build shop endless main")
    with monkeypatch.context() as broken:
        broken.setattr(sync_rows, "finish_sync", None)
        await world.passes(minutes=40)
    assert (await world.bot.engine.count_jobs())["failed"] > 0
    world.bitrise.journal.clear()
    await world.passes(minutes=30)
    assert calls(world, LIST) > 100


async def test_a_build_that_vanishes_ends_without_an_outcome(world: World) -> None:
    await world.say("/build shop endless main")
    world.bitrise.faults.add(Fault(LIST, "body", status=200, body={"data": []}, times=None))
    world.bitrise.faults.add(Fault(ONE, status=404, times=None))
    await world.passes(minutes=9)
    assert world.read(world.card).startswith("⏳ Queued")
    await world.passes(minutes=3)
    assert "Bitrise no longer shows this build" in world.read(world.card)
    assert "[Stop…]" not in world.read(world.card)


async def test_a_build_that_is_not_found_for_a_moment_goes_on(world: World) -> None:
    await world.say("/build shop deploy main")
    world.bitrise.faults.add(Fault(LIST, "body", status=200, body={"data": []}, times=6))
    world.bitrise.faults.add(Fault(ONE, status=404, times=6))
    await world.passes(minutes=10)
    assert world.read(world.card).startswith("✅ Succeeded")


async def test_without_a_token_nothing_is_asked(open_world: OpenWorld) -> None:
    world = await open_world(connected=False)
    await world.passes(minutes=30)
    assert not len(world.bitrise.journal)


async def test_disconnecting_ends_the_questions(world: World) -> None:
    await world.say("/build disconnect", by=world.ada)
    await world.press(world.whisper(world.ada), "Forget the token", by=world.ada)
    world.bitrise.journal.clear()
    await world.passes(minutes=30)
    assert not len(world.bitrise.journal)
