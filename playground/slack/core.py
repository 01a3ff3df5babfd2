"""State shared by all parts of the practice Slack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.clock import Clock
from playground.busy import Busy
from playground.slack.codes import Code, Refresh
from playground.slack.documented_errors import DOCUMENTED_ERRORS
from playground.slack.files import Files
from playground.slack.limits import Budget, Limits
from playground.slack.links import Links
from playground.slack.modals import Views
from playground.slack.triggers import Triggers
from playground.slack.world import App, Channel, Message, User, World
from playground.wire import Direction, Entry, Fault, Faults, Hooks, Journal

FAULT_KINDS = ("status", "error", "body", "slow", "cut_before", "cut_after")


class Core:
    """The records, limits, faults and journal of one practice Slack."""

    def __init__(self, clock: Clock, limits: Limits | None = None, seed: int = 0) -> None:
        self.clock = clock
        self.limits = limits or Limits()
        self.world = World(clock, seed)
        self.budget = Budget(self.limits)
        self.modals = Views(self.world)
        self.triggers = Triggers(self.world, self.limits)
        self.journal = Journal()
        self.faults = Faults(FAULT_KINDS)
        self.hooks = Hooks()
        self.busy = Busy()
        self.base_url = ""
        self.tickets: dict[str, App] = {}
        """Socket Mode addresses that are not used yet."""
        self.codes: dict[str, Code] = {}
        self.refreshes: dict[str, Refresh] = {}
        self.files = Files(self.world, self.limits)
        self.links = Links(self.world)

    def refuse(
        self,
        method: str,
        error: str,
        *,
        channel: Channel | None = None,
        message: Message | None = None,
        thread: Message | None = None,
        user: User | None = None,
        times: int | None = None,
    ) -> None:
        """Answer the calls of a method with an error that Slack documents for it, by default until `Faults.clear`.

        Narrow it to calls about a channel, a message, replies in a thread, or a person (also as the receiver of
        direct messages).
        """
        if error not in DOCUMENTED_ERRORS[method]:
            raise ValueError(f"Slack documents no {error} for {method}")
        where = {
            name: value
            for name, value in {
                "channel": channel and channel.id,
                "message": message and message.ts,
                "thread": thread and thread.ts,
                "user": user and user.id,
            }.items()
            if value is not None
        }
        status, retry_after = (429, 30) if error in ("ratelimited", "rate_limited") else (None, None)
        body = {"needed": "chat:write", "provided": ""} if error == "missing_scope" else None
        self.faults.add(
            Fault(method, "error", status, error, body=body, retry_after=retry_after, times=times, where=where)
        )

    def note(
        self, direction: Direction, kind: str, name: str, request: Mapping[str, Any], response: Mapping[str, Any]
    ) -> None:
        self.journal.add(Entry(self.clock.now(), direction, kind, name, request, response))
