"""Fetched builds become rows: late, repeated, unordered and incomplete responses change nothing they should not."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import outbox
from bot.bitrise.mapping import build_row
from bot.bitrise.models import Build
from bot.context import Context
from bot.engine import JobKind
from bot.engine.sqlite import LocalEngine
from bot.results import analysis
from bot.sync import updates
from bot.sync.updates import is_visible_change, merge
from playground.clock import SteppedClock
from storage import Database, Transaction, open_database
from storage import builds as build_rows
from storage import messages as message_rows
from storage.builds import BuildRow
from storage.messages import MessageRow
from tests.contexts import make_context

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def build(**changes: Any) -> Build:
    """Return a build on hold, as fetched from Bitrise."""
    fields: dict[str, Any] = {field.name: None for field in dataclasses.fields(Build)}
    fields |= {
        "slug": "b1",
        "app_slug": "a1",
        "number": 7,
        "is_pipeline": False,
        "is_utility": False,
        "is_on_hold": True,
        "status": 0,
    }
    fields |= {"workflow": "deploy", "branch": "main", "triggered_at": NOON, "triggered_by": "webhook-github/octocat"}
    return Build(**(fields | changes))


QUEUED = build()
RUNNING = build(is_on_hold=False, started_at=NOON + timedelta(seconds=30))
ENDED = build(is_on_hold=False, started_at=NOON + timedelta(seconds=30), finished_at=NOON + timedelta(minutes=5))
SUCCEEDED, FAILED = dataclasses.replace(ENDED, status=1), dataclasses.replace(ENDED, status=2)
ABORTED = dataclasses.replace(ENDED, status=3, abort_reason="[stuck] no log for long (@bo, via Buildbell)")
SKIPPED = dataclasses.replace(ENDED, status=4, abort_reason="[no-changes] (@bo, via Buildbell)")


def row(seen: Build) -> BuildRow:
    return build_row("T1", seen, now=NOON)


async def never_run(_: Any, arguments: Mapping[str, Any]) -> None:
    """The engine isn't started."""


class RecordedOutbox:
    """Record the messages that would be stored."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[str, str]] = []
        monkeypatch.setattr(outbox, "update_card", self.update_card)
        monkeypatch.setattr(outbox, "announce_result", self.announce_result)

    async def update_card(self, ctx: Context, tx: Transaction, card: MessageRow) -> None:
        self.calls.append(("draw", card.message_id))

    async def announce_result(self, ctx: Context, tx: Transaction, card: MessageRow) -> None:
        self.calls.append(("announce", card.message_id))


class Applier:
    """Apply builds to a real database, in which the build b1 has one card."""

    def __init__(self, database: Database, outbox: RecordedOutbox) -> None:
        self.database, self.outbox = database, outbox
        clock = SteppedClock()
        engine = LocalEngine(database=database, clock=clock)
        engine.register(JobKind(analysis.ANALYZE, never_run, concurrency=1))
        self._ctx = make_context(database, engine=engine, clock=clock, new_id=lambda: "c0")

    async def apply(self, *seen: Build) -> list[BuildRow]:
        return await self.database.transaction(lambda tx: updates.apply_builds(self._ctx, tx, "T1", seen))

    async def mark_lost(self, known: BuildRow) -> None:
        await self.database.transaction(lambda tx: updates.mark_lost(self._ctx, tx, known))

    async def add_card(self, message_id: str, *slugs: str) -> None:
        card = MessageRow(message_id, "T1", "C1", NOON, requested_by="U1")
        await self.database.transaction(lambda tx: message_rows.add_message(tx, card, slugs))

    async def stored(self) -> BuildRow:
        found = await build_rows.find_build(self.database, "T1", "b1")
        assert found is not None
        return found


@pytest.fixture
async def applier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Applier]:
    database = await open_database(f"sqlite:///{tmp_path}/observer.db")
    applier = Applier(database, RecordedOutbox(monkeypatch))
    await applier.database.execute(
        "insert into workspaces (workspace_id, name, bot_user_id, health) values ('T1', 'Acme', 'U0', 'none')"
    )
    await applier.apply(QUEUED)
    await applier.add_card("c1", "b1")
    yield applier
    await database.close()


async def test_changed_build_updates_its_card_and_announces_its_result(applier: Applier) -> None:
    await applier.apply(RUNNING)
    await applier.apply(SUCCEEDED)
    assert applier.outbox.calls == [("draw", "c1"), ("draw", "c1"), ("announce", "c1")]


@pytest.mark.parametrize("seen", [QUEUED, RUNNING, SUCCEEDED])
async def test_same_build_again_updates_nothing(applier: Applier, seen: Build) -> None:
    await applier.apply(seen)
    applier.outbox.calls.clear()
    await applier.apply(seen)
    await applier.apply(seen)
    assert applier.outbox.calls == []


@pytest.mark.parametrize("order", list(itertools.permutations([QUEUED, RUNNING, SUCCEEDED])))
async def test_result_stays_and_is_announced_once_in_any_order_of_responses(
    applier: Applier, order: tuple[Build, ...]
) -> None:
    for seen in order:
        await applier.apply(seen)
    assert (await applier.stored()).outcome == "succeeded"
    assert [what for what, _ in applier.outbox.calls].count("announce") == 1


async def test_older_response_does_not_reset_the_state(applier: Applier) -> None:
    await applier.apply(RUNNING)
    await applier.apply(QUEUED)
    assert (await applier.stored()).state == "running"


@pytest.mark.parametrize("later", [FAILED, ABORTED, SKIPPED, RUNNING])
async def test_result_of_a_finished_build_never_changes(applier: Applier, later: Build) -> None:
    await applier.apply(SUCCEEDED)
    await applier.apply(later)
    assert (await applier.stored()).outcome == "succeeded"


@pytest.mark.parametrize(
    ("seen", "outcome", "reason"),
    [(SUCCEEDED, "succeeded", None), (FAILED, "failed", None), (ABORTED, "aborted", "stuck"),
     (SKIPPED, "skipped", "no-changes")],
)  # fmt: skip
async def test_each_outcome_is_stored_with_its_reason(
    applier: Applier, seen: Build, outcome: str, reason: str | None
) -> None:
    await applier.apply(seen)
    stored = await applier.stored()
    assert (stored.outcome, stored.reason) == (outcome, reason)


async def test_card_of_two_builds_is_announced_when_both_have_finished(applier: Applier) -> None:
    await applier.apply(build(slug="b2", number=8))
    await applier.add_card("both", "b1", "b2")
    await applier.apply(SUCCEEDED)
    assert ("announce", "both") not in applier.outbox.calls
    await applier.apply(dataclasses.replace(FAILED, slug="b2"))
    assert applier.outbox.calls.count(("announce", "both")) == 1


async def test_lost_build_finishes_without_an_outcome(applier: Applier) -> None:
    await applier.mark_lost(await applier.stored())
    stored = await applier.stored()
    assert (stored.state, stored.outcome) == ("finished", None)
    assert ("announce", "c1") in applier.outbox.calls


async def test_losing_a_build_that_has_finished_changes_nothing(applier: Applier) -> None:
    known = await applier.stored()
    await applier.apply(SUCCEEDED)
    await applier.mark_lost(known)
    assert (await applier.stored()).outcome == "succeeded"


# Merging.


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(BuildRow)])
def test_empty_field_erases_nothing(name: str) -> None:
    known = row(ABORTED)
    nothing: dict[str, Any] = {name: None}
    emptied = dataclasses.replace(known, **nothing)
    assert getattr(merge(known, emptied), name) == getattr(known, name)


def test_own_fields_are_not_overwritten() -> None:
    ours: dict[str, Any] = {
        "request_id": "r1",
        "requested_by": "U1",
        "build_message": "try it",
        "abort_requested_by": "U2",
    }
    known = dataclasses.replace(row(QUEUED), **ours, cause="slack", triggered_by_name="ana")
    merged = merge(known, dataclasses.replace(row(RUNNING), request_id="other", build_message="else"))
    assert {name: getattr(merged, name) for name in ours} == ours
    assert (merged.cause, merged.triggered_by_name, merged.state) == ("slack", "ana", "running")


def test_sync_time_and_machine_are_no_visible_change() -> None:
    known = row(RUNNING)
    assert not is_visible_change(
        known, dataclasses.replace(known, last_synced_at=NOON + timedelta(hours=1), machine_type="g2.mac")
    )


@pytest.mark.parametrize("changes", [{"state": "running"}, {"commit_message": "Fix"}, {"number": 8}])
def test_state_message_and_number_are_visible_changes(changes: dict[str, Any]) -> None:
    assert is_visible_change(row(QUEUED), dataclasses.replace(row(QUEUED), **changes))
