"""Serve the Web API: authentication, scopes, rate limits, faults and hooks.

https://docs.slack.dev/apis/web-api
"""

from __future__ import annotations

import math

from aiohttp import web

from playground.slack.calls import Call, read
from playground.slack.core import Core
from playground.slack.errors import RateLimited, SlackError
from playground.slack.limits import Tier
from playground.slack.methods import METHODS, Method
from playground.slack.replies import Reply, after, delayed, prevents, send, spoilt
from playground.slack.world import JSON, App, Installation
from playground.wire import Fault, Phase


class WebApi:
    def __init__(self, core: Core) -> None:
        self._core = core

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one call, and return when its response is written."""
        name = request.match_info["method"]
        with self._core.busy.doing():
            call, refused = await self._read(request, name)
            reply = await self._reply(call, refused, self._core.faults.take(name, **self._facts(call)))
            self._note(call, reply)
            response = await send(request, reply)
            if not reply.cut:
                await self._fire(call, "answered", reply)
            return response

    async def _read(self, request: web.Request, name: str) -> tuple[Call, SlackError | None]:
        try:
            if name not in METHODS:
                raise SlackError("unknown_method", req_method=name)
            arrived = await read(request)
        except SlackError as error:
            return Call(name, {}), error
        app, bot = self._who(arrived.token)
        call = Call(name, arrived.arguments, app, bot)
        return call, self._why_not_known(METHODS[name], arrived.token, call)

    def _who(self, token: str | None) -> tuple[App | None, Installation | None]:
        world = self._core.world
        bot = world.installation_of(token) if token else None
        return (bot.app, bot) if bot else (world.app_of(token) if token else None, None)

    def _facts(self, call: Call) -> JSON:
        """Return the facts of a call that a fault can be limited to."""
        given = call.text("channel") or call.text("channel_id")
        channel = self._core.world.channels.get(given)
        person = call.text("user") or call.text("user_id") or given
        return {
            "team": call.installation.team.id if call.installation else None,
            "channel": channel.id if channel else given,
            "message": call.text("ts") or call.text("message_ts") or call.text("timestamp"),
            "thread": call.text("thread_ts"),
            "user": channel.between[1].id if channel and channel.between else person,
        }

    def _why_not_known(self, method: Method, token: str | None, call: Call) -> SlackError | None:
        if method.token == "none":
            return None
        if not token:
            return SlackError("not_authed")
        if call.app is None:
            return SlackError("invalid_auth")
        if call.installation is not None and call.installation.revoked:
            return SlackError("token_revoked")
        if self._core.world.has_ended(token):
            return SlackError("token_expired")
        kind = "bot" if call.installation else "app"
        return SlackError("not_allowed_token_type") if method.token not in (kind, "any") else None

    async def _reply(self, call: Call, refused: SlackError | None, fault: Fault | None) -> Reply:
        await self._fire(call, "before")
        await delayed(fault)
        if fault is not None and prevents(fault):
            return spoilt(fault)
        reply = self._answer(call, refused)
        await self._fire(call, "accepted", reply)
        return after(fault, reply)

    def _answer(self, call: Call, refused: SlackError | None) -> Reply:
        headers = {"x-oauth-scopes": ",".join(call.installation.scopes)} if call.installation else {}
        try:
            if refused is not None:
                raise refused
            method = METHODS[call.method]
            if method.scope:
                headers["x-accepted-oauth-scopes"] = method.scope
            self._check(method, call)
            return Reply(200, {"ok": True, **method.answer(self._core, call)}, headers)
        except RateLimited as error:
            return Reply(429, error.body(), {**headers, "Retry-After": str(error.retry_after)})
        except SlackError as error:
            return Reply(200, error.body(), headers)

    def _check(self, method: Method, call: Call) -> None:
        bot = call.installation
        if bot is not None and method.scope and method.scope not in bot.scopes:
            raise SlackError("missing_scope", needed=method.scope, provided=",".join(bot.scopes))
        self._count(method, call)
        if missing := [name for name in method.needs if not call.given(name)]:
            messages = [f"[ERROR] missing required field: {name}" for name in missing]
            raise SlackError("invalid_arguments", response_metadata={"messages": messages})

    def _count(self, method: Method, call: Call) -> None:
        limits = self._core.limits
        if not limits.enabled or method.name in limits.unlimited:
            return
        place = call.installation.team.id if call.installation else ""
        key = (method.name, call.app.id if call.app else "", place)
        now = self._core.clock.now()
        if method.tier is Tier.POST:
            _wait(self._core.budget.spend_post((*key, call.text("channel")), now))
        _wait(self._core.budget.spend(key, method.tier, now))

    async def _fire(self, call: Call, phase: Phase, reply: Reply | None = None) -> None:
        await self._core.hooks.fire(call.method, phase, arguments=call.arguments, answer=reply.body if reply else None)

    def _note(self, call: Call, reply: Reply) -> None:
        asked = {"team": call.installation.team.id if call.installation else None, **call.arguments}
        self._core.note("in", "api", call.method, asked, reply.noted())


def _wait(seconds: float) -> None:
    if seconds > 0:
        raise RateLimited(max(1, math.ceil(seconds)))
