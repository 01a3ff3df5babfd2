"""Bitrise's JSON becomes values, at the door. Nothing that stands in an answer raises an error here.

What has no slug can be neither shown nor asked for again: it is left out, and the log says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from bot.bitrise.fields import flag, mapping, moment, plain, sequence, text, whole
from bot.bitrise.models import App, Build, EnvironmentVariable, Owner, Page, RequestedParams
from bot.bitrise.webhook import Webhook

log = logging.getLogger(__name__)
T = TypeVar("T")

PIPELINE_STATUSES: Mapping[str, int] = {"succeeded": 1, "failed": 2, "aborted": 3, "succeeded_with_abort": 4}
"""A pipeline's word as a build's number; every other word is 0, not ended."""


# What is around the items.


def read_data(body: object) -> object:
    """A single thing, in its envelope; pipelines come without one, although some sources say otherwise."""
    fields = mapping(body)
    return fields["data"] if isinstance(fields.get("data"), dict) else fields


def read_page(body: object, read: Callable[[Any], T | None]) -> Page[T] | None:
    """None when it is no list at all. ``null`` is an empty one, unless the answer itself counts more than none."""
    fields = mapping(body)
    paging = mapping(fields.get("paging"))
    total = whole(paging.get("total_item_count"))
    is_empty = "data" in fields and fields["data"] is None and not total
    if not is_empty and not isinstance(fields.get("data"), list):
        return None
    found = [read(item) for item in sequence(fields.get("data"))]
    items = tuple(item for item in found if item is not None)
    return Page(items, next=text(paging.get("next")), total=total)


def read_name(value: object) -> str | None:
    """A branch or a workflow, listed by its name."""
    return text(value)


def log_left_out(kind: str) -> None:
    log.warning("Bitrise sent something without a slug; it is left out", extra={"kind": kind})


# Account and apps.


def read_owner(value: object) -> Owner:
    fields = mapping(value)
    return Owner(username=text(fields.get("username")), slug=text(fields.get("slug")))


def read_app(value: object) -> App | None:
    fields = mapping(value)
    slug = text(fields.get("slug"))
    if slug is None:
        log_left_out("app")
        return None
    owner = mapping(fields.get("owner"))
    return App(
        slug=slug,
        title=text(fields.get("title")),
        project_type=text(fields.get("project_type")),
        repo_owner=text(fields.get("repo_owner")),
        repo_slug=text(fields.get("repo_slug")),
        repo_url=text(fields.get("repo_url")),
        is_disabled=flag(fields.get("is_disabled")),
        owner_name=text(owner.get("name")),
        provider=text(fields.get("provider")),
    )


# Builds and pipelines.


def read_build(value: object, app_slug: str | None = None) -> Build | None:
    """In the list of all apps' builds each names its app itself, under ``repository``; without it, it is left out."""
    fields = mapping(value)
    repository = mapping(fields.get("repository"))
    slug, app = text(fields.get("slug")), app_slug or text(repository.get("slug"))
    if slug is None or app is None:
        log_left_out("build")
        return None
    return Build(
        slug=slug,
        app_slug=app,
        app_title=text(repository.get("title")),
        number=whole(fields.get("build_number")),
        status=whole(fields.get("status")) or 0,
        status_text=text(fields.get("status_text")),
        is_on_hold=flag(fields.get("is_on_hold")),
        workflow=text(fields.get("triggered_workflow")),
        pipeline_workflow_id=text(fields.get("pipeline_workflow_id")),
        started_at=moment(fields.get("started_on_worker_at")),
        machine_type=text(fields.get("machine_type_id")),
        stack=text(fields.get("stack_identifier")),
        requested=read_requested(fields.get("original_build_params")),
        **_source(fields),
        **_course(fields),
    )


def read_pipeline(value: object, app_slug: str) -> Build | None:
    """The page of a pipeline; the commit stands in what it was started with."""
    fields = mapping(value)
    slug = text(fields.get("id"))
    if slug is None:
        log_left_out("pipeline")
        return None
    word = text(fields.get("status"))
    params = mapping(fields.get("trigger_params"))
    return Build(
        slug=slug,
        app_slug=app_slug,
        number=whole(fields.get("number_in_app_scope")),
        is_pipeline=True,
        status=PIPELINE_STATUSES.get(word or "", 0),
        status_text=word,
        is_on_hold=word == "on_hold",
        pipeline=text(fields.get("name")) or text(params.get("pipeline_id")),
        started_at=moment(fields.get("started_at")),
        requested=read_requested(params),
        **_source(params),
        **_course(fields),
    )


def read_listed_pipeline(value: object, app_slug: str) -> Build | None:
    """A line of the pipeline list, where the id is called ``slug`` and the name ``triggered_workflow``.

    None for a build that stands alone, which that list holds, too.
    """
    fields = mapping(value)
    slug = text(fields.get("slug"))
    if slug is None:
        log_left_out("pipeline")
    if slug is None or not flag(fields.get("is_pipeline")):
        return None
    return Build(
        slug=slug,
        app_slug=app_slug,
        number=whole(fields.get("build_number")),
        is_pipeline=True,
        status=whole(fields.get("status")) or 0,
        is_on_hold=flag(fields.get("is_on_hold")),
        pipeline=text(fields.get("triggered_workflow")),
        started_at=moment(fields.get("started_at")),
        requested=read_requested(fields.get("trigger_params")),
        **_source(fields),
        **_course(fields),
    )


def _source(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What is built."""
    return {
        "branch": text(fields.get("branch")),
        "tag": text(fields.get("tag")),
        "commit_hash": text(fields.get("commit_hash")),
        "commit_message": text(fields.get("commit_message")),
        "commit_view_url": text(fields.get("commit_view_url")),
        "pull_request_id": whole(fields.get("pull_request_id")) or None,  # 0 when it is none
        "pull_request_view_url": text(fields.get("pull_request_view_url")),
    }


def _course(fields: Mapping[str, Any]) -> dict[str, Any]:
    """How it came to be and how it went; named alike in builds and pipelines."""
    return {
        "abort_reason": text(fields.get("abort_reason")),
        "triggered_by": text(fields.get("triggered_by")),
        "triggered_at": moment(fields.get("triggered_at")),
        "finished_at": moment(fields.get("finished_at")),
        "credit_cost": whole(fields.get("credit_cost")),
        "is_utility": flag(fields.get("utility")),
    }


def read_requested(value: object) -> RequestedParams | None:
    """None when nothing is said: the object is often there with nothing but nulls in it."""
    fields = mapping(value)
    requested = RequestedParams(
        branch=text(fields.get("branch")),
        tag=text(fields.get("tag")),
        commit_hash=text(fields.get("commit_hash")),
        workflow_id=text(fields.get("workflow_id")),
        pipeline_id=text(fields.get("pipeline_id")),
        environments=tuple(_variables(fields.get("environments"))),
    )
    return requested if requested != RequestedParams() else None


def _variables(value: object) -> Iterator[EnvironmentVariable]:
    for item in map(mapping, sequence(value)):
        key = text(item.get("key")) or text(item.get("mapped_to"))  # the old name
        if key is not None:
            yield EnvironmentVariable(key, plain(item.get("value")))


# Outgoing webhooks.


def read_webhook(value: object) -> Webhook | None:
    fields = mapping(value)
    slug = text(fields.get("slug"))
    if slug is None:
        log_left_out("webhook")
        return None
    events = tuple(event for event in map(text, sequence(fields.get("events"))) if event)
    return Webhook(slug=slug, url=text(fields.get("url")), events=events)
