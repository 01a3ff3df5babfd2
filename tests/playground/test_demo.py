"""The demo as a process: it starts, takes commands, and ends everything it started."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


async def start_demo(*options: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "playground", *options, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=STDOUT
    )


async def read_until(process: Process, wanted: str) -> str:
    """Return the output up to the line that contains ``wanted``."""
    assert process.stdout is not None
    printed = ""
    async for line in process.stdout:
        printed += line.decode()
        if wanted in printed:
            return printed
    raise AssertionError(f"{wanted!r} was not printed:\n{printed}")


async def end(process: Process, printed: str) -> int | None:
    """Return the exit code after the bot has ended too."""
    await process.communicate()
    number = re.search(r"process (\d+)", printed)
    assert number is not None
    with pytest.raises(ProcessLookupError):
        os.kill(int(number[1]), 0)  # check whether it exists
    return process.returncode


async def test_somebody_types_in_the_terminal_and_quits() -> None:
    process = await start_demo("--terminal")
    assert process.stdin is not None
    try:
        printed = await read_until(process, "Running")  # a card is live
        process.stdin.write(b"/build doctor\n")
        printed += await read_until(process, "*Connected to Bitrise* as ci-bot")
        process.stdin.write(b"quit\n")
        assert await end(process, printed) == 0
    finally:
        if process.returncode is None:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_the_demo_and_its_bot(number: signal.Signals) -> None:
    process = await start_demo("--terminal", "--empty")
    try:
        printed = await read_until(process, "not connected")
        process.send_signal(number)
        assert await end(process, printed) == 0
    finally:
        if process.returncode is None:
            process.kill()


async def test_the_bot_ends_when_nobody_reads_the_terminal_any_more() -> None:
    """Close the output early, as ``python -m playground --terminal | head`` does."""
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "playground", "--terminal", "--empty", cwd=ROOT, stdin=PIPE, stdout=writing, stderr=STDOUT
    )
    os.close(writing)
    assert process.stdin is not None
    try:
        number = await asyncio.to_thread(bot_printed_to, reading)  # and closed
        process.stdin.write(b"/build help\n")
        await process.wait()
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)
    finally:
        if process.returncode is None:
            process.kill()


def bot_printed_to(pipe: int) -> int:
    """Return the bot's pid from the output, and close the pipe."""
    with open(pipe) as lines:
        return int(next(found[1] for line in lines if (found := re.search(r"process (\d+)", line))))
