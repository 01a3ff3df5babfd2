"""Notifications of a subscribed channel: every style and filter, once, in order, also after an outage."""

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
    """Subscribe, and move the clock a little, so that the builds that follow start after the subscription."""
    await world.say(f"/build subscribe {text}", at=at)
    await world.passes(seconds=20)


def start(world: World, workflow: str = "endless", **facts: Any) -> Build:
    return world.bitrise.start_build(world.shop, workflow=workflow, **{"triggered_by": PUSH, **facts})


async def run_build(world: World, outcome: Outcome = "failed", *, workflow: str = "endless", **facts: Any) -> Build:
    """Run a build that nobody here has started, until its result has been notified."""
    build = start(world, workflow, **facts)
    await world.passes(minutes=2)
    world.bitrise.finish(build, outcome)
    await world.passes(minutes=2)
    return build


def messages(world: World, at: Channel | None = None) -> list[Message]:
    """Return the messages in the channel, without those about subscriptions."""
    return [message for message in world.cards(at) if "subscribed this channel" not in message.text]


def texts(world: World, at: Channel | None = None) -> list[str]:
    return [world.read(message) for message in messages(world, at)]


def replies(world: World, message: Message) -> list[str]:
    """Return the thread of a message, without the reasons of failures."""
    return [text for text in world.thread(message) if not text.startswith("Failed in step")]


# Cards.


async def test_card_posted_at_the_end_shows_the_result_without_a_reply(world: World) -> None:
    await subscribe(world, "shop")
    build = start(world)
    await world.passes(minutes=2)
    assert messages(world) == []
    world.bitrise.finish(build, "failed")
    await world.passes(minutes=2)
    (card,) = messages(world)
    assert world.read(card).startswith("❌ Failed  iOS Shop · endless  #1")
    assert "Push by octocat" in world.read(card)
    assert "[Rerun]" in world.read(card)
    assert replies(world, card) == []


async def test_subscribed_card_of_a_start_is_live_and_the_only_message_of_its_build(world: World) -> None:
    await subscribe(world, "shop starts")
    build = start(world)
    await world.passes(minutes=2)
    (card,) = messages(world)
    assert world.read(card).startswith("🔵 Running")
    world.bitrise.finish(build, "failed")
    await world.passes(minutes=2)
    (card,) = messages(world)
    assert world.read(card).startswith("❌ Failed")
    (end,) = replies(world, card)
    assert end.startswith("❌ *Failed*")


async def test_subscribed_card_announces_its_result_where_the_channel_wants_results(world: World) -> None:
    await subscribe(world, "shop starts")
    await world.say("/build settings")
    await world.submit({"settings.finish-in": "channel"})
    build = start(world)
    await world.passes(minutes=2)
    world.bitrise.finish(build, "failed")
    await world.passes(minutes=2)
    card, end = messages(world)
    assert world.read(end).startswith("❌ *Failed*")
    assert replies(world, card) == []


async def test_aborted_and_skipped_builds_are_told_apart(world: World) -> None:
    await subscribe(world, "shop style:line")
    await run_build(world, "aborted")
    await run_build(world, "aborted-with-success")
    assert [text.split(":")[0] for text in texts(world)] == ["⏹️ *Stopped* after 2 min", "⏭️ *Skipped* after 2 min"]


# Lines.


async def test_line_shows_result_duration_branch_and_cause(world: World) -> None:
    await subscribe(world, "shop style:line")
    await run_build(world, "success", workflow="deploy", branch="release/3")
    (line,) = texts(world)
    assert line.startswith("✅ *Succeeded* in 2 min: iOS Shop · deploy <")
    assert "#1> on `release/3`. Push by octocat." in line


async def test_start_is_a_line_of_its_own(world: World) -> None:
    await subscribe(world, "shop style:line starts")
    await run_build(world)
    started, finished = texts(world)
    assert started.startswith("▶️ *Started*: iOS Shop · endless")
    assert finished.startswith("❌ *Failed*")


# Threads.


async def test_builds_of_a_branch_are_replies_to_one_message(world: World) -> None:
    await subscribe(world, "shop style:thread")
    await run_build(world, branch="feature/x")
    await run_build(world, "success", branch="feature/x")
    await run_build(world, branch="main")
    feature, main = messages(world)
    assert "iOS Shop on feature/x" in world.read(feature)
    assert [text.split()[1] for text in replies(world, feature)] == ["*Failed*", "*Succeeded*"]
    assert len(replies(world, main)) == 1


async def test_thread_root_shows_the_newest_build_of_each_workflow(world: World) -> None:
    await subscribe(world, "shop style:thread")
    await run_build(world, workflow="deploy")
    await run_build(world, "success", workflow="test")
    await run_build(world, "success", workflow="deploy")
    (root,) = messages(world)
    assert sorted(world.read(root).splitlines()[1:]) == [
        "✅ Succeeded  deploy #3  2 min", "✅ Succeeded  test #2  2 min",
    ]  # fmt: skip


async def test_older_build_that_finishes_later_does_not_replace_the_newer_one(world: World) -> None:
    await subscribe(world, "shop style:thread")
    older, newer = start(world), start(world)
    await world.passes(minutes=1)
    world.bitrise.finish(newer, "success")
    await world.passes(minutes=2)
    world.bitrise.finish(older, "failed")
    await world.passes(minutes=2)
    (root,) = messages(world)
    assert "#2" in world.read(root)
    assert "#1" not in world.read(root)
    assert len(replies(world, root)) == 2


async def test_start_is_a_reply_in_the_thread_and_its_root_is_live(world: World) -> None:
    await subscribe(world, "shop style:thread starts")
    build = start(world)
    await world.passes(minutes=2)
    (root,) = messages(world)
    assert "🔵 Running  endless #1" in world.read(root)
    world.bitrise.finish(build, "failed")
    await world.passes(minutes=2)
    assert "❌ Failed  endless #1" in world.read(root)
    assert [text.split()[1] for text in replies(world, root)] == ["*Started*:", "*Failed*"]


# Changes.


async def test_broken_branch_is_notified_once_and_again_when_fixed(world: World) -> None:
    await subscribe(world, "shop style:changes")
    for outcome in ("success", "failed", "failed", "failed", "success", "success"):
        await run_build(world, outcome)
    broken, fixed = texts(world)
    assert broken.startswith("❌ *Broken*: iOS Shop · endless")
    assert "#2" in broken
    assert fixed.startswith("✅ *Fixed* after 12 min: iOS Shop · endless")
    assert "Was broken since #2, 3 failures." in fixed


async def test_first_result_of_a_branch_is_notified_if_it_failed(world: World) -> None:
    await subscribe(world, "shop style:changes")
    await run_build(world, "failed")
    await run_build(world, "failed")
    assert [text.split()[1] for text in texts(world)] == ["*Broken*:"]


async def test_aborted_and_skipped_builds_never_change_the_result(world: World) -> None:
    await subscribe(world, "shop style:changes")
    for outcome in ("success", "aborted", "aborted-with-success", "success", "failed", "aborted", "failed"):
        await run_build(world, outcome)
    await run_build(world, "aborted-with-success")
    assert [text.split()[1] for text in texts(world)] == ["*Broken*:"]


async def test_changes_are_tracked_by_workflow_and_branch(world: World) -> None:
    await subscribe(world, "shop style:changes")
    await run_build(world, "failed", workflow="deploy", branch="main")
    await run_build(world, "success", workflow="test", branch="main")
    await run_build(world, "success", workflow="deploy", branch="develop")
    assert [text.split()[1] for text in texts(world)] == ["*Broken*:"]


async def test_same_commit_that_passes_is_flaky_not_fixed(world: World) -> None:
    await subscribe(world, "shop style:changes")
    await run_build(world, "failed", commit_hash=A)
    await run_build(world, "success", commit_hash=A)
    assert texts(world)[-1].startswith("🟡 *Flaky, not fixed*: iOS Shop · endless")
    assert "the same commit that failed in #1" in texts(world)[-1]


async def test_same_commit_that_fails_after_it_passed_may_be_flaky(world: World) -> None:
    await subscribe(world, "shop style:changes")
    await run_build(world, "success", commit_hash=A)
    await run_build(world, "failed", commit_hash=A)
    assert "The same commit passed in #1, so this may be flaky." in texts(world)[-1]


async def test_result_overtaken_by_a_newer_build_is_silent(world: World) -> None:
    await subscribe(world, "shop style:changes")
    older = start(world)
    await world.passes(minutes=1)
    await run_build(world, "success")
    world.bitrise.finish(older, "failed")
    await world.passes(minutes=2)
    assert messages(world) == []
    await run_build(world, "failed")
    assert len(messages(world)) == 1


async def test_broken_lists_the_commits_since_the_last_green_build(world: World) -> None:
    await subscribe(world, "shop style:changes")
    await run_build(world, "success", commit_hash=A, commit_message="Begin")
    await run_build(
        world, "aborted", commit_hash=B, commit_message="Add a basket\n\nwith wheels", triggered_by="webhook-github/ada"
    )
    await run_build(
        world, "failed", commit_hash=C, commit_message="Fix <!channel> & co", triggered_by="webhook-github/bo"
    )
    lines = texts(world)[-1].splitlines()
    assert lines[1:] == [
        "Changes since #1 (last green build):", "• ccccccc Fix <!channel> & co – bo", "• bbbbbbb Add a basket – ada",
    ]  # fmt: skip
    assert "<!channel>" not in messages(world)[-1].text


async def test_broken_by_a_schedule_names_no_authors(world: World) -> None:
    await subscribe(world, "shop style:changes")
    await run_build(world, "success", commit_hash=A)
    await run_build(world, "aborted", commit_hash=B, commit_message="Add a basket", triggered_by="webhook-github/ada")
    await run_build(world, "failed", commit_hash=B, commit_message="Add a basket", triggered_by="scheduler")
    assert "Add a basket" in texts(world)[-1]
    assert "ada" not in texts(world)[-1]


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
async def test_only_builds_that_match_the_filters_are_notified(
    world: World, filters: str, fitting: Mapping[str, Any], other: Mapping[str, Any]
) -> None:
    await subscribe(world, f"shop {filters} style:line")
    await run_build(world, **other)
    assert texts(world) == []
    await run_build(world, **fitting)
    assert len(texts(world)) == 1


async def test_filter_by_abort_reason(world: World) -> None:
    await subscribe(world, "shop reason:stuck style:line")
    for reason in ("[duplicate] twice (@bo, via Buildbell)", "[stuck] no log (@bo, via Buildbell)"):
        build = start(world)
        await world.passes(minutes=1)
        world.bitrise.abort_in_web(build, "ci-bot", reason)
        await world.passes(minutes=2)
    assert ["#2" in text for text in texts(world)] == [True]


async def test_other_apps_are_not_notified_unless_all_are_subscribed(world: World) -> None:
    other = world.slack.add_channel(world.team, "everything", members=[world.ana, world.app.bot_user])
    await subscribe(world, "shop style:line")
    await subscribe(world, "all style:line", at=other)
    world.bitrise.finish(world.bitrise.start_build(world.droid), "failed")
    await world.passes(minutes=2)
    assert (len(messages(world)), len(messages(world, other))) == (0, 1)


# Once, and in order.


async def test_overlapping_subscriptions_notify_once(world: World) -> None:
    await subscribe(world, "shop style:line")
    await subscribe(world, "all style:line")
    await subscribe(world, "shop branch:main")
    await run_build(world)
    assert len(messages(world)) == 1


async def test_start_from_slack_has_one_card_and_its_result_goes_to_the_channel(world: World) -> None:
    await subscribe(world, "shop starts")
    await world.say("/build shop endless main")
    await world.passes(minutes=2)
    assert len(messages(world)) == 1
    world.bitrise.finish(world.builds()[-1], "failed")
    await world.passes(minutes=2)
    card, end = messages(world)
    assert world.read(card).startswith("❌ Failed")
    assert world.read(end).startswith("❌ *Failed*")
    assert "Started by @ana." in world.read(end)
    assert replies(world, card) == []


async def test_start_from_another_channel_is_notified_like_any_other(world: World) -> None:
    other = world.slack.add_channel(world.team, "other", members=[world.ana, world.app.bot_user])
    await subscribe(world, "shop style:line by:@ana")
    await world.say("/build shop endless main", at=other)
    await run_build(world)
    world.bitrise.finish(next(build for build in world.builds() if not build.is_finished), "failed")
    await world.passes(minutes=2)
    (line,) = texts(world)
    assert "Started by @ana from Slack" in line


@pytest.mark.parametrize("has_ended", [False, True])
async def test_requester_is_named_even_if_a_sync_sees_the_build_before_the_trigger_response(
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
    (line,) = texts(world)
    assert line.startswith("❌ *Failed*")
    assert "Started by @ana from Slack" in line


async def test_builds_finished_before_the_subscription_are_not_notified(world: World) -> None:
    early = start(world)
    await world.passes(minutes=1)
    world.bitrise.finish(early, "failed")
    world.clock.move_to(world.clock.now() + timedelta(seconds=1))
    await world.say("/build subscribe shop style:line starts")
    await world.passes(minutes=5)
    assert messages(world) == []


async def test_build_running_at_the_subscription_is_notified_when_it_finishes(world: World) -> None:
    build = start(world)
    await world.passes(minutes=1)
    await subscribe(world, "shop style:line starts")
    world.bitrise.finish(build, "failed")
    await world.passes(minutes=2)
    assert [text.split()[1] for text in texts(world)] == ["*Failed*"]


async def test_results_are_notified_in_the_order_in_which_builds_finished(world: World) -> None:
    await subscribe(world, "shop style:line")
    builds = [start(world) for _ in range(3)]
    world.bitrise.faults.add(Fault(LIST, status=500, times=2))
    for build in (builds[1], builds[2], builds[0]):
        await world.passes(seconds=10)
        world.bitrise.finish(build)
    await world.passes(minutes=5)
    numbers = [next(f"#{each}" for each in (1, 2, 3) if f"#{each}>" in text) for text in texts(world)]
    assert numbers == ["#2", "#3", "#1"]


async def test_unknown_build_is_notified_within_a_minute(world: World) -> None:
    await subscribe(world, "shop style:line starts")
    await world.passes(minutes=30)
    start(world)
    await world.passes(seconds=61)
    assert len(messages(world)) == 1


# After an outage.


async def miss_builds(world: World, count: int, *, failed: int = 0) -> None:
    """Miss two hours, in which ``count`` builds finish, one a minute, the first ``failed`` of them with a failure."""
    for number in range(count):
        world.clock.move_to(world.clock.now() + timedelta(minutes=1))
        world.bitrise.finish(start(world), "failed" if number < failed else "success")
    world.clock.move_to(world.clock.now() + timedelta(hours=2))


async def test_few_late_results_are_notified_one_by_one(world: World) -> None:
    await subscribe(world, "shop style:line")
    await world.stop_bot()
    await miss_builds(world, 3)
    await world.start_bot()
    await world.passes(minutes=1)
    assert len(messages(world)) == 3
    assert all("Delayed: finished" in text for text in texts(world))


async def test_late_card_says_when_the_build_finished(world: World) -> None:
    await subscribe(world, "shop")
    await world.stop_bot()
    await miss_builds(world, 1)
    await world.start_bot()
    await world.passes(minutes=1)
    (card,) = messages(world)
    (note,) = [block["elements"][0]["text"] for block in card.blocks if block["type"] == "context"]
    assert note.startswith("Delayed: finished <!date^")


async def test_many_late_results_become_one_summary(world: World) -> None:
    await subscribe(world, "shop")
    await world.stop_bot()
    await miss_builds(world, 14, failed=3)
    await world.start_bot()
    await world.passes(minutes=1)
    (summary,) = texts(world)
    assert "14 builds finished while Buildbell was offline: 11 succeeded, 3 failed." in summary
    assert "❌ Failed: " in summary
    await run_build(world)
    assert len(messages(world)) == 2


async def test_gap_of_many_pages_is_backfilled_completely(world: World) -> None:
    await subscribe(world, "shop")
    await world.stop_bot()
    await miss_builds(world, 130, failed=10)
    await world.start_bot()
    await world.passes(minutes=5)
    (summary,) = texts(world)
    assert "130 builds finished while Buildbell was offline: 120 succeeded, 10 failed." in summary


async def test_backfill_of_an_endless_list_stops(world: World) -> None:
    await subscribe(world, "shop")
    await run_build(world)
    fresh = {"slug": "fresh", "status": 0, "repository": {"slug": world.shop.slug}}
    page = {"data": [fresh], "paging": {"next": "the-same-again"}}
    world.bitrise.faults.add(Fault(LIST, "body", status=200, body=page, times=2))
    world.bitrise.journal.clear()
    await world.passes(minutes=1)
    cursors = [call.request["query"].get("next") for call in world.bitrise.journal.named(LIST)]
    assert [cursor for cursor in cursors if cursor] == ["the-same-again"]
    await run_build(world)
    assert len(messages(world)) == 2


async def test_no_result_is_lost_while_bitrise_is_unavailable(world: World) -> None:
    await subscribe(world, "shop")
    world.bitrise.faults.add(Fault(LIST, status=500, times=None))
    for _ in range(120):
        world.bitrise.finish(start(world))
        await world.passes(minutes=1)
    world.bitrise.faults.clear()
    await world.passes(minutes=10)
    posted = texts(world)
    (summary,) = [text for text in posted if "while Buildbell was offline" in text]
    assert int(summary.split()[0].strip("*")) + len(posted) - 1 == 120


async def test_backfill_resumes_after_a_restart_and_notifies_nothing_twice(world: World) -> None:
    await subscribe(world, "shop")
    await world.stop_bot()
    await miss_builds(world, 130, failed=1)
    world.bitrise.faults.add(Fault(LIST, status=500, skip=2, times=None))  # two pages, then nothing any more
    await world.start_bot()
    await world.settled()
    assert messages(world) == []
    kept = await workspace_rows.find_workspace(world.bot.ctx.db, world.team.id)
    assert kept is not None
    assert kept.backfill_cursor is not None
    await world.stop_bot()
    world.bitrise.faults.clear()
    world.bitrise.journal.clear()
    await world.start_bot()
    await world.passes(minutes=5)
    (summary,) = texts(world)
    assert "130 builds finished while Buildbell was offline: 129 succeeded, 1 failed." in summary
    await world.restart_bot()
    await world.passes(minutes=5)
    assert len(messages(world)) == 1


async def test_crash_at_the_start_of_a_backfill_loses_no_build(world: World) -> None:
    """It had stored where the second page begins, but not applied the first one, which holds other builds now."""
    await subscribe(world, "shop style:line")
    await run_build(world)
    await world.stop_bot()
    await miss_builds(world, 70)
    behind = world.builds()[-51]
    database = await open_database(world.settings().database_url.get_secret_value())
    await database.execute(
        "update workspaces set backfill_cursor = :next, backfill_until = synced_until", next=behind.slug
    )
    await database.close()
    await miss_builds(world, 60)
    await world.start_bot()
    await world.passes(minutes=5)
    counts = [text.split(" builds finished while Buildbell was offline")[0] for text in texts(world)[1:]]
    assert sum(int(count.strip("*")) for count in counts) == 130


async def test_builds_started_during_a_backfill_are_notified_after_it(world: World) -> None:
    await subscribe(world, "shop")
    await world.stop_bot()
    await miss_builds(world, 130)
    world.bitrise.faults.add(Fault(LIST, status=500, skip=2, times=2))
    await world.start_bot()
    await world.settled()
    world.bitrise.finish(start(world), "failed")
    await world.passes(minutes=10)
    summary, newest = texts(world)
    assert "130 builds finished while Buildbell was offline" in summary
    assert "#131" in newest


async def test_start_whose_response_was_lost_in_a_crash_is_notified_once(world: World) -> None:
    """Killed between the call and its response, restarted when the build has finished: a sync may see that first."""
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
    card, end = messages(world)
    assert world.read(card).startswith("❌ Failed")
    assert world.read(end).startswith("❌ *Failed*")


# Several subscriptions of a channel.


@pytest.mark.parametrize("other", ["line outcome:failed", "thread outcome:failed", "card outcome:failed"])
async def test_a_build_that_matches_two_subscriptions_is_posted_once(world: World, other: str) -> None:
    await subscribe(world, "shop style:changes")
    await subscribe(world, f"shop style:{other}")
    await run_build(world, "success")
    earlier = world.slack.messages(world.ios)
    await run_build(world, "failed")
    added = [message for message in world.slack.messages(world.ios)[len(earlier) :] if message.thread_ts is None]
    assert [world.read(message).split()[1] for message in added] == ["*Broken*:"]


async def test_the_richest_style_of_two_subscriptions_is_posted(world: World) -> None:
    await subscribe(world, "shop style:line")
    await subscribe(world, "shop style:card outcome:failed")
    await run_build(world, "failed")
    await run_build(world, "success")
    assert [text.split()[1] for text in texts(world)] == ["Failed", "*Succeeded*"]


# Before the first sync.


async def test_result_before_the_first_successful_sync_is_notified(open_world: OpenWorld) -> None:
    world = await open_world(connected=False)
    world.bitrise.faults.add(Fault(LIST, status=500, times=None))
    await world.connect()
    await subscribe(world, "shop style:line")
    build = start(world)
    world.bitrise.finish(build, "failed")
    world.bitrise.faults.clear()
    await world.passes(minutes=10)
    assert [text.split(":")[0] for text in texts(world)] == ["❌ *Failed* after 0 s"]


async def test_more_builds_in_one_second_than_a_page_holds_are_all_notified(world: World) -> None:
    await subscribe(world, "shop style:line")
    first = await run_build(world)
    assert first.finished_at is not None
    for _ in range(60):  # the times that Bitrise tells are whole seconds
        world.bitrise.finish(start(world, at=first.triggered_at), "success")
    await world.passes(minutes=10)
    assert len(messages(world)) == 61


async def test_page_that_starts_in_the_second_of_the_connection_is_not_the_last(world: World) -> None:
    """Bitrise's times are whole seconds: a build that started after the connection seems to have started before it."""
    await subscribe(world, "shop style:line")
    synced_until = world.clock.now() + timedelta(seconds=0.3)
    await world.bot.ctx.db.execute("update workspaces set synced_until = :at", at=synced_until)
    world.clock.move_to(world.clock.now() + timedelta(seconds=0.6))
    for _ in range(60):
        world.bitrise.finish(start(world), "success")
    await world.passes(minutes=10)
    assert len(messages(world)) == 60


async def test_result_in_the_second_of_the_subscription_is_notified(world: World) -> None:
    build = start(world)
    world.clock.move_to(world.clock.now().replace(microsecond=300_000))
    await world.say("/build subscribe shop style:line")
    world.clock.move_to(world.clock.now() + timedelta(seconds=0.3))
    world.bitrise.finish(build, "failed")
    await world.passes(minutes=10)
    assert len(messages(world)) == 1


async def test_builds_started_while_an_empty_list_is_on_its_way_are_all_notified(world: World) -> None:
    await subscribe(world, "shop style:line")

    async def push(facts: object) -> None:
        """Start builds when Bitrise has read that there are none, and its response has not arrived."""
        undo()
        world.clock.move_to(world.clock.now() + timedelta(seconds=1))
        for _ in range(60):
            world.bitrise.finish(start(world), "success")
        world.clock.move_to(world.clock.now() + timedelta(seconds=1))

    undo = world.bitrise.hooks.on(LIST, "accepted", push)
    await world.passes(minutes=10)
    assert len(messages(world)) == 60
