"""Rules of builds: order, superseding, the status of a group, the wording of aborts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from playground.bitrise.model import Build, Status

ROLLED = "Automatically aborted via Rolling Builds."


def abort_wording(who: str, reason: str | None) -> str:
    """Return the ``abort_reason`` of an abort by a person."""
    suffix = f" with reason: {reason}" if reason else "."
    return f"User {who} requested to abort this build{suffix}"


def build_order(build: Build) -> tuple[datetime, int]:
    return build.triggered_at, build.order


def is_superseded(older: Build, *, by: Build) -> bool:
    """Return whether the older build is unfinished and has the same workflow, branch, pull request and tag."""
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
