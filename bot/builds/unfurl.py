"""A link to a build, pasted into a channel, becomes its card: live, with its buttons, below the person's message.

https://docs.slack.dev/messaging/unfurling-links-in-messages
"""

from __future__ import annotations

from dataclasses import dataclass

from bot import outbox, sync_schedule
from bot.builds import queries
from bot.builds.queries import BuildRef
from bot.context import Context
from bot.permissions import Actor
from storage import Transaction
from storage import apps as app_rows
from storage import messages as message_rows
from storage import subscriptions as subscription_rows
from storage.builds import BuildRow
from storage.messages import UNFURL, MessageRow


@dataclass(frozen=True, slots=True)
class SharedLink:
    """``ts`` is the message's; in a channel shared with another workspace ``is_shared`` is set."""

    channel_id: str
    ts: str
    url: str
    is_shared: bool


async def unfurl_link(ctx: Context, actor: Actor, link: SharedLink, reference: BuildRef) -> bool:
    """Hang the build's card under the message, once. False when this channel may not see it.

    Every member of the workspace may see every app that its token reaches, so in channels of its own nothing is
    given away. Strangers read a shared channel: there only apps are shown that the channel itself follows.
    """
    build = await queries.get_build(ctx, actor, reference, looks_everywhere=False)
    if link.is_shared and not await _is_followed_in(ctx, actor.workspace_id, link.channel_id, build.app_slug):
        return False
    card = _card(ctx, actor, link)

    async def store(tx: Transaction) -> None:
        place = card.thread_key or ""
        if await message_rows.find_by_thread_key(tx, actor.workspace_id, link.channel_id, place) is not None:
            return  # Slack tells of a link more than once
        await message_rows.add_message(tx, card, [build.build_slug])
        await outbox.update_card(ctx, tx, card)
        await _watch(ctx, tx, build)

    await ctx.db.transaction(store)
    return True


async def _watch(ctx: Context, tx: Transaction, build: BuildRow) -> None:
    if not build.is_finished:
        await sync_schedule.schedule_now(ctx, tx, build.workspace_id, at=ctx.clock.now())


async def _is_followed_in(ctx: Context, workspace_id: str, channel_id: str, app_slug: str) -> bool:
    channel = await app_rows.get_channel(ctx.db, workspace_id, channel_id)
    if channel.app_slug == app_slug:
        return True
    rows = await subscription_rows.list_of_channel(ctx.db, workspace_id, channel_id)
    return any(row.app_slug in (None, app_slug) for row in rows)


def _card(ctx: Context, actor: Actor, link: SharedLink) -> MessageRow:
    return MessageRow(
        message_id=ctx.new_id(),
        workspace_id=actor.workspace_id,
        channel_id=link.channel_id,
        ts=link.ts,
        created_at=ctx.clock.now(),
        kind=UNFURL,
        thread_key=f"link:{link.ts}:{link.url}",
        facts={"url": link.url},
    )
