"""Presets: a channel keeps a start under a name; a person starts it in one line, from the form or by a button."""

from __future__ import annotations

import pytest

from playground.plain_text import view_text
from tests.world import World


async def save(world: World, text: str = "beta shop deploy release/3.2 FLAVOR=beta") -> str:
    await world.say(f"/build preset save {text}")
    return world.whispers()[-1]


def started(world: World) -> list[tuple[str, str | None, str | None]]:
    return [(build.workflow, build.branch, build.environments.get("FLAVOR")) for build in world.builds()]


async def audited(world: World) -> list[str]:
    rows = await world.bot.ctx.db.fetch_all("select subject, result from audit where action = 'preset'")
    return [f"{row['subject']}: {row['result']}" for row in rows]


async def test_a_saved_preset_starts_by_its_name(world: World) -> None:
    answer = await save(world)
    assert "Saved the preset *beta*: iOS Shop deploy on release/3.2 (FLAVOR=beta)." in answer
    assert "`/build beta`" in answer
    await world.say("/build beta", by=world.bo)
    await world.say("/build BETA", by=world.bo)  # the same again is asked about
    assert started(world) == [("deploy", "release/3.2", "beta")]
    assert "Started by @bo" in world.read(world.card)


async def test_options_change_a_preset_for_one_start(world: World) -> None:
    await save(world)
    await world.say("/build beta branch:main FLAVOR=gold")
    await world.say('/build beta workflow:test "only tests"')
    assert started(world) == [("deploy", "main", "gold"), ("test", "release/3.2", "beta")]


async def test_a_preset_with_a_word_too_many_starts_nothing(world: World) -> None:
    await save(world)
    await world.say("/build beta main")
    assert "Unexpected `main`" in world.whispers()[-1]
    assert not world.builds()


async def test_a_preset_belongs_to_its_channel(world: World) -> None:
    other = world.slack.add_channel(world.team, "other", members=[world.ana])
    await save(world)
    await world.say("/build beta", at=other)
    assert "No app called “beta”" in world.whispers(at=other)[-1]
    await world.say("/build preset", at=other)
    assert "This channel has no presets." in world.whispers(at=other)[-1]
    assert not world.builds()


async def test_the_list_starts_and_removes(world: World) -> None:
    await save(world)
    await world.say("/build preset")
    question = world.whisper().snapshot()
    assert "*beta*: iOS Shop deploy on release/3.2 (FLAVOR=beta)\n[Start] [Remove]" in world.read(question)
    await world.press(question, "Start")
    assert started(world) == [("deploy", "release/3.2", "beta")]
    await world.press(question, "Remove")
    await world.press(question, "Start")
    assert "The preset “beta” no longer exists." in world.whispers()[-1]
    assert len(world.builds()) == 1


async def test_a_preset_is_removed_by_its_name(world: World) -> None:
    await save(world)
    await world.say("/build preset remove Beta")
    assert world.whispers()[-1] == "Removed the preset *beta*."
    await world.say("/build preset remove beta")
    assert "This channel has no preset “beta”." in world.whispers()[-1]
    assert await audited(world) == [f"beta in {world.ios.id}: saved", f"beta in {world.ios.id}: removed"]


async def test_saving_again_replaces_the_preset(world: World) -> None:
    await save(world)
    await save(world, "beta shop test main")
    await world.say("/build beta")
    assert started(world) == [("test", "main", None)]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("status", "a command"), ("help", "a command"), ("shop", "an app"), ("ios-shop", "an app"), ("store", "an app")],
)
async def test_a_preset_never_hides_a_verb_or_an_app(world: World, name: str, kind: str) -> None:
    await world.say("/build settings")
    await world.submit({"settings.aliases": "store = Android Shop"})
    assert f"`{name}` is already {kind}" in await save(world, f"{name} shop deploy main")


async def test_a_preset_never_hides_a_workflow_of_the_channels_app(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="deploy")
    await world.say("/build settings")
    await world.submit({"settings.app": "iOS Shop"})
    assert "`deploy` is already a workflow or branch" in await save(world, "deploy shop deploy main")


async def test_an_app_that_takes_the_name_later_wins(world: World) -> None:
    await save(world)
    await world.say("/build settings")
    await world.submit({"settings.aliases": "beta = Android Shop"})
    await world.say("/build beta deploy main")
    assert [build.app for build in world.builds()] == [world.droid]


@pytest.mark.parametrize("text", ["", "7 shop deploy main", "a/b shop deploy main", '"two words" shop deploy main'])
async def test_a_name_is_one_word_that_begins_with_a_letter(world: World, text: str) -> None:
    assert "Enter a name of letters" in await save(world, text)


async def test_what_is_unclear_is_asked_before_it_is_saved(world: World) -> None:
    assert "Did you mean one of these?" in await save(world, "beta shap deploy main")
    await world.press(world.whisper(), "iOS Shop")
    await world.say("/build beta")
    assert started(world) == [("deploy", "main", None)]


async def test_a_preset_needs_a_branch(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="deploy", branch="main")
    assert "Which branch of iOS Shop do you want to build?" in await save(world, "beta shop deploy")
    await world.press(world.whisper(), "Start deploy on main")
    assert "Saved the preset *beta*" in world.whispers()[-1]
    assert len(world.builds()) == 1


async def test_the_form_offers_and_fills_in_presets(world: World) -> None:
    await save(world)
    await world.say("/build")
    await world.slack.select(world.ana, world.modal(), "start.recent", "beta")
    await world.settled()
    for part in ("iOS Shop", "deploy", "release/3.2", "FLAVOR=beta"):
        assert f"‹{part}›" in world.modal_text()
    await world.submit({})
    assert started(world) == [("deploy", "release/3.2", "beta")]


async def test_a_twenty_first_preset_is_refused(world: World) -> None:
    for number in range(20):
        await save(world, f"p{number} shop deploy main")
    assert "This channel has 20 presets, which is the limit." in await save(world, "p20 shop deploy main")
    await world.say("/build preset")
    assert world.whispers()[-1].count("[Start] [Remove]") == 20


async def test_variables_of_a_preset_are_encrypted(world: World) -> None:
    await save(world, "beta shop deploy main KEY=hidden-value")
    rows = await world.bot.ctx.db.fetch_all("select * from presets")
    assert "hidden-value" not in str([dict(row) for row in rows])


async def test_app_home_starts_presets_that_the_person_saved(world: World) -> None:
    await save(world)
    await world.say("/build preset save other shop test main", by=world.bo)
    await world.slack.open_home(world.ana, world.app)
    await world.settled()
    home = world.slack.home(world.ana)
    assert home is not None
    shown = view_text({"blocks": home.blocks})
    assert "iOS Shop deploy on release/3.2 (FLAVOR=beta)" in shown
    assert "other" not in shown
    await world.slack.press_in_view(world.ana, home, "Start")
    await world.settled()
    assert started(world) == [("deploy", "release/3.2", "beta")]
    assert "deploy" in "\n".join(world.letters())
