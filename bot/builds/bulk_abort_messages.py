"""The message that tracks several builds being stopped together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.domain.abort_reasons import AUTOMATIC, Reason
from bot.domain.builds import STOPPED
from bot.slack import build_text, rich
from bot.slack.blocks import context, lines, message
from bot.slack.build_text import BuildView
from bot.slack.rich import Line
from bot.slack.text import DASH, Message, capital, quoted
from storage.requests import RequestRow

REFUSALS_LISTED = 3


class AbortStatus(StrEnum):
    """State of one build of a bulk stop; the value is how several of them are counted."""

    STOPPED = "stopped"
    STOPPING = "still stopping"
    FINISHED = "had already finished"
    BY_OTHERS = "stopped by somebody else"
    NOT_STOPPED = "not stopped"


@dataclass(frozen=True, slots=True)
class BuildAbort:
    """A build and our request to stop it; ``request`` is None if somebody else was first."""

    view: BuildView
    request: RequestRow | None

    @property
    def status(self) -> AbortStatus:
        build, request = self.view.build, self.request
        is_ours = request is not None and request.state != "refused" and build.abort_requested_by is not None
        if not build.is_finished:
            others = AbortStatus.BY_OTHERS if build_text.is_stopping(build) else AbortStatus.NOT_STOPPED
            return AbortStatus.STOPPING if is_ours else others
        if build.outcome in STOPPED and build.reason not in AUTOMATIC:
            return AbortStatus.STOPPED if is_ours and build.reason != Reason.IN_BITRISE else AbortStatus.BY_OTHERS
        return AbortStatus.NOT_STOPPED if self.refusal else AbortStatus.FINISHED

    @property
    def refusal(self) -> str | None:
        """Why Bitrise or Buildbell refused to stop it."""
        if self.request is None or self.request.state != "refused":
            return None
        return self.request.result or "no reason given"

    @property
    def is_delayed(self) -> bool:
        return self.request is not None and self.request.notified_at is not None and self.request.completed_at is None


def progress(aborts: Sequence[BuildAbort], facts: Mapping[str, Any]) -> Message:
    """A line for each build. ``facts`` are what was stopped, by whom and why."""
    heading = summary([abort.status for abort in aborts], of=facts.get("of", ""), by=facts.get("by", ""))
    refused = [abort for abort in aborts if abort.refusal and abort.status is AbortStatus.NOT_STOPPED]
    refusals = list(dict.fromkeys(quoted(abort.refusal or "", 500) for abort in refused))
    return message(
        quoted(heading, 1_000),
        lines(rich.bold(heading, 600), _app_and_reason(aborts, facts)),
        lines(*map(_build_line, aborts)),
        *(context(f"Not stopped: {refusal}") for refusal in refusals[:REFUSALS_LISTED]),
    )


def summary(statuses: Sequence[AbortStatus], *, of: str, by: str) -> str:
    """``Stopping 5 builds of main, asked by @ana: 3 stopped, 1 had already finished, 1 still stopping.``."""
    counts = {status: statuses.count(status) for status in AbortStatus}
    total, stopped = len(statuses), counts[AbortStatus.STOPPED]
    noun = f"build{'' if total == 1 else 's'} of {of}"
    if counts[AbortStatus.STOPPING]:
        what = f"Stopping {total} {noun}"
    else:
        del counts[AbortStatus.STOPPED]  # it is in the share
        share = f"{total}" if stopped == total else f"{stopped or 'none'} of {total}"
        what = f"Stopped {share} {noun}"
    rest = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return f"{what}, asked by @{by}" + (f": {rest}." if rest else ".")


def _app_and_reason(aborts: Sequence[BuildAbort], facts: Mapping[str, Any]) -> Line:
    """``iOS Shop · Replaced by a newer build: “typed”``."""
    category = facts.get("category")
    label = capital(Reason(category).label) if category in set(Reason) else ""
    typed: Line = ["“", rich.text(facts["sentence"], 300), "”"] if facts.get("sentence") else None
    app = rich.text(aborts[0].view.app_title, 80) if aborts else DASH
    return rich.join(" · ", [app, rich.join(": ", [label, typed])])


def _build_line(abort: BuildAbort) -> Line:
    view, build = abort.view, abort.view.build
    badge, branch = build_text.status_badge(build), build_text.branch_parts(build)
    return [
        f"{badge.emoji} {badge.word}  ",
        [rich.text(build.target or "build", 60), " ", rich.link(view.url, build_text.number(build))],
        ["  ", branch] if branch else None,
        _note(abort),
    ]


def _note(abort: BuildAbort) -> Line:
    build = abort.view.build
    match abort.status:
        case AbortStatus.BY_OTHERS:
            return [f" {DASH} asked by ", rich.user(build.abort_requested_by or build.reason_by or "somebody else")]
        case AbortStatus.FINISHED:
            ran, reason = build_text.duration(build), build_text.stop_reason(build)
            finished = f" {DASH} had finished" + (f" after {ran}" if ran else "")
            return [finished, [": ", rich.text(reason, 100)] if reason else None]
        case AbortStatus.NOT_STOPPED:
            return f" {DASH} not stopped"
        case AbortStatus.STOPPING if abort.is_delayed:
            return f" {DASH} waiting for Bitrise to confirm"
        case _:
            return None
