"""The Bitrise API v0.1 with one token. Reads may be repeated, writes happen once.

Every method raises the errors of `bot.errors.BitriseError`; what an answer leaves out is None in what it gives.
https://docs.bitrise.io/en/bitrise-ci/api/api-overview.html
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import aiohttp

from bot.bitrise import parsing as reading
from bot.bitrise import parsing_results as remains
from bot.bitrise.errors import Answer, failure_of, needed, refused, unreadable
from bot.bitrise.http import Call, Secret, Wire
from bot.bitrise.logs import LogCalls
from bot.bitrise.models import PAGE_LIMIT, App, Artifact, Build, BuildFilters, Owner, Page, TriggerAnswer, TriggerParams
from bot.bitrise.quoting import Quoting
from bot.bitrise.trigger_answer import outcome_of, quoting_of
from bot.bitrise.webhook_calls import WebhookCalls
from bot.clock import Clock, SystemClock
from bot.errors import BitriseNotFound

log = logging.getLogger(__name__)
T = TypeVar("T")

MOST_APP_PAGES = 40
PAUSES_SECONDS = (0.2, 0.8)


class BitriseClient(LogCalls, WebhookCalls):
    """``read_seconds`` and ``write_seconds`` limit a call with all its tries; without pauses a read is tried once."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        token: Secret,
        *,
        clock: Clock | None = None,
        read_seconds: float = 10.0,
        write_seconds: float = 30.0,
        pauses_seconds: Sequence[float] = PAUSES_SECONDS,
    ) -> None:
        self._session, self._wire = session, Wire(session, base_url, token)
        self._clock = clock or SystemClock()
        self._read_seconds, self._write_seconds, self._pauses_seconds = read_seconds, write_seconds, pauses_seconds

    def __repr__(self) -> str:
        return f"BitriseClient({self._wire.base_url})"

    # Account and apps.

    async def me(self) -> Owner | None:
        """Whose personal token it is; None for a workspace API token, which is nobody's.

        https://api-docs.bitrise.io/#/user/user-profile
        """
        try:
            return reading.read_owner(reading.read_data(await self._read("/me")))
        except BitriseNotFound:
            return None

    async def first_apps(self) -> Page[App]:
        """The safe way to try a token: it works for both kinds. ``total`` says how many apps it reaches."""
        return await self.list_apps(limit=1)

    async def list_apps(
        self, *, next: str | None = None, limit: int = PAGE_LIMIT, sort_by: str = "last_build_at"
    ) -> Page[App]:
        """https://api-docs.bitrise.io/#/application/app-list"""
        query = {"sort_by": sort_by, "next": next, "limit": limit}
        return self._page(await self._read("/apps", query), reading.read_app)

    async def list_all_apps(self, *, most_pages: int = MOST_APP_PAGES) -> list[App]:
        """Every app the token reaches, newest first; no more than ``most_pages`` pages of 50."""
        found: dict[str, App] = {}
        anchor: str | None = None
        for _ in range(most_pages):
            # By creation: sorted by last build, an app that builds meanwhile would move to a page already read.
            page = await self.list_apps(next=anchor, sort_by="created_at")
            found |= {app.slug: app for app in page.items}
            if page.next is None or page.next == anchor:
                return list(found.values())
            anchor = page.next
        log.warning("there are more apps than are read", extra={"apps": len(found)})
        return list(found.values())

    async def get_app(self, app_slug: str) -> App:
        """https://api-docs.bitrise.io/#/application/app-show"""
        body = await self._read("/apps/{app}", app=app_slug)
        return needed(reading.read_app(reading.read_data(body)))

    async def list_branches(self, app_slug: str) -> list[str]:
        """Branches that have builds. https://api-docs.bitrise.io/#/application/branch-list"""
        return list(self._page(await self._read("/apps/{app}/branches", app=app_slug), reading.read_name).items)

    async def list_workflows(self, app_slug: str) -> list[str]:
        """Workflows that have ever run: new ones are missing, removed ones are not.

        https://api-docs.bitrise.io/#/builds/build-workflow-list
        """
        return list(self._page(await self._read("/apps/{app}/build-workflows", app=app_slug), reading.read_name).items)

    # Builds and pipelines.

    async def list_builds(self, app_slug: str, filters: BuildFilters | None = None) -> Page[Build]:
        """An app's builds of the last 200 days, newest first. https://api-docs.bitrise.io/#/builds/build-list"""
        query = (filters or BuildFilters()).to_query()
        body = await self._read("/apps/{app}/builds", query, app=app_slug)
        return self._page(body, lambda item: reading.read_build(item, app_slug))

    async def list_all_builds(
        self, *, status: int | None = None, next: str | None = None, limit: int = PAGE_LIMIT
    ) -> Page[Build]:
        """Builds of all apps, newest first; Bitrise takes no ``sort_by`` here.

        https://api-docs.bitrise.io/#/builds/build-list-all
        """
        query = {"status": status, "next": next, "limit": limit}
        return self._page(await self._read("/builds", query), reading.read_build)

    async def get_build(self, app_slug: str, build_slug: str) -> Build:
        """https://api-docs.bitrise.io/#/builds/build-show"""
        body = await self._read("/apps/{app}/builds/{build}", app=app_slug, build=build_slug)
        return needed(reading.read_build(reading.read_data(body), app_slug))

    async def get_pipeline(self, app_slug: str, pipeline_id: str) -> Build:
        """A pipeline as a build with ``is_pipeline``. https://api-docs.bitrise.io/#/pipelines/pipeline-show"""
        body = await self._read("/apps/{app}/pipelines/{pipeline}", app=app_slug, pipeline=pipeline_id)
        return needed(reading.read_pipeline(reading.read_data(body), app_slug))

    async def get_either(self, app_slug: str, slug: str, *, is_pipeline: bool) -> Build:
        """A build or a pipeline, whichever the slug is of."""
        return await (self.get_pipeline if is_pipeline else self.get_build)(app_slug, slug)

    async def list_pipelines(self, app_slug: str, *, after: datetime) -> tuple[Build, ...]:
        """Pipelines started after a moment, the newest 50, without a status in words.

        https://api-docs.bitrise.io/#/pipelines/pipeline-list
        """
        # Bitrise takes no sort_by here. Whole seconds, rounded down: rather one too many than one too few.
        query = {"after": after.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "limit": PAGE_LIMIT}
        body = await self._read("/apps/{app}/pipelines", query, app=app_slug)
        return self._page(body, lambda item: reading.read_listed_pipeline(item, app_slug)).items

    async def trigger_build(self, params: TriggerParams) -> TriggerAnswer:
        """Start builds; at least one has started when this returns, and some may have been refused.

        Raises `BitriseRefused` when none was started, `BitriseUnavailable` when that is not known: there is no
        idempotency key, so look for the build before sending again.
        https://api-docs.bitrise.io/#/builds/build-trigger
        """
        quoting = quoting_of(params, self._wire.secret)
        answer = await self._write("/apps/{app}/builds", params.to_body(), app=params.app_slug)
        outcome = outcome_of(answer, failure_of(answer, quoting, now=self._clock.now()), params, quoting)
        if isinstance(outcome, TriggerAnswer):
            return outcome
        raise outcome

    async def abort_build(
        self,
        app_slug: str,
        build_slug: str,
        *,
        reason: str,
        with_success: bool = False,
        skip_notifications: bool = False,
        skip_git_status: bool = False,
    ) -> None:
        """Stop a build; it ends a moment later. ``with_success`` turns its check green.

        Raises `BitriseRefused` for one that has ended, among other reasons: only the build itself tells them apart.
        https://api-docs.bitrise.io/#/builds/build-abort
        """
        body = _abort_body(reason, with_success, skip_notifications) | {"skip_git_status_report": skip_git_status}
        self._check_taken(await self._write("/apps/{app}/builds/{build}/abort", body, app=app_slug, build=build_slug))

    async def abort_pipeline(
        self,
        app_slug: str,
        pipeline_id: str,
        *,
        reason: str,
        with_success: bool = False,
        skip_notifications: bool = False,
    ) -> None:
        """Stop a pipeline and its builds; unlike a build's, its Git status cannot be left out.

        https://api-docs.bitrise.io/#/pipelines/pipeline-abort
        """
        body = _abort_body(reason, with_success, skip_notifications)
        path = "/apps/{app}/pipelines/{pipeline}/abort"
        self._check_taken(await self._write(path, body, app=app_slug, pipeline=pipeline_id))

    # What a build leaves behind; its log is in `bot.bitrise.logs`.

    async def list_artifacts(
        self, app_slug: str, build_slug: str, *, next: str | None = None, limit: int = PAGE_LIMIT
    ) -> Page[Artifact]:
        """https://api-docs.bitrise.io/#/build-artifact/artifact-list"""
        path, query = "/apps/{app}/builds/{build}/artifacts", {"next": next, "limit": limit}
        return self._page(await self._read(path, query, app=app_slug, build=build_slug), remains.read_artifact)

    async def get_artifact(self, app_slug: str, build_slug: str, artifact_slug: str) -> Artifact:
        """With where to fetch it. https://api-docs.bitrise.io/#/build-artifact/artifact-show"""
        path = "/apps/{app}/builds/{build}/artifacts/{artifact}"
        body = await self._read(path, app=app_slug, build=build_slug, artifact=artifact_slug)
        return needed(remains.read_artifact(reading.read_data(body)))

    # Over the wire.

    async def _read(self, path: str, query: Mapping[str, object] | None = None, **slugs: str) -> object:
        """The JSON object of a successful answer."""
        call = Call("GET", path, slugs, query or {})
        answer = await self._wire.ask(call, seconds=self._read_seconds, pauses_seconds=self._pauses_seconds)
        self._check(answer)
        if not isinstance(answer.body, dict):
            raise unreadable(answer.status)
        return answer.body

    async def _write(self, path: str, body: Mapping[str, Any], **slugs: str) -> Answer:
        return await self._wire.ask(Call("POST", path, slugs, body=body), seconds=self._write_seconds)

    async def _delete(self, path: str, **slugs: str) -> Answer:
        return await self._wire.ask(Call("DELETE", path, slugs), seconds=self._write_seconds)

    def _check(self, answer: Answer, *, hidden: Sequence[str] = ()) -> None:
        failure = failure_of(answer, Quoting(self._wire.secret, hidden), now=self._clock.now())
        if failure is not None:
            raise failure

    def _check_taken(self, answer: Answer) -> None:
        """A stop of a pipeline is answered with nothing at all; anything else must be an object that is no error."""
        self._check(answer)
        if answer.is_empty:
            return
        if not isinstance(answer.body, dict):
            raise unreadable(answer.status)
        if answer.body.get("status") == "error":
            raise refused(Quoting(self._wire.secret).said(answer.body), answer.status)

    @staticmethod
    def _page(body: object, read: Callable[[Any], T | None]) -> Page[T]:
        return needed(reading.read_page(body, read))


def _abort_body(reason: str, with_success: bool, skip_notifications: bool) -> dict[str, Any]:
    """All fields, always: the reference says that they are needed."""
    return {"abort_reason": reason, "abort_with_success": with_success, "skip_notifications": skip_notifications}
