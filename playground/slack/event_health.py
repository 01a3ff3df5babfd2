"""Switch off the events of an app that fails to acknowledge them.

https://docs.slack.dev/apis/events-api#failure_limits: when over 95 % of the attempts within 60 minutes fail. The
operator switches them on again in the app's settings: ``app.events_on = True``.
"""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import datetime, timedelta

from playground.slack.limits import Limits
from playground.slack.world import App

WINDOW = timedelta(minutes=60)
MOST_FAILURES = 0.95


class EventHealth:
    """The time and success of each attempt to deliver an event within the last hour."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._attempts: defaultdict[App, deque[tuple[datetime, bool]]] = defaultdict(deque)

    def count(self, app: App, now: datetime, *, ok: bool) -> None:
        """Count an attempt, and switch the app's events off if too many failed."""
        attempts = self._attempts[app]
        attempts.append((now, ok))
        while attempts[0][0] <= now - WINDOW:
            attempts.popleft()
        if len(attempts) < self._limits.spared_events:
            return
        if sum(not succeeded for _, succeeded in attempts) > MOST_FAILURES * len(attempts):
            app.events_on = False
            attempts.clear()
