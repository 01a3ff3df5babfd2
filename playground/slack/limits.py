"""Slack's limits: calls per minute, seconds to ack, uses of a response_url. All are adjustable.

https://docs.slack.dev/apis/web-api/rate-limits
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum


class Tier(Enum):
    ONE = 1
    TWO = 2
    THREE = 3
    FOUR = 4
    HUNDREDS = "hundreds"
    POST = "post"


def _per_minute() -> dict[Tier, int]:
    return {
        # Slack documents 1 per minute with "small bursts" of undocumented size.
        Tier.ONE: 10,
        Tier.TWO: 20,
        Tier.THREE: 50,
        Tier.FOUR: 100,
        Tier.HUNDREDS: 600,
        # chat.postMessage: "several hundred per minute" in a workspace, besides the limit per channel.
        Tier.POST: 600,
    }


@dataclass(slots=True)
class Limits:
    """The limits of a workspace. ``enabled=False`` counts nothing, ``unlimited`` names methods without a limit."""

    enabled: bool = True
    unlimited: set[str] = field(default_factory=set)
    per_minute: dict[Tier, int] = field(default_factory=_per_minute)
    posts_per_second: float = 1.0
    """The steady rate in one channel."""
    post_burst: int = 5
    """Posts to one channel that are accepted at once."""

    ack_seconds: float = 3.0
    """Real seconds, because the bot answers in real time."""
    trigger_seconds: float = 3.0
    """Seconds of the practice clock."""
    response_uses: int = 5
    response_seconds: float = 30 * 60
    event_retries: tuple[float, ...] = (0, 60, 300)
    """Seconds from a failed attempt over HTTP to the next one."""
    socket_retries: tuple[float, ...] = (0, 4, 4)
    spared_events: int = 1000
    """Below this number of events in an hour, Slack never switches an app's events off."""
    connections: int = 10
    file_seconds: float = 0.0
    """Practice seconds until a completed file can be used in a block. Slack doesn't document how long it takes."""


class Budget:
    """Counts calls on the practice clock."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._calls: defaultdict[tuple[str, ...], deque[datetime]] = defaultdict(deque)
        self._posts: dict[tuple[str, ...], datetime] = {}

    def spend(self, key: tuple[str, ...], tier: Tier, now: datetime) -> float:
        """Count a call in its key's window of a minute. Return the seconds to wait, 0 if it is accepted."""
        calls = self._calls[key]
        while calls and calls[0] <= now - timedelta(minutes=1):
            calls.popleft()
        if len(calls) >= self._limits.per_minute[tier]:
            return (calls[0] + timedelta(minutes=1) - now).total_seconds()
        calls.append(now)
        return 0

    def spend_post(self, key: tuple[str, ...], now: datetime) -> float:
        """Count a post to one channel, at a steady rate with a small burst."""
        step = timedelta(seconds=1 / self._limits.posts_per_second)
        due = max(self._posts.get(key, now), now)
        early = (due - now) - step * (self._limits.post_burst - 1)
        if early > timedelta(0):
            return early.total_seconds()
        self._posts[key] = due + step
        return 0
