"""The limit: aiohttp that verifies Slack's signature and says 200. ``python -m tests.benchmarks.peers.raw PORT``."""

from __future__ import annotations

import asyncio
import hmac
import sys
import time

import uvloop
from aiohttp import web

from tests.benchmarks.wire import SIGNING_SECRET


async def answer(request: web.Request) -> web.Response:
    body = await request.read()
    sent_at = request.headers.get("X-Slack-Request-Timestamp", "0")
    if abs(time.time() - int(sent_at)) > 300:
        return web.Response(status=401)
    expected = hmac.digest(SIGNING_SECRET.encode(), b"v0:%s:%s" % (sent_at.encode(), body), "sha256").hex()
    if not hmac.compare_digest("v0=" + expected, request.headers.get("X-Slack-Signature", "")):
        return web.Response(status=401)
    return web.Response()


async def serve(port: int) -> None:
    app = web.Application()
    app.router.add_post("/slack/events", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
