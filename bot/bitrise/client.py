"""The Bitrise API v0.1 with one token. Reads may be retried, writes are sent once.

Every method raises the errors of `bot.errors.BitriseError`; a field that a response leaves out is None in the result.
https://docs.bitrise.io/en/bitrise-ci/api/api-overview.html
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from bot.bitrise import parsing
from bot.bitrise.config import parse_names
from bot.bitrise.downloads import parse_artifact
from bot.bitrise.errors import ErrorRedactor, error_for, is_error_body, refusal, require, unreadable
from bot.bitrise.http import HttpTransport
from bot.bitrise.logs import LogCalls
from bot.bitrise.models import (
    PAGE_LIMIT,
    ApiResponse,
    App,
    Artifact,
    Build,
    BuildFilters,
    Owner,
    Page,
    RequestedParams,
    TriggerParams,
    TriggerResult,
    Webhook,
)
from bot.errors import BitriseNotFound, BitriseUnavailable

log = logging.getLogger(__name__)
T = TypeVar("T")

MAX_APP_PAGES = 40
MAX_APPS = MAX_APP_PAGES * PAGE_LIMIT
"""Apps in a list that may be incomplete."""
WEBHOOKS = "/apps/{app}/outgoing-webhooks"
WEBHOOK_EVENTS = ("build", "pipeline")
"""Bitrise knows these two and ``all``."""


class BitriseClient(LogCalls):
    """The calls of one token, over its own transport."""

    def __init__(self, http: HttpTransport) -> None:
        self._http = http

    def __repr__(self) -> str:
        return f"BitriseClient({self._http.base_url})"

    # Account and apps.

    async def me(self) -> Owner | None:
        """Return the owner of a personal access token; None for a workspace API token, which has none.

        https://api-docs.bitrise.io/#/user/user-profile
        """
        try:
            return parsing.parse_owner(parsing.parse_data(await self._http.get("/me")))
        except BitriseNotFound:
            return None

    async def list_apps(
        self,
        *,
        next: str | None = None,
        limit: int = PAGE_LIMIT,
        sort_by: str = "last_build_at",
        title: str | None = None,
    ) -> Page[App]:
        """https://api-docs.bitrise.io/#/application/app-list"""
        query = {"sort_by": sort_by, "next": next, "limit": limit, "title": title}
        return _page(await self._http.get("/apps", query), parsing.parse_app)

    async def list_all_apps(self, *, max_pages: int = MAX_APP_PAGES) -> list[App]:
        """Return every app that the token can access, newest first, up to ``max_pages`` pages of 50."""
        apps: dict[str, App] = {}
        cursor: str | None = None
        for _ in range(max_pages):
            # By creation: sorted by last build, an app that builds meanwhile would move to a page already read.
            page = await self.list_apps(next=cursor, sort_by="created_at")
            apps |= {app.slug: app for app in page.items}
            if page.next is None or page.next == cursor:
                return list(apps.values())
            cursor = page.next
        log.warning("there are more apps than are read", extra={"apps": len(apps)})
        return list(apps.values())

    async def get_app(self, app_slug: str) -> App:
        """https://api-docs.bitrise.io/#/application/app-show"""
        return require(parsing.parse_app(parsing.parse_data(await self._http.get("/apps/{app}", app=app_slug))))

    async def list_branches(self, app_slug: str) -> list[str]:
        """Return branches that have builds. https://api-docs.bitrise.io/#/application/branch-list"""
        body = await self._http.get("/apps/{app}/branches", app=app_slug)
        return list(_page(body, parsing.as_text).items)

    async def list_workflows(self, app_slug: str) -> list[str]:
        """Return workflows that have ever run: new ones are missing, removed ones aren't.

        https://api-docs.bitrise.io/#/builds/build-workflow-list
        """
        body = await self._http.get("/apps/{app}/build-workflows", app=app_slug)
        return list(_page(body, parsing.as_text).items)

    async def list_configured(self, app_slug: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the workflows and pipelines in the app's bitrise.yml, which takes a token of the admin role.

        https://api-docs.bitrise.io/#/app-setup/app-config-datastore-show
        """
        text = await self._http.get_text("/apps/{app}/bitrise.yml", app=app_slug)
        return parse_names(text, "workflows"), parse_names(text, "pipelines")

    # Builds and pipelines.

    async def list_builds(self, app_slug: str, filters: BuildFilters | None = None) -> Page[Build]:
        """Return builds of an app in the last 200 days, newest first.

        https://api-docs.bitrise.io/#/builds/build-list
        """
        query = (filters or BuildFilters()).to_query()
        body = await self._http.get("/apps/{app}/builds", query, app=app_slug)
        return _page(body, lambda item: parsing.parse_build(item, app_slug))

    async def list_all_builds(
        self, *, status: int | None = None, next: str | None = None, limit: int = PAGE_LIMIT
    ) -> Page[Build]:
        """Return builds of all apps, newest first; Bitrise takes no ``sort_by`` here.

        https://api-docs.bitrise.io/#/builds/build-list-all
        """
        query = {"status": status, "next": next, "limit": limit}
        return _page(await self._http.get("/builds", query), parsing.parse_build)

    async def get_build(self, app_slug: str, build_slug: str, *, is_pipeline: bool = False) -> Build:
        """Return a build, or a pipeline. https://api-docs.bitrise.io/#/builds/build-show"""
        if is_pipeline:
            return await self.get_pipeline(app_slug, build_slug)
        body = await self._http.get("/apps/{app}/builds/{build}", app=app_slug, build=build_slug)
        return require(parsing.parse_build(parsing.parse_data(body), app_slug))

    async def get_pipeline(self, app_slug: str, pipeline_id: str) -> Build:
        """Return a pipeline as a build with ``is_pipeline``. https://api-docs.bitrise.io/#/pipelines/pipeline-show"""
        body = await self._http.get("/apps/{app}/pipelines/{pipeline}", app=app_slug, pipeline=pipeline_id)
        return require(parsing.parse_pipeline(parsing.parse_data(body), app_slug))

    async def list_pipelines(self, app_slug: str, *, after: datetime) -> tuple[Build, ...]:
        """Return the newest 50 pipelines started after a time, without their status text.

        https://api-docs.bitrise.io/#/pipelines/pipeline-list
        """
        # Bitrise takes no sort_by here. Whole seconds, rounded down: rather one too many than one too few.
        query = {"after": after.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "limit": PAGE_LIMIT}
        body = await self._http.get("/apps/{app}/pipelines", query, app=app_slug)
        return _page(body, lambda item: parsing.parse_listed_pipeline(item, app_slug)).items

    async def trigger_build(self, params: TriggerParams) -> TriggerResult:
        """Start builds. Some may have been refused. None has started yet if people have to approve them at Bitrise.

        Raises `BitriseRefused` if none was started, `BitriseUnavailable` if that is unknown. Bitrise has no idempotency
        keys, so look for the build before sending again.
        https://api-docs.bitrise.io/#/builds/build-trigger
        """
        response = await self._http.post("/apps/{app}/builds", params.to_body(), app=params.app_slug)
        redactor = self._http.redactor(params.hidden_values)
        return read_trigger_result(response, params, redactor, now=self._http.clock.now())

    async def abort_build(
        self,
        app_slug: str,
        build_slug: str,
        *,
        reason: str,
        is_pipeline: bool = False,
        with_success: bool = False,
        skip_notifications: bool = False,
        skip_git_status: bool = False,
    ) -> None:
        """Abort a build, or a pipeline with its builds; it finishes a moment later.

        ``with_success`` reports it as passed. The Git status of a pipeline can't be skipped. Raises `BitriseRefused`
        if it has finished, among other reasons: only the build itself tells them apart.
        https://api-docs.bitrise.io/#/builds/build-abort
        https://api-docs.bitrise.io/#/pipelines/pipeline-abort
        """
        # All of them, always: the reference marks them as required.
        body = {"abort_reason": reason, "abort_with_success": with_success, "skip_notifications": skip_notifications}
        if is_pipeline:
            path = "/apps/{app}/pipelines/{build}/abort"
        else:
            path, body["skip_git_status_report"] = "/apps/{app}/builds/{build}/abort", skip_git_status
        response = await self._http.post(path, body, app=app_slug, build=build_slug)
        self._http.check(response)
        if response.is_empty:  # the answer about a pipeline
            return
        if not isinstance(response.body, dict):
            raise unreadable(response.status)

    async def list_build_requests(self, app_slug: str) -> tuple[RequestedParams, ...]:
        """Return the parameters of builds that wait for approval, which are those of forks' pull requests.

        https://api-docs.bitrise.io/#/build-request/build-request-list
        """
        body = await self._http.get("/apps/{app}/build-requests", app=app_slug)
        return _page(body, lambda item: parsing.parse_requested(parsing.as_mapping(item).get("build_params"))).items

    # Artifacts; logs are in `bot.bitrise.logs`.

    async def list_artifacts(
        self, app_slug: str, build_slug: str, *, next: str | None = None, limit: int = PAGE_LIMIT
    ) -> Page[Artifact]:
        """https://api-docs.bitrise.io/#/build-artifact/artifact-list"""
        path, query = "/apps/{app}/builds/{build}/artifacts", {"next": next, "limit": limit}
        return _page(await self._http.get(path, query, app=app_slug, build=build_slug), parse_artifact)

    async def get_artifact(self, app_slug: str, build_slug: str, artifact_slug: str) -> Artifact:
        """Return an artifact with its install page. https://api-docs.bitrise.io/#/build-artifact/artifact-show"""
        path = "/apps/{app}/builds/{build}/artifacts/{artifact}"
        body = await self._http.get(path, app=app_slug, build=build_slug, artifact=artifact_slug)
        return require(parse_artifact(parsing.parse_data(body)))

    # Outgoing webhooks: the token needs the admin role in the app.

    async def list_webhooks(self, app_slug: str, *, next: str | None = None, limit: int = PAGE_LIMIT) -> Page[Webhook]:
        """https://api-docs.bitrise.io/#/outgoing-webhook/outgoing-webhook-list"""
        body = await self._http.get(WEBHOOKS, {"next": next, "limit": limit}, app=app_slug)
        return _page(body, parsing.parse_webhook)

    async def create_webhook(self, app_slug: str, *, url: str, secret: str, headers: Mapping[str, str]) -> Webhook:
        """``secret`` signs every delivery, ``headers`` go with it; no error repeats them.

        Bitrise may take the same URL twice: check the list first, above all after `BitriseUnavailable`.
        https://api-docs.bitrise.io/#/outgoing-webhook/outgoing-webhook-create
        """
        body = {"url": url, "events": list(WEBHOOK_EVENTS), "secret": secret, "headers": dict(headers)}
        response = await self._http.post(WEBHOOKS, body, app=app_slug)
        self._http.check(response, hidden=(url, secret, *headers.values()))
        return require(parsing.parse_webhook(parsing.parse_data(response.body)), status=response.status)

    async def delete_webhook(self, app_slug: str, webhook_slug: str) -> None:
        """Raises `BitriseNotFound` if it is already gone.

        https://api-docs.bitrise.io/#/outgoing-webhook/outgoing-webhook-delete
        """
        self._http.check(await self._http.delete(f"{WEBHOOKS}/{{webhook}}", app=app_slug, webhook=webhook_slug))


def _page(body: object, parse: Callable[[Any], T | None]) -> Page[T]:
    return require(parsing.parse_page(body, parse))


def read_trigger_result(
    response: ApiResponse, params: TriggerParams, redactor: ErrorRedactor, *, now: datetime
) -> TriggerResult:
    """Return the builds that have started, even if the status is an error.

    Bitrise names none of a build that waits for approval. Raises `BitriseError` if it refused all or may have.
    """
    items = [(item, parsing.parse_triggered(item)) for item in parsing.parse_trigger_items(response.body)]
    builds = [build for _, build in items if build]
    others = [item for item, build in items if not build]
    errors = [item for item in others if item.get("status") == "error"]
    refusals = tuple(redactor.message(item) or "Bitrise gave no reason." for item in errors)
    if builds and params.pipeline:
        # The reference doesn't say which field holds the name of a started pipeline: it is the requested one.
        builds = [replace(build, pipeline=params.pipeline, workflow=None) for build in builds]
    if builds:
        return TriggerResult(tuple(builds), refusals)
    if not response.is_success:
        raise error_for(response, redactor, now=now)
    if errors and len(errors) == len(others):
        raise refusal(" ".join(refusals), response.status)
    if is_error_body(response.body):
        raise refusal(redactor.message(response.body), response.status)
    if response.is_empty or not isinstance(response.body, dict):
        raise unreadable(response.status)
    if response.body.get("status") == "ok" and "branch_dest" in params.others:  # a fork's build waits for approval
        return TriggerResult(())
    raise BitriseUnavailable("Bitrise accepted the start but named no build.", status=response.status)
