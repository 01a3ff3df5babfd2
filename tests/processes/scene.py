"""The bot as a process of its own between the practice servers of the test; time is the wall's."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr

from bot.clock import SystemClock
from bot.connection import token_context
from bot.manifest import build_manifest
from bot.settings import PREFIX, Settings
from bot.vault import Vault, new_key, parse_keys
from playground.bitrise import App, Build, PracticeBitrise, Workflow
from playground.bot_process import free_port
from playground.plain_text import message_text
from playground.slack import Message, PracticeSlack
from playground.wire import Hooks, Phase
from storage import Transaction, open_database
from storage import apps as app_rows
from storage import workspaces as workspace_rows
from storage.apps import AppRow

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 120.0
"""When a test gives up: no passing one comes near, however busy the machine is."""


class Gone(Exception):
    """The process ended where it was expected to live; the text is what it printed."""


class BotProcess:
    """``python -m bot …`` and every line it prints. Its log is JSON, so that "ready" is an event and no guess."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.out = ""
        self.said: list[str] = []
        """What it printed on standard error, by lines."""
        self.port: int | None = None
        self.ready, self._has_said = asyncio.Event(), asyncio.Condition()
        self._reading = asyncio.gather(self._read_out(), self._read_log())

    @classmethod
    async def start(
        cls,
        *arguments: str,
        environment: Mapping[str, str],
        folder: Path,
        module: str = "bot",
        wrapper: Sequence[str] = (),
    ) -> BotProcess:
        process = await asyncio.create_subprocess_exec(
            *wrapper, sys.executable, "-m", module, *arguments, cwd=folder, env=environment,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        return cls(process)

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        return "".join(f"{line}\n" for line in self.said)

    @property
    def printed(self) -> str:
        return self.out + self.log

    def events(self, name: str) -> list[dict[str, Any]]:
        """Log lines that tell of this event."""
        lines = [json.loads(line) for line in self.said if line.startswith("{")]
        return [line for line in lines if line["event"] == name]

    async def until_ready(self) -> None:
        ready, ended = asyncio.create_task(self.ready.wait()), asyncio.create_task(self.ended())
        await asyncio.wait([ready, ended], return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            raise Gone(self.printed)
        ended.cancel()

    async def until_said(self, event: str) -> None:
        """Return once its log tells of this event."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._has_said:
            await self._has_said.wait_for(lambda: self.events(event))

    async def ended(self) -> int:
        """The exit code, once everything that was printed has been read."""
        code = await self._process.wait()
        await asyncio.shield(self._reading)
        return code

    async def kill(self) -> None:
        """SIGKILL: gone in the middle of whatever it did."""
        if self.is_alive:
            self._process.kill()
        await self.ended()

    def terminate(self) -> None:
        self.send(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def _read_out(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self.out += line.decode()

    async def _read_log(self) -> None:
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            self.said.append(line.decode().rstrip("\n"))
            async with self._has_said:
                self._has_said.notify_all()
            if line.startswith(b"{") and (entry := json.loads(line))["event"] == "ready":
                self.port = entry["port"]
                self.ready.set()


class Scene:
    """Ana, an engineer, and Ada, an admin, in #ios of Acme, where the bot is; Bitrise has "iOS Shop" and a token."""

    module = "bot"

    def __init__(self, folder: Path, *, socket_mode: bool = True) -> None:
        self.folder, self.socket_mode = folder, socket_mode
        self.slack, self.bitrise = PracticeSlack(clock=SystemClock()), PracticeBitrise(SystemClock())
        self.key = new_key()
        self.processes: list[BotProcess] = []
        self.settings: dict[str, str] = {}
        self.port = free_port()
        self._moved = asyncio.Event()

    async def open(self) -> None:
        await self.slack.start()
        await self.bitrise.start()
        self._furnish_slack()
        self._furnish_bitrise()
        for hooks in (self.slack.hooks, self.bitrise.hooks):
            hooks.on("*", "answered", self._note)

    def _furnish_slack(self) -> None:
        slack = self.slack
        self.team = slack.add_team("Acme")
        self.ada, self.ana = slack.add_user(self.team, "ada", admin=True), slack.add_user(self.team, "ana")
        self.ios = slack.add_channel(self.team, "ios", members=[self.ada, self.ana])
        app_token = SecretStr("xapp-x") if self.socket_mode else None
        bare = Settings(_env_file=None, slack_app_token=app_token, public_url="https://buildbell.example.com")
        self.app = slack.install(build_manifest(bare), self.team, request_url=f"{self.url}/slack/events")
        slack.invite(self.ios, self.app.bot_user)

    def _furnish_bitrise(self) -> None:
        bitrise = self.bitrise
        self.shop: App = bitrise.add_app(
            "iOS Shop", bitrise.add_workspace("Acme"), repo_owner="acme", repo_slug="shop",
            workflows={"deploy": Workflow(None, queue=timedelta(0), boot=timedelta(0))},
        )  # fmt: skip
        self.token = bitrise.add_token(bitrise.add_user("ci-bot"))

    async def close(self) -> None:
        for process in self.processes:
            await process.kill()
        await self.slack.stop()
        await self.bitrise.stop()

    # The bot.

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database_path(self) -> Path:
        return self.folder / "buildbell.db"

    @property
    def database_url(self) -> str:
        return self.settings.get("database_url", f"sqlite:///{self.database_path}")

    @property
    def secrets(self) -> list[str]:
        keys = self.settings.get("encryption_keys", self.key).split(",")
        return [self.app.bot_token, self.app.app_token, self.app.signing_secret, self.token, *keys]

    def environment(self, **changed: str) -> dict[str, str]:
        """What the process is told; a setting that is empty counts as not set."""
        settings = {
            "slack_bot_token": self.app.bot_token,
            "slack_app_token": self.app.app_token if self.socket_mode else "",
            "slack_signing_secret": self.app.signing_secret,
            "slack_api_url": self.slack.api_url,
            "bitrise_api_url": self.bitrise.api_url,
            "bitrise_site_url": self.bitrise.site_url,
            "database_url": self.database_url,
            "encryption_keys": self.key,
            "port": str(self.port),
            "sweep_seconds": "1",
            "idle_sweep_seconds": "1",
            "look_back_seconds": "1",
            "shutdown_seconds": "1",
            "log_format": "json",
        }
        named = {PREFIX + name.upper(): value for name, value in (settings | self.settings | changed).items()}
        return bare_environment() | named

    async def launch(self, *arguments: str, wrapper: Sequence[str] = (), **changed: str) -> BotProcess:
        """Start ``python -m bot`` with these arguments and do not wait for anything."""
        environment = self.environment(**changed)
        process = await BotProcess.start(
            *arguments, environment=environment, folder=self.folder, module=self.module, wrapper=wrapper
        )
        self.processes.append(process)
        return process

    async def run_bot(self, **changed: str) -> BotProcess:
        """``buildbell run``, ready."""
        process = await self.launch("run", **changed)
        await process.until_ready()
        return process

    async def command_line(
        self, *arguments: str, wrapper: Sequence[str] = (), **changed: str
    ) -> tuple[int, BotProcess]:
        """A command that ends by itself: its exit code, and what it printed."""
        process = await self.launch(*arguments, wrapper=wrapper, **changed)
        return await process.ended(), process

    async def connect(self) -> None:
        """What the database holds once Ada has connected; for scenes whose subject is something else."""
        sealed = Vault(parse_keys(self.key)).seal(self.token, context=token_context(self.team.id))
        database = await open_database(self.database_url)
        now = datetime.now(UTC)
        shop = AppRow(self.team.id, self.shop.slug, "iOS Shop", "acme", "shop", None, "ios", False)

        async def keep(tx: Transaction) -> None:
            await workspace_rows.save_connection(
                tx, self.team.id, sealed=sealed, owner="ci-bot", by=self.ada.id, now=now
            )
            await app_rows.replace_apps(tx, self.team.id, [shop])
            await workspace_rows.save_apps_refreshed(tx, self.team.id, now=now)

        await workspace_rows.save_workspace(
            database, workspace_id=self.team.id, name="Acme", bot_user_id=self.app.bot_user.id
        )
        await database.transaction(keep)
        await database.close()

    async def get(self, path: str) -> tuple[int, str]:
        """What a monitor or an operator reads from the process."""
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as response:
            return response.status, await response.text()

    # Waiting.

    async def until(self, holds: Callable[[], object], what: str, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Return once it holds; looked at whenever one of the practice servers has answered a call."""
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            raise AssertionError(f"in vain: {what}\n{self.story()}") from None

    def story(self) -> str:
        """What people see and the processes have printed, for whoever has to find out what went wrong."""
        return "\n".join([self.sees(), *(process.printed for process in self.processes)])

    async def at_rest(self, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Return once nothing that was asked for is open and no message waits, by the bot's own count."""
        async with asyncio.timeout(seconds):
            while not {"buildbell_outbox_waiting 0.0", "buildbell_requests_open 0.0"} <= set(await self.metrics()):
                self._moved.clear()
                await self._moved.wait()

    async def metrics(self) -> list[str]:
        return (await self.get("/metrics"))[1].splitlines()

    async def _note(self, facts: Mapping[str, Any]) -> None:
        self._moved.set()

    def once(self, hooks: Hooks, name: str, phase: Phase, act: Callable[[], Awaitable[object]]) -> asyncio.Event:
        """Act the first time a call of that name gets there; the event is set when it is done."""
        done, begun = asyncio.Event(), False

        async def callback(facts: Mapping[str, Any]) -> None:
            nonlocal begun
            if not begun:
                begun = True
                await act()
                done.set()
                self._moved.set()

        hooks.on(name, phase, callback)
        return done

    def hold(self, hooks: Hooks, name: str, phase: Phase) -> tuple[asyncio.Event, asyncio.Event]:
        """The first such call waits: an event that says it is there, and one that lets it go on."""
        arrived, released = asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            arrived.set()
            await released.wait()

        self.once(hooks, name, phase, wait)
        return arrived, released

    # What a person does and sees.

    async def start_build(self, text: str = "/build shop deploy main") -> None:
        await self.slack.command(self.ana, self.ios, text)

    async def stop_build(self, *, then: Callable[[], object] = lambda: None) -> None:
        """Press Stop… on the card, give a reason, and submit after ``then``."""
        await self.until(lambda: self.cards and "Stop…" in str(self.cards[-1].blocks), "a button to stop it")
        await self.slack.press(self.ana, self.cards[-1], "Stop…")
        view = self.slack.view(self.ana)
        then()
        await self.slack.submit(self.ana, view, {"abort.reason": "wrong-target", "abort.sentence": "wrong branch"})

    @property
    def cards(self) -> list[Message]:
        return [message for message in self.slack.messages(self.ios) if message.thread_ts in (None, message.ts)]

    @property
    def announcements(self) -> list[Message]:
        return [message for message in self.slack.messages(self.ios) if message not in self.cards]

    def read(self, message: Message) -> str:
        return message_text(message.text, message.blocks, {self.ana.id: "ana", self.ada.id: "ada"})

    def sees(self) -> str:
        return "\n".join(self.read(message) for message in self.slack.messages(self.ios))

    @property
    def build(self) -> Build:
        (build,) = self.bitrise.builds()
        return build


def bare_environment() -> dict[str, str]:
    """Without the settings of a real bot, and without proxies, which do not find 127.0.0.1."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(PREFIX) and not name.lower().endswith("_proxy")
    }
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
