"""Requests to Bitrise and the items of its responses, as frozen values. `bot.bitrise.parsing` builds them from JSON.

Variables that a build was started with may be secrets, so no ``repr`` shows them. https://api-docs.bitrise.io
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from bot.logs import STARS

T = TypeVar("T")

RESERVED_PREFIX = "BUILDBELL_"
"""Names of our own variables start with it; people can't set such variables."""
REQUEST_VARIABLE = f"{RESERVED_PREFIX}REQUEST"
MESSAGE_VARIABLE = f"{RESERVED_PREFIX}MESSAGE"
PAGE_LIMIT = 50
"""The maximum of Bitrise."""


# Responses.


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """``body`` is the JSON value or plain text, None if it can't be read: HTML, cut short, too long."""

    status: int
    body: object = field(default=None, repr=False)
    is_empty: bool = False
    retry_after: str | None = None

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list; ``next`` is the cursor of the following page, None on the last."""

    items: tuple[T, ...]
    next: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """The user that a personal access token belongs to."""

    username: str | None
    slug: str | None


@dataclass(frozen=True, slots=True)
class App:
    """``owner_name`` is the workspace or user that the app belongs to."""

    slug: str
    title: str | None
    project_type: str | None
    repo_owner: str | None
    repo_slug: str | None
    repo_url: str | None
    is_disabled: bool
    owner_name: str | None
    provider: str | None = None


REPEATABLE = frozenset(
    [
        "base_repository_url", "branch_dest", "branch_dest_repo_owner", "branch_repo_owner", "commit_message",
        "commit_paths", "diff_url", "head_repository_url", "machine_type_id", "priority", "pull_request_author",
        "pull_request_head_branch", "pull_request_id", "pull_request_merge_branch", "pull_request_repository_url",
        "pull_request_unverified_merge_branch", "skip_git_status_report", "stack",
    ]
)  # fmt: skip
"""Fields of a trigger that a rebuild sends again. Without those of a pull request Bitrise clones the wrong repository
and reports to another check. Secrets can't be read back. https://api-docs.bitrise.io/#/builds/build-trigger"""


@dataclass(frozen=True, slots=True)
class EnvironmentVariable:
    """``is_expanded``: ``$NAME`` in the value stands for another variable. Bitrise expands unless it says otherwise."""

    key: str
    value: str = field(repr=False)
    is_expanded: bool = True


@dataclass(frozen=True, slots=True, repr=False)
class RequestedParams:
    """The parameters a build was started with (``original_build_params``)."""

    branch: str | None = None
    tag: str | None = None
    commit_hash: str | None = None
    workflow_id: str | None = None
    pipeline_id: str | None = None
    environments: tuple[EnvironmentVariable, ...] = ()
    others: Mapping[str, Any] = field(default_factory=dict)
    """Every other field that is set, as Bitrise shows it: those of `REPEATABLE`, and any it adds later."""

    def __repr__(self) -> str:
        return f"RequestedParams({STARS})"

    @property
    def request_id(self) -> str | None:
        """The id of our request, if Buildbell started the build."""
        return self._value(REQUEST_VARIABLE)

    @property
    def message(self) -> str | None:
        """The build message given in Slack."""
        return self._value(MESSAGE_VARIABLE)

    def _value(self, key: str) -> str | None:
        # The last one wins, as it does in the build itself.
        return next((item.value for item in reversed(self.environments) if item.key == key), None) or None


@dataclass(frozen=True, slots=True)
class Build:
    """A build or, with ``is_pipeline``, a pipeline.

    ``status`` is 0 until it finishes (or if Bitrise didn't say) and then 1 to 4. A pipeline has it too; its own status
    is in ``status_text``. ``pipeline`` is a name; ``pipeline_workflow_id`` is set in a build that is part of one.
    """

    slug: str
    app_slug: str
    app_title: str | None = None
    number: int | None = None
    is_pipeline: bool = False
    status: int = 0
    status_text: str | None = None
    is_on_hold: bool = False
    abort_reason: str | None = None
    branch: str | None = None
    tag: str | None = None
    commit_hash: str | None = None
    commit_message: str | None = None
    commit_view_url: str | None = None
    workflow: str | None = None
    pipeline: str | None = None
    pipeline_workflow_id: str | None = None
    triggered_by: str | None = None
    triggered_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    pull_request_id: int | None = None
    pull_request_view_url: str | None = None
    machine_type: str | None = None
    stack: str | None = None
    credit_cost: int | None = None
    is_utility: bool = False
    requested: RequestedParams | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class TriggeredBuild:
    """A started build, or a started pipeline when ``pipeline`` is set."""

    slug: str
    number: int | None = None
    workflow: str | None = None
    pipeline: str | None = None


@dataclass(frozen=True, slots=True)
class TriggerResult:
    """One trigger may start several builds; ``refusals`` are Bitrise's messages about those it didn't start.

    Without builds, Bitrise accepted the trigger and starts them later, when somebody has approved it.
    """

    builds: tuple[TriggeredBuild, ...]
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Webhook:
    """An outgoing webhook of an app. The URL itself may be a secret, of ours or of others."""

    slug: str
    url: str | None = field(repr=False)
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Artifact:
    """``kind`` is ``ios-ipa``, ``android-apk`` or ``file``. Anyone with the URL of the install page can install."""

    slug: str
    title: str | None
    kind: str | None
    size_bytes: int | None
    is_public: bool
    install_page_url: str | None = None
    version: str | None = None
    build_number: str | None = None


# Requests.


@dataclass(frozen=True, slots=True)
class BuildFilters:
    """Filters of an app's build list, combined with AND. ``after`` and ``before`` are inclusive.

    ``pull_request_id`` works only together with the ``trigger_event_type`` pull-request.
    """

    branch: str | None = None
    workflow: str | None = None
    status: int | None = None
    build_number: int | None = None
    after: datetime | None = None
    before: datetime | None = None
    commit_message: str | None = None
    trigger_event_type: str | None = None
    next: str | None = None
    limit: int = PAGE_LIMIT
    sort_by: str = "created_at"
    pull_request_id: int | None = None

    def to_query(self) -> dict[str, object]:
        """Times go out as whole Unix seconds, rounded outwards."""
        seconds = {
            "after": math.floor(self.after.timestamp()) if self.after else None,
            "before": math.ceil(self.before.timestamp()) if self.before else None,
        }
        return asdict(self) | seconds


@dataclass(frozen=True, slots=True)
class TriggerParams:
    """Parameters of a trigger. ``$NAME`` is expanded only in the variables named in ``expanded``.

    ``others`` are the fields of `REPEATABLE`, from the build that is rebuilt.
    """

    app_slug: str
    workflow: str | None = None
    pipeline: str | None = None
    branch: str | None = None
    tag: str | None = None
    commit: str | None = None
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    triggered_by: str | None = None
    commit_message: str | None = None
    expanded: frozenset[str] = frozenset()
    others: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def to_body(self) -> dict[str, Any]:
        named = {
            "workflow_id": self.workflow,
            "pipeline_id": self.pipeline,
            "branch": self.branch,
            "tag": self.tag,
            "commit_hash": self.commit,
            "commit_message": self.commit_message,
            "environments": [
                {"key": key, "value": value, "is_expand": key in self.expanded} for key, value in self.environment
            ],
        }
        params = {**self.others, **{key: value for key, value in named.items() if value}}
        body: dict[str, Any] = {"hook_info": {"type": "bitrise"}, "build_params": params}
        return body | ({"triggered_by": self.triggered_by} if self.triggered_by else {})

    @property
    def hidden_values(self) -> tuple[str, ...]:
        """Values of variables to keep out of error text, unless they are ours or sent openly elsewhere."""
        public = {self.workflow, self.pipeline, self.branch, self.tag, self.commit, self.app_slug}
        own_keys = {REQUEST_VARIABLE, MESSAGE_VARIABLE}
        return tuple(value for key, value in self.environment if key not in own_keys and value not in public)
