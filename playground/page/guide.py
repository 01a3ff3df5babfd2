"""The page's checklist of things to try; a step is done when its effect is seen at a practice server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playground.stage import Stage

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to try: ``text`` is mrkdwn, ``who`` the only person allowed to do it, if not everyone is."""

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
    """Tracks finished steps: the page's own buttons by `note`, other from the servers' records."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._notes: set[str] = set()
        self._done: set[str] = set()
        self._triggers, self._aborts = len(stage.bitrise.triggers), len(stage.bitrise.aborts)
        self._steps = (
            (START, STOP, END, HEAR, HOME, KILL) if self._is_connected() else (CONNECT, START, STOP, END, KILL)
        )
        self._checks: dict[str, Callable[[], bool]] = {
            "connect": self._is_connected,
            "start": lambda: len(stage.bitrise.triggers) > self._triggers,
            "stop": lambda: len(stage.bitrise.aborts) > self._aborts,
            "end": lambda: "end" in self._notes,
            "hear": self._was_notified,
            "home": lambda: "home" in self._notes,
            "kill": lambda: {"killed", "started"} <= self._notes,
        }

    def note(self, what: str) -> None:
        self._notes.add(what)

    def steps(self) -> list[JSON]:
        """Return the steps in order. A step that was done once stays done."""
        self._done |= {step.id for step in self._steps if step.id not in self._done and self._checks[step.id]()}
        return [
            {"id": step.id, "title": step.title, "text": step.text, "who": step.who, "is_done": step.id in self._done}
            for step in self._steps
        ]

    def _was_notified(self) -> bool:
        """Return whether a channel got a notification of a changed result."""
        texts = (message.text for each in self._stage.channels.values() for message in self._stage.slack.messages(each))
        return any("*Broken*" in text or "*Fixed*" in text for text in texts)

    def _is_connected(self) -> bool:
        """Return whether a token was accepted: Bitrise has answered a list of apps."""
        calls = self._stage.bitrise.journal.named("apps.list")
        return any(entry.response.get("status") == 200 for entry in calls)
