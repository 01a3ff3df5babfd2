"""Map a Bitrise build to a row of ours, and hash the parameters it was started with."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bot.bitrise.models import RESERVED_PREFIX, Build, RequestedParams
from bot.domain import builds
from bot.domain.abort_reasons import parse_abort_reason
from bot.logs import STARS
from storage.builds import BuildRow

SECRET_NAME = re.compile(r"token|secret|passw|credential|(^|_)key(_|$)", re.IGNORECASE)
MAX_VARIABLES, MAX_VALUE = 20, 100
SAME_IN_BOTH = (
    "app_slug", "number", "is_pipeline", "workflow", "pipeline", "pull_request_id", "machine_type", "triggered_at",
    "started_at", "finished_at", "stack", "credit_cost", "is_utility", "pipeline_workflow_id",
)  # fmt: skip
"""Fields of a build that are columns by the same name."""


def build_row(workspace_id: str, build: Build, *, now: datetime) -> BuildRow:
    """Return a build in our terms. Only our own requests know who asked for it: those columns stay None."""
    if build.is_pipeline:
        state, outcome = builds.parse_pipeline_state(build.status_text, build.finished_at)
    else:
        state, outcome = builds.parse_build_state(
            build.status, is_on_hold=build.is_on_hold, started_at=build.started_at, finished_at=build.finished_at
        )
    requested = build.requested or RequestedParams()
    request_id = requested.request_id
    trigger = builds.parse_trigger(
        triggered_by=build.triggered_by,
        pull_request_id=build.pull_request_id,
        tag=build.tag,
        pipeline=build.pipeline_workflow_id,
        request_id=request_id,
    )
    reason = parse_abort_reason(build.abort_reason) if build.abort_reason else None
    variables = [(item.key, item.value) for item in requested.environments]
    return BuildRow(
        **{name: getattr(build, name) for name in SAME_IN_BOTH},
        workspace_id=workspace_id,
        build_slug=build.slug,
        branch=build.branch or None,
        tag=build.tag or None,
        commit_hash=build.commit_hash or None,
        commit_message=build.commit_message or None,
        commit_url=build.commit_view_url if build.commit_hash else None,
        build_message=requested.message,
        cause=trigger.cause,
        triggered_by_name=trigger.name,
        state=state,
        outcome=outcome,
        reason=reason.category if reason else None,
        reason_text=reason.sentence if reason else None,
        reason_by=reason.by if reason else None,
        abort_requested_by=None,
        abort_requested_at=None,
        request_id=request_id,
        requested_by=None,
        parameters_hash=hash_requested(requested) if build.requested else None,
        last_synced_at=now,
        cause_detail=trigger.detail,
        pull_request_url=build.pull_request_view_url,
        variables_hash=hash_variables(variables) if variables else None,
    )


def describe_variables(variables: Iterable[tuple[str, str]]) -> str:
    """Return the variables that a person set, one ``KEY=value`` a line, as cards show them; empty without any.

    Values of names that sound secret are replaced, although Bitrise shows them to everybody in the app.
    """
    own = [(key, value) for key, value in variables if not key.startswith(RESERVED_PREFIX)]
    lines = [f"{key}={STARS if SECRET_NAME.search(key) else ' '.join(value.split())[:MAX_VALUE]}" for key, value in own]
    return "\n".join(lines[:MAX_VARIABLES])


def hash_variables(variables: Iterable[tuple[str, str]]) -> str | None:
    """Hash the variables that a person set, to tell builds of a workflow apart; None without any."""
    own = sorted((key, value) for key, value in variables if not key.startswith(RESERVED_PREFIX))
    return hashlib.sha256(json.dumps(own).encode()).hexdigest()[:16] if own else None


def hash_requested(requested: RequestedParams) -> str:
    """Hash the parameters that Bitrise shows, without our own variables, which differ between equal starts."""
    variables = ((item.key, item.value) for item in requested.environments)
    environment = [(key, value) for key, value in variables if not key.startswith(RESERVED_PREFIX)]
    return hash_parameters(
        workflow=requested.workflow_id,
        pipeline=requested.pipeline_id,
        branch=requested.branch,
        tag=requested.tag,
        commit=requested.commit_hash,
        environment=environment,
        others=requested.others,
    )


def hash_parameters(
    *,
    workflow: str | None,
    pipeline: str | None,
    branch: str | None,
    tag: str | None,
    commit: str | None,
    environment: Iterable[tuple[str, str]],
    others: Mapping[str, Any],
) -> str:
    """Return the same hash for equal starts: the same target on the same code with the same environment.

    A pull request is other code than the branch of the same name.
    """
    pull_request = str(others.get("pull_request_id") or "")
    parts: list[object] = [workflow or "", pipeline or "", branch or "", tag or "", commit or "", pull_request]
    parts.append(sorted(map(list, environment)))
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
