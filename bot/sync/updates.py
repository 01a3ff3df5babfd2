"""Apply builds fetched from Bitrise to the database and re-render the messages that show them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from bot import outbox
from bot.bitrise.mapping import build_row, describe_variables
from bot.bitrise.models import Build
from bot.context import Context
from bot.notifications import events, owners
from bot.results import analysis
from storage import Transaction
from storage import apps as app_rows
from storage import builds as build_rows
from storage import messages as message_rows
from storage.builds import BuildRow
from storage.messages import CARD

STATE_ORDER = {"queued": 0, "running": 1, "finished": 2}
LATE_FIELDS = ("credit_cost", "machine_type", "stack")
"""Bitrise may fill them only after the build has finished."""
OWN_FIELDS = (
    "request_id", "requested_by", "build_message", "abort_requested_by", "abort_requested_at", "parameters_hash",
    "variables_sealed", "variables_hash",
)  # fmt: skip
"""Known to Buildbell only, or better than to Bitrise."""
HIDDEN_FIELDS = (
    "last_synced_at", "parameters_hash", "machine_type", "stack", "credit_cost", "is_utility", "cause_detail"
)  # fmt: skip
"""No message shows them."""


async def apply_builds(
    ctx: Context, tx: Transaction, workspace_id: str, fetched: Iterable[Build], *, notify: bool = True
) -> list[BuildRow]:
    """Store builds and return them as stored now. Late, repeated and out-of-order answers change nothing.

    Notifications are stored in the same transaction; without ``notify`` the caller calls `events.notify` later.
    """
    rows = []
    index = ctx.app_cache.indexes.get(workspace_id)
    titles = dict(index.own_titles) if index else {}
    for build in fetched:
        # The app may be new, or renamed, since the list of apps was fetched.
        if build.app_title and titles.get(build.app_slug) != build.app_title:
            titles[build.app_slug] = build.app_title
            await app_rows.save_title(tx, workspace_id, build.app_slug, build.app_title)
        row = build_row(workspace_id, build, now=ctx.clock.now())
        if row.variables_hash and build.requested:
            variables = ((item.key, item.value) for item in build.requested.environments)
            row = dataclasses.replace(row, variables_sealed=seal_variables(ctx, row.build_slug, variables))
        rows.append(await apply_build(ctx, tx, row))
    if notify:
        await events.notify(ctx, tx, workspace_id)
    return rows


def variables_context(build_slug: str) -> str:
    return f"variables:{build_slug}"


def seal_variables(ctx: Context, build_slug: str, variables: Iterable[tuple[str, str]]) -> str:
    """Seal what cards show of a build's variables, because people put secrets there."""
    return ctx.vault.seal(describe_variables(variables), context=variables_context(build_slug))


async def save_builds(ctx: Context, workspace_id: str, builds: Iterable[Build]) -> list[BuildRow]:
    """Apply builds in a transaction of their own."""
    return await ctx.db.transaction(lambda tx: apply_builds(ctx, tx, workspace_id, builds))


async def apply_build(ctx: Context, tx: Transaction, fetched: BuildRow) -> BuildRow:
    stored = await build_rows.find_build(tx, fetched.workspace_id, fetched.build_slug)
    if fetched.is_finished and fetched.finished_at is None:  # Bitrise may give an aborted build no end
        seen_at = ctx.clock.now() if stored and not stored.is_finished else fetched.started_at or fetched.triggered_at
        fetched = dataclasses.replace(fetched, finished_at=seen_at)
    if stored is None:
        if await build_rows.add_build(tx, fetched):
            await owners.record_owners(tx, fetched)
            await events.record_started(ctx, tx, fetched)
        return fetched
    if stored.is_finished:
        completed = fill_in(stored, fetched)
        if completed != stored:
            await build_rows.fill_details(tx, completed)
        return completed
    if STATE_ORDER[fetched.state] < STATE_ORDER[stored.state]:
        return stored
    merged = merge(stored, fetched)
    if await build_rows.save_build(tx, merged, expected_state=stored.state) and is_visible_change(stored, merged):
        await update_messages(ctx, tx, merged)
        if (merged.commit_message, merged.triggered_by_name) != (stored.commit_message, stored.triggered_by_name):
            await owners.record_owners(tx, merged)
        if merged.is_finished:
            await events.record_finished(ctx, tx, merged)
    return merged


async def update_messages(ctx: Context, tx: Transaction, build: BuildRow) -> None:
    """Re-render the messages that show a build. Of a finished one, announce the result of its cards and analyze it."""
    for message in await message_rows.list_of_build(tx, build.workspace_id, build.build_slug):
        await outbox.update_card(ctx, tx, message)
        if message.kind != CARD or not build.is_finished:
            continue
        if not await message_rows.count_unfinished(tx, message.message_id) and await message_rows.claim_announcement(
            tx, message.message_id, now=ctx.clock.now()
        ):
            await outbox.announce_result(ctx, tx, message)
        await analysis.request_analysis(ctx, tx, build)


async def on_start_confirmed(ctx: Context, tx: Transaction, build: BuildRow) -> None:
    """Record owners and events of a build that Bitrise has confirmed as ours: its requester is known now."""
    await owners.record_owners(tx, build)
    if build.is_finished:
        await events.record_finished(ctx, tx, build)
    else:
        await events.record_started(ctx, tx, build)


async def mark_lost(ctx: Context, tx: Transaction, build: BuildRow) -> None:
    """Finish a build that Bitrise no longer shows. Its outcome stays unknown."""
    lost = dataclasses.replace(build, state="finished", reason_text="Bitrise no longer shows this build.")
    if await build_rows.save_build(tx, lost, expected_state=build.state):
        await update_messages(ctx, tx, lost)


def merge(stored: BuildRow, fetched: BuildRow) -> BuildRow:
    """Return the fetched build, with stored values where Bitrise has none or Buildbell knows better."""
    kept = {name for name in OWN_FIELDS if getattr(stored, name) is not None}
    if stored.request_id:
        kept |= {"cause", "triggered_by_name"}
    names = (field.name for field in dataclasses.fields(BuildRow) if field.name not in kept)
    values = {name: getattr(fetched, name) for name in names}
    return dataclasses.replace(stored, **{name: value for name, value in values.items() if value is not None})


def fill_in(stored: BuildRow, fetched: BuildRow) -> BuildRow:
    """Return a finished build with details that Bitrise adds later. Its result never changes."""
    if not fetched.is_finished:
        return stored
    late = {name: getattr(fetched, name) for name in LATE_FIELDS if getattr(stored, name) is None}
    return dataclasses.replace(stored, is_utility=stored.is_utility or fetched.is_utility, **late)


def is_visible_change(before: BuildRow, after: BuildRow) -> bool:
    return dataclasses.replace(before, **{name: getattr(after, name) for name in HIDDEN_FIELDS}) != after
