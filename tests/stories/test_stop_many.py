"""Stop several builds at once: preview, exclusions, one confirmation, one message that shows how it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from playground.bitrise import Build
from playground.slack import Delivery, User
from playground.wire import Fault
from tests.stored import stored_builds
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
BRANCH = "/build abort shop branch:feature/x"
GROUP = "abort.builds:1"


def begin(world: World, count: int, **params: Any) -> list[Build]:
    """So many endless builds of feature/x that nobody started here."""
    facts = {"workflow": "endless", "branch": "feature/x"} | params
    return [world.bitrise.start_build(world.shop, **facts) for _ in range(count)]


@pytest.fixture
async def three(world: World) -> World:
    """Three builds of feature/x, a second apart, and one of main run for a minute."""
    for branch in ("feature/x", "feature/x", "feature/x", "main"):
        begin(world, 1, branch=branch)
        await world.passes(seconds=1)
    await world.passes(minutes=1)
    return world


async def confirm(world: World, typed: str = BRANCH, *, by: User | None = None, **values: Any) -> Delivery:
    await world.say(typed, by=by)
    return await world.submit({name.replace("__", "."): value for name, value in values.items()}, by=by)


def aborted(world: World) -> list[int]:
    return sorted(call.build.number for call in world.bitrise.aborts)


def ticked(world: World, by: User | None = None) -> list[str]:
    """What a person has ticked in the open form, as it is labelled."""
    boxes = [block["element"] for block in world.modal(by).blocks if block["block_id"].startswith("abort.builds")]
    return [option["text"]["text"] for box in boxes for option in box["initial_options"]]


# What is meant.


async def test_a_filter_shows_what_fits_and_stops_nothing_yet(three: World) -> None:
    await three.say(BRANCH)
    assert ticked(three) == [f"#{number} endless · feature/x" for number in (3, 2, 1)]
    assert "3 builds of feature/x in iOS Shop" in three.modal_text()
    assert three.modal().body["submit"]["text"] == "Stop 3 builds"
    assert not three.bitrise.aborts


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("workflow:deploy", [5]),
        ("branch:main", [4]),
        ("b:feature/x w:endless", [1, 2, 3]),
        ("pr:12", [6]),
        ("older", [1, 2]),
    ],
)
async def test_filters_pick(three: World, typed: str, numbers: list[int]) -> None:
    begin(three, 1, workflow="deploy", branch="develop")
    begin(three, 1, branch="fork", pull_request_id=12)
    await confirm(three, f"/build abort shop {typed}")
    assert aborted(three) == numbers


async def test_the_reason_is_superseded_unless_another_is_chosen(three: World) -> None:
    await confirm(three)
    assert {call.reason for call in three.bitrise.aborts} == {"[superseded] (@ana, via Buildbell)"}
    rows = await stored_builds(three.bot.ctx.db, three.team.id)
    assert {row.reason for row in rows if row.branch == "feature/x"} == {"superseded"}


async def test_what_was_typed_as_reason_is_in_the_form(three: World) -> None:
    await confirm(three, f"{BRANCH} reason:stuck in the mud")
    assert {call.reason for call in three.bitrise.aborts} == {"[stuck] in the mud (@ana, via Buildbell)"}


async def test_nothing_to_stop_says_so(three: World) -> None:
    await three.say("/build abort shop branch:nowhere")
    assert "No running or queued builds of nowhere in iOS Shop can be stopped." in three.modal_text()
    assert not three.modal().body.get("submit")


async def test_an_unknown_app_is_told_with_its_ways_out(three: World) -> None:
    await three.say("/build abort shp branch:x")
    assert "shp" in three.modal_text()
    assert three.slack.view(three.ana).title == "Stop builds"
    assert "iOS Shop" in three.whispers()[-1]


async def test_what_bitrise_says_while_looking_is_told_in_the_form(three: World) -> None:
    three.bitrise.faults.add(Fault("builds.list", status=503, times=None))
    before = three.whispers()
    await three.say(BRANCH)
    assert "Bitrise" in three.modal_text()
    assert "Looking" not in three.modal_text()
    assert three.whispers() == before


async def test_what_runs_has_a_button_to_choose_from_all(three: World) -> None:
    await three.say("/build abort shop")
    await three.press(three.whisper(), "Stop all…")
    assert len(ticked(three)) == 4
    assert "4 builds of iOS Shop" in three.modal_text()


async def test_one_build_needs_no_button_for_all(world: World) -> None:
    begin(world, 1)
    await world.say("/build abort shop")
    assert "Stop all…" not in world.whispers()[-1]


# What is left out.


async def test_what_is_unticked_goes_on(three: World) -> None:
    keep = three.builds()[1]
    await three.say(BRANCH)
    await three.submit({GROUP: [three.builds()[0].slug, three.builds()[2].slug]})
    assert aborted(three) == [1, 3]
    assert not keep.is_finished
    assert three.read(three.card).startswith("Stopped 2 builds of feature/x, asked by @ana.")


async def test_the_button_counts_what_is_ticked(three: World) -> None:
    await three.say(BRANCH)
    for left, label in ((1, "Stop 1 build"), (0, "Stop builds"), (2, "Stop 2 builds")):
        await three.slack.select(three.ana, three.modal(), GROUP, [each.slug for each in three.builds()[:left]])
        await three.settled()
        assert three.modal().body["submit"]["text"] == label


async def test_what_was_typed_stays_while_it_is_counted(three: World) -> None:
    await three.say(BRANCH)
    await three.slack.fill(three.ana, three.modal(), {"abort.sentence": "too many"})
    await three.slack.select(three.ana, three.modal(), GROUP, [three.builds()[0].slug])
    await three.settled()
    await three.submit({})
    assert [call.reason for call in three.bitrise.aborts] == ["[superseded] too many (@ana, via Buildbell)"]


async def test_nothing_ticked_is_refused_in_the_form(three: World) -> None:
    await three.say(BRANCH)
    told = await three.submit({GROUP: []})
    assert told.errors == {GROUP: "Select at least one build, or cancel."}
    assert not three.bitrise.aborts


async def test_parts_of_a_pipeline_are_left_out_and_the_pipeline_is_stopped_whole(world: World) -> None:
    await world.say("/build shop pipeline:release branch:feature/x")
    begin(world, 1)
    await world.passes(minutes=1)
    await world.say(BRANCH)
    assert "1 build belongs to a pipeline and can only be stopped with it." in world.modal_text()
    assert len(ticked(world)) == 2
    await world.submit({})
    assert (len(world.bitrise.aborts), len(world.bitrise.journal.named("pipelines.abort"))) == (1, 1)


async def test_what_is_being_stopped_already_is_left_out(three: World) -> None:
    three.bitrise.abort_takes = timedelta(minutes=5)
    await confirm(three, "/build abort shop branch:main", by=three.bo)
    await three.say("/build abort shop")
    await three.press(three.whisper(), "Stop all…")
    assert len(ticked(three)) == 3
    assert "1 is already stopping." in three.modal_text()


# How it goes.


async def test_one_message_shows_each_build_and_the_count(three: World) -> None:
    three.bitrise.abort_takes = timedelta(minutes=1)
    await confirm(three)
    told = three.read(three.card)
    assert told.startswith("Stopping 3 builds of feature/x, asked by @ana: 3 still stopping.")
    assert "iOS Shop · Superseded" in told
    await three.passes(minutes=2)
    told = three.read(three.card)
    assert told.startswith("Stopped 3 builds of feature/x, asked by @ana.")
    assert told.count("⏹️ Aborted") == 3
    assert three.thread(three.card) == []


async def test_cards_of_the_single_builds_show_it_too(three: World) -> None:
    await three.say("/build shop #2", by=three.bo)
    card = three.card
    await confirm(three)
    await three.passes(seconds=5)
    assert "Stopped by @ana – superseded" in three.read(card)
    assert three.thread(card)[0].startswith("⏹️ *Stopped by ana*")


async def test_what_ended_a_moment_ago_is_shown_as_ended(three: World) -> None:
    await three.say(BRANCH)
    three.bitrise.finish(three.builds()[0])
    three.bitrise.finish(three.builds()[1], "aborted", reason="Automatically aborted via Rolling Builds.")
    await three.submit({})
    told = three.read(three.card)
    assert told.startswith("Stopped 1 of 3 builds of feature/x, asked by @ana: 2 had already finished.")
    assert "✅ Succeeded" in told
    assert "replaced by a rolling build" in told
    assert "not stopped" not in told


async def test_a_refusal_of_one_is_told_on_the_message_and_holds_up_no_other(three: World) -> None:
    three.bitrise.faults.add(Fault("builds.abort", status=404, skip=1))
    before = three.whispers()
    await confirm(three)
    told = three.read(three.card)
    assert told.startswith("Stopped 2 of 3 builds of feature/x, asked by @ana: 1 not stopped.")
    assert "needs the Developer role" in told
    assert three.whispers() == before
    await confirm(three, by=three.bo)  # it can be asked for again
    assert len(three.bitrise.aborts) == 3


async def test_a_token_of_a_tester_stops_none(three: World) -> None:
    three.bitrise.set_role(three.token, "tester")
    await confirm(three)
    assert three.read(three.card).startswith("Stopped none of 3 builds of feature/x, asked by @ana: 3 not stopped.")


@pytest.mark.parametrize(
    "fault", [Fault("builds.abort", status=429, retry_after=20, skip=1), Fault("builds.abort", status=500, skip=1)]
)
async def test_trouble_in_the_middle_is_told_and_overcome(three: World, fault: Fault) -> None:
    three.bitrise.faults.add(fault)
    await confirm(three)
    assert "2 stopped, 1 still stopping" in three.read(three.card)
    assert "waiting for Bitrise to confirm" in three.read(three.card)
    await three.passes(minutes=1)
    assert aborted(three) == [1, 2, 3]
    assert three.read(three.card).startswith("Stopped 3 builds of feature/x")
    assert "keep trying" not in three.read(three.card)


async def test_a_restart_in_the_middle_loses_and_doubles_nothing(three: World) -> None:
    three.bitrise.faults.add(Fault("builds.abort", status=503, skip=1, times=None))
    await confirm(three)
    await three.stop_bot()
    three.bitrise.faults.clear()
    await three.start_bot()
    await three.passes(minutes=1)
    assert aborted(three) == [1, 2, 3]
    assert three.read(three.card).startswith("Stopped 3 builds of feature/x")
    assert three.sees().count("builds of feature/x") == 1


async def test_fifty_builds_are_stopped_with_one_message(world: World) -> None:
    for build in begin(world, 53):
        world.bitrise.hold(build)
    await world.say(BRANCH)
    assert world.modal().body["submit"]["text"] == "Stop 50 builds"
    assert "These are the newest" in world.modal_text()
    await world.submit({})
    await world.passes(minutes=2)
    assert len({call.build.slug for call in world.bitrise.aborts}) == len(world.bitrise.aborts) == 50
    assert world.read(world.card).startswith("Stopped 50 builds of feature/x, asked by @ana.")
    assert len(world.cards()) == 1


async def test_where_nobody_can_write_the_message_goes_to_the_one_who_asked(three: World) -> None:
    private = three.slack.add_channel(three.team, "secret", members=[three.ana], private=True)
    await three.say(BRANCH, at=private)
    await three.submit({})
    await three.passes(minutes=1)  # how often the message is drawn on the way is not said
    assert "Stopped 3 builds of feature/x" in three.letters()[-1]


# Twice, by two, by the wrong one.


async def test_a_form_submitted_twice_stops_and_posts_once(three: World) -> None:
    told = await confirm(three)
    await three.slack.redeliver(told)
    await three.settled()
    assert len(three.bitrise.journal.named("builds.abort")) == 3
    assert three.sees().count("builds of feature/x") == 1


async def test_two_at_once_stop_each_build_once_and_the_later_hears_it(three: World) -> None:
    three.bitrise.abort_takes = timedelta(minutes=1)
    for person in (three.ana, three.bo):
        await three.say(BRANCH, by=person)
    await asyncio.gather(*(three.slack.submit(each, three.slack.view(each), {}) for each in (three.ana, three.bo)))
    await three.settled()
    assert len(three.bitrise.journal.named("builds.abort")) == 3
    (told,) = [three.modal_text(person) for person in (three.ana, three.bo) if three.slack.views(person)]
    assert "There is nothing left to stop." in told
    assert "already stopped #1 (endless)" in told
    assert three.sees().count("builds of feature/x") == 1


async def test_what_somebody_else_stops_is_shown_so(three: World) -> None:
    three.bitrise.abort_takes = timedelta(minutes=1)
    await three.say(BRANCH)
    await three.say("/build abort shop #1", by=three.bo)
    await three.submit({"abort.reason": "stuck"}, by=three.bo)
    await three.submit({})
    told = three.read(three.card)
    assert told.startswith(
        "Stopping 3 builds of feature/x, asked by @ana: 2 still stopping, 1 stopped by somebody else."
    )
    assert "asked by @bo" in told
    await three.passes(minutes=2)
    assert "Stopped 2 of 3 builds of feature/x, asked by @ana: 1 stopped by somebody else." in three.read(three.card)


async def test_what_was_stopped_in_bitrise_a_moment_before_is_shown_so(three: World) -> None:
    await three.say(BRANCH)
    three.bitrise.abort_in_web(three.builds()[0], "octocat", "not needed")
    await three.submit({})
    told = three.read(three.card)
    assert told.startswith("Stopped 2 of 3 builds of feature/x, asked by @ana: 1 stopped by somebody else.")
    assert "asked by octocat" in told


async def test_green_is_only_for_those_who_may(open_world: OpenWorld) -> None:
    world = await open_world()
    await world.restart_bot(report_green_users=[world.bo.id])
    begin(world, 2)
    await world.say(BRANCH)
    assert "The check passes" not in world.modal_text()
    await confirm(world, by=world.bo, abort__report="green", abort__reason="no-changes")
    assert [call.with_success for call in world.bitrise.aborts] == [True, True]
    assert world.read(world.card).count("⏭️ Skipped") == 2


async def test_a_permission_that_was_taken_back_counts_at_the_submission(open_world: OpenWorld) -> None:
    world = await open_world(report_green_users=["*"])
    begin(world, 2)
    await world.say(BRANCH)
    form = world.modal()
    await world.restart_bot(report_green_users=[])
    await world.slack.submit(world.ana, form, {"abort.report": "green"})
    await world.settled()
    assert "Only people listed in" in world.modal_text()
    assert not world.bitrise.aborts
    assert world.cards() == []


# Offered by a newer build.


@pytest.fixture
async def offered(world: World) -> World:
    """Two builds of a pull request run; a newer one of a newer commit has its card in #ios."""
    begin(world, 2, pull_request_id=12, commit_hash="a" * 40)
    await world.passes(minutes=1)
    newer = begin(world, 1, workflow="test", pull_request_id=12, commit_hash="b" * 40)[0]
    await world.passes(seconds=30)
    await world.say(f"/build shop #{newer.number}")
    await world.passes(seconds=30)
    return world


async def test_a_newer_build_offers_to_stop_the_older_ones(offered: World) -> None:
    await offered.press(offered.card, "Stop 2 older builds…")
    assert "2 builds of pull request #12 in iOS Shop" in offered.modal_text()
    card = offered.card
    await offered.submit({})
    assert aborted(offered) == [1, 2]
    assert "older build" not in offered.read(card)
    assert offered.read(offered.card).startswith("Stopped 2 builds of pull request #12, asked by @ana.")


async def test_the_offer_vanishes_when_none_is_left(offered: World) -> None:
    offered.bitrise.finish(offered.builds()[0])
    await offered.passes(minutes=1)
    assert "[Stop 1 older build…]" in offered.read(offered.card)
    offered.bitrise.finish(offered.builds()[1])
    await offered.passes(minutes=1)
    assert "older build" not in offered.read(offered.card)


async def test_an_old_offer_answers_with_the_true_state(offered: World) -> None:
    card = offered.card.snapshot()
    for build in offered.builds()[:2]:
        offered.bitrise.finish(build)
    await offered.press(card, "Stop 2 older builds…")
    assert "No running or queued builds of pull request #12 in iOS Shop can be stopped." in offered.modal_text()


async def test_what_one_push_started_together_is_no_older_build(world: World) -> None:
    begin(world, 1, pull_request_id=12, commit_hash="a" * 40)
    await world.passes(seconds=5)
    begin(world, 1, workflow="test", pull_request_id=12, commit_hash="a" * 40)
    await world.say("/build shop #2")
    assert "older build" not in world.read(world.card)


async def test_builds_with_other_variables_are_not_superseded(world: World) -> None:
    begin(world, 1, environments=[{"key": "FLAVOR", "value": "gamma"}])
    await world.passes(minutes=1)
    await world.say("/build shop endless feature/x FLAVOR=beta")
    await world.passes(seconds=30)
    assert "older build" not in world.read(world.card)
    assert "FLAVOR=beta" in world.read(world.card)


async def test_without_a_pull_request_the_same_workflow_on_the_branch_is_offered(world: World) -> None:
    beta = [{"key": "FLAVOR", "value": "beta"}]
    begin(world, 1, environments=beta)
    begin(world, 1, workflow="deploy", environments=beta)
    await world.passes(minutes=1)
    await world.say("/build shop endless feature/x FLAVOR=beta message:again")
    await world.press(world.whisper(), "Start anyway")
    await world.passes(seconds=30)
    await world.press(world.card, "Stop 1 older build…")
    await world.submit({})
    assert aborted(world) == [1]


async def test_a_stranger_in_a_shared_channel_is_refused(offered: World) -> None:
    offered.slack.share(offered.ios, offered.partner)
    offered.slack.invite(offered.ios, offered.stranger)
    await offered.press(offered.card, "Stop 2 older builds…", by=offered.stranger)
    assert not offered.slack.views(offered.stranger)
    assert "Only members of this Slack workspace" in offered.whispers(offered.stranger)[-1]


async def test_a_press_that_comes_twice_opens_one_form_and_says_nothing(offered: World) -> None:
    before = offered.whispers()
    told = await offered.press(offered.card, "Stop 2 older builds…")
    await offered.slack.redeliver(told)
    await offered.settled()
    assert len(offered.slack.views(offered.ana)) == 1
    assert offered.whispers() == before


@pytest.mark.parametrize(("style", "offers"), [("card", True), ("line", False)])
async def test_a_channel_that_hears_of_the_newer_build_is_offered_it_on_a_card(
    world: World, style: str, offers: bool
) -> None:
    await world.say(f"/build subscribe shop style:{style} starts")
    await world.passes(seconds=20)
    for commit in "ab":
        begin(world, 1, pull_request_id=12, commit_hash=commit * 40)
        await world.passes(minutes=2)
    first, second = (world.read(card) for card in world.cards()[-2:])
    assert ("[Stop 1 older build…]" in second) == offers
    assert "older build" not in first
