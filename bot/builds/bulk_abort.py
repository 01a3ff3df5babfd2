"""Stop several builds at once: which ones are meant, and one message that shows how it goes.

Each build is stopped by the rules for one build (`bot.builds.abort`); here they are only chosen and asked for together.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.bitrise.models import PAGE_LIMIT, Build, BuildFilters
from bot.builds.abort import Aborts
from bot.builds.abort_request import Stop, may_be_stopped
from bot.builds.queries import Builds
from bot.clock import Clock
from bot.connection import Connections
from bot.errors import BuildFinished, BuildNotFound
from bot.outbox import Outbox
from bot.permissions import Access, Asker
from bot.sync.updates import Observer
from storage import Database, Transaction
from storage.apps import AppRow
from storage.build_history import HistoryStore
from storage.builds import BuildRow, BuildStore
from storage.messages import BULK, CardRow, CardStore
from storage.requests import RequestRow

MOST = PAGE_LIMIT
"""What Bitrise lists at once; one message has lines for so many."""
TOLD = 5
ASKED_SINGLY = 20


@dataclass(frozen=True, slots=True)
class Picked:
    """Which running builds of an app are meant. ``is_older``: only those that a newer running one replaces."""

    app: str | None = None
    branch: str | None = None
    workflow: str | None = None
    pull_request_id: int | None = None
    is_older: bool = False

    @property
    def is_narrowed(self) -> bool:
        return bool(self.branch or self.workflow or self.pull_request_id or self.is_older)


@dataclass(frozen=True, slots=True)
class Found:
    """``builds`` can be stopped, newest first. Left out are ``parts`` of pipelines and what is ``stopping`` already.

    ``of`` says in words what was asked for; ``is_more`` when only the newest are here.
    """

    app: AppRow
    of: str
    builds: tuple[BuildRow, ...]
    parts: int = 0
    stopping: int = 0
    is_more: bool = False


class Bulk:
    def __init__(
        self,
        *,
        database: Database,
        builds: BuildStore,
        cards: CardStore,
        history: HistoryStore,
        known: Builds,
        aborts: Aborts,
        connections: Connections,
        observer: Observer,
        access: Access,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        self._db, self._builds, self._cards, self._history = database, builds, cards, history
        self._known, self._aborts, self._connections = known, aborts, connections
        self._observer, self._access, self._outbox, self._clock = observer, access, outbox, clock

    async def find(self, asker: Asker, picked: Picked) -> Found:
        """What runs or waits and fits, as Bitrise has it now. Raises `AppNotFound`, `MissingArgument`."""
        self._access.check_member(asker)
        app = await self._known.named_app(asker, picked.app)
        rows, is_more = await self._list(asker, app, picked)
        if picked.is_older:
            replaced = [row for newer in rows if may_be_stopped(newer) for row in await self._older_than(newer)]
            slugs = {row.build_slug for row in replaced}
            rows = [row for row in rows if row.build_slug in slugs]
        return sorted_out(app, words_for(app, picked), rows, is_more=is_more)

    async def find_older(self, asker: Asker, build_slug: str) -> Found:
        """What a build replaces and still runs. Raises `BuildNotFound`."""
        newer = await self._known.get_known(asker, build_slug)
        picked = Picked(newer.app_slug, pull_request_id=newer.pull_request_id)
        if not newer.pull_request_id:
            picked = dataclasses.replace(picked, branch=newer.branch, workflow=newer.target)
        app = await self._known.named_app(asker, newer.app_slug)
        listed, is_more = await self._list(asker, app, picked)
        slugs = {row.build_slug for row in listed}
        await self._look(asker, [row for row in await self._older_than(newer) if row.build_slug not in slugs])
        return sorted_out(app, words_for(app, picked), await self._older_than(newer), is_more=is_more)

    async def _list(self, asker: Asker, app: AppRow, picked: Picked) -> tuple[list[BuildRow], bool]:
        filters = BuildFilters(
            status=0,
            branch=picked.branch,
            workflow=picked.workflow,
            trigger_event_type="pull-request" if picked.pull_request_id else None,
            pull_request_id=picked.pull_request_id,
            limit=MOST,
        )
        async with self._connections.bitrise(asker.workspace_id) as client:
            page = await client.list_builds(app.app_slug, filters)
        rows = await self._observe(asker, page.items)
        known = await self._builds.list_unfinished(asker.workspace_id)
        fitting = [row for row in known if row.is_pipeline and row.app_slug == app.app_slug and fits(row, picked)]
        return [*rows, *await self._look(asker, fitting)], page.next is not None  # no list of builds has pipelines

    async def _look(self, asker: Asker, builds: Sequence[BuildRow]) -> list[BuildRow]:
        """What is on no list, one by one; what Bitrise does not show any more is left out."""
        seen = [await self._known.fetch(asker.workspace_id, build) for build in builds[:ASKED_SINGLY]]
        return await self._observe(asker, [build for build in seen if build is not None])

    async def _observe(self, asker: Asker, seen: Sequence[Build]) -> list[BuildRow]:
        return await self._db.transaction(lambda tx: self._observer.observe(tx, asker.workspace_id, seen))

    async def _older_than(self, newer: BuildRow) -> list[BuildRow]:
        return await self._history.list_unfinished_before(newer)

    async def request_abort_many(
        self, asker: Asker, stops: Sequence[Stop], *, view_id: str, of: str, newer: str | None = None
    ) -> CardRow:
        """Store the wish to stop each build, and the card that shows how it goes: all of it, or nothing.

        The same view asks once, however often it is delivered. ``newer`` is the build whose card offered it. Raises
        `NotAllowed`, `BuildNotFound`, and `BuildFinished` when there is nothing left of it to stop.
        """
        for report in {stop.report for stop in stops}:
            await self._aborts.check_may_stop(asker, report)
        wanted = {stop.build_slug: stop for stop in stops[:MOST]}
        found = [await self._builds.find_build(asker.workspace_id, slug) for slug in wanted]
        builds = [build for build in found if build is not None and build.pipeline_workflow_id is None]
        if not builds:
            raise BuildNotFound("I don't know these builds any more.")
        card_id = f"bulk:{asker.workspace_id}:{view_id}"
        requests = [
            self._aborts.request_of(asker, dataclasses.replace(wanted[build.build_slug], card_id=card_id), build)
            for build in builds
        ]
        card = self._card(card_id, asker, of, stops[0], requests)

        async def store(tx: Transaction) -> None:
            if not await self._cards.add_card(tx, card, [build.build_slug for build in builds]):
                return  # delivered twice
            pairs = zip(requests, builds, strict=True)
            claimed = [await self._aborts.store(tx, request, build) for request, build in pairs]
            if not any(claimed):
                raise BuildFinished("There is nothing left to stop.")
            await self._outbox.show_card(tx, card)
            for offering in await self._cards.list_of_build(asker.workspace_id, newer or "", on=tx):
                await self._outbox.show_card(tx, offering)

        try:
            await self._db.transaction(store)
        except BuildFinished as ended:
            raise BuildFinished("\n".join([ended.sentence, *await self._true_states(builds)])) from None
        return card

    def _card(self, card_id: str, asker: Asker, of: str, stop: Stop, requests: Sequence[RequestRow]) -> CardRow:
        """What shows how it goes, where the person is. ``facts`` say what no build's own row knows."""
        return CardRow(
            card_id=card_id,
            workspace_id=asker.workspace_id,
            channel_id=asker.channel_id or asker.user_id,
            requester=asker.user_id,
            created_at=self._clock.now(),
            style=BULK,
            facts={
                "of": of,
                "by": asker.user_name,
                "category": stop.category,
                "sentence": stop.sentence,
                "requests": {request.build_slug: request.request_id for request in requests},
            },
        )

    async def _true_states(self, builds: Sequence[BuildRow]) -> list[str]:
        told = [await self._aborts.true_state(build) for build in builds[:TOLD]]
        return [*told, f"And {len(builds) - TOLD} more like these."] if len(builds) > TOLD else told


def fits(build: BuildRow, picked: Picked) -> bool:
    return (
        picked.branch in (None, build.branch)
        and picked.workflow in (None, build.target)
        and picked.pull_request_id in (None, build.pull_request_id)
    )


def sorted_out(app: AppRow, of: str, rows: Iterable[BuildRow], *, is_more: bool) -> Found:
    """Who can be stopped, and why the others cannot."""
    running = [row for row in rows if not row.is_finished]
    stoppable = [row for row in running if may_be_stopped(row)]
    stoppable.sort(key=lambda row: row.triggered_at or row.seen_at, reverse=True)
    parts = [row for row in running if row.pipeline_workflow_id is not None]
    stopping = len(running) - len(stoppable) - len(parts)
    return Found(app, of, tuple(stoppable[:MOST]), len(parts), stopping, is_more=is_more or len(stoppable) > MOST)


def words_for(app: AppRow, picked: Picked) -> str:
    """``deploy on feature/x``: what follows "5 builds of"."""
    on = f"pull request #{picked.pull_request_id}" if picked.pull_request_id else picked.branch
    return " on ".join(filter(None, (picked.workflow, on))) or app.title
