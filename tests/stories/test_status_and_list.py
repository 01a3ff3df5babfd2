"""How it stands: one build, what runs now, what ran; by number, slug and address; page by page."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from playground.bitrise import Build
from playground.wire import Fault
from tests.world import World


def ended(world: World, count: int, **params: object) -> list[Build]:
    """Builds of the last hours that have ended, oldest first."""
    begun = world.clock.now() - timedelta(hours=count)
    return [
        world.bitrise.start_build(world.shop, at=begun + timedelta(minutes=5 * place), **params)  # type: ignore[arg-type]
        for place in range(count)
    ]


def numbers(text: str) -> list[int]:
    return [int(part[1:]) for part in text.split() if part.startswith("#") and part[1:].isdigit()]


# One build.


@pytest.mark.parametrize("name", ["shop #1", "shop#1", "shop 1", '"iOS Shop" #1', "iOS Shop #1", "ios-shop #1"])
async def test_one_build_by_its_number(world: World, name: str) -> None:
    world.bitrise.start_build(world.shop, workflow="test")
    await world.say(f"/build status {name}")
    assert "iOS Shop · test  #1" in world.whispers()[-1]
    assert not world.cards()


async def test_one_build_by_its_slug(world: World) -> None:
    build = world.bitrise.start_build(world.shop, workflow="test")
    await world.say(f"/build status {build.slug}")
    assert "iOS Shop · test  #1" in world.whispers()[-1]


@pytest.mark.parametrize(
    "address", ["{site}/build/{slug}", "{site}/app/{app}/build/{slug}", "{site}/build/{slug}?tab=log"]
)
async def test_one_build_by_its_address(world: World, address: str) -> None:
    build = world.bitrise.start_build(world.shop, workflow="test")
    url = address.format(site=world.bitrise.site_url, slug=build.slug, app=world.shop.slug)
    await world.say(f"/build status {url}")
    assert "iOS Shop · test  #1" in world.whispers()[-1]


async def test_a_pipeline_by_its_address(world: World) -> None:
    await world.say("/build shop pipeline:release branch:main")
    run = world.bitrise.triggers[-1].pipelines[0]
    await world.say(f"/build status {world.bitrise.site_url}/app/{world.shop.slug}/pipelines/{run.id}")
    assert "iOS Shop · release" in world.whispers()[-1]


async def test_a_build_of_long_ago_is_found_by_its_address(world: World) -> None:
    old = world.bitrise.start_build(world.droid, at=world.clock.now() - timedelta(days=30))
    ended(world, 60)
    await world.say(f"/build status {world.bitrise.site_url}/build/{old.slug}")
    assert "Android Shop · primary  #1" in world.whispers()[-1]


async def test_the_registered_status_command_does_the_same(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="test")
    await world.say("/build-status shop #1")
    assert "iOS Shop · test  #1" in world.whispers()[-1]


@pytest.mark.parametrize("name", ["shop #99", "0123456789abcdef"])
async def test_a_build_that_is_not_there_is_told(world: World, name: str) -> None:
    await world.say(f"/build status {name}")
    assert "Couldn't find" in world.whispers()[-1]


async def test_a_number_without_an_app_asks_which(world: World) -> None:
    await world.say("/build status #1")
    assert "Which app?" in world.whispers()[-1]


async def test_a_number_alone_is_read_with_the_channels_app(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="test")
    await world.say("/build settings")
    await world.submit({"settings.app": "iOS Shop"})
    await world.say("/build status #1")
    assert "iOS Shop · test  #1" in world.whispers()[-1]


async def test_the_candidate_of_an_app_joined_to_a_number_shows_that_build(world: World) -> None:
    ended(world, 1, workflow="test")
    await world.say("/build status shap#1")
    await world.press(world.whisper(), "iOS Shop")
    assert "iOS Shop · test  #1" in world.whispers()[-1]


async def test_the_button_of_a_misspelt_verb_keeps_quotes(world: World) -> None:
    ended(world, 1, workflow="test")
    await world.say('/build lisst "iOS Shop"')
    await world.press(world.whisper(), "/build list")
    assert numbers(world.whispers()[-1]) == [1]


async def test_the_candidate_of_a_misspelt_app_shows_the_status(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="test")
    await world.say("/build status shap #1")
    await world.press(world.whisper(), "iOS Shop")
    assert "iOS Shop · test  #1" in world.whispers()[-1]


async def test_a_failed_build_says_after_how_long(world: World) -> None:
    build = world.bitrise.start_build(world.shop, workflow="endless")
    await world.passes(minutes=6)
    world.bitrise.finish(build, "failed")
    await world.say("/build status shop #1")
    assert "Failed after 6 min" in world.whispers()[-1]


# What runs now.


async def test_nothing_runs(world: World) -> None:
    await world.say("/build status")
    assert world.whispers()[-1] == "No builds are running."


@pytest.mark.parametrize("verb", ["status", "abort"])
async def test_nothing_runs_in_the_app_that_was_understood(world: World, verb: str) -> None:
    world.bitrise.start_build(world.shop, workflow="deploy")
    await world.say(f"/build {verb} andr")
    assert world.whispers()[-1] == "No builds are running in Android Shop."


async def test_what_runs_in_all_apps(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="deploy")
    world.bitrise.start_build(world.droid, workflow="test")
    ended(world, 2)
    await world.say("/build status")
    told = world.whispers()[-1]
    assert "2 builds are running or queued" in told
    assert "iOS Shop · deploy" in told
    assert "Android Shop · test" in told


async def test_what_runs_in_one_app(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="deploy")
    world.bitrise.start_build(world.droid, workflow="test")
    await world.say("/build status shop-android")
    assert "1 build is running or queued" in world.whispers()[-1]
    assert "Android Shop" in world.whispers()[-1]


async def test_what_runs_in_an_app_whose_title_has_blanks(world: World) -> None:
    world.bitrise.add_app("iOS", world.acme)
    await world.passes(minutes=2)
    await world.say("/build status nowhere")  # a name that is not known has the apps looked up again
    world.bitrise.start_build(world.shop, workflow="deploy")
    await world.say("/build status iOS Shop")
    assert "iOS Shop · deploy" in world.whispers()[-1]


async def test_a_word_that_is_no_part_of_the_apps_name_is_asked_about(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="deploy")
    await world.say("/build status shop test")
    assert "No app is called “shop test”" in world.whispers()[-1]
    await world.press(world.whisper(), "iOS Shop")
    assert "1 build is running or queued" in world.whispers()[-1]


async def test_what_runs_cannot_be_narrowed_and_the_answer_says_what_can(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="deploy")
    await world.say("/build status shop workflow:test")
    assert "`/build list shop workflow:deploy branch:main`" in world.whispers()[-1]


async def test_what_runs_in_one_app_is_found_among_many_others(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="endless")
    world.droid.workflows["endless"] = world.shop.workflows["endless"]
    for _ in range(55):
        world.bitrise.start_build(world.droid, workflow="endless")
    await world.say("/build status shop")
    assert "1 build is running or queued" in world.whispers()[-1]


async def test_what_runs_says_how_long_it_will_take(world: World) -> None:
    ended(world, 3, workflow="deploy")
    await world.passes(minutes=6)
    world.bitrise.start_build(world.shop, workflow="deploy", triggered_by="webhook-github/octocat")
    await world.passes(minutes=3)
    await world.say("/build status")
    assert "of ~7 min" in world.whispers()[-1]


async def test_a_build_can_be_stopped_from_the_list_of_what_runs(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="endless")
    await world.say("/build status")
    await world.press(world.whisper(), "Stop…")
    await world.submit({"abort.reason": "wrong-target", "abort.sentence": "wrong branch"})
    assert len(world.bitrise.aborts) == 1


async def test_more_than_can_be_drawn_is_counted(world: World) -> None:
    for _ in range(15):
        world.bitrise.start_build(world.shop, workflow="endless")
    await world.say("/build status")
    assert "15 builds are running" in world.whispers()[-1]
    assert "…and 3 more" in world.whispers()[-1]


@pytest.mark.parametrize("typed", ["status", "status shop", "abort shop"])
async def test_more_than_bitrise_lists_at_once_is_not_counted(world: World, typed: str) -> None:
    for _ in range(60):
        world.bitrise.start_build(world.shop, workflow="endless")
    await world.say(f"/build {typed}")
    assert "More than 50 builds are running or queued" in world.whispers()[-1]
    assert "There are more" in world.whispers()[-1]


async def test_a_look_that_is_hours_old_is_told_in_hours(world: World) -> None:
    await world.settled()
    world.clock.move_to(world.clock.now() + timedelta(hours=50))
    await world.slack.command(world.ana, world.ios, "/build doctor")
    await world.settled()
    assert "Last checked Bitrise 2 d 2 h ago." in world.whispers()[-1]


@pytest.mark.parametrize("kind", ["html", "broken_json", "cut_before"])
async def test_bitrise_in_trouble_is_told_in_words(world: World, kind: str) -> None:
    world.bitrise.faults.add(Fault("builds.list-all", kind=kind, times=20))
    await world.say("/build status")
    assert "Bitrise" in world.whispers()[-1]
    assert "Something broke" not in world.whispers()[-1]


async def test_nulls_in_every_field_are_no_bug(world: World) -> None:
    ended(world, 3)
    world.bitrise.faults.add(Fault("builds.list*", kind="nulls", times=3))
    await world.say("/build list shop")
    assert "Builds of iOS Shop" in world.whispers()[-1]


# The list.


async def test_recent_builds_come_newest_first(world: World) -> None:
    ended(world, 3)
    await world.say("/build list shop")
    assert numbers(world.whispers()[-1]) == [3, 2, 1]


async def test_an_app_without_builds_says_so(world: World) -> None:
    await world.say("/build list shop")
    assert "No builds." in world.whispers()[-1]


async def test_pages_are_turned_forward_and_back_in_place(world: World) -> None:
    ended(world, 25)
    await world.say("/build list shop")
    seen = [numbers(world.whispers()[-1])]
    for button in ("Older", "Older", "Newer", "Newer"):
        await world.press(world.whisper(), button)
        seen.append(numbers(world.whispers()[-1]))
    newest, middle, oldest = list(range(25, 15, -1)), list(range(15, 5, -1)), list(range(5, 0, -1))
    assert seen == [newest, middle, oldest, middle, newest]
    assert len(world.whispers()) == 1


async def test_the_last_page_has_no_older(world: World) -> None:
    ended(world, 12)
    await world.say("/build list shop")
    assert "[Older]" in world.whispers()[-1]
    await world.press(world.whisper(), "Older")
    assert "[Newer]" in world.whispers()[-1]
    assert "[Older]" not in world.whispers()[-1]


async def test_filters_stay_while_pages_are_turned(world: World) -> None:
    for _ in range(12):
        ended(world, 2, workflow="test")
        ended(world, 1, workflow="primary")
    await world.say("/build list shop workflow:test")
    await world.press(world.whisper(), "Older")
    assert "primary" not in world.whispers()[-1]
    assert "Builds of iOS Shop · test" in world.whispers()[-1]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("workflow:test", [2]),
        ("test", [2]),
        ("workflow:primary develop", [3]),
        ("branch:develop primary", [3]),
        ("branch:develop", [3]),
        ("outcome:failed", [4]),
        ("failed", [4]),
        ("outcome:skipped", [5]),
        ("aborted", [6]),
        ("cause:pull-request", [7]),
        ("workflow:deploy branch:develop", []),
    ],
)
async def test_a_list_is_narrowed(world: World, filters: str, found: list[int]) -> None:
    start = world.bitrise.start_build
    start(world.shop, workflow="primary")
    start(world.shop, workflow="test")
    start(world.shop, workflow="primary", branch="develop")
    world.bitrise.finish(start(world.shop), "failed")
    world.bitrise.finish(start(world.shop), "aborted-with-success", reason="no changes")
    world.bitrise.finish(start(world.shop), "aborted", reason="wrong")
    start(world.shop, pull_request_id=12)
    await world.passes(minutes=10)
    await world.say(f"/build list shop {filters}")
    assert numbers(world.whispers()[-1].replace("Pull request #12", "Pull request")) == found


async def test_skipped_and_succeeded_are_told_apart_in_a_list(world: World) -> None:
    build = world.bitrise.start_build(world.shop)
    world.bitrise.finish(build, "aborted-with-success", reason="no changes")
    await world.say("/build list shop succeeded")
    assert "No builds." in world.whispers()[-1]


@pytest.mark.parametrize("typed", ["outcome:purple", "colour:red", "cause:schedule", "by:@ana", "running", "page:2"])
async def test_what_cannot_be_listed_is_told(world: World, typed: str) -> None:
    await world.say(f"/build list shop {typed}")
    assert numbers(world.whispers()[-1]) == []
    assert len(world.whispers()) == 1


async def test_a_list_without_an_app_asks_which(world: World) -> None:
    await world.say("/build list")
    assert "Which app?" in world.whispers()[-1]


async def test_the_candidate_of_a_misspelt_app_shows_the_list_with_its_filters(world: World) -> None:
    ended(world, 1, workflow="test")
    ended(world, 1, workflow="primary")
    await world.say("/build list shap workflow:test")
    await world.press(world.whisper(), "iOS Shop")
    assert numbers(world.whispers()[-1]) == [1]


async def test_a_page_turned_by_a_stranger_is_refused(world: World) -> None:
    ended(world, 12)
    await world.say("/build list shop")
    with pytest.raises(LookupError):
        await world.press(world.whisper(), "Older", by=world.stranger)


async def test_values_of_variables_are_never_shown(world: World) -> None:
    await world.say("/build shop deploy main PASSWORD=hunter22")
    await world.say("/build status")
    await world.say("/build status shop #1")
    await world.passes(minutes=10)
    await world.say("/build list shop")
    everything = [message.payload() for message in world.ios.messages]
    assert "hunter22" not in json.dumps(everything)
