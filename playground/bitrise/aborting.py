"""Abort builds and pipelines: the request's fields and its effect."""

from __future__ import annotations

from typing import Any

from playground.bitrise.calls import Answer, Call
from playground.bitrise.model import AbortCall, Status
from playground.bitrise.refusals import bad_request
from playground.bitrise.rules import abort_wording

ABORT_FIELDS = {
    "abort_reason": str,
    "abort_with_success": bool,
    "skip_notifications": bool,
    "skip_git_status_report": bool,
}
ALREADY_FINISHED = "Build already finished, can't abort it."


def abort_build(call: Call) -> Answer:
    sent, build = read_abort(call), call.build
    if build.is_finished or build.is_ending:
        raise bad_request(ALREADY_FINISHED, "error_msg")
    build.skip_notifications = bool(sent.get("skip_notifications"))
    build.skip_git_status_report |= bool(sent.get("skip_git_status_report"))
    call.world.abort(build, abort_status(sent), abort_wording(call.token.owner.name, sent.get("abort_reason")))
    call.world.aborts.append(
        AbortCall(
            at=call.now,
            build=build,
            owner=call.token.owner.name,
            reason=sent.get("abort_reason"),
            with_success=bool(sent.get("abort_with_success")),
            skip_notifications=build.skip_notifications,
            skip_git_status_report=bool(sent.get("skip_git_status_report")),
        )
    )
    return Answer({"status": "ok"})


def read_abort(call: Call) -> dict[str, Any]:
    """Read the request, a JSON object without required fields."""
    sent = call.body()
    for name, kind in ABORT_FIELDS.items():
        if sent.get(name) is not None and not isinstance(sent[name], kind):
            raise bad_request(f"Invalid {name}: it should be a {'string' if kind is str else 'boolean'}")
    return sent


def abort_status(sent: dict[str, Any]) -> Status:
    return Status.ABORTED_WITH_SUCCESS if sent.get("abort_with_success") else Status.ABORTED
