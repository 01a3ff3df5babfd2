"""What a subscribed channel hears: each style, each filter, once, in order, from any cause, also after an outage."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from playground.bitrise import Build
from playground.bitrise.model import Outcome
from playground.slack import Channel, Message
from playground.wire import Fault
from storage import open_database
from storage import workspaces as workspace_rows
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
LIST = "builds.list-all"
PUSH = "webhook-github/octocat"
A, B, C = "a" * 40, "b" * 40, "c" * 40


async def subscribe(world: World, text: str, *, at: Channel | None = None) -> None:
    """The clock moves a little, so that what comes now comes after the subscription."""
    await world.say(f"/build subscribe {text}", at=at)
    await world.passes(seconds=20)


def start(world: World, workflow: str = "endless", **facts: Any) -> Build:
    return world.bitrise.start_build(world.shop, workflow=workflow, **{"triggered_by": PUSH, **facts})


async def ends(world: World, outcome: Outcome = "failed", *, workflow: str = "endless", **facts: Any) -> Build:
    """A build of nobody here starts and ends, and everybody had time to hear of it."""
    build = start(world, workflow, **facts)
    await world.passes(minutes=2)
    world.bitrise.finish(build, outcome)
    await world.passes(minutes=2)
    return build


def told(world: World, at: Channel | None = None) -> list[Message]:
    """What stands in the channel, without who subscribed it."""
    return [message for message in world.cards(at) if "subscribed this channel" not in message.text]


def read(world: World, at: Channel | None = None) -> list[str]:
    return [world.read(message) for message in told(world, at)]


def below(world: World, message: Message) -> list[str]:
    """Its thread, without why a build failed."""
    return [text for text in world.thread(message) if not text.startswith("Failed in step")]


# A card for each build.


async def test_a_card_at_the_end_tells_the_end_by_itself(world: World) -> None:
    await subscribe(world, "shop")
    build = start(world)
    await world.passes(minutes=2)
    assert told(world) == []
    world.bitrise.finish(build, "failed")
    await world.passes(minutes=2)
    (card,) = told(world)
    assert world.read(card).startswith("❌ Failed  iOS Shop · endless  #1")
    assert "Push by octocat" in world.read(card)
    assert "[Run again]" in world.read(card)
    assert below(world, card) == []


async def test_with_starts_the_card_is_live_and_its_end_is_told_to_all(world: World) -> None:
    await subscribe(world, "shop starts")
    build = start(world)
    await world.passes(minutes=2)
    (card,) = told(world)
    assert world.read(card).startswith("🔵 Running")
    world.bitrise.finish(build, "failed")
    await world.passes(minutes=2)
    card, end = told(world)
    assert world.read(card).startswith("❌ Failed")
    assert world.read(end).startswith("❌ *Failed*")
    assert below(world, card) == []


async def test_what_was_stopped_is_told_as_what_it_was(world: World) -> None:
    await subscribe(world, "shop style:line")
    await ends(world, "aborted")
    await ends(world, "aborted-with-success")
    assert [text.split(":")[0] for text in read(world)] == ["⏹️ *Aborted* after 2 min", "⏭️ *Skipped* after 2 min"]


# One line.


async def test_a_line_says_how_it_ended_and_what_caused_it(world: World) -> None:
    await subscribe(world, "shop style:line")
    await ends(world, "success", workflow="deploy", branch="release/3")
    (line,) = read(world)
    assert line.startswith("✅ *Succeeded* in 2 min: iOS Shop · deploy <")
    assert "#1> on `release/3`. Push by octocat." in line


async def test_a_start_is_a_line_of_its_own(world: World) -> None:
    await subscribe(world, "shop style:line starts")
    await ends(world)
    began, ended = read(world)
    assert began.startswith("▶️ *Started*: iOS Shop · endless")
    assert ended.startswith("❌ *Failed*")


# A thread for each branch.


async def test_a_branch_is_one_message_with_its_builds_below(world: World) -> None:
    await subscribe(world, "shop style:thread")
    await ends(world, branch="feature/x")
    await ends(world, "success", branch="feature/x")
    await ends(world, branch="main")
    feature, main = told(world)
    assert "iOS Shop on feature/x" in world.read(feature)
    assert [text.split()[1] for text in below(world, feature)] == ["*Failed*", "*Succeeded*"]
    assert len(below(world, main)) == 1


async def test_the_head_of_the_thread_shows_the_newest_of_each_workflow(world: World) -> None:
    await subscribe(world, "shop style:thread")
    await ends(world, workflow="deploy")
    await ends(world, "success", workflow="test")
    await ends(world, "success", workflow="deploy")
    (head,) = told(world)
    assert sorted(world.read(head).splitlines()[1:]) == [
        "✅ Succeeded  deploy #3  2 min", "✅ Succeeded  test #2  2 min",
    ]  # fmt: skip


async def test_an_older_build_that_ends_later_does_not_take_the_newers_place(world: World) -> None:
    await subscribe(world, "shop style:thread")
    older, newer = start(world), start(world)
    await world.passes(minutes=1)
    world.bitrise.finish(newer, "success")
    await world.passes(minutes=2)
    world.bitrise.finish(older, "failed")
    await world.passes(minutes=2)
    (head,) = told(world)
    assert "#2" in world.read(head)
    assert "#1" not in world.read(head)
    assert len(below(world, head)) == 2


async def test_a_start_in_a_thread_is_a_line_there_and_the_head_is_live(world: World) -> None:
    await subscribe(world, "shop style:thread starts")
    build = start(world)
    await world.passes(minutes=2)
    (head,) = told(world)
    assert "🔵 Running  endless #1" in world.read(head)
    world.bitrise.finish(build, "failed")
    await world.passes(minutes=2)
    assert "❌ Failed  endless #1" in world.read(head)
    assert [text.split()[1] for text in below(world, head)] == ["*Started*:", "*Failed*"]


# Only changes.


async def test_broken_is_told_once_and_then_back_to_normal(world: World) -> None:
    await subscribe(world, "shop style:changes")
    for outcome in ("success", "failed", "failed", "failed", "success", "success"):
        await ends(world, outcome)
    broken, fixed = read(world)
    assert broken.startswith("❌ *Broken* since iOS Shop · endless")
    assert "#2" in broken
    assert fixed.startswith("✅ *Back to normal* after 12 min: iOS Shop · endless")
    assert "Broken since #2, 3 failures." in fixed


async def test_the_first_result_of_all_is_told_if_it_is_a_failure(world: World) -> None:
    await subscribe(world, "shop style:changes")
    await ends(world, "failed")
    await ends(world, "failed")
    assert [text.split()[1] for text in read(world)] == ["*Broken*"]


async def test_aborted_and_skipped_builds_never_count(world: World) -> None:
    await subscribe(world, "shop style:changes")
    for outcome in ("success", "aborted", "aborted-with-success", "success", "failed", "aborted", "failed"):
        await ends(world, outcome)
    await ends(world, "aborted-with-success")
    assert [text.split()[1] for text in read(world)] == ["*Broken*"]


async def test_each_workflow_and_branch_is_for_itself(world: World) -> None:
    await subscribe(world, "shop style:changes")
    await ends(world, "failed", workflow="deploy", branch="main")
    await ends(world, "success", workflow="test", branch="main")
    await ends(world, "success", workflow="deploy", branch="develop")
    assert [text.split()[1] for text in read(world)] == ["*Broken*"]


async def test_the_same_commit_that_passes_is_flaky_and_not_fixed(world: World) -> None:
    await subscribe(world, "shop style:changes")
    await ends(world, "failed", commit_hash=A)
    await ends(world, "success", commit_hash=A)
    assert read(world)[-1].startswith("🟡 *Flaky, not fixed*: iOS Shop · endless")
    assert "the very commit that failed in #1" in read(world)[-1]


async def test_the_same_commit_that_fails_after_it_passed_may_be_chance(world: World) -> None:
    await subscribe(world, "shop style:changes")
    await ends(world, "success", commit_hash=A)
    await ends(world, "failed", commit_hash=A)
    assert "The same commit passed in #1, so this may be chance." in read(world)[-1]


async def test_a_result_that_a_newer_build_overtook_is_silent(world: World) -> None:
    await subscribe(world, "shop style:changes")
    older = start(world)
    await world.passes(minutes=1)
    await ends(world, "success")
    world.bitrise.finish(older, "failed")
    await world.passes(minutes=2)
    assert told(world) == []
    await ends(world, "failed")
    assert len(told(world)) == 1


async def test_a_break_names_the_commits_since_the_last_green_build(world: World) -> None:
    await subscribe(world, "shop style:changes")
    await ends(world, "success", commit_hash=A, commit_message="Begin")
    await ends(
        world, "aborted", commit_hash=B, commit_message="Add a basket\n\nwith wheels", triggered_by="webhook-github/ada"
    )
    await ends(world, "failed", commit_hash=C, commit_message="Fix <!channel> & co", triggered_by="webhook-github/bo")
    told_lines = read(world)[-1].splitlines()
    assert told_lines[1:] == [
        "New since #1 was green:", "• ccccccc Fix <!channel> & co – bo", "• bbbbbbb Add a basket – ada",
    ]  # fmt: skip
    assert "<!channel>" not in told(world)[-1].text


async def test_a_break_by_a_schedule_blames_nobody(world: World) -> None:
    await subscribe(world, "shop style:changes")
    await ends(world, "success", commit_hash=A)
    await ends(world, "aborted", commit_hash=B, commit_message="Add a basket", triggered_by="webhook-github/ada")
    await ends(world, "failed", commit_hash=B, commit_message="Add a basket", triggered_by="scheduler")
    assert "Add a basket" in read(world)[-1]
    assert "ada" not in read(world)[-1]


# Filters.


@pytest.mark.parametrize(
    ("filters", "fitting", "other"),
    [
        ("workflow:deploy,release-*", {"workflow": "deploy"}, {"workflow": "test"}),
        ("branch:main,release/*", {"branch": "release/3/hotfix"}, {"branch": "feature/x"}),
        ("branch:!dependabot/*", {"branch": "main"}, {"branch": "dependabot/npm"}),
        ("tag:v*", {"tag": "v3.2", "branch": None}, {"branch": "main"}),
        ("outcome:failed,aborted", {"outcome": "aborted"}, {"outcome": "success"}),
        ("outcome:skipped", {"outcome": "aborted-with-success"}, {"outcome": "aborted"}),
        ("cause:schedule", {"triggered_by": "scheduler"}, {}),
        ("cause:pull-request", {"pull_request_id": 7}, {}),
        ("by:octocat", {}, {"triggered_by": "webhook-github/hubot"}),
        ("by:!dependabot*", {}, {"triggered_by": "webhook-github/dependabot[bot]"}),
    ],
)
async def test_only_what_fits_is_told(
    world: World, filters: str, fitting: Mapping[str, Any], other: Mapping[str, Any]
) -> None:
    await subscribe(world, f"shop {filters} style:line")
    await ends(world, **other)
    assert read(world) == []
    await ends(world, **fitting)
    assert len(read(world)) == 1


async def test_reasons_are_filters_too(world: World) -> None:
    await subscribe(world, "shop reason:stuck style:line")
    for reason in ("[duplicate] twice (@bo, via Buildbell)", "[stuck] no log (@bo, via Buildbell)"):
        build = start(world)
        await world.passes(minutes=1)
        world.bitrise.abort_in_web(build, "ci-bot", reason)
        await world.passes(minutes=2)
    assert ["#2" in text for text in read(world)] == [True]


async def test_other_apps_are_not_told_unless_all_are_asked_for(world: World) -> None:
    other = world.slack.add_channel(world.team, "everything", members=[world.ana, world.app.bot_user])
    await subscribe(world, "shop style:line")
    await subscribe(world, "all style:line", at=other)
    world.bitrise.finish(world.bitrise.start_build(world.droid), "failed")
    await world.passes(minutes=2)
    assert (len(told(world)), len(told(world, other))) == (0, 1)


# Once, and in order.


async def test_subscriptions_that_overlap_tell_once(world: World) -> None:
    await subscribe(world, "shop style:line")
    await subscribe(world, "all style:line")
    await subscribe(world, "shop branch:main")
    await ends(world)
    assert len(told(world)) == 1


async def test_a_start_from_slack_is_told_once_and_its_end_to_all(world: World) -> None:
    await subscribe(world, "shop starts")
    await world.say("/build shop endless main")
    await world.passes(minutes=2)
    assert len(told(world)) == 1
    world.bitrise.finish(world.builds()[-1], "failed")
    await world.passes(minutes=2)
    card, end = told(world)
    assert world.read(card).startswith("❌ Failed")
    assert world.read(end).startswith("❌ *Failed*")
    assert "Asked for by @ana." in world.read(end)
    assert below(world, card) == []


async def test_a_start_from_another_channel_is_told_here_as_any_other(world: World) -> None:
    other = world.slack.add_channel(world.team, "other", members=[world.ana, world.app.bot_user])
    await subscribe(world, "shop style:line by:@ana")
    await world.say("/build shop endless main", at=other)
    await ends(world)
    world.bitrise.finish(next(build for build in world.builds() if not build.is_finished), "failed")
    await world.passes(minutes=2)
    (line,) = read(world)
    assert "Started by @ana from Slack" in line


@pytest.mark.parametrize("has_ended", [False, True])
async def test_who_started_it_is_known_also_when_a_sweep_was_quicker_than_the_answer(
    world: World, has_ended: bool
) -> None:
    other = world.slack.add_channel(world.team, "other", members=[world.ana, world.app.bot_user])
    await subscribe(world, "shop style:line by:@ana")
    begun, swept = asyncio.Event(), asyncio.Event()

    async def hold_the_answer(facts: Mapping[str, Any]) -> None:
        begun.set()
        await swept.wait()

    async def note_the_sweep(facts: Mapping[str, Any]) -> None:
        if begun.is_set():
            swept.set()

    world.bitrise.on("builds.trigger", "accepted", hold_the_answer)
    world.bitrise.on(LIST, "answered", note_the_sweep)
    await world.slack.command(world.ana, other, "/build shop endless main")
    await begun.wait()
    if has_ended:
        world.bitrise.finish(world.builds()[-1], "failed")
    world.clock.move_to(world.clock.now() + timedelta(minutes=2))
    await swept.wait()
    await world.passes(minutes=1)
    if not has_ended:
        world.bitrise.finish(world.builds()[-1], "failed")
    await world.passes(minutes=2)
    (line,) = read(world)
    assert line.startswith("❌ *Failed*")
    assert "Started by @ana from Slack" in line


async def test_what_was_over_before_somebody_subscribed_is_not_told(world: World) -> None:
    early = start(world)
    await world.passes(minutes=1)
    world.bitrise.finish(early, "failed")
    world.clock.move_to(world.clock.now() + timedelta(seconds=1))
    await world.say("/build subscribe shop style:line starts")
    await world.passes(minutes=5)
    assert told(world) == []


async def test_what_ran_when_somebody_subscribed_is_told_at_its_end(world: World) -> None:
    build = start(world)
    await world.passes(minutes=1)
    await subscribe(world, "shop style:line starts")
    world.bitrise.finish(build, "failed")
    await world.passes(minutes=2)
    assert [text.split()[1] for text in read(world)] == ["*Failed*"]


async def test_what_ended_first_is_told_first(world: World) -> None:
    await subscribe(world, "shop style:line")
    builds = [start(world) for _ in range(3)]
    world.bitrise.faults.add(Fault(LIST, status=500, times=2))
    for build in (builds[1], builds[2], builds[0]):
        await world.passes(seconds=10)
        world.bitrise.finish(build)
    await world.passes(minutes=5)
    numbers = [next(f"#{each}" for each in (1, 2, 3) if f"#{each}>" in text) for text in read(world)]
    assert numbers == ["#2", "#3", "#1"]


async def test_a_build_is_told_within_a_minute_where_nothing_was_known_of_it(world: World) -> None:
    await subscribe(world, "shop style:line starts")
    await world.passes(minutes=30)
    start(world)
    await world.passes(seconds=61)
    assert len(told(world)) == 1


# After an outage.


async def away(world: World, count: int, *, failed: int = 0) -> None:
    """Nobody looks for two hours; ``count`` builds start and end, one a minute, the first ``failed`` of them badly."""
    for number in range(count):
        world.clock.move_to(world.clock.now() + timedelta(minutes=1))
        world.bitrise.finish(start(world), "failed" if number < failed else "success")
    world.clock.move_to(world.clock.now() + timedelta(hours=2))


async def test_few_are_told_late_one_by_one(world: World) -> None:
    await subscribe(world, "shop style:line")
    await world.stop_bot()
    await away(world, 3)
    await world.start_bot()
    await world.passes(minutes=1)
    assert len(told(world)) == 3
    assert all("Told late: it ended" in text for text in read(world))


async def test_a_late_card_says_when_the_build_ended(world: World) -> None:
    await subscribe(world, "shop")
    await world.stop_bot()
    await away(world, 1)
    await world.start_bot()
    await world.passes(minutes=1)
    (card,) = told(world)
    (note,) = [block["elements"][0]["text"] for block in card.blocks if block["type"] == "context"]
    assert note.startswith("Told late: it ended <!date^")


async def test_many_are_folded_into_one(world: World) -> None:
    await subscribe(world, "shop")
    await world.stop_bot()
    await away(world, 14, failed=3)
    await world.start_bot()
    await world.passes(minutes=1)
    (fold,) = read(world)
    assert "14 builds ended while I was away: 11 succeeded, 3 failed." in fold
    assert "❌ Failed: " in fold
    await ends(world)
    assert len(told(world)) == 2


async def test_a_gap_of_many_pages_is_read_to_its_end(world: World) -> None:
    await subscribe(world, "shop")
    await world.stop_bot()
    await away(world, 130, failed=10)
    await world.start_bot()
    await world.passes(minutes=5)
    (fold,) = read(world)
    assert "130 builds ended while I was away: 120 succeeded, 10 failed." in fold


async def test_a_gap_whose_pages_have_no_end_is_left_behind(world: World) -> None:
    await subscribe(world, "shop")
    await ends(world)
    fresh = {"slug": "fresh", "status": 0, "repository": {"slug": world.shop.slug}}
    page = {"data": [fresh], "paging": {"next": "the-same-again"}}
    world.bitrise.faults.add(Fault(LIST, "body", status=200, body=page, times=2))
    world.bitrise.journal.clear()
    await world.passes(minutes=1)
    asked = [call.request["query"].get("next") for call in world.bitrise.journal.named(LIST)]
    assert [page for page in asked if page] == ["the-same-again"]
    await ends(world)
    assert len(told(world)) == 2


async def test_while_bitrise_is_away_nothing_is_lost(world: World) -> None:
    await subscribe(world, "shop")
    world.bitrise.faults.add(Fault(LIST, status=500, times=None))
    for _ in range(120):
        world.bitrise.finish(start(world))
        await world.passes(minutes=1)
    world.bitrise.faults.clear()
    await world.passes(minutes=10)
    texts = read(world)
    (fold,) = [text for text in texts if "while I was away" in text]
    assert int(fold.split()[0].strip("*")) + len(texts) - 1 == 120


async def test_a_bot_stopped_in_the_middle_of_a_gap_goes_on_and_tells_nothing_twice(world: World) -> None:
    await subscribe(world, "shop")
    await world.stop_bot()
    await away(world, 130, failed=1)
    world.bitrise.faults.add(Fault(LIST, status=500, skip=2, times=None))  # two pages, then nothing any more
    await world.start_bot()
    await world.settled()
    assert told(world) == []
    kept = await workspace_rows.find_workspace(world.bot.ctx.db, world.team.id)
    assert kept is not None
    assert kept.backfill_cursor is not None
    await world.stop_bot()
    world.bitrise.faults.clear()
    world.bitrise.journal.clear()
    await world.start_bot()
    await world.passes(minutes=5)
    (fold,) = read(world)
    assert "130 builds ended while I was away: 129 succeeded, 1 failed." in fold
    await world.restart_bot()
    await world.passes(minutes=5)
    assert len(told(world)) == 1


async def test_a_process_that_died_as_it_met_a_gap_leaves_all_of_it_to_be_read(world: World) -> None:
    """It had noted where the pages behind the first one begin; the first one was not kept, and is another one now."""
    await subscribe(world, "shop style:line")
    await ends(world)
    await world.stop_bot()
    await away(world, 70)
    behind = world.builds()[-51]
    database = await open_database(world.settings().database_url.get_secret_value())
    await database.execute(
        "update workspaces set backfill_cursor = :next, backfill_until = synced_until", next=behind.slug
    )
    await database.close()
    await away(world, 60)
    await world.start_bot()
    await world.passes(minutes=5)
    folds = [text.split(" builds ended while I was away")[0] for text in read(world)[1:]]
    assert sum(int(count.strip("*")) for count in folds) == 130


async def test_builds_that_begin_while_a_gap_is_read_wait_for_their_turn(world: World) -> None:
    await subscribe(world, "shop")
    await world.stop_bot()
    await away(world, 130)
    world.bitrise.faults.add(Fault(LIST, status=500, skip=2, times=2))
    await world.start_bot()
    await world.settled()
    world.bitrise.finish(start(world), "failed")
    await world.passes(minutes=10)
    fold, newest = read(world)
    assert "130 builds ended while I was away" in fold
    assert "#131" in newest


async def test_a_start_whose_answer_was_lost_with_the_bot_is_told_once(world: World) -> None:
    """Killed between the call and its answer, and back when the build has ended: a sweep may see that first."""
    await subscribe(world, "shop")
    world.bitrise.faults.add(Fault("builds.trigger", "cut_after"))
    world.bitrise.faults.add(Fault("builds.list", status=500, times=6))  # so that the sweep is first
    await world.say("/build shop endless main")
    await world.stop_bot()
    world.clock.move_to(world.clock.now() + timedelta(minutes=1))
    world.bitrise.finish(world.builds()[-1], "failed")
    world.clock.move_to(world.clock.now() + timedelta(minutes=1))
    await world.start_bot()
    await world.passes(minutes=5)
    card, end = told(world)
    assert world.read(card).startswith("❌ Failed")
    assert world.read(end).startswith("❌ *Failed*")


# A channel with several wishes.


async def test_changes_are_told_besides_the_lines_of_another_subscription(world: World) -> None:
    await subscribe(world, "shop style:changes")
    await subscribe(world, "shop style:line outcome:failed")
    await ends(world, "failed")
    await ends(world, "failed")
    assert [text.split()[1] for text in read(world)] == ["*Failed*", "*Broken*", "*Failed*"]


# Before the first look.


async def test_what_ends_before_a_first_look_succeeds_is_told(open_world: OpenWorld) -> None:
    world = await open_world(connected=False)
    world.bitrise.faults.add(Fault(LIST, status=500, times=None))
    await world.connect()
    await subscribe(world, "shop style:line")
    build = start(world)
    world.bitrise.finish(build, "failed")
    world.bitrise.faults.clear()
    await world.passes(minutes=10)
    assert [text.split(":")[0] for text in read(world)] == ["❌ *Failed* after 0 s"]


async def test_more_builds_in_one_second_than_a_page_holds_are_all_told(world: World) -> None:
    await subscribe(world, "shop style:line")
    first = await ends(world)
    assert first.finished_at is not None
    for _ in range(60):  # the times that Bitrise tells are whole seconds
        world.bitrise.finish(start(world, at=first.triggered_at), "success")
    await world.passes(minutes=10)
    assert len(told(world)) == 61


async def test_a_page_that_begins_in_the_second_of_the_connection_is_not_the_last(world: World) -> None:
    """Bitrise tells whole seconds: what began after the connection seems to have begun before it."""
    await subscribe(world, "shop style:line")
    synced_until = world.clock.now() + timedelta(seconds=0.3)
    await world.bot.ctx.db.execute("update workspaces set synced_until = :at", at=synced_until)
    world.clock.move_to(world.clock.now() + timedelta(seconds=0.6))
    for _ in range(60):
        world.bitrise.finish(start(world), "success")
    await world.passes(minutes=10)
    assert len(told(world)) == 60


async def test_what_ends_in_the_second_of_the_subscription_is_told(world: World) -> None:
    build = start(world)
    world.clock.move_to(world.clock.now().replace(microsecond=300_000))
    await world.say("/build subscribe shop style:line")
    world.clock.move_to(world.clock.now() + timedelta(seconds=0.3))
    world.bitrise.finish(build, "failed")
    await world.passes(minutes=10)
    assert len(told(world)) == 1


async def test_what_begins_while_an_empty_list_is_on_its_way_is_all_told(world: World) -> None:
    await subscribe(world, "shop style:line")

    async def push(facts: object) -> None:
        """Bitrise has written down that there are no builds; its answer has not arrived."""
        undo()
        world.clock.move_to(world.clock.now() + timedelta(seconds=1))
        for _ in range(60):
            world.bitrise.finish(start(world), "success")
        world.clock.move_to(world.clock.now() + timedelta(seconds=1))

    undo = world.bitrise.hooks.on(LIST, "accepted", push)
    await world.passes(minutes=10)
    assert len(told(world)) == 60
