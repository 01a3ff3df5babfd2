"""Start and stop one process: database, context, web server, Socket Mode, jobs."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

import commands
from bot import __version__, logs
from bot.apps import AppCache
from bot.bitrise.client import BitriseClient
from bot.bitrise.http import HttpTransport
from bot.builds import abort, start, start_job
from bot.clock import Clock, SystemClock
from bot.context import Context
from bot.delivery import sender
from bot.engine import engine_for
from bot.errors import StartupFailed
from bot.metrics import Metrics
from bot.notifications import pausing
from bot.permissions import Permissions
from bot.rate_limits import RateLimiter
from bot.results import analysis
from bot.settings import Settings
from bot.slack.client import web_client
from bot.statistics import digests, prometheus
from bot.sync import history_import, poller, webhooks
from bot.tasks import Tasks
from bot.vault import Vault, parse_keys
from bot.web.dispatch import Dispatcher
from bot.web.server import RUNNER_OPTIONS, allow_many_connections, web_app
from bot.workspaces import connect
from bot.workspaces.slack_access import SlackAccess, is_admin, is_guest, open_slack_access
from storage import Database, DatabaseUnavailable, DatabaseUnusable, open_database
from storage import workspaces as workspace_rows
from storage.batching import Batcher

if TYPE_CHECKING:
    from bot.web.socket_mode import Socket

log = logging.getLogger(__name__)
OUTSIDE_SECONDS = 35.0
ROOMS = (connect, start_job, abort, poller, history_import, analysis, digests, pausing, webhooks, sender)
JOBS = tuple(kind for room in ROOMS for kind in room.JOBS)
GRACE_SECONDS = 3.0
"""Added to the setting for the shutdown. Longer means that a database doesn't respond."""
TURN_SECONDS = 0.002
"""How long a busy loop lets the database's threads wait for their turn; Python's own 5 ms are longer than a commit."""


def secret(value: Any) -> str:
    """Return a setting's secret, empty if it isn't set."""
    return str(value.get_secret_value()) if value is not None else ""


class Bot:
    """One process of Buildbell: its parts, started and drained in order."""

    def __init__(self, settings: Settings, *, clock: Clock, new_id: Callable[[], str]) -> None:
        self._settings, self._clock, self._new_id = settings, clock, new_id
        self._on_exit = contextlib.AsyncExitStack()
        self._is_stopping = False
        self.tasks = Tasks()
        self.metrics = Metrics()
        self.port: int | None = None
        self.socket: Socket | None = None
        self.is_ready = False

    async def start(self) -> None:
        """Start, and return once requests are accepted. Raises `StartupFailed` and leaves nothing open."""
        try:
            await self._start()
        except DatabaseUnavailable as trouble:
            await self._on_exit.aclose()
            raise StartupFailed(f"{trouble} Buildbell needs a writable database (BUILDBELL_DATABASE_URL).") from trouble
        except BaseException:
            await self._on_exit.aclose()
            raise

    async def _start(self) -> None:
        settings = self._settings
        try:
            database = await open_database(settings.database_url.get_secret_value())
        except DatabaseUnusable as error:
            raise StartupFailed(str(error)) from error
        self._on_exit.push_async_callback(database.close)
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=OUTSIDE_SECONDS), trust_env=True)
        self._on_exit.push_async_callback(session.close)
        vault = Vault(parse_keys(secret(settings.encryption_keys)))
        self.engine = engine_for(database, clock=self._clock)
        slack = open_slack_access(
            settings, database=database, engine=self.engine, vault=vault, session=session, clock=self._clock,
            new_id=self._new_id,
        )  # fmt: skip
        self.workspaces, self._oauth = slack.workspaces, slack.oauth
        self.ctx = self._context(database, session, vault, slack)
        for kind in JOBS:
            self.engine.register(kind, self.ctx)
        self.dispatcher = self._make_dispatcher(session)
        await self._serve_web()
        await self.workspaces.start()
        if settings.does_work:
            await self._start_work(is_alone=database.dialect == "sqlite")
        if settings.takes_requests and settings.slack_app_token is not None:
            from bot.web.socket_mode import Socket  # by HTTP it is not needed

            self.socket = Socket(
                dispatcher=self.dispatcher,
                app_token=settings.slack_app_token.get_secret_value(),
                client=web_client(session=session, base_url=self._settings.slack_api_url),
                clock=self._clock,
            )
            self._on_exit.push_async_callback(self.socket.stop)
            await self.socket.start()
        self.is_ready = True
        mode = "socket" if self.socket else "http"
        facts = {"version": __version__, "mode": mode, "role": settings.role, "port": self.port}
        log.info("ready", extra=facts)

    def _context(self, database: Database, session: aiohttp.ClientSession, vault: Vault, slack: SlackAccess) -> Context:
        settings = self._settings

        async def ask_about_guest(workspace_id: str, user_id: str) -> bool | None:
            return await is_guest(slack.workspaces.client(workspace_id), user_id)

        ctx = Context(
            settings=settings,
            db=database,
            engine=self.engine,
            clock=self._clock,
            new_id=self._new_id,
            vault=vault,
            slack=slack.workspaces.client,
            bitrise=lambda token: BitriseClient(HttpTransport(session, settings.bitrise_api_url, token)),
            permissions=Permissions(
                is_admin=lambda workspace_id, user_id: is_admin(slack.workspaces.client(workspace_id), user_id),
                is_guest=None if settings.allow_guests else ask_about_guest,
                clock=self._clock,
                connect_users=settings.connect_users,
                report_green_users=settings.report_green_users,
            ),
            has_scope=slack.workspaces.has_scope,
            slack_tokens=slack.tokens,
            tasks=self.tasks,
            app_cache=AppCache(),
            start_batch=Batcher(lambda starts: start.store_starts(ctx, starts)),
            channel_batch=Batcher(lambda channels: workspace_rows.find_channel_contexts(database, channels)),
            rate_limits=RateLimiter(),
            skip_limits={},
            sync_failures={},
        )
        return ctx

    async def _start_work(self, *, is_alone: bool) -> None:
        await poller.start_polling(self.ctx, is_alone=is_alone)
        await self.engine.start()
        self._on_exit.push_async_callback(self.engine.stop, within_seconds=self._settings.shutdown_seconds)

    async def stop(self) -> None:
        """Refuse new work, finish running work or leave it stored, close. Bounded by the setting for shutdown."""
        self._is_stopping, self.is_ready = True, False
        self.dispatcher.stop()
        deadline = time.monotonic() + self._settings.shutdown_seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._left(deadline)):
                await self.dispatcher.drained.wait()
        await self.tasks.drain(within_seconds=self._left(deadline))
        await self.engine.stop(within_seconds=self._left(deadline))
        await self._on_exit.aclose()
        log.info("stopped")

    @staticmethod
    def _left(deadline: float) -> float:
        return max(0.1, deadline - time.monotonic())

    async def wait_idle(self) -> None:
        """Return when no request, task or due job is left."""
        while True:
            await self.dispatcher.drained.wait()
            await self.tasks.wait_idle()
            await self.engine.wait_idle()
            if self.dispatcher.drained.is_set():
                return

    def _make_dispatcher(self, session: aiohttp.ClientSession) -> Dispatcher:
        async def authorize(team_id: str | None, enterprise_id: str | None) -> AuthorizeResult | None:
            return await self.workspaces.authorize(team_id, enterprise_id)  # Bolt cannot call a bound method

        app = AsyncApp(
            name="buildbell",
            logger=logging.getLogger("slack_bolt"),
            signing_secret=secret(self._settings.slack_signing_secret),
            authorize=cast(Any, authorize),  # Bolt's type forgets that nobody may be found
            client=web_client(session=session, base_url=self._settings.slack_api_url),
            process_before_response=True,  # else Bolt looks for the answer every 10 ms only
            user_facing_authorize_error_message="Buildbell isn't installed in your Slack workspace.",
        )
        app.error(commands.answer_bug)
        return Dispatcher(
            app, commands.list_handlers(self._settings.command), ctx=self.ctx,
            metrics=self.metrics, is_known=self.workspaces.authorize,
            signing_secret=secret(self._settings.slack_signing_secret), on_error=commands.answer_bug,
        )  # fmt: skip

    async def _serve_web(self) -> None:
        by_http = self._settings.takes_requests and self._settings.slack_app_token is None
        slack = self.dispatcher if by_http else None
        oauth = self._oauth if self._settings.takes_requests else None
        app = web_app(
            ctx=self.ctx, slack=slack, is_ready=self._missing, exposition=self._exposition,
            metrics_token=secret(self._settings.metrics_token), oauth=oauth,
        )  # fmt: skip
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, **RUNNER_OPTIONS)
        await runner.setup()
        self._on_exit.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, self._settings.host, self._settings.port)
        try:
            await site.start()
        except OSError as error:
            taken = "Set BUILDBELL_PORT to a free port."
            other = (
                "Set BUILDBELL_HOST to an address of this machine, such as 127.0.0.1 or 0.0.0.0. Ports below 1024 need "
                "extra privileges."
            )
            raise StartupFailed(
                f"Cannot listen on {self._settings.host}:{self._settings.port} ({error.strerror}). "
                + (taken if error.errno == errno.EADDRINUSE else other)
            ) from error
        self.port = runner.addresses[0][1]

    def _missing(self) -> str | None:
        if self._is_stopping:
            return "shutdown"
        return None if self.is_ready else "Slack"

    async def _exposition(self) -> bytes:
        await prometheus.collect(self.ctx, self.metrics)
        return self.metrics.exposition()


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, then drain. Raises `StartupFailed` with one sentence."""
    logs.add_secret(secret(settings.slack_signing_secret))
    logs.add_secret(secret(settings.slack_client_secret))
    logs.add_secret(secret(settings.metrics_token))
    allow_many_connections()
    sys.setswitchinterval(TURN_SECONDS)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask_to_stop() -> None:
        if not stopping.is_set():
            _leave_anyway(after_seconds=settings.shutdown_seconds + GRACE_SECONDS)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask_to_stop)
    bot = Bot(settings, clock=SystemClock(), new_id=lambda: secrets.token_hex(8))
    starting = asyncio.create_task(bot.start())
    asked_to_stop = asyncio.create_task(stopping.wait())
    await asyncio.wait([starting, asked_to_stop], return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
    asked_to_stop_early = stopping.is_set() and not starting.done()
    try:
        await starting
    except asyncio.CancelledError:
        if not asked_to_stop_early:
            raise
        return
    await asked_to_stop
    await bot.stop()


def _leave_anyway(*, after_seconds: float) -> None:
    """End the process if the shutdown hangs, as on a connection to a frozen server. Everything else is stored."""

    def leave() -> None:
        log.warning("shutdown timed out; the next process finishes the remaining work")
        os._exit(1)

    hammer = threading.Timer(after_seconds, leave)
    hammer.daemon = True
    hammer.start()
