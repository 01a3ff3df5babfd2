"""The outcome of one delivery attempt."""

from __future__ import annotations

from dataclasses import dataclass

from playground.slack.world import JSON


@dataclass(frozen=True, slots=True)
class Outcome:
    """``answer`` is the body of the ack, ``reason`` Slack's code for a failure."""

    answer: JSON | None = None
    reason: str | None = None
    retry: bool = True
    status: int = 200
