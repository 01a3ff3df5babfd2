"""Pipelines are started, followed, found again and stopped like builds."""

from __future__ import annotations

from typing import Any

from playground.wire import Fault
from tests.world import World


async def test_a_pipeline_is_followed_to_its_end(world: World) -> None:
    await world.say("/build shop pipeline:release branch:main")
    assert "iOS Shop · release" in world.read(world.card)
    await world.passes(minutes=20)
    assert world.read(world.card).startswith("✅ Succeeded  iOS Shop · release")
    assert len(world.thread(world.card)) == 1


async def test_a_pipeline_whose_answer_was_lost_is_found_again(world: World) -> None:
    world.bitrise.faults.add(Fault("builds.trigger", "cut_after"))
    await world.say("/build shop pipeline:release branch:main")
    await world.passes(seconds=30)
    assert len(world.bitrise.triggers) == 1
    assert "iOS Shop · release" in world.read(world.card)


async def test_a_lost_start_is_not_called_refused_when_the_token_dies_meanwhile(world: World) -> None:
    world.bitrise.faults.add(Fault("builds.trigger", "cut_after"))

    async def revoke(facts: Any) -> None:
        world.bitrise.revoke(world.token)

    world.bitrise.on("builds.trigger", "accepted", revoke)
    await world.say("/build shop deploy main")
    await world.passes(minutes=3)
    assert not [told for told in world.whispers() if "Not started" in told]
    await world.connect(world.bitrise.add_token(world.owner))
    await world.passes(minutes=2)
    assert len(world.bitrise.triggers) == 1
    assert "iOS Shop · deploy" in world.read(world.card)
