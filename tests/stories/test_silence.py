"""No subscription falls silent: somebody who can repair it is told, and it resumes once it is repaired."""

from __future__ import annotations

import pytest

from bot import apps
from bot.bitrise.client import BitriseClient
from playground.bitrise import Workflow
from playground.slack import Channel
from playground.wire import Fault
from storage import subscriptions as subscription_rows
from tests.world import World


async def paused(world: World, channel: Channel) -> list[bool]:
    rows = await subscription_rows.list_of_channel(world.bot.ctx.db, world.team.id, channel.id)
    return [row.paused_at is not None for row in rows]


def add_ops(world: World) -> Channel:
    return world.slack.add_channel(world.team, "ops", members=[world.ana, world.bo, world.app.bot_user])


async def run_build(world: World, *, minutes: float = 5) -> None:
    world.bitrise.start_build(world.shop, workflow="test", triggered_by="webhook-github/octocat")
    await world.passes(minutes=minutes)


# Apps.


async def test_app_that_the_token_can_no_longer_access_is_reported_and_keeps_its_title(world: World) -> None:
    await world.say('/build subscribe "Android Shop" style:line')
    await world.passes(seconds=20)
    app = world.bitrise.apps.pop(world.droid.slug)
    await world.passes(minutes=60 * 8)
    assert "Notifications for *Android Shop* are paused" in world.sees()
    assert world.sees().count("can no longer access") == 1
    assert "can no longer access *Android Shop*" in world.letters(world.ada)[-1]
    await world.say("/build subscriptions")
    assert "Android Shop" in world.whispers()[-1]
    assert "can no longer access the app" in world.whispers()[-1]
    await world.press(world.whisper(), "Resume")
    assert await paused(world, world.ios) == [True]

    world.bitrise.apps[app.slug] = app
    await world.passes(minutes=60 * 8)
    assert "Notifications for *Android Shop* have resumed" in world.sees()
    assert await paused(world, world.ios) == [False]
    world.bitrise.start_build(app, workflow="test", triggered_by="webhook-github/octocat")
    await world.passes(minutes=20)
    assert "Android Shop · test" in world.sees()


async def test_new_app_is_shown_by_its_title(world: World) -> None:
    await world.say("/build subscribe all style:line")
    await world.passes(seconds=20)
    app = world.bitrise.add_app(
        "Brand New", world.acme, repo_owner="acme", repo_slug="new", workflows={"w": Workflow()}
    )
    world.bitrise.start_build(app, workflow="w", triggered_by="webhook-github/octocat")
    await world.passes(minutes=30)
    assert "Brand New" in world.sees()
    assert app.slug not in world.sees()


async def test_renamed_app_is_shown_by_its_new_title_from_its_next_build_on(world: World) -> None:
    await world.say("/build subscribe shop style:line")
    world.shop.title = "Shop for iOS"
    await run_build(world)
    assert "Shop for iOS" in world.sees()
    await world.say("/build Shop for iOS deploy main")
    assert len(world.builds()) == 2


async def test_app_beyond_those_that_are_listed_is_found_by_its_title(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflows = {name: Workflow() for name in ("test", "deploy")}
    world.bitrise.add_app("Late Shop", world.acme, workflows=workflows)
    for number in range(60):
        world.bitrise.add_app(f"App {number:02}", world.acme, workflows={"w": Workflow()})
    monkeypatch.setattr("bot.apps.MAX_APPS", 50)
    monkeypatch.setattr(BitriseClient.list_all_apps, "__kwdefaults__", {"max_pages": 1})
    for count, workflow in enumerate(("test", "deploy"), start=1):  # also once the list was refreshed
        await apps.refresh(world.bot.ctx, world.team.id)
        await world.say(f'/build "Late Shop" {workflow} main')
        assert len(world.builds()) == count


# Channels.


async def test_channel_resumes_without_anybody_when_it_can_be_posted_to_again(world: World) -> None:
    channel = add_ops(world)
    await world.say("/build subscribe shop style:line", at=channel)
    world.slack.archive(channel)
    await run_build(world)
    await world.passes(minutes=60 * 5)
    assert await paused(world, channel) == [True]
    assert len(world.letters()) == 1
    world.slack.unarchive(channel)
    await world.passes(minutes=60 * 6)
    assert await paused(world, channel) == [False]
    assert "Notifications have resumed" in world.sees(channel)
    await run_build(world)
    assert "#2" in world.sees(channel)
    assert world.sees(channel).count("Notifications have resumed") == 1


async def test_pause_is_told_to_somebody_else_when_its_creator_has_left(world: World) -> None:
    channel = add_ops(world)
    await world.say("/build subscribe shop style:line", at=channel)
    await world.say("/build subscribe shop-android style:line", by=world.bo, at=channel)
    for person in (world.ana, world.bo):
        world.slack.faults.add(
            Fault("chat.postMessage", "error", error="user_disabled", times=None, where={"user": person.id})
        )
    world.slack.archive(channel)
    await run_build(world)
    assert "are paused: the channel is archived" in world.letters(world.ada)[-1]
    assert await paused(world, channel) == [True, True]


async def test_doctor_counts_paused_subscriptions(world: World) -> None:
    channel = add_ops(world)
    await world.say("/build subscribe shop style:line", at=channel)
    await world.say("/build doctor")
    assert "Paused:" not in world.whispers()[-1]
    world.slack.archive(channel)
    await run_build(world)
    await world.say("/build doctor")
    assert "Paused: 1 subscription." in world.whispers()[-1]
