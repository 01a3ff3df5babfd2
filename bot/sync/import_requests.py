"""Which apps' past shall be read: asked for by a person, or quietly when Bitrise is connected; and who sees it move."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot import outbox
from bot.context import Context
from bot.engine import Job
from bot.permissions import Actor
from storage import Transaction
from storage import imports as import_rows
from storage import messages as message_rows
from storage.imports import FAILED, OPEN, STOPPED, ImportRow
from storage.messages import IMPORT as IMPORT_KIND
from storage.messages import MessageRow

IMPORT = "import"
MOST_DAYS = 200
"""As far back as Bitrise lists builds: https://docs.bitrise.io, *Managing an app's builds*."""
AFTER_CONNECTING = timedelta(seconds=5)
"""First comes what runs now."""
DRAWN_EVERY = timedelta(seconds=10)


async def list_open(ctx: Context, workspace_id: str) -> list[ImportRow]:
    """What is being read, in the order in which it goes."""
    return await import_rows.list_open(ctx.db, workspace_id)


async def start_imports(ctx: Context, tx: Transaction, workspace_id: str, app_slugs: Iterable[str], *, by: str) -> None:
    """A token was stored: read what has not been read yet. Whoever stored it is told if it takes longer."""
    now = ctx.clock.now()
    card = _card(ctx, workspace_id, channel_id=by, by=by, is_quiet=True)
    is_new = False
    for app_slug in app_slugs:
        row = _row(ctx, workspace_id, app_slug, by=by, since=now - timedelta(days=MOST_DAYS), card=card)
        known = await import_rows.find_import(tx, workspace_id, app_slug)
        if known is None or known.state == FAILED:
            await import_rows.save_import(tx, row)
            is_new = True
    if is_new:
        await message_rows.add_message(tx, card, [])
        await _plan(ctx, tx, workspace_id, at=now + AFTER_CONNECTING)


async def request_imports(ctx: Context, tx: Transaction, actor: Actor, app_slugs: Sequence[str], *, days: int) -> None:
    """Read these first, from the newest build on; what is half read already goes on. A message shows it."""
    workspace_id = actor.workspace_id
    card = _card(ctx, workspace_id, channel_id=actor.channel_id or actor.user_id, by=actor.user_id)
    since = ctx.clock.now() - timedelta(days=min(days, MOST_DAYS))
    before: set[str] = set()
    for app_slug in app_slugs:
        row = _row(ctx, workspace_id, app_slug, by=actor.user_id, since=since, card=card)
        known = await import_rows.find_import(tx, workspace_id, app_slug)
        if known is not None and known.is_open:
            before |= {known.message_id} if known.message_id else set()
            row = taken_over(known, row)
        await import_rows.save_import(tx, row)
    await message_rows.add_message(tx, card, [])
    for message_id in [card.message_id, *sorted(before)]:
        await _show(ctx, tx, message_id)
    await _plan(ctx, tx, workspace_id, at=ctx.clock.now())


async def stop_imports(ctx: Context, tx: Transaction, actor: Actor, app_slug: str | None) -> list[ImportRow]:
    """End it for an app, or for all; what has been read stays. Returns what was being read."""
    found = await import_rows.list_open(tx, actor.workspace_id)
    stopped = [row for row in found if app_slug in (None, row.app_slug)]
    for row in stopped:
        over = dataclasses.replace(
            row, state=STOPPED, finished_at=ctx.clock.now(), error=f"stopped by @{actor.user_name}"
        )
        await import_rows.save_import(tx, over)
    await _show_each(ctx, tx, stopped)
    return stopped


async def delete_imports(ctx: Context, tx: Transaction, workspace_id: str) -> None:
    """The token is gone: nothing is read any more, and the next one begins anew."""
    found = await import_rows.list_open(tx, workspace_id)
    await import_rows.delete_imports(tx, workspace_id)
    await _show_each(ctx, tx, found)


async def show_progress(ctx: Context, tx: Transaction, row: ImportRow) -> None:
    """A page was read, or an app's last one: whoever waits for it sees it, a few times a minute at most."""
    card = await message_rows.find_message(tx, row.message_id) if row.message_id else None
    if card is None or card.is_deleted:
        return
    if is_quiet(card) and row.is_open:  # there is more than one page: worth a message
        await message_rows.claim_announcement(tx, card.message_id, now=ctx.clock.now())
    is_over = not any(each.is_open for each in await import_rows.list_of_message(tx, card.message_id))
    if is_over or card.rendered_at is None:
        await _show(ctx, tx, card.message_id)
    elif ctx.clock.now() - card.rendered_at >= DRAWN_EVERY:
        await outbox.update_progress(ctx, tx, card)


async def _show_each(ctx: Context, tx: Transaction, rows: Iterable[ImportRow]) -> None:
    for message_id in sorted({row.message_id for row in rows if row.message_id}):
        await _show(ctx, tx, message_id)


async def _show(ctx: Context, tx: Transaction, message_id: str) -> None:
    card = await message_rows.find_message(tx, message_id)
    if card is not None and not card.is_deleted and not (is_quiet(card) and card.announced_at is None):
        await outbox.update_card(ctx, tx, card)


async def _plan(ctx: Context, tx: Transaction, workspace_id: str, *, at: datetime) -> None:
    """One more than needed is harmless: jobs of a workspace go one by one, and one with nothing to read ends."""
    job = Job(IMPORT, {"workspace_id": workspace_id}, key=f"import:{workspace_id}", due_at=at)
    await ctx.engine.enqueue(tx, job)


def _row(ctx: Context, workspace_id: str, app_slug: str, *, by: str, since: datetime, card: MessageRow) -> ImportRow:
    return ImportRow(workspace_id, app_slug, OPEN, since, by, ctx.clock.now(), message_id=card.message_id)


def _card(ctx: Context, workspace_id: str, *, channel_id: str, by: str, is_quiet: bool = False) -> MessageRow:
    return MessageRow(
        message_id=ctx.new_id(),
        workspace_id=workspace_id,
        channel_id=channel_id,
        requested_by=by,
        created_at=ctx.clock.now(),
        kind=IMPORT_KIND,
        facts={"quiet": True} if is_quiet else None,
    )


def is_quiet(card: MessageRow) -> bool:
    """Whether nobody has asked for the message: it appears only when there is something to wait for."""
    return bool((card.facts or {}).get("quiet"))


def taken_over(known: ImportRow, asked: ImportRow) -> ImportRow:
    """What is being read goes on where it stands, if it reads as far back as is asked for now."""
    if known.since > asked.since:
        return asked
    return dataclasses.replace(
        known, requested_by=asked.requested_by, requested_at=asked.requested_at, message_id=asked.message_id
    )
