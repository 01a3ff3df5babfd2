"""What happens at Bitrise by the buttons of the page: builds start, wait, run, end, are aborted in the web page."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from playground.bitrise import PracticeBitrise
from playground.bitrise.commits import TOPICS, Commits, signed_off
from playground.bitrise.model import App, Build
from playground.bitrise.rules import abort_wording
from playground.page_guide import Guide
from playground.stage import Stage

JSON = dict[str, Any]
Deed = Callable[[JSON], JSON | None]

COMMITTER = "octocat"


class BitriseDeeds:
    def __init__(self, stage: Stage, guide: Guide) -> None:
        self._bitrise, self._guide = stage.bitrise, guide
        self._people = stage.people
        self._random = random.Random()  # numbers and names to look at, no secrets
        self._commits = Commits(self._random.random())
        self._deeds: dict[str, Deed] = {
            "start": self._start,
            "push": self._push_commit,
            "hold": lambda asked: self._bitrise.hold(self._build(asked)),
            "run": lambda asked: self._bitrise.run(self._build(asked)),
            "finish": self._finish,
            "fail": self._fail,
            "skip": self._skip,
            "abort": self._abort,
        }

    def do(self, deed: str, asked: JSON) -> JSON | None:
        """Raises LookupError or ValueError with the reason why not."""
        if deed not in self._deeds:
            raise LookupError(f"nobody can {deed} at Bitrise")
        return self._deeds[deed](asked)

    def _start(self, asked: JSON) -> JSON:
        """By ``cause``: a push, a pull request, a schedule."""
        app, workflow = self._app(asked), asked.get("workflow")
        if workflow not in app.workflows:
            workflow = next(iter(app.workflows))
        cause = {"push": self._push, "pull-request": self._pull_request, "schedule": self._schedule}[asked["cause"]]
        build = self._bitrise.start_build(app, workflow=workflow, **cause(app, asked))
        return {"ok": True, "build": build.slug}

    def _push_commit(self, asked: JSON) -> JSON:
        """What the trigger map starts: nothing, one or several; ``by`` signs it off, if it is one of the team."""
        app, by = self._app(asked), str(asked.get("by") or COMMITTER)
        branch = asked.get("branch") or app.branches[0]
        builds = self._bitrise.push(app, by=by, branch=branch, message=self._message(asked, by))
        if not builds:
            raise ValueError(f"the trigger map of {app.title} starts nothing for {branch}")
        return {"ok": True, "builds": [build.slug for build in builds]}

    def _push(self, app: App, asked: JSON) -> JSON:
        return {
            "branch": asked.get("branch") or app.branches[0],
            "triggered_by": f"webhook-{app.provider}/{COMMITTER}",
            **self._commits.params(message=self._message(asked, COMMITTER)),
        }

    def _pull_request(self, app: App, asked: JSON) -> JSON:
        request = {"pull_request_id": self._random.randrange(100, 999), "branch_dest": app.branches[0]}
        branch = asked.get("branch")
        if branch in (None, "", *app.branches[:1]):
            branch = f"feature/{self._random.choice(TOPICS)}"
        return {**self._push(app, asked), **request, "branch": branch}

    def _schedule(self, app: App, asked: JSON) -> JSON:
        return {"branch": asked.get("branch") or app.branches[0], "triggered_by": "scheduler"}

    def _message(self, asked: JSON, by: str) -> str:
        message = str(asked.get("commit_message") or self._commits.message())
        person = self._people.get(by)
        return signed_off(message, person.real_name, f"{by}@acme.dev") if person else message

    def _finish(self, asked: JSON) -> None:
        self._bitrise.finish(self._build(asked), "success")
        self._guide.note("end")

    def _fail(self, asked: JSON) -> None:
        build = self._build(asked)
        step = asked.get("step") if asked.get("step") in build.plan.steps else None
        self._bitrise.finish(build, "failed", failed_step=step)
        self._guide.note("end")

    def _skip(self, asked: JSON) -> None:
        """A step of the build found nothing to do and aborts it with success."""
        reason = abort_wording("ci-bot", "[no-changes] nothing that this workflow builds has changed")
        self._bitrise.finish(self._build(asked), "aborted-with-success", reason=reason)
        self._guide.note("end")

    def _abort(self, asked: JSON) -> None:
        self._bitrise.abort_in_web(self._build(asked), COMMITTER, asked.get("reason") or None)
        self._guide.note("end")

    def _build(self, asked: JSON) -> Build:
        build = self._bitrise.find_build(str(asked.get("build")))
        if build is None:
            raise LookupError("there is no such build")
        return build

    def _app(self, asked: JSON) -> App:
        app = self._bitrise.apps.get(str(asked.get("app")))
        if app is None:
            raise LookupError("there is no such app")
        return app


def hurry(bitrise: PracticeBitrise, times: float) -> None:
    """What runs or waits has this much less to go; how long it has run already stays as it was."""
    now = bitrise.now()
    for build in [each for each in bitrise.builds() if not each.is_finished and each.duration is not None]:
        assert build.duration is not None
        began = build.started_at
        ran = now - began if began else timedelta(0)
        build.boot, build.duration = build.boot / times, (build.duration - ran) / times
        if began is not None:
            bitrise.run(build)  # plans its end anew, from now
            build.started_at, build.duration = began, ran + build.duration
