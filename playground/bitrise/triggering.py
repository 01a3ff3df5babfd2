"""Start builds: by workflow, by pipeline, or by the trigger map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playground.bitrise.approvals import hold_for_approval, needs_approval
from playground.bitrise.calls import Answer, Call
from playground.bitrise.model import Build, Pipeline, TriggerCall
from playground.bitrise.refusals import Refused
from playground.bitrise.trigger_body import read_trigger
from playground.bitrise.world import World


@dataclass(frozen=True, slots=True)
class Target:
    """A workflow or a pipeline to start."""

    workflow: str | None = None
    pipeline: str | None = None

    def problem(self, call: Call) -> str | None:
        """Return the reason it can't start, or None."""
        if self.pipeline is not None and self.pipeline not in call.app.pipelines:
            return f"pipeline ({self.pipeline}) did not match any pipelines defined in app config"
        if self.workflow is not None and self.workflow not in call.app.workflows:
            return f"workflow ({self.workflow}) did not match any workflows defined in app config"
        return None


def trigger_builds(call: Call) -> Answer:
    """Start builds. Answer 201 if any started; each one that didn't is an item with an error."""
    params, triggered_by = read_trigger(call)
    if call.app.is_disabled:
        raise trigger_refused(call, "Builds of this app are disabled")
    if needs_approval(call.app, params):
        return hold_for_approval(call, params, triggered_by)
    targets = _targets(call, params)
    if all(target.problem(call) for target in targets):
        raise trigger_refused(call, str(targets[0].problem(call)))
    started: list[Build | Pipeline] = []
    results = [_start(call, target, params, triggered_by, started) for target in targets]
    call.world.triggers.append(
        TriggerCall(
            at=call.now,
            app=call.app,
            owner=call.token.owner.name,
            body=call.body(),
            builds=tuple(each for each in started if isinstance(each, Build)),
            pipelines=tuple(each for each in started if isinstance(each, Pipeline)),
        )
    )
    return Answer(_answer(call, results), status=201)


def trigger_refused(call: Call, text: str) -> Refused:
    return Refused(400, text, form="trigger", slug=call.app.slug)


def _targets(call: Call, params: Mapping[str, Any]) -> list[Target]:
    workflow, pipeline = params.get("workflow_id"), params.get("pipeline_id")
    if workflow or pipeline:
        return [Target(workflow or None, pipeline or None)]
    kind, ref = _event(params)
    targets = [Target(rule.workflow, rule.pipeline) for rule in call.app.rules_for(kind, ref)]
    if not targets:
        text = f"no matching pipeline & workflow found with trigger params: {kind}: {ref}"
        raise trigger_refused(call, text)
    return targets


def _event(params: Mapping[str, Any]) -> tuple[str, str]:
    if params.get("pull_request_id"):
        return "pull-request", params.get("branch") or ""
    if params.get("tag"):
        return "tag", params["tag"]
    return "push", params.get("branch") or ""


def _start(
    call: Call, target: Target, params: Mapping[str, Any], triggered_by: str | None, started: list[Build | Pipeline]
) -> dict[str, Any]:
    if problem := target.problem(call):
        return {"status": "error", "message": problem}
    if target.pipeline is not None:
        run = call.world.create_pipeline(call.app, target.pipeline, params, triggered_by)
        started.append(run)
        return _pipeline_result(call, run)
    build = _start_build(call.world, call, str(target.workflow), params, triggered_by)
    started.append(build)
    return _build_result(call, build)


def _start_build(world: World, call: Call, workflow: str, params: Mapping[str, Any], triggered_by: str | None) -> Build:
    build = world.create_build(call.app, workflow, params, triggered_by, call.now)
    build.skip_git_status_report = bool(params.get("skip_git_status_report"))
    return build


def _build_result(call: Call, build: Build) -> dict[str, Any]:
    return {
        "status": "ok",
        "message": "webhook processed",
        "build_slug": build.slug,
        "build_number": build.number,
        "build_url": f"{call.site_url}/build/{build.slug}",
        "triggered_workflow": build.workflow,
    }


def _pipeline_result(call: Call, run: Pipeline) -> dict[str, Any]:
    """Build the item of a pipeline. Its id is in ``build_slug``, where clients read it; it isn't documented."""
    return {
        "status": "ok",
        "message": "webhook processed",
        "build_slug": run.id,
        "build_number": run.number,
        "build_url": f"{call.site_url}/app/{run.app.slug}/pipelines/{run.id}",
        "triggered_pipeline": run.name,
    }


def _answer(call: Call, results: list[dict[str, Any]]) -> dict[str, Any]:
    """Build the response. Its fields beside ``results`` are deprecated and describe the first started build."""
    first = next(result for result in results if result["status"] == "ok")
    return {
        "status": "ok",
        "message": first["message"],
        "slug": call.app.slug,
        "service": "bitrise",
        "build_slug": first["build_slug"],
        "build_number": first["build_number"],
        "build_url": first["build_url"],
        "triggered_workflow": first.get("triggered_workflow", ""),
        "results": results,
    }
