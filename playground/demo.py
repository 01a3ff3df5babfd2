"""The demo: start the practice servers and the bot, and open the page or the terminal."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import webbrowser
from collections.abc import Coroutine
from typing import Any

from playground import tour
from playground.bot_process import BotFailed, bare, free_port
from playground.page.server import PageServer
from playground.stage import Stage, StageFailed
from playground.terminal import Terminal

FIRST_PORT = 8420


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 1 if something did not start or a tour found a difference."""
    options = parser().parse_args(arguments)
    for name in os.environ.keys() - bare(os.environ):
        del os.environ[name]  # the shell may have the settings of a real bot
    if options.scene == "tour":
        return tour.main(into_readme=options.readme)
    if options.scene == "shots":
        from playground import screenshots

        return screenshots.main([options.folder])
    try:
        asyncio.run(until_stopped(serve(options)))
    except (BotFailed, StageFailed, OSError) as error:
        print(f"The playground didn't start. {error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        prog="python -m playground",
        description="A practice Slack, a practice Bitrise and the real bot between them, on this machine only.",
    )
    whole.add_argument("--terminal", action="store_true", help="type in this terminal instead of a browser")
    whole.add_argument("--empty", action="store_true", help="start without a Bitrise connection, to try the setup")
    whole.add_argument("--speed", type=float, default=1.0, help="run builds this many times as fast (default 1)")
    whole.add_argument(
        "--port", type=int, default=FIRST_PORT, help=f"port of the page, or the next free one (default {FIRST_PORT})"
    )
    whole.add_argument("--no-browser", action="store_true", help="print the address without opening a browser")
    scenes = whole.add_subparsers(dest="scene", title="instead of the demo")
    played = scenes.add_parser("tour", help="run the main journey, check it and print what people see")
    played.add_argument("--readme", action="store_true", help="write the text into README.md")
    pictures = scenes.add_parser("shots", help="take the screenshots of the documentation (needs Chromium)")
    pictures.add_argument("folder", nargs="?", default="docs/images")
    return whole


async def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run until the end, SIGINT or SIGTERM. ``work`` cleans up after itself."""
    task, loop = asyncio.ensure_future(work), asyncio.get_running_loop()
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not stopped:
            raise


async def serve(options: argparse.Namespace) -> None:
    print("Starting a practice Slack, a practice Bitrise and the bot…", flush=True)
    stage = await Stage.open(speed=options.speed, empty=options.empty)
    try:
        print(where(stage), flush=True)
        if options.terminal:
            await Terminal(stage).run()
        else:
            await show_page(stage, options)
    finally:
        with contextlib.suppress(BrokenPipeError):  # the reader of our output may be gone
            print("\nStopping…", flush=True)
        await stage.close()


async def show_page(stage: Stage, options: argparse.Namespace) -> None:
    page = PageServer(stage, free_port(options.port))
    await page.start()
    try:
        print(f"\nOpen {page.url} and press “Play it for me”, or type /build. Press Ctrl-C to stop.", flush=True)
        if has_screen() and not options.no_browser:
            webbrowser.open(page.url)
        await asyncio.Event().wait()
    finally:
        await page.stop()


def has_screen() -> bool:
    """Return whether a browser would open a window, instead of taking over the terminal."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def where(stage: Stage) -> str:
    state = "" if stage.bitrise.triggers else " (not connected: run /build connect as ada)"
    lines = [
        ("Slack API", stage.slack.api_url),
        ("Bitrise API", stage.bitrise.api_url),
        ("Bitrise token", stage.token),
        ("bot", f"{stage.bot.url}/metrics, process {stage.bot.pid}{state}"),
        ("bot log", str(stage.bot.log_path)),
    ]
    return "\n".join(f"  {name:<17} {what}" for name, what in lines)
