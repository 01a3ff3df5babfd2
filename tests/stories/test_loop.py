"""The whole loop: start, follow, finish, stop."""

from __future__ import annotations

from tests.world import World


async def test_a_build_is_started_followed_and_finished(world: World) -> None:
    await world.say('/build shop deploy release/3.2 FLAVOR=beta "try the new login"')
    assert "Queued" in world.read(world.card)
    (build,) = world.builds()
    assert (build.workflow, build.branch) == ("deploy", "release/3.2")
    await world.passes(minutes=2)
    await world.passes(minutes=10)
    assert "Succeeded" in world.read(world.card)
    assert world.thread(world.card)
