"""Post notifications: in the style of the subscription, in the thread of the branch, many late ones as one summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot import outbox
from bot.context import Context
from bot.results import analysis
from bot.results.trends import ResultTrend
from storage import Transaction
from storage import builds as build_rows
from storage import messages as message_rows
from storage.builds import BuildRow
from storage.events import BUILD_STARTED
from storage.messages import CARD, CHANGE, LINE, STARTED, SUMMARY, THREAD_ROOT, MessageRow
from storage.subscriptions import CHANGES, SubscriptionRow

MAX_LATE = 3
"""More late messages than this in one channel become one summary."""
MAX_TARGETS = 8
"""Workflows and pipelines shown in the message of a branch."""


@dataclass(frozen=True, slots=True)
class Notification:
    """A message about a build to be posted, for a subscription or, without one, to the user ``channel_id``.

    ``kind`` is that of the event. ``trend`` is set for subscriptions to changes. ``threaded`` is the subscription whose
    thread of the branch is kept up to date, also if another style is posted.
    """

    kind: str
    build: BuildRow
    channel_id: str
    subscription: SubscriptionRow | None = None
    trend: ResultTrend | None = None
    is_late: bool = False
    threaded: SubscriptionRow | None = None


async def post_notifications(
    ctx: Context, tx: Transaction, workspace_id: str, notifications: Sequence[Notification]
) -> None:
    by_channel: dict[str, list[Notification]] = {}
    for notification in notifications:
        by_channel.setdefault(notification.channel_id, []).append(notification)
    for channel_id, of_channel in by_channel.items():
        late = [notification for notification in of_channel if notification.is_late]
        is_summary = len(late) > MAX_LATE
        if is_summary:
            slugs = list(dict.fromkeys(notification.build.build_slug for notification in late))
            facts = {"yours": late[0].subscription is None}
            await post(ctx, tx, workspace_id, channel_id, SUMMARY, slugs, late[0].subscription, facts=facts)
        for notification in of_channel:
            if not (is_summary and notification.is_late):
                await post_notification(ctx, tx, notification)


async def post_notification(ctx: Context, tx: Transaction, notification: Notification) -> None:
    build, subscription, parent = notification.build, notification.subscription, None
    requested = subscription.style if subscription else "card"
    kind = CHANGE if requested == CHANGES else CARD
    if requested in ("line", "thread"):
        kind = STARTED if notification.kind == BUILD_STARTED else LINE
    if notification.threaded is not None:
        may_post = requested == "thread"
        root = await update_thread_root(ctx, tx, build, notification.threaded, may_post=may_post)
        parent = root if may_post else None
    facts = notification.trend.to_facts() if notification.trend else {}
    if notification.is_late:
        facts |= {"late": True}
    await post(
        ctx, tx, build.workspace_id, notification.channel_id, kind, [build.build_slug], subscription,
        parent_id=parent.message_id if parent else None,
        announced_at=ctx.clock.now() if kind == CARD and build.is_finished else None,  # the card shows the result
        facts=facts or None,
    )  # fmt: skip
    if build.is_finished:
        await analysis.request_analysis(ctx, tx, build)


async def update_thread_root(
    ctx: Context, tx: Transaction, build: BuildRow, subscription: SubscriptionRow, *, may_post: bool
) -> MessageRow | None:
    """Return the message in whose thread a branch is posted; with ``may_post``, post it for the first build."""
    workspace_id, channel_id = build.workspace_id, subscription.channel_id
    thread_key = f"branch:{build.app_slug}:{build.tag or build.branch or ''}"
    if build.pull_request_id:
        thread_key = f"pull-request:{build.app_slug}:{build.pull_request_id}"
    root = await message_rows.find_by_thread_key(tx, workspace_id, channel_id, thread_key)
    if root is None and not may_post:
        return None
    if root is None:
        return await post(
            ctx, tx, workspace_id, channel_id, THREAD_ROOT, [build.build_slug], subscription, thread_key=thread_key
        )
    newest = {build.target: build}  # of each workflow: this one may have been triggered before the one shown
    for slug in await message_rows.list_build_slugs(tx, root.message_id):
        other = await build_rows.find_build(tx, workspace_id, slug)
        if other is not None and (other.target not in newest or age_key(other) > age_key(newest[other.target])):
            newest[other.target] = other
    builds = sorted(newest.values(), key=age_key, reverse=True)[:MAX_TARGETS]
    await message_rows.replace_builds(tx, root, [each.build_slug for each in builds])
    await outbox.update_card(ctx, tx, root)
    return root


async def post(
    ctx: Context,
    tx: Transaction,
    workspace_id: str,
    channel_id: str,
    kind: str,
    build_slugs: Sequence[str],
    subscription: SubscriptionRow | None,
    **fields: Any,
) -> MessageRow:
    """Store a message about builds and queue it."""
    message = MessageRow(
        message_id=ctx.new_id(),
        workspace_id=workspace_id,
        channel_id=channel_id,
        created_at=ctx.clock.now(),
        kind=kind,
        subscription_id=subscription.subscription_id if subscription else None,
        **fields,
    )
    await message_rows.add_message(tx, message, build_slugs)
    await outbox.update_card(ctx, tx, message)
    return message


def age_key(build: BuildRow) -> tuple[float, int]:
    """Return a greater key for a newer build. Builds of the same second differ by their number."""
    return (build.triggered_at.timestamp() if build.triggered_at else 0.0, build.number or 0)
