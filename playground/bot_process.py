"""Run the real bot as a process that can be killed and started again.

The bot knows only the addresses of the practice servers, which are its settings.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path

import aiohttp

import bot
from bot.settings import PREFIX
from bot.vault import new_key
from playground.bitrise import PracticeBitrise
from playground.slack import Installation, PracticeSlack

READY_SECONDS = 20.0
DRAIN_SECONDS = 12.0
LINES_SHOWN = 8
ROOT = Path(bot.__file__).resolve().parents[1]
SWEEP_SECONDS = 2
"""The product's default is 10; a practice Bitrise has no rate limit to protect."""


class BotFailed(Exception):
    """The bot did not start. The text is its output."""


def bot_environment(
    *, slack: PracticeSlack, bitrise: PracticeBitrise, app: Installation, folder: Path, key: str | None = None
) -> dict[str, str]:
    """Return the bot's environment: that of this process without settings, and the practice servers."""
    port = free_port()
    settings = {
        "slack_bot_token": app.bot_token,
        "slack_app_token": app.app_token,
        "slack_api_url": slack.api_url,
        "bitrise_api_url": bitrise.api_url,
        "bitrise_site_url": bitrise.site_url,
        "database_url": f"sqlite:///{folder / 'buildbell.db'}",
        "encryption_keys": key or new_key(),
        "port": str(port),
        "public_url": f"http://127.0.0.1:{port}",
        "sweep_seconds": str(SWEEP_SECONDS),
        "idle_sweep_seconds": "5",
        "report_green_users": "*",
    }
    named = {PREFIX + name.upper(): value for name, value in settings.items()}
    return bare(os.environ) | named | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def bare(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without settings of a real bot, and without proxies, which can't reach 127.0.0.1."""
    return {
        name: value
        for name, value in environment.items()
        if not name.upper().startswith(PREFIX) and not name.lower().endswith("_proxy")
    }


def free_port(first: int = 0) -> int:
    """Return ``first`` or the next free port; for 0, one that stays free until somebody listens there.

    The system gives ports from 32768 on to outgoing connections, also between this probe and the start of a server.
    """
    ports = range(first, first + 100) if first else random.SystemRandom().sample(range(15_000, 32_000), 100)
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise OSError(f"every port from {first} to {first + 99} is taken" if first else "a hundred ports are taken")


class BotProcess:
    """``python -m bot run`` in ``folder``, which holds its database and its log."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.environment, self.folder = dict(environment), folder
        self.log_path = folder / "buildbell.log"
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self.is_running else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def url(self) -> str:
        """The base URL of /healthz, /readyz and /metrics."""
        return f"http://127.0.0.1:{self.environment[PREFIX + 'PORT']}"

    async def start(self) -> None:
        """Start the bot unless it is running, and return once it is ready. Raises `BotFailed`."""
        if self.is_running:
            return
        with self.log_path.open("ab") as log:
            # In the folder, so that no .env of the developer is read; in a session of its own, so that Ctrl-C
            # reaches this process first and the bot shuts down in order.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "run",
                cwd=self.folder, env=self.environment, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        await self._ready()

    async def terminate(self) -> None:
        """Send SIGTERM and wait for the bot to drain; kill it if it takes too long."""
        if self._process is None or not self.is_running:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """Send SIGKILL."""
        if self._process is not None and self.is_running:
            self._process.kill()
            await self._process.wait()

    async def restart(self) -> None:
        await self.terminate()
        await self.start()

    async def _ready(self) -> None:
        try:
            async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as session:
                while not await self._answers(session):  # noqa: ASYNC110  # another process sets no event here
                    await asyncio.sleep(0.05)
        except TimeoutError:
            await self.kill()
            raise BotFailed(f"The bot was not ready within {READY_SECONDS:.0f} s.\n{self.last_words()}") from None

    async def _answers(self, session: aiohttp.ClientSession) -> bool:
        if not self.is_running:
            raise BotFailed(f"The bot ended at once.\n{self.last_words()}")
        try:
            async with session.get(f"{self.url}/readyz") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    def last_words(self) -> str:
        """Return the end of its log."""
        if not self.log_path.exists():
            return ""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-LINES_SHOWN:])
