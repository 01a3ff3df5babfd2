"""Read the past of apps in the background: one page at a time in a workspace, from the newest build back.

Nothing waits for it. A page that is read twice changes nothing, so it goes on after a restart where it stood. Builds
that ended before the bot looked for the first time are no news: they are stored, and nobody is told.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.bitrise.models import Build, BuildFilters, Page
from bot.clock import Clock
from bot.connection import Connections
from bot.engine import Engine, RetryAt
from bot.errors import (
    BitriseBusy,
    BitriseNotFound,
    BitriseRefused,
    BitriseUnavailable,
    NotConnected,
    SealBroken,
    TokenRejected,
)
from bot.sync.import_requests import IMPORT, Imports
from bot.sync.updates import Observer
from storage import Database, Transaction
from storage.imports import DONE, FAILED, ImportRow, ImportStore

log = logging.getLogger(__name__)
PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=5)
LOOK_AGAIN = timedelta(seconds=30)
"""While the token is refused nothing is asked at Bitrise; this is how soon a new one is noticed."""
COUNTED_GAP = timedelta(seconds=30)
"""A longer time between two pages was no reading: the bot was off, or the token dead."""
MOST_FAILURES = 20
MOST_RESTARTS = 5


class Importing:
    def __init__(
        self,
        *,
        database: Database,
        imports: ImportStore,
        asked: Imports,
        connections: Connections,
        observer: Observer,
        engine: Engine,
        clock: Clock,
    ) -> None:
        self._db, self._imports, self._asked = database, imports, asked
        self._connections, self._observer, self._clock = connections, observer, clock
        engine.register(IMPORT, self.read_page, concurrency=2, give_up=self.give_up)

    async def read_page(self, arguments: Mapping[str, Any]) -> None:
        """One page of what is next in the workspace; comes back until nothing is left."""
        row = await self._imports.find_next(arguments["workspace_id"])
        if row is None:
            return
        pause = PAUSE
        try:
            page = await self._ask(row)
        except NotConnected:
            return  # disconnecting has deleted the rows; connecting plans anew
        except (TokenRejected, SealBroken):
            pause = LOOK_AGAIN
        except (BitriseBusy, BitriseUnavailable) as error:
            pause = await self._fail(row, error)
        except (BitriseNotFound, BitriseRefused) as error:
            await self._turn_back(row, error)
        else:
            await self._keep(row, page)
        if await self._imports.find_next(row.workspace_id) is not None:
            raise RetryAt(self._clock.now() + pause)

    async def give_up(self, arguments: Mapping[str, Any]) -> None:
        """A bug: say so, instead of standing still for ever."""

        async def end(tx: Transaction) -> None:
            for row in await self._imports.list_open(arguments["workspace_id"], on=tx):
                await self._save(tx, self._failed(row, "Reading it broke on my side; the log says how."))

        await self._db.transaction(end)

    async def _ask(self, row: ImportRow) -> Page[Build]:
        async with self._connections.bitrise(row.workspace_id) as client:
            return await client.list_builds(row.app_slug, BuildFilters(after=row.since, next=row.anchor))

    async def _keep(self, row: ImportRow, page: Page[Build]) -> None:
        async def keep(tx: Transaction) -> None:
            if await self._is_as_it_was(tx, row):
                # Whatever is new in it is told by the next sweep, in its order.
                await self._observer.observe(tx, row.workspace_id, page.items, tells=False)
                await self._save(tx, self._moved(row, page))

        await self._db.transaction(keep)

    async def _is_as_it_was(self, tx: Transaction, row: ImportRow) -> bool:
        """Nobody has stopped it, asked for it anew or disconnected while Bitrise answered."""
        now = await self._imports.find_import(row.workspace_id, row.app_slug, on=tx)
        return now is not None and now.is_open and (now.anchor, now.since) == (row.anchor, row.since)

    def _moved(self, row: ImportRow, page: Page[Build]) -> ImportRow:
        now, done = self._clock.now(), row.done + len(page.items)
        is_last = page.next is None or page.next == row.anchor
        gap = min(now - row.moved_at, COUNTED_GAP) if row.moved_at else PAUSE
        return dataclasses.replace(
            row,
            state=DONE if is_last else row.state,
            anchor=None if is_last else page.next,
            done=done,
            total=done if is_last else max(done, page.total or row.total or done),
            spent_ms=row.spent_ms + gap // timedelta(milliseconds=1),
            failures=0,
            moved_at=now,
            finished_at=now if is_last else None,
        )

    async def _fail(self, row: ImportRow, error: BitriseBusy | BitriseUnavailable) -> timedelta:
        """Bitrise is busy or away: later, each time a little more so, and at least as late as it asks for."""
        failures = row.failures + 1
        log.info("an import waits", extra={"workspace": row.workspace_id, "app": row.app_slug, "why": str(error)})
        over = failures > MOST_FAILURES
        failed = self._failed(row, error.sentence) if over else dataclasses.replace(row, failures=failures)
        await self._save_if_as_it_was(row, failed)
        asked = timedelta(seconds=error.retry_after) if isinstance(error, BitriseBusy) else PAUSE
        return max(asked, min(LONGEST_PAUSE, PAUSE * 2.0 ** min(failures, 10)))

    async def _turn_back(self, row: ImportRow, error: BitriseNotFound | BitriseRefused) -> None:
        """The build a page begins with may be gone: then from the newest one again. Otherwise the app is not ours."""
        may_begin_anew = row.anchor is not None and row.restarts < MOST_RESTARTS
        log.warning(
            "an import was turned back",
            extra={"workspace": row.workspace_id, "app": row.app_slug, "anew": may_begin_anew, "why": str(error)},
        )
        anew = dataclasses.replace(row, anchor=None, done=0, spent_ms=0, moved_at=None, restarts=row.restarts + 1)
        await self._save_if_as_it_was(row, anew if may_begin_anew else self._failed(row, error.sentence))

    def _failed(self, row: ImportRow, why: str) -> ImportRow:
        return dataclasses.replace(row, state=FAILED, finished_at=self._clock.now(), error=why)

    async def _save_if_as_it_was(self, before: ImportRow, after: ImportRow) -> None:
        async def save(tx: Transaction) -> None:
            if await self._is_as_it_was(tx, before):
                await self._save(tx, after)

        await self._db.transaction(save)

    async def _save(self, tx: Transaction, row: ImportRow) -> None:
        """What was asked for meanwhile (a newer message, another order) stays."""
        now = await self._imports.find_import(row.workspace_id, row.app_slug, on=tx)
        if now is None:
            return
        kept = dataclasses.replace(row, asked_by=now.asked_by, asked_at=now.asked_at, card_id=now.card_id)
        await self._imports.save_import(tx, kept)
        await self._asked.moved(tx, kept)
