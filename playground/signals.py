"""Wait for the signal to stop."""

from __future__ import annotations

import asyncio
import signal


async def wait_for_stop() -> None:
    """Return at SIGINT or SIGTERM, even if a shell started this process with SIGINT ignored."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
