"""Pipelines: listed with standalone builds, shown without an envelope, aborted as a whole."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from playground.bitrise.aborting import ALREADY_FINISHED, abort_status, read_abort
from playground.bitrise.calls import Answer, Call, Route
from playground.bitrise.model import Build, Pipeline
from playground.bitrise.people import Role
from playground.bitrise.pipeline_shapes import STATUS_WORDS, item_shape, pipeline_shape, status_word
from playground.bitrise.refusals import bad_request
from playground.bitrise.rules import abort_wording
from playground.bitrise.shapes import fine_time

USUAL_LIMIT = 10


def list_pipelines(call: Call) -> Answer:
    """List pipelines and builds, newest first; a page ends with a time for ``before``."""
    items: list[Build | Pipeline] = [*call.app.pipeline_runs]
    items += [build for build in call.app.builds if build.pipeline is None]
    matches = sorted((each for each in items if _matches(call, each)), key=_triggered_at, reverse=True)
    limit = call.limit(USUAL_LIMIT)
    paging: dict[str, Any] = {"total_item_count": len(matches), "page_item_limit": limit}
    if len(matches) > limit:
        paging["next"] = fine_time(matches[limit - 1].triggered_at)
    return Answer({"data": [item_shape(each) for each in matches[:limit]], "paging": paging})


def _triggered_at(item: Build | Pipeline) -> datetime:
    return item.triggered_at


def _matches(call: Call, item: Build | Pipeline) -> bool:
    before, after = call.moment("before") or call.moment("next"), call.moment("after")
    in_time = (before is None or item.triggered_at < before) and (after is None or item.triggered_at > after)
    return in_time and _fits_words(call, item) and call.number("build_number") in (None, item.number)


def _fits_words(call: Call, item: Build | Pipeline) -> bool:
    status = call.choice("status", "", *STATUS_WORDS)
    name, message = _name(item), item.params.get("commit_message") or ""
    return (
        status in ("", status_word(item))
        and call.text("branch") in (None, item.params.get("branch"))
        and call.text("pipeline") in (None, name if isinstance(item, Pipeline) else "")
        and call.text("workflow") in (None, name if isinstance(item, Build) else "")
        and (call.text("commit_message") or "").lower() in message.lower()
    )


def _name(item: Build | Pipeline) -> str:
    return item.name if isinstance(item, Pipeline) else item.workflow


def show_pipeline(call: Call) -> Answer:
    return Answer(pipeline_shape(call.pipeline))


def abort_pipeline(call: Call) -> Answer:
    """Abort a pipeline with its running builds. The response has no body."""
    sent, run = read_abort(call), call.pipeline
    if run.finished_at is not None:
        raise bad_request(ALREADY_FINISHED, "error_msg")
    reason = abort_wording(call.token.owner.name, sent.get("abort_reason"))
    call.world.abort_pipeline(run, abort_status(sent), reason)
    return Answer("", content_type="text/plain")


ROUTES = (
    Route("GET", "/apps/{app}/pipelines", "pipelines.list", list_pipelines),
    Route("GET", "/apps/{app}/pipelines/{pipeline}", "pipelines.get", show_pipeline),
    Route("POST", "/apps/{app}/pipelines/{pipeline}/abort", "pipelines.abort", abort_pipeline, Role.DEVELOPER),
)
