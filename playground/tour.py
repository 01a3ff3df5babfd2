"""The tour: play the main journey and check every step.

Unlike in the demo, the bot runs in this process and shares the clock, which jumps to the next due time when everything
is idle. A quarter of an hour of builds takes a second or two, and the text is the same every time.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import sys
from collections.abc import Awaitable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import TextIO

from pydantic import SecretStr

from bot.app import Bot
from bot.settings import Settings
from bot.vault import new_key
from playground.bitrise import Build
from playground.bot_process import ROOT
from playground.clock import SteppedClock
from playground.new_messages import NewMessages
from playground.slack import Message, User
from playground.stage import Stage

README = ROOT / "README.md"
BLOCK = re.compile(r"(?<=<!-- tour -->\n```text\n).*?(?=```\n<!-- /tour -->)", re.DOTALL)
LIMIT_SECONDS = 30.0


class Unexpected(Exception):
    """A step had another result than expected. The text says what was expected."""


class Tour:
    """Plays one chapter after the other and writes to ``out`` what each person sees."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._clock = SteppedClock()
        self._stage = Stage(clock=self._clock)
        self._ids = itertools.count(1)
        self._pushes = self._minutes = 0

    async def play(self) -> None:
        """Play all chapters. Raises `Unexpected` at the first wrong step."""
        await self._stage.furnish()
        try:
            await self._start_bot()
            try:
                for chapter in (self._connect, self._succeed, self._stop, self._fail, self._skip, self._hear):
                    self._say(f"\n── {chapter.__doc__} " + "─" * (96 - len(chapter.__doc__ or "")) + "\n")
                    await chapter()
                self._sum_up()
            finally:
                await self._bot.stop()
        finally:
            await self._stage.close()

    async def _start_bot(self) -> None:
        stage = self._stage
        settings = Settings(
            _env_file=None,
            slack_bot_token=SecretStr(stage.app.bot_token),
            slack_app_token=SecretStr(stage.app.app_token),
            slack_api_url=stage.slack.api_url,
            bitrise_api_url=stage.bitrise.api_url,
            bitrise_site_url=stage.bitrise.site_url,
            database_url=f"sqlite:///{stage.folder / 'tour.db'}",
            encryption_keys=SecretStr(new_key()),
            port=0,
        )
        self._bot = Bot(settings, clock=self._clock, new_id=lambda: f"{next(self._ids):016x}")
        await self._bot.start()
        self._screens = NewMessages(stage.slack, people=stage.people, channels=stage.channels, app=stage.app)
        self._ios, self._ada = stage.channels["ios"], stage.people["ada"]
        self._ana, self._bo = stage.people["ana"], stage.people["bo"]

    # The chapters.

    async def _connect(self) -> None:
        """Ada, an admin, connects Bitrise: one token for every app"""
        await self._type(self._ada, "/build connect")
        await self._submit(self._ada, {"connect.token": self._stage.token}, words="pastes a Bitrise token")
        view = self._stage.slack.view(self._ada)
        self._expect("Connected as ci-bot, 3 apps" in str(view.blocks), "the modal says who is connected, with 3 apps")
        await self._stage.slack.close(self._ada, view)

    async def _succeed(self) -> None:
        """Ana starts a build and follows it on its card"""
        await self._type(self._ana, '/build shop deploy release/3.2 FLAVOR=beta "try the new login"')
        build = self._newest("deploy")
        self._expect(build.environments.get("FLAVOR") == "beta", "Bitrise got the environment variable")
        await self._passes(3)
        self._expect("Running" in self._card(), "the card shows it running")
        await self._passes(6)
        self._expect("Succeeded" in self._card(), "the card shows it succeeded")
        self._expect(self._mentions(self._ana), "the thread mentions Ana")

    async def _stop(self) -> None:
        """Ana starts a build on the wrong branch, and Bo stops it with a reason"""
        await self._type(self._ana, "/build shop deploy develop")
        await self._passes(1)
        await self._press(self._bo, "Stop…")
        reason = {"abort.reason": "wrong-target", "abort.sentence": "should have been release/3.2"}
        await self._submit(self._bo, reason, words="selects “Wrong branch or workflow” and enters a note")
        (call,) = self._stage.bitrise.aborts
        expected = "[wrong-target] should have been release/3.2 (@bo, via Buildbell)"
        self._expect(call.reason == expected, f"Bitrise got the reason {expected!r}, not {call.reason!r}")
        self._expect("Stopped by @bo" in self._card(), "the card names who stopped it")

    async def _fail(self) -> None:
        """A build fails, and its thread says why"""
        await self._type(self._ana, "/build shop integration main")
        await self._passes(3)
        self._expect("Failed after 2 min" in self._card(), "the card shows it failed")

    async def _skip(self) -> None:
        """A build skips itself because nothing changed, which isn't a success"""
        await self._type(self._ana, "/build shop changed-only main")
        await self._passes(2)
        self._expect(self._newest("changed-only").status_text == "aborted-with-success", "Bitrise reports it as passed")
        self._expect("Skipped" in self._card() and "Succeeded" not in self._card(), "the card shows it skipped")

    async def _hear(self) -> None:
        """Bo subscribes the channel to changed results; a push breaks the release, the next one fixes it"""
        await self._type(self._bo, "/build subscribe shop branch:release/3.2 workflow:test style:changes")
        good = await self._push("Add gift cards")
        self._stage.bitrise.finish(good)
        await self._passes(2)
        bad = await self._push("Round prices down")
        self._stage.bitrise.finish(bad, "failed", failed_step="xcode-test")
        await self._passes(3)
        self._expect("*Broken*" in self._last_two(), "the channel is notified that the release is broken")
        self._stage.bitrise.finish(await self._push("Round prices half up"))
        await self._passes(2)
        self._expect("*Fixed*" in self._card(), "the channel is notified that it is fixed")

    async def _push(self, message: str) -> Build:
        """Push as Ana, and wait until the bot has seen the test build running."""
        self._pushes += 1
        self._elapse()
        build = self._stage.bitrise.start_build(
            self._stage.shop,
            workflow="test",
            branch="release/3.2",
            triggered_by="webhook-github/ana",
            commit_hash=f"{self._pushes:02x}" * 20,
            commit_message=message,
        )
        self._stage.bitrise.run(build)
        self._say(f"> ana pushes “{message}” to release/3.2, and Bitrise starts the tests\n")
        await self._passes(2)
        return build

    def _last_two(self) -> str:
        return "\n".join(self._screens.read(each) for each in self._stage.slack.messages(self._ios)[-2:])

    def _sum_up(self) -> None:
        started, stopped = len(self._stage.bitrise.triggers), len(self._stage.bitrise.aborts)
        self._expect((started, stopped) == (4, 1), f"Bitrise got 4 starts and 1 stop, not {started} and {stopped}")
        self._say(f"\nEvery step went as expected. Bitrise got {started} starts and {stopped} stop, each once.")

    # Actions of a person.

    async def _type(self, person: User, text: str) -> None:
        await self._do(f"{person.name} types  {text}", self._stage.slack.command(person, self._ios, text))

    async def _press(self, person: User, button: str) -> None:
        await self._do(f"{person.name} presses  [{button}]", self._stage.slack.press(person, self._message(), button))

    async def _submit(self, person: User, values: dict[str, str], *, words: str) -> None:
        slack = self._stage.slack
        await self._do(f"{person.name} {words}", slack.submit(person, slack.view(person), values))

    async def _do(self, action: str, act: Awaitable[object]) -> None:
        self._elapse()
        self._say(f"> {action}\n")
        await act
        await self._settled()
        await self._advance(timedelta(seconds=2))  # Slack's limit of a channel may hold a card back for a second
        self._show()

    async def _passes(self, minutes: int) -> None:
        await self._advance(timedelta(minutes=minutes))
        self._minutes += minutes
        self._show()

    async def _advance(self, by: timedelta) -> None:
        """Let time pass; everything due on the way happens at its time."""
        end = self._clock.now() + by
        while (at := self._clock.next_waking()) is not None and at <= end:
            self._clock.move_to(at)
            await self._settled()
        self._clock.move_to(end)
        await self._settled()

    async def _settled(self) -> None:
        """Return when everything is idle: no delivery, call, task or due job."""
        slack, bitrise = self._stage.slack, self._stage.bitrise
        while True:
            await slack.quiet()
            await bitrise.quiet()
            await self._bot.wait_idle()
            if not slack.busy and not bitrise.is_busy:
                return

    # Views of the result.

    def _message(self) -> Message:
        """Return the newest card in #ios."""
        return [each for each in self._stage.slack.messages(self._ios) if each.thread_ts in (None, each.ts)][-1]

    def _card(self) -> str:
        return self._screens.read(self._message())

    def _mentions(self, person: User) -> bool:
        slack = self._stage.slack
        return any(person.id in slack.pings(reply) for reply in slack.thread(self._message()))

    def _newest(self, workflow: str) -> Build:
        build = self._stage.bitrise.builds(self._stage.shop)[-1]
        self._expect(build.workflow == workflow, f"the newest build of iOS Shop is of {workflow}, not {build.workflow}")
        return build

    def _show(self) -> None:
        news = self._screens.news()
        if news:
            self._elapse()
        for sight in news:
            self._say(f"{sight}\n")

    def _elapse(self) -> None:
        """Write how much time has passed since the last line."""
        if self._minutes:
            self._say(f"> {self._minutes} min later\n")
        self._minutes = 0

    def _say(self, text: str) -> None:
        print(text, file=self._out)

    def _expect(self, holds: bool, what: str) -> None:
        if not holds:
            raise Unexpected(f"Expected that {what}.")


async def play(out: TextIO) -> None:
    """Play the tour and write what people see. Raises `Unexpected`, or `TimeoutError` if it hangs."""
    logging.getLogger().setLevel(logging.CRITICAL)
    async with asyncio.timeout(LIMIT_SECONDS):
        await Tour(out).play()


def main(*, into_readme: bool = False, readme: Path = README) -> int:
    """Return the exit code: 1 if a step was not as expected."""
    out: TextIO = StringIO() if into_readme else sys.stdout
    try:
        asyncio.run(play(out))
    except Unexpected as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except TimeoutError:
        print(f"\nExpected to finish within {LIMIT_SECONDS:.0f} s.", file=sys.stderr)
        return 1
    if isinstance(out, StringIO):
        readme.write_text(BLOCK.sub(lambda _: out.getvalue().lstrip(), readme.read_text()))
    return 0
