"""How a build stands, how it ended and who caused it: Bitrise's numbers and texts, read once. And times in words.

Pure. What Bitrise's pages do not say becomes ``other`` with the text kept, never a guess. Why a build was stopped is
next door in ``bot.domain.abort_reasons`` and can be had from here as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.abort_reasons import (
    REASONS_TO_CHOOSE,
    AbortReason,
    Reason,
    abort_reason_text,
    one_line,
    parse_abort_reason,
)

__all__ = [
    "REASONS_TO_CHOOSE",
    "AbortReason",
    "Cause",
    "CauseOf",
    "Outcome",
    "Reason",
    "State",
    "abort_reason_text",
    "cause_of",
    "parse_abort_reason",
    "pipeline_state_of",
    "spoken_duration",
    "state_of",
    "triggered_by_text",
]


class State(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"

    @property
    def label(self) -> str:
        return self.value.capitalize()


class Outcome(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"
    SKIPPED = "skipped"

    @property
    def label(self) -> str:
        return self.value.capitalize()


STOPPED = (Outcome.ABORTED, Outcome.SKIPPED)
"""Somebody ended it: it is no failure, and no success."""


class Cause(StrEnum):
    SLACK = "slack"
    PUSH = "push"
    PULL_REQUEST = "pull-request"
    TAG = "tag"
    SCHEDULE = "schedule"
    MANUAL = "manual"
    API = "api"
    PIPELINE = "pipeline"
    REBUILD = "rebuild"
    OTHER = "other"

    @property
    def label(self) -> str:
        return _CAUSE_LABELS[self]


_CAUSE_LABELS = {
    Cause.SLACK: "Slack",
    Cause.PUSH: "a push",
    Cause.PULL_REQUEST: "a pull request",
    Cause.TAG: "a tag",
    Cause.SCHEDULE: "a schedule",
    Cause.MANUAL: "a person in Bitrise",
    Cause.API: "the Bitrise API",
    Cause.PIPELINE: "a pipeline",
    Cause.REBUILD: "a rebuild",
    Cause.OTHER: "something else",
}


# State and outcome.

_OUTCOMES = {1: Outcome.SUCCEEDED, 2: Outcome.FAILED, 3: Outcome.ABORTED, 4: Outcome.SKIPPED}

_PIPELINE_STATES: Mapping[str, tuple[State, Outcome | None]] = {
    "initializing": (State.QUEUED, None),
    "on_hold": (State.QUEUED, None),
    "running": (State.RUNNING, None),
    "succeeded": (State.FINISHED, Outcome.SUCCEEDED),
    "failed": (State.FINISHED, Outcome.FAILED),
    "aborted": (State.FINISHED, Outcome.ABORTED),
    "succeeded_with_abort": (State.FINISHED, Outcome.SKIPPED),
}


def state_of(
    status: int | None, is_on_hold: bool | None, started_at: datetime | None, finished_at: datetime | None = None
) -> tuple[State, Outcome | None]:
    """Where a build stands, by Bitrise's status number alone; its status text is only for showing.

    ``started_at`` is ``started_on_worker_at``; ``finished_at`` matters only to an undocumented number.
    """
    if status in _OUTCOMES:
        return State.FINISHED, _OUTCOMES[status]
    # A number we have never heard of: as long as the build has no end it goes on being followed, and with an end it
    # is Failed. It must not pass as a success, and Failed makes somebody look, which Aborted and Skipped would not.
    # No number at all is a broken answer and ends nothing: the next one will have it.
    if status not in (None, 0) and finished_at is not None:
        return State.FINISHED, Outcome.FAILED
    # On hold there is no free slot; off hold and without a start, the machine is still being prepared: both wait.
    waits = bool(is_on_hold) or started_at is None
    return (State.QUEUED if waits else State.RUNNING), None


def pipeline_state_of(status: str | None, finished_at: datetime | None = None) -> tuple[State, Outcome | None]:
    """The same for a pipeline, whose status is a word; an unknown word follows the rule of an unknown number."""
    word = (status or "").strip().lower()
    if word in _PIPELINE_STATES:
        return _PIPELINE_STATES[word]
    if word and finished_at is not None:
        return State.FINISHED, Outcome.FAILED
    return State.RUNNING, None  # Bitrise's own router step reads an empty status as running.


# What started a build.

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_STARTED_BY_US = re.compile(rf"buildbell-(?P<who>.+?)-(?P<request>{_UUID}|[^-]+)")
_WEBHOOK = re.compile(r"webhook(?:-(?P<provider>[^/]+))?(?:/(?P<who>.+))?")
_MANUAL = re.compile(r"manual(?:-(?P<who>.+))?")
_REBUILD = re.compile(r"rebuild(?:[-/](?P<who>.+))?")
_SCHEDULE = re.compile(r"(?:schedule[dr]?|cron)(?:[-/: ].*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CauseOf:
    """What started a build.

    ``detail`` is the pull request's number (``#12``), the tag, the Git host of a push, or the text we could not read.
    """

    kind: Cause
    who: str | None = None
    detail: str | None = None
    request_id: str | None = None


def triggered_by_text(user_name: str, request_id: str) -> str:
    """The ``triggered_by`` a start of ours carries; ``cause_of`` reads it back. The id is a UUID or has no hyphen."""
    name = ".".join(one_line(user_name).split())[:60] or "somebody"
    return f"buildbell-{name}-{request_id}"


def cause_of(
    triggered_by: str | None,
    *,
    pull_request_id: int | None = None,
    tag: str | None = None,
    pipeline: str | None = None,
    request_id: str | None = None,
) -> CauseOf:
    """Who or what started a build.

    ``pipeline`` is its ``pipeline_workflow_id``, ``request_id`` the value of ``BUILDBELL_REQUEST`` among the parameters
    it was started with.
    """
    text = (triggered_by or "").strip()
    if ours := _STARTED_BY_US.fullmatch(text):
        return CauseOf(Cause.SLACK, ours["who"], request_id=request_id or ours["request"])
    if not text:
        return _unnamed_cause(pipeline, request_id)
    if webhook := _WEBHOOK.fullmatch(text):
        return _git_event(webhook["provider"], webhook["who"], pull_request_id, tag)
    return _bitrise_cause(text, pipeline, request_id)


def _unnamed_cause(pipeline: str | None, request_id: str | None) -> CauseOf:
    if request_id:  # Bitrise has not promised to keep what we put into triggered_by; the variable stays.
        return CauseOf(Cause.SLACK, request_id=request_id)
    return CauseOf(Cause.PIPELINE if pipeline else Cause.API)


def _git_event(provider: str | None, who: str | None, pull_request_id: int | None, tag: str | None) -> CauseOf:
    if provider == "slack":  # Bitrise's own slash command comes in through its webhooks service too
        return CauseOf(Cause.SLACK, who)
    if pull_request_id:  # 0 when it is none
        return CauseOf(Cause.PULL_REQUEST, who, f"#{pull_request_id}")
    return CauseOf(Cause.TAG, who, tag) if tag else CauseOf(Cause.PUSH, who, provider)


def _bitrise_cause(text: str, pipeline: str | None, request_id: str | None) -> CauseOf:
    if manual := _MANUAL.fullmatch(text):
        # Rebuilding in the web page what we started carries our variable on, but it is not our build any more.
        return CauseOf(Cause.REBUILD if request_id else Cause.MANUAL, manual["who"])
    if rebuild := _REBUILD.fullmatch(text):
        return CauseOf(Cause.REBUILD, rebuild["who"])
    if _SCHEDULE.fullmatch(text):  # the exact text is not documented; inside the build the method is "schedule"
        return CauseOf(Cause.SCHEDULE, detail=text)
    return CauseOf(Cause.PIPELINE if pipeline else Cause.OTHER, detail=text)


# How long it took.

_MINUTE = 60
_DAY_HOURS = 24


def spoken_duration(seconds: float) -> str:
    """``40 s``, ``7 min``, ``2 h 10 min``, ``3 d 4 h``: to the unit that matters at that length."""
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    hours, minutes = divmod(round(whole / _MINUTE), _MINUTE)
    if not hours:
        return f"{minutes} min"
    days, hours = divmod(hours, _DAY_HOURS)
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
