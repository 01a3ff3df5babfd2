"""Socket Mode: Slack's deliveries over a connection that we open."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import StartupFailed

log = logging.getLogger(__name__)
FATAL = frozenset(["invalid_auth", "not_allowed_token_type", "token_revoked", "account_inactive", "missing_scope"])
RETRY_SECONDS = 5.0
GOODBYE_SECONDS = 1.0
PING_SECONDS = 5.0
"""A connection that was cut is noticed within this time, one that went silent within three times of it."""


class _Handler(AsyncSocketModeHandler):
    """Bolt's own, which also knows what it has not acked yet: middleware ends before the ack is on its way."""

    def __init__(self, app: AsyncApp, app_token: str, client: AsyncWebClient) -> None:
        self.answering: set[asyncio.Task[Any]] = set()
        super().__init__(app, app_token, web_client=client, ping_interval=PING_SECONDS)

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]  # Bolt's
        task = asyncio.ensure_future(super().handle(client, req))
        self.answering.add(task)
        task.add_done_callback(self.answering.discard)
        await task


class Socket:
    """``start`` returns once connected; `StartupFailed` when Slack refuses the app-level token."""

    def __init__(self, *, app: AsyncApp, app_token: str, client: AsyncWebClient) -> None:
        self._handler = _Handler(app, app_token, client)
        self._app_token, self._client = app_token, client

    async def start(self) -> None:
        # Bolt's client asks for ever and never returns on a bad token, so one call of our own comes first.
        while True:
            try:
                opened = await self._client.apps_connections_open(app_token=self._app_token)
                break
            except SlackApiError as error:
                reason = str(error.response.get("error"))
                if reason in FATAL:
                    raise StartupFailed(
                        f"Slack refuses BUILDBELL_SLACK_APP_TOKEN ({reason}). It must be an app-level token (xapp-…) "
                        "with the scope connections:write, from the app's page, Basic Information."
                    ) from error
                log.warning("Slack gives no socket yet; trying again", extra={"error": reason})
            except (TimeoutError, aiohttp.ClientError) as error:
                log.warning("Slack does not answer; trying again", extra={"error": type(error).__name__})
            await asyncio.sleep(RETRY_SECONDS)
        self._handler.client.wss_uri = opened["url"]  # the method allows about one call a minute
        await self._handler.client.connect()  # type: ignore[no-untyped-call]

    async def is_connected(self) -> bool:
        return bool(await self._handler.client.is_connected())

    async def stop(self) -> None:
        """Close everything, also after a start that failed. A peer that is gone answers no goodbye for 10 s."""
        if self._handler.answering:
            await asyncio.wait(self._handler.answering, timeout=GOODBYE_SECONDS)
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._handler.client.close()  # type: ignore[no-untyped-call]
        except TimeoutError:
            await self._handler.client.close()  # type: ignore[no-untyped-call]  # the goodbye is not said twice
