"""What channels hear: subscribe, change, remove, go on after a pause. The channel is told who did it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot import connection, outbox, requests, sync_schedule, user_names
from bot.context import Context
from bot.errors import InvalidInput, MissingArgument, SubscriptionGone
from bot.notifications import filters
from bot.notifications import subscription_messages as drawing
from bot.notifications.filters import EXCLUDES, Filters
from bot.notifications.subscription_messages import SubscriptionView
from bot.permissions import Actor
from bot.slack.text import Message
from storage import Transaction
from storage import apps as app_rows
from storage import subscriptions as subscription_rows
from storage.subscriptions import SubscriptionRow

MOST_IN_CHANNEL = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What a channel is to hear. ``app_slug`` None is every app; of ``style`` and ``starts`` None is "as it was"."""

    app_slug: str | None
    filters: Filters
    style: str | None = None
    starts: bool | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    shown: SubscriptionView
    is_new: bool


# Asking.


async def list_here(ctx: Context, actor: Actor) -> list[SubscriptionRow]:
    """What the channel hears in which somebody asks."""
    ctx.permissions.check_member(actor)
    return await subscription_rows.list_of_channel(ctx.db, actor.workspace_id, actor.channel_id or "")


async def list_own(ctx: Context, actor: Actor) -> list[SubscriptionRow]:
    """What the person has set up, in whatever channel; of others' channels nobody learns here."""
    ctx.permissions.check_member(actor)
    return await subscription_rows.list_created_by(ctx.db, actor.workspace_id, actor.user_id)


async def get_subscription(ctx: Context, actor: Actor, subscription_id: str) -> SubscriptionRow:
    """One of the channel in which somebody asks, or of their own. Raises `SubscriptionGone`."""
    ctx.permissions.check_member(actor)
    row = await subscription_rows.find_subscription(ctx.db, actor.workspace_id, subscription_id)
    if row is None or not may_change(actor, row):
        raise SubscriptionGone(ctx.settings.command)
    return row


async def load_views(
    ctx: Context, rows: Sequence[SubscriptionRow], *, known: Mapping[str, str] | None = None
) -> list[SubscriptionView]:
    """With the apps' titles and in words; ``known`` are names of Slack user ids that need not be asked for."""
    if not rows:
        return []
    people = [user_id for row in rows for user_id in people_in(filters.from_json(row.filters))]
    names = await user_names.list_display_names(ctx, rows[0].workspace_id, people, known)
    return [
        SubscriptionView(row, await _title(ctx, row), filters.to_sentence(filters.from_json(row.filters), names))
        for row in rows
    ]


async def _title(ctx: Context, row: SubscriptionRow) -> str | None:
    if row.app_slug is None:
        return None
    app = await app_rows.find_app(ctx.db, row.workspace_id, row.app_slug)
    return app.title if app else row.app_slug


# Setting up.


async def subscribe(ctx: Context, actor: Actor, asked: Asked, *, known: Mapping[str, str] | None = None) -> Saved:
    """Save it; the same app with the same filters once more changes style and starts of the one that is there."""
    await _check(ctx, actor)
    fresh = _row(ctx, actor, asked, ctx.new_id())
    (shown,) = await load_views(ctx, [fresh], known=known)

    async def save(tx: Transaction) -> Saved:
        there = await subscription_rows.list_of_channel(tx, fresh.workspace_id, fresh.channel_id)
        same = next((row for row in there if is_same(row, fresh)), None)
        if same is None and len(there) >= MOST_IN_CHANNEL:
            raise InvalidInput(
                f"This channel has {MOST_IN_CHANNEL} subscriptions already, which is the most it can have. "
                f"Remove some with {ctx.settings.command} subscriptions, or put several patterns into one."
            )
        row = _over(same, fresh, asked) if same else fresh
        return await _save(ctx, tx, actor, dataclasses.replace(shown, row=row), is_new=same is None)

    return await ctx.db.transaction(save)


async def change_subscription(ctx: Context, actor: Actor, subscription_id: str, asked: Asked) -> Saved:
    """Put ``asked`` in the place of what there was. Raises `SubscriptionGone`."""
    await _check(ctx, actor)
    before = await get_subscription(ctx, actor, subscription_id)
    fresh = dataclasses.replace(_row(ctx, actor, asked, subscription_id), channel_id=before.channel_id)
    (shown,) = await load_views(ctx, [fresh])

    async def save(tx: Transaction) -> Saved:
        there = await subscription_rows.list_of_channel(tx, fresh.workspace_id, fresh.channel_id)
        others = [row for row in there if row.subscription_id != subscription_id]
        if len(others) == len(there):
            raise SubscriptionGone(ctx.settings.command)
        if any(is_same(row, fresh) for row in others):
            raise InvalidInput("The channel hears exactly that by another subscription. Change or remove that one.")
        row = _over(before, fresh, asked)
        return await _save(ctx, tx, actor, dataclasses.replace(shown, row=row), is_new=False)

    return await ctx.db.transaction(save)


async def _check(ctx: Context, actor: Actor) -> None:
    ctx.permissions.check_member(actor)
    if not actor.channel_id:
        raise MissingArgument(f"Subscriptions belong to a channel: type {ctx.settings.command} subscribe in one.")
    await connection.require(ctx, actor.workspace_id)


def _row(ctx: Context, actor: Actor, asked: Asked, subscription_id: str) -> SubscriptionRow:
    return SubscriptionRow(
        subscription_id=subscription_id,
        workspace_id=actor.workspace_id,
        channel_id=actor.channel_id or "",
        app_slug=asked.app_slug,
        filters=filters.to_json(asked.filters),
        style=asked.style or "card",
        include_starts=bool(asked.starts),
        created_by=actor.user_id,
        created_at=ctx.clock.now(),
    )


def _over(before: SubscriptionRow, fresh: SubscriptionRow, asked: Asked) -> SubscriptionRow:
    """What was not said stays. One that was paused goes on from now; whether it can, the note will show."""
    return dataclasses.replace(
        fresh,
        subscription_id=before.subscription_id,
        style=asked.style or before.style,
        include_starts=before.include_starts if asked.starts is None else asked.starts,
        created_at=fresh.created_at if before.paused_at else before.created_at,
    )


async def _save(ctx: Context, tx: Transaction, actor: Actor, shown: SubscriptionView, *, is_new: bool) -> Saved:
    row = shown.row
    await subscription_rows.save_subscription(tx, row)
    note = drawing.saved_note(shown, by=actor.user_name, is_new=is_new, command=ctx.settings.command)
    await _announce(ctx, tx, actor, row.channel_id, note, actor_id=actor.user_id)
    await _audit(ctx, tx, actor, "subscribe", described(row), "new" if is_new else "changed")
    await sync_schedule.schedule_now(ctx, tx, row.workspace_id, at=ctx.clock.now())
    return Saved(shown, is_new)


# Ending, and going on.


async def remove_subscriptions(ctx: Context, actor: Actor, subscription_ids: Iterable[str]) -> list[SubscriptionView]:
    """Returns those that were there. Raises `SubscriptionGone` when none was."""
    ctx.permissions.check_member(actor)
    found = [await subscription_rows.find_subscription(ctx.db, actor.workspace_id, each) for each in subscription_ids]
    shown = await load_views(ctx, [row for row in found if row is not None and may_change(actor, row)])

    async def remove(tx: Transaction) -> list[SubscriptionView]:
        return [each for each in shown if await _remove(ctx, tx, actor, each)]

    removed = await ctx.db.transaction(remove)
    if not removed:
        raise SubscriptionGone(ctx.settings.command)
    return removed


async def _remove(ctx: Context, tx: Transaction, actor: Actor, shown: SubscriptionView) -> bool:
    row = shown.row
    if not await subscription_rows.delete_subscription(tx, row.workspace_id, row.subscription_id):
        return False
    if row.paused_at is None:
        await _announce(ctx, tx, actor, row.channel_id, drawing.removed_note(shown, by=actor.user_name))
    await _audit(ctx, tx, actor, "unsubscribe", described(row), "removed")
    return True


async def resume_channel(ctx: Context, actor: Actor, channel_id: str) -> int:
    """Go on in a channel, from now; returns how many subscriptions were paused.

    The channel is told. If Slack still refuses that, they pause again and the person hears why.
    """
    ctx.permissions.check_member(actor)
    there = await subscription_rows.list_of_channel(ctx.db, actor.workspace_id, channel_id)
    # The button in a direct message was sent to that person alone, because they had to do with the pause.
    is_asked = (actor.channel_id or "").startswith("D")
    if not any(is_asked or may_change(actor, row) for row in there):
        raise SubscriptionGone(ctx.settings.command)

    async def resume(tx: Transaction) -> int:
        now = ctx.clock.now()
        count = await subscription_rows.resume_channel(tx, actor.workspace_id, channel_id, now=now)
        if count:
            note = drawing.resumed_note(count, by=actor.user_name)
            await _announce(ctx, tx, actor, channel_id, note, actor_id=actor.user_id)
            await _audit(ctx, tx, actor, "subscribe", channel_id, f"resumed {count}")
            await sync_schedule.schedule_now(ctx, tx, actor.workspace_id, at=now)
        return count

    return await ctx.db.transaction(resume)


async def _announce(
    ctx: Context, tx: Transaction, actor: Actor, channel_id: str, note: Message, *, actor_id: str | None = None
) -> None:
    await outbox.post_to_channel(ctx, tx, actor.workspace_id, channel_id, note, actor_id=actor_id)


async def _audit(ctx: Context, tx: Transaction, actor: Actor, verb: str, subject: str, result: str) -> None:
    await requests.record_audit(ctx, tx, actor.workspace_id, actor.user_id, action=verb, subject=subject, result=result)


def may_change(actor: Actor, row: SubscriptionRow) -> bool:
    """Whoever is in the channel may, as they could type it; from elsewhere only whoever set it up."""
    return row.channel_id == actor.channel_id or row.created_by == actor.user_id


def is_same(row: SubscriptionRow, other: SubscriptionRow) -> bool:
    """The same app and the same filters, in whatever order they were said."""
    return row.app_slug == other.app_slug and same_filters(row.filters, filters.from_json(other.filters))


def same_filters(stored: Mapping[str, object], wanted: Filters) -> bool:
    before = filters.from_json(stored)
    return all(set(getattr(before, key)) == set(getattr(wanted, key)) for key in filters.KEYS)


def people_in(wanted: Filters) -> list[str]:
    """The Slack user ids among who is asked for."""
    names = (pattern.removeprefix(EXCLUDES) for pattern in wanted.by)
    return [name for name in names if filters.is_user_id(name)]


def described(row: SubscriptionRow) -> str:
    """For the audit: where, which app, and the filters as they are typed."""
    typed = filters.to_text(filters.from_json(row.filters))
    return " ".join(filter(None, (row.channel_id, row.app_slug or "*", typed)))
