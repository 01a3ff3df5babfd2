"""Faults on request: rate limits, outages, lost responses, dropped sockets, a killed bot; and the build speed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from playground.page.bitrise import speed_up
from playground.page.guide import Guide
from playground.stage import Stage
from playground.wire import Fault, Faults

JSON = dict[str, Any]
FASTEST = 600.0
Side = Literal["slack", "bitrise", "bot"]
Target = Literal["calls", "webhooks"]
"""The target of a fault: calls of the bot, or webhooks that Bitrise sends."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A fault that lasts until it is switched off; ``fault`` applies to every matching call."""

    id: str
    side: Side
    label: str
    hint: str
    fault: Fault | None = None
    target: Target = "calls"


@dataclass(frozen=True, slots=True)
class Once:
    """A fault that happens once: now, or at the next matching call."""

    id: str
    side: Side
    label: str
    hint: str
    fault: Fault | None = None


SWITCHES = (
    Switch(
        "slack-limit",
        "slack",
        "Rate limit (429)",
        "Slack rejects every message for 5 seconds.",
        Fault("chat.*", status=429, retry_after=5, times=None),
    ),
    Switch(
        "slack-slow",
        "slack",
        "Slow responses",
        "Slack takes 2 seconds for each response.",
        Fault(kind="slow", delay=2, times=None),
    ),
    Switch("socket-mute", "slack", "Silent socket", "The connection stays open, but nothing arrives."),
    Switch(
        "bitrise-down",
        "bitrise",
        "Outage (503)",
        "Bitrise answers every call with 503.",
        Fault(status=503, times=None),
    ),
    Switch(
        "bitrise-limit",
        "bitrise",
        "Rate limit (429)",
        "Bitrise rejects every call for 10 seconds.",
        Fault(status=429, retry_after=10, times=None),
    ),
    Switch(
        "bitrise-slow",
        "bitrise",
        "Slow responses",
        "Bitrise takes 4 seconds for each response.",
        Fault(kind="slow", delay=4, times=None),
    ),
    Switch(
        "webhook-lost",
        "bitrise",
        "Lose webhooks",
        "Bitrise sends webhooks, but none arrives.",
        Fault(kind="lost", times=None),
        "webhooks",
    ),
    Switch(
        "webhook-twice",
        "bitrise",
        "Repeat webhooks",
        "Every webhook arrives twice.",
        Fault(kind="twice", times=None),
        "webhooks",
    ),
    Switch("token-revoked", "bitrise", "Token revoked", "Bitrise rejects the connected token."),
)
ONCES = (
    Once("socket-cut", "slack", "Drop the socket", "The TCP connection breaks without a close frame."),
    Once(
        "socket-refresh", "slack", "Replace the socket", "Slack asks for a new connection, as it does every few hours."
    ),
    Once(
        "lost-post",
        "slack",
        "Lose the next response",
        "Slack posts the next message, but its response is lost.",
        Fault("chat.postMessage", kind="cut_after"),
    ),
    Once(
        "lost-start",
        "bitrise",
        "Lose the next start’s response",
        "Bitrise starts the build, but its response is lost.",
        Fault("builds.trigger", kind="cut_after"),
    ),
    Once("bot-kill", "bot", "Kill the bot", "Send SIGKILL (kill -9) in the middle of its work."),
    Once("bot-start", "bot", "Start the bot", "It continues from its database."),
    Once("bot-restart", "bot", "Restart the bot", "Shut down cleanly and start again."),
)


class Trouble:
    def __init__(self, stage: Stage, guide: Guide) -> None:
        self._stage, self._guide = stage, guide
        self._on: set[str] = set()
        self._actions: dict[str, Callable[[], Awaitable[None]]] = {
            "socket-cut": self._cut_socket,
            "socket-refresh": self._stage.slack.sockets.disconnect,
            "bot-kill": self._kill_bot,
            "bot-start": self._start_bot,
            "bot-restart": self._restart_bot,
        }

    def state(self) -> JSON:
        """Return all faults on offer and which are on."""
        return {
            "switches": [
                {"id": each.id, "side": each.side, "label": each.label, "hint": each.hint, "is_on": each.id in self._on}
                for each in SWITCHES
            ],
            "onces": [{"id": each.id, "side": each.side, "label": each.label, "hint": each.hint} for each in ONCES],
        }

    async def perform(self, action: str, body: JSON) -> JSON | None:
        """Perform ``speed``, ``switch`` (id, on), ``once`` (id) or ``calm``."""
        if action == "speed":
            self._set_speed(min(max(float(body["speed"]), 1.0), FASTEST))
        elif action == "switch":
            self.switch(_find(SWITCHES, body["id"]), on=bool(body["on"]))
        elif action == "once":
            await self.strike(_find(ONCES, body["id"]))
        elif action == "calm":
            self.calm()
        else:
            raise LookupError(f"Unknown fault {action}.")
        return None

    def _set_speed(self, speed: float) -> None:
        speed_up(self._stage.bitrise, speed / self._stage.speed)
        self._stage.set_speed(speed)

    def switch(self, switch: Switch, *, on: bool) -> None:
        self._on = self._on | {switch.id} if on else self._on - {switch.id}
        self._arm()

    def calm(self) -> None:
        """Switch every fault off."""
        self._on = set()
        self._arm()

    async def strike(self, once: Once) -> None:
        if once.fault is not None:
            self._faults_of(once.side, "calls").add(once.fault)
        else:
            await self._actions[once.id]()

    def _arm(self) -> None:
        stage = self._stage
        stage.slack.faults.clear()
        stage.bitrise.faults.clear()
        stage.bitrise.delivery_faults.clear()
        for switch in SWITCHES:
            if switch.id in self._on and switch.fault is not None:
                self._faults_of(switch.side, switch.target).add(switch.fault)
        stage.slack.sockets.mute(muted="socket-mute" in self._on)
        for token in stage.bitrise.tokens.values():
            token.revoked = "token-revoked" in self._on

    def _faults_of(self, side: Side, target: Target) -> Faults:
        if side == "slack":
            return self._stage.slack.faults
        bitrise = self._stage.bitrise
        return bitrise.delivery_faults if target == "webhooks" else bitrise.faults

    async def _cut_socket(self) -> None:
        self._stage.slack.sockets.cut()

    async def _kill_bot(self) -> None:
        await self._stage.bot.kill()
        self._guide.note("killed")

    async def _start_bot(self) -> None:
        await self._stage.bot.start()
        self._guide.note("started")

    async def _restart_bot(self) -> None:
        await self._stage.bot.restart()
        self._guide.note("started")


def _find(among: tuple[Any, ...], name: str) -> Any:
    for each in among:
        if each.id == name:
            return each
    raise LookupError(f"Unknown fault {name}.")
