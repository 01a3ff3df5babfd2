"""A start on the wire, and the builds it gave as rows of ours."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from bot.bitrise.models import MESSAGE_VARIABLE, REQUEST_VARIABLE, Build, TriggeredBuild, TriggerParams
from bot.builds.parameters import Parameters
from bot.domain.builds import Cause, triggered_by_text
from storage.builds import BuildRow
from storage.requests import RequestRow


def trigger_params(request: RequestRow, parameters: Parameters) -> TriggerParams:
    environment = [*parameters.environment, (REQUEST_VARIABLE, request.request_id)]
    if parameters.message:
        environment.append((MESSAGE_VARIABLE, parameters.message))
    return TriggerParams(
        app_slug=parameters.app_slug,
        workflow=parameters.workflow,
        pipeline=parameters.pipeline,
        branch=parameters.branch,
        tag=parameters.tag,
        commit=parameters.commit,
        environment=tuple(environment),
        triggered_by=triggered_by_text(request.user_name, request.request_id),
    )


def carries(build: Build, request: RequestRow) -> bool:
    """Whether a build is the one this request asked for, and not somebody's rebuild of it."""
    by_environment = build.requested is not None and build.requested.request_id == request.request_id
    by_name = (build.triggered_by or "").endswith(f"-{request.request_id}")
    return by_name or (by_environment and not build.triggered_by)


def claimed(build: BuildRow, request: RequestRow, parameters: Parameters) -> BuildRow:
    """A build as ours: who asked, with which words."""
    return dataclasses.replace(
        build,
        request_id=request.request_id,
        requested_by=request.user_id,
        build_message=parameters.message,
        cause=Cause.SLACK,
        triggered_by_name=request.user_name,
        parameters_hash=parameters.digest,
    )


def row_from_answer(request: RequestRow, parameters: Parameters, item: TriggeredBuild, *, now: datetime) -> BuildRow:
    """A build as far as the trigger's answer tells; the next sweep fills in the rest."""
    pipeline = item.pipeline or parameters.pipeline
    bare = BuildRow(
        workspace_id=request.workspace_id,
        build_slug=item.slug,
        app_slug=parameters.app_slug,
        number=item.number,
        is_pipeline=pipeline is not None,
        workflow=None if pipeline else item.workflow or parameters.workflow,
        pipeline=pipeline,
        branch=parameters.branch,
        tag=parameters.tag,
        commit_hash=parameters.commit,
        commit_message=None,
        commit_url=None,
        build_message=None,
        pull_request_id=None,
        machine_type=None,
        cause=Cause.SLACK,
        triggered_by_name=None,
        state="queued",
        outcome=None,
        reason=None,
        reason_text=None,
        reason_by=None,
        abort_requested_by=None,
        abort_requested_at=None,
        request_id=None,
        requested_by=None,
        parameters_hash=None,
        triggered_at=now,
        started_at=None,
        finished_at=None,
        last_synced_at=now,
    )
    return claimed(bare, request, parameters)
