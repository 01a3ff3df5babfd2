"""An app answers to its title of several words in every command, and a name that exists is read as it was typed."""

from __future__ import annotations

import pytest

from playground.wire import Fault
from tests.world import World


async def run_build(world: World, workflow: str = "endless", branch: str = "develop") -> None:
    world.bitrise.start_build(world.shop, workflow=workflow, branch=branch, triggered_by="webhook-github/octocat")
    await world.passes(minutes=2)


async def add_app(world: World, title: str) -> None:
    """Add an app with the workflows of Android Shop, and have Buildbell learn of it."""
    world.bitrise.add_app(title, world.acme, repo_slug=f"repository-{len(title)}", workflows=world.droid.workflows)
    await world.passes(minutes=2)
    await world.say("/build status nothing-of-this-name")  # an unknown name refreshes the list of apps


def starts(world: World) -> list[tuple[str, str | None, str | None]]:
    """Return app, workflow and branch of every start."""
    started = [(call.app.title, call.body["build_params"]) for call in world.bitrise.triggers]
    return [(title, params.get("workflow_id"), params.get("branch")) for title, params in started]


# A title of several words.


async def test_a_subscription_by_the_title_notifies(world: World) -> None:
    await world.say("/build subscribe iOS Shop style:line")
    await world.passes(seconds=20)
    build = world.bitrise.start_build(world.shop, workflow="endless", triggered_by="webhook-github/x")
    await world.passes(minutes=1)
    world.bitrise.finish(build, "failed")
    await world.passes(minutes=3)
    assert "*Failed*" in world.sees()


async def test_the_title_unsubscribes(world: World) -> None:
    await world.say("/build subscribe shop")
    await world.passes(seconds=20)
    await world.say("/build unsubscribe iOS Shop")
    assert "Removed: iOS Shop" in world.whispers()[-1]


async def test_the_title_lists(world: World) -> None:
    await run_build(world)
    await world.say("/build list iOS Shop")
    assert "endless" in world.whispers()[-1]


async def test_the_title_lists_with_filters(world: World) -> None:
    await run_build(world)
    await world.say("/build list ios shop workflow:endless branch:main")
    assert "Builds of iOS Shop · endless · main*\nNo builds." in world.whispers()[-1]


@pytest.mark.parametrize(
    "typed",
    [
        "iOS Shop deploy main",
        "ios SHOP  deploy main",
        "start iOS Shop deploy main",
        "app:iOS Shop deploy main",
        "deploy main app:iOS Shop",
        "app: iOS Shop workflow: deploy branch: main",
        "iOS Shop workflow: deploy|branch: main",
        '"iOS Shop" deploy main',
        "“iOS Shop” deploy main",
        "iOS Shop branch:main deploy FLAVOR=beta",
    ],
)
async def test_the_title_starts(world: World, typed: str) -> None:
    await world.say(f"/build {typed}")
    await world.passes(seconds=30)
    assert starts(world) == [("iOS Shop", "deploy", "main")]


@pytest.mark.parametrize("verb", ["stats", "import", "status", "abort", "list", "form", "subscribe"])
async def test_the_title_is_enough_for_every_verb(world: World, verb: str) -> None:
    await run_build(world)
    await world.say(f"/build {verb} iOS Shop")
    answer = "\n".join([*world.whispers()[-2:], world.sees()])
    assert "iOS Shop" in (world.modal_text() if verb == "form" else answer)


@pytest.mark.parametrize("typed", ["log iOS Shop #1", "iOS Shop #1", "iOS Shop#1", "status iOS Shop 1", "iOS Shop 1"])
async def test_the_title_names_a_build(world: World, typed: str) -> None:
    await run_build(world)
    await world.say(f"/build {typed}")
    assert "iOS Shop · endless  #1" in "\n".join([*world.whispers(), world.sees()])
    assert starts(world) == []


async def test_the_title_stops_builds_that_match(world: World) -> None:
    await run_build(world)
    await world.say("/build abort iOS Shop branch:develop")
    assert "*1 build of develop in iOS Shop*" in world.modal_text()


async def test_the_title_ends_a_report(world: World) -> None:
    await world.say("/build digest off iOS Shop")
    assert "can't find an app" not in world.whispers()[-1]


async def test_the_longest_title_wins(world: World) -> None:
    await add_app(world, "iOS Shop Beta")
    await world.say("/build iOS Shop Beta deploy main")
    await world.say("/build iOS Shop deploy main")
    await world.passes(seconds=30)
    assert starts(world) == [("iOS Shop Beta", "deploy", "main"), ("iOS Shop", "deploy", "main")]


@pytest.mark.parametrize("title", ["Shop 2", "Shop - Beta", "Shop: Beta", "Shop #2", "C++ & Rust"])
async def test_a_title_with_digits_or_signs_starts(world: World, title: str) -> None:
    await add_app(world, title)
    await world.say(f"/build {title} deploy main")
    await world.passes(seconds=30)
    assert starts(world) == [(title, "deploy", "main")]


async def test_a_number_after_a_title_with_a_digit_is_the_build(world: World) -> None:
    await add_app(world, "Shop 2")
    await world.say("/build Shop 2 deploy main")
    await world.passes(seconds=30)
    await world.say("/build status Shop 2 1")
    assert "Shop 2 · deploy  #1" in world.whispers()[-1]


async def test_a_title_that_begins_with_a_verb_is_an_app(world: World) -> None:
    await add_app(world, "Status Board")
    await world.say("/build Status Board deploy main")
    await world.say("/build status Status Board")
    await world.passes(seconds=30)
    assert starts(world) == [("Status Board", "deploy", "main")]
    assert "Status Board" in world.whispers()[-1]


async def test_a_verb_before_the_name_of_an_app_stays_a_verb(world: World) -> None:
    await add_app(world, "Abort Shop")
    await run_build(world)
    await world.say("/build abort shop")
    assert "iOS Shop · endless" in world.whispers()[-1]
    assert starts(world) == []


async def test_a_title_like_a_workflow_is_an_app(world: World) -> None:
    await add_app(world, "deploy it")
    await run_build(world, workflow="deploy")
    await world.say("/build settings")
    await world.submit({"settings.app": "iOS Shop"})
    await world.say("/build deploy it test main")
    await world.say("/build deploy main")
    await world.passes(seconds=30)
    assert starts(world) == [("deploy it", "test", "main"), ("iOS Shop", "deploy", "main")]


async def test_a_short_name_of_two_words_starts(world: World) -> None:
    await world.say("/build settings")
    await world.submit({"settings.aliases": "big shop = iOS Shop"})
    await world.say("/build Big Shop deploy main")
    await world.passes(seconds=30)
    assert starts(world) == [("iOS Shop", "deploy", "main")]


async def test_a_title_of_two_apps_is_asked_about(world: World) -> None:
    await add_app(world, "iOS Shop")
    await world.say("/build iOS Shop deploy main")
    assert "Which app did you mean by “iOS Shop”?" in world.whispers()[-1]
    await world.press(world.whisper(), "iOS Shop (acme/shop)")
    await world.say("/build iOS Shop (acme/shop) test main")
    await world.passes(seconds=30)
    assert starts(world) == [("iOS Shop", "deploy", "main"), ("iOS Shop", "test", "main")]


async def test_a_quoted_first_word_is_not_joined(world: World) -> None:
    await world.say('/build "iOS" Shop')
    await world.passes(seconds=30)
    assert starts(world) == []  # the beginning of a title, and a workflow that isn't there


# Names in quotes.


@pytest.mark.parametrize(
    "typed",
    [
        'shop deploy "release/3.2"',
        "shop deploy “release/3.2”",
        'shop "release/3.2" deploy',
        'shop "deploy" release/3.2',
    ],
)
async def test_a_branch_or_workflow_in_quotes_is_not_a_message(world: World, typed: str) -> None:
    await run_build(world, workflow="deploy", branch="release/3.2")
    await world.passes(minutes=10)
    await world.say(f"/build {typed}")
    await world.passes(seconds=30)
    assert starts(world) == [("iOS Shop", "deploy", "release/3.2")]
    assert "commit_message" not in world.bitrise.triggers[-1].body["build_params"]


async def test_quoted_text_stays_a_message_where_the_branch_is_given(world: World) -> None:
    await run_build(world, branch="release/3.2")
    await world.say('/build shop deploy main "release/3.2"')
    await world.passes(seconds=30)
    assert starts(world) == [("iOS Shop", "deploy", "main")]
    assert "release/3.2" in world.card.text or "release/3.2" in world.read(world.card)


@pytest.mark.parametrize(
    "typed", ['shop deploy "hotfix"', 'shop deploy message:"release/3.2"', 'shop deploy "release/3.2 again"']
)
async def test_other_quoted_text_is_a_message(world: World, typed: str) -> None:
    await run_build(world, workflow="deploy", branch="release/3.2")
    await world.say("/build settings")
    await world.submit({"settings.app": "iOS Shop", "settings.branch": "main"})
    await world.say(f"/build {typed}")
    await world.passes(seconds=30)
    assert starts(world) == [("iOS Shop", "deploy", "main")]


# The typography of a phone.


@pytest.mark.parametrize("typed", ["Bob’s App", "“Bob’s App”", "app:“Bob’s App”", "bob’s app"])
async def test_a_title_with_a_curly_apostrophe_starts(world: World, typed: str) -> None:
    await add_app(world, "Bob’s App")
    await world.say(f"/build {typed} deploy main")
    await world.passes(seconds=30)
    assert starts(world) == [("Bob’s App", "deploy", "main")]


@pytest.mark.parametrize(
    "typed", ["shop deploy fix–login", "shop deploy branch:fix–login", "shop workflow: deploy|branch: fix–login"]
)
async def test_a_branch_with_a_long_dash_is_built_as_typed(world: World, typed: str) -> None:
    await run_build(world, branch="fix–login")
    await world.say(f"/build {typed}")
    await world.passes(seconds=30)
    assert starts(world) == [("iOS Shop", "deploy", "fix–login")]


async def test_a_branch_with_a_long_dash_is_listed(world: World) -> None:
    await run_build(world, branch="fix–login")
    await world.say("/build list shop branch:fix–login")
    assert "endless" in world.whispers()[-1]


async def test_a_long_dash_is_a_short_one_where_no_name_has_it(world: World) -> None:
    await world.say("/build shop deploy fix–login")
    await world.passes(seconds=30)
    assert starts(world) == [("iOS Shop", "deploy", "fix-login")]


# Guessing has a limit: what isn't clear starts nothing and is offered as a button.


async def has_run(world: World, workflow: str = "deploy", branch: str = "main") -> None:
    """Let iOS Shop have a finished build, and forget of names that were read before."""
    world.bitrise.start_build(world.shop, workflow=workflow, branch=branch, triggered_by="webhook-github/x")
    await world.passes(minutes=12)


async def set_channel(world: World, **values: str) -> None:
    await world.say("/build settings")
    await world.submit({f"settings.{name}": value for name, value in values.items()})


@pytest.mark.parametrize("typed", ["7 lint main", "d lint main", "io deploy main", "zz deploy main"])
async def test_a_number_or_two_letters_are_no_app(world: World, typed: str) -> None:
    await has_run(world)
    await world.say(f"/build {typed}")
    assert starts(world) == []
    assert "app" in world.whispers()[-1]


async def test_a_number_is_a_build_number(world: World) -> None:
    await set_channel(world, app="iOS Shop")
    await world.say("/build 7 lint main")
    assert "`7` is a build number, not an app." in world.whispers()[-1]
    await world.press(world.whisper(), "Start lint on main")
    assert "iOS Shop has no workflow “lint”" in world.whispers()[-1]


async def test_the_beginning_of_a_slug_names_nothing(world: World) -> None:
    await world.say(f"/build {world.shop.slug[:12]} deploy main")
    assert starts(world) == []
    await world.say(f"/build status {world.shop.slug[:12]}")
    assert "No app called" in world.whispers()[-1]


@pytest.mark.parametrize("typed", ["ios deploy main", "ios-sh deploy main", "shp deploy main"])
async def test_a_shortened_or_misspelt_app_starts_by_one_button(world: World, typed: str) -> None:
    await world.say(f"/build {typed}")
    assert starts(world) == []
    await world.press(world.whisper(), "iOS Shop")
    assert starts(world) == [("iOS Shop", "deploy", "main")]


async def test_a_shortened_app_is_enough_to_look(world: World) -> None:
    await has_run(world)
    await world.say("/build list ios")
    assert "deploy" in world.whispers()[-1]


@pytest.mark.parametrize(
    ("typed", "button", "start"),
    [
        ("deploy shop main", "shop deploy main", ("iOS Shop", "deploy", "main")),
        ("deploy iOS Shop main", "shop deploy main", ("iOS Shop", "deploy", "main")),
        ("shop main", "Start deploy on main", ("iOS Shop", "deploy", "main")),
        ("shop main deploy", "Start deploy on main", ("iOS Shop", "deploy", "main")),
        ("shop deploy main main", "Start deploy on main", ("iOS Shop", "deploy", "main")),
        ("shop deploy", "Start deploy on main", ("iOS Shop", "deploy", "main")),
        ("shop branch:main", "Start deploy on main", ("iOS Shop", "deploy", "main")),
        ("shop deploi", "Start deploy on main", ("iOS Shop", "deploy", "main")),
        ("shop deploy branch:develop branch:main", "Start this", ("iOS Shop", "deploy", "main")),
        ("shop DEPLOI main", "Start deploy on main", ("iOS Shop", "deploy", "main")),
        ("shop deploy main tag:v1", "Start deploy on main", ("iOS Shop", "deploy", "main")),
        ("shop deploy main tag:v1", "Start deploy on v1", ("iOS Shop", "deploy", None)),
        ("shop tag:v1 main", "Start deploy on main", ("iOS Shop", "deploy", "main")),
    ],
)
async def test_the_likely_reading_is_one_button(
    world: World, typed: str, button: str, start: tuple[str, str, str]
) -> None:
    await has_run(world)
    await world.say(f"/build {typed}")
    assert [build.workflow for build in world.builds()] == ["deploy"]
    await world.press(world.whisper(), button)
    assert starts(world)[-1] == start


@pytest.mark.parametrize("typed", ["main", "deploy shop main", "deploy shop"])
async def test_in_a_channel_with_an_app_the_likely_reading_is_one_button_too(world: World, typed: str) -> None:
    await has_run(world)
    await set_channel(world, app="iOS Shop")
    await world.say(f"/build {typed}")
    assert starts(world) == []
    assert "/build me" not in world.whispers()[-1]
    offers = {"main": "Start deploy on main", "deploy shop main": "shop deploy main", "deploy shop": "shop deploy"}
    await world.press(world.whisper(), offers[typed])
    if typed == "deploy shop":
        await world.press(world.whisper(), "Start deploy on main")
    assert starts(world) == [("iOS Shop", "deploy", "main")]


async def test_a_branch_alone_says_that_it_is_one(world: World) -> None:
    await has_run(world)
    await world.say("/build shop main")
    assert "`main` is a branch:\n[Start deploy on main]" in world.whispers()[-1]


@pytest.mark.parametrize("typed", ["shop newest", "shop helpme", "shop something"])
async def test_an_unknown_word_starts_nothing(world: World, typed: str) -> None:
    await has_run(world)
    await set_channel(world, app="iOS Shop", branch="main")
    await world.say(f"/build {typed}")
    assert starts(world) == []
    assert "isn't a known workflow or branch of iOS Shop." in world.whispers()[-1]


@pytest.mark.parametrize("typed", ["DEPLOY", "Deploy"])
async def test_a_workflow_is_found_in_any_case(world: World, typed: str) -> None:
    await has_run(world)
    await world.say(f"/build shop {typed} main")
    assert starts(world) == [("iOS Shop", "deploy", "main")]


async def test_a_workflow_that_never_ran_is_suggested_in_its_own_case(world: World) -> None:
    world.bitrise.set_role(world.token, "admin")
    await world.say("/build shop DEPLOY main")
    await world.press(world.whisper(), "Start deploy on main")
    assert [build.workflow for build in world.builds()] == ["deploy"]


async def test_words_after_the_branch_become_a_message_by_a_button(world: World) -> None:
    await has_run(world)
    await world.say("/build shop deploy main try the login A=1")
    assert '`shop deploy main A=1 message:"try the login"`' in world.whispers()[-1]
    await world.press(world.whisper(), "Start with this message")
    build = world.builds()[-1]
    assert (build.environments["BUILDBELL_MESSAGE"], build.environments["A"]) == ("try the login", "1")


async def test_an_unclear_start_can_be_edited_in_the_form(world: World) -> None:
    await has_run(world)
    await world.say("/build shop main FLAVOR=beta")
    await world.press(world.whisper(), "Edit…")
    for part in ("iOS Shop", "main", "FLAVOR=beta"):
        assert f"‹{part}›" in world.modal_text()


async def test_a_clear_start_asks_bitrise_for_no_names(world: World) -> None:
    await has_run(world)
    await world.passes(minutes=2)
    before = len(world.bitrise.journal.named("apps.branches"))
    await world.say("/build shop deploy main")
    assert starts(world) == [("iOS Shop", "deploy", "main")]
    assert len(world.bitrise.journal.named("apps.branches")) == before


async def test_an_unclear_start_is_answered_while_bitrise_is_down(world: World) -> None:
    await has_run(world)
    await world.passes(minutes=2)
    world.bitrise.faults.add(Fault("apps.*", status=500, times=None))
    await world.say("/build shop main")
    assert "`main` is a branch:" in world.whispers()[-1]


async def test_a_word_that_names_nothing_is_no_filter_of_a_list(world: World) -> None:
    await has_run(world)
    await world.say("/build list shop nightly")
    assert "`nightly` isn't a known workflow or branch of iOS Shop." in world.whispers()[-1]
    await world.say("/build list shop deploi")
    await world.press(world.whisper(), "List deploy")
    assert "Builds of iOS Shop · deploy" in world.whispers()[-1]


@pytest.mark.parametrize(
    ("typed", "filters"), [("DEPLOY", "deploy"), ("main", "main"), ("deploy main", "deploy · main")]
)
async def test_a_list_takes_known_names_without_a_key(world: World, typed: str, filters: str) -> None:
    await has_run(world)
    await world.say(f"/build list shop {typed}")
    assert f"Builds of iOS Shop · {filters}" in world.whispers()[-1]


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("stats shop nightly", "`nightly` isn't a known workflow or branch of iOS Shop."),
        ("import shop nightly", "Unexpected `nightly`. Use filters like `app:shop 90d`."),
    ],
)
async def test_no_other_verb_takes_an_unknown_word_for_a_filter(world: World, typed: str, why: str) -> None:
    await has_run(world)
    await world.say(f"/build {typed}")
    assert why in world.whispers()[-1]
