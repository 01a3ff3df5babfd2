"""The log of a build in chunks, its archive, and undocumented: the step summary and step logs."""

from __future__ import annotations

from random import Random
from typing import Any

from playground.bitrise.calls import Answer, Call, Route
from playground.bitrise.model import Build
from playground.bitrise.people import Role
from playground.bitrise.refusals import not_found
from playground.bitrise.shapes import fine_time, wire_time
from playground.bitrise.steps import Chunk, StepRun, chunks_of, step_uuid, steps_of

NOTHING = "0001-01-01T00:00:00Z"
"""A missing time in logs, unlike anywhere else."""


def show_log(call: Call) -> Answer:
    """Show chunks in no order until the log is archived; then an empty list and a URL."""
    _refuse_without_log(call)
    is_archived = _is_archived(call)
    chunks = [] if is_archived else _wanted_chunks(call)
    shape: dict[str, Any] = {
        "log_chunks": _chunk_shapes(call.build, chunks),
        "next_before_timestamp": fine_time(min(chunk.at for chunk in chunks)) if chunks else NOTHING,
        "next_after_timestamp": fine_time(max(chunk.at for chunk in chunks)) if chunks else NOTHING,
        "is_archived": is_archived,
    }
    if is_archived and "no-url" not in call.build.plan.log_quirks:
        shape["expiring_raw_log_url"] = call.signed_url(f"/raw-logs/{call.build.slug}")
    return Answer(shape)


def _refuse_without_log(call: Call) -> None:
    """Refuse the log in the first seconds, and of a build that never reached a machine."""
    build = call.build
    is_new = call.now < build.triggered_at + call.world.log_starts_after
    is_never = "never" in build.plan.log_quirks or (build.is_finished and build.started_at is None)
    if is_new or is_never:
        raise not_found()


def _is_archived(call: Call) -> bool:
    finished_at = call.build.finished_at
    if "never-archived" in call.build.plan.log_quirks:
        return False
    return finished_at is not None and call.now >= finished_at + call.world.archive_takes


def _wanted_chunks(call: Call) -> list[Chunk]:
    """Return the chunks from ``after_timestamp`` on, so that chunks are repeated."""
    if call.build.is_finished and "never-archived" in call.build.plan.log_quirks:
        return []
    after, before = call.moment("after_timestamp"), call.moment("before_timestamp")
    return [
        chunk
        for chunk in chunks_of(call.build, call.now)
        if (after is None or chunk.at >= after) and (before is None or chunk.at < before)
    ]


def _chunk_shapes(build: Build, chunks: list[Chunk]) -> list[dict[str, Any]]:
    """Build the chunks in no order, with the oddities of this log."""
    quirks = build.plan.log_quirks
    if "gaps" in quirks:
        chunks = [chunk for chunk in chunks if chunk.position % 3]
    if "repeats" in quirks:
        chunks = chunks * 2
    first = 0 if "from-zero" in quirks else 1
    shuffled = Random(f"{build.slug}{len(chunks)}").sample(chunks, len(chunks))
    return [{"chunk": chunk.text, "position": chunk.position - 1 + first} for chunk in shuffled]


def show_log_summary(call: Call) -> Answer:
    _refuse_without_log(call)
    build, slug = call.build, call.build.slug
    steps = [_step_shape(build, index, step) for index, step in enumerate(steps_of(build, call.now))]
    setup = {
        "status": "success" if build.started_at else "running",
        "started_at": wire_time(build.triggered_at),
        "finished_at": wire_time(build.started_at),
    }
    workflow = {"uuid": f"{slug}-workflow", "workflow_id": build.workflow, "steps": steps}
    return Answer(
        {
            "app_id": build.app.slug,
            "build_id": slug,
            "agent_info": {},
            "cli_info": {"version": "2.31.0"},
            "has_build_environment_setup_logs": True,
            "is_log_archived": _is_archived(call),
            "execution": {
                "build_environment_setup": setup,
                "step_bundles": None,
                "with_groups": None,
                "workflows": [workflow],
            },
        }
    )


def _step_shape(build: Build, index: int, step: StepRun) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "uuid": step_uuid(build, index),
        "step_id": step.name,
        "title": step.name,
        "version": "1.0.0",
        "status": step.status,
        "status_reason": "",
        "started_at": wire_time(step.started_at),
        "finished_at": wire_time(step.finished_at),
        "source_code_url": f"https://github.com/bitrise-steplib/{step.name}",
    }
    if step.status == "failed":
        shape["errors"] = [{"code": 1, "message": _last_words(step)}]
    return shape


def _last_words(step: StepRun) -> str:
    return next((line for line in reversed(step.lines) if line.strip()), "exit status 1")


def show_step_log(call: Call) -> Answer:
    """Show the URL of a step's log, which expires and needs no token."""
    _refuse_without_log(call)
    build = call.build
    for index, step in enumerate(steps_of(build, call.now)):
        if call.places["step"] == step_uuid(build, index) and step.started_at is not None:
            return Answer({"expiring_raw_log_url": call.signed_url(f"/step-logs/{build.slug}/{index}")})
    raise not_found()


LOG = "/apps/{app}/builds/{build}/log"
ROUTES = (
    Route("GET", LOG, "builds.log", show_log, Role.DEVELOPER),
    Route("GET", LOG + "/summary", "builds.log-summary", show_log_summary, Role.DEVELOPER),
    Route("GET", LOG + "/steps/{step}", "builds.step-log", show_step_log, Role.DEVELOPER),
)
