"""Look up builds, list them, show them here: the rules about builds that exist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.apps import Apps
from bot.bitrise.models import Build, BuildFilters
from bot.clock import Clock
from bot.connection import Connections
from bot.domain.builds import Outcome
from bot.errors import BitriseNotFound, BuildNotFound, MissingArgument
from bot.outbox import Outbox
from bot.permissions import Access, Asker
from bot.sync.updates import Observer
from bot.sync_schedule import Sweeps
from storage import Database, Transaction
from storage.apps import AppRow, AppStore
from storage.builds import BuildRow, BuildStore
from storage.messages import CardRow, CardStore

STATUS_OF = {Outcome.SUCCEEDED: 1, Outcome.FAILED: 2, Outcome.ABORTED: 3, Outcome.SKIPPED: 4}
PAGE = 10


@dataclass(frozen=True, slots=True)
class Named:
    """A build as a person names it: by app and number, or by slug (from a link, or from a button)."""

    app: str | None = None
    number: int | None = None
    slug: str | None = None
    is_pipeline: bool = False


@dataclass(frozen=True, slots=True)
class ListFilters:
    """What a list is limited to. ``event``: push, pull-request or tag; ``next``: the slug the page begins with."""

    workflow: str | None = None
    branch: str | None = None
    outcome: str | None = None
    event: str | None = None
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    app: AppRow
    builds: list[BuildRow]
    next: str | None


@dataclass(frozen=True, slots=True)
class Running:
    """In one app, or in all for None. ``is_more`` when only the newest are here: so many as Bitrise lists at once."""

    app: AppRow | None
    builds: tuple[BuildRow, ...]
    is_more: bool


class Builds:
    def __init__(
        self,
        *,
        database: Database,
        builds: BuildStore,
        cards: CardStore,
        app_rows: AppStore,
        apps: Apps,
        connections: Connections,
        observer: Observer,
        access: Access,
        outbox: Outbox,
        sweeps: Sweeps,
        clock: Clock,
        new_id: Callable[[], str],
        command: str,
    ) -> None:
        self._db, self._builds, self._cards, self._app_rows = database, builds, cards, app_rows
        self._apps, self._connections, self._observer = apps, connections, observer
        self._access, self._outbox, self._sweeps = access, outbox, sweeps
        self._clock, self._new_id, self._command = clock, new_id, command

    async def get_build(self, asker: Asker, named: Named, *, looks_everywhere: bool = True) -> BuildRow:
        """The build a person means, as Bitrise shows it now. Raises `BuildNotFound`, `AppNotFound`, `MissingArgument`.

        An old build of which only the slug is known has to be looked for in every app: ``looks_everywhere``.
        """
        self._access.check_member(asker)
        seen = await self._find(asker, named, looks_everywhere=looks_everywhere)
        if seen is None:
            raise BuildNotFound(
                f"I can't find {spell(named)} among the builds the stored token reaches. "
                f"{self._command} list shows the recent ones."
            )
        rows = await self._db.transaction(lambda tx: self._observer.observe(tx, asker.workspace_id, [seen]))
        return rows[0]

    async def get_known(self, asker: Asker, build_slug: str) -> BuildRow:
        """A build from the rows alone, for a press that must be answered at once. Raises `BuildNotFound`."""
        self._access.check_member(asker)
        build = await self._builds.find_build(asker.workspace_id, build_slug)
        if build is None:
            raise BuildNotFound("I don't know that build any more.")
        return build

    async def is_shown_here(self, asker: Asker, build: BuildRow) -> bool:
        """Whether the channel has a live card of the build."""
        cards = await self._cards.list_of_build(asker.workspace_id, build.build_slug)
        return any(card.channel_id == asker.channel_id for card in cards)

    async def show_card(self, asker: Asker, build: BuildRow) -> None:
        """Post the build's card where the person is, live if it still runs."""
        self._access.check_member(asker)
        now = self._clock.now()
        card = CardRow(
            card_id=self._new_id(),
            workspace_id=asker.workspace_id,
            channel_id=asker.channel_id or asker.user_id,
            requester=asker.user_id,
            created_at=now,
        )

        async def store(tx: Transaction) -> None:
            await self._cards.add_card(tx, card, [build.build_slug])
            await self._outbox.show_card(tx, card)
            if not build.is_finished:
                await self._sweeps.make_due(tx, asker.workspace_id, at=now)

        await self._db.transaction(store)

    async def list_builds(self, asker: Asker, app_name: str | None, filters: ListFilters) -> Listed:
        """A page of an app's builds, newest first, straight from Bitrise."""
        self._access.check_member(asker)
        app = await self.named_app(asker, app_name)
        asked = BuildFilters(
            workflow=filters.workflow,
            branch=filters.branch,
            status=STATUS_OF[Outcome(filters.outcome)] if filters.outcome else None,
            trigger_event_type=filters.event,
            next=filters.next,
            limit=PAGE,
        )
        async with self._connections.bitrise(asker.workspace_id) as client:
            page = await client.list_builds(app.app_slug, asked)
        rows = await self._db.transaction(lambda tx: self._observer.observe(tx, asker.workspace_id, page.items))
        return Listed(app, rows, page.next)

    async def list_running(self, asker: Asker, app_name: str | None) -> Running:
        """What runs now, in one app or in all of them."""
        self._access.check_member(asker)
        app = await self.named_app(asker, app_name) if app_name else None
        async with self._connections.bitrise(asker.workspace_id) as client:
            if app is None:
                page = await client.list_all_builds(status=0)
            else:
                page = await client.list_builds(app.app_slug, BuildFilters(status=0))
        rows = await self._db.transaction(lambda tx: self._observer.observe(tx, asker.workspace_id, page.items))
        pipelines = [
            row
            for row in await self._builds.list_unfinished(asker.workspace_id)
            if row.is_pipeline and (app is None or row.app_slug == app.app_slug)
        ]
        return Running(app, (*rows, *pipelines), is_more=page.next is not None)

    async def named_app(self, asker: Asker, name: str | None) -> AppRow:
        """The app by name, or this channel's."""
        await self._connections.get_connected(asker.workspace_id)
        if name:
            return await self._apps.get_app(asker.workspace_id, name)
        app = await self._apps.find_channel_app(asker.workspace_id, asker.channel_id)
        if app is None:
            raise MissingArgument(
                "Which app? Name it before the rest, as in shop #812 or shop workflow:deploy, "
                f"or set this channel's app with {self._command} settings."
            )
        return app

    async def _find(self, asker: Asker, named: Named, *, looks_everywhere: bool) -> Build | None:
        if named.slug:
            return await self._find_by_slug(asker, named, looks_everywhere=looks_everywhere)
        if named.number is None:
            raise MissingArgument(f"Which build? For example: {self._command} status shop #812")
        app = await self.named_app(asker, named.app)
        async with self._connections.bitrise(asker.workspace_id) as client:
            page = await client.list_builds(app.app_slug, BuildFilters(build_number=named.number, limit=1))
        return page.items[0] if page.items else None

    async def _find_by_slug(self, asker: Asker, named: Named, *, looks_everywhere: bool) -> Build | None:
        """A link need not name the app: our rows, then the recent builds of all apps, then app by app."""
        slug = named.slug or ""
        known = await self._builds.find_build(asker.workspace_id, slug)
        if known is not None:
            return await self.fetch(asker.workspace_id, known)
        if named.app:
            app = await self._apps.get_app(asker.workspace_id, named.app)
            return await self._try(asker.workspace_id, app.app_slug, slug, is_pipeline=named.is_pipeline)
        async with self._connections.bitrise(asker.workspace_id) as client:
            page = await client.list_all_builds()
        recent = next((build for build in page.items if build.slug == slug), None)
        if recent is not None:
            return recent
        for row in await self._app_rows.list_apps(asker.workspace_id) if looks_everywhere else ():
            if found := await self._try(asker.workspace_id, row.app_slug, slug, is_pipeline=False):
                return found
        return None

    async def fetch(self, workspace_id: str, build: BuildRow) -> Build | None:
        """A known build as Bitrise has it now; None when Bitrise does not show it any more."""
        return await self._try(workspace_id, build.app_slug, build.build_slug, is_pipeline=build.is_pipeline)

    async def _try(self, workspace_id: str, app_slug: str, slug: str, *, is_pipeline: bool) -> Build | None:
        async with self._connections.bitrise(workspace_id) as client:
            try:
                return await client.get_build(app_slug, slug, is_pipeline=is_pipeline)
            except BitriseNotFound:
                return None


def spell(named: Named) -> str:
    if named.number is not None:
        return f"#{named.number}"
    return f"the build {named.slug}"
