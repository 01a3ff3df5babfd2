"""How much Slack lets us say: kept below the limits, so that state changes go through and progress takes what is left.

https://docs.slack.dev/apis/web-api/rate-limits
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

CHANNELS_KEPT = 10_000
KEPT_FOR_STATE_CHANGES = 10
UPDATES_AT_ONCE, UPDATES_PER_SECOND = 20.0, 0.5
"""At most 50 in any minute."""
LATE = timedelta(seconds=10)
"""Who does not come back so long after its turn has nothing to say any more."""


@dataclass(slots=True)
class Bucket:
    """Tokens that come back with time."""

    size: float
    per_second: float
    left: float
    at: datetime

    def fill(self, now: datetime) -> None:
        self.left = min(self.size, self.left + max(0.0, (now - self.at).total_seconds()) * self.per_second)
        self.at = now

    def take(self, now: datetime) -> datetime | None:
        """None when one was taken, else when there will be one."""
        self.fill(now)
        if self.left >= 1:
            self.left -= 1
            return None
        return now + timedelta(seconds=(1 - self.left) / self.per_second)


@dataclass(slots=True)
class Line:
    """A bucket and who waits for it, the oldest first: each is told when its turn comes, so that none asks in vain."""

    bucket: Bucket
    waiting: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    """By whom: since when, and when it is to come back."""

    def take(self, who: str, *, since: datetime, now: datetime) -> datetime | None:
        """None when it took one, else when to come back."""
        self.bucket.fill(now)
        self.waiting.pop(who, None)
        self.waiting = {each: (first, at) for each, (first, at) in self.waiting.items() if now - at < LATE}
        ahead = sum(first < since for first, _ in self.waiting.values())
        if self.bucket.left - ahead >= 1:
            self.bucket.left -= 1
            return None
        at = now + timedelta(seconds=(ahead + 1 - self.bucket.left) / self.bucket.per_second)
        self.waiting[who] = since, at
        return at


class Budget:
    """chat.postMessage: one a second in a channel. chat.update: 50 a minute in a workspace."""

    def __init__(self) -> None:
        self._posts: dict[tuple[str, str], Bucket] = {}
        self._updates: dict[str, Line] = {}
        self._blocked: dict[str, datetime] = {}

    def post(self, workspace_id: str, channel_id: str, *, now: datetime) -> datetime | None:
        """None: post now. Else the time to come back at."""
        if blocked := self._blocked_until(workspace_id, now):
            return blocked
        if len(self._posts) > CHANNELS_KEPT:
            self._posts.clear()
        bucket = self._posts.setdefault((workspace_id, channel_id), Bucket(1, 1.0, 1, now))
        return bucket.take(now)

    def update(self, workspace_id: str, who: str, *, since: datetime, now: datetime) -> datetime | None:
        """The same for an update, which waits ``since`` it was to be said: channels take turns, the oldest first."""
        blocked = self._blocked_until(workspace_id, now)
        return blocked or self._updates_of(workspace_id, now).take(who, since=since, now=now)

    def may_tick(self, workspace_id: str, *, now: datetime) -> bool:
        """Whether enough is left that no state change will have to wait for a progress bar."""
        bucket = self._updates_of(workspace_id, now).bucket
        bucket.fill(now)
        return bucket.left > KEPT_FOR_STATE_CHANGES and self._blocked_until(workspace_id, now) is None

    def block(self, workspace_id: str, *, until: datetime) -> None:
        """Slack said 429 all the same: nothing leaves for this workspace until then."""
        self._blocked[workspace_id] = max(until, self._blocked.get(workspace_id, until))

    def _updates_of(self, workspace_id: str, now: datetime) -> Line:
        full = Bucket(UPDATES_AT_ONCE, UPDATES_PER_SECOND, UPDATES_AT_ONCE, now)
        return self._updates.setdefault(workspace_id, Line(full))

    def _blocked_until(self, workspace_id: str, now: datetime) -> datetime | None:
        until = self._blocked.get(workspace_id)
        return until if until is not None and until > now else None
