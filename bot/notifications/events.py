"""What has happened to builds, held against what channels and people want to hear, and told: once each, in order."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.context import Context
from bot.domain.builds import Outcome
from bot.notifications import filters, posts
from bot.notifications.owners import is_of
from bot.notifications.posts import Telling
from bot.results import trends
from bot.results.trends import ResultTrend
from storage import Reads, Transaction
from storage import builds as build_rows
from storage import events as event_rows
from storage import requests as request_rows
from storage import subscriptions as subscription_rows
from storage import users as user_rows
from storage import workspaces as workspace_rows
from storage.builds import BuildRow
from storage.events import BUILD_FINISHED, BUILD_STARTED, EventRow
from storage.subscriptions import CHANGES, SubscriptionRow
from storage.users import FAILURES, OFF, UserRow

log = logging.getLogger(__name__)
LATE_AFTER = timedelta(minutes=10)
"""Longer than a healthy Buildbell needs to notice an end, also where nothing was watched."""
AT_ONCE, LATE_AT_ONCE = 20, 500
"""Told in one transaction, during which others may have to wait. Many late ones become one message."""
OVERLAP = timedelta(minutes=2)
"""Bitrise's list may be a moment behind: a build this much older than what is known may still be new."""


@dataclass(frozen=True, slots=True)
class Hearers:
    """Who hears in a workspace."""

    subscriptions: Sequence[SubscriptionRow]
    people: Sequence[UserRow]

    @property
    def git_names(self) -> Mapping[str, tuple[str, ...]]:
        return {person.user_id: person.git_names for person in self.people}

    def may_concern(self, build: BuildRow) -> bool:
        """Whether somebody may want to hear how a running build ends; the filters decide when it has."""
        is_followed = any(person.dm_level != OFF and is_of(person, build) for person in self.people)
        return is_followed or any(row.app_slug in (None, build.app_slug) for row in self.subscriptions)

    @property
    def are_there(self) -> bool:
        return bool(self.subscriptions) or any(person.dm_level != OFF for person in self.people)


async def list_recipients(db: Reads, workspace_id: str) -> Hearers:
    return Hearers(
        await subscription_rows.list_active(db, workspace_id),
        await user_rows.list_users(db, workspace_id),
    )


async def is_subscribed(ctx: Context, workspace_id: str, channel_id: str, build: BuildRow) -> bool:
    """Whether a channel has subscribed to ends like this one: then a card's end is told there for all to see."""
    if build.finished_at is None:
        return False
    hearers = await list_recipients(ctx.db, workspace_id)
    item = EventRow(0, workspace_id, build.build_slug, BUILD_FINISHED, build.finished_at)
    rows = [row for row in hearers.subscriptions if row.channel_id == channel_id and row.style != CHANGES]
    return any(fits(row, item, build, hearers.git_names) for row in rows)


# Something has happened.


async def record_started(ctx: Context, tx: Transaction, build: BuildRow) -> None:
    """A build nobody knew: its start is news, and its end if it ended in the span not yet known to the end."""
    if not build.is_finished:
        if not await _is_being_claimed(ctx, tx, build):
            await _add(ctx, tx, build, BUILD_STARTED, build.triggered_at)
        return
    workspace = await workspace_rows.find_workspace(tx, build.workspace_id)
    synced_until = workspace.synced_until if workspace else None
    if synced_until and build.triggered_at and build.triggered_at > synced_until - OVERLAP:
        await record_finished(ctx, tx, build)


async def record_finished(ctx: Context, tx: Transaction, build: BuildRow) -> None:
    # What Bitrise no longer shows has no end that could be told.
    if build.outcome is not None and not await _is_being_claimed(ctx, tx, build):
        await _add(ctx, tx, build, BUILD_FINISHED, build.finished_at)


async def _is_being_claimed(ctx: Context, tx: Transaction, build: BuildRow) -> bool:
    """A start of ours was seen by a sweep before its own answer was: that answer will tell, with who asked."""
    if not build.request_id or build.requested_by:
        return False
    request = await request_rows.find_request(tx, build.request_id)
    return request is not None and request.workspace_id == build.workspace_id and request.state == "sent"


async def _add(ctx: Context, tx: Transaction, build: BuildRow, kind: str, at: datetime | None) -> None:
    await event_rows.add_event(
        tx, workspace_id=build.workspace_id, build_slug=build.build_slug, kind=kind, at=at or ctx.clock.now()
    )


# Telling.


async def notify_all(ctx: Context, workspace_id: str) -> None:
    """Whatever is due, in as many transactions as it takes."""
    while await ctx.db.transaction(lambda tx: notify(ctx, tx, workspace_id)):
        pass


async def notify(ctx: Context, tx: Transaction, workspace_id: str) -> bool:
    """Store the messages for what is due, the oldest first; True when there may be more of it.

    While a gap is being read, everything waits, for the order's sake.
    """
    workspace = await workspace_rows.find_workspace(tx, workspace_id)
    if workspace is None or workspace.backfill_cursor:
        return False
    due = await event_rows.pop_events(tx, workspace_id, limit=AT_ONCE)
    if not due:
        return False
    if _is_late(ctx, due[0]):
        due += await event_rows.pop_events(tx, workspace_id, limit=LATE_AT_ONCE)
    hearers = await list_recipients(tx, workspace_id)
    tellings: list[Telling] = []
    for item in due:
        build = await build_rows.find_build(tx, workspace_id, item.build_slug)
        if build is None:
            continue
        tellings += await _channel_notifications(ctx, tx, item, build, hearers)
        tellings += await _direct_notifications(ctx, tx, item, build, hearers)
    await posts.post_notifications(ctx, tx, workspace_id, tellings)
    return len(due) >= AT_ONCE


async def _channel_notifications(
    ctx: Context, tx: Transaction, item: EventRow, build: BuildRow, hearers: Hearers
) -> list[Telling]:
    """One message a channel, by the first subscription the build fits; a change is a message of its own."""
    told: dict[str, Telling] = {}
    changed: dict[str, Telling] = {}
    shown_in = await posts.channels_showing(ctx, tx, build)
    for row in hearers.subscriptions:
        if not fits(row, item, build, hearers.git_names):
            continue
        if row.style == CHANGES:
            change = await _change(ctx, tx, item, build)
            if change is not None:
                changed.setdefault(row.channel_id, _notification(ctx, item, build, row, change))
        elif row.channel_id not in shown_in:
            told.setdefault(row.channel_id, _notification(ctx, item, build, row))
    return [*told.values(), *changed.values()]


async def _change(ctx: Context, tx: Transaction, item: EventRow, build: BuildRow) -> ResultTrend | None:
    return await trends.find_trend(tx, build) if item.kind == BUILD_FINISHED else None


def _notification(
    ctx: Context, item: EventRow, build: BuildRow, row: SubscriptionRow, change: ResultTrend | None = None
) -> Telling:
    return Telling(
        kind=item.kind,
        build=build,
        channel_id=row.channel_id,
        at=item.occurred_at,
        subscription=row,
        change=change,
        is_late=_is_late(ctx, item),
    )


def _is_late(ctx: Context, item: EventRow) -> bool:
    return item.kind == BUILD_FINISHED and ctx.clock.now() - item.occurred_at > LATE_AFTER


async def _direct_notifications(
    ctx: Context, tx: Transaction, item: EventRow, build: BuildRow, hearers: Hearers
) -> list[Telling]:
    tellings = []
    for person in hearers.people:
        if item.kind != BUILD_FINISHED or not wants(person, build):
            continue
        if await posts.is_mentioned(ctx, tx, build, person.user_id):
            continue
        tellings.append(
            Telling(
                kind=item.kind,
                build=build,
                channel_id=person.user_id,
                at=item.occurred_at,
                person=person,
                is_late=_is_late(ctx, item),
            )
        )
    return tellings


def fits(row: SubscriptionRow, item: EventRow, build: BuildRow, git_names: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a channel wants to hear it. What was over before somebody subscribed is not told."""
    since = row.created_at.replace(microsecond=0)  # Bitrise tells whole seconds
    if row.app_slug not in (None, build.app_slug) or item.occurred_at < since:
        return False
    wanted = filters.from_json(row.filters)
    if item.kind == BUILD_STARTED:
        is_told = row.include_starts and row.style != CHANGES
        return is_told and filters.fits_start(wanted, build, git_names)
    return filters.fits_end(wanted, build, git_names)


def wants(person: UserRow, build: BuildRow) -> bool:
    if person.dm_level == OFF or (person.dm_level == FAILURES and build.outcome != Outcome.FAILED):
        return False
    return is_of(person, build)
