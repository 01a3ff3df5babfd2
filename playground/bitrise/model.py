"""Records of the practice Bitrise: apps, workflows, builds, pipelines, and accepted calls."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, IntEnum
from fnmatch import fnmatchcase
from typing import Any, Literal

from playground.bitrise.artifacts import Artifact, StoredArtifact
from playground.bitrise.people import User, Workspace

Outcome = Literal["success", "failed", "aborted", "aborted-with-success"]

LogQuirk = Literal["repeats", "gaps", "from-zero", "no-url", "never-archived", "never"]
"""Oddities of a log: repeated chunks, chunks missing until it is archived, positions from 0 as in 2018, an archive
without a URL, an empty log that is never archived, no log at all."""

VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
DEFAULT_STEPS = ("activate-ssh-key", "git-clone", "script", "deploy-to-bitrise-io")


class Status(IntEnum):
    """Numbers of https://api-docs.bitrise.io; 0 is every unfinished build."""

    UNFINISHED = 0
    SUCCESS = 1
    FAILED = 2
    ABORTED = 3
    ABORTED_WITH_SUCCESS = 4


STATUS_OF: Mapping[Outcome, Status] = {
    "success": Status.SUCCESS,
    "failed": Status.FAILED,
    "aborted": Status.ABORTED,
    "aborted-with-success": Status.ABORTED_WITH_SUCCESS,
}

STATUS_TEXT: Mapping[Status, str] = {
    Status.UNFINISHED: "in-progress",
    Status.SUCCESS: "success",
    Status.FAILED: "error",
    Status.ABORTED: "aborted",
    Status.ABORTED_WITH_SUCCESS: "aborted-with-success",
}


class Stage(Enum):
    ON_HOLD = "on hold"
    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow whose builds are on hold for ``queue``, start for ``boot``, run for ``duration``, then ``outcome``."""

    duration: timedelta | None = timedelta(minutes=7)
    """``None`` runs until a test finishes it."""
    queue: timedelta = timedelta(seconds=20)
    boot: timedelta = timedelta(seconds=5)
    jitter: float = 0.0
    """Share by which the three times vary."""
    outcome: Outcome = "success"
    failure_rate: float = 0.0
    """Share of its builds that fail if ``outcome`` is success."""
    reason: str | None = None
    """The abort reason as Bitrise shows it, or the reason of the step that aborted with success."""
    steps: tuple[str, ...] = DEFAULT_STEPS
    failed_step: str | None = None
    log: str | None = None
    """Output of the failed step, or else of the last but one."""
    log_quirks: tuple[LogQuirk, ...] = ()
    artifacts: tuple[Artifact, ...] = ()

    @property
    def ending(self) -> Outcome:
        return "failed" if self.failed_step and self.outcome == "success" else self.outcome


@dataclass(frozen=True, slots=True)
class TriggerRule:
    """One line of a trigger map: a ref pattern and the workflow or pipeline it starts."""

    kind: Literal["push", "pull-request", "tag"] = "push"
    pattern: str = "*"
    workflow: str | None = None
    pipeline: str | None = None

    def matches(self, kind: str, ref: str) -> bool:
        return self.kind == kind and fnmatchcase(ref, self.pattern)


@dataclass(frozen=True, slots=True, eq=False)
class BuildRequest:
    """A start that waits for approval."""

    slug: str
    created_at: datetime
    params: Mapping[str, Any]
    triggered_by: str | None


@dataclass(slots=True, eq=False)
class App:
    slug: str
    title: str
    owner: Workspace | User
    created_at: datetime
    project_type: str
    repo_owner: str
    repo_slug: str
    provider: str = "github"
    workflows: dict[str, Workflow] = field(default_factory=dict)
    pipelines: dict[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    """Stages by name; a stage is a list of parallel workflows."""
    trigger_map: Sequence[TriggerRule] = ()
    branches: list[str] = field(default_factory=list)
    """Branches of the repository; the API lists those with builds only."""
    rolling_builds: bool = False
    bitrise_yml: str | None = None
    is_disabled: bool = False
    is_public: bool = False
    avatar_url: str | None = None
    approves_forks: bool = False
    """Whether builds of pull requests from forks wait for approval. Those of a public app always do."""
    build_requests: list[BuildRequest] = field(default_factory=list)
    """Builds that wait for approval."""
    only_in_forks: set[str | None] = field(default_factory=set)
    """Commits and branches that can't be cloned from the app's own repository."""
    next_number: int = 1
    builds: list[Build] = field(default_factory=list)
    """Oldest first."""
    pipeline_runs: list[Pipeline] = field(default_factory=list)

    @property
    def repo_url(self) -> str:
        return f"https://{self.provider}.com/{self.repo_owner}/{self.repo_slug}"

    def rules_for(self, kind: str, ref: str) -> list[TriggerRule]:
        return [rule for rule in self.trigger_map if rule.matches(kind, ref)]

    @property
    def last_build_at(self) -> datetime:
        return self.builds[-1].triggered_at if self.builds else self.created_at


def _expand(value: str, variables: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda match: variables.get(match[1] or match[2], ""), value)


@dataclass(slots=True, eq=False)
class Build:
    slug: str
    number: int
    app: App
    workflow: str
    plan: Workflow
    queue: timedelta
    boot: timedelta
    duration: timedelta | None
    planned: Status
    planned_reason: str | None
    triggered_at: datetime
    order: int
    """Increases with every build, to order builds of the same second."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """``build_params`` as they were sent."""
    triggered_by: str | None = None
    pipeline: Pipeline | None = None
    pipeline_workflow_id: str | None = None
    stage: Stage = Stage.ON_HOLD
    status: Status = Status.UNFINISHED
    started_at: datetime | None = None
    finished_at: datetime | None = None
    abort_reason: str | None = None
    failed_step: str | None = None
    artifacts: list[StoredArtifact] = field(default_factory=list)
    skip_notifications: bool = False
    skip_git_status_report: bool = False
    is_ending: bool = False
    """Whether an accepted abort is not done yet."""
    turn: int = 0
    """Changes with every state change, so that older plans become invalid."""
    has_slot: bool = False

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables as the build's steps see them: expanded unless ``is_expand`` is false."""
        own = {
            "BITRISE_BUILD_NUMBER": str(self.number),
            "BITRISE_GIT_BRANCH": self.params.get("branch") or "",
            "BITRISE_TRIGGERED_WORKFLOW_ID": self.workflow,
        }
        seen: dict[str, str] = {}
        for sent in self.params.get("environments") or ():
            value, known = sent.get("value", ""), own | seen
            if sent.get("is_expand", True):
                value = _expand(value, known)
            seen[sent.get("key") or sent["mapped_to"]] = value
        return seen

    @property
    def is_finished(self) -> bool:
        return self.stage is Stage.ENDED

    @property
    def is_on_hold(self) -> bool:
        return self.stage is Stage.ON_HOLD

    @property
    def status_text(self) -> str:
        return "on-hold" if self.is_on_hold else STATUS_TEXT[self.status]

    @property
    def branch(self) -> str | None:
        return self._text("branch")

    @property
    def tag(self) -> str | None:
        return self._text("tag")

    @property
    def commit_hash(self) -> str | None:
        return self._text("commit_hash")

    @property
    def commit_message(self) -> str | None:
        return self._text("commit_message")

    @property
    def pull_request_id(self) -> int:
        return int(self.params.get("pull_request_id") or 0)

    @property
    def priority(self) -> int:
        return int(self.params.get("priority") or 0)

    @property
    def event(self) -> str:
        """``pull-request``, ``tag`` or ``push``, for the filter ``trigger_event_type``."""
        return "pull-request" if self.pull_request_id else "tag" if self.tag else "push"

    @property
    def environments(self) -> dict[str, str]:
        """``environments`` as sent, by key (``mapped_to`` is the old name of ``key``)."""
        sent = self.params.get("environments") or []
        return {each.get("key") or each.get("mapped_to"): each.get("value") or "" for each in sent}

    @property
    def git_status(self) -> str | None:
        """The commit status: ``None`` without a commit; a skipped report stays ``pending``."""
        if not self.commit_hash:
            return None
        if not self.is_finished or self.skip_git_status_report:
            return "pending"
        return "success" if self.status in (Status.SUCCESS, Status.ABORTED_WITH_SUCCESS) else "failure"

    def _text(self, name: str) -> str | None:
        return self.params.get(name) or None


@dataclass(slots=True, eq=False)
class PipelineWorkflow:
    id: str
    name: str
    build: Build | None = None


@dataclass(slots=True, eq=False)
class Pipeline:
    """A pipeline run. A stage starts when all builds of the stage before have succeeded."""

    id: str
    name: str
    app: App
    number: int
    stages: list[list[PipelineWorkflow]]
    triggered_at: datetime
    params: Mapping[str, Any]
    triggered_by: str | None
    finished_at: datetime | None = None
    status: Status = Status.UNFINISHED
    abort_reason: str | None = None

    @property
    def builds(self) -> list[Build]:
        return [workflow.build for stage in self.stages for workflow in stage if workflow.build is not None]

    @property
    def started_at(self) -> datetime | None:
        return min((build.started_at for build in self.builds if build.started_at), default=None)


@dataclass(frozen=True, slots=True)
class TriggerCall:
    """An accepted ``POST builds`` and the builds it started, in the order of the response."""

    at: datetime
    app: App
    owner: str
    body: Mapping[str, Any]
    builds: tuple[Build, ...]
    pipelines: tuple[Pipeline, ...] = ()


@dataclass(frozen=True, slots=True)
class AbortCall:
    """An accepted ``POST abort``; ``reason`` as sent, or ``None``."""

    at: datetime
    build: Build
    owner: str
    reason: str | None
    with_success: bool
    skip_notifications: bool
    skip_git_status_report: bool
