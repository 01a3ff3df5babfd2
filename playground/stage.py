"""The stage: the practice servers with their sample data, and the real bot as a process between them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Self

from bot.clock import Clock, SystemClock
from playground import sample_data
from playground.bitrise import App, Build, PracticeBitrise
from playground.bot_process import BotProcess, bot_environment
from playground.slack import Channel, Installation, Limits, PracticeSlack, Team, User

PATIENCE_SECONDS = 15.0
JOURNAL_LIMIT = 2_000


class StageFailed(Exception):
    """The opening scene did not go as expected."""


class Stage:
    """Both practice servers on one ``clock``, and the bot.

    `set_speed` makes Bitrise's machines faster, not the clock, because the bot uses the wall clock.
    """

    clock: Clock
    slack: PracticeSlack
    bitrise: PracticeBitrise
    team: Team
    people: dict[str, User]
    channels: dict[str, Channel]
    app: Installation
    apps: dict[str, App]
    token: str
    bot: BotProcess

    def __init__(self, *, clock: Clock | None = None, seed: int = 0, limits: Limits | None = None) -> None:
        self.clock = clock or SystemClock()
        self.slack = PracticeSlack(clock=self.clock, limits=limits, seed=seed)
        self.bitrise = PracticeBitrise(self.clock, seed=seed, journal_limit=JOURNAL_LIMIT)
        self.bitrise.log_starts_after = self.bitrise.archive_takes = timedelta(0)  # show a failure's reason at once
        self.speed = 1.0
        self._folder = tempfile.TemporaryDirectory(prefix="buildbell-playground-")
        self.folder = Path(self._folder.name)

    @classmethod
    async def open(cls, *, speed: float = 1.0, empty: bool = False, seed: int = 0) -> Self:
        """Start everything. ``empty`` leaves the bot unconnected, to try the setup."""
        stage = cls(seed=seed)
        try:
            await stage.furnish()
            await stage.bot.start()
            if not empty:
                await stage.connect()
                await stage.play_opening()
            stage.set_speed(speed)
        except BaseException:
            await stage.close()
            raise
        return stage

    async def furnish(self) -> None:
        """Start both servers, create the sample data and prepare the bot without starting it."""
        await self.slack.start()
        await self.bitrise.start()
        self.team, self.people, self.channels = sample_data.found_team(self.slack)
        self.app = sample_data.install_bot(self.slack, self.team, self.channels, site_url=self.bitrise.site_url)
        self.apps, self.token = sample_data.furnish_bitrise(self.bitrise)
        self._at_one = {app.slug: dict(app.workflows) for app in self.apps.values()}
        environment = bot_environment(slack=self.slack, bitrise=self.bitrise, app=self.app, folder=self.folder)
        self.bot = BotProcess(environment, self.folder)

    async def close(self) -> None:
        """Stop the bot, then the servers it is connected to."""
        if hasattr(self, "bot"):
            await self.bot.terminate()
        await self.slack.stop()
        await self.bitrise.stop()
        self._folder.cleanup()

    def set_speed(self, speed: float) -> None:
        """Set how many times as fast the builds run that start from now on."""
        self.speed = speed
        for app in self.apps.values():
            for name, workflow in self._at_one[app.slug].items():
                app.workflows[name] = sample_data.quicker(workflow, speed)

    @property
    def shop(self) -> App:
        return self.apps["shop"]

    @property
    def droid(self) -> App:
        return self.apps["droid"]

    @property
    def courier(self) -> App:
        return self.apps["courier"]

    # The opening scene.

    async def connect(self) -> None:
        """Connect Bitrise as Ada, the admin, through the bot's modal."""
        ada = self.people["ada"]
        await self.slack.command(ada, self.channels["general"], "/build connect")
        await self.slack.submit(ada, self.slack.view(ada), {"connect.token": self.token})
        await self.wait_for(lambda: "Connected as" in str(self._blocks_before(ada)), "the token to be connected")
        await self.slack.close(ada, self.slack.view(ada))

    async def play_opening(self) -> None:
        """Start two builds that finish and one that keeps running, each with its card."""
        ana, bo, ios, android = self.people["ana"], self.people["bo"], self.channels["ios"], self.channels["android"]
        await self._ask(bo, android, '/build "Android Shop" test develop')
        await self._ask(ana, ios, "/build shop lint main")
        first, second = (call.builds[0] for call in self.bitrise.triggers)
        self._backdate(first, minutes=3)
        self.bitrise.finish(first, "failed", failed_step="android-unit-test")
        self._backdate(second, minutes=0.7)
        self.bitrise.finish(second, "success")
        await self._ask(ana, ios, '/build shop deploy release/3.2 FLAVOR=beta "try the new login"')
        self.bitrise.run(self.bitrise.triggers[-1].builds[0])
        await self.wait_for(lambda: len(self.slack.messages(ios)) >= 3, "the cards")

    def _backdate(self, build: Build, *, minutes: float) -> None:
        """Let a build look as if it had started ``minutes`` ago."""
        self.bitrise.run(build)
        build.started_at = self.clock.now() - timedelta(minutes=minutes)

    async def _ask(self, person: User, channel: Channel, text: str) -> None:
        """Type a command and wait for its build."""
        before = len(self.bitrise.triggers)
        await self.slack.command(person, channel, text)
        await self.wait_for(lambda: len(self.bitrise.triggers) > before, f"a build after {text}")

    def _blocks_before(self, person: User) -> object:
        views = self.slack.views(person)
        return views[-1].body["blocks"] if views else None

    async def wait_for(self, holds: Callable[[], bool], what: str) -> None:
        """Poll until ``holds`` is true. Raises `StageFailed` after a while."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not holds():  # noqa: ASYNC110  # no event tells of everything a person could see
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise StageFailed(
                f"Waited {PATIENCE_SECONDS:.0f} s for {what}; the bot says:\n{self.bot.last_words()}"
            ) from None
