"""Bolt that only acks. ``python -m tests.benchmarks.peers.bolt PORT documented|tuned SLACK_URL``.

``documented`` is what its pages show: a token, its own server, asyncio. ``tuned`` is the best that its public settings
allow: an ``authorize`` from memory, `process_before_response`, uvloop.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvloop
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from tests.benchmarks.wire import SIGNING_SECRET


async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token="xoxb-1", bot_user_id="UB1")


async def acknowledge(ack: AsyncAck) -> None:
    await ack()


def bolt_app(kind: str, slack_url: str, **given: Any) -> AsyncApp:
    if kind == "tuned":
        client = AsyncWebClient(base_url=slack_url)
        given |= {"authorize": authorize, "process_before_response": True}
    else:
        client = AsyncWebClient(base_url=slack_url, token="xoxb-1")
    app = AsyncApp(signing_secret=SIGNING_SECRET, client=client, **given)
    app.command("/build")(acknowledge)
    app.action("build.open")(acknowledge)
    return app


async def serve(port: int, kind: str, slack_url: str) -> None:
    app = bolt_app(kind, slack_url)

    async def answer(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    pages = app.server(port=port).web_app if kind == "documented" else web.Application()
    if kind == "tuned":
        pages.router.add_post("/slack/events", answer)
    runner = web.AppRunner(pages, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    run = uvloop.run if sys.argv[2] == "tuned" else asyncio.run
    run(serve(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
