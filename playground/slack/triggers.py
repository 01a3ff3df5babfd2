"""trigger_ids, valid for one view within three seconds.

https://docs.slack.dev/interactivity/handling-user-interaction#modal_responses
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from playground.slack.errors import SlackError
from playground.slack.limits import Limits
from playground.slack.world import Installation, User, World


@dataclass(slots=True)
class Trigger:
    app: Installation
    user: User
    issued_at: datetime
    from_modal: bool
    used: bool = False


class Triggers:
    def __init__(self, world: World, limits: Limits) -> None:
        self._world = world
        self._limits = limits
        self._issued: dict[str, Trigger] = {}

    def issue(self, app: Installation, user: User, *, from_modal: bool = False) -> str:
        rest = self._world.letters(32, "0123456789abcdef")
        trigger_id = f"{len(self._issued) + 1:013d}.{self._world.random.randrange(10**12):012d}.{rest}"
        self._issued[trigger_id] = Trigger(app, user, self._world.now(), from_modal)
        return trigger_id

    def exchange(self, trigger_id: str, app: Installation) -> Trigger:
        """Use a trigger_id. Raises SlackError if it is unknown, used or expired."""
        trigger = self._issued.get(trigger_id)
        if trigger is None or trigger.app.app is not app.app:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._world.now() - trigger.issued_at > timedelta(seconds=self._limits.trigger_seconds):
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger
