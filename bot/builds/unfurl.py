"""Unfurl a link to a build: its live card, with buttons, appears below the message.

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
from storage.messages import UNFURL, MessageRow


@dataclass(frozen=True, slots=True)
class SharedLink:
    """A link in the message ``ts``; ``is_shared`` if the channel is shared with another workspace."""

    channel_id: str
    ts: str
    url: str
    is_shared: bool


async def unfurl_link(ctx: Context, actor: Actor, link: SharedLink, reference: BuildRef) -> bool:
    """Add the build's card to the message, once. Return False if this channel may not see it.

    Every member of the workspace may see every app that its token can access. People of other workspaces read a
    shared channel, so there only the apps are unfurled that the channel itself uses.
    """
    build = await queries.get_build(ctx, actor, reference, searches_apps=False)
    if link.is_shared and not await uses_app(ctx, actor.workspace_id, link.channel_id, build.app_slug):
        return False
    now, thread_key = ctx.clock.now(), f"link:{link.ts}:{link.url}"
    card = MessageRow(
        message_id=ctx.new_id(),
        workspace_id=actor.workspace_id,
        channel_id=link.channel_id,
        ts=link.ts,
        created_at=now,
        kind=UNFURL,
        thread_key=thread_key,
        facts={"url": link.url},
    )

    async def store(tx: Transaction) -> None:
        if await message_rows.find_by_thread_key(tx, actor.workspace_id, link.channel_id, thread_key) is not None:
            return  # Slack reports a link more than once
        await message_rows.add_message(tx, card, [build.build_slug])
        await outbox.update_card(ctx, tx, card)
        if not build.is_finished:
            await sync_schedule.schedule_now(ctx, tx, build.workspace_id, at=now)

    await ctx.db.transaction(store)
    return True


async def uses_app(ctx: Context, workspace_id: str, channel_id: str, app_slug: str) -> bool:
    """Whether the app is the channel's default or one that it is subscribed to."""
    channel = await app_rows.get_channel(ctx.db, workspace_id, channel_id)
    if channel.app_slug == app_slug:
        return True
    subscriptions = await subscription_rows.list_of_channel(ctx.db, workspace_id, channel_id)
    return any(subscription.app_slug in (None, app_slug) for subscription in subscriptions)
