"""In a channel, a command without a build means the obvious one there, and never starts anything without a choice."""

from __future__ import annotations

from tests.world import World


async def finish(world: World, outcome: str, *, workflow: str = "endless") -> None:
    build = world.bitrise.start_build(world.shop, workflow=workflow, triggered_by="webhook-github/octocat")
    await world.passes(minutes=2)
    world.bitrise.finish(build, outcome)  # type: ignore[arg-type]
    await world.passes(minutes=2)


async def test_log_is_of_the_last_failed_build_here(world: World) -> None:
    await world.say("/build subscribe shop style:line")
    for outcome in ("failed", "failed", "success"):
        await finish(world, outcome)
    await world.say("/build log")
    assert "iOS Shop · endless  #2" in world.whispers()[-1]


async def test_artifacts_are_of_the_last_successful_build_here(world: World) -> None:
    await world.say("/build subscribe shop style:line")
    for outcome in ("success", "failed"):
        await finish(world, outcome)
    await world.say("/build artifacts")
    assert "#1" in world.whispers()[-1]
    assert "#2" not in world.whispers()[-1]


async def test_builds_of_other_channels_are_not_meant(world: World) -> None:
    await world.say("/build subscribe shop style:line")
    await finish(world, "failed")
    other = world.slack.add_channel(world.team, "other", members=[world.ana, world.app.bot_user])
    await world.say("/build log", at=other)
    assert "Which build?" in world.whispers(at=other)[-1]


async def test_again_offers_the_last_finished_builds_here(world: World) -> None:
    await world.say("/build subscribe shop style:line")
    await finish(world, "failed")
    await world.say("/build again", by=world.bo)
    assert len(world.builds()) == 1
    await world.press(world.whisper(world.bo), "Rerun #1 endless", by=world.bo)
    assert [build.workflow for build in world.builds()] == ["endless", "endless"]


async def test_number_alone_is_the_build_with_a_message_here(world: World) -> None:
    await world.say("/build subscribe all style:line")
    world.bitrise.start_build(world.droid, workflow="test", triggered_by="webhook-github/octocat")
    await world.passes(minutes=10)
    await world.say("/build log #1")
    assert "Which app?" not in world.whispers()[-1]
    assert "Android Shop" in world.whispers()[-1]
