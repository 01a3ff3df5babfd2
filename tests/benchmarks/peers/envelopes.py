"""Socket Mode that only acks: a bare WebSocket, or Bolt. ``python -m tests.benchmarks.peers.envelopes KIND URL``."""

from __future__ import annotations

import asyncio
import json
import sys

import aiohttp
import uvloop
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler

from tests.benchmarks.peers.bolt import bolt_app


async def bare(slack_url: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.post(slack_url + "apps.connections.open") as response:
            url = (await response.json())["url"]
        async with session.ws_connect(url, heartbeat=10) as socket:
            async for message in socket:
                if envelope_id := json.loads(message.data).get("envelope_id"):
                    await socket.send_str(json.dumps({"envelope_id": envelope_id}))


async def bolt(kind: str, slack_url: str) -> None:
    await AsyncSocketModeHandler(bolt_app(kind, slack_url), app_token="xapp-1").start_async()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    kind, url = sys.argv[1:]
    run = asyncio.run if kind == "documented" else uvloop.run
    run(bare(url) if kind == "bare" else bolt(kind, url))
