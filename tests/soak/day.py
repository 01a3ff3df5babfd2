"""What happens in a day: builds that begin and end, calls that go wrong, a bot that is stopped and started again."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

from playground.bitrise import App, Build, Workflow
from playground.clock import SteppedClock
from playground.slack import Channel
from playground.wire import Fault
from tests.world import World

Deed = Callable[[], Awaitable[None]]
WORKFLOWS = ("deploy", "test", "lint")
BRANCHES = ("main", "main", "release/3.2", "feature/login", "feature/cart")
CAUSES = ("webhook-github/octocat", "webhook-github/ana", "scheduler", "manual-bo", None)
ENDS = ("success",) * 14 + ("failed",) * 4 + ("aborted", "aborted-with-success")
SUBSCRIPTIONS = {
    "every": "shop style:line",
    "red": "all failed style:line",
    "pushed": "shop-android branch:main,release/* cause:push style:line",
    "deployed": "shop workflow:deploy style:card",
    "turned": "all branch:main style:changes",
}
"""Channel to what it hears; `expected` says the same in Python."""
LONGEST_MINUTES = 15
TAIL = timedelta(minutes=45)
"""How long after the last end everything may take to be told."""


class Workspace:
    """One team with its bot, its channels and its two apps."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.channels: dict[str, Channel] = {}
        self.cuts = 0

    async def furnish(self) -> None:
        world = self.world
        await world.open()
        await world.connect()
        for app in (world.shop, world.droid):
            app.workflows |= {name: Workflow(None) for name in WORKFLOWS}
        for name, filters in SUBSCRIPTIONS.items():
            channel = world.slack.add_channel(world.team, name, members=[world.ana])
            world.slack.invite(channel, world.app.bot_user)
            self.channels[name] = channel
            await world.say(f"/build subscribe {filters}", at=channel)

    def expected(self, name: str, since: datetime) -> set[str]:
        """The slugs a channel has to hear of, by the record of the practice Bitrise alone."""
        fits: dict[str, Callable[[Build], bool]] = {
            "every": lambda build: build.app is self.world.shop,
            "red": lambda build: build.status_text == "error",
            "pushed": lambda build: (
                build.app is self.world.droid
                and (build.branch == "main" or (build.branch or "").startswith("release/"))
                and (build.triggered_by or "").startswith("webhook-")
            ),
            "deployed": lambda build: build.app is self.world.shop and build.workflow == "deploy",
        }
        ended = [build for build in self.world.builds() if build.finished_at and build.finished_at >= since]
        return {build.slug for build in ended if fits[name](build)}

    def told(self, name: str) -> list[str]:
        """The slugs of a channel's messages, a slug as often as it stands there; threads not counted."""
        found = []
        for message in self.world.cards(self.channels[name]):
            drawn = f"{message.text} {message.blocks}"
            found += [build.slug for build in self.world.builds() if f"/build/{build.slug}" in drawn]
        return found


class Day:
    """``builds`` begin within ``hours``, spread over three workspaces; everything is drawn from ``seed``."""

    def __init__(self, folder: Path, *, hours: float, builds: int, seed: int) -> None:
        self.clock = SteppedClock()
        self.random = random.Random(seed)
        self.workspaces = [Workspace(self._world(folder / f"w{number}")) for number in range(3)]
        self._span, self._count = timedelta(hours=hours), builds
        self._order = itertools.count()
        self._plan: list[tuple[datetime, int, Deed]] = []

    def _world(self, folder: Path) -> World:
        folder.mkdir()
        world = World(folder, clock=self.clock, sweep_seconds=30, subscribed_sweep_seconds=60)
        world.expects_errors = True
        return world

    async def open(self) -> None:
        for workspace in self.workspaces:
            await workspace.furnish()
        self.began_at = self.clock.now()

    async def close(self) -> None:
        for workspace in self.workspaces:
            await workspace.world.close()

    async def live(self) -> None:
        self._draw()
        while self._plan:
            at, _, deed = heapq.heappop(self._plan)
            await self._pass_to(at)
            await deed()
        for workspace in self.workspaces:
            workspace.world.slack.faults.clear()
            workspace.world.bitrise.faults.clear()
        await self._pass_to(self.clock.now() + TAIL)

    async def _pass_to(self, end: datetime) -> None:
        while (at := self.clock.next_waking()) is not None and at <= end:
            self.clock.move_to(at)
            await self._settled()
        self.clock.move_to(max(end, self.clock.now()))
        await self._settled()

    async def _settled(self) -> None:
        for workspace in self.workspaces:
            await workspace.world.settled()

    # What is planned.

    def _draw(self) -> None:
        for number in range(self._count):
            self._at(self._moment(), self._begin(self.workspaces[number % 3]))
        for workspace in self.workspaces:
            for _ in range(max(2, round(self._span / timedelta(hours=2)))):
                self._at(self._moment(), self.random.choice(self._troubles(workspace)))

    def _moment(self) -> datetime:
        return self.began_at + self._span * self.random.random()

    def _at(self, at: datetime, deed: Deed) -> None:
        heapq.heappush(self._plan, (at, next(self._order), deed))

    def _begin(self, workspace: Workspace) -> Deed:
        world, draw = workspace.world, self.random
        app: App = draw.choice((world.shop, world.droid))

        async def begin() -> None:
            build = world.bitrise.start_build(
                app,
                workflow=draw.choice(WORKFLOWS),
                branch=draw.choice(BRANCHES),
                triggered_by=draw.choice(CAUSES),
                commit_hash=f"{draw.getrandbits(160):040x}",
                commit_message="Fix <!channel> & more",
            )
            world.bitrise.run(build)
            self._at(self.clock.now() + timedelta(minutes=LONGEST_MINUTES) * draw.random(), self._end(workspace, build))

        return begin

    def _end(self, workspace: Workspace, build: Build) -> Deed:
        async def end() -> None:
            workspace.world.bitrise.finish(build, self.random.choice(ENDS))  # type: ignore[arg-type]

        return end

    def _troubles(self, workspace: Workspace) -> list[Deed]:
        world = workspace.world

        def bitrise(times: int | None, minutes: float, **fault: int) -> Deed:
            async def break_it() -> None:
                world.bitrise.faults.add(Fault("builds.*", times=times, **fault))  # type: ignore[arg-type]
                self._at(self.clock.now() + timedelta(minutes=minutes), mend)

            async def mend() -> None:
                world.bitrise.faults.clear()

            return break_it

        def slack(times: int, **fault: object) -> Deed:
            async def break_it() -> None:
                world.slack.faults.add(Fault("chat.postMessage", times=times, **fault))  # type: ignore[arg-type]

            return break_it

        async def cut() -> None:
            world.slack.faults.add(Fault("chat.postMessage", "cut_after", times=1))
            workspace.cuts += 1

        async def stop() -> None:
            await world.stop_bot()
            self._at(self.clock.now() + timedelta(minutes=40 * self.random.random()), start)

        async def start() -> None:
            if not world.is_up:
                await world.start_bot()

        return [
            bitrise(None, 40, status=500),
            bitrise(5, 10, status=429, retry_after=60),
            slack(3, status=429, retry_after=30),
            slack(3, status=500),
            cut,
            stop,
        ]
