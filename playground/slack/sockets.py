"""Socket Mode: up to ten connections per app, envelopes and acks, pings, disconnects.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import WSMsgType, web

from playground.slack.core import Core
from playground.slack.replies import cut
from playground.slack.world import JSON, App

CONNECTION_SECONDS = 18_060
"""``approximate_connection_time`` of recorded hello messages."""

Reason = Literal["warning", "refresh_requested", "link_disabled"]


@dataclass(slots=True, eq=False)
class Connection:
    """One WebSocket of an app. A muted one stays open, but nothing goes in or out."""

    app: App
    request: web.Request
    socket: web.WebSocketResponse
    muted: bool = False

    async def say(self, message: JSON) -> None:
        if not self.muted and not self.socket.closed:
            await self.socket.send_json(message)


class Sockets:
    """The connections of all apps."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._connections: list[Connection] = []
        self._acks: defaultdict[str, list[asyncio.Future[JSON]]] = defaultdict(list)
        self._changed = asyncio.Event()

    def of(self, app: App | None = None) -> list[Connection]:
        return [each for each in self._connections if app is None or each.app is app]

    async def connected(self, app: App | None = None, count: int = 1) -> None:
        """Return when ``count`` connections are open."""
        while len(self.of(app)) < count:
            self._changed.clear()
            await self._changed.wait()

    async def replaced(self, connection: Connection) -> None:
        """Return when that connection is closed and another one of its app is open."""
        while connection in self._connections or not self.of(connection.app):
            self._changed.clear()
            await self._changed.wait()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve a connection from hello to its end."""
        app = self._core.tickets.pop(request.query.get("ticket", ""), None)
        if app is None:
            return web.Response(status=401)
        await self._core.hooks.fire("socket", "before", app=app, request=request)
        if request.transport is None or request.transport.is_closing():
            return web.Response()
        socket = web.WebSocketResponse(autoping=False, timeout=1)
        await socket.prepare(request)
        connection = Connection(app, request, socket)
        if len(self.of(app)) >= self._core.limits.connections:
            await connection.say(_disconnect("too_many_websockets"))
            await socket.close()
            return socket
        self._add(connection)
        try:
            await connection.say(self._hello(app))
            await self._listen(connection)
        except ConnectionError:
            # the client closed without a close frame
            pass
        finally:
            self._connections.remove(connection)
            self._note("closed", app, {})
            self._changed.set()
        return socket

    async def send(self, app: App, envelope: JSON, seconds: float) -> JSON | None:
        """Send an envelope on one connection and return its ack; None after the timeout."""
        connections = self.of(app)
        if not connections:
            return None
        # The same envelope may be sent twice at a time, and each waits for its own ack.
        waiting, ack = self._acks[envelope["envelope_id"]], asyncio.get_running_loop().create_future()
        waiting.append(ack)
        try:
            await self._core.world.random.choice(connections).say(envelope)
            async with asyncio.timeout(seconds):
                answer: JSON = await ack
                return answer
        except (TimeoutError, ConnectionError):
            return None
        finally:
            waiting.remove(ack)
            if not waiting:
                self._acks.pop(envelope["envelope_id"], None)

    async def disconnect(self, reason: Reason = "refresh_requested", app: App | None = None) -> None:
        """Ask the clients to reconnect, as Slack does every few hours."""
        for connection in self.of(app):
            with contextlib.suppress(ConnectionError):  # already cut
                await connection.say(_disconnect(reason))
        self._note(f"disconnect {reason}", app, {})

    def cut(self, app: App | None = None) -> None:
        """Break the TCP connections without a close frame."""
        for connection in self.of(app):
            cut(connection.request)

    def mute(self, app: App | None = None, *, muted: bool = True) -> None:
        """Mute the open connections: no envelope, no pong, no ack."""
        for connection in self.of(app):
            connection.muted = muted

    async def close(self) -> None:
        for connection in self.of():
            await connection.socket.close()

    def _add(self, connection: Connection) -> None:
        self._connections.append(connection)
        self._note("opened", connection.app, {})
        self._changed.set()

    async def _listen(self, connection: Connection) -> None:
        async for message in connection.socket:
            if connection.muted:
                continue
            if message.type is WSMsgType.PING:
                # slack_sdk measures its own ping and expects the payload back unchanged.
                await connection.socket.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                self._acked(connection, message.data)

    def _acked(self, connection: Connection, text: str) -> None:
        try:
            said: Any = json.loads(text)
        except ValueError:
            said = None
        self._note("said", connection.app, {"text": text} if said is None else said)
        envelope_id = said.get("envelope_id", "") if isinstance(said, dict) else ""
        ack = next((each for each in self._acks.get(envelope_id, []) if not each.done()), None)
        if ack is not None:
            ack.set_result(said)

    def _hello(self, app: App) -> JSON:
        return {
            "type": "hello",
            "num_connections": len(self.of(app)),
            "connection_info": {"app_id": app.id},
            "debug_info": {
                "host": "practice-slack",
                "build_number": 1,
                "approximate_connection_time": CONNECTION_SECONDS,
            },
        }

    def _note(self, what: str, app: App | None, said: JSON) -> None:
        self._core.note("in", "socket", what, {"app_id": app.id if app else None, **said}, {})


def _disconnect(reason: str) -> JSON:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "practice-slack"}}
