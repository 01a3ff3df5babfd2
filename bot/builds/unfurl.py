"""A link to a build, pasted into a channel, becomes its card: live, with its buttons, below the person's message.

https://docs.slack.dev/messaging/unfurling-links-in-messages
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.builds.queries import Builds, Named
from bot.clock import Clock
from bot.outbox import Outbox
from bot.permissions import Asker
from bot.sync_schedule import Sweeps
from storage import Database, Transaction
from storage.apps import AppStore
from storage.builds import BuildRow
from storage.messages import UNFURL, CardRow, CardStore
from storage.subscriptions import SubscriptionStore


@dataclass(frozen=True, slots=True)
class SharedLink:
    """``ts`` is the message's; in a channel shared with another workspace ``is_shared`` is set."""

    channel_id: str
    ts: str
    url: str
    is_shared: bool


class Unfurls:
    def __init__(
        self,
        *,
        database: Database,
        cards: CardStore,
        app_rows: AppStore,
        subscriptions: SubscriptionStore,
        builds: Builds,
        outbox: Outbox,
        sweeps: Sweeps,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._db, self._cards, self._app_rows, self._subscriptions = database, cards, app_rows, subscriptions
        self._builds, self._outbox, self._sweeps = builds, outbox, sweeps
        self._clock, self._new_id = clock, new_id

    async def show(self, asker: Asker, link: SharedLink, named: Named) -> bool:
        """Hang the build's card under the message, once. False when this channel may not see it.

        Every member of the workspace may see every app that its token reaches, so in channels of its own nothing is
        given away. Strangers read a shared channel: there only apps are shown that the channel itself follows.
        """
        build = await self._builds.get_build(asker, named, looks_everywhere=False)
        if link.is_shared and not await self._is_followed_in(asker.workspace_id, link.channel_id, build.app_slug):
            return False
        card = self._card(asker, link)

        async def store(tx: Transaction) -> None:
            place = card.place or ""
            if await self._cards.find_at_place(tx, asker.workspace_id, link.channel_id, place) is not None:
                return  # Slack tells of a link more than once
            await self._cards.add_card(tx, card, [build.build_slug])
            await self._outbox.show_card(tx, card)
            await self._watch(tx, build)

        await self._db.transaction(store)
        return True

    async def _watch(self, tx: Transaction, build: BuildRow) -> None:
        if not build.is_finished:
            await self._sweeps.make_due(tx, build.workspace_id, at=self._clock.now())

    async def _is_followed_in(self, workspace_id: str, channel_id: str, app_slug: str) -> bool:
        channel = await self._app_rows.get_channel(workspace_id, channel_id)
        if channel.app_slug == app_slug:
            return True
        rows = await self._subscriptions.list_of_channel(workspace_id, channel_id)
        return any(row.app_slug in (None, app_slug) for row in rows)

    def _card(self, asker: Asker, link: SharedLink) -> CardRow:
        return CardRow(
            card_id=self._new_id(),
            workspace_id=asker.workspace_id,
            channel_id=link.channel_id,
            ts=link.ts,
            created_at=self._clock.now(),
            style=UNFURL,
            place=f"link:{link.ts}:{link.url}",
            facts={"url": link.url},
        )
