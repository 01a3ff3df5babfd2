"""A channel that can no longer be written to: its subscriptions wait, and whoever made them is told once."""

from __future__ import annotations

from bot.clock import Clock
from bot.outbox import Outbox
from bot.slack import hearing
from storage import Transaction
from storage.cards import CardRow
from storage.subscriptions import SubscriptionStore

WHY = {
    "is_archived": "the channel is archived",
    "not_in_channel": "I am not in the channel any more",
    "channel_not_found": "I am not in the channel, and it is private or gone",
    "restricted_action_read_only_channel": "only some people may post there",
    "restricted_action": "an admin has restricted who may post there",
}


class Silenced:
    def __init__(self, *, subscriptions: SubscriptionStore, outbox: Outbox, clock: Clock) -> None:
        self._subscriptions, self._outbox, self._clock = subscriptions, outbox, clock

    async def pause(self, tx: Transaction, card: CardRow, error: str) -> None:
        """Pause everything the channel hears; its owners get one direct message each, with a way to go on."""
        why = WHY.get(error, "Slack does not let me post there")
        paused = await self._subscriptions.pause_channel(
            tx, card.workspace_id, card.channel_id, why=why, now=self._clock.now()
        )
        for owner in dict.fromkeys(row.owner for row in paused):
            count = sum(row.owner == owner for row in paused)
            message = hearing.silenced(card.channel_id, why, count=count)
            await self._outbox.write_to(tx, card.workspace_id, owner, message)
