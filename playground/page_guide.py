"""A few things to try: each ticks itself off by what has really happened, in whichever window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playground.stage import Stage

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """``text`` is mrkdwn; ``who`` the name of the person who does it, where not everybody may."""

    id: str
    title: str
    text: str
    who: str | None = None


CONNECT = Step(
    "connect",
    "Connect Bitrise",
    "Be *Ada*, the admin: type `/build connect` and paste the token that the right side shows.",
    "ada",
)
START = Step("start", "Start a build", "Type `/build` and press Enter. Choose an app and a workflow, and start it.")
STOP = Step("stop", "Stop it with a reason", "Press *Stop…* on a card that runs, and say why.")
END = Step("end", "End one at Bitrise", "On the right, let a build fail at a step, and see its card and thread.")
HEAR = Step(
    "hear",
    "Hear about every build",
    "Type `/build subscribe shop style:changes`. Then *Push* one on the right and let it fail, and one that succeeds.",
)
HOME = Step("home", "Look at the App Home", "Open *Buildbell* in the sidebar: its Home tab is yours alone.")
KILL = Step("kill", "Kill the bot", "Under *Trouble*, kill the bot while a build runs, and start it: the card goes on.")


class Guide:
    """``note`` takes what the page's own buttons do; what is done in Slack is read from both servers' records."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._noted: set[str] = set()
        self._done: set[str] = set()
        self._triggers, self._aborts = len(stage.bitrise.triggers), len(stage.bitrise.aborts)
        self._steps = (
            (START, STOP, END, HEAR, HOME, KILL) if self._is_connected() else (CONNECT, START, STOP, END, KILL)
        )
        self._checks: dict[str, Callable[[], bool]] = {
            "connect": self._is_connected,
            "start": lambda: len(stage.bitrise.triggers) > self._triggers,
            "stop": lambda: len(stage.bitrise.aborts) > self._aborts,
            "end": lambda: "end" in self._noted,
            "hear": self._has_heard,
            "home": lambda: "home" in self._noted,
            "kill": lambda: {"killed", "started"} <= self._noted,
        }

    def note(self, what: str) -> None:
        self._noted.add(what)

    def steps(self) -> list[JSON]:
        """In the order to try them; what was done once stays done."""
        self._done |= {step.id for step in self._steps if step.id not in self._done and self._checks[step.id]()}
        return [
            {"id": step.id, "title": step.title, "text": step.text, "who": step.who, "is_done": step.id in self._done}
            for step in self._steps
        ]

    def _has_heard(self) -> bool:
        """Some channel was told of a change."""
        told = (message.text for each in self._stage.channels.values() for message in self._stage.slack.messages(each))
        return any("*Broken*" in text or "*Back to normal*" in text for text in told)

    def _is_connected(self) -> bool:
        """A token was accepted: Bitrise has given somebody its list of apps."""
        listed = self._stage.bitrise.journal.named("apps.list")
        return any(entry.response.get("status") == 200 for entry in listed)
