"""Match build events with subscriptions and the owners of builds, and notify each channel and user once, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.context import Context
from bot.domain.builds import Outcome
from bot.notifications import filters, posts
from bot.notifications.owners import is_owned_by
from bot.notifications.posts import Notification
from bot.results import trends
from storage import Reads, Transaction
from storage import builds as build_rows
from storage import events as event_rows
from storage import messages as message_rows
from storage import requests as request_rows
from storage import subscriptions as subscription_rows
from storage import users as user_rows
from storage import workspaces as workspace_rows
from storage.builds import BuildRow
from storage.events import BUILD_FINISHED, BUILD_STARTED, EventRow
from storage.messages import CARD
from storage.subscriptions import CHANGES, SubscriptionRow
from storage.users import FAILURES, OFF, UserRow

LATE_AFTER = timedelta(minutes=10)
"""Longer than a working Buildbell needs to notice a result, also in a workspace that is polled rarely."""
BATCH, LATE_BATCH = 20, 500
"""Events handled in one transaction, for which others may have to wait. Many late ones become one message."""
STYLES_BY_RICHNESS = (CHANGES, "card", "thread", "line")
"""Of several subscriptions of a channel that match a build, only the first of these styles is posted."""
OVERLAP = timedelta(minutes=2)
"""Bitrise's list may be a moment behind: a build this much older than those synced may still be new."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """The active subscriptions and the users of a workspace."""

    subscriptions: Sequence[SubscriptionRow]
    users: Sequence[UserRow]

    @property
    def git_names(self) -> Mapping[str, Sequence[str]]:
        return {user.user_id: user.git_names for user in self.users}

    @property
    def is_empty(self) -> bool:
        return not self.subscriptions and all(user.dm_level == OFF for user in self.users)

    def may_await(self, build: BuildRow) -> bool:
        """Whether somebody may be notified of the result of a running build; the filters decide when it is known."""
        if any(row.app_slug in (None, build.app_slug) for row in self.subscriptions):
            return True
        return any(user.dm_level != OFF and is_owned_by(build, user) for user in self.users)


async def list_recipients(db: Reads, workspace_id: str) -> Recipients:
    return Recipients(
        await subscription_rows.list_active(db, workspace_id), await user_rows.list_users(db, workspace_id)
    )


async def is_subscribed(db: Reads, channel_id: str, build: BuildRow) -> bool:
    """Whether a channel has subscribed to results like this one: a card then announces it to the whole channel."""
    if build.finished_at is None:
        return False
    recipients = await list_recipients(db, build.workspace_id)
    return any(
        includes(row, BUILD_FINISHED, build.finished_at, build, recipients.git_names)
        for row in recipients.subscriptions
        if row.channel_id == channel_id and row.style != CHANGES
    )


# Record events.


async def record_started(ctx: Context, tx: Transaction, build: BuildRow) -> None:
    """Record the start of a new build, or its result if it was missed between two syncs; older ones are skipped."""
    if not build.is_finished:
        await record_event(ctx, tx, build, BUILD_STARTED, build.triggered_at)
        return
    workspace = await workspace_rows.find_workspace(tx, build.workspace_id)
    synced_until = workspace.synced_until if workspace else None
    if synced_until and build.triggered_at and build.triggered_at > synced_until - OVERLAP:
        await record_finished(ctx, tx, build)


async def record_finished(ctx: Context, tx: Transaction, build: BuildRow) -> None:
    """Record a result. A build that Bitrise no longer shows has none."""
    if build.outcome is not None:
        await record_event(ctx, tx, build, BUILD_FINISHED, build.finished_at)


async def record_event(ctx: Context, tx: Transaction, build: BuildRow, kind: str, at: datetime | None) -> None:
    if build.request_id and not build.requested_by:
        request = await request_rows.find_request(tx, build.request_id)
        if request is not None and request.workspace_id == build.workspace_id and request.state == "sent":
            return  # synced before Bitrise answered our start: the answer records it, with the requester
    occurred_at = at or ctx.clock.now()
    await event_rows.add_event(
        tx, workspace_id=build.workspace_id, build_slug=build.build_slug, kind=kind, at=occurred_at
    )


# Notify.


async def notify_all(ctx: Context, workspace_id: str) -> None:
    """Handle every event, in as many transactions as it takes."""
    while await ctx.db.transaction(lambda tx: notify(ctx, tx, workspace_id)):
        pass


async def notify(ctx: Context, tx: Transaction, workspace_id: str) -> bool:
    """Store the messages for the oldest events; return whether there may be more of them."""
    events = await event_rows.pop_events(tx, workspace_id, limit=BATCH)
    if not events:
        return False
    if is_late(ctx, events[0]):
        events += await event_rows.pop_events(tx, workspace_id, limit=LATE_BATCH)
    recipients = await list_recipients(tx, workspace_id)
    notifications: list[Notification] = []
    for event in events:
        build = await build_rows.find_build(tx, workspace_id, event.build_slug)
        if build is not None:
            notifications += await match_event(ctx, tx, event, build, recipients)
    await posts.post_notifications(ctx, tx, workspace_id, notifications)
    return len(events) >= BATCH


async def match_event(
    ctx: Context, tx: Transaction, event: EventRow, build: BuildRow, recipients: Recipients
) -> list[Notification]:
    """Return one notification for each channel, by the richest style of its subscriptions, and for each user.

    A channel with a card of the build sees its result there, and a changed result in a message of its own.
    """
    messages = await message_rows.list_of_build(tx, build.workspace_id, build.build_slug)
    cards = [message for message in messages if message.kind == CARD]
    late, git_names = is_late(ctx, event), recipients.git_names
    by_channel: dict[str, list[SubscriptionRow]] = {}
    for row in recipients.subscriptions:
        if includes(row, event.kind, event.occurred_at, build, git_names):
            by_channel.setdefault(row.channel_id, []).append(row)
    results: list[Notification] = []
    for channel_id, matches in by_channel.items():
        trend = await trends.find_trend(tx, build) if any(row.style == CHANGES for row in matches) else None
        has_card = any(card.channel_id == channel_id for card in cards)
        rows = [row for row in matches if (trend if row.style == CHANGES else not has_card)]
        if rows:
            richest = min(rows, key=lambda row: STYLES_BY_RICHNESS.index(row.style))
            threaded = next((row for row in rows if row.style == "thread"), None)
            trend = trend if richest.style == CHANGES else None
            results.append(Notification(event.kind, build, channel_id, richest, trend, late, threaded))
    mentioned = {card.requested_by for card in cards}
    direct = [
        Notification(event.kind, build, user.user_id, is_late=late)
        for user in recipients.users
        if event.kind == BUILD_FINISHED and user.user_id not in mentioned and wants_message(user, build)
    ]
    return [*results, *direct]


def is_late(ctx: Context, event: EventRow) -> bool:
    return event.kind == BUILD_FINISHED and ctx.clock.now() - event.occurred_at > LATE_AFTER


def includes(
    row: SubscriptionRow, kind: str, occurred_at: datetime, build: BuildRow, git_names: Mapping[str, Sequence[str]]
) -> bool:
    """Whether a subscription includes an event of that kind. Events from before the subscription are skipped."""
    since = row.created_at.replace(microsecond=0)  # Bitrise's times are whole seconds
    if row.app_slug not in (None, build.app_slug) or occurred_at < since:
        return False
    selected = filters.from_json(row.filters)
    if kind == BUILD_FINISHED:
        return filters.matches_result(selected, build, git_names)
    return row.include_starts and row.style != CHANGES and filters.matches_start(selected, build, git_names)


def wants_message(user: UserRow, build: BuildRow) -> bool:
    if user.dm_level == OFF or (user.dm_level == FAILURES and build.outcome != Outcome.FAILED):
        return False
    return is_owned_by(build, user)
