"""The card: what it shows while a build waits, runs and ends, how often it is drawn, and who hears the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from playground.bitrise import Build, TriggerRule, Workflow
from playground.wire import Fault
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]

ENDS = [
    ("success", "Succeeded"),
    ("failed", "Failed"),
    ("aborted", "Aborted"),
    ("aborted-with-success", "Skipped"),
]


async def start(world: World, typed: str = "shop deploy main") -> Build:
    await world.say(f"/build {typed}")
    return world.builds()[-1]


def first_line(world: World) -> str:
    return world.read(world.card).splitlines()[0]


def drawings(world: World) -> list[datetime]:
    return [entry.at for entry in world.slack.journal.named("chat.update")]


# Its way.


async def test_a_new_build_waits_for_a_machine(world: World) -> None:
    await start(world)
    assert first_line(world) == "⏳ Queued  iOS Shop · deploy  #1"
    assert "Queued" in world.read(world.card)


async def test_how_long_it_waits_is_shown(world: World) -> None:
    world.shop.workflows["deploy"] = Workflow(queue=timedelta(minutes=9))
    await start(world)
    await world.passes(minutes=5)
    assert "Queued for 5 min" in world.read(world.card)


async def test_a_build_on_a_machine_runs(world: World) -> None:
    await start(world)
    await world.passes(minutes=3)
    assert first_line(world) == "🔵 Running  iOS Shop · deploy  #1"
    assert "Running for 3 min" in world.read(world.card)


@pytest.mark.parametrize(("outcome", "word"), ENDS)
async def test_each_end_has_its_own_word(world: World, outcome: str, word: str) -> None:
    build = await start(world, "shop endless main")
    await world.passes(minutes=2)
    world.bitrise.finish(build, outcome, reason="User octocat requested to abort this build.")  # type: ignore[arg-type]
    await world.passes(seconds=30)
    assert first_line(world).split("  ")[0].endswith(f" {word}")


@pytest.mark.parametrize(("outcome", "word"), ENDS)
async def test_the_announcement_says_the_same_word(world: World, outcome: str, word: str) -> None:
    build = await start(world, "shop endless main")
    await world.passes(minutes=2)
    world.bitrise.finish(build, outcome, reason="User octocat requested to abort this build.")  # type: ignore[arg-type]
    await world.passes(seconds=30)
    (told,) = [reply for reply in world.thread(world.card) if not reply.startswith("Failed in step")]
    assert f"*{word.replace('Aborted', 'Stopped by octocat')}*" in told


async def test_a_skipped_build_is_nowhere_called_a_success(world: World) -> None:
    build = await start(world, "shop endless main")
    world.bitrise.finish(build, "aborted-with-success", reason="User bot requested to abort this build.")
    await world.passes(seconds=30)
    everything = "\n".join([world.sees(), *(message.text for message in world.slack.messages(world.ios))])
    assert "succe" not in everything.lower()


async def test_an_ended_build_can_be_run_again_and_not_be_stopped(world: World) -> None:
    await start(world)
    await world.passes(minutes=10)
    assert "[Rerun] [Edit and run…]" in world.read(world.card)
    assert "Stop" not in world.read(world.card)


async def test_a_build_that_bitrise_no_longer_shows_ends_without_a_word_of_success(world: World) -> None:
    build = await start(world, "shop endless main")
    del world.bitrise._builds[build.slug]
    world.shop.builds.remove(build)
    await world.passes(minutes=15)
    assert "no longer shows this build" in world.read(world.card)


# Progress.


async def test_progress_is_drawn_at_most_once_in_15_seconds(world: World) -> None:
    await start(world)
    await world.passes(seconds=40)
    before = len(drawings(world))
    await world.passes(minutes=4)
    ticks = drawings(world)[before:]
    assert ticks
    assert all(later - earlier >= timedelta(seconds=15) for earlier, later in pairwise(ticks))


async def test_what_would_look_the_same_is_not_drawn_again(open_world: OpenWorld) -> None:
    world = await open_world(sweep_seconds=60)
    world.shop.workflows["deploy"] = Workflow(timedelta(hours=3))
    await start(world)
    await world.passes(minutes=61)
    before = len(drawings(world))
    await world.passes(minutes=10)
    assert len(drawings(world)) - before <= 11


async def test_after_three_successes_the_card_says_how_long_it_takes(world: World) -> None:
    for _ in range(3):
        await start(world)
        await world.passes(minutes=10)
    await start(world)
    await world.passes(minutes=3)
    assert "of ~7 min" in world.read(world.card)
    assert "▓" in world.read(world.card)


async def test_without_history_nothing_is_promised(world: World) -> None:
    await start(world)
    await world.passes(minutes=3)
    assert "of about" not in world.read(world.card)


async def test_a_build_that_takes_longer_than_usual_says_so(world: World) -> None:
    for _ in range(3):
        await start(world)
        await world.passes(minutes=10)
    world.shop.workflows["deploy"] = Workflow(timedelta(minutes=30))
    await start(world)
    await world.passes(minutes=12)
    assert "longer than usual" in world.read(world.card)


@pytest.mark.parametrize("kind", ["nulls", "all_nulls", "broken_json", "html"])
async def test_a_spoilt_answer_to_a_start_still_gives_the_right_card(world: World, kind: str) -> None:
    world.bitrise.faults.add(Fault("builds.trigger", kind=kind, effect=True))
    await start(world)
    await world.passes(minutes=10)
    assert first_line(world) == "✅ Succeeded  iOS Shop · deploy  #1"
    assert len(world.builds()) == 1


async def test_spoilt_answers_meanwhile_leave_the_card_as_it_was(world: World) -> None:
    await start(world)
    await world.passes(minutes=2)
    world.bitrise.faults.add(Fault("builds.*", kind="all_nulls", times=6))
    await world.passes(minutes=1)
    assert first_line(world) == "🔵 Running  iOS Shop · deploy  #1"


# What it tells of the code.


async def test_commit_details_are_filled_in_as_soon_as_bitrise_knows_them(world: World) -> None:
    build = await start(world)
    assert "Fix login crash" not in world.read(world.card)
    build.params = {**build.params, "commit_hash": "a1b2c3d4e5f6", "commit_message": "Fix login crash\n\nAt last."}
    await world.passes(seconds=20)
    assert "main · a1b2c3d  Fix login crash" in world.read(world.card)


async def test_build_message_and_commit_message_are_two_lines(world: World) -> None:
    build = await start(world, 'shop deploy main "try the new login"')
    build.params = {**build.params, "commit_hash": "a1b2c3d4e5f6", "commit_message": "Fix login crash"}
    await world.passes(seconds=20)
    lines = world.read(world.card).splitlines()
    assert lines[1:3] == ["main · a1b2c3d  Fix login crash", "“try the new login”"]


async def test_a_commit_message_that_calls_the_channel_calls_nobody(world: World) -> None:
    build = await start(world)
    build.params = {**build.params, "commit_hash": "a1b2c3d4e5f6", "commit_message": "<!channel> <@U123ABC> &amp; `x`"}
    await world.passes(minutes=10)
    pings = [world.slack.pings(message) for message in world.slack.messages(world.ios)]
    assert set().union(*pings) <= {world.ana.id}
    assert "<!channel>" in world.read(world.card)


@pytest.mark.parametrize(
    ("triggered_by", "params", "line"),
    [
        ("webhook-github/octocat", {}, "Push by octocat"),
        ("webhook-github/octocat", {"pull_request_id": 12}, "Pull request #12 by octocat"),
        ("webhook-github/octocat", {"tag": "v1"}, "Tag by octocat"),
        ("schedule", {}, "Schedule"),
        ("manual-octocat", {}, "Started by octocat in Bitrise"),
        (None, {}, "Started via API"),
    ],
)
async def test_a_build_nobody_started_here_has_its_cause(
    world: World, triggered_by: str | None, params: dict[str, object], line: str
) -> None:
    build = world.bitrise.start_build(world.shop, triggered_by=triggered_by, **params)  # type: ignore[arg-type]
    await world.say(f"/build shop #{build.number}")
    assert line in world.read(world.card).splitlines()


async def test_a_build_started_here_names_its_requester_without_a_ping(world: World) -> None:
    await start(world)
    assert "Started by @ana from Slack" in world.read(world.card)
    assert not world.slack.pings(world.card)


async def test_a_card_that_was_asked_for_goes_on_by_itself(world: World) -> None:
    build = world.bitrise.start_build(world.shop, workflow="deploy", triggered_by="webhook-github/octocat")
    await world.say(f"/build shop #{build.number}")
    await world.passes(minutes=10)
    assert first_line(world).startswith("✅ Succeeded")


# Who hears the end.


async def test_the_requester_is_mentioned_once_in_the_thread(world: World) -> None:
    await start(world)
    await world.passes(minutes=20)
    (told,) = world.slack.thread(world.card)
    assert world.slack.pings(told) == {world.ana.id}
    assert told.text.count(world.ana.id) == 1
    assert "Started by @ana" in world.read(told)


async def test_a_channel_can_hear_the_end_aloud(world: World) -> None:
    await world.say("/build settings")
    await world.submit({"settings.finish-in": "channel"})
    await start(world)
    await world.passes(minutes=20)
    card, told = world.cards()
    assert not world.thread(card)
    assert world.slack.pings(told) == {world.ana.id}


async def test_the_end_is_told_once_however_long_one_waits(world: World) -> None:
    await start(world)
    await world.passes(minutes=120)
    assert len(world.thread(world.card)) == 1


async def test_several_builds_on_a_card_are_announced_once_all_have_ended(world: World) -> None:
    workflows = {"one": Workflow(timedelta(minutes=2)), "two": Workflow(timedelta(minutes=5), outcome="failed")}
    rules = [TriggerRule(workflow="one"), TriggerRule(workflow="two")]
    world.bitrise.add_app("Mono", world.acme, workflows=workflows, trigger_map=rules)
    await world.passes(minutes=2)
    await start(world, "mono main trigger-map")
    await world.passes(minutes=4)
    assert "Succeeded" in world.read(world.card)
    assert not world.thread(world.card)
    await world.passes(minutes=4)
    (told,) = [reply for reply in world.thread(world.card) if not reply.startswith("Failed in step")]
    assert "*Succeeded*" in told
    assert "*Failed*" in told
    assert told.count("@ana") == 1


# Old cards.


async def test_stop_on_a_card_that_has_ended_meanwhile_tells_how_it_ended(world: World) -> None:
    await start(world)
    old = world.card.snapshot()
    await world.passes(minutes=10)
    await world.press(old, "Stop…")
    assert "This build has already finished" in world.modal_text()
    assert "Succeeded" in world.modal_text()
    assert not world.bitrise.aborts


async def test_run_again_pressed_twice_starts_one_and_asks(world: World) -> None:
    await start(world)
    await world.passes(minutes=10)
    await world.press(world.card, "Rerun")
    await world.press(world.cards()[0], "Rerun")
    assert len(world.builds()) == 2
    assert "Follow it or start another?" in world.whispers()[-1]


async def test_a_card_of_yesterday_still_answers_after_a_restart(world: World) -> None:
    await start(world)
    old = world.card.snapshot()
    await world.passes(minutes=10)
    await world.stop_bot()
    await world.start_bot()
    await world.press(old, "Stop…")
    assert "This build has already finished" in world.modal_text()


async def test_pressing_open_is_heard_and_changes_nothing(world: World) -> None:
    await start(world)
    await start(world)
    told = await world.press(world.whisper(), "Open")
    assert told.ok
    assert len(world.slack.messages(world.ios)) == 1


async def test_a_stranger_who_presses_is_told_that_he_may_not(world: World) -> None:
    world.slack.share(world.ios, world.partner)
    world.slack.invite(world.ios, world.stranger)
    await start(world)
    await world.press(world.card, "Stop…", by=world.stranger)
    assert "Only members of this Slack workspace" in world.whispers(world.stranger)[-1]
    assert not world.bitrise.aborts
