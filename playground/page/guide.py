"""The page's checklist of things to try; a step is done when its effect is seen at a practice server."""

from __future__ import annotations

import re
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
    "Switch to *Ada*, the admin. Type `/build connect` and paste the token shown on the Bitrise side.",
    "ada",
)
START = Step("start", "Start a build", "Type `/build` and press Enter. Choose an app, a workflow and a branch.")
STOP = Step("stop", "Stop a build", "Press *Stop…* on the card of a running build and choose a reason.")
END = Step("end", "Let a build fail", "Press *Fail* on the Bitrise side. See the card and its thread.")
SUBSCRIBE = Step(
    "subscribe",
    "Subscribe a channel",
    "Type `/build subscribe shop style:changes`. Then push a build on the Bitrise side and let it fail.",
)
HOME = Step("home", "Open App Home", "Open *Buildbell* in the sidebar. Its Home tab shows your builds only.")
KILL = Step(
    "kill", "Kill the bot", "While a build is running, kill the bot under *Faults* and start it. The card continues."
)
SETUP = Step("setup", "Set it up in your Slack", "Connect your workspace in about ten minutes.")


class Guide:
    """Tracks finished steps: the page's own buttons by `note`, others from the servers' records."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._notes: set[str] = set()
        self._done: set[str] = set()
        self._triggers, self._aborts = len(stage.bitrise.triggers), len(stage.bitrise.aborts)
        self._steps = (
            (START, STOP, END, SUBSCRIBE, HOME, KILL, SETUP)
            if self._is_connected()
            else (CONNECT, START, STOP, END, KILL, SETUP)
        )
        self._checks: dict[str, Callable[[], bool]] = {
            "connect": self._is_connected,
            "start": lambda: len(stage.bitrise.triggers) > self._triggers,
            "stop": lambda: len(stage.bitrise.aborts) > self._aborts,
            "end": lambda: "end" in self._notes,
            "subscribe": self._was_notified,
            "home": lambda: "home" in self._notes,
            "kill": lambda: {"killed", "started"} <= self._notes,
            "setup": lambda: "setup" in self._notes,
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


SETUP_SECTION = re.compile(r"^## Set it up\n(.*?)^(?:### |This sets up )", re.DOTALL | re.MULTILINE)
NUMBERED = re.compile(r"^\d+\. (.*?)(?=^\d+\. |\Z)", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)|<(https?://[^>]+)>")


def setup_steps(readme: str) -> list[str]:
    """Return the steps of the README's section *Set it up* as mrkdwn."""
    section = SETUP_SECTION.search(readme)
    steps = NUMBERED.findall(section[1]) if section else []
    return [_mrkdwn(" ".join(step.split())) for step in steps]


def _mrkdwn(markdown: str) -> str:
    """Convert bold, italics and links. A link to a file is its text."""
    text = re.sub(r"(?<!\*)\*([^*]+)\*(?!\*)", r"_\1_", markdown).replace("**", "*")
    return LINK.sub(lambda found: f"<{found[3] or found[2]}>" if found[3] else found[1], text)
