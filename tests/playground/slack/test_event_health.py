"""Slack switches an app's events off when it acknowledges too few of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp

from playground.slack import Delivery, Limits
from playground.slack.event_health import EventHealth
from tests.playground.slack.conftest import Scene, say


@pytest.fixture
async def sick_scene(web_scene: Scene) -> AsyncIterator[Scene]:
    """Serve an app that answers events with 500, and spare it below 20 events an hour."""
    scene = web_scene
    scene.slack.limits.spared_events = 20

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=500, headers={"x-slack-no-retry": "1"})

    app = web.Application()
    app.router.add_post("/slack/events", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    scene.app.request_url = f"http://{host}:{port}/slack/events"
    yield scene
    await runner.cleanup()


async def opened(scene: Scene, times: int) -> list[Delivery | None]:
    return [await scene.slack.open_home(scene.ana, scene.app) for _ in range(times)]


async def test_events_are_switched_off_when_over_95_percent_fail(sick_scene: Scene) -> None:
    await opened(sick_scene, 19)
    states = [sick_scene.app.app.events_on]

    await opened(sick_scene, 1)

    states.append(sick_scene.app.app.events_on)
    assert states == [True, False]
    assert await opened(sick_scene, 1) == [None]
    sick_scene.app.app.events_on = True
    assert await opened(sick_scene, 1) != [None]


async def test_only_the_last_hour_counts(sick_scene: Scene) -> None:
    await opened(sick_scene, 19)
    sick_scene.clock.move_to(sick_scene.clock.now() + timedelta(minutes=61))

    await opened(sick_scene, 19)

    assert sick_scene.app.app.events_on


async def test_an_app_with_few_events_is_spared(sick_scene: Scene) -> None:
    sick_scene.slack.limits.spared_events = 1000

    await opened(sick_scene, 30)

    assert sick_scene.app.app.events_on


def test_one_acknowledged_event_in_twenty_is_enough(scene: Scene) -> None:
    health, app = EventHealth(Limits(spared_events=20)), scene.app.app
    states = []
    for failures in range(21):
        health.count(app, scene.clock.now(), ok=failures == 0)
        states.append(app.events_on)

    assert states == [True] * 20 + [False]


async def test_commands_arrive_although_events_are_off(scene: Scene, bot: AsyncApp) -> None:
    heard = say(bot, "/help")
    scene.app.app.events_on = False

    assert (await scene.slack.command(scene.ana, scene.ios, "/help")).ok
    assert len(heard) == 1
