"""Pause subscriptions and reports of channels where Slack refuses messages, and direct messages that can't be sent."""

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

log = logging.getLogger(__name__)

REASONS = {
    "is_archived": "the channel is archived",
    "not_in_channel": "I am not in the channel any more",
    "channel_not_found": "I am not in the channel, and it is private or gone",
    "restricted_action_read_only_channel": "only some people may post there",
    "restricted_action": "an admin has restricted who may post there",
}
OTHER_REASON = "Slack does not let me post there"


async def pause_subscriptions(
    ctx: Context, tx: Transaction, workspace_id: str, channel_id: str, error: str, *, actor_id: str | None = None
) -> None:
    """Pause the subscriptions of a channel and send their creators one direct message each, with a button to resume.

    ``actor_id`` has just changed one and is notified in any case.
    """
    reason = REASONS.get(error, OTHER_REASON)
    paused = await subscription_rows.pause_channel(tx, workspace_id, channel_id, why=reason, now=ctx.clock.now())
    counts = Counter(row.created_by for row in paused)
    for user_id, count in counts.items():
        message = messages.subscriptions_paused(channel_id, reason, count=count)
        await outbox.send_direct(ctx, tx, workspace_id, user_id, message)
    if actor_id is not None and actor_id not in counts:
        await outbox.send_direct(ctx, tx, workspace_id, actor_id, messages.still_paused(channel_id, reason))


async def pause_digests(ctx: Context, tx: Transaction, workspace_id: str, channel_id: str, error: str) -> None:
    """Pause the scheduled reports of a channel and notify their creators."""
    reason = REASONS.get(error, OTHER_REASON)
    paused = await digest_rows.pause_channel(tx, workspace_id, channel_id, why=reason, now=ctx.clock.now())
    for user_id in dict.fromkeys(row.created_by for row in paused):
        await outbox.send_direct(ctx, tx, workspace_id, user_id, messages.report_paused(channel_id, reason))


async def disable_direct_messages(tx: Transaction, workspace_id: str, user_id: str, error: str) -> None:
    """Switch off direct messages to somebody who has left or accepts none, instead of trying for every build."""
    if await user_rows.disable_messages(tx, workspace_id, user_id):
        facts = {"workspace": workspace_id, "user": user_id, "error": error}
        log.warning("a person cannot be written to; their direct messages are switched off", extra=facts)
