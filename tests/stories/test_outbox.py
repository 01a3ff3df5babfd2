"""Messages leave in order, rendered when they are sent, and within Slack's rate limits."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from playground.bitrise import Workflow
from playground.slack import Channel
from playground.wire import Entry, Fault
from storage import outbox as outbox_rows
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
POST, UPDATE = "chat.postMessage", "chat.update"


def taken(world: World, method: str) -> list[Entry]:
    return [entry for entry in world.slack.journal.named(method) if (entry.response.get("body") or {}).get("ok")]


def refused(world: World) -> list[Entry]:
    return [entry for entry in world.slack.journal.named("chat.*") if entry.response.get("status") == 429]


async def test_cards_are_posted_in_the_order_of_the_commands(world: World) -> None:
    for number in range(8):
        await world.say(f"/build shop deploy b{number}")
    await world.passes(seconds=20)
    assert [f"\nb{number}\n" in world.read(card) for number, card in enumerate(world.cards())] == [True] * 8


async def test_delayed_card_is_not_overtaken_by_a_later_one(world: World) -> None:
    world.slack.faults.add(Fault(POST, status=503, times=2))
    await world.say("/build shop deploy first")
    await world.say("/build shop deploy second")
    await world.passes(minutes=1)
    first, second = map(world.read, world.cards())
    assert "first" in first
    assert "second" in second


async def test_result_is_announced_after_the_card_shows_it(world: World) -> None:
    await world.say("/build shop deploy main")
    world.slack.journal.clear()
    await world.passes(minutes=10)
    names = [entry.name for entry in world.slack.journal if entry.name in (POST, UPDATE)]
    assert names[-2:] == [UPDATE, POST]


async def test_only_the_newest_state_is_rendered(world: World) -> None:
    await world.say("/build shop deploy main")
    world.slack.faults.add(Fault(UPDATE, status=429, retry_after=900))
    await world.passes(seconds=60)
    world.slack.journal.clear()
    await world.passes(minutes=20)
    (drawn,) = taken(world, UPDATE)
    assert "succeeded" in drawn.request["text"]


async def test_delayed_card_is_posted_with_its_current_state(world: World) -> None:
    world.slack.faults.add(Fault(POST, status=429, retry_after=900))
    await world.say("/build shop deploy main")
    await world.passes(minutes=20)
    assert world.read(world.card).startswith("✅ Succeeded")
    assert not world.slack.journal.named(UPDATE)


async def test_update_without_a_change_is_not_sent(world: World) -> None:
    await world.say("/build shop endless main")
    await world.passes(seconds=40)
    world.slack.journal.clear()
    await world.stop_bot()
    await world.start_bot()
    await world.settled()
    assert not world.slack.journal.named(UPDATE)


async def test_progress_is_updated_at_most_every_fifteen_seconds(world: World) -> None:
    await world.say("/build shop endless main")
    await world.passes(seconds=30)
    world.slack.journal.clear()
    await world.passes(minutes=5)
    assert 0 < len(taken(world, UPDATE)) <= 20


async def test_unreachable_channel_delays_no_other(world: World) -> None:
    other = world.slack.add_channel(world.team, "other", members=[world.ana])
    world.slack.invite(other, world.app.bot_user)
    world.slack.faults.add(Fault(POST, status=503, times=3))
    await world.say("/build shop deploy main")
    await world.say("/build shop deploy other", at=other)
    await world.passes(minutes=2)
    assert len(world.cards()) == len(world.cards(other)) == 1


# Many at once.


def make_channels(world: World) -> list[Channel]:
    """Add twenty channels with the bot, and a workflow whose builds are held until a test finishes them."""
    world.shop.workflows["held"] = Workflow(None, queue=timedelta(days=1))
    made = [world.slack.add_channel(world.team, f"team-{number}", members=[world.ana]) for number in range(20)]
    for channel in made:
        world.slack.invite(channel, world.app.bot_user)
    return made


def per_minute(entries: list[Entry]) -> int:
    """Return the highest number of entries within any minute."""
    moments = sorted(entry.at for entry in entries)
    minute = timedelta(minutes=1)
    return max(sum(first <= each < first + minute for each in moments) for first in moments)


@pytest.mark.timeout(240)
async def test_a_hundred_results_in_one_minute_are_all_shown(open_world: OpenWorld) -> None:
    world = await open_world(sweep_seconds=30)
    channels = make_channels(world)
    for number in range(100):
        await world.slack.command(world.ana, channels[number % 20], f"/build shop held b{number}")
    await world.passes(minutes=1)
    assert sum(len(world.cards(channel)) for channel in channels) == 100
    world.slack.journal.clear()
    for build in world.builds():
        world.bitrise.finish(build)
    await world.passes(minutes=5)
    shown = Counter(world.read(card).split()[1] for channel in channels for card in world.cards(channel))
    assert shown == {"Succeeded": 100}
    assert sum(len(world.thread(card)) for channel in channels for card in world.cards(channel)) == 100
    assert not refused(world)
    assert per_minute(taken(world, UPDATE)) <= 50
    assert await outbox_rows.count_waiting(world.bot.ctx.db) == 0


@pytest.mark.timeout(240)
async def test_two_hundred_commands_in_a_second_are_all_answered_and_started_once(world: World) -> None:
    channels = make_channels(world)
    deliveries = await asyncio.gather(
        *(world.slack.command(world.ana, channels[number % 20], f"/build shop held b{number}") for number in range(200))
    )
    await world.settled()
    assert [delivery.error for delivery in deliveries if not delivery.ok] == []
    assert [delivery.answer for delivery in deliveries if delivery.answer] == []
    assert Counter(build.branch for build in world.builds()) == {f"b{number}": 1 for number in range(200)}
    await world.passes(minutes=1)
    assert sum(len(world.cards(channel)) for channel in channels) == 200
    assert not refused(world)
