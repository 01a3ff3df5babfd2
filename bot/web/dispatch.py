"""What Slack delivers, by either way in: answered by name where a handler has one, by Bolt where it has none.

Bolt's way costs each delivery a Slack client, a chain of middleware and two readings of the form, whoever it is for. A
command, press or form whose handler is known by name needs none of that: it is verified, let in and answered here.
A workspace nobody knows is refused by Bolt, in Bolt's words; what Slack did not sign is refused before it is read.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast
from urllib.parse import unquote_plus

from aiohttp import web
from slack_bolt import BoltResponse
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.context import Context
from bot.metrics import Metrics
from bot.web.handlers import Handlers, Payload, answer
from storage import db_timeout

log = logging.getLogger(__name__)

DB_TIMEOUT_SECONDS = 2.0
"""Of the three that Slack waits."""
TIMESTAMP, SIGNATURE = re.compile(r"[0-9]{1,12}"), re.compile(r"v0=[0-9a-f]{64}")
WARNED_EVERY_SECONDS = 60
FORM = "application/x-www-form-urlencoded"
JSON_HEADERS = {"Content-Type": "application/json;charset=utf-8"}
IsKnown = Callable[[str | None, str | None], Awaitable[object]]
OnError = Callable[[Exception, dict[str, Any]], Awaitable[BoltResponse]]


class Deliveries:
    """``is_known(team_id, enterprise_id)`` says whether Buildbell is installed there; ``on_error`` answers for a bug.

    Without a ``signing_secret`` (in Socket Mode) nothing comes by HTTP.
    """

    def __init__(
        self,
        app: AsyncApp,
        handlers: Handlers,
        *,
        ctx: Context,
        metrics: Metrics,
        signing_secret: str,
        is_known: IsKnown,
        on_error: OnError,
    ) -> None:
        self.app, self._handlers, self._ctx, self._metrics = app, handlers, ctx, metrics
        self._verifier = SignatureVerifier(signing_secret) if signing_secret else None
        self._is_known, self._on_error = is_known, on_error
        self._warned_at = -math.inf
        self._is_stopping = False
        self._in_flight = 0
        self.drained = asyncio.Event()
        self.drained.set()
        app.use(_Attendance(self))

    def stop(self) -> None:
        """Take no more: what comes from now on is not acknowledged, and Slack delivers it again or says so."""
        self._is_stopping = True

    async def by_http(self, request: web.Request, raw: bytes) -> web.Response:
        """One address for commands, presses, options and events; ``raw`` is the body."""
        if not self._is_from_slack(raw, request.headers):
            # Slack looks, unsigned, whether somebody is here. Bolt would read the rest first, and break over it.
            return web.Response(status=200 if b"ssl_check=1" in raw.split(b"&") else 401)
        if request.content_type == FORM:
            response = await self.by_name(read_form(raw))
            if response is not None:
                body = response.body.encode()
                return web.Response(status=response.status, body=body, headers=JSON_HEADERS if body else None)
        return await to_aiohttp_response(await self.app.async_dispatch(await to_bolt_request(request)))

    async def by_name(self, body: Payload) -> BoltResponse | None:
        """What the handler acknowledged with; None when Bolt has to look at it."""
        db_timeout.set(DB_TIMEOUT_SECONDS)
        named = None if self._is_stopping or "ssl_check" in body else self._handlers.find(body)
        if named is None:
            return None
        try:
            if not await self._is_known(*place_of(body)):
                return None
            return await self._counted(body, lambda: answer(named, self._ctx, body))
        except Exception as error:
            return await self._on_error(error, cast("dict[str, Any]", body))

    async def by_bolt(self, req: AsyncBoltRequest, next: Callable[[], Awaitable[BoltResponse]]) -> BoltResponse | None:
        """Around every delivery that Bolt answers: hand the listener its services, count, and refuse when stopping."""
        db_timeout.set(DB_TIMEOUT_SECONDS)
        if self._is_stopping:
            return BoltResponse(status=503)
        req.context["ctx"] = self._ctx
        return await self._counted(req.body, next)

    def _is_from_slack(self, raw: bytes, headers: Mapping[str, str]) -> bool:
        sent_at, signature = (headers.get(name, "") for name in ("X-Slack-Request-Timestamp", "X-Slack-Signature"))
        if self._verifier is None or not TIMESTAMP.fullmatch(sent_at) or not SIGNATURE.fullmatch(signature):
            return False
        try:
            is_valid = self._verifier.is_valid(raw, sent_at, signature)
        except UnicodeDecodeError:
            return False
        if not is_valid:
            self._metrics.requests.labels("unknown", "refused").inc()
            self._warn()
        return is_valid

    def _warn(self) -> None:
        """An operator with a wrong secret hears of it; a stranger does not fill the log."""
        now = time.monotonic()
        if now - self._warned_at >= WARNED_EVERY_SECONDS:
            self._warned_at = now
            log.warning(
                "a delivery is not signed with this app's signing secret, or its time is not that of this machine"
            )

    async def _counted(self, body: Payload, answering: Callable[[], Awaitable[BoltResponse]]) -> BoltResponse:
        counted = self._metrics.of_kind(str(body.get("type") or ("command" if "command" in body else "event")))
        began = time.perf_counter()
        self._in_flight += 1
        self.drained.clear()
        try:
            response = await answering()
            counted.answered.inc()
            return response
        except BaseException:
            counted.failed.inc()
            raise
        finally:
            counted.seconds.observe(time.perf_counter() - began)
            self._in_flight -= 1
            if not self._in_flight:
                self.drained.set()


class _Attendance(AsyncMiddleware):
    """A class and no function: for a function, Bolt fills in thirty arguments each time."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    async def async_process(
        self, *, req: AsyncBoltRequest, resp: BoltResponse, next: Callable[[], Awaitable[BoltResponse]]
    ) -> BoltResponse | None:
        return await self._deliveries.by_bolt(req, next)


def read_form(raw: bytes) -> Payload:
    """The fields of a command, or what stands in ``payload`` for everything else; empty when it is neither."""
    try:
        fields = {}
        for pair in raw.decode().split("&"):  # `parse_qsl` takes twice as long over it
            name, _, value = pair.partition("=")
            fields[name] = unquote_plus(value) if "%" in value or "+" in value else value
        body = json.loads(fields["payload"]) if "payload" in fields else fields
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def place_of(body: Payload) -> tuple[str | None, str | None]:
    """The workspace and the organisation a delivery belongs to, as Bolt finds them.

    What is pressed in a form names the person's own workspace as the team, and the form says where it is from.
    """
    team, view, user = (_part(body, name) for name in ("team", "view", "user"))
    told = (view.get("app_installed_team_id"), team.get("id"), body.get("team_id"), user.get("team_id"))
    team_id = next(filter(None, told), view.get("team_id"))
    enterprise_id = _part(body, "enterprise").get("id") or body.get("enterprise_id") or team.get("enterprise_id")
    return team_id, enterprise_id


def _part(body: Payload, name: str) -> Payload:
    part = body.get(name)
    return part if isinstance(part, dict) else {}
