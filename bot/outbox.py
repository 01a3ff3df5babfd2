"""What is to be said in Slack: stored with what it is about, sent by the notifier, in order."""

from __future__ import annotations

from collections.abc import Mapping
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


async def update_card(ctx: Context, tx: Transaction, card: MessageRow) -> None:
    """Draw the card as its builds are when it is sent; an unsent drawing of it is enough."""
    await _add(ctx, tx, card, CARD, dedupe_key=f"card:{card.message_id}")


async def update_cards(ctx: Context, tx: Transaction, build: BuildRow) -> None:
    """Update every message that shows a build."""
    for card in await message_rows.list_of_build(tx, build.workspace_id, build.build_slug):
        await update_card(ctx, tx, card)


async def update_progress(ctx: Context, tx: Transaction, card: MessageRow) -> None:
    """Draw the card's progress if Slack's limits leave room for it."""
    await _add(ctx, tx, card, PROGRESS, dedupe_key=f"progress:{card.message_id}")


async def announce_result(ctx: Context, tx: Transaction, card: MessageRow) -> None:
    """Tell the end of a card's builds where people hear it."""
    await _add(ctx, tx, card, ANNOUNCEMENT)


async def explain_failure(ctx: Context, tx: Transaction, card: MessageRow, build_slug: str) -> None:
    """Say in the message's thread why that build of it failed."""
    await _add(ctx, tx, card, EXPLANATION, payload={"build_slug": build_slug})


async def reply_privately(ctx: Context, tx: Transaction, actor: Actor, message: Message) -> None:
    """Answer a person privately, where they asked."""
    sealed = None
    if actor.response_url:
        sealed = ctx.vault.seal(actor.response_url, context=f"ephemeral:{actor.workspace_id}")
    payload = {
        "user_id": actor.user_id,
        "channel_id": actor.channel_id,
        "response_url_sealed": sealed,
        **message.to_payload(),
    }
    await _store(ctx, tx, actor.workspace_id, EPHEMERAL, ordering_key=actor.user_id, payload=payload)


async def answer_privately(ctx: Context, actor: Actor, message: Message) -> None:
    """Reply privately in a transaction of its own; the reply is stored before it is sent."""
    await ctx.db.transaction(lambda tx: reply_privately(ctx, tx, actor, message))


async def send_direct(ctx: Context, tx: Transaction, workspace_id: str, user_id: str, message: Message) -> None:
    """A direct message."""
    payload = {"user_id": user_id, **message.to_payload()}
    await _store(ctx, tx, workspace_id, DIRECT_MESSAGE, ordering_key=user_id, payload=payload)


async def post_note(
    ctx: Context, tx: Transaction, workspace_id: str, channel_id: str, message: Message, *, tells: str | None = None
) -> None:
    """A sentence for all in a channel. If it cannot be written there, what the channel hears is paused, and
    ``tells`` is told besides those who set it up."""
    payload = {"channel_id": channel_id, "tells": tells, **message.to_payload()}
    await _store(ctx, tx, workspace_id, CHANNEL_MESSAGE, ordering_key=channel_id, payload=payload)


async def _add(
    ctx: Context,
    tx: Transaction,
    card: MessageRow,
    kind: str,
    *,
    payload: Mapping[str, Any] | None = None,
    dedupe_key: str | None = None,
) -> None:
    await _store(
        ctx,
        tx,
        card.workspace_id,
        kind,
        ordering_key=card.channel_id,
        payload=payload or {},
        message_id=card.message_id,
        dedupe_key=dedupe_key,
    )


async def _store(
    ctx: Context,
    tx: Transaction,
    workspace_id: str,
    kind: str,
    *,
    ordering_key: str,
    payload: Mapping[str, Any],
    message_id: str | None = None,
    dedupe_key: str | None = None,
) -> None:
    message = OutboxRow(
        outbox_id=ctx.new_id(),
        workspace_id=workspace_id,
        ordering_key=f"{workspace_id}:{ordering_key}",
        kind=kind,
        message_id=message_id,
        payload=payload,
        dedupe_key=dedupe_key,
        created_at=ctx.clock.now(),
    )
    if await outbox_rows.add_outgoing(tx, message):
        await ctx.engine.enqueue(tx, Job(DELIVER, {"outbox_id": message.outbox_id}, key=message.ordering_key))
