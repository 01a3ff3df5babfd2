"""What was seen becomes a row: late, repeated, mixed up and half empty answers change nothing they should not."""

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
    """A build on hold, as Bitrise shows it."""
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
        self.told: list[tuple[str, str]] = []
        monkeypatch.setattr(outbox, "update_card", self.update_card)
        monkeypatch.setattr(outbox, "announce_result", self.announce_result)

    async def update_card(self, ctx: Context, tx: Transaction, card: MessageRow) -> None:
        self.told.append(("draw", card.message_id))

    async def announce_result(self, ctx: Context, tx: Transaction, card: MessageRow) -> None:
        self.told.append(("announce", card.message_id))


class Desk:
    """Updates of a real database; a build named b1 has one card."""

    def __init__(self, database: Database, outbox: RecordedOutbox) -> None:
        self.database, self.outbox = database, outbox
        clock = SteppedClock()
        engine = LocalEngine(database=database, clock=clock)
        engine.register(JobKind(analysis.ANALYZE, never_run, concurrency=1))
        self._ctx = make_context(database, engine=engine, clock=clock, new_id=lambda: "c0")

    async def see(self, *seen: Build) -> list[BuildRow]:
        return await self.database.transaction(lambda tx: updates.apply_builds(self._ctx, tx, "T1", seen))

    async def lose(self, known: BuildRow) -> None:
        await self.database.transaction(lambda tx: updates.mark_lost(self._ctx, tx, known))

    async def add_card(self, message_id: str, *slugs: str) -> None:
        card = MessageRow(message_id, "T1", "C1", NOON, requested_by="U1")
        await self.database.transaction(lambda tx: message_rows.add_message(tx, card, slugs))

    async def stored(self) -> BuildRow:
        found = await build_rows.find_build(self.database, "T1", "b1")
        assert found is not None
        return found


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    database = await open_database(f"sqlite:///{tmp_path}/observer.db")
    desk = Desk(database, RecordedOutbox(monkeypatch))
    await desk.database.execute(
        "insert into workspaces (workspace_id, name, bot_user_id, health) values ('T1', 'Acme', 'U0', 'none')"
    )
    await desk.see(QUEUED)
    await desk.add_card("c1", "b1")
    yield desk
    await database.close()


async def test_a_build_that_moves_is_drawn_and_its_end_announced(desk: Desk) -> None:
    await desk.see(RUNNING)
    await desk.see(SUCCEEDED)
    assert desk.outbox.told == [("draw", "c1"), ("draw", "c1"), ("announce", "c1")]


@pytest.mark.parametrize("seen", [QUEUED, RUNNING, SUCCEEDED])
async def test_the_same_seen_again_says_nothing(desk: Desk, seen: Build) -> None:
    await desk.see(seen)
    desk.outbox.told.clear()
    await desk.see(seen)
    await desk.see(seen)
    assert desk.outbox.told == []


@pytest.mark.parametrize("order", list(itertools.permutations([QUEUED, RUNNING, SUCCEEDED])))
async def test_in_whatever_order_answers_come_the_end_stays_and_is_told_once(
    desk: Desk, order: tuple[Build, ...]
) -> None:
    for seen in order:
        await desk.see(seen)
    assert (await desk.stored()).outcome == "succeeded"
    assert [what for what, _ in desk.outbox.told].count("announce") == 1


async def test_an_older_answer_does_not_move_it_back(desk: Desk) -> None:
    await desk.see(RUNNING)
    await desk.see(QUEUED)
    assert (await desk.stored()).state == "running"


@pytest.mark.parametrize("later", [FAILED, ABORTED, SKIPPED, RUNNING])
async def test_what_has_ended_stays_as_it_ended(desk: Desk, later: Build) -> None:
    await desk.see(SUCCEEDED)
    await desk.see(later)
    assert (await desk.stored()).outcome == "succeeded"


@pytest.mark.parametrize(
    ("seen", "outcome", "reason"),
    [(SUCCEEDED, "succeeded", None), (FAILED, "failed", None), (ABORTED, "aborted", "stuck"),
     (SKIPPED, "skipped", "no-changes")],
)  # fmt: skip
async def test_each_end_is_stored_as_what_it_is(desk: Desk, seen: Build, outcome: str, reason: str | None) -> None:
    await desk.see(seen)
    stored = await desk.stored()
    assert (stored.outcome, stored.reason) == (outcome, reason)


async def test_a_card_of_two_builds_is_announced_when_both_have_ended(desk: Desk) -> None:
    await desk.see(build(slug="b2", number=8))
    await desk.add_card("both", "b1", "b2")
    await desk.see(SUCCEEDED)
    assert ("announce", "both") not in desk.outbox.told
    await desk.see(dataclasses.replace(FAILED, slug="b2"))
    assert desk.outbox.told.count(("announce", "both")) == 1


async def test_a_lost_build_ends_without_an_outcome(desk: Desk) -> None:
    await desk.lose(await desk.stored())
    stored = await desk.stored()
    assert (stored.state, stored.outcome) == ("finished", None)
    assert ("announce", "c1") in desk.outbox.told


async def test_losing_what_has_ended_meanwhile_changes_nothing(desk: Desk) -> None:
    known = await desk.stored()
    await desk.see(SUCCEEDED)
    await desk.lose(known)
    assert (await desk.stored()).outcome == "succeeded"


# What is kept when an answer says less than we know.


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(BuildRow)])
def test_an_empty_field_erases_nothing(name: str) -> None:
    known = row(ABORTED)
    nothing: dict[str, Any] = {name: None}
    emptied = dataclasses.replace(known, **nothing)
    assert getattr(merge(known, emptied), name) == getattr(known, name)


def test_what_only_we_know_is_not_overwritten() -> None:
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


def test_being_looked_at_is_no_news() -> None:
    known = row(RUNNING)
    assert not is_visible_change(
        known, dataclasses.replace(known, last_synced_at=NOON + timedelta(hours=1), machine_type="g2.mac")
    )


@pytest.mark.parametrize("changes", [{"state": "running"}, {"commit_message": "Fix"}, {"number": 8}])
def test_what_a_person_would_see_is_visible_change(changes: dict[str, Any]) -> None:
    assert is_visible_change(row(QUEUED), dataclasses.replace(row(QUEUED), **changes))
