"""HTTP routes: Slack's requests, Bitrise's webhooks, build steps, health, readiness, metrics."""

from __future__ import annotations

import asyncio
import hmac
import resource
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.builds import skip
from bot.builds.skip import PATH as SKIPS_PATH
from bot.context import Context
from bot.sync import webhooks
from bot.sync.webhooks import PATH as HINTS_PATH
from bot.web.dispatch import Dispatcher

if TYPE_CHECKING:
    from bot.workspaces.oauth import OAuth

MAX_BODY_BYTES = 1024 * 1024
MAX_WEBHOOK_BYTES = 64 * 1024
MAX_SKIP_BYTES = 8 * 1024
MAX_UNSIGNED_BYTES = 4 * 1024
"""Slack's SSL check is the only request that isn't signed."""
BODY_SECONDS = 10.0
KEEPALIVE_SECONDS = 75.0
"""Until a connection without a complete request is closed: longer than a proxy keeps one, far from aiohttp's hour."""
BODY_BUDGET_BYTES = 24 * 1024 * 1024
"""For all large bodies that are being received at a time."""
SMALL_BODY_BYTES = 64 * 1024
"""Bodies up to this size are received at any time, so that large ones can't keep people's commands out."""
MAX_OPEN_FILES = 65_536
RUNNER_OPTIONS: Mapping[str, Any] = {
    "keepalive_timeout": KEEPALIVE_SECONDS,
    "auto_decompress": False,
    "read_bufsize": 16 * 1024,
}
"""Nobody we serve compresses a request, and a small compressed body can stand for gigabytes."""


class BodyBudget:
    """Counts the bytes of large bodies that are being received."""

    def __init__(self) -> None:
        self.used_bytes = 0


BUDGET = web.AppKey("budget", BodyBudget)


def web_app(
    *,
    ctx: Context,
    slack: Dispatcher | None,
    is_ready: Callable[[], str | None],
    exposition: Callable[[], Awaitable[bytes]],
    metrics_token: str = "",
    oauth: OAuth | None = None,
) -> web.Application:
    """Build the web app. ``slack`` is None in Socket Mode, ``oauth`` for a single workspace.

    ``is_ready`` returns what is missing, or None. With a ``metrics_token``, metrics require it as bearer token.
    """
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app[BUDGET] = BodyBudget()
    routes = Routes(ctx, is_ready, exposition, metrics_token)
    app.router.add_get("/healthz", routes.health)
    app.router.add_get("/readyz", routes.readiness)
    app.router.add_get("/metrics", routes.metrics)
    if ctx.settings.takes_requests:
        app.router.add_post(f"{HINTS_PATH}/{{key}}", routes.webhook)
        app.router.add_post(SKIPS_PATH, routes.build_step)
    if slack is not None:
        app.router.add_post("/slack/events", partial(routes.slack, slack))
    if oauth is not None:
        from bot.web.oauth_routes import add_oauth

        add_oauth(app, oauth, is_ready=is_ready)
    return app


@dataclass(frozen=True, slots=True)
class Routes:
    """Handlers of HTTP requests."""

    ctx: Context
    is_ready: Callable[[], str | None]
    exposition: Callable[[], Awaitable[bytes]]
    metrics_token: str

    async def health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readiness(self, request: web.Request) -> web.Response:
        if missing := self.is_ready():
            return web.json_response({"status": "waiting", "for": missing}, status=503)
        return web.json_response({"status": "ready"})

    async def metrics(self, request: web.Request) -> web.Response:
        authorization = request.headers.get("Authorization", "").encode(errors="replace")
        if self.metrics_token and not hmac.compare_digest(authorization, f"Bearer {self.metrics_token}".encode()):
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=await self.exposition(), headers=headers)

    async def webhook(self, request: web.Request) -> web.Response:
        """Take webhooks of Bitrise, which make a sync due. Requests with a wrong key get 404."""
        if self.is_ready():
            return web.Response(status=503)
        raw = await read_body(request, limit=MAX_WEBHOOK_BYTES)
        is_true = await webhooks.receive(self.ctx, request.match_info["key"], raw, request.headers)
        return web.Response(status=204 if is_true else 404)

    async def build_step(self, request: web.Request) -> web.Response:
        """Take the request of a build step to skip its build. The response is printed in the build's log."""
        if missing := self.is_ready():
            return web.Response(status=503, text=f"Buildbell is waiting for {missing}.")
        answer = await skip.receive_skip(self.ctx, await read_body(request, limit=MAX_SKIP_BYTES), request.headers)
        wait = {"Retry-After": str(answer.retry_after_seconds)} if answer.retry_after_seconds else None
        return web.Response(status=answer.status, text=answer.sentence, headers=wait)

    async def slack(self, dispatcher: Dispatcher, request: web.Request) -> web.Response:
        if self.is_ready():
            return web.Response(status=503)  # starting or stopping: Slack repeats events, people their commands
        limit = MAX_BODY_BYTES if dispatcher.may_be_signed(request.headers) else MAX_UNSIGNED_BYTES
        if limit == MAX_UNSIGNED_BYTES and (request.content_length or limit + 1) > limit:
            return web.Response(status=401)  # without reading what a stranger sends
        return await dispatcher.handle_http(request, await read_body(request, limit=limit))


async def read_body(request: web.Request, *, limit: int) -> bytes:
    """Return the body. Raises the response for one that is too large, compressed, broken or too slow."""
    if (request.content_length or 0) > limit:
        raise web.HTTPRequestEntityTooLarge(limit, request.content_length or 0)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise web.HTTPUnsupportedMediaType
    budget, counted, chunks, size = request.app[BUDGET], 0, [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while chunk := await request.content.readany():
                chunks.append(chunk)
                size += len(chunk)
                if size > limit:
                    raise web.HTTPRequestEntityTooLarge(limit, size)
                if size > SMALL_BODY_BYTES:
                    budget.used_bytes += size - counted
                    counted = size
                    if budget.used_bytes > BODY_BUDGET_BYTES:
                        raise web.HTTPServiceUnavailable
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (web.RequestPayloadError, ConnectionError):
        raise web.HTTPBadRequest from None
    finally:
        budget.used_bytes -= counted
    return b"".join(chunks)


def allow_many_connections() -> None:
    """Raise the limit of open files as far as allowed: half-open connections of strangers use them up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    if soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
