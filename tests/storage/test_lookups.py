"""Queries of the stores: the right rows, in the right order, of the right workspace."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from functools import partial

import pytest

from storage import Database
from storage import apps as app_rows
from storage import builds as build_rows
from storage import messages as message_rows
from storage import outbox as outbox_rows
from storage import requests as request_rows
from storage import sync_schedule as sync_rows
from storage import workspaces as workspace_rows
from storage.database import to_columns
from storage.requests import ADD_START, RequestRow
from tests.storage.conftest import NOW
from tests.storage.test_stores import add_builds, build, card, connect, letter, request

pytestmark = pytest.mark.usefixtures("workspaces")
EXPLAINED = {"sqlite": ("explain query plan", "detail"), "postgresql": ("explain", "QUERY PLAN")}
LATER = NOW + timedelta(minutes=5)


async def add_requests(database: Database, *rows: RequestRow) -> Database:
    for row in rows:
        assert await database.transaction(partial(request_rows.add_request, request=row))
    return database


# Requests.


async def test_a_start_reads_identical_requests_from_an_index(database: Database) -> None:
    await add_requests(database, *(request(f"r{n}", unique_key=f"k{n}", parameters_hash=f"d{n}") for n in range(300)))
    await database.execute("analyze")  # as PostgreSQL does by itself, within a minute
    explain, column = EXPLAINED[database.dialect]
    rows = await database.fetch_all(f"{explain} {ADD_START}", **to_columns(request("new")) | {"asks_first": True})
    plan = "\n".join(str(row[column]) for row in rows)
    assert set(re.findall(r"(?i)using (?:covering )?(?:index )?(requests_\w+)", plan)) == {"requests_identical"}


async def test_a_request_is_found_by_its_key_in_its_workspace(database: Database, workspaces: Database) -> None:
    await workspace_rows.save_workspace(workspaces, workspace_id="T2", name="Other", bot_user_id="U9")
    mine, theirs = request("r1", unique_key="k"), request("r2", unique_key="k", workspace_id="T2")
    store = await add_requests(database, mine, theirs)
    assert await request_rows.find_by_key(store, "T1", "k") == mine
    assert await request_rows.find_by_key(store, "T2", "k") == theirs
    assert await request_rows.find_by_key(store, "T1", "other") is None


async def test_only_an_open_request_is_marked_as_sent_and_a_refusal_undoes_it(database: Database) -> None:
    store = await add_requests(database, request("r1"), request("r2", state="done"))
    for request_id, is_sent in (("r1", True), ("r2", False)):
        assert await database.transaction(partial(request_rows.mark_sent, request_id=request_id, now=LATER)) is is_sent
    sent = await request_rows.find_request(store, "r1")
    assert sent is not None
    assert (sent.state, sent.sent_at) == ("sent", LATER)
    for is_new in (True, False):
        assert await database.transaction(lambda tx: request_rows.mark_accepted(tx, "r1")) is is_new
    await database.transaction(lambda tx: request_rows.mark_unsent(tx, "r1"))
    back = await request_rows.find_request(store, "r1")
    assert back is not None
    assert back.state == "accepted"


async def test_a_request_is_confirmed_once(database: Database) -> None:
    store = await add_requests(database, request("r1", state="awaiting_confirmation"))
    releases = [database.transaction(lambda tx: request_rows.confirm_request(tx, "r1", now=LATER)) for _ in range(3)]
    assert sorted(await asyncio.gather(*releases)) == [False, False, True]
    found = await request_rows.find_request(store, "r1")
    assert found is not None
    assert (found.state, found.created_at) == ("accepted", LATER)


async def test_a_delay_is_notified_once(database: Database) -> None:
    await add_requests(database, request("r1"))
    tellings = [database.transaction(lambda tx: request_rows.claim_notification(tx, "r1", now=NOW)) for _ in range(3)]
    assert sorted(await asyncio.gather(*tellings)) == [False, False, True]


async def test_parameters_of_a_request_are_deleted(database: Database) -> None:
    store = await add_requests(database, request("r1", kind="connect", parameters_sealed="v1.token"))
    await database.transaction(lambda tx: request_rows.delete_parameters(tx, "r1"))
    found = await request_rows.find_request(store, "r1")
    assert found is not None
    assert found.parameters_sealed == ""


async def test_a_start_awaits_confirmation_while_an_identical_one_is_open(database: Database) -> None:
    store = await add_requests(
        database, request("r1", parameters_hash="same"), request("r2", parameters_hash="other"),
        request("r3", parameters_hash="same", kind="abort"),
        request("r4", parameters_hash="same", state="awaiting_confirmation"),
    )  # fmt: skip

    async def add_equal(request_id: str, *, asks_first: bool = True) -> str | None:
        row = request(request_id, parameters_hash="same")
        [state] = await database.transaction(lambda tx: request_rows.add_starts(tx, [(row, asks_first)]))
        return state

    assert await add_equal("r5") == "awaiting_confirmation"
    assert await request_rows.count_open(store) == 3
    assert await request_rows.count_open(store, "T1") == 3
    assert await request_rows.count_open(store, "T2") == 0
    await database.transaction(lambda tx: request_rows.complete_request(tx, "r1", state="done", result="", now=NOW))
    assert await request_rows.count_open(store) == 2
    assert await add_equal("r6") == "accepted"
    assert await add_equal("r7", asks_first=False) == "accepted"
    assert await add_equal("r6") is None


async def test_a_start_awaits_confirmation_while_an_identical_build_runs(database: Database) -> None:
    await add_builds(
        database, build("runs", parameters_hash="same"), build("ended", parameters_hash="other", state="finished"),
        build("elsewhere", parameters_hash="third", app_slug="droid"),
    )  # fmt: skip
    starts = [(request(digest, parameters_hash=digest), True) for digest in ("same", "other", "third", "other")]
    states = await database.transaction(partial(request_rows.add_starts, starts=starts))
    assert states == ["awaiting_confirmation", "accepted", "accepted", None]


async def test_of_two_identical_starts_in_one_batch_one_awaits_confirmation(database: Database) -> None:
    starts = [(request(name, parameters_hash="same", unique_key=name), True) for name in ("first", "second")]
    assert await database.transaction(partial(request_rows.add_starts, starts=starts)) == [
        "accepted",
        "awaiting_confirmation",
    ]


# Builds.


async def test_unfinished_builds_come_newest_first(database: Database) -> None:
    old, new = build("old"), build("new", triggered_at=LATER, branch="dev", app_slug="droid")
    ended = build("ended", state="finished", triggered_at=LATER + timedelta(1))
    await add_builds(database, old, new, ended)
    assert await build_rows.list_unfinished(database, "T1") == [new, old]


async def test_identical_builds_are_listed_while_they_run(database: Database) -> None:
    await add_builds(
        database, build("b1", parameters_hash="same"), build("b2", parameters_hash="same", state="finished"),
        build("b3", parameters_hash="other"),
        build("b4", parameters_hash="same", app_slug="droid"),
    )  # fmt: skip
    found = await build_rows.list_identical_running(database, "T1", "shop", "same")
    assert [each.build_slug for each in found] == ["b1"]


async def test_a_stored_build_is_not_added_again(database: Database) -> None:
    adding = [
        database.transaction(partial(build_rows.add_build, build=build("b1", number=number))) for number in (1, 2, 3)
    ]
    assert sorted(await asyncio.gather(*adding)) == [False, False, True]


# Cards, outbox, apps, workspaces.


async def test_a_message_stores_where_and_what_was_rendered(database: Database) -> None:
    await add_builds(database, build("b1"))
    for row in (card("later", created_at=LATER), card("first")):
        await database.transaction(partial(message_rows.add_message, message=row, build_slugs=["b1"]))
    await database.transaction(lambda tx: message_rows.save_posted(tx, "first", channel_id="D1", ts="1.2"))
    await database.transaction(lambda tx: message_rows.save_rendered(tx, "first", content_hash="d", now=LATER))
    first, later = await message_rows.list_of_build(database, "T1", "b1")
    assert (first.channel_id, first.ts, first.content_hash, first.rendered_at) == ("D1", "1.2", "d", LATER)
    assert (later.message_id, later.ts, later.rendered_at) == ("later", None, None)


async def test_attempts_of_a_message_are_counted(database: Database) -> None:
    await database.transaction(lambda tx: outbox_rows.add_outgoing(tx, letter("o1", None)))
    for _ in range(2):
        await outbox_rows.count_attempt(database, "o1")
    found = await outbox_rows.find_outgoing(database, "o1")
    assert found is not None
    assert found.attempts == 2
    assert await outbox_rows.find_outgoing(database, "o2") is None


async def test_aliases_are_replaced_as_a_whole(database: Database) -> None:
    for aliases in ({"s": "shop", "d": "droid"}, {"s": "other"}):
        await database.transaction(partial(app_rows.replace_aliases, workspace_id="T1", aliases=aliases))
    assert await app_rows.list_aliases(database, "T1") == {"s": "other"}


async def test_at_the_start_every_connected_workspace_is_due_even_if_claimed(
    database: Database, workspaces: Database
) -> None:
    await workspace_rows.save_workspace(workspaces, workspace_id="T2", name="Not connected", bot_user_id="U9")
    await connect(database, workspaces)
    await sync_rows.claim_sync(workspaces, "T1", now=NOW, until=LATER)
    await sync_rows.release_all(workspaces, now=NOW)
    assert [row.sync_due_at for row in await workspace_rows.list_workspaces(workspaces)] == [NOW, None]
    assert await sync_rows.claim_sync(workspaces, "T1", now=NOW, until=LATER)
    assert not await sync_rows.claim_sync(workspaces, "T2", now=NOW, until=LATER)


async def test_a_webhook_makes_a_sync_due_earlier_and_never_later(database: Database, workspaces: Database) -> None:
    await connect(database, workspaces)
    await sync_rows.claim_sync(workspaces, "T1", now=NOW, until=LATER)
    await database.transaction(lambda tx: sync_rows.finish_sync(tx, "T1", now=NOW, due_at=LATER, error=None))
    hints = [LATER + timedelta(1), NOW + timedelta(seconds=2), NOW + timedelta(seconds=3)]
    moved = [await database.transaction(partial(sync_rows.make_due, workspace_id="T1", at=at)) for at in hints]
    assert moved == [False, True, False]


async def test_a_sync_due_after_the_end_of_a_claim_needs_a_job(database: Database, workspaces: Database) -> None:
    await connect(database, workspaces)
    assert await sync_rows.claim_sync(workspaces, "T1", now=NOW, until=LATER)
    await database.execute("update workspaces set sync_due_at = null")
    assert await database.transaction(partial(sync_rows.make_due, workspace_id="T1", at=LATER))


async def test_no_sync_can_be_claimed_after_disconnecting(database: Database, workspaces: Database) -> None:
    await connect(database, workspaces)
    await sync_rows.claim_sync(workspaces, "T1", now=NOW, until=LATER)
    await database.transaction(lambda tx: workspace_rows.delete_connection(tx, "T1", now=NOW))
    await database.transaction(lambda tx: sync_rows.finish_sync(tx, "T1", now=NOW, due_at=NOW, error=None))
    assert not await sync_rows.claim_sync(workspaces, "T1", now=LATER, until=LATER + timedelta(1))
