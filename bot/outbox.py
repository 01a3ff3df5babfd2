"""Queue messages to Slack in the transaction of what they report; `bot.delivery` renders and sends them in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.context import Context
from bot.engine import Job
from bot.permissions import Actor
from bot.slack.text import Message
from storage import Transaction
from storage import messages as message_rows
from storage import outbox as outbox_rows
from storage.builds import BuildRow
from storage.messages import MessageRow
from storage.outbox import OutboxRow

DELIVER = "deliver"
CARD, PROGRESS, ANNOUNCEMENT, EXPLANATION = "card", "progress", "announcement", "explanation"
EPHEMERAL, CHANNEL_MESSAGE, DIRECT_MESSAGE = "ephemeral", "channel_message", "direct_message"


async def update_card(ctx: Context, tx: Transaction, message: MessageRow) -> None:
    """Post or update a message. It is rendered when it is sent, so one waiting row is enough."""
    await add_update(ctx, tx, message, CARD, dedupe_key=f"card:{message.message_id}")


async def update_cards(ctx: Context, tx: Transaction, build: BuildRow) -> None:
    """Update every message that shows a build."""
    for message in await message_rows.list_of_build(tx, build.workspace_id, build.build_slug):
        await update_card(ctx, tx, message)


async def update_progress(ctx: Context, tx: Transaction, message: MessageRow) -> None:
    """Update the progress on a card if Slack's rate limits leave room for it."""
    await add_update(ctx, tx, message, PROGRESS, dedupe_key=f"progress:{message.message_id}")


async def announce_result(ctx: Context, tx: Transaction, message: MessageRow) -> None:
    """Announce the result of a card's builds, in its thread or in the channel."""
    await add_update(ctx, tx, message, ANNOUNCEMENT)


async def explain_failure(ctx: Context, tx: Transaction, message: MessageRow, build_slug: str) -> None:
    """Explain in the thread of a message why one of its builds failed."""
    await add_update(ctx, tx, message, EXPLANATION, payload={"build_slug": build_slug})


async def reply_privately(ctx: Context, tx: Transaction, actor: Actor, message: Message) -> None:
    """Reply to a person where they acted, visible only to them."""
    sealed = None
    if actor.response_url:
        sealed = ctx.vault.seal(actor.response_url, context=f"ephemeral:{actor.workspace_id}")
    payload = {"user_id": actor.user_id, "channel_id": actor.channel_id, "response_url_sealed": sealed}
    await add_row(ctx, tx, EPHEMERAL, actor.workspace_id, actor.user_id, payload | message.to_payload())


async def answer_privately(ctx: Context, actor: Actor, message: Message) -> None:
    """Reply privately in a transaction of its own; the reply is stored before it is sent."""
    await ctx.db.transaction(lambda tx: reply_privately(ctx, tx, actor, message))


async def send_direct(
    ctx: Context, tx: Transaction, workspace_id: str, user_id: str, message: Message, *, instead: Sequence[str] = ()
) -> None:
    """Send a direct message to ``user_id`` or, if Slack refuses that, to the first of ``instead`` who can get it."""
    payload = {"user_id": user_id, "instead": list(instead)} | message.to_payload()
    await add_row(ctx, tx, DIRECT_MESSAGE, workspace_id, user_id, payload)


async def post_to_channel(
    ctx: Context,
    tx: Transaction,
    workspace_id: str,
    channel_id: str,
    message: Message,
    *,
    actor_id: str | None = None,
    ends_pause: bool = False,
) -> None:
    """Post to a channel. If Buildbell can't post there, its subscriptions are paused.

    Those who created them are notified of that, and ``actor_id``, who has just changed one. A message that
    ``ends_pause`` resumes what is paused in the channel once it is posted; one at a time waits.
    """
    payload = {"channel_id": channel_id, "actor_id": actor_id, "ends_pause": ends_pause} | message.to_payload()
    dedupe_key = f"resume:{workspace_id}:{channel_id}" if ends_pause else None
    await add_row(ctx, tx, CHANNEL_MESSAGE, workspace_id, channel_id, payload, dedupe_key=dedupe_key)


async def add_update(
    ctx: Context,
    tx: Transaction,
    message: MessageRow,
    kind: str,
    *,
    payload: Mapping[str, Any] | None = None,
    dedupe_key: str | None = None,
) -> None:
    """Queue what belongs to a stored message."""
    await add_row(
        ctx, tx, kind, message.workspace_id, message.channel_id, payload or {},
        message_id=message.message_id, dedupe_key=dedupe_key,
    )  # fmt: skip


async def add_row(
    ctx: Context,
    tx: Transaction,
    kind: str,
    workspace_id: str,
    recipient_id: str,
    payload: Mapping[str, Any],
    *,
    message_id: str | None = None,
    dedupe_key: str | None = None,
) -> None:
    """Store a row and the job that sends it. Rows of a channel or user are sent in order."""
    row = OutboxRow(
        outbox_id=ctx.new_id(),
        workspace_id=workspace_id,
        ordering_key=f"{workspace_id}:{recipient_id}",
        kind=kind,
        message_id=message_id,
        payload=payload,
        dedupe_key=dedupe_key,
        created_at=ctx.clock.now(),
    )
    if await outbox_rows.add_outgoing(tx, row):
        await ctx.engine.enqueue(tx, Job(DELIVER, {"outbox_id": row.outbox_id}, key=row.ordering_key))
