"""Bitrise is slow, busy, away or talks nonsense: one build each, one abort each, and the person hears of it once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from playground.wire import Fault
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
TYPED = "/build shop deploy main"

PASSING = [
    Fault(status=429, retry_after=20),
    Fault(status=429),
    Fault(status=500),
    Fault(kind="html", status=502),
    Fault(kind="html", status=200),
    Fault(kind="broken_json"),
    Fault(kind="body", status=200, body=[]),
    Fault(kind="slow", delay=0.05),
    Fault(kind="cut_before"),
    Fault(kind="cut_after"),
    Fault(kind="html", status=504, effect=True),
]
FINAL = [401, 403, 404, 400, 422]


def called(fault: Fault) -> str:
    said = " ".join(str(part) for part in (fault.kind, fault.status, fault.retry_after) if part is not None)
    return f"{said} taken" if fault.effect else said


def at(operation: str, fault: Fault, **changes: Any) -> Fault:
    fields = {name: getattr(fault, name) for name in fault.__dataclass_fields__}
    return Fault(**(fields | {"name": operation} | changes))


def said(world: World, words: str) -> list[str]:
    return [told for told in world.whispers() if words in told]


# Starting.


@pytest.mark.parametrize("fault", PASSING, ids=called)
async def test_a_start_in_trouble_ends_in_one_build(world: World, fault: Fault) -> None:
    world.bitrise.faults.add(at("builds.trigger", fault))
    await world.say(TYPED)
    await world.passes(minutes=4)
    assert len(world.builds()) == 1
    assert "iOS Shop · deploy  #1" in world.read(world.card)
    assert len(world.cards()) == 1


@pytest.mark.parametrize(
    "fault", [each for each in PASSING if each.status in (None, 500) and not each.delay], ids=called
)
async def test_a_start_in_trouble_is_told_once(world: World, fault: Fault) -> None:
    world.bitrise.faults.add(at("builds.trigger", fault, times=3))
    await world.say(TYPED)
    await world.passes(minutes=6)
    assert len(said(world, "Bitrise hasn't responded yet")) == 1


@pytest.mark.parametrize("status", FINAL)
async def test_a_refused_start_is_told_and_not_tried_again(world: World, status: int) -> None:
    world.bitrise.faults.add(Fault("builds.trigger", status=status))
    await world.say(TYPED)
    await world.passes(minutes=20)
    assert not world.builds()
    assert len(said(world, "Not started")) == 1


@pytest.mark.parametrize("effect", ["cut_before", "cut_after"])
@pytest.mark.parametrize("trouble", [429, 500])
async def test_a_look_that_fails_never_leads_to_a_second_build(world: World, effect: str, trouble: int) -> None:
    world.bitrise.faults.add(Fault("builds.trigger", effect))
    world.bitrise.faults.add(Fault("builds.list", status=trouble, retry_after=3, times=12))
    await world.say(TYPED)
    await world.passes(minutes=3)
    assert len(world.builds()) == 1
    assert len(world.cards()) == 1


async def test_a_list_without_an_end_does_not_keep_a_start_looking(world: World) -> None:
    same = {"data": [], "paging": {"next": "the-same-again"}}
    world.bitrise.faults.add(Fault("builds.trigger", "cut_after"))
    world.bitrise.faults.add(Fault("builds.list", "body", status=200, body=same, times=50))
    await world.say(TYPED)
    await world.passes(seconds=4)
    assert len(world.bitrise.journal.named("builds.list")) == 2
    world.bitrise.faults.clear()
    await world.passes(minutes=1)
    assert len(world.bitrise.triggers) == 1
    assert "iOS Shop · deploy  #1" in world.read(world.card)


async def test_nothing_is_sent_again_before_the_look_back_is_over(world: World) -> None:
    world.bitrise.faults.add(Fault("builds.trigger", "cut_before"))
    await world.say(TYPED)
    await world.passes(seconds=world.settings().look_back_seconds - 1)
    assert len(world.bitrise.journal.named("builds.trigger")) == 1
    await world.passes(seconds=2)
    assert len(world.bitrise.journal.named("builds.trigger")) == 2


async def test_a_start_nobody_takes_is_given_up_in_words(world: World) -> None:
    world.bitrise.faults.add(Fault("builds.trigger", status=500, times=None))
    await world.say(TYPED)
    await world.passes(minutes=15)
    assert len(said(world, "Not started: Bitrise didn't respond in time, and no build appeared. Try again.")) == 1
    sent = len(world.bitrise.journal.named("builds.trigger"))
    await world.passes(minutes=30)
    assert len(world.bitrise.journal.named("builds.trigger")) == sent
    assert not world.builds()


async def test_a_start_that_waits_for_bitrise_goes_on_after_a_restart(world: World) -> None:
    world.bitrise.faults.add(Fault("builds.trigger", "cut_after"))
    await world.say(TYPED)
    await world.restart_bot()
    await world.passes(minutes=2)
    assert len(world.bitrise.triggers) == 1
    assert "iOS Shop · deploy  #1" in world.read(world.card)


async def test_while_bitrise_is_away_for_all_one_build_comes_of_it_afterwards(world: World) -> None:
    world.bitrise.faults.add(Fault(status=500, times=None))
    await world.say(TYPED)
    await world.passes(minutes=1)
    world.bitrise.faults.clear()
    await world.passes(minutes=2)
    assert len(world.bitrise.triggers) == 1
    assert "iOS Shop · deploy  #1" in world.read(world.card)


async def test_when_the_list_is_away_for_longer_than_the_deadline_the_lost_build_is_found(world: World) -> None:
    world.bitrise.faults.add(Fault("builds.trigger", "cut_after"))
    world.bitrise.faults.add(Fault("builds.list", status=500, times=None))
    await world.say(TYPED)
    await world.passes(minutes=15)
    assert not said(world, "Not started")
    world.bitrise.faults.clear()
    await world.passes(minutes=2)
    assert len(world.bitrise.triggers) == 1
    assert "iOS Shop · deploy  #1" in world.read(world.card)


# Stopping.


@pytest.mark.parametrize("fault", PASSING, ids=called)
async def test_a_stop_in_trouble_ends_in_one_abort(world: World, fault: Fault) -> None:
    await world.say("/build shop endless main")
    world.bitrise.faults.add(at("builds.abort", fault))
    await world.stop_build(world.card, by=world.bo)
    await world.passes(minutes=3)
    assert len(world.bitrise.aborts) == 1
    assert "Stopped by @bo – wrong branch or workflow" in world.read(world.card)
    assert "was not stopped" not in "".join(world.whispers(world.bo))


@pytest.mark.parametrize("status", [401, 403, 404, 422])
async def test_a_refused_stop_is_told_once_and_not_tried_again(world: World, status: int) -> None:
    await world.say("/build shop endless main")
    world.bitrise.faults.add(Fault("builds.abort", status=status))
    await world.stop_build(world.card, by=world.bo)
    await world.passes(minutes=2)
    assert len([told for told in world.whispers(world.bo) if "was not stopped" in told]) == 1
    assert len(world.bitrise.journal.named("builds.abort")) == 1


@pytest.mark.parametrize("trouble", [429, 500])
async def test_a_stop_whose_look_fails_is_one_abort(world: World, trouble: int) -> None:
    await world.say("/build shop endless main")
    world.bitrise.faults.add(Fault("builds.abort", "cut_after"))
    world.bitrise.faults.add(Fault("builds.get", status=trouble, times=6))
    await world.stop_build(world.card, by=world.bo)
    await world.passes(minutes=4)
    assert len(world.bitrise.aborts) == 1
    assert "Stopped by @bo" in world.read(world.card)


# Reading.


async def ask_for_status(world: World, fault: Fault) -> str:
    """What is answered to somebody who asks while Bitrise has that trouble."""
    build = world.bitrise.start_build(world.shop, workflow="endless")
    world.bitrise.faults.add(fault)
    await world.say(f"/build status shop #{build.number}")
    return world.whispers()[-1]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(status=429, retry_after=20), "Bitrise is rate limiting Buildbell"),
        (Fault(status=500), "Bitrise returned HTTP 500"),
        (Fault(kind="html", status=502), "Bitrise returned HTTP 502"),
        (Fault(kind="broken_json"), "Bitrise sent an unreadable response"),
        (Fault(kind="cut_before"), "Couldn't reach Bitrise"),
        (Fault(status=401), "the connected token"),
    ],
    ids=lambda value: called(value) if isinstance(value, Fault) else "",
)
async def test_a_question_is_answered_with_the_trouble(world: World, fault: Fault, words: str) -> None:
    assert words in await ask_for_status(world, at("builds.list", fault, times=10))


@pytest.mark.parametrize("kind", ["nulls", "all_nulls"])
@pytest.mark.parametrize("operation", ["builds.list", "builds.list-all", "builds.get"])
async def test_null_in_every_field_breaks_nothing(world: World, operation: str, kind: str) -> None:
    await world.say(TYPED)
    world.bitrise.faults.add(Fault(operation, kind, times=30))
    for typed in ("/build status", "/build list shop", "/build status shop #1", "/build shop #1"):
        await world.say(typed)
    await world.passes(minutes=3)
    world.bitrise.faults.clear()
    await world.passes(minutes=10)
    assert world.read(world.cards()[0]).startswith("✅ Succeeded  iOS Shop · deploy  #1")


@pytest.mark.parametrize("kind", ["nulls", "all_nulls"])
async def test_a_start_answered_with_nulls_is_one_build(world: World, kind: str) -> None:
    world.bitrise.faults.add(Fault("builds.trigger", kind))
    await world.say(TYPED)
    await world.passes(minutes=4)
    assert len(world.bitrise.triggers) == 1


async def test_a_read_is_tried_again_before_anybody_is_told(world: World) -> None:
    shown = await ask_for_status(world, Fault("builds.list", status=503, times=2))
    assert "iOS Shop · endless" in shown


# The token.


async def test_a_dead_token_is_told_once_to_who_connected_it(world: World) -> None:
    await world.say(TYPED)
    world.bitrise.revoke(world.token)
    await world.passes(minutes=30)
    told = [letter for letter in world.letters(world.ada) if "rejecting this workspace's token" in letter]
    assert len(told) == 1


async def test_a_passing_401_is_recovered_from(world: World) -> None:
    await world.say(TYPED)
    world.bitrise.faults.add(Fault("builds.list-all", status=401))
    await world.passes(minutes=30)
    assert world.read(world.card).startswith("✅ Succeeded")
    assert "Bitrise accepts the token again" in world.letters(world.ada)[-1]


async def test_a_new_token_takes_up_what_the_dead_one_left(world: World) -> None:
    await world.say(TYPED)
    world.bitrise.revoke(world.token)
    await world.passes(minutes=2)
    await world.connect(world.bitrise.add_token(world.owner))
    await world.passes(minutes=10)
    assert world.read(world.card).startswith("✅ Succeeded")


# Asking.


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ("shop #1", 403),
        ("shop #1", 404),
        ("status shop", 404),
        ("list shop", 403),
        ("log shop #1", 404),
        ("again shop #1", 403),
        ("artifacts shop #1", 404),
    ],
)
async def test_a_bare_no_to_a_question_is_told_with_what_may_be_behind_it(
    world: World, typed: str, status: int
) -> None:
    await world.say(TYPED)
    await world.passes(minutes=20)
    world.bitrise.faults.add(Fault("builds.*", status=status, times=None))
    await world.say(f"/build {typed}")
    assert "It may have been deleted, or the connected token doesn't have access." in world.whispers()[-1]


async def test_a_question_in_an_outage_is_answered_with_what_to_do(world: World) -> None:
    world.bitrise.faults.add(Fault("builds.*", status=503, times=None))
    await world.say("/build list shop")
    assert "Bitrise returned HTTP 503" in world.whispers()[-1]
    assert "Try again in a moment." in world.whispers()[-1]
