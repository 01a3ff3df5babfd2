"""Reading what Bitrise answers: whatever is missing, null or of another type becomes None, and nothing raises."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from bot.bitrise.models import (
    App,
    Build,
    EnvironmentVariable,
    Owner,
    Page,
    RequestedParams,
    TriggerAnswer,
    TriggeredBuild,
)

log = logging.getLogger(__name__)
T = TypeVar("T")


def read_owner(body: Any) -> Owner:
    data = _mapping(_mapping(body).get("data"))
    return Owner(_text(data, "username"), _text(data, "slug"))


def read_app(data: Any) -> App | None:
    """None (and a line in the log) for an app without a slug: nothing can be done with it."""
    fields = _mapping(data)
    slug = _text(fields, "slug")
    if slug is None:
        log.warning("Bitrise listed an app without a slug")
        return None
    owner = _mapping(fields.get("owner"))
    return App(
        slug=slug,
        title=_text(fields, "title"),
        project_type=_text(fields, "project_type"),
        repo_owner=_text(fields, "repo_owner"),
        repo_slug=_text(fields, "repo_slug"),
        repo_url=_text(fields, "repo_url"),
        is_disabled=fields.get("is_disabled") is True,
        owner_slug=_text(owner, "slug"),
        owner_name=_text(owner, "name"),
    )


def read_build(data: Any, app_slug: str | None = None) -> Build | None:
    """``app_slug`` None: the build names its app itself, under ``repository``. None when slug or app is missing."""
    fields = _mapping(data)
    slug = _text(fields, "slug")
    app = app_slug or _text(_mapping(fields.get("repository")), "slug")
    if slug is None or app is None:
        log.warning("Bitrise listed a build without a slug or an app")
        return None
    return Build(
        slug=slug,
        app_slug=app,
        number=_whole(fields, "build_number"),
        is_pipeline=False,
        status=_whole(fields, "status"),
        status_text=_text(fields, "status_text"),
        is_on_hold=fields.get("is_on_hold") is True,
        abort_reason=_text(fields, "abort_reason"),
        branch=_text(fields, "branch"),
        tag=_text(fields, "tag"),
        commit_hash=_text(fields, "commit_hash"),
        commit_message=_text(fields, "commit_message"),
        commit_view_url=_text(fields, "commit_view_url"),
        workflow=_text(fields, "triggered_workflow"),
        pipeline=None,
        pipeline_workflow_id=_text(fields, "pipeline_workflow_id"),
        triggered_by=_text(fields, "triggered_by"),
        triggered_at=_time(fields, "triggered_at"),
        started_at=_time(fields, "started_on_worker_at"),
        finished_at=_time(fields, "finished_at"),
        pull_request_id=_whole(fields, "pull_request_id") or None,  # 0 when it is none
        machine_type=_text(fields, "machine_type_id"),
        requested=read_requested(fields.get("original_build_params")),
    )


def read_pipeline(body: Any, app_slug: str) -> Build | None:
    """A pipeline's page, with or without the ``data`` envelope that sources disagree about."""
    fields = _mapping(body)
    fields = _mapping(fields["data"]) if isinstance(fields.get("data"), Mapping) else fields
    slug = _text(fields, "id")
    if slug is None:
        log.warning("Bitrise showed a pipeline without an id")
        return None
    requested = read_requested(fields.get("trigger_params"))
    return Build(
        slug=slug,
        app_slug=app_slug,
        number=_whole(fields, "number_in_app_scope"),
        is_pipeline=True,
        status=None,
        status_text=_text(fields, "status"),
        is_on_hold=_text(fields, "status") == "on_hold",
        abort_reason=_text(fields, "abort_reason"),
        branch=requested.branch if requested else None,
        tag=requested.tag if requested else None,
        commit_hash=requested.commit_hash if requested else None,
        commit_message=_text(_mapping(fields.get("trigger_params")), "commit_message"),
        commit_view_url=None,
        workflow=None,
        pipeline=_text(fields, "name") or (requested.pipeline_id if requested else None),
        pipeline_workflow_id=None,
        triggered_by=_text(fields, "triggered_by"),
        triggered_at=_time(fields, "triggered_at"),
        started_at=_time(fields, "started_at"),
        finished_at=_time(fields, "finished_at"),
        pull_request_id=None,
        machine_type=None,
        requested=requested,
    )


def read_listed_pipeline(data: Any, app_slug: str) -> Build | None:
    """A line of the pipeline list, which calls the id ``slug``; None for a standalone build."""
    fields = _mapping(data)
    if fields.get("is_pipeline") is not True:
        return None
    return read_pipeline({**fields, "id": fields.get("slug"), "status": None}, app_slug)


def read_requested(data: Any) -> RequestedParams | None:
    fields = _mapping(data)
    if not fields:
        return None
    listed = fields.get("environments")
    return RequestedParams(
        branch=_text(fields, "branch"),
        tag=_text(fields, "tag"),
        commit_hash=_text(fields, "commit_hash"),
        workflow_id=_text(fields, "workflow_id"),
        pipeline_id=_text(fields, "pipeline_id"),
        environments=tuple(_variables(listed)) if isinstance(listed, list) else (),
    )


def _variables(listed: list[Any]) -> list[EnvironmentVariable]:
    found = []
    for item in map(_mapping, listed):
        key = _text(item, "key") or _text(item, "mapped_to")  # the old name
        if key is not None:
            value = item.get("value")
            found.append(EnvironmentVariable(key, value if isinstance(value, str) else ""))
    return found


def read_page(body: Any, read: Callable[[Any], T | None]) -> Page[T]:
    fields = _mapping(body)
    listed = fields.get("data")
    items = [read(item) for item in listed] if isinstance(listed, list) else []
    paging = _mapping(fields.get("paging"))
    return Page(
        items=tuple(item for item in items if item is not None),
        next=_text(paging, "next"),
        total=_whole(paging, "total_item_count"),
    )


def read_names(body: Any) -> list[str]:
    listed = _mapping(body).get("data")
    return [name for name in listed if isinstance(name, str) and name] if isinstance(listed, list) else []


def read_trigger(body: Any) -> TriggerAnswer:
    """``results`` where there are any, else the older fields beside it. ``slug`` at the top is the app, not a build."""
    fields = _mapping(body)
    listed = fields.get("results")
    items = [_mapping(item) for item in listed] if isinstance(listed, list) and listed else [fields]
    results, refused = [], []
    for item in items:
        slug = _text(item, "build_slug")
        if slug is not None and item.get("status") != "error":
            results.append(
                TriggeredBuild(
                    slug,
                    _whole(item, "build_number"),
                    _text(item, "triggered_workflow"),
                    _text(item, "triggered_pipeline"),
                )
            )
        elif item.get("status") == "error":  # anything else says neither yes nor no
            refused.append(_text(item, "message") or "Bitrise did not say why.")
    return TriggerAnswer(tuple(results), tuple(refused))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    """Empty counts as missing: Bitrise sends null, "" or nothing for the same thing."""
    value = fields.get(name)
    return value if isinstance(value, str) and value else None


def _whole(fields: Mapping[str, Any], name: str) -> int | None:
    value = fields.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _time(fields: Mapping[str, Any], name: str) -> datetime | None:
    text = _text(fields, name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
