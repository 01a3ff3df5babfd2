"""Channel changes: their events, and the errors for a bot that lost access."""

from __future__ import annotations

from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any

import pytest
from aiohttp import ClientSession
from slack_bolt.app.async_app import AsyncApp

from playground.slack import PracticeSlack
from tests.playground.slack.conftest import MANIFEST, Payload, Scene, WatchedClock, listening, refused_with

EVENTS = ("channel_rename", "channel_archive", "channel_unarchive", "channel_left", "member_left_channel")


def watching() -> Payload:
    """Return the manifest of an app that subscribes to channel events and posts in its own channels."""
    manifest = deepcopy(MANIFEST)
    manifest["oauth_config"]["scopes"] = {"bot": ["commands", "chat:write", "channels:read", "groups:read"]}
    manifest["settings"]["event_subscriptions"]["bot_events"] = list(EVENTS)
    return manifest


class WatchedScene(Scene):
    """The same team with such an app."""

    manifest = watching()


@pytest.fixture
def scene(slack: PracticeSlack, clock: WatchedClock, session: ClientSession) -> WatchedScene:
    return WatchedScene(slack, clock, session, socket_mode=True)


@pytest.fixture
async def bot(scene: WatchedScene) -> AsyncIterator[AsyncApp]:
    async with listening(scene) as app:
        yield app


async def card(scene: Scene) -> dict[str, Any]:
    posted = await scene.client.chat_postMessage(channel=scene.ios.id, text="card")
    return {"channel": posted["channel"], "ts": posted["ts"], "text": "redrawn"}


async def test_in_an_archived_channel_nothing_is_posted_or_redrawn(scene: Scene) -> None:
    known = await card(scene)

    scene.slack.archive(scene.ios)

    with refused_with("is_archived"):
        await scene.client.chat_postMessage(channel=scene.ios.id, text="x")
    with refused_with("is_inactive"):
        await scene.client.chat_update(**known)
    assert (await scene.client.conversations_info(channel=scene.ios.id))["channel"]["is_archived"]
    scene.slack.unarchive(scene.ios)
    await scene.client.chat_update(**known)


async def test_removed_from_a_public_channel_the_bot_is_not_in_it(scene: Scene) -> None:
    known = await card(scene)

    scene.slack.remove(scene.ios, scene.app)

    with refused_with("not_in_channel"):
        await scene.client.chat_postMessage(channel=scene.ios.id, text="x")
    with refused_with("not_in_channel"):
        await scene.client.chat_update(**known)
    assert not (await scene.client.conversations_info(channel=scene.ios.id))["channel"]["is_member"]


async def test_a_private_channel_does_not_exist_for_a_bot_that_is_not_in_it(scene: Scene) -> None:
    known = await card(scene)

    scene.slack.make_private(scene.ios)
    assert (await scene.client.conversations_info(channel=scene.ios.id))["channel"]["is_private"]
    await scene.client.chat_update(**known)
    scene.slack.remove(scene.ios, scene.app)

    with refused_with("channel_not_found"):
        await scene.client.chat_postMessage(channel=scene.ios.id, text="x")
    with refused_with("channel_not_found"):
        await scene.client.chat_update(**known)
    with refused_with("channel_not_found"):
        await scene.client.conversations_info(channel=scene.ios.id)


async def test_a_deleted_message_is_gone(scene: Scene) -> None:
    known = await card(scene)
    (message,) = scene.slack.messages(scene.ios)

    scene.slack.delete_message(message)

    assert scene.slack.messages(scene.ios) == []
    with refused_with("message_not_found"):
        await scene.client.chat_update(**known)


async def test_a_renamed_channel_keeps_its_id(scene: Scene) -> None:
    scene.slack.rename(scene.ios, "apple")

    shown = (await scene.client.conversations_info(channel=scene.ios.id))["channel"]
    assert (shown["name"], shown["previous_names"]) == ("apple", ["ios"])
    with refused_with("channel_not_found"):
        await scene.client.chat_postMessage(channel="#ios", text="x")
    with pytest.raises(ValueError, match="already"):
        scene.slack.rename(scene.slack.add_channel(scene.team, "android"), "apple")


async def test_who_subscribed_hears_what_became_of_the_channel(scene: Scene, bot: AsyncApp) -> None:
    heard: list[Payload] = []
    for name in EVENTS:
        bot.event(name)(listener(heard))

    scene.slack.rename(scene.ios, "apple")
    await scene.slack.quiet()
    scene.slack.archive(scene.ios)
    await scene.slack.quiet()
    scene.slack.unarchive(scene.ios)
    await scene.slack.quiet()
    scene.slack.remove(scene.ios, scene.bo)
    await scene.slack.quiet()
    scene.slack.remove(scene.ios, scene.app)
    await scene.slack.quiet()

    assert [event["type"] for event in heard] == [
        "channel_rename",
        "channel_archive",
        "channel_unarchive",
        "member_left_channel",
        "channel_left",
    ]
    assert heard[0]["channel"]["name"] == "apple"
    assert (heard[3]["user"], heard[3]["channel"]) == (scene.bo.id, scene.ios.id)


async def test_without_the_scope_or_a_seat_nothing_is_heard(scene: Scene, bot: AsyncApp) -> None:
    heard: list[Payload] = []
    for name in EVENTS:
        bot.event(name)(listener(heard))
    secret = scene.slack.add_channel(scene.team, "secret", private=True, members=[scene.ana])

    scene.slack.archive(secret)
    scene.app.scopes = ("chat:write",)
    scene.slack.archive(scene.ios)
    await scene.slack.quiet()

    assert heard == []


def listener(heard: list[Payload]) -> Any:
    async def listen(event: Payload) -> None:
        heard.append(event)

    return listen
