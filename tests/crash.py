"""A SIGKILL without a process: stop a bot at a labelled point and start another on what was on disk at that moment.

The same points with real processes take seconds each; tests/processes/test_kill.py keeps one of every kind.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

from playground.slack.replies import cut
from playground.wire import Fault, Phase
from tests.conftest import Complaints
from tests.world import World

Label = tuple[str, str, Phase]
"""A practice server, one of its operations, and a phase of the call."""


def label_text(label: Label) -> str:
    return " ".join(label)


class Crash:
    """Once a call gets to ``label``: nothing of the bot reaches Slack, Bitrise or the next bot's database any more."""

    def __init__(self, world: World, label: Label, folder: Path, complaints: Complaints) -> None:
        self._world, self._folder, self._complaints = world, folder, complaints
        self._is_reached = False
        self._has_crashed, self._is_over = asyncio.Event(), asyncio.Event()
        side, name, phase = label
        hooks = world.slack.hooks if side == "slack" else world.bitrise.hooks
        self._unsubscribe = hooks.on(name, phase, self._reach)

    async def _reach(self, facts: Mapping[str, Any]) -> None:
        if self._is_reached:
            return
        self._is_reached = True
        while not self._world.is_up:  # noqa: ASYNC110  # a bot that starts would wait for Slack for ever
            await asyncio.sleep(0.01)
        self._keep_what_is_on_disk()
        for server in (self._world.slack, self._world.bitrise):
            server.faults.add(Fault("*", "cut_before", times=None))
        for connection in self._world.slack.sockets.of(self._world.app.app):
            cut(connection.request)
        self._has_crashed.set()
        await self._is_over.wait()  # the server goes on with the call, whose sender is gone

    def _keep_what_is_on_disk(self) -> None:
        with (
            contextlib.closing(sqlite3.connect(self._folder / "buildbell.db")) as before,
            contextlib.closing(sqlite3.connect(self._kept)) as after,
        ):
            before.backup(after)

    @property
    def _kept(self) -> Path:
        return self._folder / "after-the-crash.db"

    async def during(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something until the crash, and start again."""
        task = asyncio.create_task(work)
        await self._has_crashed.wait()
        world = self._world
        await world.stop_bot()
        self._unsubscribe()
        self._is_over.set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for server in (world.slack, world.bitrise):
            server.faults.clear()
        self._complaints.told.clear()  # of the one that is gone
        (self._folder / "buildbell.db").unlink()
        self._kept.rename(self._folder / "buildbell.db")
        await world.start_bot()
