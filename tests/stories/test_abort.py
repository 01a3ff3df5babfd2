"""Stop a build: who asked and why, what is reported, and all the ways in which it can come too late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from playground.slack import Message
from playground.wire import Fault
from storage.builds import BuildRow
from tests.stored import stored_builds
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]


@pytest.fixture
async def running(world: World) -> World:
    """Ana's build runs for a minute already."""
    await start(world)
    return world


async def start(world: World, typed: str = "shop endless main") -> Message:
    await world.say(f"/build {typed}")
    await world.passes(minutes=1)
    return world.card


async def stored(world: World) -> BuildRow:
    """The newest build as it is stored."""
    return (await stored_builds(world.bot.ctx.db, world.team.id))[0]


async def test_the_stop_button_stops_and_says_who_and_why(running: World) -> None:
    await running.stop_build(running.card, by=running.bo)
    assert "Stopped by @bo – wrong branch or workflow: “wrong branch”" in running.read(running.card)


async def test_bitrise_is_told_the_person_in_slack(running: World) -> None:
    await running.stop_build(running.card, by=running.bo)
    (call,) = running.bitrise.aborts
    assert call.reason == "[wrong-target] wrong branch (@bo, via Buildbell)"


async def test_category_and_sentence_are_stored(running: World) -> None:
    await running.stop_build(running.card, by=running.bo)
    row = await stored(running)
    assert (row.outcome, row.reason, row.reason_text) == ("aborted", "wrong-target", "wrong branch")


async def test_the_one_who_started_it_hears_that_it_was_stopped(running: World) -> None:
    await running.stop_build(running.card, by=running.bo)
    (told,) = running.thread(running.card)
    assert told.startswith("⏹️ *Stopped")
    assert told.endswith("Started by @ana.")


@pytest.mark.parametrize(
    "typed", ["/build abort shop #1", "/build-abort shop #1", "/build stop shop #1", "/build cancel shop #1"]
)
async def test_a_typed_stop_opens_the_form_for_that_build(running: World, typed: str) -> None:
    await running.say(typed, by=running.bo)
    await running.submit({"abort.reason": "stuck"}, by=running.bo)
    assert "Stopped by @bo – stuck or too slow" in running.read(running.card)


async def test_what_was_typed_as_reason_is_in_the_form(running: World) -> None:
    await running.say("/build abort shop #1 wrong branch", by=running.bo)
    await running.submit({"abort.reason": "other"}, by=running.bo)
    assert running.bitrise.aborts[0].reason == "[other] wrong branch (@bo, via Buildbell)"


async def test_abort_without_a_number_shows_what_runs_with_buttons(running: World) -> None:
    await running.say("/build abort shop", by=running.bo)
    listed = running.whisper(running.bo)
    assert "iOS Shop · endless" in running.read(listed)
    await running.stop_build(listed, by=running.bo)
    assert len(running.bitrise.aborts) == 1


async def test_an_unknown_number_is_told_in_words(running: World) -> None:
    await running.say("/build abort shop #99")
    assert "Couldn't find #99" in running.whispers()[-1]
    assert "Couldn't open that build. See the message for why." in running.modal_text()


async def test_a_build_that_bitrise_does_not_show_just_now_is_not_called_missing(running: World) -> None:
    running.bitrise.faults.add(Fault(status=429, retry_after=3, times=None))
    await running.say("/build abort shop #99")
    assert "Bitrise is rate limiting Buildbell for 3 s. Try again in a moment." in running.whispers()[-1]
    assert "Not found" not in running.modal_text()


@pytest.mark.parametrize(
    ("report", "quiet", "sent"),
    [
        ("failed", [], (False, False, False)),
        ("nothing", [], (False, False, True)),
        ("failed", ["quiet"], (False, True, False)),
    ],
)
async def test_the_report_goes_in_bitrises_fields(
    running: World, report: str, quiet: list[str], sent: tuple[bool, bool, bool]
) -> None:
    await running.stop_build(running.card, report=report, quiet=quiet)
    (call,) = running.bitrise.aborts
    assert (call.with_success, call.skip_notifications, call.skip_git_status_report) == sent
    body = running.bitrise.journal.named("builds.abort")[0].request["body"]
    assert set(body) == {"abort_reason", "abort_with_success", "skip_notifications", "skip_git_status_report"}


async def test_another_reason_needs_words(running: World) -> None:
    await running.press(running.card, "Stop…")
    refused = await running.submit({"abort.reason": "other"})
    assert refused.errors == {"abort.sentence": "Enter a short explanation."}
    assert not running.bitrise.aborts


async def test_an_enormous_reason_still_names_the_person(running: World) -> None:
    await running.stop_build(running.card, sentence="x" * 300)
    assert (running.bitrise.aborts[0].reason or "").endswith("(@ana, via Buildbell)")


async def test_a_reason_that_calls_the_channel_calls_nobody(running: World) -> None:
    await running.stop_build(running.card, sentence="<!channel> see <@U12345>")
    pings = [running.slack.pings(message) for message in running.slack.messages(running.ios)]
    assert set().union(*pings) <= {running.ana.id}
    assert "<!channel> see" in running.read(running.card)


async def test_reply_names_who_stopped_it_and_why(running: World) -> None:
    await running.stop_build(running.card, sentence="iOS 18 breaks it", by=running.bo)
    (reply,) = running.thread(running.card)
    assert reply.startswith("⏹️ *Stopped by bo* after ")
    assert reply.endswith("on `main`. Wrong branch or workflow: “iOS 18 breaks it”. Started by @ana.")


# Reporting green.


async def test_green_is_not_offered_unless_a_setting_allows_it(running: World) -> None:
    await running.press(running.card, "Stop…")
    with pytest.raises(LookupError, match="green"):
        await running.submit({"abort.reason": "no-changes", "abort.report": "green"})


async def test_green_is_skipped_and_never_a_success(open_world: OpenWorld) -> None:
    world = await open_world(report_green_users=["*"])
    card = await start(world)
    await world.stop_build(card, by=world.bo, reason="no-changes", sentence="", report="green")
    assert world.bitrise.aborts[0].with_success
    shown = world.read(world.card)
    assert shown.startswith("⏭️ Skipped")
    assert "Skipped by @bo" in shown
    assert "Succeeded" not in world.sees()
    assert (await stored(world)).outcome == "skipped"


async def test_a_named_person_may_report_green_and_another_may_not(open_world: OpenWorld) -> None:
    world = await open_world()
    await world.restart_bot(report_green_users=[world.bo.id])
    card = await start(world)
    await world.press(card, "Stop…", by=world.ana)
    await world.press(card, "Stop…", by=world.bo)
    assert "/ Passed /" not in world.modal_text(world.ana)
    assert "/ Passed /" in world.modal_text(world.bo)


async def test_a_permission_that_was_taken_back_counts_at_the_submission(open_world: OpenWorld) -> None:
    world = await open_world(report_green_users=["*"])
    card = await start(world)
    await world.press(card, "Stop…")
    form = world.modal()
    await world.restart_bot(report_green_users=[])
    await world.slack.submit(world.ana, form, {"abort.reason": "stuck", "abort.report": "green"})
    await world.settled()
    assert "Only people listed in" in world.modal_text()
    assert not world.bitrise.aborts


# Too late, twice, by two.


async def test_the_button_vanishes_when_it_is_pressed(running: World) -> None:
    running.bitrise.abort_takes = timedelta(minutes=1)
    await running.stop_build(running.card, by=running.bo)
    shown = running.read(running.card)
    assert "Stopping (requested by @bo)" in shown
    assert "[Stop…]" not in shown
    await running.passes(minutes=2)
    assert "Stopped by @bo" in running.read(running.card)


async def test_two_people_who_press_at_once_stop_it_once(running: World) -> None:
    running.bitrise.abort_takes = timedelta(minutes=1)
    card = running.card.snapshot()
    for person in (running.ana, running.bo):
        await running.press(card, "Stop…", by=person)
    values = {"abort.reason": "stuck"}
    await asyncio.gather(
        running.slack.submit(running.ana, running.slack.view(running.ana), values),
        running.slack.submit(running.bo, running.slack.view(running.bo), values),
    )
    await running.settled()
    assert len(running.bitrise.journal.named("builds.abort")) == 1
    told = [running.modal_text(person) for person in (running.ana, running.bo) if running.slack.views(person)]
    assert len(told) == 1
    assert "already stopped #1 (endless)" in told[0]


async def test_a_form_submitted_twice_stops_it_once(running: World) -> None:
    running.bitrise.abort_takes = timedelta(minutes=1)
    told = await running.stop_build(running.card)
    await running.slack.redeliver(told)
    await running.settled()
    assert len(running.bitrise.journal.named("builds.abort")) == 1


async def test_a_press_that_comes_twice_opens_one_form_and_says_nothing(running: World) -> None:
    before = running.whispers()
    told = await running.press(running.card, "Stop…")
    await running.slack.redeliver(told)
    await running.settled()
    assert len(running.slack.views(running.ana)) == 1
    assert running.whispers() == before


async def test_an_old_card_of_an_ended_build_says_how_it_ended(world: World) -> None:
    card = (await start(world, "shop test main")).snapshot()
    await world.passes(minutes=10)
    await world.press(card, "Stop…")
    assert "This build has already finished" in world.modal_text()
    assert "Succeeded" in world.modal_text()


async def test_a_form_that_lay_open_until_the_end_says_how_it_ended(world: World) -> None:
    card = await start(world, "shop test main")
    await world.press(card, "Stop…")
    await world.passes(minutes=10)
    await world.submit({"abort.reason": "stuck"})
    assert "has already finished (succeeded after 4 min)" in world.modal_text()
    assert not world.bitrise.journal.named("builds.abort")


async def test_a_build_that_ended_a_moment_ago_is_not_shown_as_stopped(world: World) -> None:
    card = await start(world, "shop test main")
    world.bitrise.finish(world.builds()[0], "failed")
    await world.stop_build(card, by=world.bo)
    assert "#1 (test) has already finished (failed after" in world.whispers(world.bo)[-1]
    assert world.read(world.card).startswith("❌ Failed")
    assert "Aborted" not in world.sees()


async def test_typing_a_stop_for_an_ended_build_says_how_it_ended(world: World) -> None:
    await start(world, "shop test main")
    await world.passes(minutes=10)
    await world.say("/build abort shop #1")
    assert "This build has already finished" in world.modal_text()


async def test_an_old_card_can_be_pressed_after_a_restart(running: World) -> None:
    card = running.card.snapshot()
    await running.restart_bot()
    await running.stop_build(card, by=running.bo)
    assert "Stopped by @bo" in running.read(running.card)


async def test_a_stop_asked_for_before_a_restart_is_done_after_it(running: World) -> None:
    running.bitrise.faults.add(Fault("builds.abort", status=503, times=None))
    await running.stop_build(running.card, by=running.bo)
    await running.stop_bot()
    running.bitrise.faults.clear()
    await running.start_bot()
    await running.passes(minutes=1)
    assert len(running.bitrise.aborts) == 1
    assert "Stopped by @bo" in running.read(running.card)


# What is stopped.


async def test_a_build_that_waits_for_a_machine_can_be_stopped(world: World) -> None:
    await world.say("/build shop endless main")
    assert "Queued" in world.read(world.card)
    await world.stop_build(world.card)
    assert "Stopped before it reached a machine" in world.read(world.card)
    assert "Stopped by @ana" in world.read(world.card)


async def test_a_pipeline_can_be_stopped(world: World) -> None:
    await world.say("/build shop pipeline:release branch:main")
    await world.passes(minutes=1)
    await world.stop_build(world.card, by=world.bo)
    await world.passes(minutes=1)
    assert "Stopped by @bo – wrong branch or workflow" in world.read(world.card)
    assert len(world.bitrise.journal.named("pipelines.abort")) == 1


async def test_a_pipeline_is_not_offered_what_bitrise_cannot_do(world: World) -> None:
    await world.say("/build shop pipeline:release branch:main")
    await world.press(world.card, "Stop…")
    with pytest.raises(LookupError, match="nothing"):
        await world.submit({"abort.reason": "stuck", "abort.report": "nothing"})


async def test_a_build_nobody_started_here_can_be_stopped_from_its_card(world: World) -> None:
    build = world.bitrise.start_build(world.shop, workflow="endless", triggered_by="webhook-github/octocat")
    await world.say(f"/build shop #{build.number}")
    await world.stop_build(world.card, by=world.bo)
    assert "Stopped by @bo – wrong branch or workflow" in world.read(world.card)


async def test_every_card_of_a_build_shows_the_stop(running: World) -> None:
    other = running.slack.add_channel(running.team, "other", members=[running.bo])
    running.slack.invite(other, running.app.bot_user)
    await running.say("/build shop #1", by=running.bo, at=other)
    await running.stop_build(running.card)
    assert "Stopped by @ana" in running.read(running.cards(other)[-1])
    assert "Stopped by @ana" in running.read(running.card)


# What Bitrise says.


async def test_a_refusal_is_told_and_the_button_comes_back(running: World) -> None:
    body = {"error_msg": "You shall not stop"}
    running.bitrise.faults.add(Fault("builds.abort", kind="body", status=400, body=body))
    await running.stop_build(running.card, by=running.bo)
    assert "#1 (endless) was not stopped: You shall not stop" in running.whispers(running.bo)[-1]
    assert "[Stop…]" in running.read(running.card)


async def test_after_a_refusal_it_can_be_asked_again(running: World) -> None:
    running.bitrise.faults.add(Fault("builds.abort", kind="body", status=400, body={"error_msg": "Not now"}))
    await running.stop_build(running.card, by=running.bo)
    await running.stop_build(running.card, by=running.ana)
    assert "Stopped by @ana" in running.read(running.card)


async def test_a_token_of_a_tester_cannot_stop(running: World) -> None:
    running.bitrise.set_role(running.token, "tester")
    await running.stop_build(running.card, by=running.bo)
    assert "#1 (endless) was not stopped" in running.whispers(running.bo)[-1]
    assert "role" in running.whispers(running.bo)[-1]
    assert "[Stop…]" in running.read(running.card)


async def test_a_dead_token_is_told_and_the_button_comes_back(running: World) -> None:
    running.bitrise.revoke(running.token)
    await running.stop_build(running.card, by=running.bo)
    assert "the connected token" in running.whispers(running.bo)[-1]
    assert "[Stop…]" in running.read(running.card)


async def test_a_stop_whose_answer_was_lost_is_not_called_refused(running: World) -> None:
    running.bitrise.abort_takes = timedelta(seconds=20)
    running.bitrise.faults.add(Fault("builds.abort", "cut_after"))
    await running.stop_build(running.card, by=running.bo)
    await running.passes(minutes=1)
    assert "Stopped by @bo" in running.read(running.card)
    assert not [told for told in running.whispers(running.bo) if "was not stopped" in told]
    assert len(running.bitrise.aborts) == 1


async def test_a_stop_nobody_takes_is_given_up_in_words(running: World) -> None:
    running.bitrise.faults.add(Fault("builds.abort", status=503, times=None))
    await running.stop_build(running.card, by=running.bo)
    await running.passes(minutes=12)
    waiting, given_up = running.whispers(running.bo)
    assert "Bitrise hasn't confirmed the stop of #1 (endless) yet" in waiting
    assert "may still be running" in given_up
    assert "[Stop…]" in running.read(running.card)


# Stopped by somebody else.


async def test_an_abort_in_bitrises_page_is_recognised(running: World) -> None:
    running.bitrise.abort_in_web(running.builds()[0], "octocat")
    await running.passes(minutes=1)
    assert "Stopped by octocat in Bitrise" in running.read(running.card)
    assert (await stored(running)).reason == "in-bitrise"


async def test_a_stop_that_comes_after_somebody_elses_in_bitrise_takes_no_credit(running: World) -> None:
    running.bitrise.abort_in_web(running.builds()[0], "octocat", "not needed")
    await running.stop_build(running.card, by=running.bo)
    assert "Stopped by octocat in Bitrise – not needed" in running.read(running.card)
    assert "#1 (endless) has already finished (aborted after" in running.whispers(running.bo)[-1]
    assert (await stored(running)).abort_requested_by is None


async def test_rolling_builds_are_recognised(running: World) -> None:
    running.shop.rolling_builds = True
    running.bitrise.start_build(running.shop, workflow="endless", branch="main")
    await running.passes(minutes=1)
    assert "Stopped automatically – replaced by a rolling build" in running.read(running.cards()[0])
