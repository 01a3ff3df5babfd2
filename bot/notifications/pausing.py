"""Pause notifications that can't reach anybody, tell somebody who can repair it, and resume them when it is repaired.

Buildbell pauses the subscriptions and scheduled reports of a channel where Slack refuses messages, the subscriptions of
an app that the connected token can no longer access, and direct messages to people who can't get them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot import outbox
from bot.context import Context
from bot.engine import Job, JobKind, RetryAt
from bot.notifications import messages
from storage import Transaction
from storage import digests as digest_rows
from storage import subscriptions as subscription_rows
from storage import users as user_rows
from storage import workspaces as workspace_rows
from storage.subscriptions import APP_LOST, SubscriptionRow

log = logging.getLogger(__name__)
RESUME = "resume"
FIRST_TRY, LAST_PAUSE = timedelta(minutes=10), timedelta(hours=6)
"""A paused channel is tried again after as long as it has been paused, within these bounds."""
REASONS = {
    "is_archived": "the channel is archived",
    "not_in_channel": "Buildbell isn't in the channel",
    "channel_not_found": "the channel was deleted, or it is private and Buildbell isn't in it",
    "restricted_action_read_only_channel": "only some people can post there",
    "restricted_action": "an admin restricted who can post there",
}
OTHER_REASON = "Slack doesn't let Buildbell post there"


# Channels where Slack refuses messages.


async def pause_subscriptions(
    ctx: Context, tx: Transaction, workspace_id: str, channel_id: str, error: str, *, actor_id: str | None = None
) -> None:
    """Pause the subscriptions of a channel and send their creators one direct message each, with a button to resume.

    ``actor_id`` has just changed one and is notified in any case.
    """
    reason, now = REASONS.get(error, OTHER_REASON), ctx.clock.now()
    paused = await subscription_rows.pause_channel(tx, workspace_id, channel_id, why=reason, now=now)
    creators = list(dict.fromkeys(row.created_by for row in paused))
    note = messages.notifications_paused(channel_id, reason)
    for user_id in creators:
        instead = await list_others(tx, workspace_id, channel_id, user_id)
        await outbox.send_direct(ctx, tx, workspace_id, user_id, note, instead=instead)
    if actor_id is not None and actor_id not in creators:
        await outbox.send_direct(ctx, tx, workspace_id, actor_id, messages.still_paused(channel_id, reason))
    if paused:
        await schedule_resume(ctx, tx, workspace_id, channel_id, paused_at=now)


async def pause_digests(ctx: Context, tx: Transaction, workspace_id: str, channel_id: str, error: str) -> None:
    """Pause the scheduled reports of a channel and notify their creators."""
    reason, now = REASONS.get(error, OTHER_REASON), ctx.clock.now()
    paused = await digest_rows.pause_channel(tx, workspace_id, channel_id, why=reason, now=now)
    for user_id in dict.fromkeys(row.created_by for row in paused):
        note, instead = (
            messages.report_paused(channel_id, reason),
            await list_others(tx, workspace_id, channel_id, user_id),
        )
        await outbox.send_direct(ctx, tx, workspace_id, user_id, note, instead=instead)
    if paused:
        await schedule_resume(ctx, tx, workspace_id, channel_id, paused_at=now)


async def list_others(tx: Transaction, workspace_id: str, channel_id: str, user_id: str) -> Sequence[str]:
    """Return who else can repair a paused channel: the other creators in it, then who connected Bitrise."""
    subscriptions = await subscription_rows.list_of_channel(tx, workspace_id, channel_id)
    digests = await digest_rows.list_of_channel(tx, workspace_id, channel_id)
    creators = [*(row.created_by for row in subscriptions), *(row.created_by for row in digests)]
    workspace = await workspace_rows.find_workspace(tx, workspace_id)
    connected_by = [workspace.connected_by] if workspace and workspace.connected_by else []
    return [other for other in dict.fromkeys([*creators, *connected_by]) if other != user_id]


async def schedule_resume(
    ctx: Context, tx: Transaction, workspace_id: str, channel_id: str, *, paused_at: datetime
) -> None:
    arguments = {"workspace_id": workspace_id, "channel_id": channel_id, "paused_at": paused_at.isoformat()}
    await ctx.engine.enqueue(tx, Job(RESUME, arguments, due_at=paused_at + FIRST_TRY))


async def perform_resume(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """Post to a paused channel, which ends the pause if Slack accepts it (`bot.delivery.sender`), until it has ended.

    A later pause has a job of its own.
    """
    workspace_id, channel_id = arguments["workspace_id"], arguments["channel_id"]
    paused_at, now = datetime.fromisoformat(arguments["paused_at"]), ctx.clock.now()
    subscriptions = await subscription_rows.list_of_channel(ctx.db, workspace_id, channel_id)
    digests = await digest_rows.list_of_channel(ctx.db, workspace_id, channel_id)
    if paused_at not in {*(row.paused_at for row in subscriptions), *(row.paused_at for row in digests)}:
        return
    note = messages.notifications_resumed(paused_at, command=ctx.settings.command)
    await ctx.db.transaction(
        lambda tx: outbox.post_to_channel(ctx, tx, workspace_id, channel_id, note, ends_pause=True)
    )
    raise RetryAt(now + min(max(now - paused_at, FIRST_TRY), LAST_PAUSE))


# Apps that the token can't access.


async def check_access(ctx: Context, workspace_id: str) -> None:
    """Pause the subscriptions of apps that the token can no longer access, and resume them when it can again."""
    changes = await subscription_rows.list_access_changes(ctx.db, workspace_id)
    if not changes:
        return

    async def store(tx: Transaction) -> None:
        now = ctx.clock.now()
        lost: list[SubscriptionRow] = []
        for row in changes:
            if row.paused_at is not None:
                if await subscription_rows.resume_subscription(tx, row, now=now):
                    note = messages.app_found(row.app_title or row.app_slug or "")
                    await outbox.post_to_channel(ctx, tx, workspace_id, row.channel_id, note)
            elif await subscription_rows.pause_subscription(tx, row, why=APP_LOST, now=now):
                lost.append(row)
        await report_lost(ctx, tx, workspace_id, lost)

    await ctx.db.transaction(store)


async def report_lost(ctx: Context, tx: Transaction, workspace_id: str, lost: Sequence[SubscriptionRow]) -> None:
    """Tell each channel once about each app, and those who connected Bitrise or created the subscriptions."""
    workspace = await workspace_rows.find_workspace(tx, workspace_id)
    connected_by = workspace.connected_by if workspace else None
    for channel_id, title in dict.fromkeys((row.channel_id, row.app_title or row.app_slug or "") for row in lost):
        await outbox.post_to_channel(ctx, tx, workspace_id, channel_id, messages.app_lost(title))
    titles = sorted({row.app_title or row.app_slug or "" for row in lost})
    if titles:
        note = messages.apps_lost(titles, sorted({row.channel_id for row in lost}))
        creators = [row.created_by for row in lost]
        first, *others = dict.fromkeys([connected_by, *creators] if connected_by else creators)
        await outbox.send_direct(ctx, tx, workspace_id, first, note, instead=others)


# People.


async def disable_direct_messages(tx: Transaction, workspace_id: str, user_id: str, error: str) -> None:
    """Switch off direct messages to somebody who has left or accepts none, instead of trying for every build."""
    if await user_rows.disable_messages(tx, workspace_id, user_id):
        facts = {"workspace": workspace_id, "user": user_id, "error": error}
        log.warning("direct messages to a person were switched off", extra=facts)


JOBS = (JobKind(RESUME, perform_resume, concurrency=2),)
