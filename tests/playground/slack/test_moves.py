"""Ids that change when a workspace joins an organization or a channel moves to another workspace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from copy import deepcopy

import pytest
from aiohttp import ClientSession
from slack_bolt.app.async_app import AsyncApp

from playground.slack import PracticeSlack
from tests.playground.slack.conftest import MANIFEST, Payload, Scene, WatchedClock, listening, refused_with, say


def watching() -> Payload:
    manifest = deepcopy(MANIFEST)
    manifest["settings"]["event_subscriptions"]["bot_events"] = ["channel_id_changed"]
    return manifest


class MovedScene(Scene):
    """The same team with an app that subscribes to changed channel ids."""

    manifest = watching()


@pytest.fixture
def scene(slack: PracticeSlack, clock: WatchedClock, session: ClientSession) -> Scene:
    return MovedScene(slack, clock, session, socket_mode=True)


@pytest.fixture
async def bot(scene: Scene) -> AsyncIterator[AsyncApp]:
    async with listening(scene) as app:
        yield app


async def test_former_ids_are_unknown_after_the_move(scene: Scene) -> None:
    posted = await scene.client.chat_postMessage(channel=scene.ios.id, text="x")
    channel_id, user_id = scene.ios.id, scene.ana.id

    scene.slack.move_team(scene.team, scene.slack.add_organisation("Initech"))

    with refused_with("channel_not_found"):
        await scene.client.chat_update(channel=channel_id, ts=posted["ts"], text="y")
    with refused_with("channel_not_found"):
        await scene.client.chat_postMessage(channel=user_id, text="y")
    with refused_with("user_not_found"):
        await scene.client.users_info(user=user_id)
    assert scene.ana.id.startswith("W")
    await scene.client.chat_update(channel=scene.ios.id, ts=posted["ts"], text="y")
    await scene.client.chat_postMessage(channel=scene.ana.id, text="y")


async def test_a_command_after_the_move_comes_with_the_new_ids(scene: Scene, bot: AsyncApp) -> None:
    heard = say(bot, "/help")
    organisation = scene.slack.add_organisation("Initech")

    scene.slack.move_team(scene.team, organisation)
    await scene.slack.command(scene.ana, scene.ios, "/help")

    (command,) = heard
    assert (command["user_id"], command["channel_id"]) == (scene.ana.id, scene.ios.id)
    assert (command["team_id"], command["enterprise_id"]) == (scene.team.id, organisation.id)
    assert (await scene.client.auth_test())["enterprise_id"] == organisation.id


async def test_who_subscribed_learns_the_new_id_of_a_channel(scene: Scene, bot: AsyncApp) -> None:
    heard: list[Payload] = []
    former = scene.ios.id

    @bot.event("channel_id_changed")
    async def changed(event: Payload) -> None:
        heard.append(event)

    scene.slack.move_team(scene.team, scene.slack.add_organisation("Initech"))
    await scene.slack.quiet()

    (event,) = heard
    assert (event["old_channel_id"], event["new_channel_id"]) == (former, scene.ios.id)


async def test_a_channel_moves_within_its_organization_only(scene: Scene) -> None:
    organisation = scene.slack.add_organisation("Initech")
    west = scene.slack.add_team("West", of=organisation)
    former = scene.ios.id

    with pytest.raises(ValueError, match="not of one organization"):
        scene.slack.move_channel(scene.ios, west)
    scene.slack.move_team(scene.team, organisation)
    scene.slack.move_channel(scene.ios, west)

    assert scene.ios.id != former
    with refused_with("channel_not_found"):
        await scene.client.chat_postMessage(channel=scene.ios.id, text="West has no app")
