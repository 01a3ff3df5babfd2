"""The command line, called in this process; the practice servers answer meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
import uvloop

from bot import __main__ as command_line
from tests.processes.scene import Scene


@dataclass(frozen=True, slots=True)
class Printed:
    """The output of one call."""

    out: str
    log: str

    @property
    def said(self) -> list[str]:
        """Standard error, by lines."""
        return self.log.splitlines()

    @property
    def printed(self) -> str:
        return self.out + self.log


class SignalsElsewhere(uvloop.Loop):
    """The loop of a command that runs in a thread: only the main thread receives signals."""

    def add_signal_handler(self, *_: object) -> None: ...


class CommandLine(Scene):
    """A scene whose `command_line` needs no process."""

    def __init__(self, folder: Path, *, socket_mode: bool = True) -> None:
        super().__init__(folder, socket_mode=socket_mode)
        self.calls: list[Printed] = []

    async def call(self, *arguments: str, **changed: str) -> tuple[int, Printed]:
        """Return the exit code of ``buildbell`` with these arguments and settings, and its output."""
        with (
            mock.patch.dict(os.environ, self.environment(**changed), clear=True),
            mock.patch.object(command_line, "_loop_factory", return_value=SignalsElsewhere),
            mock.patch.object(command_line, "keep_imports"),
            contextlib.chdir(self.folder),
        ):
            code, printed = await asyncio.to_thread(_call, *arguments)
        self.calls.append(printed)
        return code, printed


def _call(*arguments: str) -> tuple[int, Printed]:
    turn = sys.getswitchinterval()
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as log:
        try:
            command_line.main(list(arguments))
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        finally:
            sys.setswitchinterval(turn)
            gc.enable()
    return code, Printed(out.getvalue(), log.getvalue())


@contextlib.asynccontextmanager
async def opened(scene: CommandLine) -> AsyncIterator[CommandLine]:
    await scene.open()
    try:
        yield scene
    finally:
        await scene.close()
    printed = "".join(call.printed for call in scene.calls)
    assert [secret[:9] for secret in scene.secrets if secret in printed] == [], "a secret was printed"
    assert "Traceback" not in printed


@pytest.fixture
async def bare_scene(tmp_path: Path, own_logging: None) -> AsyncIterator[CommandLine]:
    """Nobody has connected Bitrise yet, and there is no database."""
    async with opened(CommandLine(tmp_path)) as scene:
        yield scene


@pytest.fixture
async def scene(bare_scene: CommandLine) -> CommandLine:
    """Connected to Bitrise."""
    await bare_scene.connect()
    return bare_scene


@pytest.fixture
async def http_scene(tmp_path: Path, own_logging: None) -> AsyncIterator[CommandLine]:
    """Connected too, and Slack delivers over HTTP."""
    async with opened(CommandLine(tmp_path, socket_mode=False)) as scene:
        await scene.connect()
        yield scene
