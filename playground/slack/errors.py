"""How Slack says no."""

from __future__ import annotations

from typing import Any

from playground.slack.schema import Findings


class SlackError(Exception):
    """An ``ok: false`` answer; ``extra`` are further fields of the body."""

    def __init__(self, error: str, **extra: Any) -> None:
        super().__init__(error)
        self.error = error
        self.extra = extra

    def body(self) -> dict[str, Any]:
        return {"ok": False, "error": self.error, **self.extra}


class RateLimited(SlackError):
    """HTTP 429 with ``Retry-After``."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("ratelimited")
        self.retry_after = retry_after


def refusal(error: str, found: Findings) -> SlackError:
    """``invalid_blocks`` and ``invalid_arguments`` say where, for people to read."""
    return SlackError(
        error,
        errors=[f"{finding.message} [json-pointer:{finding.pointer}]" for finding in found],
        response_metadata={"messages": [str(finding) for finding in found]},
    )
