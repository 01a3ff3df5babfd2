"""Filters of an app's builds; a build has to match all of them."""

from __future__ import annotations

from collections.abc import Callable

from playground.bitrise.calls import Call
from playground.bitrise.model import Build
from playground.bitrise.refusals import bad_request

BuildFilter = Callable[[Build], bool]


def build_filter(call: Call) -> BuildFilter:
    filters = _text_filters(call) + _number_filters(call)
    return lambda build: all(fits(build) for fits in filters)


def _text_filters(call: Call) -> list[BuildFilter]:
    filters: list[BuildFilter] = []
    if branch := call.text("branch"):
        filters.append(lambda build: build.branch == branch)
    if workflow := call.text("workflow"):
        filters.append(lambda build: build.workflow == workflow)
    if message := call.text("commit_message"):
        filters.append(lambda build: message.lower() in (build.commit_message or "").lower())
    if call.text("trigger_event_type"):
        event = call.choice("trigger_event_type", "push", "pull-request", "tag")
        filters.append(lambda build: build.event == event)
    return filters


def _number_filters(call: Call) -> list[BuildFilter]:
    filters: list[BuildFilter] = []
    if (number := call.number("build_number")) is not None:
        filters.append(lambda build: build.number == number)
    if (status := call.number("status")) is not None:
        if not 0 <= status <= 4:
            raise bad_request(f"Invalid status: {status}")
        filters.append(lambda build: build.status == status)
    if (part := call.flag("is_pipeline_build")) is not None:
        filters.append(lambda build: (build.pipeline is not None) == part)
    pull_request = call.number("pull_request_id")
    # Ignored without the event type, as the first documentation of v0.1 says.
    if pull_request is not None and call.text("trigger_event_type") == "pull-request":
        filters.append(lambda build: build.pull_request_id == pull_request)
    return filters + _time_filters(call)


def _time_filters(call: Call) -> list[BuildFilter]:
    """Read the limits in Unix seconds, both included."""
    filters: list[BuildFilter] = []
    if (after := call.number("after")) is not None:
        filters.append(lambda build: int(build.triggered_at.timestamp()) >= after)
    if (before := call.number("before")) is not None:
        filters.append(lambda build: int(build.triggered_at.timestamp()) <= before)
    return filters
