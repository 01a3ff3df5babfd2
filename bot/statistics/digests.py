"""Scheduled reports: set up, change and remove them; post each one once when it is due."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot import outbox, requests
from bot.context import Context
from bot.engine import Job, JobKind, RetryAt
from bot.errors import BuildbellError, MissingArgument
from bot.permissions import Actor
from bot.statistics import queries as stats_queries
from bot.statistics.queries import StatsQuery
from bot.statistics.schedule import Schedule, midnight_before, newest_due, next_due
from storage import Transaction
from storage import digests as digest_rows
from storage import messages as message_rows
from storage import workspaces as workspace_rows
from storage.digests import DigestRow
from storage.messages import DIGEST as DIGEST_KIND
from storage.messages import MessageRow

DIGEST = "digest"
LATE_AFTER = timedelta(minutes=15)
RETRY_AFTER = timedelta(seconds=30)
MAX_IN_CHANNEL = 10


@dataclass(frozen=True, slots=True)
class DigestSettings(Schedule):
    """A scheduled report as a person sets it up. ``app_slug`` None is every app."""

    channel_id: str
    app_slug: str | None


async def list_here(ctx: Context, actor: Actor) -> list[DigestRow]:
    """Return the channel's schedules, oldest first."""
    ctx.permissions.check_member(actor)
    if not actor.channel_id:
        raise MissingArgument(f"Reports are posted to a channel. Run `{ctx.settings.command} digest` in one.")
    return await digest_rows.list_of_channel(ctx.db, actor.workspace_id, actor.channel_id)


async def save_digest(ctx: Context, actor: Actor, settings: DigestSettings) -> DigestRow:
    """Add the schedule of an app and a channel, or change and resume the existing one."""
    await ctx.permissions.check_may_act(actor)
    now = ctx.clock.now()
    new = DigestRow(
        digest_id=ctx.new_id(),
        workspace_id=actor.workspace_id,
        **dataclasses.asdict(settings),
        due_at=next_due(settings, after=now),
        created_by=actor.user_id,
        created_at=now,
    )

    async def store(tx: Transaction) -> DigestRow:
        rows = await digest_rows.list_of_channel(tx, new.workspace_id, new.channel_id)
        existing = next((row for row in rows if row.app_slug == new.app_slug), None)
        if existing is None and len(rows) >= MAX_IN_CHANNEL:
            raise BuildbellError(f"This channel already has {MAX_IN_CHANNEL} reports, the maximum. Remove one first.")
        row = new
        if existing is not None:
            row = dataclasses.replace(new, digest_id=existing.digest_id, created_at=existing.created_at)
        await digest_rows.save_digest(tx, row)
        await _schedule(ctx, tx, row)
        await _audit(ctx, tx, actor, row, "changed" if existing else "new")
        return row

    return await ctx.db.transaction(store)


async def remove_digest(ctx: Context, actor: Actor, app_slug: str | None) -> int:
    """Remove the channel's schedule of an app, or all; return how many there were."""
    await ctx.permissions.check_may_act(actor)
    matches = [row for row in await list_here(ctx, actor) if app_slug in (None, row.app_slug)]

    async def store(tx: Transaction) -> int:
        deleted = [row for row in matches if await digest_rows.delete_digest(tx, row.workspace_id, row.digest_id)]
        for row in deleted:
            await _audit(ctx, tx, actor, row, "removed")
        return len(deleted)

    return await ctx.db.transaction(store)


async def resume_channel(ctx: Context, actor: Actor, channel_id: str) -> int:
    """Resume the paused schedules of a channel from the next due time on; return how many there were."""
    await ctx.permissions.check_may_act(actor)

    async def store(tx: Transaction) -> int:
        rows = await digest_rows.list_of_channel(tx, actor.workspace_id, channel_id)
        # Anybody in the channel may resume; from elsewhere only the owner, who was notified of the pause.
        allowed = [row for row in rows if actor.user_id == row.created_by or actor.channel_id == channel_id]
        paused = [row for row in allowed if row.paused_at is not None]
        for row in paused:
            await resume(ctx, tx, row)
            await _audit(ctx, tx, actor, row, "resumed")
        return len(paused)

    return await ctx.db.transaction(store)


async def resume(ctx: Context, tx: Transaction, digest: DigestRow) -> None:
    """End the pause of a schedule, from the next due time on."""
    due_at = next_due(digest, after=ctx.clock.now())
    resumed = dataclasses.replace(digest, due_at=due_at, paused_at=None, pause_reason=None)
    await digest_rows.save_digest(tx, resumed)
    await _schedule(ctx, tx, resumed)


async def perform_digest(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """Post a report that is due. Several missed ones are one message about the newest period."""
    digest = await digest_rows.find_digest(ctx.db, arguments["digest_id"])
    due_at = datetime.fromisoformat(arguments["due_at"])
    if digest is None or digest.paused_at is not None or digest.due_at != due_at:
        return  # removed, changed, or posted by another replica
    now = max(ctx.clock.now(), due_at)
    if not await _is_synced(ctx, digest.workspace_id, until=due_at):
        raise RetryAt(now + RETRY_AFTER)
    newest_at, next_at = newest_due(digest, until=now), next_due(digest, after=now)
    until = midnight_before(newest_at, digest.zone)  # of whole days, so that no build is in two reports
    query = StatsQuery(digest.app_slug, digest.days)
    has_builds = await stats_queries.has_finished_builds(ctx, digest.workspace_id, query, until=until)
    facts = {
        "digest": digest.digest_id,
        "app": digest.app_slug,
        "days": digest.days,
        "until": until.isoformat(),
        "zone": digest.zone,
    }
    report = MessageRow(
        message_id=ctx.new_id(),
        workspace_id=digest.workspace_id,
        channel_id=digest.channel_id,
        created_at=ctx.clock.now(),
        kind=DIGEST_KIND,
        facts=facts | ({"late": True} if now - newest_at > LATE_AFTER else {}),
    )

    async def store(tx: Transaction) -> None:
        if not await digest_rows.claim_digest(tx, digest.digest_id, due_at=due_at, next_at=next_at):
            return
        await _schedule(ctx, tx, dataclasses.replace(digest, due_at=next_at))
        if has_builds:
            await message_rows.add_message(tx, report, [])
            await outbox.update_card(ctx, tx, report)

    await ctx.db.transaction(store)


async def _is_synced(ctx: Context, workspace_id: str, *, until: datetime) -> bool:
    """Whether builds that finished until then are stored; True also if Bitrise can't be reached."""
    workspace = await workspace_rows.find_workspace(ctx.db, workspace_id)
    if workspace is None or workspace.health != "ok" or workspace.last_sync_error is not None:
        return True
    synced_at = workspace.last_synced_at
    return synced_at is not None and synced_at >= until and workspace.backfill_cursor is None


async def _schedule(ctx: Context, tx: Transaction, digest: DigestRow) -> None:
    arguments = {"digest_id": digest.digest_id, "due_at": digest.due_at.isoformat()}
    await ctx.engine.enqueue(tx, Job(DIGEST, arguments, due_at=digest.due_at))


async def _audit(ctx: Context, tx: Transaction, actor: Actor, row: DigestRow, result: str) -> None:
    subject = f"{row.channel_id} {row.cadence} {row.at} {row.zone}"
    await requests.record_audit(
        ctx, tx, actor.workspace_id, actor.user_id,
        action=DIGEST, subject=subject, result=result, app_slug=row.app_slug,
    )  # fmt: skip


JOBS = (JobKind(DIGEST, perform_digest, concurrency=2),)
