"""A mention of the bot gets one reply that teaches the slash command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from playground.slack import payloads
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
BOTH_MODES = pytest.mark.parametrize("socket_mode", [True, False], ids=["socket", "http"])


async def mention(world: World, text: str = "@buildbell build the shop, please") -> None:
    await world.slack.post(world.ana, world.ios, text)
    await world.settled()


@BOTH_MODES
async def test_mention_gets_a_private_reply_that_teaches_the_command(open_world: OpenWorld, socket_mode: bool) -> None:
    world = await open_world(socket_mode=socket_mode)
    await mention(world)
    [reply] = world.whispers()
    for part in ("/build opens a form", "/build shop deploy main starts one", "/build help shows all commands"):
        assert part in reply.replace("`", "")
    assert world.builds() == []


async def test_channel_gets_one_reply_per_hour_also_after_a_restart(world: World) -> None:
    await mention(world)
    await world.passes(minutes=30)
    await mention(world)
    await world.stop_bot()
    await world.start_bot()
    await mention(world)
    assert len(world.whispers()) == 1
    await world.passes(minutes=31)
    await mention(world)
    assert len(world.whispers()) == 2


async def test_each_channel_gets_its_own_reply_and_settings_stay(world: World) -> None:
    other = world.slack.add_channel(world.team, "android", members=[world.ana])
    world.slack.invite(other, world.app.bot_user)
    await world.say("/build settings")
    await world.submit({"settings.finish-in": "channel"})
    await mention(world)
    await world.slack.post(world.ana, other, "@buildbell hi")
    await world.settled()
    assert any("/build help" in text for text in world.whispers())
    assert any("/build help" in text for text in world.whispers(at=other))
    rows = await world.bot.ctx.db.fetch_all(
        "select finish_in from channels where channel_id = :channel_id", channel_id=world.ios.id
    )
    assert [row["finish_in"] for row in rows] == ["channel"]


async def test_bots_edits_and_people_of_other_workspaces_get_no_reply(world: World) -> None:
    facts = {"type": "app_mention", "channel": world.ios.id, "ts": "1.2", "text": "hi"}
    for more in (
        {"user": world.bo.id, "bot_id": "B1"},
        {"user": world.bo.id, "subtype": "bot_message"},
        {},
        {"user": world.stranger.id, "user_team": world.partner.id},
    ):
        body = payloads.event(world.app, facts | more, event_id="Ev1", event_time=1, channel=world.ios)
        await world.slack.courier.deliver(world.slack.courier.prepare("events_api", "app_mention", world.app, body))
    await world.settled()
    assert [world.slack.ephemerals(person, world.ios) for person in (world.ana, world.bo, world.stranger)] == [[]] * 3


async def test_without_the_optional_scope_nothing_is_sent(open_world: OpenWorld) -> None:
    world = await open_world(declined_scopes=("app_mentions:read",))
    await mention(world)
    assert world.whispers() == []
    assert world.slack.journal.named("app_mention") == []
