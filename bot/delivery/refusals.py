"""React to a refusal by Slack so that a result still reaches somebody.

An update refused for good is posted anew, a refused thread becomes the channel (`bot.delivery.sender`), and a refused
channel the person who requested it. `bot.slack.refusals` lists the error codes.
"""

from __future__ import annotations

import dataclasses
import logging
from datetime import timedelta

from bot import outbox
from bot.context import Context
from bot.engine import RetryAt
from bot.notifications import pausing
from bot.slack.errors import SlackRefused
from bot.slack.refusals import Remedy, remedy_of
from bot.slack.text import Message, is_user
from storage import Transaction
from storage import imports as import_rows
from storage import messages as message_rows
from storage import outbox as outbox_rows
from storage.messages import DIGEST, THREAD_ROOT, UNFURL, MessageRow
from storage.outbox import OutboxRow

log = logging.getLogger(__name__)
GIVE_UP_AFTER = timedelta(days=1)
TOKEN_RETRY = timedelta(minutes=5)
SECOND_TRY = timedelta(seconds=5)
"""Wait before the second try after an error code that isn't in the table."""


async def handle_refusal(ctx: Context, outgoing: OutboxRow, error: SlackRefused) -> None:
    """Send the row again later, in another form or to another place, or drop what only repeats a result."""
    message = await message_rows.find_message(ctx.db, outgoing.message_id) if outgoing.message_id else None
    facts = {"kind": outgoing.kind, "error": error.error, "workspace": outgoing.workspace_id}
    is_preview = message is not None and message.kind == UNFURL
    if not is_preview:
        await retry_refused(ctx, outgoing, error.error, facts)
    log.warning("Slack refused a message", extra=facts)
    if not is_preview and message is not None and message.ts is not None and is_update(outgoing):
        if remedy_of(error.error) is not Remedy.CHANNEL or message.rerouted_from is not None:
            await ctx.db.transaction(lambda tx: message_rows.forget_posted(tx, message.message_id))
            raise RetryAt(ctx.clock.now())

    async def store(tx: Transaction) -> None:
        await outbox_rows.delete_outgoing(tx, outgoing.outbox_id)
        if message is None:
            await handle_refused_text(ctx, tx, outgoing, error.error)
        elif is_preview:
            await message_rows.mark_deleted(tx, message.message_id)
        elif outgoing.kind != outbox.EXPLANATION or remedy_of(error.error) is Remedy.CHANNEL:
            await reroute(ctx, tx, outgoing, message, error.error)

    await ctx.db.transaction(store)


async def retry_refused(ctx: Context, outgoing: OutboxRow, error: str, facts: dict[str, str]) -> None:
    """Raise `RetryAt` if the bot token is refused, for a day, or for the first refusal with an unknown error code."""
    remedy, now = remedy_of(error), ctx.clock.now()
    if remedy is Remedy.TOKEN and now - outgoing.created_at < GIVE_UP_AFTER:
        log.error("Slack refuses the bot token; messages wait", extra=facts)
        raise RetryAt(now + TOKEN_RETRY)
    if remedy is Remedy.UNKNOWN and outgoing.attempts == 0:
        log.warning("Slack refused a message with an unknown error; it is sent once more", extra=facts)
        await outbox_rows.count_attempt(ctx.db, outgoing.outbox_id)
        raise RetryAt(now + SECOND_TRY)


def is_update(outgoing: OutboxRow) -> bool:
    return outgoing.kind in (outbox.CARD, outbox.PROGRESS)


def goes_to_channel(error: SlackRefused, outgoing: OutboxRow) -> bool:
    """Whether a reply that Slack refused in a thread may be accepted in the channel."""
    remedy = remedy_of(error.error)
    if remedy is Remedy.UNKNOWN:
        return outgoing.attempts > 0
    return remedy in (Remedy.THREAD, Remedy.EDIT, Remedy.CALL)


async def awaits_result(ctx: Context, message: MessageRow) -> bool:
    """Whether a message that has to be posted anew waits for its result, so that it is posted once."""
    if message.ts is not None or message.rendered_at is None or message.kind == THREAD_ROOT:
        return False
    if await message_rows.count_unfinished(ctx.db, message.message_id):
        return True
    return any(row.is_open for row in await import_rows.list_of_message(ctx.db, message.message_id))


async def handle_refused_text(ctx: Context, tx: Transaction, outgoing: OutboxRow, error: str) -> None:
    """Pause the subscriptions of a channel that takes no message; send one with refused content to its author.

    A direct message goes to the next person who can repair what it is about.
    """
    workspace_id, payload = outgoing.workspace_id, outgoing.payload
    if outgoing.kind == outbox.DIRECT_MESSAGE and payload["instead"]:
        next_user, *others = payload["instead"]
        content = Message(payload["text"], tuple(payload.get("blocks", ())))
        await outbox.send_direct(ctx, tx, workspace_id, next_user, content, instead=others)
    if outgoing.kind != outbox.CHANNEL_MESSAGE:
        return
    channel_id = payload["channel_id"]
    actor_id = outgoing.payload["actor_id"]
    if remedy_of(error) is not Remedy.CONTENT:
        await pausing.pause_subscriptions(ctx, tx, workspace_id, channel_id, error, actor_id=actor_id)
    elif actor_id is not None:
        await outbox.send_direct(ctx, tx, workspace_id, actor_id, Message(outgoing.payload["text"]))


async def reroute(ctx: Context, tx: Transaction, outgoing: OutboxRow, message: MessageRow, error: str) -> None:
    """Send a message to the person who requested it, if there is one, because Buildbell can't post in its channel.

    Subscriptions and reports of the channel are paused, and so are direct messages to somebody who can't get them.
    """
    if message.subscription_id is not None:
        await pausing.pause_subscriptions(ctx, tx, message.workspace_id, message.channel_id, error)
    elif message.requested_by is None and is_user(message.channel_id) and remedy_of(error) is Remedy.CHANNEL:
        await pausing.disable_direct_messages(tx, message.workspace_id, message.channel_id, error)
    if message.kind == DIGEST:
        await pausing.pause_digests(ctx, tx, message.workspace_id, message.channel_id, error)
    if message.requested_by is None or message.rerouted_from is not None:
        await message_rows.mark_deleted(tx, message.message_id)
        return
    await message_rows.reroute_message(tx, message.message_id, to=message.requested_by)
    rerouted = dataclasses.replace(message, channel_id=message.requested_by)
    await outbox.update_card(ctx, tx, rerouted)
    if outgoing.kind == outbox.ANNOUNCEMENT:
        await outbox.announce_result(ctx, tx, rerouted)
