"""Dispatch what Slack delivers to its handler: directly by exact id, through Bolt otherwise.

Bolt asks every listener in turn, makes a Slack client and fills in thirty arguments for each request: the last of sixty
buttons waited 1.5 ms for that. A command, button or form with an exact id is verified, authorized and answered here.
Patterns, events, options and shortcuts go through Bolt, and so does a workspace that isn't installed, so that it is
refused in Bolt's words. A request that Slack didn't sign is refused before it is parsed.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, cast

from aiohttp import web
from slack_bolt import BoltResponse
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.context import Context
from bot.metrics import Metrics
from bot.web.payloads import Payload, is_well_formed, read_form, read_json
from storage import db_timeout

log = logging.getLogger(__name__)

DB_TIMEOUT_SECONDS = 2.0
"""Of the three seconds that Slack waits."""
TIMESTAMP, SIGNATURE = re.compile(r"[0-9]{1,12}"), re.compile(r"v0=[0-9a-f]{64}")
WARNED_EVERY_SECONDS = 60
MAX_AGE_SECONDS = 60 * 5
"""https://docs.slack.dev/authentication/verifying-requests-from-slack/"""
FORM = "application/x-www-form-urlencoded"
JSON_HEADERS = {"Content-Type": "application/json;charset=utf-8"}
Handler = Callable[..., Awaitable[Any]]
Registration = tuple[str, str | re.Pattern[str], Handler]
Registrations = Iterable[Registration]
IsKnown = Callable[[str | None, str | None], Awaitable[object]]
OnError = Callable[[Exception, dict[str, Any]], Awaitable[BoltResponse]]


def split_handlers(registrations: Registrations) -> tuple[dict[tuple[str, str], Handler], list[Registration]]:
    """Return the handlers of commands, actions and views with an exact id, and the registrations that Bolt serves."""
    direct: dict[tuple[str, str], Handler] = {}
    others = []
    for kind, name, handler in registrations:
        if kind in ("command", "action", "view") and isinstance(name, str):
            direct.setdefault((kind, name), handler)
        else:
            others.append((kind, name, handler))
    return direct, others


def handler_key(body: Payload) -> tuple[str, str]:
    """Return the kind and the id under which the handler of this request is registered."""
    kind = body.get("type")
    if kind is None:
        return "command", body.get("command", "")
    if kind == "block_actions" and body.get("actions"):
        return "action", body["actions"][0].get("action_id", "")
    if kind == "view_submission" and body.get("view"):
        return "view", body["view"].get("callback_id", "")
    return "", ""


def place_of(body: Payload) -> tuple[str | None, str | None]:
    """Return the workspace and organization of a request, like Bolt.

    An action in a view names the person's own workspace as its team; the view names that of the app.
    """
    team, view, user, enterprise = (
        part if isinstance(part := body.get(name), dict) else {} for name in ("team", "view", "user", "enterprise")
    )
    candidates = (view.get("app_installed_team_id"), team.get("id"), body.get("team_id"), user.get("team_id"))
    team_id = next(filter(None, candidates), view.get("team_id"))
    return team_id, enterprise.get("id") or body.get("enterprise_id") or team.get("enterprise_id")


class Dispatcher:
    """``is_known(team_id, enterprise_id)`` says whether Buildbell is installed; ``on_error`` answers for a bug.

    What isn't dispatched directly is registered with Bolt. Without a ``signing_secret`` (in Socket Mode) no request is
    taken by HTTP.
    """

    def __init__(
        self,
        app: AsyncApp,
        registrations: Registrations,
        *,
        ctx: Context,
        metrics: Metrics,
        signing_secret: str,
        is_known: IsKnown,
        on_error: OnError,
    ) -> None:
        self.app = app
        self._handlers, others = split_handlers(registrations)
        for kind, name, handler in others:
            getattr(app, kind)(name)(handler)
        self._ctx, self._metrics = ctx, metrics
        self._verifier = SignatureVerifier(signing_secret) if signing_secret else None
        self._is_known, self._on_error = is_known, on_error
        self._warned_at = -math.inf
        self._is_stopping = False
        self._in_flight = 0
        self.drained = asyncio.Event()
        self.drained.set()
        app.use(InFlightMiddleware(self))

    def stop(self) -> None:
        """Refuse new requests. Slack delivers them again or shows an error."""
        self._is_stopping = True

    async def handle_http(self, request: web.Request, raw: bytes) -> web.Response:
        """Answer one request of Slack; ``raw`` is the body."""
        if not self._is_from_slack(raw, request.headers):
            # Slack's SSL check is unsigned, and Bolt can't parse it.
            return web.Response(status=200 if b"ssl_check=1" in raw.split(b"&") else 401)
        body = read_form(raw) if request.content_type == FORM else read_json(raw)
        if not is_well_formed(body):
            return web.Response(status=400)
        if request.content_type == FORM and (response := await self.dispatch_direct(body)) is not None:
            text = response.body.encode()
            return web.Response(status=response.status, body=text, headers=JSON_HEADERS if text else None)
        try:
            bolt_request = AsyncBoltRequest(
                body=raw.decode(), query=request.query_string, headers=dict(request.headers)
            )
        except UnicodeDecodeError:
            return web.Response(status=400)
        return await to_aiohttp_response(await self.app.async_dispatch(bolt_request))

    async def dispatch_direct(self, body: Payload) -> BoltResponse | None:
        """Return what the handler acknowledged with, or None if Bolt has to look at the request."""
        db_timeout.set(DB_TIMEOUT_SECONDS)
        handler = None if self._is_stopping or "ssl_check" in body else self._handlers.get(handler_key(body))
        if handler is None:
            return None
        try:
            if not await self._is_known(*place_of(body)):
                return None
            return await self._counted(body, lambda: self._run(handler, body))
        except Exception as error:
            return await self._on_error(error, cast("dict[str, Any]", body))

    async def _run(self, handler: Handler, body: Payload) -> BoltResponse:
        ack = AsyncAck()  # type: ignore[no-untyped-call]  # Bolt's
        await handler(ack=ack, body=body, ctx=self._ctx)
        return ack.response or BoltResponse(status=404)

    async def dispatch_with_bolt(
        self, req: AsyncBoltRequest, next: Callable[[], Awaitable[BoltResponse]]
    ) -> BoltResponse | None:
        """Wrap every request that Bolt answers: hand the listener the context, count, and refuse when stopping."""
        db_timeout.set(DB_TIMEOUT_SECONDS)
        if self._is_stopping:
            return BoltResponse(status=503)
        req.context["ctx"] = self._ctx
        return await self._counted(req.body, next)

    def may_be_signed(self, headers: Mapping[str, str]) -> bool:
        """Whether a request carries a signature and a recent time, before its body is read."""
        sent_at, signature = (headers.get(name, "") for name in ("X-Slack-Request-Timestamp", "X-Slack-Signature"))
        if self._verifier is None or not TIMESTAMP.fullmatch(sent_at) or not SIGNATURE.fullmatch(signature):
            return False
        return abs(time.time() - int(sent_at)) <= MAX_AGE_SECONDS

    def _is_from_slack(self, raw: bytes, headers: Mapping[str, str]) -> bool:
        if self._verifier is None or not TIMESTAMP.fullmatch(headers.get("X-Slack-Request-Timestamp", "")):
            return False
        sent_at, signature = headers["X-Slack-Request-Timestamp"], headers.get("X-Slack-Signature", "")
        if not SIGNATURE.fullmatch(signature):
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
        """Warn about a wrong signing secret, but seldom: invalid requests must not fill the log."""
        now = time.monotonic()
        if now - self._warned_at >= WARNED_EVERY_SECONDS:
            self._warned_at = now
            log.warning("a request has an invalid signature; check the signing secret and the clock of this machine")

    async def _counted(self, body: Payload, answering: Callable[[], Awaitable[BoltResponse]]) -> BoltResponse:
        counted = self._metrics.by_kind[str(body.get("type") or ("command" if "command" in body else "event"))]
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


class InFlightMiddleware(AsyncMiddleware):
    """Counts requests in Bolt's chain. A class, because Bolt fills in thirty arguments for a function."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    async def async_process(
        self, *, req: AsyncBoltRequest, resp: BoltResponse, next: Callable[[], Awaitable[BoltResponse]]
    ) -> BoltResponse | None:
        return await self._dispatcher.dispatch_with_bolt(req, next)
