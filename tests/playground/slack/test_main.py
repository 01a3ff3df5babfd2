"""The practice Slack as a process of its own."""

from __future__ import annotations

import asyncio
import signal
import sys

from aiohttp import ClientSession
from slack_sdk.web.async_client import AsyncWebClient


async def test_it_prints_what_a_bot_needs_and_stops_on_sigterm(session: ClientSession) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "playground.slack", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        told: dict[str, str] = {}
        for _ in range(7):
            line = (await process.stdout.readline()).decode()
            told[line[:15].strip()] = line[15:].strip()
        client = AsyncWebClient(token=told["Bot token"], base_url=told["Web API"], session=session, retry_handlers=[])

        assert (await client.auth_test())["team"] == "Acme"
    finally:
        process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
