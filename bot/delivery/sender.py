"""Send the outbox to Slack: in order, within its rate limits, with a known answer to every refusal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot import outbox, sync_schedule
from bot.context import Context
from bot.delivery import render
from bot.delivery.refusals import GIVE_UP_AFTER, awaits_result, goes_to_channel, handle_refusal, is_update
from bot.engine import JobKind, RetryAt
from bot.errors import SealBroken
from bot.notifications import events
from bot.slack.client import Posted
from bot.slack.errors import SlackBusy, SlackRefused, SlackUnavailable
from bot.slack.fallback import with_fallback
from bot.slack.refusals import Remedy, remedy_of
from bot.slack.text import Message
from bot.statistics import digests
from storage import DatabaseUnavailable, Transaction
from storage import apps as app_rows
from storage import digests as digest_rows
from storage import messages as message_rows
from storage import outbox as outbox_rows
from storage import subscriptions as subscription_rows
from storage.messages import UNFURL, MessageRow
from storage.outbox import OutboxRow

log = logging.getLogger(__name__)
SHUTDOWN_SECONDS = 2.0


async def deliver(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """Send one row of the outbox. The jobs of a channel run one at a time, which keeps their order."""
    outgoing = await outbox_rows.find_outgoing(ctx.db, arguments["outbox_id"])
    if outgoing is None:
        return
    try:
        await send(ctx, outgoing)
    except SlackBusy as error:
        retry_at = ctx.clock.now() + timedelta(seconds=error.retry_after)
        ctx.rate_limits.pause(outgoing.workspace_id, until=retry_at)
        raise RetryAt(retry_at) from error
    except SlackUnavailable as error:
        await correct_overtaken(ctx, outgoing)
        await retry(ctx, outgoing, error)
    except asyncio.CancelledError:
        with contextlib.suppress(DatabaseUnavailable, TimeoutError):
            async with asyncio.timeout(SHUTDOWN_SECONDS):
                await correct_overtaken(ctx, outgoing)
        raise
    except SlackRefused as error:
        await handle_refusal(ctx, outgoing, error)


async def send(ctx: Context, outgoing: OutboxRow) -> None:
    """Send within the rate limits and store the result. Raises the errors of Slack, and `RetryAt` at a limit."""
    payload = outgoing.payload
    message = await message_rows.find_message(ctx.db, outgoing.message_id) if outgoing.message_id else None
    if outgoing.kind == outbox.EPHEMERAL:
        await send_ephemeral(ctx, outgoing)
    elif outgoing.kind == outbox.DIRECT_MESSAGE:
        await post(ctx, outgoing, payload["user_id"], content_of(payload))
    elif outgoing.kind == outbox.CHANNEL_MESSAGE:
        await post(ctx, outgoing, payload["channel_id"], content_of(payload))
    elif message is None or message.is_deleted:
        await drop(ctx, outgoing)
    elif is_update(outgoing):
        await send_card(ctx, outgoing, message)
    elif message.ts is None:
        await drop(ctx, outgoing)
    elif outgoing.kind == outbox.ANNOUNCEMENT:
        content = await render.render_announcement(ctx, message)
        thread_ts = None if await is_announced_in_channel(ctx, message) else message.ts
        await post(ctx, outgoing, message.channel_id, content, thread_ts=thread_ts)
    else:
        await send_explanation(ctx, outgoing, message)


async def send_explanation(ctx: Context, outgoing: OutboxRow, message: MessageRow) -> None:
    """Post why a build failed, unless the message was deleted: Slack would post the log in the channel."""
    explanation = await render.render_explanation(ctx, message, outgoing.payload["build_slug"])
    if explanation is not None:
        client, channel_id = ctx.slack(outgoing.workspace_id), message.channel_id
        for thread_ts in filter(None, (await parent_ts(ctx, message), message.ts)):
            if await client.message_exists(channel_id, thread_ts):
                await post(ctx, outgoing, channel_id, explanation, thread_ts=thread_ts)
                return
    await drop(ctx, outgoing)


async def send_card(ctx: Context, outgoing: OutboxRow, message: MessageRow) -> None:
    """Render a message and post or update it, unless it already looks like that."""
    now, workspace_id, channel_id = ctx.clock.now(), outgoing.workspace_id, message.channel_id
    if outgoing.kind == outbox.PROGRESS and not ctx.rate_limits.has_room_for_progress(workspace_id, now=now):
        await drop(ctx, outgoing)
        return
    await outbox_rows.clear_dedupe_key(ctx.db, outgoing.outbox_id)
    if await awaits_result(ctx, message):
        await drop(ctx, outgoing)
        return
    content = await render.render(ctx, message)
    if message.ts is not None and content.digest == message.content_hash:
        await drop(ctx, outgoing)
        return
    client, ts, posted = ctx.slack(workspace_id), message.ts, None
    if ts is None:
        retry_at = ctx.rate_limits.take_post(workspace_id, channel_id, now=ctx.clock.now())
    else:
        since = outgoing.created_at
        retry_at = ctx.rate_limits.take_update(workspace_id, outgoing.outbox_id, since=since, now=ctx.clock.now())
    if retry_at is not None:
        raise RetryAt(retry_at)
    if ts is None:
        thread_ts = await parent_ts(ctx, message)
        posted = await post_reply(ctx, outgoing, channel_id, content, thread_ts)
    elif message.kind == UNFURL:
        url = (message.facts or {})["url"]
        await with_fallback(lambda content: client.unfurl(channel_id, ts, {url: content}), content)
    else:
        await with_fallback(lambda content: client.update(channel_id, ts, content), content)
    await save_sent(ctx, outgoing, message, content.digest, posted)


async def save_sent(
    ctx: Context, outgoing: OutboxRow, message: MessageRow, content_hash: str, posted: Posted | None
) -> None:
    async def store(tx: Transaction) -> None:
        if posted is not None:
            await message_rows.save_posted(tx, message.message_id, channel_id=posted.channel_id, ts=posted.ts)
        if await outbox_rows.delete_outgoing(tx, outgoing.outbox_id):
            now = ctx.clock.now()
            await message_rows.save_rendered(tx, message.message_id, content_hash=content_hash, now=now)
        else:  # another replica took this process for dead and sent the row, maybe a newer version of it
            await render_again(ctx, tx, message)

    await ctx.db.transaction(store)


async def correct_overtaken(ctx: Context, outgoing: OutboxRow) -> None:
    """Render a message again if another replica has sent this update, too: Slack may show ours, which is older."""
    if is_update(outgoing) and await outbox_rows.find_outgoing(ctx.db, outgoing.outbox_id) is None:
        message = await message_rows.find_message(ctx.db, outgoing.message_id or "")
        if message is not None and message.ts is not None:
            await ctx.db.transaction(lambda tx: render_again(ctx, tx, message))


async def render_again(ctx: Context, tx: Transaction, message: MessageRow) -> None:
    """Update a message even if nothing has changed since it was rendered."""
    await message_rows.save_rendered(tx, message.message_id, content_hash="", now=ctx.clock.now())
    await outbox.update_card(ctx, tx, message)


async def is_announced_in_channel(ctx: Context, message: MessageRow) -> bool:
    """Whether the channel's setting says so, or a person started the build and the channel has subscribed to it."""
    channel = await app_rows.get_channel(ctx.db, message.workspace_id, message.channel_id)
    if channel.finish_in != "thread":
        return True
    if message.subscription_id is not None:  # the card is the channel's notification already
        return False
    for build in await render.list_builds(ctx, message):
        if await events.is_subscribed(ctx.db, message.channel_id, build):
            return True
    return False


async def parent_ts(ctx: Context, message: MessageRow) -> str | None:
    """Return the ``ts`` of the message in whose thread this one is, None without one or if that was not posted."""
    parent = await message_rows.find_message(ctx.db, message.parent_id) if message.parent_id else None
    return parent.ts if parent is not None and not parent.is_deleted else None


async def send_ephemeral(ctx: Context, outgoing: OutboxRow) -> None:
    """Reply by the response URL, which works in channels without Buildbell, else in the channel, else directly."""
    client, payload, content = ctx.slack(outgoing.workspace_id), outgoing.payload, content_of(outgoing.payload)
    user_id, channel_id = payload["user_id"], payload["channel_id"]
    if sealed := payload["response_url_sealed"]:
        try:
            url = ctx.vault.open(sealed, context=f"ephemeral:{outgoing.workspace_id}").reveal()
            await with_fallback(lambda content: client.respond(url, content), content)
            await drop(ctx, outgoing)
            return
        except (SlackRefused, SealBroken) as error:
            log.info("a response URL was used up or does not open", extra={"error": error.sentence})
    if channel_id:
        try:
            await with_fallback(lambda content: client.post_ephemeral(channel_id, user_id, content), content)
            await drop(ctx, outgoing)
            return
        except SlackRefused as error:
            if remedy_of(error.error) is Remedy.TOKEN:
                raise
    await post(ctx, outgoing, user_id, content)


async def post(
    ctx: Context, outgoing: OutboxRow, channel_id: str, content: Message, *, thread_ts: str | None = None
) -> None:
    """Post a message that is never updated. ``channel_id`` may be a user."""
    retry_at = ctx.rate_limits.take_post(outgoing.workspace_id, channel_id, now=ctx.clock.now())
    if retry_at is not None:
        raise RetryAt(retry_at)
    await post_reply(ctx, outgoing, channel_id, content, thread_ts)
    await (end_pause if outgoing.payload.get("ends_pause") else drop)(ctx, outgoing)


async def end_pause(ctx: Context, outgoing: OutboxRow) -> None:
    """Resume the subscriptions and reports of a channel, because Slack has accepted a message there."""
    workspace_id, channel_id = outgoing.workspace_id, outgoing.payload["channel_id"]

    async def store(tx: Transaction) -> None:
        if await outbox_rows.delete_outgoing(tx, outgoing.outbox_id):
            await subscription_rows.resume_channel(tx, workspace_id, channel_id, now=ctx.clock.now())
            for digest in await digest_rows.list_of_channel(tx, workspace_id, channel_id):
                if digest.paused_at is not None:
                    await digests.resume(ctx, tx, digest)
            await sync_schedule.schedule_now(ctx, tx, workspace_id, at=ctx.clock.now())

    await ctx.db.transaction(store)


async def post_reply(
    ctx: Context, outgoing: OutboxRow, channel_id: str, content: Message, thread_ts: str | None
) -> Posted:
    """Post in a thread, or in the channel if there is none or Slack refuses replies to it."""
    client = ctx.slack(outgoing.workspace_id)
    try:
        return await with_fallback(lambda content: client.post(channel_id, content, thread_ts=thread_ts), content)
    except SlackRefused as error:
        if thread_ts is None or not goes_to_channel(error, outgoing):
            raise
        log.info("Slack refused a reply in a thread; it goes to the channel", extra={"error": error.error})
        return await with_fallback(lambda content: client.post(channel_id, content), content)


async def drop(ctx: Context, outgoing: OutboxRow) -> None:
    await ctx.db.transaction(lambda tx: outbox_rows.delete_outgoing(tx, outgoing.outbox_id))


def content_of(payload: Mapping[str, Any]) -> Message:
    return Message(payload["text"], tuple(payload.get("blocks", ())))


# Errors.


async def retry(ctx: Context, outgoing: OutboxRow, error: SlackUnavailable) -> None:
    """Try again later. Slack may have accepted a post without answering: twice is better than never."""
    now = ctx.clock.now()
    if now - outgoing.created_at > GIVE_UP_AFTER:
        log.error("a message was given up", extra={"kind": outgoing.kind, "error": str(error)})
        await drop(ctx, outgoing)
        return
    await outbox_rows.count_attempt(ctx.db, outgoing.outbox_id)
    raise RetryAt(now + timedelta(seconds=min(60.0, 2.0 ** min(outgoing.attempts, 6)))) from error


JOBS = (JobKind(outbox.DELIVER, deliver, concurrency=16),)
