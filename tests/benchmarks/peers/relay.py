"""The limit: a webhook that is verified and told to Slack at once, asking nobody what became of the build.

``python -m tests.benchmarks.peers.relay PORT SLACK_URL SECRET``.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import sys

import aiohttp
import uvloop
from aiohttp import web

from bot.bitrise.webhook import SECRET_HEADER
from tests.benchmarks.wire import CHANNEL

MESSAGE = json.dumps({"channel": CHANNEL, "text": "The build 812 of Shop succeeded after 7 minutes. " * 3}).encode()
HEADERS = {"Authorization": "Bearer xoxb-1", "Content-Type": "application/json"}


async def serve(port: int, slack_url: str, secret: str) -> None:
    async with aiohttp.ClientSession(headers=HEADERS) as session:

        async def tell() -> None:
            async with session.post(slack_url + "chat.postMessage", data=MESSAGE) as response:
                await response.read()

        async def receive(request: web.Request) -> web.Response:
            await request.read()
            if not hmac.compare_digest(request.headers.get(SECRET_HEADER, ""), secret):
                return web.Response(status=404)
            await tell()
            return web.Response(status=204)

        app = web.Application()
        app.router.add_post("/{tail:.*}", receive)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
