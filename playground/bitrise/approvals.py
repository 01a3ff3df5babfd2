"""Pull requests from forks that wait for approval, as Bitrise's setting *Manual approval* has them.

https://docs.bitrise.io, *Approving pull request builds*. The answer to a start that waits is not documented: here it is
accepted and names no build.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playground.bitrise.calls import Answer, Call
from playground.bitrise.model import App, Build, BuildRequest
from playground.bitrise.refusals import bad_request, not_found
from playground.bitrise.shapes import fine_time
from playground.bitrise.world import World


def needs_approval(app: App, params: Mapping[str, Any]) -> bool:
    """Return whether a start has to be approved: a target branch without the two owners counts as a fork's."""
    owners = params.get("branch_repo_owner"), params.get("branch_dest_repo_owner")
    is_fork = bool(params.get("branch_dest")) and (None in owners or owners[0] != owners[1])
    return is_fork and (app.approves_forks or app.is_public) and not params.get("build_request_slug")


def hold_for_approval(call: Call, params: Mapping[str, Any], triggered_by: str | None) -> Answer:
    request = BuildRequest(call.world.names.hex(), call.now, params, triggered_by)
    call.app.build_requests.append(request)
    body = {"status": "ok", "message": "webhook processed", "slug": call.app.slug, "service": "bitrise", "results": []}
    return Answer(body, status=201)


def list_requests(call: Call) -> Answer:
    return Answer({"data": [_shape(call.app, request) for request in call.app.build_requests]})


def answer_request(call: Call) -> Answer:
    """Approve or decline a request; an approved one starts as if it had been sent now."""
    app = call.app
    request = next((each for each in app.build_requests if each.slug == call.places["request"]), None)
    if request is None:
        raise not_found()
    is_approved = call.body().get("is_approved")
    if not isinstance(is_approved, bool):
        raise bad_request("Invalid is_approved: it should be a boolean")
    app.build_requests.remove(request)
    if is_approved:
        start_approved(call.world, app, request)
    return Answer({"data": _shape(app, request)})


def start_approved(world: World, app: App, request: BuildRequest) -> list[Build]:
    """Start the workflow of an approved request, or what the trigger map selects for pull requests."""
    params = {**request.params, "build_request_slug": request.slug}
    rules = app.rules_for("pull-request", params.get("branch") or "")
    workflows = [params["workflow_id"]] if params.get("workflow_id") else [rule.workflow for rule in rules]
    started = [(str(each), params, request.triggered_by, world.now()) for each in workflows if each]
    return [world.create_build(app, *each) for each in started]


def _shape(app: App, request: BuildRequest) -> dict[str, Any]:
    number = request.params.get("pull_request_id")
    return {
        "slug": request.slug,
        "created_at": fine_time(request.created_at),
        "pull_request_url": f"{app.repo_url}/pull/{number}" if number else None,
        "build_params": dict(request.params),
    }
