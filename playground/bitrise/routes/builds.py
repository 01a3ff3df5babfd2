"""Builds: lists with filters, one build, start, abort."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from playground.bitrise.aborting import abort_build
from playground.bitrise.approvals import answer_request, list_requests
from playground.bitrise.calls import Answer, Call, Route
from playground.bitrise.configs import app_config
from playground.bitrise.filters import build_filter
from playground.bitrise.model import Build, Status
from playground.bitrise.paging import page
from playground.bitrise.people import Role
from playground.bitrise.rules import build_order
from playground.bitrise.shapes import build_shape, build_shape_for_all
from playground.bitrise.triggering import trigger_builds

LISTED_FOR = timedelta(days=200)
"""Older builds are in the archive only: https://docs.bitrise.io."""


def list_builds(call: Call) -> Answer:
    order = call.choice("sort_by", "created_at", "running_first")
    fits = build_filter(call)
    builds = newest_first(call, (build for build in call.app.builds if fits(build)))
    if order == "running_first":
        builds.sort(key=lambda build: build.status is not Status.UNFINISHED)
    return _page(call, builds, build_shape, paged=order == "created_at")


def list_all_builds(call: Call) -> Answer:
    owner, on_hold, status = call.text("owner_slug"), call.flag("is_on_hold"), call.number("status")
    apps = [app for app in call.visible_apps if owner in (None, app.owner.slug)]
    builds = newest_first(
        call,
        (
            build
            for app in apps
            for build in app.builds
            if on_hold in (None, build.is_on_hold) and status in (None, build.status)
        ),
    )
    return _page(call, builds, build_shape_for_all)


def newest_first(call: Call, builds: Iterable[Build]) -> list[Build]:
    since = call.now - LISTED_FOR
    return sorted((build for build in builds if build.triggered_at >= since), key=build_order, reverse=True)


def _page(call: Call, builds: list[Build], shape: Any, paged: bool = True) -> Answer:
    def start(anchor: str) -> int | None:
        """Return the anchor's position, even if it no longer matches the filters."""
        build_at_anchor = call.world.find_build(anchor)
        if build_at_anchor is None:
            return None
        return sum(1 for build in builds if build_order(build) > build_order(build_at_anchor))

    return page(call, builds, slug=lambda build: build.slug, shape=shape, start=start, paged=paged)


def show_build(call: Call) -> Answer:
    return Answer({"data": build_shape(call.build)})


def show_build_config(call: Call) -> Answer:
    return Answer(app_config(call.build.app), content_type="text/plain")


ROUTES = (
    Route("GET", "/builds", "builds.list-all", list_all_builds),
    Route("GET", "/apps/{app}/builds", "builds.list", list_builds),
    Route("POST", "/apps/{app}/builds", "builds.trigger", trigger_builds, Role.DEVELOPER),
    Route("GET", "/apps/{app}/build-requests", "build-requests.list", list_requests, Role.DEVELOPER),
    Route("PATCH", "/apps/{app}/build-requests/{request}", "build-requests.update", answer_request, Role.DEVELOPER),
    Route("GET", "/apps/{app}/builds/{build}", "builds.get", show_build),
    Route("POST", "/apps/{app}/builds/{build}/abort", "builds.abort", abort_build, Role.DEVELOPER),
    Route("GET", "/apps/{app}/builds/{build}/bitrise.yml", "builds.bitrise-yml", show_build_config, Role.DEVELOPER),
)
