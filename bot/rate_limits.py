"""Rate limits for chat.postMessage and chat.update: state changes first, progress updates with the rest.

https://docs.slack.dev/apis/web-api/rate-limits
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

MAX_CHANNELS = 10_000
RESERVED_FOR_STATE_CHANGES = 10
UPDATE_BURST, UPDATES_PER_SECOND = 20.0, 0.5
"""At most 50 in any minute."""
WAITER_TIMEOUT = timedelta(seconds=10)
"""A waiter this much overdue is dropped: its message was replaced, or another replica sent it."""


@dataclass(slots=True)
class Bucket:
    """A token bucket."""

    size: float
    per_second: float
    tokens: float
    at: datetime

    def fill(self, now: datetime) -> None:
        self.tokens = min(self.size, self.tokens + max(0.0, (now - self.at).total_seconds()) * self.per_second)
        self.at = now

    def take(self, now: datetime) -> datetime | None:
        """Take a token and return None, or return when to retry."""
        self.fill(now)
        if self.tokens >= 1:
            self.tokens -= 1
            return None
        return now + timedelta(seconds=(1 - self.tokens) / self.per_second)


@dataclass(slots=True)
class FairQueue:
    """A token bucket with a fair wait list: each waiter gets a time at which a token will be left for it."""

    bucket: Bucket
    waiting: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    """Waiter -> since when it waits, and when it is due to retry."""

    def take(self, waiter: str, *, since: datetime, now: datetime) -> datetime | None:
        """Take a token and return None, or return when to retry; those who wait longer go first."""
        self.bucket.fill(now)
        self.waiting.pop(waiter, None)
        self.waiting = {each: (start, due) for each, (start, due) in self.waiting.items() if now - due < WAITER_TIMEOUT}
        ahead = sum(start < since for start, _ in self.waiting.values())
        if self.bucket.tokens - ahead >= 1:
            self.bucket.tokens -= 1
            return None
        retry_at = now + timedelta(seconds=(ahead + 1 - self.bucket.tokens) / self.bucket.per_second)
        self.waiting[waiter] = since, retry_at
        return retry_at


class RateLimiter:
    """Stay below Slack's limits: one post a second in a channel, 50 updates a minute in a workspace."""

    def __init__(self) -> None:
        self._posts: dict[tuple[str, str], Bucket] = {}
        self._updates: dict[str, FairQueue] = {}
        self._paused: dict[str, datetime] = {}

    def take_post(self, workspace_id: str, channel_id: str, *, now: datetime) -> datetime | None:
        """Return None to post now, or when to retry."""
        if paused := self._paused_until(workspace_id, now):
            return paused
        if len(self._posts) > MAX_CHANNELS:
            self._posts.clear()
        bucket = self._posts.setdefault((workspace_id, channel_id), Bucket(1, 1.0, 1, now))
        return bucket.take(now)

    def take_update(self, workspace_id: str, waiter: str, *, since: datetime, now: datetime) -> datetime | None:
        """Return None to update now, or when to retry. ``since`` is when the update was queued: oldest first."""
        paused = self._paused_until(workspace_id, now)
        return paused or self._updates_of(workspace_id, now).take(waiter, since=since, now=now)

    def has_room_for_progress(self, workspace_id: str, *, now: datetime) -> bool:
        """Whether a progress update leaves enough tokens that no state change has to wait for it."""
        bucket = self._updates_of(workspace_id, now).bucket
        bucket.fill(now)
        return bucket.tokens > RESERVED_FOR_STATE_CHANGES and self._paused_until(workspace_id, now) is None

    def pause(self, workspace_id: str, *, until: datetime) -> None:
        """Send nothing to this workspace until then: Slack answered 429."""
        self._paused[workspace_id] = max(until, self._paused.get(workspace_id, until))

    def _updates_of(self, workspace_id: str, now: datetime) -> FairQueue:
        full = Bucket(UPDATE_BURST, UPDATES_PER_SECOND, UPDATE_BURST, now)
        return self._updates.setdefault(workspace_id, FairQueue(full))

    def _paused_until(self, workspace_id: str, now: datetime) -> datetime | None:
        until = self._paused.get(workspace_id)
        return until if until is not None and until > now else None
