"""Error responses of Slack."""

from __future__ import annotations

from typing import Any

from playground.slack.schema import Findings


class SlackError(Exception):
    """An ``ok: false`` response; ``extra`` are further fields of its body."""

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


def refusal(error: str, findings: Findings) -> SlackError:
    """Build an error such as ``invalid_blocks`` that lists the places of the findings."""
    return SlackError(
        error,
        errors=[f"{finding.message} [json-pointer:{finding.pointer}]" for finding in findings],
        response_metadata={"messages": [str(finding) for finding in findings]},
    )
