"""Who can no longer be written to: a channel's subscriptions wait and their owners hear it, a person hears no more."""

from __future__ import annotations

import logging
from collections import Counter

from bot import outbox
from bot.context import Context
from bot.notifications import messages
from storage import Transaction
from storage import digests as digest_rows
from storage import subscriptions as subscription_rows
from storage import users as user_rows
from storage.messages import MessageRow

log = logging.getLogger(__name__)

WHY = {
    "is_archived": "the channel is archived",
    "not_in_channel": "I am not in the channel any more",
    "channel_not_found": "I am not in the channel, and it is private or gone",
    "restricted_action_read_only_channel": "only some people may post there",
    "restricted_action": "an admin has restricted who may post there",
}


async def pause_subscriptions(
    ctx: Context, tx: Transaction, workspace_id: str, channel_id: str, error: str, *, tells: str | None = None
) -> None:
    """Pause everything the channel hears; its owners get one direct message each, with a way to go on.

    ``tells`` is somebody who has just asked for it, and hears of it whoever the owner is.
    """
    why = WHY.get(error, "Slack does not let me post there")
    paused = await subscription_rows.pause_channel(tx, workspace_id, channel_id, why=why, now=ctx.clock.now())
    counts = Counter(row.created_by for row in paused)
    for owner, count in counts.items():
        notice = messages.subscriptions_paused(channel_id, why, count=count)
        await outbox.send_direct(ctx, tx, workspace_id, owner, notice)
    if tells is not None and tells not in counts:
        await outbox.send_direct(ctx, tx, workspace_id, tells, messages.still_paused(channel_id, why))


async def pause_digests(ctx: Context, tx: Transaction, workspace_id: str, channel_id: str, error: str) -> None:
    """The same for the figures that come there by themselves."""
    why = WHY.get(error, "Slack does not let me post there")
    paused = await digest_rows.pause_channel(tx, workspace_id, channel_id, why=why, now=ctx.clock.now())
    for owner in dict.fromkeys(row.created_by for row in paused):
        await outbox.send_direct(ctx, tx, workspace_id, owner, messages.report_paused(channel_id, why))


async def disable_direct_messages(ctx: Context, tx: Transaction, card: MessageRow, error: str) -> None:
    """A direct message does not arrive: the person has left, or takes none. It is not tried for every build."""
    if await user_rows.disable_messages(tx, card.workspace_id, card.channel_id):
        facts = {"workspace": card.workspace_id, "user": card.channel_id, "error": error}
        log.warning("a person cannot be written to; their direct messages are switched off", extra=facts)
