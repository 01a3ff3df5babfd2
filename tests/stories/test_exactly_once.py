"""Whatever comes twice, late or around a restart: one build, one stop, one card, one announcement."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from playground.slack import Delivery
from playground.wire import Fault
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
TYPED = "/build shop deploy main"


async def again(world: World, delivery: Delivery, times: int = 3) -> None:
    for _ in range(times):
        await world.slack.redeliver(delivery)
        await world.settled()


async def fill_start_form(world: World) -> Delivery:
    await world.say("/build")
    return await world.submit({"start.app": "iOS Shop", "start.target": "deploy", "start.branch": "main"})


# Deliveries that come again.


async def test_a_command_is_one_start(world: World) -> None:
    await again(world, await world.say(TYPED))
    assert (len(world.builds()), len(world.cards())) == (1, 1)


async def test_a_command_that_comes_again_after_the_end_starts_nothing(world: World) -> None:
    told = await world.say(TYPED)
    await world.passes(minutes=10)
    await again(world, told)
    assert (len(world.builds()), len(world.cards())) == (1, 1)


async def test_a_command_that_comes_again_after_a_restart_starts_nothing(world: World) -> None:
    told = await world.say(TYPED)
    await world.restart_bot()
    await again(world, told)
    assert (len(world.builds()), len(world.cards())) == (1, 1)


async def test_a_refused_command_that_comes_again_is_not_tried_again(world: World) -> None:
    world.bitrise.faults.add(Fault("builds.trigger", status=422))
    await again(world, await world.say(TYPED))
    assert len(world.bitrise.journal.named("builds.trigger")) == 1


async def test_copies_that_come_at_the_same_moment_are_one_start(world: World) -> None:
    told = await world.slack.command(world.ana, world.ios, TYPED)
    await asyncio.gather(*(world.slack.redeliver(told) for _ in range(10)))
    await world.settled()
    assert (len(world.builds()), len(world.cards())) == (1, 1)


async def test_by_http_copies_are_one_start(open_world: OpenWorld) -> None:
    world = await open_world(socket_mode=False)
    await again(world, await world.say(TYPED))
    assert (len(world.builds()), len(world.cards())) == (1, 1)


async def test_a_submitted_form_is_one_start(world: World) -> None:
    await again(world, await fill_start_form(world))
    assert (len(world.builds()), len(world.cards())) == (1, 1)


async def test_run_again_pressed_once_and_delivered_twice_is_one_start(world: World) -> None:
    await world.say(TYPED)
    await world.passes(minutes=10)
    await again(world, await world.press(world.card, "Rerun"))
    assert len(world.builds()) == 2


async def test_a_stop_is_one_stop(world: World) -> None:
    await world.say("/build shop endless main")
    await again(world, await world.stop_build(world.card))
    assert len(world.bitrise.journal.named("builds.abort")) == 1


async def test_a_form_that_is_asked_for_twice_opens_once(world: World) -> None:
    await again(world, await world.say("/build"))
    assert len(world.slack.views(world.ana)) == 1


async def test_a_token_submitted_twice_connects(open_world: OpenWorld) -> None:
    world = await open_world(connected=False)
    await world.say("/build connect", by=world.ada)
    await again(world, await world.submit({"connect.token": world.token}, by=world.ada))
    await world.say(TYPED)
    assert len(world.builds()) == 1


# Thumbs that press twice.


async def test_run_again_pressed_twice_at_once_asks_the_second_time(world: World) -> None:
    await world.say(TYPED)
    await world.passes(minutes=10)
    card = world.card.snapshot()
    await asyncio.gather(*(world.slack.press(world.ana, card, "Rerun") for _ in range(2)))
    await world.settled()
    assert len(world.builds()) == 2
    assert "Start anyway" in "\n".join(world.whispers())


async def test_two_people_who_press_run_again_start_one_and_one_is_asked(world: World) -> None:
    await world.say(TYPED)
    await world.passes(minutes=10)
    card = world.card.snapshot()
    await asyncio.gather(*(world.slack.press(person, card, "Rerun") for person in (world.ana, world.bo)))
    await world.settled()
    assert len(world.builds()) == 2


async def test_a_question_answered_after_a_restart_starts_once(world: World) -> None:
    await world.say(TYPED)
    await world.say(TYPED, by=world.bo)
    question = world.whisper(world.bo).snapshot()
    await world.restart_bot()
    for _ in range(2):
        await world.press(question, "Start anyway", by=world.bo)
    assert len(world.builds()) == 2


async def test_a_form_opened_before_a_restart_starts_once_after_it(world: World) -> None:
    await world.say("/build")
    await world.restart_bot()
    told = await world.submit({"start.app": "iOS Shop", "start.target": "deploy", "start.branch": "main"})
    await again(world, told)
    assert len(world.builds()) == 1


# Restarts.


async def test_a_restart_after_every_step_changes_nothing(world: World) -> None:
    await world.say(TYPED)
    await world.restart_bot()
    await world.passes(minutes=1)
    await world.restart_bot()
    await world.stop_build(world.card, by=world.bo)
    await world.restart_bot()
    await world.passes(minutes=10)
    assert len(world.bitrise.triggers) == len(world.bitrise.aborts) == len(world.cards()) == 1
    assert "Stopped by @bo" in world.read(world.card)
    assert len(world.thread(world.card)) == 1


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
async def test_a_restart_while_a_start_is_looked_for_ends_in_one_build(world: World, kind: str) -> None:
    world.bitrise.faults.add(Fault("builds.trigger", kind))
    await world.say(TYPED)
    for _ in range(4):
        await world.restart_bot()
        await world.passes(seconds=5)
    await world.passes(minutes=10)
    assert len(world.bitrise.triggers) == len(world.cards()) == 1
    assert world.read(world.card).startswith("✅ Succeeded")


async def test_the_end_is_announced_once_over_many_restarts(world: World) -> None:
    await world.say(TYPED)
    await world.passes(minutes=7)
    for _ in range(6):
        await world.restart_bot()
        await world.passes(seconds=20)
    assert len(world.thread(world.card)) == 1


async def test_restarts_do_not_make_more_sweeps(world: World) -> None:
    await world.say("/build shop endless main")
    for _ in range(3):
        await world.restart_bot()
    await world.passes(seconds=30)
    world.bitrise.journal.clear()
    await world.passes(minutes=1)
    assert len(world.bitrise.journal.named("builds.list-all")) == 60 / world.settings().sweep_seconds


async def test_one_requester_is_mentioned_once(world: World) -> None:
    await world.say(TYPED)
    await world.passes(minutes=10)
    pings = [ping for message in world.slack.messages(world.ios) for ping in world.slack.pings(message)]
    assert pings == [world.ana.id]
