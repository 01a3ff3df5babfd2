"""Parse Bitrise's statuses and ``triggered_by`` texts into state, outcome and cause; format durations. Pure.

A text that Bitrise doesn't document becomes ``other`` with the text kept, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.abort_reasons import one_line


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
"""Stopped by a person or a rule: neither a success nor a failure."""


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


def parse_build_state(
    status: int | None, is_on_hold: bool | None, started_at: datetime | None, finished_at: datetime | None = None
) -> tuple[State, Outcome | None]:
    """Return state and outcome by Bitrise's status number alone; its status text is only for display.

    ``started_at`` is ``started_on_worker_at``; ``finished_at`` matters only for an undocumented number.
    """
    if status in _OUTCOMES:
        return State.FINISHED, _OUTCOMES[status]
    # An undocumented number must not count as a success, and Failed makes somebody look, unlike Aborted and Skipped.
    # A missing number is an incomplete response: keep following the build, the next response will have it.
    if status not in (None, 0) and finished_at is not None:
        return State.FINISHED, Outcome.FAILED
    # On hold there is no free slot; off hold and not started, the machine is still being prepared: both are queued.
    is_queued = bool(is_on_hold) or started_at is None
    return (State.QUEUED if is_queued else State.RUNNING), None


def parse_pipeline_state(status: str | None, finished_at: datetime | None = None) -> tuple[State, Outcome | None]:
    """Return state and outcome by a pipeline's status word; an unknown word is handled like an unknown number."""
    word = (status or "").strip().lower()
    if word in _PIPELINE_STATES:
        return _PIPELINE_STATES[word]
    if word and finished_at is not None:
        return State.FINISHED, Outcome.FAILED
    return State.RUNNING, None  # Bitrise's own router step reads an empty status as running.


# Cause.

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_OURS = re.compile(rf"buildbell-(?P<name>.+?)-(?P<request>{_UUID}|[^-]+)")
_WEBHOOK = re.compile(r"webhook(?:-(?P<provider>[^/]+))?(?:/(?P<name>.*))?")
_MANUAL = re.compile(r"manual(?:-(?P<name>.*))?")
_REBUILD = re.compile(r"rebuild(?:[-/](?P<name>.*))?")
_TOOL = re.compile(r"(?!webhook|manual|rebuild)[\w.-]+/(?P<name>[^/]*)")
"""The recommendation of Bitrise's API guide: a tool and its user."""
_SCHEDULE = re.compile(r"(?:schedule[dr]?|cron)(?:[-/: ].*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Trigger:
    """The cause of a build and the person's name in the system that triggered it.

    ``detail`` is the pull request's number (``#12``), the tag, the Git host of a push, or the text
    that a caller of the API wrote.
    """

    cause: Cause
    name: str | None = None
    detail: str | None = None
    request_id: str | None = None


def triggered_by_text(user_name: str, request_id: str) -> str:
    """Write the ``triggered_by`` of our own starts for `parse_trigger`. The id is a UUID or has no hyphen."""
    name = ".".join(one_line(user_name).split())[:60] or "somebody"
    return f"buildbell-{name}-{request_id}"


def parse_trigger(
    triggered_by: str | None,
    *,
    pull_request_id: int | None = None,
    tag: str | None = None,
    pipeline: str | None = None,
    request_id: str | None = None,
) -> Trigger:
    """Parse ``triggered_by``.

    ``pipeline`` is the build's ``pipeline_workflow_id``, ``request_id`` the value of ``BUILDBELL_REQUEST`` in its
    parameters.
    """
    text = (triggered_by or "").strip()
    if ours := _OURS.fullmatch(text):
        return Trigger(Cause.SLACK, ours["name"], request_id=request_id or ours["request"])
    if not text and request_id:  # Bitrise doesn't promise to keep our triggered_by; the variable stays
        return Trigger(Cause.SLACK, request_id=request_id)
    webhook, manual, rebuild, tool = (form.fullmatch(text) for form in (_WEBHOOK, _MANUAL, _REBUILD, _TOOL))
    name = next((form["name"] for form in (webhook, manual, rebuild, tool) if form), None) or None
    if webhook and webhook["provider"] == "slack":  # Bitrise's own slash command also comes through its webhooks
        return Trigger(Cause.SLACK, name)
    if pull_request_id:  # 0 for none; what triggers these builds writes its own name, a person's, or nothing
        return Trigger(Cause.PULL_REQUEST, name, f"#{pull_request_id}")
    if webhook:
        return Trigger(Cause.TAG, name, tag) if tag else Trigger(Cause.PUSH, name, webhook["provider"])
    if manual:
        # A rebuild in the web page of a build we started keeps our variable, but it isn't our build.
        return Trigger(Cause.REBUILD if request_id else Cause.MANUAL, name)
    if rebuild:
        return Trigger(Cause.REBUILD, name)
    # The text of a schedule isn't documented; inside the build the method is "schedule".
    cause = Cause.SCHEDULE if _SCHEDULE.fullmatch(text) else Cause.PIPELINE if pipeline else Cause.API
    return Trigger(cause, name, detail=text or None)


# Durations.

_MINUTE = 60
_DAY_HOURS = 24


def format_duration(seconds: float) -> str:
    """Format as ``40 s``, ``7 min``, ``2 h 10 min`` or ``3 d 4 h``: at most two units."""
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
