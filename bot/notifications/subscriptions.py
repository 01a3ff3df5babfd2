"""What channels hear: subscribe, change, remove, go on after a pause. The channel is told who did it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.clock import Clock
from bot.connection import Connections
from bot.errors import InvalidInput, MissingArgument, SubscriptionGone
from bot.notifications import filters
from bot.notifications import subscription_messages as drawing
from bot.notifications.filters import EXCLUDES, Filters
from bot.notifications.subscription_messages import ShownSubscription
from bot.outbox import Outbox
from bot.permissions import Access, Asker
from bot.slack.text import Message
from bot.sync_schedule import Sweeps
from bot.user_names import Names
from storage import Database, Transaction
from storage.apps import AppStore
from storage.audit import AuditRow, AuditStore
from storage.subscriptions import SubscriptionRow, SubscriptionStore

MOST_IN_CHANNEL = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What a channel is to hear. ``app_slug`` None is every app; of ``style`` and ``starts`` None is "as it was"."""

    app_slug: str | None
    filters: Filters
    style: str | None = None
    starts: bool | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    shown: ShownSubscription
    is_new: bool


class Subscribing:
    def __init__(
        self,
        *,
        database: Database,
        subscriptions: SubscriptionStore,
        app_rows: AppStore,
        audit: AuditStore,
        outbox: Outbox,
        sweeps: Sweeps,
        connections: Connections,
        access: Access,
        names: Names,
        clock: Clock,
        new_id: Callable[[], str],
        command: str,
    ) -> None:
        self._db, self._subscriptions, self._app_rows, self._audit = database, subscriptions, app_rows, audit
        self._outbox, self._sweeps, self._connections, self._access = outbox, sweeps, connections, access
        self._names, self._clock, self._new_id, self._command = names, clock, new_id, command

    # Asking.

    async def list_here(self, asker: Asker) -> list[SubscriptionRow]:
        """What the channel hears in which somebody asks."""
        self._access.check_member(asker)
        return await self._subscriptions.list_of_channel(asker.workspace_id, asker.channel_id or "")

    async def list_own(self, asker: Asker) -> list[SubscriptionRow]:
        """What the person has set up, in whatever channel; of others' channels nobody learns here."""
        self._access.check_member(asker)
        return await self._subscriptions.list_of_owner(asker.workspace_id, asker.user_id)

    async def get_subscription(self, asker: Asker, subscription_id: str) -> SubscriptionRow:
        """One of the channel in which somebody asks, or of their own. Raises `SubscriptionGone`."""
        self._access.check_member(asker)
        row = await self._subscriptions.find_subscription(asker.workspace_id, subscription_id)
        if row is None or not may_change(asker, row):
            raise SubscriptionGone(self._command)
        return row

    async def show(
        self, rows: Sequence[SubscriptionRow], *, known: Mapping[str, str] | None = None
    ) -> list[ShownSubscription]:
        """With the apps' titles and in words; ``known`` are names of Slack user ids that need not be asked for."""
        if not rows:
            return []
        people = [user_id for row in rows for user_id in people_in(filters.from_json(row.filters))]
        names = await self._names.names_of(rows[0].workspace_id, people, known)
        return [
            ShownSubscription(row, await self._title(row), filters.spoken(filters.from_json(row.filters), names))
            for row in rows
        ]

    async def _title(self, row: SubscriptionRow) -> str | None:
        if row.app_slug is None:
            return None
        app = await self._app_rows.find_app(row.workspace_id, row.app_slug)
        return app.title if app else row.app_slug

    # Setting up.

    async def subscribe(self, asker: Asker, asked: Asked, *, known: Mapping[str, str] | None = None) -> Saved:
        """Save it; the same app with the same filters once more changes style and starts of the one that is there."""
        await self._check(asker)
        fresh = self._row(asker, asked, self._new_id())
        (shown,) = await self.show([fresh], known=known)

        async def save(tx: Transaction) -> Saved:
            there = await self._subscriptions.list_of_channel(fresh.workspace_id, fresh.channel_id, on=tx)
            same = next((row for row in there if is_same(row, fresh)), None)
            if same is None and len(there) >= MOST_IN_CHANNEL:
                raise InvalidInput(
                    f"This channel has {MOST_IN_CHANNEL} subscriptions already, which is the most it can have. "
                    f"Remove some with {self._command} subscriptions, or put several patterns into one."
                )
            row = self._over(same, fresh, asked) if same else fresh
            return await self._save(tx, asker, dataclasses.replace(shown, row=row), is_new=same is None)

        return await self._db.transaction(save)

    async def change(self, asker: Asker, subscription_id: str, asked: Asked) -> Saved:
        """Put ``asked`` in the place of what there was. Raises `SubscriptionGone`."""
        await self._check(asker)
        before = await self.get_subscription(asker, subscription_id)
        fresh = dataclasses.replace(self._row(asker, asked, subscription_id), channel_id=before.channel_id)
        (shown,) = await self.show([fresh])

        async def save(tx: Transaction) -> Saved:
            there = await self._subscriptions.list_of_channel(fresh.workspace_id, fresh.channel_id, on=tx)
            others = [row for row in there if row.subscription_id != subscription_id]
            if len(others) == len(there):
                raise SubscriptionGone(self._command)
            if any(is_same(row, fresh) for row in others):
                raise InvalidInput("The channel hears exactly that by another subscription. Change or remove that one.")
            row = self._over(before, fresh, asked)
            return await self._save(tx, asker, dataclasses.replace(shown, row=row), is_new=False)

        return await self._db.transaction(save)

    async def _check(self, asker: Asker) -> None:
        self._access.check_member(asker)
        if not asker.channel_id:
            raise MissingArgument(f"Subscriptions belong to a channel: type {self._command} subscribe in one.")
        await self._connections.get_connected(asker.workspace_id)

    def _row(self, asker: Asker, asked: Asked, subscription_id: str) -> SubscriptionRow:
        return SubscriptionRow(
            subscription_id=subscription_id,
            workspace_id=asker.workspace_id,
            channel_id=asker.channel_id or "",
            app_slug=asked.app_slug,
            filters=filters.to_json(asked.filters),
            style=asked.style or "card",
            tells_starts=bool(asked.starts),
            owner=asker.user_id,
            created_at=self._clock.now(),
        )

    @staticmethod
    def _over(before: SubscriptionRow, fresh: SubscriptionRow, asked: Asked) -> SubscriptionRow:
        """What was not said stays. One that was paused goes on from now; whether it can, the note will show."""
        return dataclasses.replace(
            fresh,
            subscription_id=before.subscription_id,
            style=asked.style or before.style,
            tells_starts=before.tells_starts if asked.starts is None else asked.starts,
            created_at=fresh.created_at if before.paused_at else before.created_at,
        )

    async def _save(self, tx: Transaction, asker: Asker, shown: ShownSubscription, *, is_new: bool) -> Saved:
        row = shown.row
        await self._subscriptions.save_subscription(tx, row)
        note = drawing.set_up_note(shown, by=asker.user_name, is_new=is_new, command=self._command)
        await self._tell(tx, asker, row.channel_id, note, tells=asker.user_id)
        await self._note(tx, asker, "subscribe", described(row), "new" if is_new else "changed")
        await self._sweeps.make_due(tx, row.workspace_id, at=self._clock.now())
        return Saved(shown, is_new)

    # Ending, and going on.

    async def remove(self, asker: Asker, subscription_ids: Iterable[str]) -> list[ShownSubscription]:
        """Returns those that were there. Raises `SubscriptionGone` when none was."""
        self._access.check_member(asker)
        found = [await self._subscriptions.find_subscription(asker.workspace_id, each) for each in subscription_ids]
        shown = await self.show([row for row in found if row is not None and may_change(asker, row)])

        async def remove(tx: Transaction) -> list[ShownSubscription]:
            return [each for each in shown if await self._remove(tx, asker, each)]

        removed = await self._db.transaction(remove)
        if not removed:
            raise SubscriptionGone(self._command)
        return removed

    async def _remove(self, tx: Transaction, asker: Asker, shown: ShownSubscription) -> bool:
        row = shown.row
        if not await self._subscriptions.delete_subscription(tx, row.workspace_id, row.subscription_id):
            return False
        if row.paused_at is None:
            await self._tell(tx, asker, row.channel_id, drawing.removed_note(shown, by=asker.user_name))
        await self._note(tx, asker, "unsubscribe", described(row), "removed")
        return True

    async def resume(self, asker: Asker, channel_id: str) -> int:
        """Go on in a channel, from now; returns how many subscriptions were paused.

        The channel is told. If Slack still refuses that, they pause again and the person hears why.
        """
        self._access.check_member(asker)
        there = await self._subscriptions.list_of_channel(asker.workspace_id, channel_id)
        # The button in a direct message was sent to that person alone, because they had to do with the pause.
        is_asked = (asker.channel_id or "").startswith("D")
        if not any(is_asked or may_change(asker, row) for row in there):
            raise SubscriptionGone(self._command)

        async def resume(tx: Transaction) -> int:
            now = self._clock.now()
            count = await self._subscriptions.resume_channel(tx, asker.workspace_id, channel_id, now=now)
            if count:
                note = drawing.resumed_note(count, by=asker.user_name)
                await self._tell(tx, asker, channel_id, note, tells=asker.user_id)
                await self._note(tx, asker, "subscribe", channel_id, f"resumed {count}")
                await self._sweeps.make_due(tx, asker.workspace_id, at=now)
            return count

        return await self._db.transaction(resume)

    async def _tell(
        self, tx: Transaction, asker: Asker, channel_id: str, note: Message, *, tells: str | None = None
    ) -> None:
        await self._outbox.note(tx, asker.workspace_id, channel_id, note, tells=tells)

    async def _note(self, tx: Transaction, asker: Asker, verb: str, subject: str, result: str) -> None:
        entry = AuditRow(self._new_id(), asker.workspace_id, self._clock.now(), asker.user_id, verb, subject, result)
        await self._audit.add_entry(tx, entry)


def may_change(asker: Asker, row: SubscriptionRow) -> bool:
    """Whoever is in the channel may, as they could type it; from elsewhere only whoever set it up."""
    return row.channel_id == asker.channel_id or row.owner == asker.user_id


def is_same(row: SubscriptionRow, other: SubscriptionRow) -> bool:
    """The same app and the same filters, in whatever order they were said."""
    return row.app_slug == other.app_slug and same_filters(row.filters, filters.from_json(other.filters))


def same_filters(stored: Mapping[str, object], wanted: Filters) -> bool:
    before = filters.from_json(stored)
    return all(set(getattr(before, key)) == set(getattr(wanted, key)) for key in filters.KEYS)


def people_in(wanted: Filters) -> list[str]:
    """The Slack user ids among who is asked for."""
    names = (pattern.removeprefix(EXCLUDES) for pattern in wanted.by)
    return [name for name in names if filters.is_user_id(name)]


def described(row: SubscriptionRow) -> str:
    """For the audit: where, which app, and the filters as they are typed."""
    typed = filters.describe(filters.from_json(row.filters))
    return " ".join(filter(None, (row.channel_id, row.app_slug or "*", typed)))
