"""Serve until somebody says stop."""

from __future__ import annotations

import asyncio
import signal


async def told_to_stop() -> None:
    """Return at SIGINT or SIGTERM, also where a shell has put this process into the background with SIGINT ignored."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
