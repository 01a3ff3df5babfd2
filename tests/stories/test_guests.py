"""Guests of the workspace see and read; starting, stopping, logs and settings are for members."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from playground.slack import Guest, User
from playground.wire import Fault
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
REFUSED = "Guests can view builds but can't do that."


def add_guest(world: World, guest: Guest = "multi_channel") -> User:
    person = world.slack.add_user(world.team, "gus", guest=guest)
    world.slack.invite(world.ios, person)
    return person


@pytest.mark.parametrize("guest", ["multi_channel", "single_channel"])
async def test_a_guest_cannot_start_a_build(world: World, guest: Guest) -> None:
    gus = add_guest(world, guest)
    await world.say("/build shop deploy main", by=gus)
    assert REFUSED in world.whispers(gus)[-1]
    assert not world.builds()


@pytest.mark.parametrize(
    "typed",
    [
        "", "shop deploy main", "shop", "preset save beta shop deploy main", "preset remove beta", "form",
        "abort shop #1 stuck", "abort shop", "stop shop branch:main", "again shop #1",
        "again shop #1 form", "log shop #1", "settings", "subscribe shop", "subscribe", "unsubscribe shop", "digest",
        "digest off shop", "import shop", "import stop",
    ],
)  # fmt: skip
async def test_a_guest_cannot_type_what_changes_something(world: World, typed: str) -> None:
    gus = add_guest(world)
    await world.say("/build shop endless main")
    await world.say("/build subscribe shop")
    before = await stored(world)
    await world.say(f"/build {typed}", by=gus)
    assert REFUSED in world.whispers(gus)[-1]
    assert not world.slack.views(gus)
    assert await stored(world) == before
    assert [build.is_finished for build in world.builds()] == [False]


async def stored(world: World) -> list[object]:
    tables = ("presets", "subscriptions", "digests", "requests", "channels", "imports")
    return [[dict(row) for row in await world.bot.ctx.db.fetch_all(f"select * from {table}")] for table in tables]


@pytest.mark.parametrize(
    "typed", ["status", "status shop #1", "list shop", "artifacts shop #1", "help", "doctor", "me"]
)
async def test_a_guest_can_look(world: World, typed: str) -> None:
    gus = add_guest(world)
    await world.say("/build shop deploy main")
    await world.passes(minutes=20)
    await world.say(f"/build {typed}", by=gus)
    assert not any(REFUSED in text for text in world.whispers(gus))
    assert world.whispers(gus) or world.slack.views(gus)


async def test_a_guest_cannot_press_what_changes_something(world: World) -> None:
    gus = add_guest(world)
    await world.say("/build shop endless main")
    await world.press(world.cards()[0], "Stop…", by=gus)
    assert REFUSED in world.whispers(gus)[-1]
    assert not world.slack.views(gus)
    await world.say("/build abort shop #1 stuck")
    await world.submit({"abort.reason": "stuck"})
    await world.passes(minutes=1)
    await world.press(world.cards()[0], "Rerun", by=gus)
    assert REFUSED in world.whispers(gus)[-1]
    assert len(world.builds()) == 1


async def test_somebody_who_became_a_guest_cannot_submit_what_was_open(world: World) -> None:
    await world.say("/build form")
    world.ana.guest = "multi_channel"
    await world.passes(minutes=11)
    await world.submit({"start.app": "iOS Shop", "start.target": "Trigger map", "start.branch": "main"})
    assert REFUSED in world.modal_text()
    assert not world.builds()


async def test_a_setting_allows_guests(open_world: OpenWorld) -> None:
    world = await open_world(allow_guests=True)
    gus = add_guest(world)
    await world.say("/build shop deploy main", by=gus)
    assert len(world.builds()) == 1
    assert not [each for each in world.slack.journal.named("users.info") if each.request.get("user") == gus.id]


async def test_slack_is_asked_once_in_a_while(world: World) -> None:
    for branch in ("main", "develop", "release"):
        await world.say(f"/build shop deploy {branch}")
    asked = [entry for entry in world.slack.journal.named("users.info") if entry.request.get("user") == world.ana.id]
    assert len(asked) == 1


async def test_while_slack_cannot_say_everybody_counts_as_a_member(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.slack.faults.add(Fault("users.info", status=503, times=None))
    await world.say("/build shop deploy main")
    await world.say("/build shop deploy develop", by=world.bo)
    assert len(world.builds()) == 2
    assert caplog.text.count("did not say who is a guest") == 1


async def test_while_slack_cannot_say_a_guest_stays_one(world: World) -> None:
    gus = add_guest(world)
    await world.say("/build shop deploy main", by=gus)
    world.slack.faults.add(Fault("users.info", status=503, times=None))
    await world.passes(minutes=11)
    await world.say("/build shop deploy main", by=gus)
    assert REFUSED in world.whispers(gus)[-1]
    assert not world.builds()
