"""Serve the practice Bitrise: read a call, apply faults and hooks, respond, record it in the journal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.clock import Clock
from playground.bitrise import routes
from playground.bitrise.calls import Answer, Call, Route
from playground.bitrise.fault_effects import KINDS, is_cut, keeps_effect, spoil
from playground.bitrise.people import Token
from playground.bitrise.refusals import Refused, error_body
from playground.bitrise.scheduler import Scheduler
from playground.bitrise.site import Site
from playground.bitrise.webhook_sender import WebhookSender
from playground.bitrise.world import World
from playground.busy import Busy
from playground.wire import Callback, Entry, Fault, Faults, Hooks, Journal, Phase

HOST = "127.0.0.1"
VERSION = "/v0.1"
LARGEST_BODY = 4 * 1024 * 1024


class PracticeBitrise(World):
    """The practice Bitrise with its API at ``api_url``, build pages and downloads at ``site_url``."""

    def __init__(self, clock: Clock, port: int = 0, seed: int = 0, journal_limit: int | None = None) -> None:
        super().__init__(clock, seed)
        self.port = port
        self.journal = Journal(journal_limit)
        self.faults = Faults(KINDS)
        self.hooks = Hooks()
        self._runner: web.AppRunner | None = None
        self._busy = Busy()
        self._postman = WebhookSender(clock, self.journal, self._busy, self.webhooks.names)
        self._watch = Scheduler(clock, self._next_told_at, self.now)
        self.webhooks.post = self._postman.post

    @property
    def site_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def api_url(self) -> str:
        return self.site_url + VERSION

    async def start(self) -> None:
        self._runner = web.AppRunner(self._web_app(), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        await self._postman.start()
        self._watch.start()

    async def stop(self) -> None:
        await self._watch.stop()
        await self._postman.stop()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def is_busy(self) -> bool:
        return bool(self._busy)

    async def quiet(self) -> None:
        """Return when no call is being answered and no webhook is being delivered."""
        await asyncio.sleep(0)  # let tasks run that the clock has just woken
        await self._busy.quiet()

    @property
    def delivery_faults(self) -> Faults:
        """Faults of webhook deliveries; see `playground.bitrise.webhook_sender`."""
        return self._postman.faults

    def _build_planned(self) -> None:
        self._watch.stir()

    def _next_told_at(self) -> datetime | None:
        """Return the next scheduled time if a webhook is registered."""
        return self._floor.next_at() if self.webhooks else None

    def on(self, operation: str, phase: Phase, callback: Callback) -> Callable[[], None]:
        """Await ``callback(facts)`` when a call reaches ``phase``; the facts are name, phase, request and answer."""
        return self.hooks.on(operation, phase, callback)

    def _web_app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        for route in routes.ROUTES:
            app.router.add_route(route.method, VERSION + route.path, self._door(route))
        Site(self).add_to(app)
        app.router.add_route("*", "/{rest:.*}", refuse_unknown)
        return app

    def _door(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            with self._busy.doing():
                return await Exchange(self, route, request).run()

        return serve


class Exchange:
    """One call, from its first byte to its journal entry."""

    def __init__(self, bitrise: PracticeBitrise, route: Route, request: web.Request) -> None:
        self._bitrise = bitrise
        self._route = route
        self._request = request
        self._arrived_at = bitrise.now()
        self._request_entry: dict[str, Any] = {}
        self._got: dict[str, Any] = {}

    async def run(self) -> web.StreamResponse:
        raw = await self._request.read()
        self._request_entry = request_entry(self._request, raw)
        try:
            return await self._go_through(raw)
        finally:
            name, journal = self._route.name, self._bitrise.journal
            journal.add(Entry(self._arrived_at, "in", "http", name, self._request_entry, self._got))

    async def _go_through(self, raw: bytes) -> web.StreamResponse:
        fault = self._bitrise.faults.take(self._route.name, path=self._request.path)
        if fault is not None and fault.delay:
            await asyncio.sleep(fault.delay)
        await self._fire("before")
        answer, happened = self._answer(raw) if keeps_effect(fault) else (None, False)
        if answer is not None:
            self._got = got(answer)
        if happened:
            await self._fire("accepted")
        if is_cut(fault):
            return self._cut()
        return await self._send(spoil(fault, answer), fault)

    def _answer(self, raw: bytes) -> tuple[Answer, bool]:
        """Return the response without faults, and whether the call took effect."""
        try:
            return self._route.handler(self._call(raw)), True
        except Refused as refused:
            body = error_body(refused.form, refused.text, **refused.more)
            return Answer(body, refused.status), False

    def _call(self, raw: bytes) -> Call:
        now = self._bitrise.now()
        return Call(
            world=self._bitrise,
            now=now,
            route=self._route,
            token=self._token(now),
            places=self._request.match_info,
            query=self._request.query,
            content_type=self._request.content_type,
            raw=raw,
            site_url=self._bitrise.site_url,
        )

    def _token(self, now: datetime) -> Token:
        """Read the raw token or the old form ``token <value>``; other schemes are refused."""
        sent = self._request.headers.get("Authorization", "")
        token = self._bitrise.tokens.get(sent.removeprefix("token ").strip())
        if token is None or not token.is_good(now):
            raise Refused(401)
        return token

    async def _fire(self, phase: Phase) -> None:
        await self._bitrise.hooks.fire(self._route.name, phase, request=self._request_entry, answer=self._got)

    def _cut(self) -> web.StreamResponse:
        self._got = {"cut": True}
        if self._request.transport is not None:
            self._request.transport.abort()
        return web.Response()

    async def _send(self, answer: Answer, fault: Fault | None) -> web.StreamResponse:
        content_type = answer.content_type.partition(";")[0]
        self._got = got(answer) | ({"fault": fault.kind} if fault else {})
        response = web.Response(
            status=answer.status, text=answer.text, content_type=content_type, headers=dict(answer.headers)
        )
        try:
            await response.prepare(self._request)
            await response.write_eof()
        except ConnectionError:
            self._got["unread"] = True
            return response
        await self._fire("answered")
        return response


def request_entry(request: web.Request, raw: bytes) -> dict[str, Any]:
    """Return the call for the journal, with a JSON body as its value."""
    text = raw.decode(errors="replace")
    try:
        body = json.loads(text) if text else None
    except ValueError:
        body = text
    headers = {key.lower(): value for key, value in request.headers.items()}
    query = dict(request.query)
    return {"method": request.method, "path": request.path, "query": query, "headers": headers, "body": body}


def got(answer: Answer) -> dict[str, Any]:
    return {"status": answer.status, "headers": dict(answer.headers), "body": answer.body}


async def refuse_unknown(request: web.Request) -> web.Response:
    """Answer 404, or redirect a path with a trailing slash to the one without."""
    if request.path.startswith(VERSION) and request.path.endswith("/") and request.path.rstrip("/") != VERSION:
        query = f"?{request.query_string}" if request.query_string else ""
        raise web.HTTPMovedPermanently(request.path.rstrip("/") + query)
    return web.json_response(error_body("message", "Not Found"), status=404)
