"""A Slack and a Bitrise that answer at once and remember nothing but when they were called: what is measured is us.

The practice servers check every call as the real ones do, which takes longer than making it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiohttp import WSMsgType, web

from tests.benchmarks.wire import CHANNEL, TEAM

SCOPES = "commands,chat:write,chat:write.public"
SHOP = "0123456789abcdef"


class Link:
    """Buildbell's end of a Socket Mode connection, seen from Slack."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.sent: dict[str, float] = {}
        self.seconds: list[float] = []
        self.room = asyncio.Event()

    async def send(self, kind: str, payload: dict[str, Any], number: int, meant_at: float) -> None:
        envelope = {"envelope_id": f"{number:032x}", "type": kind, "accepts_response_payload": True, "payload": payload}
        self.sent[str(envelope["envelope_id"])] = meant_at
        await self.socket.send_str(json.dumps(envelope))

    def acked(self, envelope_id: str) -> None:
        meant_at = self.sent.pop(envelope_id, None)
        if meant_at is not None:
            self.seconds.append(time.perf_counter() - meant_at)
            self.room.set()


class StandIns:
    """Both on one port: ``/NAME/slack/…`` for each client by name, ``/bitrise/…``."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.called_at: dict[str, list[float]] = {}
        self.links: dict[str, list[Link]] = {}
        self.running: dict[str, bytes] = {}
        self.triggered: deque[dict[str, Any]] = deque(maxlen=50)
        self.swept_at: dict[str, list[float]] = {}
        self.sweeps = self.bitrise_calls = 0
        self.numbers = itertools.count(1)
        self.port = 0

    def slack_url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}/slack/"

    @property
    def bitrise_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/bitrise"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[StandIns]:
        app = web.Application()
        app.router.add_get("/{name}/link", self._link)
        app.router.add_route("*", "/{name}/slack/{method}", self._slack)
        app.router.add_route("*", "/bitrise/{tail:.*}", self._bitrise)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()

    def _note(self, name: str) -> None:
        self.calls[name] += 1
        self.called_at.setdefault(name, []).append(time.time())

    async def _slack(self, request: web.Request) -> web.Response:
        method, name = request.match_info["method"], request.match_info["name"]
        await request.read()
        self._note(f"{name} {method}")
        answer: dict[str, Any] = {"ok": True}
        if method == "auth.test":
            answer |= {"url": "https://example.slack.com/", "team": "Example", "user": "bot", "team_id": TEAM}
            answer |= {"user_id": "UB1", "bot_id": "B1", "is_enterprise_install": False}
        elif method == "apps.connections.open":
            answer |= {"url": f"ws://127.0.0.1:{self.port}/{name}/link"}
        elif method.startswith("chat."):
            answer |= {"channel": CHANNEL, "ts": f"1503435956.{next(self.numbers):06d}"}
        return web.json_response(answer, headers={"x-oauth-scopes": SCOPES})

    async def _link(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(json.dumps({
            "type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"},
            "debug_info": {"host": "x", "approximate_connection_time": 18060},
        }))  # fmt: skip
        link = Link(socket)
        self.links.setdefault(request.match_info["name"], []).append(link)
        async for message in socket:
            if message.type == WSMsgType.TEXT and message.data.startswith("{"):
                link.acked(json.loads(message.data).get("envelope_id", ""))
        return socket

    async def _bitrise(self, request: web.Request) -> web.Response:
        await request.read()
        tail = request.match_info["tail"]
        self.bitrise_calls += 1
        if request.method == "POST":
            self._note("trigger")
            number = next(self.numbers)
            self.triggered.appendleft(ended(number))
            answer = {
                "status": "ok", "message": "", "slug": SHOP, "service": "bitrise", "build_slug": f"{number:016x}",
                "build_number": number, "build_url": f"https://app.bitrise.io/build/{number:016x}",
                "triggered_workflow": "deploy",
            }  # fmt: skip
            return web.json_response(answer, status=201)
        token = request.headers.get("Authorization", "")
        if tail != "builds":
            return web.json_response({"data": [], "paging": {"total_item_count": 0, "page_item_limit": 50}})
        self.sweeps += 1
        self.swept_at.setdefault(token, []).append(time.time())
        body = self.running.get(token) or listed_builds(list(self.triggered))
        return web.Response(body=body, content_type="application/json")


def ended(number: int) -> dict[str, Any]:
    """A build that succeeded at once."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "slug": f"{number:016x}", "status": 1, "status_text": "success", "build_number": number, "triggered_at": now,
        "started_on_worker_at": now, "environment_prepare_finished_at": now, "finished_at": now,
        "branch": f"feature-{number:x}", "triggered_workflow": "deploy", "is_on_hold": False,
        "repository": {"slug": SHOP, "title": "Shop", "owner": {"name": "Acme", "slug": "acme"}},
    }  # fmt: skip


def listed_builds(builds: list[dict[str, Any]]) -> bytes:
    """``GET /builds`` as Bitrise answers it. https://api-docs.bitrise.io/"""
    paging = {"total_item_count": len(builds), "page_item_limit": 50}
    return json.dumps({"data": builds, "paging": paging}).encode()
