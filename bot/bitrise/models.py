"""What Bitrise sends and takes, as frozen values. Every field of an answer may be null, missing or of another type.

https://docs.bitrise.io/en/bitrise-ci/api/api-overview.html
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")
REQUEST_VARIABLE = "BUILDBELL_REQUEST"
MESSAGE_VARIABLE = "BUILDBELL_MESSAGE"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose personal token it is."""

    username: str | None
    slug: str | None


@dataclass(frozen=True, slots=True)
class App:
    slug: str
    title: str | None
    project_type: str | None
    repo_owner: str | None
    repo_slug: str | None
    repo_url: str | None
    is_disabled: bool
    owner_slug: str | None
    owner_name: str | None


@dataclass(frozen=True, slots=True)
class EnvironmentVariable:
    """One variable of a start. The value may be a secret and is in no repr."""

    key: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RequestedParams:
    """What a build was started with (``original_build_params``)."""

    branch: str | None
    tag: str | None
    commit_hash: str | None
    workflow_id: str | None
    pipeline_id: str | None
    environments: tuple[EnvironmentVariable, ...]

    @property
    def request_id(self) -> str | None:
        """The id of our request, if the start was ours."""
        return self._value(REQUEST_VARIABLE)

    @property
    def message(self) -> str | None:
        """The build message given at our start."""
        return self._value(MESSAGE_VARIABLE)

    def _value(self, key: str) -> str | None:
        return next((item.value for item in self.environments if item.key == key), None) or None


@dataclass(frozen=True, slots=True)
class Build:
    """A build or, with ``is_pipeline``, a pipeline; ``status`` is None for a pipeline, which has a word instead."""

    slug: str
    app_slug: str
    number: int | None
    is_pipeline: bool
    status: int | None
    status_text: str | None
    is_on_hold: bool
    abort_reason: str | None
    branch: str | None
    tag: str | None
    commit_hash: str | None
    commit_message: str | None
    commit_view_url: str | None
    workflow: str | None
    pipeline: str | None
    pipeline_workflow_id: str | None
    triggered_by: str | None
    triggered_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    pull_request_id: int | None
    machine_type: str | None
    requested: RequestedParams | None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list; ``next`` is what to ask for the following one with, None on the last."""

    items: tuple[T, ...]
    next: str | None
    total: int | None


@dataclass(frozen=True, slots=True)
class BuildFilters:
    """Filters of an app's build list, combined with AND; ``after`` and ``before`` include their own second."""

    branch: str | None = None
    workflow: str | None = None
    status: int | None = None
    build_number: int | None = None
    trigger_event_type: str | None = None
    after: datetime | None = None
    before: datetime | None = None
    next: str | None = None
    limit: int = 50

    def to_query(self) -> dict[str, str]:
        values = {
            "sort_by": "created_at",
            "branch": self.branch,
            "workflow": self.workflow,
            "status": self.status,
            "build_number": self.build_number,
            "trigger_event_type": self.trigger_event_type,
            "after": int(self.after.timestamp()) if self.after else None,
            "before": int(self.before.timestamp()) if self.before else None,
            "next": self.next,
            "limit": self.limit,
        }
        return {key: str(value) for key, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class TriggerParams:
    """What is sent to start a build. Values of variables are taken as they are: ``$NAME`` in them is not replaced."""

    app_slug: str
    workflow: str | None
    pipeline: str | None
    branch: str | None
    tag: str | None
    commit: str | None
    environment: tuple[tuple[str, str], ...] = field(repr=False)
    triggered_by: str

    def to_body(self) -> dict[str, Any]:
        params = {
            "workflow_id": self.workflow,
            "pipeline_id": self.pipeline,
            "branch": self.branch,
            "tag": self.tag,
            "commit_hash": self.commit,
        }
        build_params: dict[str, Any] = {key: value for key, value in params.items() if value is not None}
        build_params["environments"] = [
            {"key": key, "value": value, "is_expand": False} for key, value in self.environment
        ]
        return {"hook_info": {"type": "bitrise"}, "build_params": build_params, "triggered_by": self.triggered_by}


@dataclass(frozen=True, slots=True)
class TriggeredBuild:
    slug: str
    number: int | None
    workflow: str | None
    pipeline: str | None


@dataclass(frozen=True, slots=True)
class TriggerAnswer:
    """One start may give several builds; ``refused`` are Bitrise's words for those it did not start."""

    results: tuple[TriggeredBuild, ...]
    refused: tuple[str, ...]


# Parsing.


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
        else:
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
