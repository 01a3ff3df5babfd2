"""Deliveries to the app: reconnecting sockets, redelivery, retries over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, web
from slack_bolt.app.async_app import AsyncApp

from tests.playground.slack.conftest import Payload, Scene, refused_with, say


@asynccontextmanager
async def socket(scene: Scene) -> AsyncIterator[ClientWebSocketResponse]:
    """Open a bare Socket Mode connection and read its hello."""
    opened = await scene.client.apps_connections_open(app_token=scene.app.app_token)
    async with scene.session.ws_connect(opened["url"], autoping=False) as connection:
        assert (await connection.receive_json())["type"] == "hello"
        yield connection


async def next_of(connection: ClientWebSocketResponse) -> Payload:
    received: Payload = await connection.receive_json()
    return received


async def test_an_envelope_is_acked_by_its_id(scene: Scene) -> None:
    async with socket(scene) as connection:
        asked = asyncio.create_task(scene.slack.command(scene.ana, scene.ios, "/help"))
        envelope = await next_of(connection)
        await connection.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "hi"}})
        delivery = await asked

    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    assert envelope["payload"]["command"] == "/help"
    assert (envelope["retry_attempt"], envelope["retry_reason"]) == (0, "")
    assert delivery.answer == {"text": "hi"}


async def test_what_is_not_acked_comes_again_with_the_same_id(scene: Scene) -> None:
    scene.slack.limits.ack_seconds = 0.05
    async with socket(scene) as connection:
        delivery = await scene.slack.command(scene.ana, scene.ios, "/help")
        first, second = await next_of(connection), await next_of(connection)
        await connection.send_json({"envelope_id": second["envelope_id"]})
        await scene.slack.quiet()

    assert delivery.error == "operation_timeout"
    assert first["envelope_id"] == second["envelope_id"]
    assert (second["retry_attempt"], second["retry_reason"]) == (1, "timeout")
    assert first["payload"] == second["payload"]


async def test_later_tries_follow_the_clock(scene: Scene) -> None:
    scene.slack.limits.ack_seconds = 0.02
    async with socket(scene) as connection:
        await scene.slack.command(scene.ana, scene.ios, "/help")
        attempts = [(await next_of(connection))["retry_attempt"] for _ in range(2)]
        for _ in range(2):
            await scene.clock.slept.get()
            scene.clock.move_to(scene.clock.now() + timedelta(seconds=4))
            attempts.append((await next_of(connection))["retry_attempt"])

    assert attempts == [0, 1, 2, 3]


async def test_a_delivery_can_be_repeated_at_will(scene: Scene, bot: AsyncApp) -> None:
    heard = say(bot, "/help")

    delivery = await scene.slack.command(scene.ana, scene.ios, "/help")
    again = await scene.slack.redeliver(delivery)

    assert again.ok
    assert heard[0] == heard[1]


async def test_two_of_the_same_at_once_each_get_their_ack(scene: Scene, bot: AsyncApp) -> None:
    heard = say(bot, "/help")
    delivery = await scene.slack.command(scene.ana, scene.ios, "/help")

    repeated = await asyncio.gather(*(scene.slack.redeliver(delivery) for _ in range(5)))

    assert all(each.ok for each in repeated)
    assert len(heard) == 6


async def test_an_event_that_nobody_took_waits_for_the_next_connection(scene: Scene) -> None:
    delivery = await scene.slack.open_home(scene.ana, scene.app)
    assert delivery is not None
    await scene.clock.slept.get()

    async with socket(scene) as connection:
        scene.clock.move_to(scene.clock.now() + timedelta(seconds=4))
        envelope = await next_of(connection)
        await connection.send_json({"envelope_id": envelope["envelope_id"]})

    assert not delivery.ok
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("events_api", False)
    assert envelope["payload"]["event"]["type"] == "app_home_opened"
    assert envelope["retry_attempt"] > 0


async def test_pings_come_back_as_they_were_sent_unless_muted(scene: Scene) -> None:
    async with socket(scene) as connection:
        await connection.ping(b"sdk-ping-pong:1.5")
        pong = await connection.receive()
        assert (pong.type, pong.data) == (WSMsgType.PONG, b"sdk-ping-pong:1.5")

        scene.slack.sockets.mute()
        await connection.ping(b"sdk-ping-pong:2.5")
        with pytest.raises(TimeoutError):
            await connection.receive(timeout=0.05)


async def test_a_ticket_is_good_once_and_an_eleventh_connection_too_many(scene: Scene) -> None:
    scene.slack.limits.connections = 1
    opened = await scene.client.apps_connections_open(app_token=scene.app.app_token)
    async with scene.session.ws_connect(opened["url"]):
        assert (await scene.session.get(opened["url"].replace("ws", "http", 1))).status == 401
        more = await scene.client.apps_connections_open(app_token=scene.app.app_token)
        async with scene.session.ws_connect(more["url"]) as second:
            told = await next_of(second)

    assert (told["type"], told["reason"]) == ("disconnect", "too_many_websockets")


async def test_socket_mode_must_be_switched_on(web_scene: Scene) -> None:
    with refused_with("forbidden"):
        await web_scene.client.apps_connections_open(app_token=web_scene.app.app_token)


@pytest.mark.parametrize("disturb", ["warning", "refresh_requested", "cut", "mute"])
async def test_the_real_client_comes_back(scene: Scene, bot: AsyncApp, disturb: str) -> None:
    heard = say(bot, "/help")
    (before,) = scene.slack.sockets.of(scene.app.app)

    if disturb == "cut":
        scene.slack.sockets.cut()
    elif disturb == "mute":
        scene.slack.sockets.mute()
    else:
        await scene.slack.sockets.disconnect("warning" if disturb == "warning" else "refresh_requested")
    await scene.slack.sockets.replaced(before)
    delivery = await scene.slack.command(scene.ana, scene.ios, "/help")

    assert delivery.ok
    assert len(heard) == 1


async def test_the_connections_share_the_load(scene: Scene) -> None:
    async with socket(scene) as first, socket(scene) as second:
        took: list[ClientWebSocketResponse] = []

        async def serve(connection: ClientWebSocketResponse) -> None:
            async for message in connection:
                took.append(connection)
                await connection.send_json({"envelope_id": message.json()["envelope_id"]})

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(serve(connection)) for connection in (first, second)]
            for _ in range(20):
                assert (await scene.slack.command(scene.ana, scene.ios, "/help")).ok
            for task in tasks:
                task.cancel()

    assert {id(connection) for connection in took} == {id(first), id(second)}
    assert len(took) == 20


class Listener:
    """A request URL with configurable responses that records requests."""

    def __init__(self, *statuses: int, headers: Mapping[str, str] | None = None) -> None:
        self.statuses = list(statuses)
        self.headers = headers or {}
        self.asked: list[Mapping[str, str]] = []
        self.arrived = asyncio.Condition()

    async def handle(self, request: web.Request) -> web.Response:
        async with self.arrived:
            self.asked.append(request.headers)
            self.arrived.notify_all()
        return web.Response(status=self.statuses.pop(0), headers=self.headers)

    async def heard(self, count: int) -> None:
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.asked) >= count)


@asynccontextmanager
async def listening(scene: Scene, listener: Listener) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_post("/", listener.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    scene.app.request_url = f"http://{host}:{port}/"
    yield
    await runner.cleanup()


async def test_http_events_are_retried_at_once_after_a_minute_and_after_five(web_scene: Scene) -> None:
    listener = Listener(500, 500, 500, 200)
    async with listening(web_scene, listener):
        await web_scene.slack.open_home(web_scene.ana, web_scene.app)
        await listener.heard(2)
        for count, minutes in ((3, 1), (4, 5)):
            await web_scene.clock.slept.get()
            web_scene.clock.move_to(web_scene.clock.now() + timedelta(minutes=minutes))
            await listener.heard(count)
        await web_scene.slack.quiet()

    told: list[Any] = [
        (headers.get("x-slack-retry-num"), headers.get("x-slack-retry-reason")) for headers in listener.asked
    ]
    assert told == [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]


async def test_an_app_can_refuse_retries(web_scene: Scene) -> None:
    listener = Listener(500, headers={"x-slack-no-retry": "1"})
    async with listening(web_scene, listener):
        delivery = await web_scene.slack.open_home(web_scene.ana, web_scene.app)
        await web_scene.slack.quiet()

    assert delivery is not None
    assert (delivery.ok, len(listener.asked)) == (False, 1)


async def test_events_nobody_subscribed_to_are_not_sent(scene: Scene) -> None:
    assert await scene.slack.happen(scene.app, {"type": "app_uninstalled"}) is None


async def test_hooks_see_deliveries(scene: Scene, bot: AsyncApp) -> None:
    say(bot, "/help")
    seen: list[str] = []

    async def look(facts: Mapping[str, Any]) -> None:
        seen.append(f"{facts['name']} {facts['phase']}")

    for phase in ("before", "answered"):
        scene.slack.on("/help", phase, look)
    await scene.slack.command(scene.ana, scene.ios, "/help")

    assert seen == ["/help before", "/help answered"]
