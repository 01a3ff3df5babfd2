"""A small team and a bot built with the real Bolt, by Socket Mode or HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from copy import deepcopy
from datetime import datetime
from typing import Any

import pytest
from aiohttp import ClientSession, web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from playground.clock import SteppedClock
from playground.slack import Channel, Installation, PracticeSlack, Team, User

Payload = dict[str, Any]

OPTIONAL = ["chat:write.public", "channels:read", "im:write", "files:write", "reactions:write"]
MANIFEST: dict[str, Any] = {
    "display_information": {"name": "Helper"},
    "features": {
        "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
        "bot_user": {"display_name": "helper"},
        "slash_commands": [{"command": "/help", "description": "Help", "should_escape": True}],
        "shortcuts": [
            {"name": "Help", "type": "global", "callback_id": "help.open", "description": "Help"},
            {"name": "About", "type": "message", "callback_id": "help.about", "description": "Help"},
        ],
    },
    "oauth_config": {
        "scopes": {
            "bot": ["commands", "chat:write", "users:read", *OPTIONAL],
            "bot_optional": OPTIONAL,
        }
    },
    "settings": {
        "event_subscriptions": {"bot_events": ["app_home_opened"]},
        "interactivity": {"is_enabled": True},
        "socket_mode_enabled": True,
    },
}


class WatchedClock(SteppedClock):
    """Sets an event when a sleeper starts to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: asyncio.Queue[datetime] = asyncio.Queue()

    async def sleep_until(self, at: datetime) -> None:
        if at > self.now():
            self.slept.put_nowait(at)
        await super().sleep_until(at)


@contextmanager
def refused_with(error: str) -> Iterator[pytest.ExceptionInfo[SlackApiError]]:
    """Expect ``ok: false`` with this error; the response is in ``value.response``."""
    with pytest.raises(SlackApiError) as caught:
        yield caught
    assert caught.value.response["error"] == error


class Scene:
    """Acme with Ana and Bo in #ios, and the installed app."""

    manifest: Mapping[str, Any] = MANIFEST

    def __init__(self, slack: PracticeSlack, clock: WatchedClock, session: ClientSession, socket_mode: bool) -> None:
        manifest = deepcopy(dict(self.manifest))
        manifest["settings"]["socket_mode_enabled"] = socket_mode
        self.slack = slack
        self.clock = clock
        self.session = session
        self.team: Team = slack.add_team("Acme")
        self.ana: User = slack.add_user(self.team, "ana", email="ana@acme.example")
        self.bo: User = slack.add_user(self.team, "bo", admin=True)
        self.ios: Channel = slack.add_channel(self.team, "ios", members=[self.ana, self.bo])
        self.app: Installation = slack.install(manifest, self.team)
        slack.invite(self.ios, self.app.bot_user)
        self.client = self.client_for(self.app.bot_token)

    def client_for(self, token: str) -> AsyncWebClient:
        return AsyncWebClient(token=token, base_url=self.slack.api_url, session=self.session, retry_handlers=[])

    def bolt(self) -> AsyncApp:
        """Return a bot for the practice Slack, to which tests add listeners."""
        return AsyncApp(client=self.client, signing_secret=self.app.signing_secret, process_before_response=True)


def say(bot: AsyncApp, command: str, answer: str = "") -> list[Payload]:
    """Let the bot answer a command, and return the list of its payloads."""
    heard: list[Payload] = []

    @bot.command(command)
    async def listen(ack: AsyncAck, body: Payload) -> None:
        heard.append(body)
        await ack(answer)

    return heard


def hear(bot: AsyncApp, action_id: str) -> list[Payload]:
    """Let the bot ack an action, and return the list of its payloads."""
    heard: list[Payload] = []

    @bot.action(action_id)
    async def listen(ack: AsyncAck, body: Payload) -> None:
        heard.append(body)
        await ack()

    return heard


def text(words: str) -> Payload:
    return {"type": "plain_text", "text": words}


def button(action_id: str, label: str, **more: Any) -> Payload:
    return {"type": "button", "action_id": action_id, "text": text(label), **more}


@pytest.fixture
def clock() -> WatchedClock:
    return WatchedClock()


@pytest.fixture
async def slack(clock: WatchedClock) -> AsyncIterator[PracticeSlack]:
    slack = PracticeSlack(clock=clock)
    await slack.start()
    yield slack
    await slack.stop()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


@pytest.fixture
def scene(slack: PracticeSlack, clock: WatchedClock, session: ClientSession) -> Scene:
    return Scene(slack, clock, session, socket_mode=True)


@pytest.fixture
async def bot(scene: Scene) -> AsyncIterator[AsyncApp]:
    """Run a Bolt app in Socket Mode."""
    async with listening(scene) as app:
        yield app


@asynccontextmanager
async def listening(scene: Scene) -> AsyncIterator[AsyncApp]:
    app = scene.bolt()
    handler = AsyncSocketModeHandler(app, scene.app.app_token, ping_interval=0.2)
    handler.client.web_client = AsyncWebClient(base_url=scene.slack.api_url)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await scene.slack.sockets.connected()
    yield app
    await handler.close_async()  # type: ignore[no-untyped-call]


@pytest.fixture
def web_scene(slack: PracticeSlack, clock: WatchedClock, session: ClientSession) -> Scene:
    return Scene(slack, clock, session, socket_mode=False)


@pytest.fixture
async def web_bot(web_scene: Scene) -> AsyncIterator[AsyncApp]:
    """Run a Bolt app behind a request URL."""
    app = web_scene.bolt()
    runner = web.AppRunner(app.web_app(path="/slack/events"))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    web_scene.app.request_url = f"http://{host}:{port}/slack/events"
    yield app
    await runner.cleanup()
