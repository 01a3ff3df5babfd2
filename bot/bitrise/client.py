"""Calls to the Bitrise API v0.1 with one token: reads may be repeated, writes happen once.

https://api-docs.bitrise.io
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

import aiohttp

from bot.bitrise import reading
from bot.bitrise.failures import Answer, failure_of
from bot.bitrise.models import App, Build, BuildFilters, Owner, Page, TriggerAnswer, TriggerParams
from bot.errors import BitriseNotFound, BitriseRefused, BitriseUnavailable

log = logging.getLogger(__name__)
MAX_BODY_BYTES = 8 * 1024 * 1024
PAUSES_SECONDS = (0.2, 0.8)
PASSING = frozenset([502, 503, 504])
MOST_APP_PAGES = 40


class Secret(Protocol):
    def reveal(self) -> str: ...


class BitriseClient:
    """One token. ``session`` is shared and closed by its owner; the token is only ever in the Authorization header."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        token: Secret,
        *,
        read_seconds: float = 10.0,
        write_seconds: float = 30.0,
        pauses_seconds: tuple[float, ...] = PAUSES_SECONDS,
    ) -> None:
        self._session, self._base_url, self._token = session, base_url.rstrip("/"), token
        self._read_seconds, self._write_seconds, self._pauses = read_seconds, write_seconds, pauses_seconds

    def __repr__(self) -> str:
        return f"BitriseClient({self._base_url})"

    # Account and apps. https://docs.bitrise.io/en/bitrise-ci/api/identifying-workspaces-and-apps-with-their-slugs.html

    async def me(self) -> Owner | None:
        """Whose personal token it is; None for a workspace API token, which has no ``/me``."""
        try:
            return reading.read_owner(await self._get("/me"))
        except BitriseNotFound:
            return None

    async def list_apps(self, *, limit: int = 50, after: str | None = None) -> Page[App]:
        query = {"sort_by": "last_build_at", "limit": str(limit)} | ({"next": after} if after else {})
        return reading.read_page(await self._get("/apps", query=query), reading.read_app)

    async def list_all_apps(self) -> list[App]:
        """Every app the token reaches, up to 2,000."""
        page = await self.list_apps()
        found = list(page.items)
        for _ in range(MOST_APP_PAGES - 1):
            if page.next is None:
                break
            page = await self.list_apps(after=page.next)
            found += page.items
        return found

    async def list_branches(self, app_slug: str) -> list[str]:
        """Branches that have builds."""
        return reading.read_names(await self._get("/apps/{app}/branches", app=app_slug))

    async def list_workflows(self, app_slug: str) -> list[str]:
        """Workflows that have ever run; new ones are missing, deleted ones are not."""
        return reading.read_names(await self._get("/apps/{app}/build-workflows", app=app_slug))

    # Builds. https://docs.bitrise.io/en/bitrise-ci/api/managing-an-apps-builds.html

    async def list_builds(self, app_slug: str, filters: BuildFilters) -> Page[Build]:
        """An app's builds of the last 200 days, newest first."""
        body = await self._get("/apps/{app}/builds", query=filters.to_query(), app=app_slug)
        return reading.read_page(body, lambda item: reading.read_build(item, app_slug))

    async def list_all_builds(self, *, status: int | None = None, limit: int = 50) -> Page[Build]:
        """Builds of all apps, newest first."""
        query = {"limit": str(limit)} | ({"status": str(status)} if status is not None else {})
        return reading.read_page(await self._get("/builds", query=query), reading.read_build)

    async def get_build(self, app_slug: str, build_slug: str) -> Build:
        body = await self._get("/apps/{app}/builds/{build}", app=app_slug, build=build_slug)
        build = reading.read_build(body.get("data"), app_slug)
        if build is None:
            raise BitriseUnavailable("Bitrise's answer about a build cannot be read.", status=200)
        return build

    async def get_pipeline(self, app_slug: str, pipeline_id: str) -> Build:
        """A pipeline as a build with ``is_pipeline``."""
        body = await self._get("/apps/{app}/pipelines/{pipeline}", app=app_slug, pipeline=pipeline_id)
        pipeline = reading.read_pipeline(body, app_slug)
        if pipeline is None:
            raise BitriseUnavailable("Bitrise's answer about a pipeline cannot be read.", status=200)
        return pipeline

    async def list_pipelines(self, app_slug: str, *, after: datetime) -> tuple[Build, ...]:
        """Pipelines started since ``after``, the newest 50; standalone builds in that list are left out."""
        query = {"after": after.strftime("%Y-%m-%dT%H:%M:%SZ"), "limit": "50"}
        body = await self._get("/apps/{app}/pipelines", query=query, app=app_slug)
        return reading.read_page(body, lambda item: reading.read_listed_pipeline(item, app_slug)).items

    # Writes. https://docs.bitrise.io/en/bitrise-ci/api/triggering-and-aborting-builds.html

    async def trigger_build(self, params: TriggerParams) -> TriggerAnswer:
        """Start builds. Raises `BitriseRefused` when none was started; `BitriseUnavailable` when that is not known."""
        answer = reading.read_trigger(await self._post("/apps/{app}/builds", params.to_body(), app=params.app_slug))
        if not answer.results and answer.refused:
            raise BitriseRefused(" ".join(answer.refused), status=400)
        if not answer.results:
            raise BitriseUnavailable("Bitrise's answer to the start cannot be read.", status=200)
        results = tuple(
            replace(item, pipeline=params.pipeline) if params.pipeline and not item.pipeline else item
            for item in answer.results
        )
        return replace(answer, results=results)

    async def abort_build(
        self,
        app_slug: str,
        build_slug: str,
        *,
        reason: str,
        with_success: bool,
        skip_notifications: bool,
        skip_git_status: bool,
    ) -> None:
        """Stop a build. Raises `BitriseRefused` for one that has ended."""
        body = {
            "abort_reason": reason,
            "abort_with_success": with_success,
            "skip_notifications": skip_notifications,
            "skip_git_status_report": skip_git_status,
        }
        await self._post("/apps/{app}/builds/{build}/abort", body, app=app_slug, build=build_slug)

    async def abort_pipeline(
        self, app_slug: str, pipeline_id: str, *, reason: str, with_success: bool, skip_notifications: bool
    ) -> None:
        """Stop a pipeline; unlike a build's, its Git status cannot be left out."""
        body = {
            "abort_reason": reason,
            "abort_with_success": with_success,
            "skip_notifications": skip_notifications,
        }
        await self._post("/apps/{app}/pipelines/{pipeline}/abort", body, app=app_slug, pipeline=pipeline_id)

    # The wire.

    async def _get(self, path: str, *, query: Mapping[str, str] | None = None, **names: str) -> Mapping[str, Any]:
        for pause in (*self._pauses, None):
            try:
                return await self._call("GET", path, self._read_seconds, names, query=query)
            except BitriseUnavailable as error:
                if pause is None or error.status not in PASSING | {0}:
                    raise
                await asyncio.sleep(pause)
        raise AssertionError("the last try returns or raises")

    async def _post(self, path: str, body: Mapping[str, Any], **names: str) -> Mapping[str, Any]:
        return await self._call("POST", path, self._write_seconds, names, body=body)

    async def _call(
        self,
        method: str,
        path: str,
        seconds: float,
        names: Mapping[str, str],
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        began = time.perf_counter()
        answer: Answer | None = None
        try:
            async with asyncio.timeout(seconds):
                answer = await self._exchange(method, path, names, query=query, body=body)
        except TimeoutError:
            raise BitriseUnavailable(f"Bitrise did not answer within {seconds:g} s.") from None
        except (aiohttp.ClientError, OSError) as error:
            raise BitriseUnavailable(f"Bitrise could not be reached ({type(error).__name__}).") from None
        finally:
            facts = {"method": method, "path": path, "status": answer.status if answer is not None else 0}
            log.debug("bitrise call", extra=facts | {"ms": round((time.perf_counter() - began) * 1000)})
        failure = failure_of(answer, self._token.reveal())
        if failure is not None:
            raise failure
        return answer.body if isinstance(answer.body, Mapping) else {}

    async def _exchange(
        self,
        method: str,
        path: str,
        names: Mapping[str, str],
        *,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
    ) -> Answer:
        url = self._base_url + path.format_map({key: _segment(value) for key, value in names.items()})
        async with self._session.request(
            method,
            url,
            params=query,
            json=body,
            headers={"Authorization": self._token.reveal(), "Accept": "application/json"},
            allow_redirects=False,  # the token goes to Bitrise and nowhere else
        ) as response:
            raw = await _bounded(response)
            retry_after = response.headers.get("Retry-After")
            return Answer(response.status, _parsed(raw), retry_after, has_body=bool(raw.strip()))


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    raw = bytearray()
    async for chunk in response.content.iter_chunked(65536):
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            raise aiohttp.ClientPayloadError("too long")
    return bytes(raw)


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _segment(value: str) -> str:
    """A slug in a path; whatever a person typed cannot become another path."""
    return quote(value, safe="")
