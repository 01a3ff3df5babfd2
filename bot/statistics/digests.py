"""Channels are told their figures by themselves, daily or weekly: set up, ended, and told once when it is due."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.clock import Clock
from bot.engine import Engine, Job, RetryAt
from bot.errors import BuildbellError, MissingArgument
from bot.outbox import Outbox
from bot.permissions import Access, Asker
from bot.statistics.queries import Statistics, StatsWanted
from bot.statistics.schedule import newest_due, next_due, schedule_of
from commands.digest_form import DigestForm
from storage import Database, Transaction
from storage.audit import AuditRow, AuditStore
from storage.digests import DigestRow, DigestStore
from storage.messages import DIGEST as DIGEST_STYLE
from storage.messages import CardRow, CardStore
from storage.workspaces import WorkspaceStore

DIGEST = "digest"
LATE_AFTER = timedelta(minutes=15)
LOOK_AGAIN = timedelta(seconds=30)
MOST_IN_CHANNEL = 10


class Digests:
    def __init__(
        self,
        *,
        database: Database,
        workspaces: WorkspaceStore,
        digests: DigestStore,
        cards: CardStore,
        audit: AuditStore,
        statistics: Statistics,
        outbox: Outbox,
        engine: Engine,
        access: Access,
        clock: Clock,
        new_id: Callable[[], str],
        command: str,
    ) -> None:
        self._db, self._digests, self._cards, self._audit = database, digests, cards, audit
        self._workspaces, self._statistics, self._outbox, self._engine = workspaces, statistics, outbox, engine
        self._access, self._clock, self._new_id, self._command = access, clock, new_id, command
        engine.register(DIGEST, self.tell, concurrency=2)

    async def list_here(self, asker: Asker) -> list[DigestRow]:
        """What the channel gets, oldest first."""
        self._access.check_member(asker)
        if not asker.channel_id:
            raise MissingArgument(f"Figures come to a channel: type {self._command} digest in one.")
        return await self._digests.list_of_channel(asker.workspace_id, asker.channel_id)

    # Setting up, ending, going on.

    async def save(self, asker: Asker, form: DigestForm) -> DigestRow:
        """One for an app and a channel: saving it again changes it, and goes on with one that was paused."""
        self._access.check_member(asker)
        fresh = self._row(asker, form)

        async def save(tx: Transaction) -> DigestRow:
            there = await self._digests.list_of_channel(fresh.workspace_id, fresh.channel_id, on=tx)
            same = next((row for row in there if row.app_slug == fresh.app_slug), None)
            if same is None and len(there) >= MOST_IN_CHANNEL:
                raise BuildbellError(
                    f"This channel gets figures of {MOST_IN_CHANNEL} apps already, the most it can get."
                )
            row = dataclasses.replace(fresh, digest_id=same.digest_id, created_at=same.created_at) if same else fresh
            await self._digests.save_digest(tx, row)
            await self._plan(tx, row)
            await self._note(tx, asker, row, "changed" if same else "new")
            return row

        return await self._db.transaction(save)

    async def remove(self, asker: Asker, app_slug: str | None) -> int:
        """End one app's in this channel, or all; returns how many there were."""
        there = await self.list_here(asker)
        ended = [row for row in there if app_slug in (None, row.app_slug)]

        async def remove(tx: Transaction) -> int:
            gone = [row for row in ended if await self._digests.delete_digest(tx, row.workspace_id, row.digest_id)]
            for row in gone:
                await self._note(tx, asker, row, "removed")
            return len(gone)

        return await self._db.transaction(remove)

    async def resume(self, asker: Asker, channel_id: str) -> int:
        """Try again in a channel, from the next time on; returns how many were paused there."""
        self._access.check_member(asker)

        async def resume(tx: Transaction) -> int:
            there = await self._digests.list_of_channel(asker.workspace_id, channel_id, on=tx)
            # Everybody in the channel may; from elsewhere only whoever set it up, who was told of the pause.
            theirs = [row for row in there if asker.user_id == row.owner or asker.channel_id == channel_id]
            paused = [row for row in theirs if row.paused_at is not None]
            for row in paused:
                due_at = next_due(schedule_of(row), after=self._clock.now())
                going_on = dataclasses.replace(row, due_at=due_at, paused_at=None, paused_why=None)
                await self._digests.save_digest(tx, going_on)
                await self._plan(tx, going_on)
                await self._note(tx, asker, row, "resumed")
            return len(paused)

        return await self._db.transaction(resume)

    def _row(self, asker: Asker, form: DigestForm) -> DigestRow:
        now = self._clock.now()
        row = DigestRow(
            digest_id=self._new_id(),
            workspace_id=asker.workspace_id,
            channel_id=form.channel_id,
            app_slug=form.app_slug,
            cadence=form.cadence,
            weekday=form.weekday,
            at=form.at,
            zone=form.zone,
            due_at=now,
            owner=asker.user_id,
            created_at=now,
        )
        return dataclasses.replace(row, due_at=next_due(schedule_of(row), after=now))

    # Telling.

    async def tell(self, arguments: Mapping[str, Any]) -> None:
        """What is due, if it still is. Several times that were missed are one message, about the newest span."""
        digest = await self._digests.find_digest(arguments["digest_id"])
        due_at = datetime.fromisoformat(arguments["due_at"])
        if digest is None or digest.paused_at is not None or digest.due_at != due_at:
            return  # ended, changed, or told by somebody else
        now = max(self._clock.now(), due_at)
        if not await self._is_known(digest.workspace_id, until=due_at):
            raise RetryAt(now + LOOK_AGAIN)
        until = newest_due(schedule_of(digest), until=now)
        next_at = next_due(schedule_of(digest), after=now)
        wanted = StatsWanted(digest.app_slug, digest.days)
        happened = await self._statistics.ended_anything(digest.workspace_id, wanted, until=until)
        card = self._card(digest, until=until, is_late=now - until > LATE_AFTER)

        async def tell(tx: Transaction) -> None:
            if not await self._digests.claim_digest(tx, digest.digest_id, due_at=due_at, next_at=next_at):
                return
            await self._plan(tx, dataclasses.replace(digest, due_at=next_at))
            if happened:
                await self._cards.add_card(tx, card, [])
                await self._outbox.show_card(tx, card)

        await self._db.transaction(tell)

    async def _is_known(self, workspace_id: str, *, until: datetime) -> bool:
        """Whether Bitrise was looked at since then, so that what has ended is counted; not if that cannot be done."""
        workspace = await self._workspaces.find_workspace(workspace_id)
        if workspace is None or workspace.health != "ok" or workspace.last_sweep_error is not None:
            return True
        looked_at = workspace.last_sweep_at
        return looked_at is not None and looked_at >= until and workspace.walk_next is None

    def _card(self, digest: DigestRow, *, until: datetime, is_late: bool) -> CardRow:
        facts = {"digest": digest.digest_id, "app": digest.app_slug, "days": digest.days, "until": until.isoformat()}
        return CardRow(
            card_id=self._new_id(),
            workspace_id=digest.workspace_id,
            channel_id=digest.channel_id,
            created_at=self._clock.now(),
            style=DIGEST_STYLE,
            facts=facts | ({"late": True} if is_late else {}),
        )

    async def _plan(self, tx: Transaction, digest: DigestRow) -> None:
        arguments = {"digest_id": digest.digest_id, "due_at": digest.due_at.isoformat()}
        await self._engine.enqueue(tx, Job(DIGEST, arguments, due_at=digest.due_at))

    async def _note(self, tx: Transaction, asker: Asker, row: DigestRow, result: str) -> None:
        subject = f"{row.channel_id} {row.app_slug or '*'} {row.cadence} {row.at} {row.zone}"
        entry = AuditRow(self._new_id(), asker.workspace_id, self._clock.now(), asker.user_id, DIGEST, subject, result)
        await self._audit.add_entry(tx, entry)
