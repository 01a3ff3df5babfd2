"""Slack refuses the message that would show a result, and the result still reaches somebody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from bot.slack.refusals import CODES, remedy_of
from playground.bitrise import Workflow
from playground.bitrise.sample_logs import XCODEBUILD
from playground.slack import Message
from playground.slack.documented_errors import DOCUMENTED_ERRORS
from playground.wire import Fault
from tests.world import World

POST, UPDATE = "chat.postMessage", "chat.update"
REQUEST = "/build shop deploy main"
UNKNOWN = "a_code_of_next_year"


def examples(method: str) -> list[str]:
    """One documented error code of each remedy, and an unknown one."""
    documented = sorted(DOCUMENTED_ERRORS[method])
    codes = [next((code for code in documented if remedy_of(code) is remedy), None) for remedy in CODES]
    return [*filter(None, codes), UNKNOWN]


def visible(world: World) -> str:
    """Everything Ana can read."""
    return "\n".join([world.sees(), *world.letters(), *world.whispers()])


def announcements(world: World) -> list[str]:
    """The messages after the card, in the channel, in threads and directly to Ana."""
    return [world.read(message) for message in world.slack.messages(world.ios)[1:]] + world.letters()


async def start(world: World) -> None:
    world.expects_errors = True  # a refused token and refused blocks are logged as errors
    await world.say(REQUEST)
    await world.passes(seconds=60)


# The card.


async def test_a_result_is_posted_anew_when_the_card_was_deleted(world: World) -> None:
    await start(world)
    world.slack.delete_message(world.card)
    await world.passes(minutes=12)
    assert world.read(world.card).startswith("✅ Succeeded")
    assert len(world.thread(world.card)) == 1


async def test_a_card_deleted_after_its_result_stays_deleted(world: World) -> None:
    await start(world)
    await world.passes(minutes=12)
    world.slack.delete_message(world.card)
    await world.passes(minutes=30)
    assert not [card for card in world.cards() if world.read(card).startswith("✅ Succeeded")]


@pytest.mark.parametrize("error", ["cant_update_message", "edit_window_closed", "block_mismatch", UNKNOWN])
async def test_a_card_that_can_no_longer_be_updated_is_posted_anew_once(world: World, error: str) -> None:
    await start(world)
    world.slack.faults.add(Fault(UPDATE, "error", error=error, times=None))
    await world.passes(minutes=12)
    assert [world.read(card).split("\n")[0].split("  ")[0] for card in world.cards()][1:] == ["✅ Succeeded"]
    assert len(world.thread(world.card)) == 1


@pytest.mark.parametrize("error", examples(UPDATE))
async def test_a_result_survives_every_refused_update(world: World, error: str) -> None:
    await start(world)
    world.slack.faults.add(Fault(UPDATE, "error", error=error, times=3))
    await world.passes(minutes=30)
    assert "✅ Succeeded" in visible(world)


# The announcement.


@pytest.mark.parametrize(
    "error",
    [
        "cannot_reply_to_message",
        "restricted_action_non_threadable_channel",
        "restricted_action_thread_locked",
        "thread_locked",
        UNKNOWN,
    ],
)
async def test_a_result_refused_in_a_thread_is_announced_in_the_channel(world: World, error: str) -> None:
    await start(world)
    thread = {"thread": world.card.ts}
    world.slack.faults.add(Fault(POST, "error", error=error, times=None, where=thread))
    await world.passes(minutes=12)
    assert [text.split()[1].strip("*") for text in map(world.read, world.cards())] == ["Succeeded", "Succeeded"]
    assert not world.letters()


@pytest.mark.parametrize("posting", ["no_threads", "read_only", "threads_only"])
async def test_a_result_is_announced_in_a_channel_with_restricted_posting(world: World, posting: str) -> None:
    await start(world)
    world.ios.posting = posting  # type: ignore[assignment]
    await world.passes(minutes=12)
    assert any("succeeded" in text.lower() for text in announcements(world))


@pytest.mark.parametrize("replies", ["locked", "refused"])
async def test_a_result_is_announced_although_the_thread_of_its_card_is_closed(world: World, replies: str) -> None:
    await start(world)
    world.card.replies = replies  # type: ignore[assignment]
    await world.passes(minutes=12)
    assert any("succeeded" in text.lower() for text in announcements(world))


@pytest.mark.parametrize("error", examples(POST))
async def test_a_result_survives_every_refused_announcement(world: World, error: str) -> None:
    await start(world)
    world.slack.faults.add(Fault(POST, "error", error=error, times=2, where={"channel": world.ios.id}))
    await world.passes(minutes=30)
    assert any("succeeded" in text.lower() for text in announcements(world))


@pytest.mark.parametrize("error", ["not_in_channel", "restricted_action", "posting_to_channel_denied", UNKNOWN])
async def test_a_result_refused_by_the_channel_goes_to_the_person_who_requested_it(world: World, error: str) -> None:
    await start(world)
    world.slack.faults.add(Fault(POST, "error", error=error, times=None, where={"channel": world.ios.id}))
    await world.passes(minutes=12)
    assert any("✅ Succeeded" in letter for letter in world.letters())


# Private replies.


@pytest.mark.parametrize("error", examples("chat.postEphemeral"))
async def test_a_private_reply_survives_every_refusal(world: World, error: str) -> None:
    world.expects_errors = True
    world.slack.faults.add(Fault("response_url", "error", error="used_url", status=404, times=None))
    world.slack.faults.add(Fault("chat.postEphemeral", "error", error=error, times=2))
    await world.say("/build status shop #99")
    await world.passes(minutes=20)
    assert "Couldn't find #99" in "\n".join([*world.whispers(), *world.letters()])


# The log of a failure.


async def fail(world: World) -> Message:
    """Return the card of a build that has just failed; its log is not there yet."""
    world.shop.workflows["broken"] = Workflow(
        timedelta(minutes=2), steps=("git-clone", "xcode-test"), failed_step="xcode-test", log=XCODEBUILD
    )
    await world.say("/build shop broken main")
    await world.passes(seconds=60)
    return world.card


async def test_a_log_is_not_posted_in_the_channel_when_its_message_was_deleted(world: World) -> None:
    card = await fail(world)

    async def delete(facts: Mapping[str, Any]) -> None:
        if card in world.cards():
            world.slack.delete_message(card)

    world.slack.on("chat.getPermalink", "before", delete)
    await world.passes(minutes=10)
    assert world.slack.journal.named("chat.getPermalink")
    assert "Failed in step" not in visible(world)


async def test_a_log_follows_the_card_that_was_posted_anew(world: World) -> None:
    world.slack.delete_message(await fail(world))
    await world.passes(minutes=10)
    assert world.read(world.card).startswith("❌ Failed")
    assert "Failed in step xcode-test" in world.thread(world.card)[-1]
