"""The practice Bitrise without its server: people, apps and builds, and what a test does with them."""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.clock import Clock
from playground.bitrise.artifacts import StoredArtifact
from playground.bitrise.commits import Commits
from playground.bitrise.directory import Directory
from playground.bitrise.downloads import Signer
from playground.bitrise.machines import Machines
from playground.bitrise.model import (
    STATUS_OF,
    AbortCall,
    App,
    Build,
    Outcome,
    Pipeline,
    PipelineWorkflow,
    Status,
    TriggerCall,
    Workflow,
)
from playground.bitrise.rules import ROLLED, abort_wording, build_order, is_superseded, worst_status
from playground.bitrise.webhooks import Webhook, Webhooks


class World(Directory):
    """The Python interface, for tests, the demo and the routes.

    A `Build` has the state of the last call to any method or route; `now` is such a call.
    """

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        super().__init__(clock, seed)
        self._floor = Machines(self._build_ended, self._build_planned)
        self.webhooks = Webhooks(seed)
        self.triggers: list[TriggerCall] = []
        self.aborts: list[AbortCall] = []
        self.refusal_status = 404
        """The status for a role that is too low; the API answers as for a missing object."""
        self.abort_takes = timedelta(0)
        """Time from an accepted abort to its effect."""
        self.log_starts_after = timedelta(seconds=15)
        """Time from the trigger of a build to the first answer that has its log."""
        self.archive_takes = timedelta(seconds=10)
        """Time from the end of a build to the archive of its log."""
        self.signer = Signer(self.names.hex())
        self._builds: dict[str, Build] = {}
        self._order = 0
        self._commits = Commits(seed)

    # Builds.

    def now(self) -> datetime:
        """Return the time, after applying everything due until then."""
        now = self._clock.now()
        self._floor.settle(now)
        return now

    def builds(self, app: App | None = None) -> list[Build]:
        """Oldest first."""
        self.now()
        apps = [app] if app else list(self.apps.values())
        return sorted((build for each in apps for build in each.builds), key=build_order)

    def find_build(self, slug: str) -> Build | None:
        self.now()
        return self._builds.get(slug)

    # Starting, moving and finishing builds.

    def start_build(
        self,
        app: App,
        *,
        workflow: str = "primary",
        branch: str | None = "main",
        triggered_by: str | None = None,
        at: datetime | None = None,
        **params: Any,
    ) -> Build:
        """Start a build without the API; ``params`` are more ``build_params``; ``at`` may be in the past.

        A build of a Git host (``webhook-github/octocat``) has a commit, generated if none is given.
        """
        at = self._until(at)
        if triggered_by and triggered_by.startswith("webhook"):
            params |= self._commits.params(params.get("commit_hash"), params.get("commit_message"))
        sent = {"branch": branch, "workflow_id": workflow, **params}
        return self.create_build(app, workflow, sent, triggered_by, at)

    def push(
        self,
        app: App,
        *,
        by: str = "octocat",
        branch: str = "main",
        message: str | None = None,
        at: datetime | None = None,
        commit_hash: str | None = None,
    ) -> list[Build]:
        """Push a commit and start what the trigger map selects, which may be nothing.

        ``message`` may end in trailers (`playground.bitrise.commits.signed_off`).
        """
        at = self._until(at)
        app.only_in_forks.discard(branch)
        if app.is_disabled:
            return []
        params = {"branch": branch, **self._commits.params(commit_hash, message)}
        triggered_by = f"webhook-{app.provider}/{by}"
        started: list[Build] = []
        for rule in app.rules_for("push", branch):
            if rule.pipeline in app.pipelines:
                started += self.create_pipeline(app, str(rule.pipeline), params, triggered_by, at).builds
            elif rule.workflow in app.workflows:
                started.append(self.create_build(app, str(rule.workflow), params, triggered_by, at))
        return started

    def _until(self, at: datetime | None) -> datetime:
        """Return that time, or now, after applying everything due until then."""
        at = at or self.now()
        self._floor.settle(at)
        return at

    def hold(self, build: Build) -> None:
        self._floor.hold(build, self._unfinished(build))

    def run(self, build: Build) -> None:
        self._floor.run(build, self._unfinished(build))

    def finish(
        self, build: Build, outcome: Outcome = "success", *, reason: str | None = None, failed_step: str | None = None
    ) -> None:
        """Finish a build now. ``reason`` becomes its ``abort_reason``."""
        now = self._unfinished(build)
        build.failed_step = failed_step or (build.plan.failed_step if outcome == "failed" else None)
        self._floor.end(build, STATUS_OF[outcome], now, reason)

    def abort_in_web(self, build: Build, who: str, reason: str | None = None) -> None:
        """Abort a build on Bitrise's web page."""
        self.abort(build, Status.ABORTED, abort_wording(who, reason))

    def abort(self, build: Build, status: Status, reason: str) -> None:
        now = self._unfinished(build)
        if self.abort_takes:
            self._floor.plan_abort(build, status, now + self.abort_takes, reason)
        else:
            self._floor.end(build, status, now, reason)

    def _unfinished(self, build: Build) -> datetime:
        now = self.now()
        if build.is_finished:
            raise ValueError(f"build {build.number} has already ended: {build.status_text}")
        return now

    # Creating builds.

    def create_build(
        self,
        app: App,
        workflow: str,
        params: Mapping[str, Any],
        triggered_by: str | None,
        at: datetime,
        pipeline: Pipeline | None = None,
    ) -> Build:
        """Create a build on hold, with its times and outcome from its workflow's plan."""
        plan = app.workflows[workflow]
        vary = 1 + plan.jitter * self.random.uniform(-1, 1)
        build = Build(
            slug=self.names.slug(),
            number=self._next_number(app),
            app=app,
            workflow=workflow,
            plan=plan,
            queue=plan.queue * vary,
            boot=plan.boot * vary,
            duration=None if plan.duration is None else plan.duration * vary,
            planned=self._draw_end(plan),
            planned_reason=self._reason_of(plan),
            triggered_at=at,
            order=self._next_order(),
            params=params,
            triggered_by=triggered_by,
            pipeline=pipeline,
        )
        self._check_out(build)
        self._register(build)
        self._roll_over_older(build)
        self._floor.admit(build)
        self.webhooks.tell("build/triggered", build)
        return build

    def _check_out(self, build: Build) -> None:
        """Fail a build that names what is only in a fork without the fork's repository, as ``git fetch`` does."""
        app, code = build.app, build.commit_hash or build.tag or build.branch
        repository = build.params.get("pull_request_repository_url")
        if repository and repository.removesuffix(".git") != app.repo_url:
            app.only_in_forks |= {build.commit_hash, build.branch} - {None, *app.branches}
        elif code in app.only_in_forks:
            build.planned, build.failed_step = Status.FAILED, "git-clone"

    def _register(self, build: Build) -> None:
        self._builds[build.slug] = build
        insort(build.app.builds, build, key=build_order)

    def _draw_end(self, plan: Workflow) -> Status:
        fails = plan.failure_rate > 0 and self.random.random() < plan.failure_rate
        return Status.FAILED if fails else STATUS_OF[plan.ending]

    def _reason_of(self, plan: Workflow) -> str | None:
        return abort_wording("bitrise-bot", plan.reason) if plan.outcome == "aborted-with-success" else plan.reason

    def _next_number(self, app: App) -> int:
        app.next_number += 1
        return app.next_number - 1

    def _next_order(self) -> int:
        self._order += 1
        return self._order

    def _roll_over_older(self, build: Build) -> None:
        if not build.app.rolling_builds:
            return
        for older in [each for each in build.app.builds if is_superseded(each, by=build)]:
            self._floor.end(older, Status.ABORTED, build.triggered_at, ROLLED)

    def _build_planned(self) -> None:
        """Called when a change is scheduled; the server overrides it."""

    def _build_ended(self, build: Build, at: datetime) -> None:
        if build.status is Status.FAILED:
            build.failed_step = build.failed_step or build.plan.failed_step or build.plan.steps[-2]
        if build.started_at is not None and build.status is not Status.ABORTED:
            build.artifacts = [StoredArtifact(self.names.hex(), each, each.is_public) for each in build.plan.artifacts]
        self.webhooks.tell("build/finished", build)
        if build.pipeline is not None:
            self._go_on(build.pipeline, at)

    # Webhooks.

    def add_webhook(
        self,
        app: App,
        url: str,
        *,
        events: Sequence[str] = ("all",),
        headers: Mapping[str, str] | None = None,
        secret: str = "",
    ) -> Webhook:
        """Register an outgoing webhook, which gets the app's build events from now on."""
        hook = self.webhooks.add(app, url, tuple(events), headers or {}, secret, self.now())
        self._build_planned()
        return hook

    # Pipelines.

    def create_pipeline(
        self,
        app: App,
        name: str,
        params: Mapping[str, Any],
        triggered_by: str | None,
        at: datetime | None = None,
    ) -> Pipeline:
        stages = [[PipelineWorkflow(self.names.uuid(), each) for each in stage] for stage in app.pipelines[name]]
        number = self._next_number(app)
        run = Pipeline(self.names.uuid(), name, app, number, stages, at or self.now(), params, triggered_by)
        app.pipeline_runs.append(run)
        self._start_stage(run, run.stages[0], run.triggered_at)
        return run

    def abort_pipeline(self, run: Pipeline, status: Status, reason: str) -> None:
        now = self.now()
        run.status, run.finished_at, run.abort_reason = status, now, reason
        for build in [each for each in run.builds if not each.is_finished]:
            self._floor.end(build, status, now, reason)

    def _start_stage(self, run: Pipeline, stage: list[PipelineWorkflow], at: datetime) -> None:
        for workflow in stage:
            build = self.create_build(run.app, workflow.name, run.params, run.triggered_by, at, run)
            build.pipeline_workflow_id, workflow.build = workflow.id, build

    def _go_on(self, run: Pipeline, at: datetime) -> None:
        """Start the next stage, or finish, when all builds of the stage have finished."""
        if run.finished_at is not None or not all(build.is_finished for build in run.builds):
            return
        waiting = next((stage for stage in run.stages if stage[0].build is None), None)
        worst = worst_status(build.status for build in run.builds)
        if waiting is not None and worst is Status.SUCCESS:
            self._start_stage(run, waiting, at)
        else:
            run.status, run.finished_at = worst, at
            run.abort_reason = next((build.abort_reason for build in run.builds if build.abort_reason), None)
