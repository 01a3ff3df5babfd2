"""Which apps' past shall be read: asked for by a person, or quietly when Bitrise is connected; and who sees it move."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.engine import Engine, Job
from bot.outbox import Outbox
from bot.permissions import Asker
from storage import Transaction
from storage.imports import FAILED, OPEN, STOPPED, ImportRow, ImportStore
from storage.messages import IMPORT as IMPORT_STYLE
from storage.messages import CardRow, CardStore

IMPORT = "import"
MOST_DAYS = 200
"""As far back as Bitrise lists builds: https://docs.bitrise.io, *Managing an app's builds*."""
AFTER_CONNECTING = timedelta(seconds=5)
"""First comes what runs now."""
DRAWN_EVERY = timedelta(seconds=10)


class Imports:
    """Everything here only stores; `bot.sync.history_import` reads."""

    def __init__(
        self,
        *,
        imports: ImportStore,
        cards: CardStore,
        outbox: Outbox,
        engine: Engine,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._imports, self._cards, self._outbox = imports, cards, outbox
        self._engine, self._clock, self._new_id = engine, clock, new_id

    async def list_open(self, workspace_id: str) -> list[ImportRow]:
        """What is being read, in the order in which it goes."""
        return await self._imports.list_open(workspace_id)

    async def begin(self, tx: Transaction, workspace_id: str, app_slugs: Iterable[str], *, by: str) -> None:
        """A token was stored: read what has not been read yet. Whoever stored it is told if it takes longer."""
        now = self._clock.now()
        card = self._card(workspace_id, channel_id=by, by=by, is_quiet=True)
        is_new = False
        for app_slug in app_slugs:
            row = self._row(workspace_id, app_slug, by=by, since=now - timedelta(days=MOST_DAYS), card=card)
            known = await self._imports.find_import(workspace_id, app_slug, on=tx)
            if known is None or known.state == FAILED:
                await self._imports.save_import(tx, row)
                is_new = True
        if is_new:
            await self._cards.add_card(tx, card, [])
            await self._plan(tx, workspace_id, at=now + AFTER_CONNECTING)

    async def ask(self, tx: Transaction, asker: Asker, app_slugs: Sequence[str], *, days: int) -> None:
        """Read these first, from the newest build on; what is half read already goes on. A message shows it."""
        workspace_id = asker.workspace_id
        card = self._card(workspace_id, channel_id=asker.channel_id or asker.user_id, by=asker.user_id)
        since = self._clock.now() - timedelta(days=min(days, MOST_DAYS))
        before: set[str] = set()
        for app_slug in app_slugs:
            row = self._row(workspace_id, app_slug, by=asker.user_id, since=since, card=card)
            known = await self._imports.find_import(workspace_id, app_slug, on=tx)
            if known is not None and known.is_open:
                before |= {known.card_id} if known.card_id else set()
                row = taken_over(known, row)
            await self._imports.save_import(tx, row)
        await self._cards.add_card(tx, card, [])
        for card_id in [card.card_id, *sorted(before)]:
            await self._show(tx, card_id)
        await self._plan(tx, workspace_id, at=self._clock.now())

    async def stop(self, tx: Transaction, asker: Asker, app_slug: str | None) -> list[ImportRow]:
        """End it for an app, or for all; what has been read stays. Returns what was being read."""
        found = await self._imports.list_open(asker.workspace_id, on=tx)
        stopped = [row for row in found if app_slug in (None, row.app_slug)]
        for row in stopped:
            over = dataclasses.replace(
                row, state=STOPPED, finished_at=self._clock.now(), error=f"stopped by @{asker.user_name}"
            )
            await self._imports.save_import(tx, over)
        await self._show_each(tx, stopped)
        return stopped

    async def forget(self, tx: Transaction, workspace_id: str) -> None:
        """The token is gone: nothing is read any more, and the next one begins anew."""
        found = await self._imports.list_open(workspace_id, on=tx)
        await self._imports.delete_imports(tx, workspace_id)
        await self._show_each(tx, found)

    async def moved(self, tx: Transaction, row: ImportRow) -> None:
        """A page was read, or an app's last one: whoever waits for it sees it, a few times a minute at most."""
        card = await self._cards.find_card(row.card_id, on=tx) if row.card_id else None
        if card is None or card.is_gone:
            return
        if is_quiet(card) and row.is_open:  # there is more than one page: worth a message
            await self._cards.claim_announcement(tx, card.card_id, now=self._clock.now())
        is_over = not any(each.is_open for each in await self._imports.list_of_card(card.card_id, on=tx))
        if is_over or card.drawn_at is None:
            await self._show(tx, card.card_id)
        elif self._clock.now() - card.drawn_at >= DRAWN_EVERY:
            await self._outbox.tick(tx, card)

    async def _show_each(self, tx: Transaction, rows: Iterable[ImportRow]) -> None:
        for card_id in sorted({row.card_id for row in rows if row.card_id}):
            await self._show(tx, card_id)

    async def _show(self, tx: Transaction, card_id: str) -> None:
        card = await self._cards.find_card(card_id, on=tx)
        if card is not None and not card.is_gone and not (is_quiet(card) and card.announced_at is None):
            await self._outbox.show_card(tx, card)

    async def _plan(self, tx: Transaction, workspace_id: str, *, at: datetime) -> None:
        """One more than needed is harmless: jobs of a workspace go one by one, and one with nothing to read ends."""
        job = Job(IMPORT, {"workspace_id": workspace_id}, key=f"import:{workspace_id}", due_at=at)
        await self._engine.enqueue(tx, job)

    def _row(self, workspace_id: str, app_slug: str, *, by: str, since: datetime, card: CardRow) -> ImportRow:
        return ImportRow(workspace_id, app_slug, OPEN, since, by, self._clock.now(), card_id=card.card_id)

    def _card(self, workspace_id: str, *, channel_id: str, by: str, is_quiet: bool = False) -> CardRow:
        return CardRow(
            card_id=self._new_id(),
            workspace_id=workspace_id,
            channel_id=channel_id,
            requester=by,
            created_at=self._clock.now(),
            style=IMPORT_STYLE,
            facts={"quiet": True} if is_quiet else None,
        )


def is_quiet(card: CardRow) -> bool:
    """Whether nobody has asked for the message: it appears only when there is something to wait for."""
    return bool((card.facts or {}).get("quiet"))


def taken_over(known: ImportRow, asked: ImportRow) -> ImportRow:
    """What is being read goes on where it stands, if it reads as far back as is asked for now."""
    if known.since > asked.since:
        return asked
    return dataclasses.replace(known, asked_by=asked.asked_by, asked_at=asked.asked_at, card_id=asked.card_id)
