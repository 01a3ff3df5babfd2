"""A real process whose disk is full, whose file is locked or read-only: it says so, and works again by itself."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.processes.scene import BotProcess, Scene

WAITING = "jobs wait for the database"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """It may complain here, but without a traceback, and it leaves a file that is whole."""
    scene = Scene(tmp_path)
    await scene.open()
    await scene.connect()
    yield scene
    await scene.close()
    ours = [line for process in scene.processes for line in process.said if '"logger": "slack_bolt"' not in line]
    assert [line for line in ours if "Traceback" in line] == []
    connection = sqlite3.connect(scene.database_path)
    assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    connection.close()


def let_files_grow(bot: BotProcess, most_bytes: int) -> None:
    """As a full disk does: no file of the process can be written beyond that."""
    _, hard = resource.prlimit(bot.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(bot.pid, resource.RLIMIT_FSIZE, (most_bytes, hard))


async def ends_well(scene: Scene) -> None:
    """One build and one card, which tells the end."""
    await scene.until(lambda: scene.cards, "a card")
    scene.bitrise.finish(scene.build, "success")
    await scene.until(lambda: scene.announcements, "the end is told")
    assert (len(scene.bitrise.triggers), len(scene.cards)) == (1, 1)


async def test_a_command_on_a_full_disk_is_refused_in_words_and_taken_once_there_is_room(scene: Scene) -> None:
    bot = await scene.run_bot()
    let_files_grow(bot, 0)
    said = await scene.slack.command(scene.ana, scene.ios, "/build shop deploy main")
    answer = str(said.answer)
    assert "The disk can't read or write the database. Nothing was changed." in answer
    assert scene.bitrise.triggers == []
    assert [line["error"] for line in bot.events("a request was refused")]
    let_files_grow(bot, resource.RLIM_INFINITY)
    await scene.start_build()
    await ends_well(scene)


async def test_a_build_that_was_started_as_the_disk_filled_up_is_found_again(scene: Scene) -> None:
    bot = await scene.run_bot()

    async def fill() -> None:
        let_files_grow(bot, 0)

    filled = scene.once(scene.bitrise.hooks, "builds.trigger", "accepted", fill)
    await scene.start_build()
    await filled.wait()
    await bot.until_said(WAITING)
    let_files_grow(bot, resource.RLIM_INFINITY)
    await ends_well(scene)


async def test_a_kill_on_a_full_disk_leaves_a_file_that_is_whole(scene: Scene) -> None:
    bot = await scene.run_bot()
    await scene.start_build()
    await scene.until(lambda: scene.cards, "a card")
    let_files_grow(bot, 0)
    scene.bitrise.finish(scene.build, "failed")
    await bot.until_said(WAITING)
    await bot.kill()
    await scene.run_bot()
    await scene.until(lambda: scene.announcements, "the end is told")


@pytest.mark.parametrize(
    ("is_folder", "told"), [(False, "is read-only"), (True, "Cannot open")], ids=["file", "folder"]
)
async def test_it_starts_on_what_it_may_not_write_once_it_may(scene: Scene, is_folder: bool, told: str) -> None:
    locked = scene.folder if is_folder else scene.database_path
    before = locked.stat().st_mode
    locked.chmod(before & ~0o222)
    try:
        code, bot = await scene.command_line("run", wrapper=as_anybody())
    finally:
        locked.chmod(before)
    assert (code, len(bot.said)) == (2, 1), bot.log
    assert told in bot.said[0]
    await scene.run_bot()
    await scene.start_build()
    await ends_well(scene)


def as_anybody() -> tuple[str, ...]:
    """Permissions mean nothing to root, unless it gives that up."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root may write everything here")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
