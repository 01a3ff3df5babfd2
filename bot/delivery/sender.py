"""Send what the outbox holds: in order, within Slack's limits, with a known answer to every refusal."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot import outbox
from bot.context import Context
from bot.delivery import render
from bot.engine import JobKind, RetryAt
from bot.errors import SealBroken
from bot.notifications import events, pausing
from bot.slack.client import Posted
from bot.slack.errors import MESSAGE_GONE, TOKEN_REVOKED, UNREACHABLE, SlackBusy, SlackRefused, SlackUnavailable
from bot.slack.fallback import with_fallback
from bot.slack.text import Message, is_user
from storage import DatabaseUnavailable, Transaction
from storage import apps as app_rows
from storage import messages as message_rows
from storage import outbox as outbox_rows
from storage.messages import DIGEST, UNFURL, MessageRow
from storage.outbox import OutboxRow

log = logging.getLogger(__name__)
TOO_LONG_AGO = timedelta(days=1)
PAUSE = timedelta(minutes=5)
REPAINT_SECONDS = 2.0


async def deliver(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """Send one message of the outbox. Jobs of a channel run one by one, so what is first stays first."""
    message = await outbox_rows.find_outgoing(ctx.db, arguments["outbox_id"])
    if message is None:
        return
    try:
        await SENDERS[message.kind](ctx, message)
    except SlackBusy as error:
        ctx.rate_limits.pause(message.workspace_id, until=_later(ctx, error.retry_after))
        raise RetryAt(_later(ctx, error.retry_after)) from error
    except SlackUnavailable as error:
        await _repaint(ctx, message)
        await _retry(ctx, message, error)
    except asyncio.CancelledError:
        with contextlib.suppress(DatabaseUnavailable, TimeoutError):
            async with asyncio.timeout(REPAINT_SECONDS):
                await _repaint(ctx, message)
        raise
    except SlackRefused as error:
        await _refused(ctx, message, error)


async def _repaint(ctx: Context, message: OutboxRow) -> None:
    """What Slack may have taken from us, although another replica has said it meanwhile, for it took us for dead:
    our drawing may be older than its own, and the last."""
    if (
        message.kind in (outbox.CARD, outbox.PROGRESS)
        and await outbox_rows.find_outgoing(ctx.db, message.outbox_id) is None
    ):
        card = await message_rows.find_message(ctx.db, message.message_id or "")
        if card is not None and card.ts is not None:
            await ctx.db.transaction(lambda tx: _draw_again(ctx, tx, card))


async def _draw_again(ctx: Context, tx: Transaction, card: MessageRow) -> None:
    """Whatever stands there now."""
    await message_rows.save_rendered(tx, card.message_id, content_hash="", now=ctx.clock.now())
    await outbox.update_card(ctx, tx, card)


def _later(ctx: Context, seconds: float) -> datetime:
    return ctx.clock.now() + timedelta(seconds=seconds)


async def _retry(ctx: Context, message: OutboxRow, error: SlackUnavailable) -> None:
    """Slack did not answer. It may have taken a post: better twice than never, and only then."""
    if ctx.clock.now() - message.created_at > TOO_LONG_AGO:
        log.error("a message was given up", extra={"kind": message.kind, "error": str(error)})
        await _drop(ctx, message)
        return
    await outbox_rows.count_attempt(ctx.db, message.outbox_id)
    raise RetryAt(_later(ctx, min(60.0, 2.0 ** min(message.attempts, 6)))) from error


async def _refused(ctx: Context, message: OutboxRow, error: SlackRefused) -> None:
    card = await message_rows.find_message(ctx.db, message.message_id) if message.message_id else None
    facts = {"kind": message.kind, "error": error.error, "workspace": message.workspace_id}
    is_link = card is not None and card.kind == UNFURL
    if error.error in TOKEN_REVOKED and not is_link and ctx.clock.now() - message.created_at < TOO_LONG_AGO:
        log.error("Slack refuses the bot token; messages wait", extra=facts)
        raise RetryAt(ctx.clock.now() + PAUSE)
    log.warning("Slack refused a message", extra=facts)
    if card is not None and error.error in UNREACHABLE and not is_link:
        await _reroute(ctx, message, card, error.error)
    elif message.kind == outbox.CHANNEL_MESSAGE and error.error in UNREACHABLE:
        await ctx.db.transaction(lambda tx: _silence(ctx, tx, message, error.error))
    elif card is not None and (error.error in MESSAGE_GONE or is_link):
        await ctx.db.transaction(lambda tx: message_rows.mark_deleted(tx, card.message_id))
        await _drop(ctx, message)
    else:
        await _drop(ctx, message)


async def _reroute(ctx: Context, message: OutboxRow, card: MessageRow, error: str) -> None:
    """The channel cannot be written to: the card goes to the person who asked, and says why.

    What a subscription wanted to tell there is not told; whoever made it hears that, and it is paused.
    """

    async def move(tx: Transaction) -> None:
        await outbox_rows.delete_outgoing(tx, message.outbox_id)
        if card.subscription_id is not None:
            await pausing.pause_subscriptions(ctx, tx, card.workspace_id, card.channel_id, error)
        if card.kind == DIGEST:
            await pausing.pause_digests(ctx, tx, card.workspace_id, card.channel_id, error)
        if is_letter(card):
            await pausing.disable_direct_messages(ctx, tx, card, error)
        if card.requested_by is None or card.rerouted_from is not None:
            await message_rows.mark_deleted(tx, card.message_id)
            return
        await message_rows.reroute_message(tx, card.message_id, to=card.requested_by)
        moved = dataclasses.replace(card, channel_id=card.requested_by)
        await outbox.update_card(ctx, tx, moved)
        if message.kind == outbox.ANNOUNCEMENT:
            await outbox.announce_result(ctx, tx, moved)

    await ctx.db.transaction(move)


async def _silence(ctx: Context, tx: Transaction, message: OutboxRow, error: str) -> None:
    channel_id, tells = message.payload["channel_id"], message.payload["tells"]
    await outbox_rows.delete_outgoing(tx, message.outbox_id)
    await pausing.pause_subscriptions(ctx, tx, message.workspace_id, channel_id, error, tells=tells)


# Senders: each takes the limits into account, sends, and stores what came back.


async def _send_card(ctx: Context, message: OutboxRow) -> None:
    card = await message_rows.find_message(ctx.db, message.message_id or "")
    if card is None or card.is_deleted or (message.kind == outbox.PROGRESS and not _may_tick(ctx, message)):
        await _drop(ctx, message)
        return
    await outbox_rows.clear_dedupe_key(ctx.db, message.outbox_id)
    drawn = await render.render(ctx, card)
    digest = drawn.digest
    if card.ts is not None and digest == card.content_hash:
        await _drop(ctx, message)
        return
    client = ctx.slack(message.workspace_id)
    if card.ts is None:
        _pace(ctx.rate_limits.take_post(message.workspace_id, card.channel_id, now=ctx.clock.now()))
        thread_ts = await _thread_of(ctx, card)
        posted = await with_fallback(lambda drawn: client.post(card.channel_id, drawn, thread_ts=thread_ts), drawn)
        await ctx.db.transaction(lambda tx: _keep_posted(ctx, tx, message, card, posted, digest))
        return
    ts, since, now = card.ts, message.created_at, ctx.clock.now()
    _pace(ctx.rate_limits.take_update(message.workspace_id, message.outbox_id, since=since, now=now))
    if card.kind == UNFURL:
        url = (card.facts or {})["url"]
        await with_fallback(lambda drawn: client.unfurl(card.channel_id, ts, {url: drawn}), drawn)
    else:
        await with_fallback(lambda drawn: client.update(card.channel_id, ts, drawn), drawn)
    await ctx.db.transaction(lambda tx: _keep_drawn(ctx, tx, message, card, digest))


async def _send_announcement(ctx: Context, message: OutboxRow) -> None:
    card = await message_rows.find_message(ctx.db, message.message_id or "")
    if card is None or card.is_deleted or card.ts is None:
        await _drop(ctx, message)
        return
    drawn = await render.render_announcement(ctx, card)
    _pace(ctx.rate_limits.take_post(message.workspace_id, card.channel_id, now=ctx.clock.now()))
    thread_ts = None if await _is_told_to_all(ctx, card) else card.ts
    await ctx.slack(message.workspace_id).post(card.channel_id, drawn, thread_ts=thread_ts)
    await _drop(ctx, message)


async def _is_told_to_all(ctx: Context, card: MessageRow) -> bool:
    """The channel's setting says so, or the channel has subscribed to such ends."""
    channel = await app_rows.get_channel(ctx.db, card.workspace_id, card.channel_id)
    if channel.finish_in != "thread":
        return True
    builds = await render.list_builds(ctx, card)
    heard = [await events.is_subscribed(ctx.db, card.channel_id, build) for build in builds]
    return any(heard)


async def _send_explanation(ctx: Context, message: OutboxRow) -> None:
    """Why a build failed, in the thread of the message that tells it."""
    card = await message_rows.find_message(ctx.db, message.message_id or "")
    if card is None or card.is_deleted or card.ts is None:
        await _drop(ctx, message)
        return
    drawn = await render.render_explanation(ctx, card, message.payload["build_slug"])
    if drawn is None:
        await _drop(ctx, message)
        return
    _pace(ctx.rate_limits.take_post(message.workspace_id, card.channel_id, now=ctx.clock.now()))
    client, thread_ts = ctx.slack(message.workspace_id), await _thread_of(ctx, card) or card.ts
    await with_fallback(lambda drawn: client.post(card.channel_id, drawn, thread_ts=thread_ts), drawn)
    await _drop(ctx, message)


async def _thread_of(ctx: Context, card: MessageRow) -> str | None:
    """Where a message stands in a thread: what it is posted under. None when that could not be posted."""
    parent = await message_rows.find_message(ctx.db, card.parent_id) if card.parent_id else None
    return parent.ts if parent is not None and not parent.is_deleted else None


async def _send_ephemeral(ctx: Context, message: OutboxRow) -> None:
    """By the response URL, which works where the bot is no member; else in the channel; else directly."""
    client, payload = ctx.slack(message.workspace_id), message.payload
    drawn, user_id, channel_id = message_of(payload), payload["user_id"], payload["channel_id"]
    if sealed := payload["response_url_sealed"]:
        try:
            url = ctx.vault.open(sealed, context=f"ephemeral:{message.workspace_id}").reveal()
            await with_fallback(lambda drawn: client.respond(url, drawn), drawn)
            await _drop(ctx, message)
            return
        except (SlackRefused, SealBroken) as error:
            log.info("a response URL was used up or does not open", extra={"error": error.sentence})
    if channel_id:
        try:
            await with_fallback(lambda drawn: client.post_ephemeral(channel_id, user_id, drawn), drawn)
            await _drop(ctx, message)
            return
        except SlackRefused as error:
            if error.error not in UNREACHABLE:
                raise
    await _send_direct(ctx, message)


async def _send_direct(ctx: Context, message: OutboxRow) -> None:
    await _say(ctx, message, message.payload["user_id"])


async def _send_note(ctx: Context, message: OutboxRow) -> None:
    await _say(ctx, message, message.payload["channel_id"])


async def _say(ctx: Context, message: OutboxRow, channel_id: str) -> None:
    _pace(ctx.rate_limits.take_post(message.workspace_id, channel_id, now=ctx.clock.now()))
    client = ctx.slack(message.workspace_id)
    await with_fallback(lambda drawn: client.post(channel_id, drawn), message_of(message.payload))
    await _drop(ctx, message)


# Pieces.


def _may_tick(ctx: Context, message: OutboxRow) -> bool:
    return ctx.rate_limits.has_room_for_progress(message.workspace_id, now=ctx.clock.now())


def _pace(free_at: datetime | None) -> None:
    if free_at is not None:
        raise RetryAt(free_at)


async def _keep_posted(
    ctx: Context, tx: Transaction, message: OutboxRow, card: MessageRow, posted: Posted, digest: str
) -> None:
    await message_rows.save_posted(tx, card.message_id, channel_id=posted.channel_id, ts=posted.ts)
    await _keep_drawn(ctx, tx, message, card, digest)


async def _keep_drawn(ctx: Context, tx: Transaction, message: OutboxRow, card: MessageRow, digest: str) -> None:
    if await outbox_rows.delete_outgoing(tx, message.outbox_id):
        await message_rows.save_rendered(tx, card.message_id, content_hash=digest, now=ctx.clock.now())
    else:
        await _draw_again(ctx, tx, card)  # another replica took us for dead, and may have drawn what is newer


async def _drop(ctx: Context, message: OutboxRow) -> None:
    await ctx.db.transaction(lambda tx: outbox_rows.delete_outgoing(tx, message.outbox_id))


def is_letter(card: MessageRow) -> bool:
    """A card that is on its way to a person because of what they want to be told."""
    return card.subscription_id is None and card.requested_by is None and is_user(card.channel_id)


def message_of(payload: Mapping[str, Any]) -> Message:
    return Message(payload["text"], tuple(payload.get("blocks", ())))


SENDERS: Mapping[str, Callable[[Context, OutboxRow], Awaitable[None]]] = {
    outbox.CARD: _send_card,
    outbox.PROGRESS: _send_card,
    outbox.ANNOUNCEMENT: _send_announcement,
    outbox.EXPLANATION: _send_explanation,
    outbox.EPHEMERAL: _send_ephemeral,
    outbox.DIRECT_MESSAGE: _send_direct,
    outbox.CHANNEL_MESSAGE: _send_note,
}
JOBS = (JobKind(outbox.DELIVER, deliver, concurrency=16),)
