"""What is seen at Bitrise becomes a row, and a row that moved is drawn. Sweep, answer and look-up all end here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from bot import outbox
from bot.bitrise.mapping import build_row
from bot.bitrise.models import Build
from bot.context import Context
from bot.notifications import events, owners
from bot.results import analysis
from storage import Transaction
from storage import builds as build_rows
from storage import messages as message_rows
from storage.builds import BuildRow
from storage.messages import CARD, MessageRow

RANK = {"queued": 0, "running": 1, "finished": 2}
LATE = ("credit_cost", "machine_type", "stack")


async def apply_builds(
    ctx: Context, tx: Transaction, workspace_id: str, seen: Iterable[Build], *, tells: bool = True
) -> list[BuildRow]:
    """Store what was seen. Late, repeated and out-of-order signals change nothing; returns the rows as they are.

    Whoever is to hear of it is told in the same transaction; without ``tells`` the caller calls `tell` itself.
    """
    rows = [await _apply_build(ctx, tx, build_row(workspace_id, build, now=ctx.clock.now())) for build in seen]
    if tells:
        await notify(ctx, tx, workspace_id)
    return rows


async def save_builds(ctx: Context, workspace_id: str, builds: Iterable[Build]) -> list[BuildRow]:
    """Apply builds in a transaction of their own."""
    return await ctx.db.transaction(lambda tx: apply_builds(ctx, tx, workspace_id, builds))


async def notify(ctx: Context, tx: Transaction, workspace_id: str) -> None:
    """The first of what is due; what is left of much is told by the next sweep."""
    await events.notify(ctx, tx, workspace_id)


async def notify_all(ctx: Context, workspace_id: str) -> None:
    await events.notify_all(ctx, workspace_id)


async def on_start_confirmed(ctx: Context, tx: Transaction, build: BuildRow) -> None:
    """A start of ours got its answer: now it is known who asked, so it can be told."""
    await owners.record_owners(ctx, tx, build)
    if build.is_finished:
        await events.record_finished(ctx, tx, build)
    else:
        await events.record_started(ctx, tx, build)


async def _apply_build(ctx: Context, tx: Transaction, seen: BuildRow) -> BuildRow:
    known = await build_rows.find_build(tx, seen.workspace_id, seen.build_slug)
    if known is None:
        if await build_rows.add_build(tx, seen):
            await owners.record_owners(ctx, tx, seen)
            await events.record_started(ctx, tx, seen)
        return seen
    if known.is_finished:
        return await _fill_in_facts(ctx, tx, known, seen)
    if RANK[seen.state] < RANK[known.state]:
        return known
    merged = merge(known, seen)
    if await build_rows.save_build(tx, merged, expected_state=known.state) and is_news(known, merged):
        await _update_cards(ctx, tx, merged)
        if (merged.commit_message, merged.triggered_by_name) != (known.commit_message, known.triggered_by_name):
            await owners.record_owners(ctx, tx, merged)  # Bitrise told later whose it is
        if merged.is_finished:
            await events.record_finished(ctx, tx, merged)
    return merged


async def _fill_in_facts(ctx: Context, tx: Transaction, known: BuildRow, seen: BuildRow) -> BuildRow:
    """What has ended stays as it ended, whatever an answer says; facts that come later are filled in, silently."""
    filled = completed(known, seen)
    if filled != known:
        await build_rows.fill_details(tx, filled)
    return filled


async def _update_cards(ctx: Context, tx: Transaction, build: BuildRow) -> None:
    for card in await message_rows.list_of_build(tx, build.workspace_id, build.build_slug):
        await outbox.update_card(ctx, tx, card)
        if card.kind == CARD and build.is_finished:
            await _announce_result(ctx, tx, card, build)


async def _announce_result(ctx: Context, tx: Transaction, card: MessageRow, build: BuildRow) -> None:
    """The end of all builds of a card is told once; what is behind each is looked into at once."""
    if not await message_rows.count_unfinished(tx, card.message_id):
        if await message_rows.claim_announcement(tx, card.message_id, now=ctx.clock.now()):
            await outbox.announce_result(ctx, tx, card)
    await analysis.request_analysis(ctx, tx, build)


async def mark_lost(ctx: Context, tx: Transaction, build: BuildRow) -> None:
    """Bitrise no longer shows a build: it ends here without an outcome, because nobody knows it."""
    gone = dataclasses.replace(
        build, state="finished", reason_text="Bitrise no longer shows this build to the stored token."
    )
    if await build_rows.save_build(tx, gone, expected_state=build.state):
        await _update_cards(ctx, tx, gone)


def is_news(before: BuildRow, after: BuildRow) -> bool:
    """Whether a person would see a difference."""
    quiet = {"last_synced_at", "parameters_hash", "machine_type", "stack", "credit_cost", "is_utility", "cause_detail"}
    return any(
        getattr(before, field.name) != getattr(after, field.name)
        for field in dataclasses.fields(BuildRow)
        if field.name not in quiet
    )


def completed(known: BuildRow, seen: BuildRow) -> BuildRow:
    """An ended build with what was not known of it: Bitrise works out its credits when it is over."""
    if not seen.is_finished:
        return known
    late = {name: getattr(seen, name) for name in LATE if getattr(known, name) is None}
    return dataclasses.replace(known, is_utility=known.is_utility or seen.is_utility, **late)


def merge(known: BuildRow, seen: BuildRow) -> BuildRow:
    """What was seen now, over what was known; what only we know (who asked, why) stays."""
    fresh = {
        field.name: getattr(seen, field.name)
        for field in dataclasses.fields(BuildRow)
        if getattr(seen, field.name) is not None
    }
    merged = dataclasses.replace(known, **fresh)
    ours = {
        name: getattr(known, name)
        for name in (
            "request_id",
            "requested_by",
            "build_message",
            "abort_requested_by",
            "abort_requested_at",
            "parameters_hash",
        )
        if getattr(known, name) is not None
    }
    if known.request_id:
        ours |= {"cause": known.cause, "triggered_by_name": known.triggered_by_name}
    return dataclasses.replace(merged, **ours)
