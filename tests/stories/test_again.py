"""Run a build again: the same, or what the branch has become."""

from __future__ import annotations

import pytest

from playground.bitrise import Build
from playground.wire import Fault
from tests.world import World

OLD, NEW = "aaaaaaa1111111", "bbbbbbb2222222"


async def finished(world: World, typed: str = 'shop deploy main FLAVOR=beta "the message"') -> Build:
    """A build of the old commit that has ended."""
    await world.say(f"/build {typed}")
    build = world.builds()[-1]
    build.params = {**build.params, "commit_hash": OLD}
    await world.passes(minutes=10)
    return build


async def moved(world: World) -> Build:
    """The same, and the branch has a newer commit since."""
    build = await finished(world)
    world.bitrise.start_build(world.shop, workflow="test", branch="main", commit_hash=NEW)
    await world.passes(minutes=10)
    return build


async def test_the_same_parameters_are_sent(world: World) -> None:
    await world.say('/build shop deploy main FLAVOR=beta "the message"')
    await world.passes(minutes=10)
    await world.say("/build again shop #1")
    again = world.builds()[-1]
    assert (again.number, again.workflow, again.branch, again.environments["FLAVOR"]) == (2, "deploy", "main", "beta")
    assert again.environments["BUILDBELL_MESSAGE"] == "the message"


@pytest.mark.parametrize("change", ["develop", "branch:develop", "FLAVOR=alpha", '"another message"'])
async def test_other_parameters_are_not_dropped_without_a_word(world: World, change: str) -> None:
    await finished(world)
    await world.say(f"/build again shop #1 {change}")
    assert len(world.builds()) == 1
    assert change.strip('"') in world.whispers()[-1]
    assert "`/build again shop #1 form`" in world.whispers()[-1]


@pytest.mark.parametrize("verb", ["retry", "rebuild"])
async def test_the_words_of_others_do_the_same(world: World, verb: str) -> None:
    await finished(world)
    await world.say(f"/build {verb} shop #1")
    assert len(world.builds()) == 2


async def test_what_identified_the_first_start_is_not_sent_again(world: World) -> None:
    await finished(world)
    await world.say("/build again shop #1", by=world.bo)
    first, again = world.builds()
    assert again.environments["BUILDBELL_REQUEST"] != first.environments["BUILDBELL_REQUEST"]
    assert (again.triggered_by or "").startswith("buildbell-bo-")


async def test_the_button_of_the_card_does_the_same(world: World) -> None:
    await finished(world)
    await world.press(world.card, "Rerun", by=world.bo)
    assert len(world.builds()) == 2
    assert "Started by @bo from Slack" in world.read(world.card)


async def test_a_build_nobody_started_here_runs_again_too(world: World) -> None:
    build = world.bitrise.start_build(
        world.shop, workflow="test", branch="develop", environments=[{"key": "A", "value": "1", "is_expand": False}]
    )
    await world.passes(minutes=10)
    await world.say(f"/build again {world.bitrise.site_url}/build/{build.slug}")
    again = world.builds()[-1]
    assert (again.workflow, again.branch, again.environments["A"]) == ("test", "develop", "1")


async def test_a_pipeline_runs_again_as_a_pipeline(world: World) -> None:
    await world.say("/build shop pipeline:release branch:main")
    await world.passes(minutes=20)
    await world.press(world.card, "Rerun")
    assert [run.name for call in world.bitrise.triggers for run in call.pipelines] == ["release", "release"]


async def test_a_branch_that_has_moved_is_asked_about(world: World) -> None:
    await moved(world)
    await world.say("/build again shop #1")
    told = world.whispers()[-1]
    assert "`main` has new commits since" in told
    assert "[Same commit aaaaaaa] [Newest bbbbbbb]" in told
    assert len(world.builds()) == 2


async def test_the_same_commit_is_built_when_that_is_the_answer(world: World) -> None:
    await moved(world)
    await world.say("/build again shop #1")
    await world.press(world.whisper(), "Same commit aaaaaaa")
    again = world.builds()[-1]
    assert (again.workflow, again.commit_hash, again.environments["FLAVOR"]) == ("deploy", OLD, "beta")


async def test_the_newest_is_built_when_that_is_the_answer(world: World) -> None:
    await moved(world)
    await world.say("/build again shop #1")
    await world.press(world.whisper(), "Newest bbbbbbb")
    again = world.builds()[-1]
    assert (again.workflow, again.branch, again.commit_hash) == ("deploy", "main", None)


@pytest.mark.parametrize("second", ["Same commit aaaaaaa", "Newest bbbbbbb"])
async def test_the_question_is_answered_once(world: World, second: str) -> None:
    await moved(world)
    await world.say("/build again shop #1")
    question = world.whisper().snapshot()
    await world.press(question, "Same commit aaaaaaa")
    await world.press(question, second)
    assert len(world.builds()) == 3


async def test_the_form_warns_of_a_branch_that_has_moved(world: World) -> None:
    await moved(world)
    await world.say("/build again shop #1 form")
    assert "main has new commits since then (aaaaaaa → bbbbbbb)" in world.modal_text()


async def test_a_command_that_comes_twice_runs_it_once(world: World) -> None:
    await finished(world)
    told = await world.say("/build again shop #1")
    await world.slack.redeliver(told)
    await world.settled()
    assert len(world.builds()) == 2


async def test_again_while_it_still_runs_asks(world: World) -> None:
    await world.say("/build shop deploy main")
    await world.say("/build again shop #1", by=world.bo)
    assert "Follow it or start another?" in world.whispers(world.bo)[-1]


async def test_values_of_variables_are_not_shown_when_asking(world: World) -> None:
    await moved(world)
    await world.say("/build again shop #1")
    assert "beta" not in "".join(world.whispers())


async def test_without_a_build_it_asks_which(world: World) -> None:
    await world.say("/build again shop")
    assert "Which build?" in world.whispers()[-1]


async def test_a_build_that_is_not_there_is_told(world: World) -> None:
    await world.say("/build again shop #77")
    assert "Couldn't find #77" in world.whispers()[-1]


async def test_the_form_says_what_it_cannot_hold(world: World) -> None:
    build = await finished(world)
    long = {"NOTES": "x" * 2_900, "MORE": "y" * 200, "LINES": "one\ntwo", "FLAVOR": "beta"}
    build.params = {
        **build.params,
        "branch": "b" * 160,
        "environments": [{"key": key, "value": value} for key, value in long.items()],
    }
    await world.say("/build again shop #1 form")
    told = world.modal_text()
    assert "FLAVOR=beta" in told
    assert "NOTES=xxx" in told
    assert "Not shown in this form and not included: MORE, LINES, the branch. Run again uses all parameters." in told


async def test_a_build_that_is_not_there_is_told_in_the_form(world: World) -> None:
    await world.say("/build again shop #77 form")
    assert "Couldn't find #77" in world.modal_text()
    assert "Looking for" not in world.modal_text()


async def test_bitrise_in_trouble_starts_nothing_and_is_told(world: World) -> None:
    await finished(world)
    world.bitrise.faults.add(Fault("builds.get", status=500, times=5))
    await world.press(world.card, "Rerun")
    assert len(world.builds()) == 1
    assert "Bitrise returned HTTP" in world.whispers()[-1]


async def test_the_candidate_of_a_misspelt_app_runs_it_again(world: World) -> None:
    await finished(world)
    await world.say("/build again shap #1")
    await world.press(world.whisper(), "iOS Shop")
    assert len(world.builds()) == 2


async def test_change_and_run_on_a_card_opens_the_form_filled_in(world: World) -> None:
    await world.say('/build shop deploy main FLAVOR=beta "first try"')
    await world.passes(minutes=10)
    await world.press(world.card, "Edit and run…")
    assert "FLAVOR=beta" in world.modal_text()
    await world.submit({"start.environment": "FLAVOR=release"})
    assert world.builds()[-1].environments["FLAVOR"] == "release"


async def test_variables_are_kept_when_bitrise_does_not_say_with_what_it_started(world: World) -> None:
    await world.say('/build shop deploy main FLAVOR=beta "first try"')
    await world.passes(minutes=10)
    world.bitrise.faults.add(Fault("builds.get", "nulls"))
    await world.press(world.card, "Rerun")
    again = world.builds()[-1]
    assert (again.number, again.environments["FLAVOR"]) == (2, "beta")
