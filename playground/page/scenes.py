"""Scenes that take many presses to reach by hand, each played by one button, as Ana in #ios."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from playground.bitrise import Build
from playground.sample_data import MACHINES
from playground.slack import Message
from playground.stage import Stage

JSON = dict[str, Any]

LOOK_SECONDS = 2.5
"""Time to see a card before it changes."""
BUILDS_AHEAD = 2


@dataclass(frozen=True, slots=True)
class Scene:
    id: str
    label: str
    hint: str


SCENES = (
    Scene("several", "Several builds from one trigger", "One command, and the trigger map starts lint and test."),
    Scene("queue", "On hold behind a queue", "All four machines are busy, and two builds are ahead."),
    Scene("pipeline", "Pipeline with a failed workflow", "lint passes, test fails, and deploy doesn't start."),
    Scene("flaky", "Flaky test", "A build fails, and its rerun of the same commit passes."),
    Scene("fork", "Pull request from a fork", "A fork's main branch isn't your main branch."),
)


class Scenes:
    """Plays one scene at a time. Builds start by commands, so the bot has to be running."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._takes: dict[str, int] = {}
        self._one_at_a_time = asyncio.Lock()
        self._random = random.Random()  # sample data, not secrets
        self._plays: dict[str, Callable[[], Awaitable[None]]] = {
            "several": self._play_several,
            "queue": self._play_queue,
            "pipeline": self._play_pipeline,
            "flaky": self._play_flaky,
            "fork": self._play_fork,
        }

    @staticmethod
    def state() -> list[JSON]:
        return [{"id": each.id, "label": each.label, "hint": each.hint} for each in SCENES]

    async def perform(self, scene: str) -> JSON:
        """Play a scene and return where it is. Raises LookupError, ValueError or `StageFailed`."""
        if scene not in self._plays:
            raise LookupError(f"Unknown scene {scene}.")
        if not self._stage.bot.is_running:
            raise ValueError("The bot isn't running. Start it under Faults.")
        async with self._one_at_a_time:
            self._takes[scene] = self._takes.get(scene, 0) + 1
            await self._plays[scene]()
        return {"ok": True, "person": "ana", "channel": "ios"}

    async def _play_several(self) -> None:
        await self._type("/build shop release/3.2 trigger-map", "several")
        builds = self._stage.bitrise.triggers[-1].builds
        for build in builds:
            self._stage.bitrise.run(build)
            await self._card_of(build.number)

    async def _play_queue(self) -> None:
        """Occupy all machines of Acme, queue two builds, and start one behind them."""
        bitrise, droid = self._stage.bitrise, self._stage.droid
        running = sum(build.has_slot for build in bitrise.builds())
        for _ in range(max(0, MACHINES - running)):
            bitrise.run(bitrise.start_build(droid, workflow="deploy", triggered_by="webhook-github/octocat"))
        for _ in range(BUILDS_AHEAD):
            bitrise.start_build(self._stage.courier, workflow="test", triggered_by="webhook-github/octocat")
        await self._type("/build shop deploy develop", "queue")
        await self._card_of(bitrise.triggers[-1].builds[0].number)

    async def _play_pipeline(self) -> None:
        await self._type("/build shop pipeline:release main", "pipeline")
        (run,) = self._stage.bitrise.triggers[-1].pipelines
        lint, test = run.builds
        for build in (lint, test):
            self._stage.bitrise.run(build)
        await self._card_of(run.number)
        await asyncio.sleep(LOOK_SECONDS)
        self._stage.bitrise.finish(lint, "success")
        await asyncio.sleep(LOOK_SECONDS)
        self._stage.bitrise.finish(test, "failed", failed_step="xcode-test")
        await self._result_of(run.number, "Failed")

    async def _play_flaky(self) -> None:
        """Fail a build, rerun it on the same commit, and let it pass, in a channel that is notified of changes."""
        stage, before = self._stage, self._flaky_notices()
        await self._say("/build subscribe shop workflow:test branch:main style:changes", "bo")
        await self._type(f"/build shop test main commit:{self._random.getrandbits(160):040x}", "flaky")
        first = stage.bitrise.triggers[-1].builds[0]
        await self._end(first, "failed", "Failed")
        starts = len(stage.bitrise.triggers)
        await stage.slack.press(stage.people["ana"], await self._card_of(first.number), "Rerun")
        await stage.wait_for(lambda: len(stage.bitrise.triggers) > starts, "the rerun to start")
        await self._end(stage.bitrise.triggers[-1].builds[0], "success", "Succeeded")
        await stage.wait_for(lambda: self._flaky_notices() > before, "the notification")

    def _flaky_notices(self) -> int:
        return sum("Flaky" in each.text for each in self._stage.slack.messages(self._stage.channels["ios"]))

    async def _play_fork(self) -> None:
        """Let a contributor open a pull request from the branch ``main`` of their fork, and show its build."""
        number, fork = self._random.randrange(100, 999), "https://github.com/mallory/shop.git"
        build = self._stage.bitrise.start_build(
            self._stage.shop,
            workflow="test",
            branch="main",
            triggered_by="webhook-github/mallory",
            pull_request_id=number,
            branch_dest="main",
            branch_repo_owner="mallory",
            branch_dest_repo_owner="acme",
            head_repository_url=fork,
            base_repository_url="https://github.com/acme/shop.git",
            pull_request_repository_url=fork,
            pull_request_head_branch=f"pull/{number}/head",
            pull_request_merge_branch=f"pull/{number}/merge",
            commit_message="Translate the cart into Danish",
        )
        self._stage.bitrise.run(build)
        await self._say(f"/build shop #{build.number}")
        await self._card_of(build.number)

    # Actions of people, and what the channel shows.

    async def _type(self, text: str, scene: str) -> None:
        """Start a build as Ana. From the second take on it has a variable, so that no running build is identical."""
        take = self._takes[scene]
        before = len(self._stage.bitrise.triggers)
        await self._say(f"{text} TAKE={take}" if take > 1 else text)
        await self._stage.wait_for(lambda: len(self._stage.bitrise.triggers) > before, "the build to start")

    async def _say(self, text: str, person: str = "ana") -> None:
        stage = self._stage
        delivery = await stage.slack.command(stage.people[person], stage.channels["ios"], text)
        if not delivery.ok:
            raise ValueError(f"{text.split(maxsplit=1)[0]} failed with the error {delivery.error}.")

    async def _end(self, build: Build, outcome: Any, word: str) -> None:
        self._stage.bitrise.run(build)
        await self._card_of(build.number)
        await asyncio.sleep(LOOK_SECONDS)
        self._stage.bitrise.finish(build, outcome, failed_step="xcode-test" if outcome == "failed" else None)
        await self._result_of(build.number, word)

    async def _card_of(self, number: int) -> Message:
        await self._stage.wait_for(lambda: self._find_card(number) is not None, f"the card of #{number}")
        card = self._find_card(number)
        assert card is not None
        return card

    async def _result_of(self, number: int, word: str) -> None:
        card = await self._card_of(number)
        await self._stage.wait_for(lambda: word in str(card.blocks), f"#{number} to be shown as {word}")

    def _find_card(self, number: int) -> Message | None:
        """Return the newest message of the channel, outside threads, that names the build."""
        for message in reversed(self._stage.slack.messages(self._stage.channels["ios"])):
            if message.thread_ts in (None, message.ts) and f"#{number}" in str(message.blocks):
                return message
        return None
