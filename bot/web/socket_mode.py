"""Socket Mode: Slack's requests over two connections, so that a refresh leaves no gap.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.errors import StartupFailed
from bot.tasks import cancel_all
from bot.web.dispatch import Dispatcher

log = logging.getLogger(__name__)
FATAL = frozenset(["invalid_auth", "not_allowed_token_type", "token_revoked", "account_inactive", "missing_scope"])
RETRY_SECONDS = 5.0
GOODBYE_SECONDS = 1.0
PING_SECONDS = 5.0
"""A closed connection is detected within this time, a silent one within three times as long."""
HANDSHAKE_SECONDS = 4.0
TURN_SECONDS = 8.0
"""Wait for the other connection's reconnect. Slack closes a connection about 10 s after its warning."""
APART = timedelta(seconds=60)
"""Between the two connections: Slack allows about one new URL per minute, and both last equally long."""
NAMED = frozenset(["slash_commands", "interactive"])
CROWDED = '"too_many_websockets"'
CROWDED_SECONDS = 60.0


class _Line(SocketModeClient):
    """One connection. The SDK closes the old socket before it opens a new one, so the two take turns."""

    def __init__(self, *, app_token: str, client: AsyncWebClient, logger: logging.Logger, turns: asyncio.Lock) -> None:
        self._turns, self._rests_until = turns, 0.0
        super().__init__(app_token, logger=logger, web_client=client, ping_interval=PING_SECONDS)

    async def enqueue_message(self, message: str) -> None:
        if CROWDED in message[:200]:  # the limit is ten for all replicas: an immediate retry would fail again
            log.info("Slack limits the number of connections; trying again")
            self._rests_until = asyncio.get_running_loop().time() + CROWDED_SECONDS
        await super().enqueue_message(message)

    async def connect_to_new_endpoint(self, force: bool = False) -> None:
        if asyncio.get_running_loop().time() < self._rests_until:
            return  # the SDK asks again with every ping
        has_turn = False
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TURN_SECONDS):
                    has_turn = await self._turns.acquire()
            await super().connect_to_new_endpoint(force)
        finally:
            if has_turn:
                self._turns.release()

    async def issue_new_wss_url(self) -> str:
        """Return a URL for one connection, retrying while Slack is away. Raises `StartupFailed` for a bad token."""
        while not self.closed:
            wait = RETRY_SECONDS
            try:
                return str((await self.web_client.apps_connections_open(app_token=self.app_token))["url"])
            except SlackApiError as error:
                wait = _check(error)
            except (TimeoutError, aiohttp.ClientError) as error:
                log.warning("Slack did not respond; trying again", extra={"error": type(error).__name__})
            await asyncio.sleep(wait)
        return ""  # closed meanwhile

    async def connect(self) -> None:
        """Connect with a new URL each time: a broken handshake uses it up, but the SDK would retry it forever."""
        while not self.closed:
            if self.wss_uri is None:
                self.wss_uri = await self.issue_new_wss_url()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HANDSHAKE_SECONDS):  # less than the SDK's pause before its next try
                    await super().connect()  # type: ignore[no-untyped-call]
                    return
            self.wss_uri = None


def _check(error: SlackApiError) -> float:
    """Return the seconds until the next attempt. Raises `StartupFailed` for an error that persists."""
    reason = str(error.response.get("error"))
    if reason in FATAL:
        raise StartupFailed(
            f"Slack rejected BUILDBELL_SLACK_APP_TOKEN ({reason}). Create an app-level token (xapp-…) with the scope "
            "connections:write under Basic Information."
        ) from error
    log.warning("Slack refused a connection; trying again", extra={"error": reason})
    seconds = str(error.response.headers.get("Retry-After", ""))
    return float(seconds) if seconds.isdigit() else RETRY_SECONDS


class _Handler(AsyncSocketModeHandler):
    """Bolt's handler for one connection, which also knows its pending acks.

    Bolt's middleware ends before the ack is sent.
    """

    def __init__(self, dispatcher: Dispatcher, app_token: str, client: AsyncWebClient, turns: asyncio.Lock) -> None:
        self._dispatcher = dispatcher
        self.answering: set[asyncio.Task[Any]] = set()
        self.app, self.app_token = dispatcher.app, app_token
        self.client = self.line = _Line(app_token=app_token, client=client, logger=self.app.logger, turns=turns)
        self.line.socket_mode_request_listeners.append(self.handle)  # type: ignore[arg-type]  # as Bolt does

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]  # Bolt's
        task = asyncio.ensure_future(self._answer(client, req))
        self.answering.add(task)
        task.add_done_callback(self.answering.discard)
        try:
            await task
        except ConnectionError as error:
            log.warning("a response could not be sent; Slack retries", extra={"error": type(error).__name__})

    async def _answer(self, client: SocketModeClient, req: SocketModeRequest) -> None:
        response = await self._dispatcher.dispatch_direct(req.payload) if req.type in NAMED else None
        if response is None:
            await super().handle(client, req)
        elif response.status == HTTPStatus.OK:  # anything else is not acknowledged
            payload = json.loads(response.body) if response.body else None
            await client.send_socket_mode_response(SocketModeResponse(req.envelope_id, payload))

    async def close(self) -> None:
        """Close without waiting for a close frame, which takes 10 s if the peer is gone."""
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self.line.close()  # type: ignore[no-untyped-call]
        except TimeoutError:
            await self.line.close()  # type: ignore[no-untyped-call]  # the goodbye is not said twice


class Socket:
    """Two connections. `start` returns once connected. Raises `StartupFailed` if Slack rejects the app-level token.

    The second connection follows ``apart`` after the first.
    """

    def __init__(
        self,
        *,
        dispatcher: Dispatcher,
        app_token: str,
        client: AsyncWebClient,
        clock: Clock,
        apart: timedelta = APART,
    ) -> None:
        turns = asyncio.Lock()
        self._handlers = [_Handler(dispatcher, app_token, client, turns) for _ in range(2)]
        self._clock, self._apart = clock, apart
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        first, second = (handler.line for handler in self._handlers)
        await first.connect()
        self._following = asyncio.create_task(self._follow(second), name="second connection to Slack")

    async def _follow(self, line: _Line) -> None:
        await self._clock.sleep_until(self._clock.now() + self._apart)
        try:
            await line.connect()
        except StartupFailed as error:  # the first connection serves until it has to be refreshed
            log.error("the second connection to Slack failed", extra={"error": str(error)})

    async def is_connected(self) -> bool:
        return any([await handler.line.is_connected() for handler in self._handlers])

    async def stop(self) -> None:
        """Answer received requests, then close everything, also after a failed start."""
        if self._following is not None:
            await cancel_all([self._following])
        if answering := [task for handler in self._handlers for task in handler.answering]:
            await asyncio.wait(answering, timeout=GOODBYE_SECONDS)
        await asyncio.gather(*(handler.close() for handler in self._handlers))
