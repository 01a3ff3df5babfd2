"""Apps, users and builds as JSON: unset fields are null, times are whole seconds in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from playground.bitrise.artifacts import StoredArtifact
from playground.bitrise.model import App, Build
from playground.bitrise.people import User

NOT_IN_LIST_OF_ALL = frozenset({"is_status_sent", "log_format", "pipeline_workflow_id", "rebuildable"})
CREDITS_PER_MINUTE = 2


def wire_time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def fine_time(at: datetime) -> str:
    """Format a time with fractions of a second, as in users, logs and webhooks."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def user_shape(user: User) -> dict[str, Any]:
    return {
        "username": user.name,
        "slug": user.slug,
        "email": user.email,
        "unconfirmed_email": None,
        "avatar_url": None,
        "created_at": fine_time(user.created_at),
        "has_used_organization_trial": False,
        "data_id": int(user.slug[:6], 16),
        "payment_processor": None,
    }


def app_shape(app: App) -> dict[str, Any]:
    return {
        "slug": app.slug,
        "title": app.title,
        "project_type": app.project_type,
        "project_id": app.slug,
        "provider": app.provider,
        "repo_owner": app.repo_owner,
        "repo_slug": app.repo_slug,
        "repo_url": f"{app.repo_url}.git",
        "is_disabled": app.is_disabled,
        "status": 1,
        "is_public": app.is_public,
        "is_github_checks_enabled": False,
        "avatar_url": app.avatar_url,
        "owner": {"account_type": app.owner.account_type, "name": app.owner.name, "slug": app.owner.slug},
    }


def build_shape(build: Build) -> dict[str, Any]:
    return _progress(build) | _source(build) | _machine(build)


def build_shape_for_all(build: Build) -> dict[str, Any]:
    """Build an item of ``GET /builds``."""
    shape = {key: value for key, value in build_shape(build).items() if key not in NOT_IN_LIST_OF_ALL}
    return shape | {"repository": app_shape(build.app)}


def _progress(build: Build) -> dict[str, Any]:
    return {
        "slug": build.slug,
        "build_number": build.number,
        "status": int(build.status),
        "status_text": build.status_text,
        "abort_reason": build.abort_reason,
        "is_on_hold": build.is_on_hold,
        "is_processed": build.is_finished,
        "is_status_sent": build.is_finished and build.git_status in ("success", "failure"),
        "triggered_at": wire_time(build.triggered_at),
        "started_on_worker_at": wire_time(build.started_at),
        "environment_prepare_finished_at": wire_time(build.started_at),
        "finished_at": wire_time(build.finished_at),
        "triggered_by": build.triggered_by,
        "triggered_workflow": build.workflow,
    }


def _source(build: Build) -> dict[str, Any]:
    repo = build.app.repo_url
    return {
        "branch": build.branch,
        "tag": build.tag,
        "commit_hash": build.commit_hash,
        "commit_message": build.commit_message,
        "commit_view_url": f"{repo}/commit/{build.commit_hash}" if build.commit_hash else None,
        "pull_request_id": build.pull_request_id,
        "pull_request_target_branch": build.params.get("branch_dest") or None,
        "pull_request_view_url": f"{repo}/pull/{build.pull_request_id}" if build.pull_request_id else None,
        "original_build_params": dict(build.params),
    }


def _machine(build: Build) -> dict[str, Any]:
    return {
        "machine_type_id": build.params.get("machine_type_id") or "g2-m1.4core",
        "stack_identifier": build.params.get("stack") or "osx-xcode-16.0.x",
        "credit_cost": credit_cost(build),
        "log_format": "json",
        "pipeline_workflow_id": build.pipeline_workflow_id,
        "rebuildable": build.is_finished,
        "utility": False,
    }


def credit_cost(build: Build) -> int | None:
    """Return the cost; null while the build runs, and if it never reached a machine."""
    if build.started_at is None or build.finished_at is None:
        return None
    return max(1, round((build.finished_at - build.started_at).total_seconds() / 60)) * CREDITS_PER_MINUTE


def artifact_shape(stored: StoredArtifact) -> dict[str, Any]:
    artifact = stored.artifact
    return {
        "title": artifact.title,
        "artifact_type": artifact.kind,
        "artifact_meta": artifact.full_meta,
        "is_public_page_enabled": stored.is_public,
        "slug": stored.slug,
        "file_size_bytes": artifact.size_bytes,
        "intermediate_file_info": None,
    }
