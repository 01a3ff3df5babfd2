"""Pipelines as JSON."""

from __future__ import annotations

from typing import Any

from playground.bitrise.model import Build, Pipeline, PipelineWorkflow, Stage, Status
from playground.bitrise.shapes import credit_cost, wire_time

STATUS_WORDS = ("initializing", "on_hold", "running", "succeeded", "failed", "aborted", "succeeded_with_abort")
ENDED_WORDS = {
    Status.SUCCESS: "succeeded",
    Status.FAILED: "failed",
    Status.ABORTED: "aborted",
    Status.ABORTED_WITH_SUCCESS: "succeeded_with_abort",
}
TRIGGER_PARAMS = ("branch", "tag", "commit_hash", "commit_message", "environments", "branch_dest")


def status_word(item: Build | Pipeline) -> str:
    if item.finished_at is not None:
        return ENDED_WORDS[item.status]
    return "on_hold" if _is_on_hold(item) else "running"


def _is_on_hold(item: Build | Pipeline) -> bool:
    return all(build.stage is Stage.ON_HOLD for build in _builds(item))


def _builds(item: Build | Pipeline) -> list[Build]:
    return item.builds if isinstance(item, Pipeline) else [item]


def item_shape(item: Build | Pipeline) -> dict[str, Any]:
    """Build an item of the list; ``status`` is a number here and a word in the filter."""
    is_pipeline = isinstance(item, Pipeline)
    params = item.params
    return {
        "slug": item.id if isinstance(item, Pipeline) else item.slug,
        "build_number": item.number,
        "is_pipeline": is_pipeline,
        "status": int(item.status),
        "triggered_workflow": item.name if isinstance(item, Pipeline) else item.workflow,
        "branch": params.get("branch"),
        "commit_hash": params.get("commit_hash"),
        "commit_message": params.get("commit_message"),
        "tag": params.get("tag"),
        "pull_request_id": int(params.get("pull_request_id") or 0),
        "pull_request_target_branch": params.get("branch_dest"),
        "triggered_by": item.triggered_by,
        "triggered_at": wire_time(item.triggered_at),
        "started_at": wire_time(item.started_at),
        "finished_at": wire_time(item.finished_at),
        "is_on_hold": item.finished_at is None and _is_on_hold(item),
        "is_processed": item.finished_at is not None,
        "rebuildable": item.finished_at is not None,
        "credit_cost": _cost(item),
        "trigger_params": _trigger_params(item),
        "artifacts": [],
        "build_tool_invocations": [],
        "local_config": None,
        "utility": False,
    }


def pipeline_shape(run: Pipeline) -> dict[str, Any]:
    """Build the response of ``GET pipelines/{id}``, without ``data`` around it."""
    word = status_word(run)
    attempt = {
        "id": run.id,
        "number_in_pipeline_build_scope": 1,
        "status": word,
        "triggered_at": wire_time(run.triggered_at),
    }
    return {
        "id": run.id,
        "name": run.name,
        "app": {"slug": run.app.slug},
        "status": word,
        "type": "pipeline",
        "abort_reason": run.abort_reason,
        "number_in_app_scope": run.number,
        "triggered_at": wire_time(run.triggered_at),
        "started_at": wire_time(run.started_at),
        "finished_at": wire_time(run.finished_at),
        "put_on_hold_at": None,
        "triggered_by": run.triggered_by,
        "current_attempt_id": run.id,
        "attempts": [attempt],
        "rebuildable": run.finished_at is not None,
        "credit_cost": _cost(run),
        "trigger_params": _trigger_params(run),
        "stages": [
            {
                "id": f"{run.id}-{index}",
                "name": f"stage-{index}",
                "workflows": [_workflow_shape(each) for each in stage],
            }
            for index, stage in enumerate(run.stages, start=1)
        ],
        "workflows": _all_workflows(run),
    }


def _all_workflows(run: Pipeline) -> list[dict[str, Any]]:
    shapes: list[dict[str, Any]] = []
    before: list[str] = []
    for stage in run.stages:
        shapes += [_workflow_shape(each) | {"depends_on": before} for each in stage]
        before = [each.name for each in stage]
    return shapes


def _workflow_shape(workflow: PipelineWorkflow) -> dict[str, Any]:
    """Build a workflow; ``external_id`` is the build's slug, empty before it starts."""
    build = workflow.build
    return {
        "id": workflow.id,
        "name": workflow.name,
        "status": status_word(build) if build else "",
        "external_id": build.slug if build else "",
        "depends_on": [],
        "is_generator": False,
        "started_at": wire_time(build.started_at) if build else None,
        "finished_at": wire_time(build.finished_at) if build else None,
        "credit_cost": credit_cost(build) if build else None,
        "startFailureReason": None,
    }


def _trigger_params(item: Build | Pipeline) -> dict[str, Any]:
    return {name: item.params[name] for name in TRIGGER_PARAMS if item.params.get(name) is not None}


def _cost(item: Build | Pipeline) -> int | None:
    costs = [cost for cost in map(credit_cost, _builds(item)) if cost is not None]
    return sum(costs) if costs else None
