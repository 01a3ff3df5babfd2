"""A build as people are shown it: with its app's title, its link, and how long it usually takes."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.builds import Outcome
from bot.domain.eta import MAX_READ, Eta, estimate
from bot.slack.build_text import BuildView
from storage.apps import AppStore
from storage.builds import BuildRow, BuildStore
from storage.results import FindingStore


class Showing:
    """``site_url`` is where Bitrise's build pages are."""

    def __init__(self, *, builds: BuildStore, apps: AppStore, findings: FindingStore, site_url: str) -> None:
        self._builds, self._apps, self._findings = builds, apps, findings
        self._site_url = site_url.rstrip("/")

    async def shown(self, build: BuildRow) -> BuildView:
        app = await self._apps.find_app(build.workspace_id, build.app_slug)
        eta = None if build.is_finished else await self.eta(build)
        title = app.title if app else build.app_slug
        name = build.cause_who if build.requester else None
        return BuildView(
            build=build,
            app_title=title,
            url=self.url(build),
            eta=eta,
            requester_name=name,
            is_installable=await self._is_installable(build),
        )

    async def _is_installable(self, build: BuildRow) -> bool:
        if build.outcome != Outcome.SUCCEEDED:
            return False
        finding = await self._findings.find_finding(build.workspace_id, build.build_slug)
        return finding is not None and bool(finding.installs)

    async def shown_all(self, builds: Sequence[BuildRow]) -> list[BuildView]:
        return [await self.shown(build) for build in builds]

    async def eta(self, build: BuildRow) -> Eta | None:
        """What the last successes of the same app and workflow took; None until there are a few."""
        return estimate(await self._builds.list_durations(build, limit=MAX_READ), build.machine_type)

    def url(self, build: BuildRow) -> str:
        if build.is_pipeline:
            return f"{self._site_url}/app/{build.app_slug}/pipelines/{build.build_slug}"
        return f"{self._site_url}/build/{build.build_slug}"
