"""Settings: what a channel fills in, where the end of a build is told, short names for apps."""

from __future__ import annotations

import pytest

from tests.world import World


async def save(world: World, **values: str | None) -> dict[str, str]:
    await world.say("/build settings")
    told = await world.submit({f"settings.{name.replace('_', '-')}": value for name, value in values.items()})
    return told.errors


@pytest.mark.parametrize("verb", ["settings", "defaults"])
async def test_both_names_open_the_form(world: World, verb: str) -> None:
    await world.say(f"/build {verb}")
    assert world.modal().title == "Channel settings"


async def test_saving_says_so_and_the_form_shows_it_again(world: World) -> None:
    await save(world, app="iOS Shop", target="deploy", branch="develop", finish_in="channel")
    assert "Saved." in world.whispers()[-1]
    await world.say("/build settings")
    for part in ("iOS Shop", "deploy", "develop"):
        assert f"‹{part}›" in world.modal_text()


async def test_each_channel_has_its_own(world: World) -> None:
    other = world.slack.add_channel(world.team, "android", members=[world.ana])
    await save(world, app="iOS Shop")
    await world.say("/build settings", at=other)
    assert "‹iOS Shop›" not in world.modal_text()


async def test_what_is_emptied_is_forgotten(world: World) -> None:
    await save(world, app="iOS Shop", target="deploy", branch="main")
    await save(world, app=None, target=None, branch=None)
    await world.say('/build "only a message"')
    assert not world.builds()


async def test_a_workflow_needs_its_app(world: World) -> None:
    assert set(await save(world, target="deploy")) == {"settings.app"}


async def test_workflows_of_the_chosen_app_are_suggested(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="test")
    await world.say("/build settings")
    await world.slack.select(world.ana, world.modal(), "settings.app", "iOS Shop")
    options = await world.slack.suggest(world.ana, world.modal(), "settings.target", "")
    assert [option["text"]["text"] for option in options] == ["test"]


async def test_short_names_are_kept_for_the_whole_workspace(world: World) -> None:
    await save(world, aliases="store = Android Shop\nshopping = shop")
    await world.say("/build settings", by=world.bo)
    told = world.modal_text(world.bo)
    assert "store = Android Shop" in told
    assert "shopping = iOS Shop" in told


async def test_a_short_name_can_be_taken_away(world: World) -> None:
    await save(world, aliases="store = Android Shop")
    await save(world, aliases="")
    await world.say("/build store deploy main")
    assert not world.builds()


@pytest.mark.parametrize("typed", ["store = zzzzqqqq", "store", "two  words! = shop", "a = shop\na = shop"])
async def test_short_names_that_cannot_be_are_told_at_the_field(world: World, typed: str) -> None:
    assert set(await save(world, aliases=typed)) == {"settings.aliases"}


async def test_a_short_name_may_have_two_words(world: World) -> None:
    await save(world, aliases="the store = Android Shop")
    await world.say("/build the store primary main")
    assert [build.app for build in world.builds()] == [world.droid]


async def test_an_alias_wins_over_a_prefix(world: World) -> None:
    await save(world, aliases="ios = Android Shop")
    await world.say("/build ios deploy main")
    assert [build.app for build in world.builds()] == [world.droid]


async def test_a_pipeline_can_be_the_default(world: World) -> None:
    await world.say("/build shop pipeline:release branch:main")
    await save(world, app="iOS Shop", target="p:release", branch="develop")
    await world.say('/build message:"go"')
    assert [run.name for run in world.bitrise.triggers[-1].pipelines] == ["release"]


async def test_settings_stay_over_a_restart(world: World) -> None:
    await save(world, app="iOS Shop", target="deploy", branch="main")
    await world.stop_bot()
    await world.start_bot()
    await world.say('/build message:"go"')
    assert [build.workflow for build in world.builds()] == ["deploy"]
