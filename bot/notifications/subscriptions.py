"""Subscribe channels to builds: add, change, remove and resume subscriptions, and post to the channel who did it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot import apps, connection, outbox, requests, sync_schedule, user_names
from bot.context import Context
from bot.errors import InvalidInput, MissingArgument, SubscriptionGone
from bot.notifications import filters
from bot.notifications import subscription_messages as drawing
from bot.notifications.filters import EXCLUDES, Filters
from bot.notifications.subscription_messages import SubscriptionView
from bot.permissions import Actor
from storage import Transaction
from storage import subscriptions as subscription_rows
from storage.subscriptions import SubscriptionRow

MAX_IN_CHANNEL = 20


@dataclass(frozen=True, slots=True)
class SubscriptionParameters:
    """``app_slug`` None means every app. ``style`` and ``starts`` None keep what a subscription has."""

    app_slug: str | None
    filters: Filters
    style: str | None = None
    starts: bool | None = None


@dataclass(frozen=True, slots=True)
class SavedSubscription:
    view: SubscriptionView
    is_new: bool


# Read.


async def list_here(ctx: Context, actor: Actor) -> list[SubscriptionRow]:
    """Return the subscriptions of the channel in which somebody acts."""
    ctx.permissions.check_member(actor)
    return await subscription_rows.list_of_channel(ctx.db, actor.workspace_id, actor.channel_id or "")


async def list_own(ctx: Context, actor: Actor) -> list[SubscriptionRow]:
    """Return the subscriptions that the person has created, in all channels."""
    ctx.permissions.check_member(actor)
    return await subscription_rows.list_created_by(ctx.db, actor.workspace_id, actor.user_id)


async def get_subscription(ctx: Context, actor: Actor, subscription_id: str) -> SubscriptionRow:
    """Return a subscription that the person may change. Raises `SubscriptionGone`."""
    await ctx.permissions.check_may_act(actor)
    row = await subscription_rows.find_subscription(ctx.db, actor.workspace_id, subscription_id)
    if row is None or not may_change(actor, row):
        raise SubscriptionGone(ctx.settings.command)
    return row


def may_change(actor: Actor, row: SubscriptionRow) -> bool:
    """Anybody may in the channel itself, as they could type it; elsewhere only the person who created it."""
    return row.channel_id == actor.channel_id or row.created_by == actor.user_id


async def load_views(
    ctx: Context, rows: Sequence[SubscriptionRow], *, known: Mapping[str, str] | None = None
) -> list[SubscriptionView]:
    """Add the titles of apps and the filters as sentences. ``known`` are names by Slack user id."""
    if not rows:
        return []
    workspace_id, selected = rows[0].workspace_id, [filters.from_json(row.filters) for row in rows]
    people = [pattern.removeprefix(EXCLUDES) for each in selected for pattern in each.by]
    user_ids = filter(filters.is_user_id, people)
    names = await user_names.list_display_names(ctx, workspace_id, user_ids, known)
    titles = await apps.list_titles(ctx, workspace_id)
    return [
        SubscriptionView(
            row, titles.get(row.app_slug or "", row.app_title or row.app_slug), filters.to_sentence(each, names)
        )
        for row, each in zip(rows, selected, strict=True)
    ]


# Add and change.


async def subscribe(
    ctx: Context, actor: Actor, parameters: SubscriptionParameters, *, known: Mapping[str, str] | None = None
) -> SavedSubscription:
    """Add a subscription. One with the same app and filters gets the new style and starts instead."""
    await check_may_subscribe(ctx, actor)
    new = new_row(ctx, actor, parameters, subscription_id=ctx.new_id(), channel_id=actor.channel_id or "")
    (view,) = await load_views(ctx, [new], known=known)

    async def store(tx: Transaction) -> SavedSubscription:
        existing = await subscription_rows.list_of_channel(tx, new.workspace_id, new.channel_id)
        same = next((row for row in existing if is_same(row, new)), None)
        if same is None and len(existing) >= MAX_IN_CHANNEL:
            raise InvalidInput(
                f"This channel has {MAX_IN_CHANNEL} subscriptions already, which is the most it can have. "
                f"Remove some with {ctx.settings.command} subscriptions, or put several patterns into one."
            )
        row = update_row(same, new, parameters) if same else new
        return await save(ctx, tx, actor, dataclasses.replace(view, row=row), is_new=same is None)

    return await ctx.db.transaction(store)


async def change_subscription(
    ctx: Context, actor: Actor, subscription_id: str, parameters: SubscriptionParameters
) -> SavedSubscription:
    """Replace the app and filters of a subscription. Raises `SubscriptionGone`."""
    await check_may_subscribe(ctx, actor)
    before = await get_subscription(ctx, actor, subscription_id)
    new = new_row(ctx, actor, parameters, subscription_id=subscription_id, channel_id=before.channel_id)
    (view,) = await load_views(ctx, [new])

    async def store(tx: Transaction) -> SavedSubscription:
        existing = await subscription_rows.list_of_channel(tx, new.workspace_id, new.channel_id)
        others = [row for row in existing if row.subscription_id != subscription_id]
        if len(others) == len(existing):
            raise SubscriptionGone(ctx.settings.command)
        if any(is_same(row, new) for row in others):
            raise InvalidInput("The channel hears exactly that by another subscription. Change or remove that one.")
        row = update_row(before, new, parameters)
        return await save(ctx, tx, actor, dataclasses.replace(view, row=row), is_new=False)

    return await ctx.db.transaction(store)


async def check_may_subscribe(ctx: Context, actor: Actor) -> None:
    await ctx.permissions.check_may_act(actor)
    if not actor.channel_id:
        raise MissingArgument(f"Subscriptions belong to a channel: type {ctx.settings.command} subscribe in one.")
    await connection.require(ctx, actor.workspace_id)


def new_row(
    ctx: Context, actor: Actor, parameters: SubscriptionParameters, *, subscription_id: str, channel_id: str
) -> SubscriptionRow:
    return SubscriptionRow(
        subscription_id=subscription_id,
        workspace_id=actor.workspace_id,
        channel_id=channel_id,
        app_slug=parameters.app_slug,
        filters=filters.to_json(parameters.filters),
        style=parameters.style or "card",
        include_starts=bool(parameters.starts),
        created_by=actor.user_id,
        created_at=ctx.clock.now(),
    )


def update_row(before: SubscriptionRow, new: SubscriptionRow, parameters: SubscriptionParameters) -> SubscriptionRow:
    """Return the new row in the place of another. One that was paused starts again from now."""
    return dataclasses.replace(
        new,
        subscription_id=before.subscription_id,
        style=parameters.style or before.style,
        include_starts=before.include_starts if parameters.starts is None else parameters.starts,
        created_at=new.created_at if before.paused_at else before.created_at,
    )


async def save(
    ctx: Context, tx: Transaction, actor: Actor, view: SubscriptionView, *, is_new: bool
) -> SavedSubscription:
    """Store a subscription and post it to the channel, which also shows whether Buildbell can post there."""
    row = dataclasses.replace(view.row, app_title=view.app_title)
    await subscription_rows.save_subscription(tx, row)
    note = drawing.saved_note(view, by=actor.user_name, is_new=is_new, command=ctx.settings.command)
    await outbox.post_to_channel(ctx, tx, row.workspace_id, row.channel_id, note, actor_id=actor.user_id)
    await record_audit(ctx, tx, actor, "subscribe", describe(row), "new" if is_new else "changed", row.app_slug)
    await sync_schedule.schedule_now(ctx, tx, row.workspace_id, at=ctx.clock.now())
    return SavedSubscription(view, is_new)


# Remove and resume.


async def remove_subscriptions(ctx: Context, actor: Actor, subscription_ids: Iterable[str]) -> list[SubscriptionView]:
    """Remove subscriptions and return those that existed. Raises `SubscriptionGone` if none did."""
    await ctx.permissions.check_may_act(actor)
    rows = [await subscription_rows.find_subscription(ctx.db, actor.workspace_id, each) for each in subscription_ids]
    views = await load_views(ctx, [row for row in rows if row is not None and may_change(actor, row)])

    async def store(tx: Transaction) -> list[SubscriptionView]:
        removed = []
        for view in views:
            row = view.row
            if not await subscription_rows.delete_subscription(tx, row.workspace_id, row.subscription_id):
                continue
            removed.append(view)
            if row.paused_at is None:
                note = drawing.removed_note(view, by=actor.user_name)
                await outbox.post_to_channel(ctx, tx, row.workspace_id, row.channel_id, note)
            await record_audit(ctx, tx, actor, "unsubscribe", describe(row), "removed", row.app_slug)
        return removed

    removed = await ctx.db.transaction(store)
    if not removed:
        raise SubscriptionGone(ctx.settings.command)
    return removed


async def resume_channel(ctx: Context, actor: Actor, channel_id: str) -> int:
    """Resume the subscriptions of a channel from now and return how many were paused.

    The note in the channel shows whether Buildbell can post there. If not, they are paused again.
    """
    await ctx.permissions.check_may_act(actor)
    workspace_id = actor.workspace_id
    rows = await subscription_rows.list_of_channel(ctx.db, workspace_id, channel_id)
    # The button in a direct message was sent only to people who had to do with the pause.
    is_recipient = (actor.channel_id or "").startswith("D")
    if not any(is_recipient or may_change(actor, row) for row in rows):
        raise SubscriptionGone(ctx.settings.command)

    async def store(tx: Transaction) -> int:
        now = ctx.clock.now()
        count = await subscription_rows.resume_channel(tx, workspace_id, channel_id, now=now)
        if count:
            note = drawing.resumed_note(count, by=actor.user_name)
            await outbox.post_to_channel(ctx, tx, workspace_id, channel_id, note, actor_id=actor.user_id)
            await record_audit(ctx, tx, actor, "subscribe", channel_id, f"resumed {count}")
            await sync_schedule.schedule_now(ctx, tx, workspace_id, at=now)
        return count

    return await ctx.db.transaction(store)


async def record_audit(
    ctx: Context, tx: Transaction, actor: Actor, action: str, subject: str, result: str, app_slug: str | None = None
) -> None:
    await requests.record_audit(
        ctx, tx, actor.workspace_id, actor.user_id, action=action, subject=subject, result=result, app_slug=app_slug
    )


def describe(row: SubscriptionRow) -> str:
    """Return the channel and the filters as typed, for the audit log."""
    typed = filters.to_text(filters.from_json(row.filters))
    return " ".join(filter(None, (row.channel_id, typed)))


def is_same(row: SubscriptionRow, other: SubscriptionRow) -> bool:
    """Whether two subscriptions have the same app and the same filters."""
    return row.app_slug == other.app_slug and has_filters(row, filters.from_json(other.filters))


def has_filters(row: SubscriptionRow, selected: Filters) -> bool:
    """Whether a subscription has these filters, in any order."""
    stored = filters.from_json(row.filters)
    return all(set(getattr(stored, key)) == set(getattr(selected, key)) for key in filters.KEYS)
