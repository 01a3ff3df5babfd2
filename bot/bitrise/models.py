"""What Bitrise sends and takes, as frozen values. Every field of an answer may be null, missing or of another type.

https://docs.bitrise.io/en/bitrise-ci/api/api-overview.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

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
