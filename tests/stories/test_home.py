"""The Home tab: how it stands with Bitrise, my builds, a way to start one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from playground.plain_text import view_text
from playground.slack import User, View
from playground.wire import Fault
from tests.world import World


async def home(world: World, of: User | None = None) -> View:
    await world.slack.open_home(of or world.ana, world.app)
    await world.settled()
    view = world.slack.home(of or world.ana)
    assert view is not None
    return view


async def read(world: World, of: User | None = None) -> str:
    return view_text((await home(world, of)).body, {world.ada.id: "ada"})


async def test_it_says_who_connected_as_whom(world: World) -> None:
    assert "*Connected to Bitrise* as ci-bot. Connected by @ada" in await read(world)


async def test_without_a_token_admins_can_connect_from_here(open_world: Callable[..., Awaitable[World]]) -> None:
    world = await open_world(connected=False)
    view = await home(world, world.ada)
    assert "Bitrise isn't connected yet" in view_text(view.body)
    await world.slack.press_in_view(world.ada, view, "Connect Bitrise")
    await world.settled()
    await world.submit({"connect.token": world.token}, by=world.ada)
    assert "Connected as ci-bot" in world.modal_text(world.ada)


async def test_without_a_token_nobody_is_offered_a_start(open_world: Callable[..., Awaitable[World]]) -> None:
    world = await open_world(connected=False)
    assert "[Start a build]" not in await read(world)


async def test_only_admins_are_offered_to_replace_the_token(world: World) -> None:
    assert "Replace the Bitrise token" not in await read(world, world.ana)
    assert "[Replace the Bitrise token]" in await read(world, world.ada)


async def test_my_running_builds_are_there_and_not_those_of_others(world: World) -> None:
    await world.say("/build shop deploy main")
    await world.say("/build shop-android test main", by=world.bo)
    told = await read(world)
    assert "iOS Shop · deploy" in told
    assert "Android Shop" not in told


async def test_my_recent_builds_are_there(world: World) -> None:
    await world.say("/build shop deploy main")
    await world.passes(minutes=10)
    told = await read(world)
    assert "None of your builds is running." in told
    assert "✅ iOS Shop · #1 deploy" in told


async def test_without_builds_it_says_what_will_be_here(world: World) -> None:
    assert "Builds you start from Slack appear here." in await read(world)


async def test_refresh_shows_what_has_happened_since(world: World) -> None:
    await world.say("/build shop deploy main")
    view = await home(world)
    await world.passes(minutes=10)
    await world.slack.press_in_view(world.ana, view, "Refresh")
    await world.settled()
    assert "None of your builds is running." in view_text(view.body)


async def test_a_running_build_can_be_stopped_from_here(world: World) -> None:
    await world.say("/build shop endless main")
    view = await home(world)
    await world.slack.press_in_view(world.ana, view, "Stop…")
    await world.settled()
    await world.submit({"abort.reason": "wrong-target", "abort.sentence": "wrong branch"})
    assert len(world.bitrise.aborts) == 1


async def test_many_builds_fit(world: World) -> None:
    for number in range(25):
        await world.say(f"/build shop endless branch-{number}")
    assert (await read(world)).count("[Stop…]") == 15


async def test_slack_in_trouble_is_no_bug(world: World) -> None:
    world.slack.faults.add(Fault("views.publish", kind="status", status=500))
    await world.slack.open_home(world.ana, world.app)
    await world.settled()
    assert "Connected to Bitrise" in await read(world)


async def test_the_messages_tab_publishes_nothing(world: World) -> None:
    await world.slack.open_home(world.bo, world.app, tab="messages")
    await world.settled()
    assert world.slack.home(world.bo) is None
