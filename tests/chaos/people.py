"""What people ask for, and what is pushed: typed, pressed and submitted whatever breaks meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from playground.bitrise import Build
from playground.slack import Channel, Delivery, Message, User
from tests.chaos.stage import Stage

PATIENCE_SECONDS = 120.0
REASON = {"abort.reason": "wrong-target", "abort.sentence": "chaos"}


@dataclass(slots=True, eq=False)
class Command:
    """A start that was typed. ``stopped``: the submission of its stop was acked."""

    number: int
    channel: Channel
    delivery: Delivery
    is_endless: bool
    stopped: bool = False

    @property
    def branch(self) -> str:
        return f"cmd-{self.number}"

    @property
    def is_taken(self) -> bool:
        """Slack was told so while the person looked on."""
        return self.delivery.ok and not (self.delivery.answer or {}).get("text")


class People:
    """``asked`` and ``pushed`` remember what was asked for; ``passed`` is called after each."""

    def __init__(self, stage: Stage, *, commands: int, builds: int, seed: int, passed: Callable[[int], None]) -> None:
        self._stage, self._random, self._passed = stage, random.Random(seed), passed
        self._commands, self._builds = iter(range(commands)), builds
        self.asked: list[Command] = []
        self.pushed: list[Build] = []
        self.repeated = 0
        self._is_all_typed = False
        self._delivered: list[Delivery] = []

    async def subscribe(self) -> None:
        """Before anything breaks: each channel hears of the pushes to its branch."""
        for number, channel in enumerate(self._stage.channels):
            typed = f"/build subscribe shop branch:push-{number} style:line"
            delivery = await self._stage.slack.command(self._stage.ana, channel, typed)
            assert delivery.ok, delivery

    async def live(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for person in self._stage.people:
                tasks.create_task(self._type(person, self._commands))
            tasks.create_task(self._push())

    async def _push(self) -> None:
        """As fast as people type."""
        for number in range(self._builds):
            await self._stage.until(self._is_time_to_push, "people type", seconds=PATIENCE_SECONDS * 2)
            channel = number % len(self._stage.channels)
            build = self._stage.bitrise.start_build(
                self._stage.shop, workflow="test", branch=f"push-{channel}", triggered_by="webhook-github/octocat"
            )
            self.pushed.append(build)
            self._pass()

    def _is_time_to_push(self) -> bool:
        return len(self.pushed) <= len(self.asked) or self._is_all_typed

    def _pass(self) -> None:
        self._passed(len(self.asked) + len(self.pushed))

    async def _type(self, person: User, numbers: Iterator[int]) -> None:
        for number in numbers:
            await self._ask(person, number)
        self._is_all_typed = True

    async def _ask(self, person: User, number: int) -> None:
        channel, is_endless = self._stage.channels[number % len(self._stage.channels)], number % 5 == 0
        typed = f"/build shop {'endless' if is_endless else 'deploy'} cmd-{number}"
        await self._stage.is_reachable()
        delivery = await self._stage.slack.command(person, channel, typed)
        command = Command(number, channel, delivery, is_endless)
        self.asked.append(command)
        self._pass()
        await self._perhaps_again(delivery)
        if is_endless and command.is_taken:
            await self._stop(person, command)

    async def _perhaps_again(self, delivery: Delivery) -> None:
        """Slack delivers what it has delivered before, later than what came after it; and an event now and then."""
        self._delivered.append(delivery)
        if self._random.random() < 0.15:
            again = self._delivered.pop(self._random.randrange(len(self._delivered)))
            self.repeated += 1
            await self._stage.slack.redeliver(again)
        if self._random.random() < 0.05:
            opened = await self._stage.slack.open_home(self._random.choice(self._stage.people), self._stage.app)
            assert opened is not None
            self._delivered.append(opened)

    async def _stop(self, person: User, command: Command) -> None:
        """Press, give a reason, submit; try again as people do when Slack shows a warning sign."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not self._is_stopping(command) and not await self._try_to_stop(person, command):
                    await self._stage.moves()
        except TimeoutError:
            raise AssertionError(f"nobody could stop {command.branch}") from None

    async def _try_to_stop(self, person: User, command: Command) -> bool:
        slack, card = self._stage.slack, self._card_of(command)
        if card is None:
            return False
        await slack.press(person, card, "Stop…")
        if not slack.views(person):
            return False
        submitted = await slack.submit(person, slack.view(person), REASON)
        command.stopped = submitted.ok and not submitted.errors
        if command.stopped:
            await self._perhaps_again(submitted)
        for view in slack.views(person):
            await slack.close(person, view)
        return command.stopped

    def _is_stopping(self, command: Command) -> bool:
        """It may have been taken although Slack never heard so."""
        return any(call.build.branch == command.branch for call in self._stage.bitrise.aborts)

    def _card_of(self, command: Command) -> Message | None:
        """What can be pressed. Drawn blocks hold the branch as a value."""
        near = [each for each in self._stage.slack.messages(command.channel) if command.branch in each.text]
        shown = [(each, str(each.blocks)) for each in near]
        cards = [each for each, drawn in shown if f"{command.branch}'" in drawn and "Stop…" in drawn]
        return cards[-1] if cards else None
