"""The page's buttons for the practice Bitrise: start, hold, run, finish and abort builds."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from playground.bitrise import PracticeBitrise
from playground.bitrise.commits import TOPICS, Commits, signed_off
from playground.bitrise.model import App, Build
from playground.bitrise.rules import abort_wording
from playground.page.guide import Guide
from playground.stage import Stage

JSON = dict[str, Any]
ActionHandler = Callable[[JSON], JSON | None]

COMMITTER = "octocat"


class BitriseActions:
    def __init__(self, stage: Stage, guide: Guide) -> None:
        self._bitrise, self._guide = stage.bitrise, guide
        self._people = stage.people
        self._random = random.Random()  # sample data, not secrets
        self._commits = Commits(self._random.random())
        self._actions: dict[str, ActionHandler] = {
            "start": self._start,
            "push": self._push_commit,
            "hold": lambda body: self._bitrise.hold(self._build(body)),
            "run": lambda body: self._bitrise.run(self._build(body)),
            "finish": self._finish,
            "fail": self._fail,
            "skip": self._skip,
            "abort": self._abort,
        }

    def perform(self, action: str, body: JSON) -> JSON | None:
        """Perform an action of the page. Raises LookupError or ValueError with the reason it is impossible."""
        if action not in self._actions:
            raise LookupError(f"Unknown action {action}.")
        return self._actions[action](body)

    def _start(self, body: JSON) -> JSON:
        """Start a build with the trigger that ``cause`` names: a push, a pull request or a schedule."""
        app, workflow = self._app(body), body.get("workflow")
        if workflow not in app.workflows:
            workflow = next(iter(app.workflows))
        cause = {"push": self._push, "pull-request": self._pull_request, "schedule": self._schedule}[body["cause"]]
        build = self._bitrise.start_build(app, workflow=workflow, **cause(app, body))
        return {"ok": True, "build": build.slug}

    def _push_commit(self, body: JSON) -> JSON:
        """Push a commit and start what the trigger map selects. A team member named in ``by`` signs it off."""
        app, by = self._app(body), str(body.get("by") or COMMITTER)
        branch = body.get("branch") or app.branches[0]
        builds = self._bitrise.push(app, by=by, branch=branch, message=self._message(body, by))
        if not builds:
            raise ValueError(f"The trigger map of {app.title} starts nothing for {branch}.")
        return {"ok": True, "builds": [build.slug for build in builds]}

    def _push(self, app: App, body: JSON) -> JSON:
        return {
            "branch": body.get("branch") or app.branches[0],
            "triggered_by": f"webhook-{app.provider}/{COMMITTER}",
            **self._commits.params(message=self._message(body, COMMITTER)),
        }

    def _pull_request(self, app: App, body: JSON) -> JSON:
        request = {"pull_request_id": self._random.randrange(100, 999), "branch_dest": app.branches[0]}
        branch = body.get("branch")
        if branch in (None, "", *app.branches[:1]):
            branch = f"feature/{self._random.choice(TOPICS)}"
        return {**self._push(app, body), **request, "branch": branch}

    def _schedule(self, app: App, body: JSON) -> JSON:
        return {"branch": body.get("branch") or app.branches[0], "triggered_by": "scheduler"}

    def _message(self, body: JSON, by: str) -> str:
        message = str(body.get("commit_message") or self._commits.message())
        person = self._people.get(by)
        return signed_off(message, person.real_name, f"{by}@acme.dev") if person else message

    def _finish(self, body: JSON) -> None:
        self._bitrise.finish(self._build(body), "success")
        self._guide.note("end")

    def _fail(self, body: JSON) -> None:
        build = self._build(body)
        step = body.get("step") if body.get("step") in build.plan.steps else None
        self._bitrise.finish(build, "failed", failed_step=step)
        self._guide.note("end")

    def _skip(self, body: JSON) -> None:
        """Abort a build with success, as its step does when there is nothing to build."""
        reason = abort_wording("ci-bot", "[no-changes] nothing that this workflow builds has changed")
        self._bitrise.finish(self._build(body), "aborted-with-success", reason=reason)
        self._guide.note("end")

    def _abort(self, body: JSON) -> None:
        self._bitrise.abort_in_web(self._build(body), COMMITTER, body.get("reason") or None)
        self._guide.note("end")

    def _build(self, body: JSON) -> Build:
        build = self._bitrise.find_build(str(body.get("build")))
        if build is None:
            raise LookupError("That build no longer exists.")
        return build

    def _app(self, body: JSON) -> App:
        app = self._bitrise.apps.get(str(body.get("app")))
        if app is None:
            raise LookupError("That app no longer exists.")
        return app


def speed_up(bitrise: PracticeBitrise, times: float) -> None:
    """Divide the remaining time of every unfinished build; its elapsed time stays."""
    now = bitrise.now()
    for build in [each for each in bitrise.builds() if not each.is_finished and each.duration is not None]:
        assert build.duration is not None
        started_at = build.started_at
        elapsed = now - started_at if started_at else timedelta(0)
        build.boot, build.duration = build.boot / times, (build.duration - elapsed) / times
        if started_at is not None:
            bitrise.run(build)  # schedules its end again, from now
            build.started_at, build.duration = started_at, elapsed + build.duration
