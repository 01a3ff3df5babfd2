"""Rules over builds: which comes first, which makes way for which, how a group ends, what an abort is told as."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from playground.bitrise.model import Build, Status

ROLLED = "Automatically aborted via Rolling Builds."


def abort_wording(who: str, reason: str | None) -> str:
    """What ``abort_reason`` says after somebody asked for it."""
    told = f" with reason: {reason}" if reason else "."
    return f"User {who} requested to abort this build{told}"


def build_order(build: Build) -> tuple[datetime, int]:
    return build.triggered_at, build.order


def is_superseded(older: Build, *, by: Build) -> bool:
    """Same workflow on the same branch, pull request and tag, and not ended yet."""
    if older is by or older.is_finished or older.pipeline is not None:
        return False
    return (older.workflow, older.branch, older.pull_request_id, older.tag) == (
        by.workflow,
        by.branch,
        by.pull_request_id,
        by.tag,
    )


def worst_status(statuses: Iterable[Status]) -> Status:
    order = (Status.SUCCESS, Status.ABORTED_WITH_SUCCESS, Status.ABORTED, Status.FAILED)
    return max(statuses, key=order.index, default=Status.SUCCESS)
