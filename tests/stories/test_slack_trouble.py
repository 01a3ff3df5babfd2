"""Slack is busy, away, refuses, repeats itself or disconnects: messages still arrive, nothing happens twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Literal

import aiohttp
import pytest

from bot import logs as log
from playground.slack import Channel, Message
from playground.slack.signed_http import Signing
from playground.wire import Fault
from storage import outbox as outbox_rows
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
TYPED = "/build shop deploy main"
GONE = ["iOS Shop · deploy", "Posted here because Buildbell can't post in that channel"]

PASSING = [
    Fault(status=429, retry_after=3),
    Fault(status=429),
    Fault(kind="error", error="ratelimited", status=429, retry_after=2),
    Fault(status=503),
    Fault(kind="error", error="internal_error"),
    Fault(kind="body", body="<html>"),
    Fault(kind="cut_before"),
    Fault(kind="slow", delay=0.05),
]


def called(fault: Fault) -> str:
    return " ".join(str(part) for part in (fault.kind, fault.status, fault.error) if part is not None)


def at(method: str, fault: Fault, **changes: Any) -> Fault:
    fields = {name: getattr(fault, name) for name in fault.__dataclass_fields__}
    return Fault(**(fields | {"name": method} | changes))


# Posting and updating.


@pytest.mark.parametrize("fault", PASSING, ids=called)
async def test_card_that_could_not_be_posted_is_posted_once_later(world: World, fault: Fault) -> None:
    world.slack.faults.add(at("chat.postMessage", fault, times=2))
    await world.say(TYPED)
    await world.passes(minutes=2)
    assert len(world.cards()) == 1


@pytest.mark.parametrize("fault", [*PASSING, Fault(kind="cut_after")], ids=called)
async def test_card_that_could_not_be_updated_still_shows_the_result(world: World, fault: Fault) -> None:
    await world.say(TYPED)
    world.slack.faults.add(at("chat.update", fault, times=3))
    await world.passes(minutes=10)
    assert world.read(world.card).startswith("✅ Succeeded")
    assert len(world.cards()) == 1


async def test_post_whose_response_was_lost_is_repeated_at_most_once(world: World) -> None:
    world.slack.faults.add(Fault("chat.postMessage", "cut_after"))
    await world.say(TYPED)
    await world.passes(minutes=10)
    assert len(world.cards()) == 2
    assert world.read(world.card).startswith("✅ Succeeded")
    assert len(world.bitrise.triggers) == 1


@pytest.mark.parametrize("fault", PASSING, ids=called)
async def test_result_is_announced_once_through_any_trouble(world: World, fault: Fault) -> None:
    await world.say(TYPED)
    world.slack.faults.add(at("chat.postMessage", fault, times=2))
    await world.passes(minutes=12)
    assert len(world.thread(world.card)) == 1


async def test_nothing_is_sent_while_slack_asks_for_a_pause(world: World) -> None:
    world.slack.faults.add(Fault("chat.postMessage", status=429, retry_after=30))
    await world.say(TYPED)
    posts = len(world.slack.journal.named("chat.postMessage"))
    await world.passes(seconds=29)
    assert len(world.slack.journal.named("chat.postMessage")) == posts
    await world.passes(seconds=2)
    assert len(world.cards()) == 1


# Unreachable channels.


@pytest.fixture
async def private(world: World) -> Channel:
    """Return a private channel of Ana's without the bot."""
    return world.slack.add_channel(world.team, "secret", private=True, members=[world.ana])


async def test_card_from_an_unreachable_channel_goes_to_the_requester_and_explains(
    world: World, private: Channel
) -> None:
    await world.say(TYPED, at=private)
    (letter,) = world.letters()
    assert all(words in letter for words in GONE)


async def test_private_reply_still_appears_in_an_unreachable_channel(world: World, private: Channel) -> None:
    await world.say("/build status", at=private)
    assert world.whispers(world.ana, private)


async def test_rerouted_card_is_still_updated(world: World, private: Channel) -> None:
    await world.say(TYPED, at=private)
    await world.passes(minutes=10)
    assert world.letters()[0].startswith("✅ Succeeded")
    assert not world.cards()


async def test_next_card_goes_to_the_requester_after_the_bot_was_removed(world: World) -> None:
    world.slack.faults.add(Fault("chat.postMessage", "error", error="not_in_channel"))
    await world.say(TYPED)
    (letter,) = world.letters()
    assert all(words in letter for words in GONE)


async def test_result_goes_to_the_requester_when_the_channel_was_archived(world: World) -> None:
    await world.say(TYPED)
    world.slack.archive(world.ios)
    await world.passes(minutes=10)
    told = world.letters()
    assert "✅ Succeeded" in told[0]
    assert all(words in told[0] for words in GONE)


async def test_unreachable_channel_and_requester_end_silently(world: World) -> None:
    world.slack.faults.add(Fault("chat.postMessage", "error", error="channel_not_found", times=None))
    await world.say(TYPED)
    await world.passes(minutes=10)
    assert len(world.bitrise.triggers) == 1
    assert await outbox_rows.count_waiting(world.bot.ctx.db) == 0


async def delete(world: World, message: Message) -> None:
    world.ios.remove(message)
    await world.settled()


async def test_deleted_card_is_posted_once_more_with_the_result(world: World) -> None:
    await world.say(TYPED)
    await delete(world, world.card)
    await world.passes(minutes=5)
    assert not world.cards()
    await world.passes(minutes=5)
    assert world.read(world.card).startswith("✅ Succeeded")
    assert len(world.thread(world.card)) == len(world.cards()) == 1
    assert await outbox_rows.count_waiting(world.bot.ctx.db) == 0
    assert len(world.slack.journal.named("chat.update")) == 1


async def test_second_card_of_a_build_outlives_a_deleted_one(world: World) -> None:
    await world.say(TYPED)
    await world.say("/build shop #1", by=world.bo)
    await delete(world, world.cards()[0])
    await world.passes(minutes=10)
    assert world.read(world.card).startswith("✅ Succeeded")


async def test_messages_wait_while_the_bot_token_is_refused(world: World) -> None:
    world.expects_errors = True
    fault = Fault("chat.*", "error", error="token_revoked", times=None)
    world.slack.faults.add(fault)
    await world.say(TYPED)
    await world.passes(minutes=20)
    assert not world.cards()
    world.slack.faults.clear()
    await world.passes(minutes=10)
    assert world.read(world.card).startswith("✅ Succeeded")


async def test_waiting_messages_are_sent_after_a_restart(world: World) -> None:
    world.expects_errors = True
    world.slack.faults.add(Fault("chat.*", "error", error="token_revoked", times=None))
    await world.say(TYPED)
    world.slack.faults.clear()
    await world.restart_bot()
    await world.passes(minutes=10)
    assert len(world.cards()) == 1


async def test_card_with_invalid_blocks_is_posted_as_plain_text(world: World) -> None:
    world.expects_errors = True
    world.slack.faults.add(Fault("chat.postMessage", "error", error="invalid_blocks"))
    await world.say(TYPED)
    assert world.read(world.card) == "⏳ iOS Shop deploy #1 is queued (main)"


async def test_update_with_invalid_blocks_is_sent_as_plain_text(world: World) -> None:
    world.expects_errors = True
    await world.say(TYPED)
    await world.passes(minutes=7)
    world.slack.faults.add(Fault("chat.update", "error", error="invalid_blocks"))
    await world.passes(minutes=3)
    assert "✅ iOS Shop deploy #1 succeeded after 7 min (main)" in world.card.text


async def test_private_reply_with_invalid_blocks_becomes_plain_text(world: World) -> None:
    world.expects_errors = True
    world.slack.faults.add(Fault("response_url", "error", error="invalid_blocks", status=400))
    await world.say("/build status shop #99")
    assert "Couldn't find #99" in world.whispers()[-1]


# Private replies.


@pytest.mark.parametrize("error", ["used_url", "expired_url", "no_such_url"])
async def test_private_reply_falls_back_to_the_channel_without_its_response_url(world: World, error: str) -> None:
    world.slack.faults.add(Fault("response_url", "error", error=error, status=404))
    await world.say("/build status shop #99")
    assert "Couldn't find #99" in world.whispers()[-1]
    assert world.slack.journal.named("chat.postEphemeral")


async def test_private_reply_falls_back_to_a_direct_message(world: World, private: Channel) -> None:
    world.slack.faults.add(Fault("response_url", "error", error="used_url", status=404))
    await world.say("/build status shop #99", at=private)
    assert "Couldn't find #99" in world.letters()[-1]


async def test_reply_after_half_an_hour_still_arrives(world: World) -> None:
    world.bitrise.faults.add(Fault("builds.trigger", status=429, retry_after=600))
    world.bitrise.faults.add(Fault("builds.trigger", status=500, times=None))
    await world.say(TYPED)
    await world.passes(minutes=45)
    assert "Not started" in "".join([*world.whispers(), *world.letters()])


@pytest.mark.parametrize("fault", PASSING, ids=called)
async def test_private_reply_arrives_once_through_any_trouble(world: World, fault: Fault) -> None:
    world.slack.faults.add(at("response_url", fault))
    await world.say("/build status shop #99")
    await world.passes(minutes=2)
    assert len([told for told in world.whispers() if "Couldn't find #99" in told]) == 1


# Forms.


async def late(world: World) -> None:
    """Delay every delivery to the bot by 4 s from now on."""

    async def pass_by(facts: Any) -> None:
        world.clock.move_to(world.clock.now() + timedelta(seconds=4))

    world.slack.on("views.open", "before", pass_by)


@pytest.mark.parametrize("typed", ["/build", "/build abort shop #1", "/build settings", "/build again shop #1 form"])
async def test_form_that_opens_too_late_is_explained(world: World, typed: str) -> None:
    await world.say(TYPED)
    await late(world)
    told = await world.say(typed)
    assert told.ok
    assert "Try again." in world.whispers()[-1]


async def test_stop_form_that_opens_too_late_is_explained(world: World) -> None:
    await world.say(TYPED)
    await late(world)
    await world.press(world.card, "Stop…")
    assert "Try again." in world.whispers()[-1]


@pytest.mark.parametrize("fault", [each for each in PASSING if each.kind != "slow"], ids=called)
async def test_form_that_slack_does_not_open_is_explained(world: World, fault: Fault) -> None:
    world.slack.faults.add(at("views.open", fault))
    told = await world.say("/build")
    assert told.ok
    assert "Slack" in world.whispers()[-1]


async def test_closed_form_breaks_nothing(world: World) -> None:
    await world.say(TYPED)
    world.slack.faults.add(Fault("views.update", "error", error="not_found"))
    await world.say("/build abort shop #1")
    assert "not_found" in world.whispers()[-1]


async def test_home_that_cannot_be_published_breaks_nothing(world: World) -> None:
    world.slack.faults.add(Fault("views.publish", status=500))
    assert await world.slack.open_home(world.ana, world.app)
    await world.settled()
    await world.slack.open_home(world.ana, world.app)
    await world.settled()
    assert world.slack.home(world.ana)


# Bugs.


async def test_bug_in_a_background_task_is_reported_to_the_person_who_waits(world: World) -> None:
    world.expects_errors = True
    await world.say(TYPED)
    await world.bot.ctx.db.execute("alter table message_builds rename to elsewhere")
    await world.say("/build shop #1")
    assert "Something went wrong" in world.whispers()[-1]


# Socket Mode.


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_commands_arrive_after_the_socket_was_replaced(
    world: World, reason: Literal["warning", "refresh_requested"]
) -> None:
    (before,) = world.slack.sockets.of(world.app.app)
    await world.slack.sockets.disconnect(reason)
    await world.slack.sockets.replaced(before)
    await world.say(TYPED)
    assert len(world.builds()) == 1


async def test_socket_cut_during_work_loses_nothing(world: World) -> None:
    async def cut(facts: Any) -> None:
        world.slack.sockets.cut()

    (before,) = world.slack.sockets.of(world.app.app)
    world.bitrise.on("builds.trigger", "accepted", cut)
    await world.slack.command(world.ana, world.ios, TYPED)
    await world.slack.sockets.replaced(before)
    await world.passes(minutes=10)
    assert len(world.builds()) == 1
    assert world.read(world.card).startswith("✅ Succeeded")


# HTTP.


@pytest.fixture
async def by_http(open_world: OpenWorld) -> World:
    return await open_world(socket_mode=False)


async def test_start_and_result_over_http(by_http: World) -> None:
    await by_http.say(TYPED)
    await by_http.passes(minutes=10)
    assert by_http.read(by_http.card).startswith("✅ Succeeded")
    assert len(by_http.thread(by_http.card)) == 1


async def test_stop_over_http(by_http: World) -> None:
    await by_http.say("/build shop endless main")
    await by_http.stop_build(by_http.card, by=by_http.bo)
    assert "Stopped by @bo – wrong branch or workflow" in by_http.read(by_http.card)


BODY = b"command=%2Fbuild&text=shop+deploy+main+SECRET%3Dhush-hush&team_id=T1&user_id=U1&trigger_id=1&response_url="


async def knock(world: World, signing: Signing) -> int:
    """Send a command like Slack, signed like that; return the status of the response."""
    headers = signing.headers(world.app.signing_secret, BODY) | {"Content-Type": "application/x-www-form-urlencoded"}
    url = f"http://127.0.0.1:{world.bot.port}/slack/events"
    async with aiohttp.ClientSession() as session, session.post(url, data=BODY, headers=headers) as answer:
        return answer.status


@pytest.mark.parametrize(
    "signing",
    [
        Signing(secret="another"),
        Signing(signature=""),
        Signing(signature="v0=0"),
        Signing(timestamp="1000000000"),
        Signing(timestamp="99999999999"),
        Signing(timestamp=""),
        Signing(timestamp="soon"),
        Signing(timestamp="1700000000.5"),
        Signing(timestamp="-1700000000"),
        Signing(timestamp="9" * 5000),
    ],
    ids=lambda signing: str(signing)[:60],
)
async def test_request_not_signed_by_slack_is_refused(by_http: World, signing: Signing) -> None:
    assert await knock(by_http, signing) == 401
    assert not by_http.builds()


@pytest.mark.usefixtures("own_logging")
@pytest.mark.parametrize("signing", [Signing(), Signing(secret="another")], ids=["signed", "forged"])
async def test_request_body_is_never_logged(
    by_http: World, capsys: pytest.CaptureFixture[str], signing: Signing
) -> None:
    log.configure("DEBUG", "text")
    await knock(by_http, signing)
    await by_http.say("/build shop deploy main SECRET=hush-hush")
    written = capsys.readouterr().err
    assert "build started" in written
    assert "hush-hush" not in written


@pytest.mark.parametrize("fault", [Fault(status=429, retry_after=3), Fault(status=500)], ids=called)
async def test_form_that_slack_does_not_open_can_be_requested_again(world: World, fault: Fault) -> None:
    world.slack.faults.add(at("views.open", fault))
    await world.say("/build")
    assert "Try again in a moment." in world.whispers()[-1]
