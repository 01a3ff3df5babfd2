"""The playground in a terminal: type commands and presses, and see every new message as text."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from playground.bitrise import Build
from playground.bitrise.model import STATUS_OF, Outcome
from playground.new_messages import NewMessage, NewMessages, plain
from playground.plain_text import view_text
from playground.slack import Message, View
from playground.stage import Stage

LOOK_EVERY_SECONDS = 0.3
GUIDE = """\
  /build shop lint            type a command in this channel; /build help lists all
  as ada | ana | bo | gus     switch person (ada is an admin, gus a guest from another workspace)
  in general | ios | android | leads | partners
                              switch channel
  press Stop…                 press a button of the open form, or of the newest message that has it
  fill Why? = Stuck           fill in a field of the form, by its label
  submit | close              submit or close the form
  home                        show your App Home
  builds                      list running and queued builds
  finish 412 failed           finish a build: success, failed, aborted, aborted-with-success
  speed 10                    run new builds 10 times as fast
  kill | restart              kill the bot (SIGKILL), or start it again
  help | quit"""

Act = Callable[[str], Awaitable[str | None]]


class Terminal:
    """Reads lines and prints new messages. `run` returns on ``quit``; at the end of the input it keeps printing."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._screens = NewMessages(stage.slack, people=stage.people, channels=stage.channels, app=stage.app)
        self._person, self._channel = stage.people["ana"], stage.channels["ios"]
        self._is_over = asyncio.Event()
        self._acts: Mapping[str, Act] = {
            "as": self._be, "in": self._go, "press": self._press, "fill": self._fill, "submit": self._submit,
            "close": self._close, "home": self._home, "builds": self._builds, "finish": self._finish,
            "speed": self._set_speed, "kill": self._kill, "restart": self._restart, "help": self._help,
            "quit": self._quit,
        }  # fmt: skip

    async def run(self) -> None:
        self._print(GUIDE)
        lines = read_lines()
        watching = asyncio.create_task(self._watch())
        try:
            while not self._is_over.is_set():
                self._prompt()
                line = await lines.get()
                if line is None:
                    await self._is_over.wait()
                    return
                await self.take(line)
        finally:
            watching.cancel()

    async def take(self, line: str) -> None:
        """Perform a line and print the result."""
        word, _, rest = line.strip().partition(" ")
        if not word:
            return
        try:
            if word.startswith("/"):
                answer = await self._type(line.strip())
            elif act := self._acts.get(word.lower()):
                answer = await act(rest.strip())
            else:
                answer = f"Unknown command {word!r}. Type help to list the commands."
        except (LookupError, ValueError) as problem:
            answer = str(problem.args[0] if problem.args else problem)
        if answer:
            self._print(answer)

    # Actions in Slack.

    async def _type(self, text: str) -> str | None:
        delivery = await self._stage.slack.command(self._person, self._channel, text)
        return f"Slack: {text.split(maxsplit=1)[0]} failed with the error {delivery.error}" if delivery.error else None

    async def _be(self, name: str) -> None:
        self._person = one_of(self._stage.people, name.lstrip("@"))
        if self._person not in self._channel.members:
            self._channel = next(each for each in self._stage.channels.values() if self._person in each.members)

    async def _go(self, name: str) -> None:
        channel = one_of(self._stage.channels, name.lstrip("#"))
        if self._person not in channel.members:
            raise LookupError(f"{self._person.name} isn't in #{channel.name}.")
        self._channel = channel

    async def _press(self, button: str) -> str | None:
        slack, problem = self._stage.slack, LookupError(f"No button {button!r} here.")
        if views := slack.views(self._person):
            return failed((await slack.press_in_view(self._person, views[-1], button)).error)
        for message in self._messages():
            try:
                return failed((await slack.press(self._person, message, button)).error)
            except LookupError as missing:
                problem = missing if "times" in str(missing) else problem
        raise problem

    def _messages(self) -> list[Message]:
        """Return the messages this person sees in the channel, newest first."""
        slack = self._stage.slack
        seen = [*slack.messages(self._channel), *slack.ephemerals(self._person, self._channel)]
        return sorted(seen, key=lambda message: message.ts, reverse=True)

    async def _fill(self, text: str) -> str:
        label, _, value = (part.strip() for part in text.partition("="))
        view = self._stage.slack.view(self._person)
        field = field_named(view, label)
        await self._stage.slack.fill(self._person, view, {field: value})
        return f"{label}: {value}"

    async def _submit(self, _: str) -> str | None:
        delivery = await self._stage.slack.submit(self._person, self._stage.slack.view(self._person))
        wrong = [f"{field}: {problem}" for field, problem in delivery.errors.items()]
        return "\n".join(wrong) or failed(delivery.error)

    async def _close(self, _: str) -> None:
        await self._stage.slack.close(self._person, self._stage.slack.view(self._person))

    async def _home(self, _: str) -> str:
        slack, before = self._stage.slack, self._stage.slack.home(self._person, self._stage.app)
        shown = before.hash if before else None
        await slack.open_home(self._person, self._stage.app)

        def is_published() -> bool:
            view = slack.home(self._person, self._stage.app)
            return view is not None and view.hash != shown

        await self._stage.wait_for(is_published, "the Home tab")
        view = slack.home(self._person, self._stage.app)
        return str(NewMessage("App Home", plain(view_text(view.body, self._screens.names)))) if view else ""

    # Actions at Bitrise and on the bot.

    async def _builds(self, _: str) -> str:
        running = [build for build in self._stage.bitrise.builds() if not build.is_finished]
        return "\n".join(map(build_line, running)) or "No build is running."

    async def _finish(self, text: str) -> None:
        number, _, outcome = text.partition(" ")
        running = [build for build in self._stage.bitrise.builds() if not build.is_finished]
        found = [build for build in running if str(build.number) == number.lstrip("#")]
        if not found:
            raise LookupError(f"No running build has the number {number}.")
        ends: dict[str, Outcome] = {end: end for end in STATUS_OF}
        if (outcome or "success") not in ends:
            raise LookupError(f"Use one of: {', '.join(ends)}.")
        self._stage.bitrise.finish(found[-1], ends[outcome or "success"])

    async def _set_speed(self, text: str) -> None:
        self._stage.set_speed(max(0.1, float(text)))

    async def _kill(self, _: str) -> str:
        await self._stage.bot.kill()
        return "Killed the bot. Commands fail until you type restart."

    async def _restart(self, _: str) -> str:
        await self._stage.bot.restart()
        return "Restarted the bot."

    async def _help(self, _: str) -> str:
        return GUIDE

    async def _quit(self, _: str) -> None:
        self._is_over.set()

    # Output.

    async def _watch(self) -> None:
        while True:
            news = self._screens.news()
            for message in news:
                self._print(f"\n{message}")
            if news:
                self._prompt()
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    def _prompt(self) -> None:
        print(f"{self._person.name} #{self._channel.name}> ", end="", flush=True)

    def _print(self, text: str) -> None:
        print(text, flush=True)


def one_of(known: Mapping[str, Any], name: str) -> Any:
    """Return the value of that name. Raises LookupError with the names there are."""
    if name not in known:
        raise LookupError(f"Unknown name {name!r}. Use one of: {', '.join(known)}.")
    return known[name]


def failed(error: str | None) -> str | None:
    return f"Slack: failed with the error {error}" if error else None


def field_named(view: View, label: str) -> str:
    """Find the input block whose label starts like this. Raises LookupError with the labels there are."""
    inputs = {block["label"]["text"]: block["block_id"] for block in view.blocks if block["type"] == "input"}
    for text, block_id in inputs.items():
        if label and text.lower().startswith(label.lower()):
            return str(block_id)
    raise LookupError(f"Unknown field {label!r}. Use one of: {', '.join(inputs)}.")


def build_line(build: Build) -> str:
    return f"  #{build.number}  {build.app.title} · {build.workflow}  {build.branch}  {build.stage.value}"


def read_lines() -> asyncio.Queue[Any]:
    """Yield the lines of standard input, then None, from a daemon thread that doesn't keep the process alive."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[Any]()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            for line in iter(sys.stdin.readline, ""):
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, daemon=True, name="standard input").start()
    return lines
