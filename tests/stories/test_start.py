"""Start a build by typing: what is said, what Bitrise is told, and what happens when it is not clear."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import pytest

from playground.bitrise import TriggerRule, Workflow
from playground.wire import Fault
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]


def sent(world: World) -> dict[str, object]:
    """The build parameters of the last accepted start."""
    body = world.bitrise.triggers[-1].body
    params: dict[str, object] = body["build_params"]
    return params


# The answer.


async def test_a_card_that_comes_within_two_seconds_is_the_only_answer(world: World) -> None:
    await world.say("/build shop deploy main")
    await world.passes(minutes=1)
    assert len(world.cards()) == 1
    assert world.whispers() == []


async def test_a_start_whose_card_is_late_is_confirmed_once(world: World) -> None:
    world.slack.faults.add(Fault("chat.postMessage", status=429, retry_after=5))
    await world.say("/build shop deploy main")
    await world.passes(seconds=1)
    assert world.whispers() == []
    await world.passes(minutes=1)
    assert world.whispers() == ["Starting *deploy* for iOS Shop on `main`…"]
    assert len(world.cards()) == 1


async def test_a_start_that_bitrise_delays_gets_one_answer(world: World) -> None:
    world.bitrise.faults.add(Fault("builds.trigger", status=429, retry_after=20))
    await world.say("/build shop deploy main")
    await world.passes(minutes=1)
    (answer,) = world.whispers()
    assert "Bitrise hasn't responded yet" in answer


async def test_a_refused_start_is_not_confirmed(world: World) -> None:
    await world.say("/build shop deplyo main")
    await world.passes(minutes=1)
    assert not any("Starting" in answer for answer in world.whispers())


async def test_a_late_card_is_confirmed_after_a_restart(world: World) -> None:
    world.slack.faults.add(Fault("chat.postMessage", status=429, retry_after=30))
    await world.say("/build shop deploy main")
    await world.restart_bot()
    await world.passes(seconds=10)
    assert world.whispers() == ["Starting *deploy* for iOS Shop on `main`…"]


# Every way of typing it.


@pytest.mark.parametrize(
    ("typed", "workflow", "branch"),
    [
        ("shop deploy release/3.2", "deploy", "release/3.2"),
        ("shop workflow:deploy branch:main", "deploy", "main"),
        ("shop workflow:deploy main", "deploy", "main"),
        ("shop branch:main deploy", "deploy", "main"),
        ("app:shop workflow:deploy main", "deploy", "main"),
        ("shop branch:main w:test", "test", "main"),
        ("app:shop deploy main", "deploy", "main"),
        ("shop workflow: deploy|branch: main", "deploy", "main"),
        ("shop deploy branch:'feature/a b'", "deploy", "feature/a b"),
        ('"iOS Shop" deploy main', "deploy", "main"),
        ("SHOP deploy main", "deploy", "main"),
        ("ios-shop deploy main", "deploy", "main"),
    ],
)
async def test_a_start_can_be_typed_in_many_ways(world: World, typed: str, workflow: str, branch: str) -> None:
    await world.say(f"/build {typed}")
    (build,) = world.builds()
    assert (build.app, build.workflow, build.branch) == (world.shop, workflow, branch)


async def test_an_app_answers_to_its_slug(world: World) -> None:
    await world.say(f"/build {world.droid.slug} deploy main")
    assert [build.app for build in world.builds()] == [world.droid]


async def test_variables_go_as_they_are_written(world: World) -> None:
    await world.say("/build shop deploy main FLAVOR=beta PRICE='$5 off' EMPTY=")
    environments = {each["key"]: each for each in sent(world)["environments"]}  # type: ignore[attr-defined]
    assert {key: environments[key]["value"] for key in ("FLAVOR", "PRICE", "EMPTY")} == {
        "FLAVOR": "beta", "PRICE": "$5 off", "EMPTY": "",
    }  # fmt: skip
    assert all(each["is_expand"] is False for each in environments.values())


async def test_what_slack_made_a_link_of_is_read_as_it_was_typed(world: World) -> None:
    """Slack makes links of bare domains, file names and e-mail addresses; a pasted link keeps its label."""
    await world.say(
        "/build shop deploy v2.release.io SITE=acme.com MAIL=ana@acme.dev DOCS=https://acme.dev/a?b=1&c=2 "
        '"run deploy.sh, see [the docs](https://acme.dev/docs)"'
    )
    (build,) = world.builds()
    environments = {each["key"]: each["value"] for each in sent(world)["environments"]}  # type: ignore[attr-defined]
    assert build.branch == "v2.release.io"
    assert environments["SITE"] == "acme.com"
    assert environments["MAIL"] == "ana@acme.dev"
    assert environments["DOCS"] == "https://acme.dev/a?b=1&c=2"
    assert build.environments["BUILDBELL_MESSAGE"] == "run deploy.sh, see https://acme.dev/docs"


async def test_a_build_says_who_asked_for_it_at_bitrise(world: World) -> None:
    await world.say("/build shop deploy main")
    (build,) = world.builds()
    assert (build.triggered_by or "").startswith("buildbell-ana-")


async def test_a_pipeline_can_be_named(world: World) -> None:
    await world.say("/build shop pipeline:release branch:main")
    assert [run.name for run in world.bitrise.triggers[-1].pipelines] == ["release"]


@pytest.mark.parametrize(
    ("typed", "name", "value"),
    [("tag:v1.2", "tag", "v1.2"), ("commit:a1b2c3d4", "commit_hash", "a1b2c3d4")],
)
async def test_a_tag_or_a_commit_can_be_named(world: World, typed: str, name: str, value: str) -> None:
    await world.say(f"/build shop deploy {typed}")
    assert sent(world)[name] == value


async def test_phone_quotes_hold_a_message(world: World) -> None:
    await world.say("/build shop deploy main “try the new login”")
    assert world.builds()[0].environments["BUILDBELL_MESSAGE"] == "try the new login"


async def test_an_ampersand_arrives_as_one(world: World) -> None:
    await world.say('/build shop deploy main "salt & pepper <3"')
    assert world.builds()[0].environments["BUILDBELL_MESSAGE"] == "salt & pepper <3"
    assert "“salt & pepper <3”" in world.read(world.card)


async def test_a_button_keeps_brackets_and_ampersands(world: World) -> None:
    await world.say('/build shap deploy main "salt & pepper <3 &lt;"')
    await world.press(world.whisper(), "iOS Shop")
    assert world.builds()[0].environments["BUILDBELL_MESSAGE"] == "salt & pepper <3 &lt;"


async def test_a_message_that_calls_the_channel_calls_nobody(world: World) -> None:
    await world.say('/build shop deploy main "<!channel> look, <@U12345>"')
    await world.passes(minutes=10)
    pings = [world.slack.pings(message) for message in world.slack.messages(world.ios)]
    assert set().union(*pings) <= {world.ana.id}


async def test_control_characters_are_left_out(world: World) -> None:
    await world.say('/build\u00a0shop deploy main "a\x07b\u202ec"'.replace("\u00a0", " "))
    assert world.builds()[0].environments["BUILDBELL_MESSAGE"] == "abc"


async def test_an_enormous_text_is_refused_in_words(world: World) -> None:
    await world.say(f"/build shop deploy main {'x' * 5000}")
    assert "the limit is 3,000" in world.whispers()[-1]
    assert not world.builds()


async def test_a_long_message_fits_the_card(world: World) -> None:
    await world.say(f'/build shop deploy main "{"long " * 500}"')
    assert "long long" in world.read(world.card)


async def test_one_word_too_many_is_asked_about(world: World) -> None:
    await world.say("/build shop deploy main try the login")
    assert "quotes" in world.whispers()[-1]
    assert not world.builds()


@pytest.mark.parametrize(
    "typed",
    ["shop deploy main BUILDBELL_REQUEST=x", "shop deploy branch=main", "shop deploy main 1A=x", "shop deploy -b x"],
)
async def test_what_cannot_be_read_starts_nothing(world: World, typed: str) -> None:
    await world.say(f"/build {typed}")
    assert not world.builds()
    assert len(world.whispers()) == 1


async def test_the_url_of_a_build_shows_its_card_here(world: World) -> None:
    build = world.bitrise.start_build(world.shop, workflow="test")
    await world.say(f"/build {world.bitrise.site_url}/build/{build.slug}")
    assert f"iOS Shop · test  #{build.number}" in world.read(world.card)
    assert len(world.builds()) == 1


# What is left out.


async def set_defaults(world: World, **values: str) -> None:
    await world.say("/build settings")
    await world.submit({f"settings.{name}": value for name, value in values.items()})


async def test_the_channels_defaults_fill_what_is_left_out(world: World) -> None:
    await set_defaults(world, app="iOS Shop", target="deploy", branch="develop")
    await world.say('/build message:"only this"')
    (build,) = world.builds()
    assert (build.app, build.workflow, build.branch) == (world.shop, "deploy", "develop")


async def test_a_lone_word_that_is_no_app_may_have_been_meant_as_a_branch(world: World) -> None:
    await set_defaults(world, app="iOS Shop")
    await world.say("/build workflow:deploy main")
    assert "Did you mean a build of iOS Shop?" in world.whispers()[-1]
    assert not world.builds()
    await world.press(world.whisper(), "Start deploy on main")
    assert [(build.workflow, build.branch) for build in world.builds()] == [("deploy", "main")]


async def test_bitrises_own_syntax_works_with_the_channels_app(world: World) -> None:
    await set_defaults(world, app="iOS Shop")
    await world.say("/build workflow: deploy|branch: main|env[FLAVOR]: beta|message: try the new login")
    (build,) = world.builds()
    assert (build.workflow, build.branch, build.environments["FLAVOR"]) == ("deploy", "main", "beta")
    assert build.environments["BUILDBELL_MESSAGE"] == "try the new login"


async def test_a_workflow_alone_is_read_with_the_channels_app(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="deploy")
    await set_defaults(world, app="iOS Shop", branch="main")
    await world.say("/build deploy feature/x")
    build = world.builds()[-1]
    assert (build.app, build.workflow, build.branch) == (world.shop, "deploy", "feature/x")


async def test_a_pipeline_alone_is_read_with_the_channels_app(world: World) -> None:
    await world.say("/build shop pipeline:release branch:main")
    await set_defaults(world, app="iOS Shop", branch="main")
    await world.say("/build release feature/x")
    assert [run.name for run in world.bitrise.triggers[-1].pipelines] == ["release"]
    assert sent(world)["branch"] == "feature/x"


async def test_a_workflow_of_the_channels_app_is_no_beginning_of_another_apps_name(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="deploy")
    world.bitrise.add_app("Deploy Tools", world.acme)
    await world.passes(minutes=2)
    await world.say("/build deploy-tools primary main")
    await set_defaults(world, app="iOS Shop", branch="main")
    await world.say("/build deploy feature/x")
    build = world.builds()[-1]
    assert (build.app, build.workflow, build.branch) == (world.shop, "deploy", "feature/x")


async def test_another_apps_defaults_are_not_taken(world: World) -> None:
    await set_defaults(world, app="iOS Shop", target="deploy", branch="develop")
    await world.say("/build shop-android test main")
    (build,) = world.builds()
    assert (build.app, build.workflow, build.branch) == (world.droid, "test", "main")


async def test_your_last_start_here_is_offered_and_started_by_a_button(world: World) -> None:
    await world.say("/build shop deploy release/3.2 FLAVOR=beta 'the message'")
    await world.passes(minutes=10)
    await world.say("/build shop")
    assert "Rerun *deploy* on *release/3.2* (FLAVOR=beta)?\n[Run] [Edit…]" in world.whispers()[-1]
    assert len(world.builds()) == 1
    question = world.whisper().snapshot()
    await world.press(question, "Run")
    await world.press(question, "Run")
    assert [(build.workflow, build.branch) for build in world.builds()] == [("deploy", "release/3.2")] * 2
    assert world.builds()[-1].environments["FLAVOR"] == "beta"


async def test_your_last_start_can_be_edited_first(world: World) -> None:
    await world.say("/build shop deploy release/3.2 FLAVOR=beta")
    await world.passes(minutes=10)
    await world.say("/build shop")
    await world.press(world.whisper(), "Edit…")
    await world.submit({"start.environment": "FLAVOR=gold"})
    assert world.builds()[-1].environments["FLAVOR"] == "gold"


async def test_the_last_start_of_somebody_else_is_neither_started_nor_offered(world: World) -> None:
    await world.say("/build shop deploy release/3.2 FLAVOR=beta", by=world.bo)
    await world.passes(minutes=10)
    await world.say("/build shop")
    assert len(world.builds()) == 1
    assert not world.whispers()
    assert "release/3.2" not in world.modal_text()
    assert "beta" not in world.modal_text()


async def test_your_last_start_here_comes_before_a_newer_one_elsewhere(world: World) -> None:
    other = world.slack.add_channel(world.team, "other", members=[world.ana])
    await world.say("/build shop deploy main")
    await world.passes(minutes=10)
    await world.say("/build shop test develop", at=other)
    await world.passes(minutes=10)
    await world.say("/build shop")
    assert "Rerun *deploy* on *main*?" in world.whispers()[-1]


async def test_the_last_pipeline_here_runs_as_a_pipeline_again(world: World) -> None:
    await world.say("/build shop pipeline:release branch:main")
    await world.passes(minutes=30)
    await world.say("/build shop")
    await world.press(world.whisper(), "Run")
    assert [run.name for call in world.bitrise.triggers for run in call.pipelines] == ["release", "release"]


async def test_the_last_start_elsewhere_does_not_count(world: World) -> None:
    other = world.slack.add_channel(world.team, "other", members=[world.ana])
    await world.say("/build shop deploy main", at=other)
    await world.passes(minutes=10)
    await world.say("/build shop")
    assert len(world.builds()) == 1


async def test_a_question_that_is_answered_late_still_starts(world: World) -> None:
    await world.say("/build shop deploy main")
    await world.say("/build shop deploy main", by=world.bo)
    question = world.whisper(world.bo).snapshot()
    await world.passes(minutes=20)
    await world.press(question, "Start anyway", by=world.bo)
    assert len(world.builds()) == 2


async def test_joining_what_has_ended_meanwhile_shows_how_it_ended(world: World) -> None:
    await world.say("/build shop deploy main")
    await world.say("/build shop deploy main", by=world.bo)
    question = world.whisper(world.bo).snapshot()
    await world.passes(minutes=20)
    await world.press(question, "Follow #1", by=world.bo)
    assert "Succeeded" in world.read(world.card)
    assert len(world.builds()) == 1


async def test_without_an_app_the_form_is_offered(world: World) -> None:
    await world.say("/build workflow:deploy")
    assert "Which app?" in world.whispers()[-1]
    await world.press(world.whisper(), "Open the form")
    assert world.modal().title == "Start a build"


async def test_without_workflow_and_branch_the_form_opens_for_that_app(world: World) -> None:
    await world.say("/build shop")
    assert "App: ‹iOS Shop›" in world.modal_text()
    assert not world.builds()


# Which app.


async def test_an_ambiguous_name_is_answered_with_buttons_that_start(world: World) -> None:
    world.bitrise.add_app("Blog Web", world.acme)
    world.bitrise.add_app("Blog App", world.acme)
    await world.passes(minutes=2)
    await world.say("/build blog primary main 'go on'")
    assert "Which app did you mean by “blog”?" in world.whispers()[-1]
    await world.press(world.whisper(), "Blog App")
    (build,) = world.builds()
    assert (build.app.title, build.workflow, build.branch) == ("Blog App", "primary", "main")


async def test_a_button_keeps_everything_that_was_typed(world: World) -> None:
    await world.say('/build shap deploy main FLAVOR="a b" "try it"')
    await world.press(world.whisper(), "iOS Shop")
    (build,) = world.builds()
    assert (build.environments["FLAVOR"], build.environments["BUILDBELL_MESSAGE"]) == ("a b", "try it")


@pytest.mark.parametrize(
    ("typed", "branch"),
    [
        ("branch:main blog primary", "main"),
        ("branch:blog blog primary", "blog"),
        ("workflow : primary|app : blog|branch : blog", "blog"),
        ('message:"the blog is off" blog primary main', "main"),
    ],
)
async def test_the_button_of_an_app_stands_in_its_place_alone(world: World, typed: str, branch: str) -> None:
    world.bitrise.add_app("Blog Web", world.acme)
    world.bitrise.add_app("Blog App", world.acme)
    await world.passes(minutes=2)
    await world.say(f"/build {typed}")
    await world.press(world.whisper(), "Blog App")
    (build,) = world.builds()
    assert (build.app.title, build.workflow, build.branch) == ("Blog App", "primary", branch)


async def test_apps_of_the_same_title_can_be_told_apart(world: World) -> None:
    twins = [world.bitrise.add_app("Twin", world.acme, repo_slug="twin") for _ in range(2)]
    await world.passes(minutes=2)
    await world.say("/build twin primary main")
    await world.press(world.whisper(), f"Twin (acme/twin) ({twins[1].slug})")
    assert [build.app for build in world.builds()] == [twins[1]]


async def test_a_misspelt_name_is_answered_with_the_close_ones(world: World) -> None:
    await world.say("/build androd-shop deploy main")
    assert "Did you mean" in world.whispers()[-1]
    await world.press(world.whisper(), "Android Shop")
    assert [build.app for build in world.builds()] == [world.droid]


async def test_a_candidate_pressed_twice_starts_once(world: World) -> None:
    await world.say("/build androd-shop deploy main")
    question = world.whisper().snapshot()
    await world.press(question, "Android Shop")
    await world.press(question, "Android Shop")
    assert len(world.builds()) == 1


async def test_an_unknown_app_is_told_with_a_way_out(world: World) -> None:
    await world.say("/build zzzzqqqq deploy main")
    assert "No app called “zzzzqqqq” is available" in world.whispers()[-1]
    assert not world.builds()


async def test_an_app_that_is_new_at_bitrise_is_found_without_connecting_again(world: World) -> None:
    await world.passes(minutes=2)
    world.bitrise.add_app("Brand New", world.acme, repo_slug="brand-new")
    await world.say("/build brand-new primary main")
    assert [build.app.title for build in world.builds()] == ["Brand New"]


async def test_a_short_name_stands_for_its_app(world: World) -> None:
    await set_defaults(world, aliases="store = Android Shop")
    await world.say("/build store deploy main")
    assert [build.app for build in world.builds()] == [world.droid]


# What Bitrise makes of it.


async def test_a_trigger_map_that_starts_two_gives_one_card_with_both(world: World) -> None:
    rules = [TriggerRule(workflow="one"), TriggerRule(workflow="two")]
    world.bitrise.add_app(
        "Mono", world.acme, workflows={"one": Workflow(), "two": Workflow(timedelta(minutes=2))}, trigger_map=rules
    )
    await world.passes(minutes=2)
    await world.say("/build mono main trigger-map")
    assert len(world.cards()) == 1
    assert "Mono · one" in world.read(world.card)
    assert "Mono · two" in world.read(world.card)


async def test_what_a_trigger_map_could_not_start_is_told_beside_the_card(world: World) -> None:
    rules = [TriggerRule(workflow="one"), TriggerRule(workflow="gone")]
    world.bitrise.add_app("Mono", world.acme, workflows={"one": Workflow()}, trigger_map=rules)
    await world.passes(minutes=2)
    await world.say("/build mono main trigger-map")
    assert "Mono · one" in world.read(world.card)
    assert "workflow (gone) did not match" in world.whispers()[-1]


async def test_an_unknown_workflow_is_answered_with_the_one_that_was_meant(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="deploy")
    await world.say("/build shop deplyo main")
    assert "iOS Shop has no workflow “deplyo”. Did you mean `deploy`?" in world.whispers()[-1]
    await world.press(world.whisper(), "Start deploy on main")
    assert world.builds()[-1].workflow == "deploy"


async def test_a_pipeline_that_never_ran_is_taken_for_a_workflow_and_the_answer_says_how_to_name_it(
    world: World,
) -> None:
    await world.say("/build shop release main")
    assert "iOS Shop has no workflow “release”" in world.whispers()[-1]
    assert world.whispers()[-1].endswith("use `pipeline:release`.")
    await world.say("/build shop pipeline:release main")
    assert "iOS Shop · release  #1\nmain" in world.read(world.card)


async def test_a_token_of_a_tester_is_told_in_words(open_world: OpenWorld) -> None:
    world = await open_world()
    world.bitrise.set_role(world.token, "tester")
    await world.say("/build shop deploy main")
    assert "Not started" in world.whispers()[-1]
    assert "role" in world.whispers()[-1]
    assert not world.cards()


async def test_what_bitrise_says_about_a_disabled_app_is_told(world: World) -> None:
    world.shop.is_disabled = True
    await world.say("/build shop deploy main")
    assert "Not started: Builds of this app are disabled" in world.whispers()[-1]


async def test_without_a_token_everybody_hears_how_to_connect(open_world: OpenWorld) -> None:
    world = await open_world(connected=False)
    await world.say("/build shop deploy main")
    assert "Bitrise isn't connected yet" in world.whispers()[-1]


# The same again.


async def test_a_start_that_equals_a_running_one_is_asked_about(world: World) -> None:
    await world.say("/build shop deploy main")
    await world.passes(minutes=1)
    await world.say("/build shop deploy main", by=world.bo)
    assert "Follow it or start another?" in world.whispers(world.bo)[-1]
    assert len(world.builds()) == 1


async def test_other_variables_are_another_build(world: World) -> None:
    await world.say("/build shop deploy main FLAVOR=beta")
    await world.say("/build shop deploy main FLAVOR=gold")
    assert len(world.builds()) == 2


async def test_start_anyway_starts_one_however_often_it_is_pressed(world: World) -> None:
    await world.say("/build shop deploy main")
    await world.say("/build shop deploy main", by=world.bo)
    question = world.whisper(world.bo).snapshot()
    await world.press(question, "Start anyway", by=world.bo)
    await world.press(question, "Start anyway", by=world.bo)
    assert len(world.builds()) == 2
    assert world.whispers(world.bo)[-1] == "Someone already answered this."


async def test_join_shows_the_card_once_however_often_it_is_pressed(world: World) -> None:
    other = world.slack.add_channel(world.team, "other", members=[world.bo])
    world.slack.invite(other, world.app.bot_user)
    await world.say("/build shop deploy main")
    await world.say("/build shop deploy main", by=world.bo, at=other)
    question = world.whisper(world.bo, other).snapshot()
    await world.press(question, "Follow #1", by=world.bo)
    await world.press(question, "Follow #1", by=world.bo)
    await world.passes(seconds=10)
    assert [world.read(card).splitlines()[0] for card in world.cards(other)] == ["⏳ Queued  iOS Shop · deploy  #1"]
    assert len(world.builds()) == 1


async def test_followers_are_mentioned_once_with_the_result(world: World) -> None:
    await world.say("/build shop deploy main")
    await world.say("/build shop deploy main", by=world.bo)
    await world.press(world.whisper(world.bo), "Follow #1", by=world.bo)
    assert world.whispers(world.bo)[-1] == "Following #1. You'll be mentioned when it finishes."
    await world.passes(minutes=10)
    (end,) = world.thread(world.card)
    assert end.endswith("Started by @ana. Followed by @bo.")
    pings = [world.slack.pings(message) for message in world.slack.messages(world.ios)]
    assert [sorted(each) for each in pings if each] == [sorted([world.ana.id, world.bo.id])]


async def test_after_join_nothing_can_be_started_by_the_old_question(world: World) -> None:
    await world.say("/build shop deploy main")
    await world.say("/build shop deploy main", by=world.bo)
    question = world.whisper(world.bo).snapshot()
    await world.press(question, "Follow #1", by=world.bo)
    await world.press(question, "Start anyway", by=world.bo)
    assert len(world.builds()) == 1


async def test_after_the_end_the_same_is_started_without_asking(world: World) -> None:
    await world.say("/build shop deploy main")
    await world.passes(minutes=10)
    await world.say("/build shop deploy main")
    assert len(world.builds()) == 2


async def test_a_command_that_comes_twice_starts_once(world: World) -> None:
    told = await world.say("/build shop deploy main")
    await world.slack.redeliver(told)
    await world.settled()
    assert len(world.builds()) == 1
    assert len(world.cards()) == 1


async def test_two_people_who_type_the_same_at_once_start_one_and_one_is_asked(world: World) -> None:
    await asyncio.gather(
        world.slack.command(world.ana, world.ios, "/build shop deploy main"),
        world.slack.command(world.bo, world.ios, "/build shop deploy main"),
    )
    await world.settled()
    assert len(world.builds()) == 1
    (answer,) = [*world.whispers(world.ana), *world.whispers(world.bo)]
    assert "Start anyway" in answer


async def test_who_was_asked_while_nothing_had_an_answer_yet_can_start_anyway(world: World) -> None:
    await asyncio.gather(
        world.slack.command(world.ana, world.ios, "/build shop deploy main"),
        world.slack.command(world.bo, world.ios, "/build shop deploy main"),
    )
    await world.settled()
    asked = next(user for user in (world.ana, world.bo) if world.whispers(user))
    await world.press(world.whisper(asked), "Start anyway", by=asked)
    assert len(world.builds()) == 2


async def test_by_http_a_build_starts_as_well(open_world: OpenWorld) -> None:
    world = await open_world(socket_mode=False)
    await world.say("/build shop deploy main")
    assert "iOS Shop · deploy  #1" in world.read(world.card)


async def test_in_a_direct_message_the_card_comes_there(world: World) -> None:
    await world.slack.command(world.ana, None, "/build shop deploy main", dm=world.app)
    await world.settled()
    assert any("iOS Shop · deploy  #1" in letter for letter in world.letters(world.ana))


async def test_how_long_a_command_took_is_counted_with_its_handler(world: World) -> None:
    """Bolt runs its listeners after all middleware; what is timed in one must hold the handler all the same."""
    before, meanwhile = commands_timed(world), []

    async def look(facts: Mapping[str, object]) -> None:
        meanwhile.append(commands_timed(world))

    world.slack.hooks.on("views.open", "before", look)
    await world.say("/build")
    assert meanwhile == [before]
    assert commands_timed(world) == before + 1


def commands_timed(world: World) -> float:
    counted = world.bot.metrics.registry.get_sample_value("buildbell_slack_ack_seconds_count", {"kind": "command"})
    return counted or 0.0


async def test_a_backtick_in_a_branch_breaks_no_code_span(world: World) -> None:
    world.slack.faults.add(Fault("chat.postMessage", status=429, retry_after=5))
    await world.say("/build shop deploy fix/`x`")
    await world.passes(seconds=10)
    assert "on `fix/'x'`…" in world.whispers()[-1]
    assert "fix/`x`" in world.read(world.card)
