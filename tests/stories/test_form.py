"""The start form: opened three ways, filled in with suggestions, refused at the field, submitted."""

from __future__ import annotations

from typing import Any

import pytest

from bot import apps
from playground.wire import Fault
from tests.world import World


async def open_form(world: World) -> None:
    await world.say("/build")


async def offered(world: World, field: str, typed: str) -> list[str]:
    options = await world.slack.suggest(world.ana, world.modal(), field, typed)
    return [option["text"]["text"] for option in options]


async def choose_shop(world: World) -> None:
    await world.slack.select(world.ana, world.modal(), "start.app", "iOS Shop")
    await world.settled()


EXTRAS = {"revision", "environment", "message", "anyway"}


async def show_more(world: World) -> None:
    await world.slack.press_in_view(world.ana, world.modal(), "More options")
    await world.settled()


async def submit(world: World, **values: Any) -> dict[str, str]:
    if EXTRAS & values.keys() and "More options" in world.modal_text():
        await show_more(world)
    fields = {"start.app": "iOS Shop"} | {f"start.{name}": value for name, value in values.items()}
    told = await world.submit(fields)
    return told.errors


# Opening.


async def test_the_command_alone_opens_the_form(world: World) -> None:
    await open_form(world)
    assert world.modal().title == "Start a build"


async def test_the_form_of_an_app_that_is_not_clear_is_not_the_one_of_the_channels_app(world: World) -> None:
    await world.say("/build settings")
    await world.submit({"settings.app": "Android Shop"})
    await world.say("/build form iso-shop")
    assert "No app is called “iso-shop”" in world.whispers()[-1]
    await world.press(world.whisper(), "iOS Shop")
    assert "App: ‹iOS Shop›" in world.modal_text()


async def test_the_shortcut_opens_the_form(world: World) -> None:
    await world.slack.shortcut(world.ana, "build.start")
    await world.settled()
    assert world.modal().title == "Start a build"


async def test_the_button_of_the_home_tab_opens_the_form(world: World) -> None:
    await world.slack.open_home(world.ana, world.app)
    await world.settled()
    home = world.slack.home(world.ana)
    assert home is not None
    await world.slack.press_in_view(world.ana, home, "Start a build")
    await world.settled()
    assert world.modal().title == "Start a build"


async def test_what_is_started_from_the_shortcut_is_shown_directly(world: World) -> None:
    await world.slack.shortcut(world.ana, "build.start")
    await submit(world, target="deploy", branch="main")
    assert any("iOS Shop · deploy  #1" in letter for letter in world.letters())


async def test_without_a_token_the_form_does_not_open(world: World) -> None:
    await world.say("/build disconnect", by=world.ada)
    await world.press(world.whisper(world.ada), "Disconnect", by=world.ada)
    await open_form(world)
    assert not world.slack.views(world.ana)
    assert "Bitrise isn't connected yet" in world.whispers()[-1]


async def test_the_shortcut_without_a_token_says_so_directly(world: World) -> None:
    await world.say("/build disconnect", by=world.ada)
    await world.press(world.whisper(world.ada), "Disconnect", by=world.ada)
    await world.slack.shortcut(world.ana, "build.start")
    await world.settled()
    assert "Bitrise isn't connected yet" in world.letters()[-1]


async def test_the_form_opens_with_the_last_start_of_the_channels_app(world: World) -> None:
    await world.say("/build settings")
    await world.submit({"settings.app": "iOS Shop"})
    await world.say("/build shop deploy release/3.2")
    await open_form(world)
    for part in ("iOS Shop", "deploy", "release/3.2"):
        assert f"‹{part}›" in world.modal_text()


@pytest.mark.parametrize("error", ["expired_trigger_id", "internal_error"])
async def test_a_form_that_slack_does_not_open_is_told(world: World, error: str) -> None:
    world.slack.faults.add(Fault("views.open", kind="error", error=error))
    await open_form(world)
    assert "Slack" in world.whispers()[-1]


# Suggestions.


async def test_apps_are_found_by_a_part_of_their_name(world: World) -> None:
    await open_form(world)
    assert sorted(await offered(world, "start.app", "")) == ["Android Shop", "iOS Shop"]
    assert await offered(world, "start.app", "droid") == ["Android Shop"]
    assert await offered(world, "start.app", "zzz") == []


async def test_workflows_of_the_chosen_app_are_offered_and_any_other_can_be_typed(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="test")
    world.bitrise.start_build(world.droid, workflow="primary")
    await open_form(world)
    await choose_shop(world)
    assert await offered(world, "start.target", "") == ["test", "Trigger map"]
    assert await offered(world, "start.target", "brand-new") == ["Use “brand-new”"]


async def test_branches_of_the_chosen_app_are_offered_and_any_other_can_be_typed(world: World) -> None:
    world.bitrise.start_build(world.shop, branch="release/3.2")
    await open_form(world)
    await choose_shop(world)
    assert await offered(world, "start.branch", "rel") == ["release/3.2", "Use “rel”"]
    assert await offered(world, "start.branch", "feature/just-pushed") == ["Use “feature/just-pushed”"]


async def test_while_bitrise_is_slow_what_we_have_seen_is_offered(world: World) -> None:
    await world.say("/build shop deploy main")
    world.bitrise.faults.add(Fault("apps.*", status=500, times=None))
    await open_form(world)
    await choose_shop(world)
    assert await offered(world, "start.target", "") == ["deploy", "Trigger map"]


async def test_another_app_keeps_what_is_typed(world: World) -> None:
    await open_form(world)
    await show_more(world)
    await world.slack.fill(world.ana, world.modal(), {"start.message": "hello", "start.environment": "A=1"})
    await choose_shop(world)
    await submit(world, target="deploy", branch="main")
    (build,) = world.builds()
    assert (build.environments["A"], build.environments["BUILDBELL_MESSAGE"]) == ("1", "hello")


# Submitting.


async def test_everything_that_is_filled_in_reaches_bitrise(world: World) -> None:
    await open_form(world)
    errors = await submit(
        world, target="deploy", branch="release/3.2", revision="a1b2c3d", message="try the new login",
        environment="FLAVOR=beta\n\nPRICE = $5 = five",
    )  # fmt: skip
    assert not errors
    (build,) = world.builds()
    assert (build.workflow, build.branch, build.commit_hash) == ("deploy", "release/3.2", "a1b2c3d")
    assert build.environments["FLAVOR"] == "beta"
    assert build.environments["PRICE"] == "$5 = five"
    assert "“try the new login”" in world.read(world.card)


async def test_what_is_no_commit_is_a_tag(world: World) -> None:
    await open_form(world)
    await submit(world, target="deploy", revision="v3.2.1")
    assert world.builds()[0].tag == "v3.2.1"


async def test_the_trigger_map_decides_only_if_it_is_chosen(world: World) -> None:
    await open_form(world)
    assert set(await submit(world, branch="main")) == {"start.target"}
    await submit(world, target="Trigger map", branch="main")
    assert "no matching pipeline & workflow found" in world.whispers()[-1]


async def test_a_pipeline_that_is_known_runs_as_one(world: World) -> None:
    await world.say("/build shop pipeline:release branch:main")
    await open_form(world)
    await choose_shop(world)
    await submit(world, target="p:release", branch="develop")
    assert [run.name for run in world.bitrise.triggers[-1].pipelines] == ["release"]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("start.branch", {}),
        ("start.environment", {"branch": "main", "environment": "A=1\nno equals sign"}),
        ("start.environment", {"branch": "main", "environment": "1A=1"}),
        ("start.environment", {"branch": "main", "environment": "A=1\nA=2"}),
        ("start.environment", {"branch": "main", "environment": "BUILDBELL_REQUEST=1"}),
        ("start.revision", {"branch": "main", "revision": "v1.2"}),
        ("start.target", {"target": None, "branch": "main"}),
        ("start.revision", {"branch": "main", "revision": "two words"}),
        ("start.revision", {"branch": "main", "revision": "commit:xyz"}),
    ],
)
async def test_what_cannot_be_taken_is_told_at_its_field(world: World, field: str, values: dict[str, str]) -> None:
    await open_form(world)
    errors = await submit(world, **{"target": "deploy"} | values)
    assert set(errors) == {field}
    assert not world.builds()


async def test_an_error_of_the_environment_does_not_repeat_the_value(world: World) -> None:
    await open_form(world)
    errors = await submit(world, target="deploy", branch="main", environment="A B=my-secret")
    assert "Line 1" in errors["start.environment"]
    assert "my-secret" not in errors["start.environment"]


async def test_after_an_error_the_mended_form_starts(world: World) -> None:
    await open_form(world)
    assert await submit(world, target="deploy", branch="main", environment="oops")
    assert not await submit(world, environment="A=1")
    assert len(world.builds()) == 1


async def test_a_submission_that_comes_twice_starts_once(world: World) -> None:
    await open_form(world)
    told = await world.submit({"start.app": "iOS Shop", "start.target": "deploy", "start.branch": "main"})
    await world.slack.redeliver(told)
    await world.settled()
    assert len(world.builds()) == 1


async def test_the_same_that_runs_already_is_asked_about(world: World) -> None:
    await world.say("/build shop deploy main")
    await open_form(world)
    await submit(world, target="deploy", branch="main")
    assert "Follow it or start another?" in world.whispers()[-1]
    assert len(world.builds()) == 1


async def test_start_anyway_does_not_ask(world: World) -> None:
    await world.say("/build shop deploy main")
    await open_form(world)
    await submit(world, target="deploy", branch="main", anyway=["anyway"])
    assert len(world.builds()) == 2


async def test_an_app_that_went_away_meanwhile_is_told_in_the_form(world: World) -> None:
    await open_form(world)
    await choose_shop(world)
    del world.bitrise.apps[world.shop.slug]
    await world.passes(minutes=2)
    await apps.refresh(world.bot.ctx, world.team.id)
    await submit_without_choosing(world)
    assert "No app called" in world.modal_text()


async def submit_without_choosing(world: World) -> None:
    await world.submit({"start.branch": "main", "start.target": "deploy"})


# Filled in from a build.


async def test_again_fills_the_form_with_the_parameters(world: World) -> None:
    await world.say('/build shop deploy release/3.2 FLAVOR=beta "the message"')
    await world.passes(minutes=10)
    await world.say("/build again shop #1 form")
    for part in ("iOS Shop", "deploy", "release/3.2", "FLAVOR=beta", "the message"):
        assert f"‹{part}›" in world.modal_text()
    await world.submit({"start.message": "another one"})
    again = world.builds()[-1]
    assert (again.workflow, again.branch, again.environments["FLAVOR"]) == ("deploy", "release/3.2", "beta")
    assert again.environments["BUILDBELL_MESSAGE"] == "another one"


# Recent starts, and what is known.


async def test_the_form_opens_with_your_last_start_here_and_starts_it_with_one_press(world: World) -> None:
    await world.say("/build shop deploy release/3.2 FLAVOR=beta")
    await world.passes(minutes=10)
    await open_form(world)
    for part in ("iOS Shop", "deploy", "release/3.2", "FLAVOR=beta"):
        assert f"‹{part}›" in world.modal_text()
    await world.submit({})
    assert [build.workflow for build in world.builds()] == ["deploy", "deploy"]


async def test_the_form_does_not_show_what_somebody_else_started(world: World) -> None:
    await world.say("/build shop deploy release/3.2 FLAVOR=beta", by=world.bo)
    await open_form(world)
    assert "release/3.2" not in world.modal_text()
    assert "Recent" not in world.modal_text()


async def test_a_recent_start_fills_in_the_form_in_place_of_what_was_entered(world: World) -> None:
    for typed in ("shop deploy main", "shop test develop A=1", "shop-android test main", "shop primary main"):
        await world.say(f"/build {typed}")
        await world.passes(minutes=10)
    await open_form(world)
    await world.slack.select(world.ana, world.modal(), "start.branch", "other")
    with pytest.raises(LookupError):  # only the last three
        await world.slack.select(world.ana, world.modal(), "start.recent", "iOS Shop deploy on main")
    await world.slack.select(world.ana, world.modal(), "start.recent", "iOS Shop test on develop (A=1)")
    await world.settled()
    await world.submit({})
    build = world.builds()[-1]
    assert (build.workflow, build.branch, build.environments["A"]) == ("test", "develop", "1")


async def test_after_a_tag_the_branch_is_the_default_one_and_the_form_says_so(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="deploy", branch="main")
    await world.say("/build shop deploy tag:v1.2")
    await world.passes(minutes=10)
    await open_form(world)
    assert "Your last build was of the tag v1.2. The branch is set to the default, main." in world.modal_text()
    assert "‹main›" in world.modal_text()
    await world.submit({})
    build = world.builds()[-1]
    assert (build.branch, build.tag) == ("main", None)


async def test_workflows_that_never_ran_are_offered_from_the_bitrise_yml(world: World) -> None:
    world.bitrise.set_role(world.token, "admin")
    await open_form(world)
    await choose_shop(world)
    offers = await offered(world, "start.target", "")
    assert offers == ["deploy", "test", "primary", "endless", "release", "Trigger map"]
    await submit(world, target="release", branch="main")
    assert [run.name for run in world.bitrise.triggers[-1].pipelines] == ["release"]


async def test_the_rest_of_the_form_waits_behind_more_options(world: World) -> None:
    await open_form(world)
    assert "Environment variables" not in world.modal_text()
    await choose_shop(world)
    await world.slack.select(world.ana, world.modal(), "start.branch", "feature/x")
    await show_more(world)
    assert "Environment variables" in world.modal_text()
    await world.submit({"start.target": "deploy", "start.message": "hello"})
    build = world.builds()[-1]
    assert (build.app, build.branch, build.environments["BUILDBELL_MESSAGE"]) == (world.shop, "feature/x", "hello")


async def test_what_was_typed_after_form_is_filled_in(world: World) -> None:
    await world.say("/build form iOS Shop deploy release/3.2 FLAVOR=beta")
    for part in ("iOS Shop", "deploy", "release/3.2", "FLAVOR=beta"):
        assert f"‹{part}›" in world.modal_text()
