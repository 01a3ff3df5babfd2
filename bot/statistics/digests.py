"""Channels are told their figures by themselves, daily or weekly: set up, ended, and told once when it is due."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot import outbox
from bot.context import Context
from bot.engine import Job, JobKind, RetryAt
from bot.errors import BuildbellError, MissingArgument
from bot.permissions import Actor
from bot.statistics import queries as stats_queries
from bot.statistics.queries import StatsWanted
from bot.statistics.schedule import newest_due, next_due, schedule_of
from storage import Transaction, audit
from storage import digests as digest_rows
from storage import messages as message_rows
from storage import workspaces as workspace_rows
from storage.audit import AuditRow
from storage.digests import DigestRow
from storage.messages import DIGEST as DIGEST_STYLE
from storage.messages import CardRow

DIGEST = "digest"
LATE_AFTER = timedelta(minutes=15)
LOOK_AGAIN = timedelta(seconds=30)
MOST_IN_CHANNEL = 10


@dataclass(frozen=True, slots=True)
class DigestSettings:
    """A scheduled report as a person sets it up. ``app_slug`` None is every app; see `DigestRow`."""

    channel_id: str
    app_slug: str | None
    cadence: str
    weekday: int
    at: str
    zone: str


async def list_here(ctx: Context, actor: Actor) -> list[DigestRow]:
    """What the channel gets, oldest first."""
    ctx.permissions.check_member(actor)
    if not actor.channel_id:
        raise MissingArgument(f"Figures come to a channel: type {ctx.settings.command} digest in one.")
    return await digest_rows.list_of_channel(ctx.db, actor.workspace_id, actor.channel_id)


# Setting up, ending, going on.


async def save_digest(ctx: Context, actor: Actor, settings: DigestSettings) -> DigestRow:
    """One for an app and a channel: saving it again changes it, and goes on with one that was paused."""
    ctx.permissions.check_member(actor)
    fresh = _row(ctx, actor, settings)

    async def save(tx: Transaction) -> DigestRow:
        there = await digest_rows.list_of_channel(tx, fresh.workspace_id, fresh.channel_id)
        same = next((row for row in there if row.app_slug == fresh.app_slug), None)
        if same is None and len(there) >= MOST_IN_CHANNEL:
            raise BuildbellError(f"This channel gets figures of {MOST_IN_CHANNEL} apps already, the most it can get.")
        row = dataclasses.replace(fresh, digest_id=same.digest_id, created_at=same.created_at) if same else fresh
        await digest_rows.save_digest(tx, row)
        await _schedule(ctx, tx, row)
        await _audit(ctx, tx, actor, row, "changed" if same else "new")
        return row

    return await ctx.db.transaction(save)


async def remove_digest(ctx: Context, actor: Actor, app_slug: str | None) -> int:
    """End one app's in this channel, or all; returns how many there were."""
    there = await list_here(ctx, actor)
    ended = [row for row in there if app_slug in (None, row.app_slug)]

    async def remove(tx: Transaction) -> int:
        gone = [row for row in ended if await digest_rows.delete_digest(tx, row.workspace_id, row.digest_id)]
        for row in gone:
            await _audit(ctx, tx, actor, row, "removed")
        return len(gone)

    return await ctx.db.transaction(remove)


async def resume_channel(ctx: Context, actor: Actor, channel_id: str) -> int:
    """Try again in a channel, from the next time on; returns how many were paused there."""
    ctx.permissions.check_member(actor)

    async def resume(tx: Transaction) -> int:
        there = await digest_rows.list_of_channel(tx, actor.workspace_id, channel_id)
        # Everybody in the channel may; from elsewhere only whoever set it up, who was told of the pause.
        theirs = [row for row in there if actor.user_id == row.owner or actor.channel_id == channel_id]
        paused = [row for row in theirs if row.paused_at is not None]
        for row in paused:
            due_at = next_due(schedule_of(row), after=ctx.clock.now())
            going_on = dataclasses.replace(row, due_at=due_at, paused_at=None, paused_why=None)
            await digest_rows.save_digest(tx, going_on)
            await _schedule(ctx, tx, going_on)
            await _audit(ctx, tx, actor, row, "resumed")
        return len(paused)

    return await ctx.db.transaction(resume)


def _row(ctx: Context, actor: Actor, settings: DigestSettings) -> DigestRow:
    now = ctx.clock.now()
    row = DigestRow(
        digest_id=ctx.new_id(),
        workspace_id=actor.workspace_id,
        channel_id=settings.channel_id,
        app_slug=settings.app_slug,
        cadence=settings.cadence,
        weekday=settings.weekday,
        at=settings.at,
        zone=settings.zone,
        due_at=now,
        owner=actor.user_id,
        created_at=now,
    )
    return dataclasses.replace(row, due_at=next_due(schedule_of(row), after=now))


# Telling.


async def perform_digest(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """What is due, if it still is. Several times that were missed are one message, about the newest span."""
    digest = await digest_rows.find_digest(ctx.db, arguments["digest_id"])
    due_at = datetime.fromisoformat(arguments["due_at"])
    if digest is None or digest.paused_at is not None or digest.due_at != due_at:
        return  # ended, changed, or told by somebody else
    now = max(ctx.clock.now(), due_at)
    if not await _is_known(ctx, digest.workspace_id, until=due_at):
        raise RetryAt(now + LOOK_AGAIN)
    until = newest_due(schedule_of(digest), until=now)
    next_at = next_due(schedule_of(digest), after=now)
    wanted = StatsWanted(digest.app_slug, digest.days)
    happened = await stats_queries.has_finished_builds(ctx, digest.workspace_id, wanted, until=until)
    card = _card(ctx, digest, until=until, is_late=now - until > LATE_AFTER)

    async def tell(tx: Transaction) -> None:
        if not await digest_rows.claim_digest(tx, digest.digest_id, due_at=due_at, next_at=next_at):
            return
        await _schedule(ctx, tx, dataclasses.replace(digest, due_at=next_at))
        if happened:
            await message_rows.add_card(tx, card, [])
            await outbox.update_card(ctx, tx, card)

    await ctx.db.transaction(tell)


async def _is_known(ctx: Context, workspace_id: str, *, until: datetime) -> bool:
    """Whether Bitrise was looked at since then, so that what has ended is counted; not if that cannot be done."""
    workspace = await workspace_rows.find_workspace(ctx.db, workspace_id)
    if workspace is None or workspace.health != "ok" or workspace.last_sweep_error is not None:
        return True
    looked_at = workspace.last_sweep_at
    return looked_at is not None and looked_at >= until and workspace.walk_next is None


def _card(ctx: Context, digest: DigestRow, *, until: datetime, is_late: bool) -> CardRow:
    facts = {"digest": digest.digest_id, "app": digest.app_slug, "days": digest.days, "until": until.isoformat()}
    return CardRow(
        card_id=ctx.new_id(),
        workspace_id=digest.workspace_id,
        channel_id=digest.channel_id,
        created_at=ctx.clock.now(),
        style=DIGEST_STYLE,
        facts=facts | ({"late": True} if is_late else {}),
    )


async def _schedule(ctx: Context, tx: Transaction, digest: DigestRow) -> None:
    arguments = {"digest_id": digest.digest_id, "due_at": digest.due_at.isoformat()}
    await ctx.engine.enqueue(tx, Job(DIGEST, arguments, due_at=digest.due_at))


async def _audit(ctx: Context, tx: Transaction, actor: Actor, row: DigestRow, result: str) -> None:
    subject = f"{row.channel_id} {row.app_slug or '*'} {row.cadence} {row.at} {row.zone}"
    entry = AuditRow(ctx.new_id(), actor.workspace_id, ctx.clock.now(), actor.user_id, DIGEST, subject, result)
    await audit.add_entry(tx, entry)


JOBS = (JobKind(DIGEST, perform_digest, concurrency=2),)
