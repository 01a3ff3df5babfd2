"""Decisions of the stores: claims, deduplication, schedules."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from storage import Database, audit
from storage import apps as app_rows
from storage import builds as build_rows
from storage import messages as message_rows
from storage import outbox as outbox_rows
from storage import presets as preset_rows
from storage import requests as request_rows
from storage import sync_schedule as sync_rows
from storage import workspaces as workspace_rows
from storage.apps import AppRow, ChannelRow
from storage.audit import AuditRow
from storage.builds import BuildRow
from storage.messages import MessageRow
from storage.outbox import OutboxRow
from storage.presets import PresetRow
from storage.requests import RequestRow
from tests.storage.conftest import NOW

pytestmark = pytest.mark.usefixtures("workspaces")
LATER = NOW + timedelta(minutes=5)


def request(request_id: str, **facts: Any) -> RequestRow:
    known: dict[str, Any] = {
        "workspace_id": "T1", "kind": "start", "unique_key": request_id, "state": "accepted", "user_id": "U1",
        "user_name": "ana", "channel_id": "C1", "response_url_sealed": None, "view_id": None, "app_slug": "shop",
        "build_slug": None, "workflow": "deploy", "branch": "main", "parameters_sealed": "x", "parameters_hash": "d",
        "created_at": NOW,
    }  # fmt: skip
    return RequestRow(request_id=request_id, **(known | facts))


def build(slug: str, **facts: Any) -> BuildRow:
    empty: dict[str, Any] = dict.fromkeys(BuildRow.__dataclass_fields__)
    known = {"workspace_id": "T1", "app_slug": "shop", "is_pipeline": False, "is_utility": False,
             "cause": "api", "state": "running",
             "workflow": "deploy", "branch": "main", "triggered_at": NOW, "last_synced_at": NOW}  # fmt: skip
    return BuildRow(**(empty | known | facts | {"build_slug": slug}))


def card(message_id: str, **facts: Any) -> MessageRow:
    known: dict[str, Any] = {"workspace_id": "T1", "channel_id": "C1", "ts": None, "requested_by": "U1",
                             "request_id": None, "rerouted_from": None, "created_at": NOW}  # fmt: skip
    return MessageRow(message_id=message_id, **(known | facts))


async def add_builds(database: Database, *builds: BuildRow) -> None:
    for each in builds:
        assert await database.transaction(partial(build_rows.add_build, build=each))


# Requests.


async def test_the_same_request_is_stored_once(database: Database) -> None:
    rows = [request(f"r{number}", unique_key="command:1") for number in range(5)]
    added = await asyncio.gather(
        *(database.transaction(partial(request_rows.add_request, request=row)) for row in rows)
    )
    assert sorted(added) == [False, False, False, False, True]


async def test_a_request_reads_back_as_it_was_stored(database: Database) -> None:
    row = request("r1", sent_at=LATER)
    await database.transaction(lambda tx: request_rows.add_request(tx, row))
    assert await request_rows.find_request(database, "r1") == row


async def test_a_request_is_completed_once(database: Database) -> None:
    await database.transaction(lambda tx: request_rows.add_request(tx, request("r1")))

    async def settle(state: str) -> bool:
        return await database.transaction(
            lambda tx: request_rows.complete_request(tx, "r1", state=state, result="", now=LATER)
        )

    assert sorted(await asyncio.gather(settle("done"), settle("refused"))) == [False, True]


@pytest.mark.parametrize(("frees_key", "again"), [(True, True), (False, False)])
async def test_a_request_can_be_repeated_if_its_key_was_freed(database: Database, frees_key: bool, again: bool) -> None:
    await database.transaction(lambda tx: request_rows.add_request(tx, request("r1", unique_key="abort:b1")))
    await database.transaction(
        lambda tx: request_rows.complete_request(tx, "r1", state="refused", result="", now=NOW, frees_key=frees_key)
    )
    second = request("r2", unique_key="abort:b1")
    assert await database.transaction(lambda tx: request_rows.add_request(tx, second)) is again


async def test_own_starts_are_the_newest_that_were_not_refused(database: Database) -> None:
    for row in (
        request("old", branch="main"),
        request("new", branch="release", created_at=LATER),
        request("refused", branch="typo", created_at=LATER + timedelta(1), state="refused"),
        request("of-another", branch="other", user_id="U2", created_at=LATER + timedelta(2)),
    ):
        await database.transaction(partial(request_rows.add_request, request=row))
    own = await request_rows.list_own_starts(database, "T1", "U1", limit=5)
    assert [row.branch for row in own] == ["release", "main"]
    assert len(await request_rows.list_own_starts(database, "T1", "U1", limit=1)) == 1


async def test_a_preset_is_replaced_by_its_name_and_removed_once(database: Database) -> None:
    first = PresetRow("T1", "C1", "beta", "shop", "sealed", created_by="U1", created_at=NOW)
    second = dataclasses.replace(first, parameters_sealed="sealed again")
    for row in (first, second):
        await database.transaction(partial(preset_rows.save_preset, preset=row))
    assert await preset_rows.find_preset(database, "T1", "C1", "beta") == second
    assert await preset_rows.list_presets(database, "T1", created_by="U2") == []
    assert await preset_rows.replace_sealed_parameters(database, first, "newer") == 0
    assert await preset_rows.replace_sealed_parameters(database, second, "newer") == 1
    for expected in (True, False):
        assert await database.transaction(lambda tx: preset_rows.delete_preset(tx, "T1", "C1", "beta")) is expected


# Builds and cards.


async def test_a_build_is_saved_only_from_the_expected_state(database: Database) -> None:
    await add_builds(database, build("b1", state="queued"))
    ended = build("b1", state="finished", outcome="failed")
    moves = [
        database.transaction(lambda tx: build_rows.save_build(tx, ended, expected_state="queued")) for _ in range(3)
    ]
    assert sorted(await asyncio.gather(*moves)) == [False, False, True]
    assert await build_rows.find_build(database, "T1", "b1") == ended


async def test_an_abort_is_claimed_once(database: Database) -> None:
    await add_builds(database, build("b1"))
    claims = [
        database.transaction(partial(build_rows.claim_abort, workspace_id="T1", build_slug="b1", by=by, now=NOW))
        for by in ("U1", "U2")
    ]
    assert sorted(await asyncio.gather(*claims)) == [False, True]
    await database.transaction(lambda tx: build_rows.release_abort(tx, "T1", "b1"))
    assert await database.transaction(lambda tx: build_rows.claim_abort(tx, "T1", "b1", by="U2", now=NOW))


async def test_a_finished_build_cannot_be_claimed_for_an_abort(database: Database) -> None:
    await add_builds(database, build("b1", state="finished", outcome="succeeded"))
    assert not await database.transaction(lambda tx: build_rows.claim_abort(tx, "T1", "b1", by="U1", now=NOW))


async def test_builds_of_another_workspace_are_not_found(database: Database, workspaces: Database) -> None:
    await workspace_rows.save_workspace(workspaces, workspace_id="T2", name="Other", bot_user_id="U9")
    await add_builds(database, build("b1", number=1, requested_by="U1"))
    assert await build_rows.find_build(database, "T2", "b1") is None
    assert await build_rows.list_unfinished(database, "T2") == []


async def test_durations_are_of_successes_of_the_same_target(database: Database) -> None:
    def ended(slug: str, minutes: int, **facts: Any) -> BuildRow:
        end = NOW + timedelta(minutes=minutes)
        return build(slug, state="finished", started_at=NOW, finished_at=end, **({"outcome": "succeeded"} | facts))

    await add_builds(
        database, ended("b1", 7), ended("b2", 9), ended("b3", 99, outcome="failed"), ended("b4", 98, outcome="skipped"),
        ended("b5", 97, workflow="test"), ended("b6", 96, app_slug="droid"),
    )  # fmt: skip
    took = await build_rows.list_durations(database, build("b0"), limit=20)
    assert [each.run_seconds for each in took] == [540, 420]


@pytest.mark.parametrize("column", ["workflow", "pipeline", "branch"])
async def test_names_come_once_each_newest_first_for_one_app(database: Database, column: str) -> None:
    named: list[tuple[str, str | None, datetime]] = [
        ("shop", "main", NOW), ("shop", "dev", LATER), ("shop", "main", NOW - timedelta(days=1)),
        ("shop", None, LATER), ("droid", "lint", LATER),
    ]  # fmt: skip
    rows = [
        build(f"b{at}", app_slug=app, triggered_at=time, **{column: name}) for at, (app, name, time) in enumerate(named)
    ]
    await add_builds(database, *rows)
    assert await build_rows.list_names(database, "T1", "shop", column=column) == ["dev", "main"]
    assert await build_rows.list_names(database, "T2", "shop", column=column) == []


async def test_names_come_only_from_known_columns(database: Database) -> None:
    with pytest.raises(ValueError, match="no such column"):
        await build_rows.list_names(database, "T1", "shop", column="1; drop table builds")


async def test_a_message_is_announced_once_and_rerouted_once(database: Database) -> None:
    await add_builds(database, build("b1"), build("b2", state="finished"))
    await database.transaction(lambda tx: message_rows.add_message(tx, card("c1", ts="1.2"), ["b1", "b2"]))
    assert await message_rows.list_build_slugs(database, "c1") == ["b1", "b2"]
    assert [each.message_id for each in await message_rows.list_live(database, "T1")] == ["c1"]
    assert await database.transaction(lambda tx: message_rows.count_unfinished(tx, "c1")) == 1
    claims = [database.transaction(lambda tx: message_rows.claim_announcement(tx, "c1", now=NOW)) for _ in range(3)]
    assert sorted(await asyncio.gather(*claims)) == [False, False, True]
    for place in ("U1", "U2"):
        await database.transaction(partial(message_rows.reroute_message, message_id="c1", to=place))
    moved = await message_rows.find_message(database, "c1")
    assert moved is not None
    assert (moved.channel_id, moved.rerouted_from, moved.ts) == ("U1", "C1", None)


async def test_a_deleted_message_is_neither_rendered_nor_announced(database: Database) -> None:
    await add_builds(database, build("b1"))
    await database.transaction(lambda tx: message_rows.add_message(tx, card("c1"), ["b1"]))
    await database.transaction(lambda tx: message_rows.mark_deleted(tx, "c1"))
    assert await message_rows.list_of_build(database, "T1", "b1") == []
    assert await message_rows.list_live(database, "T1") == []
    assert not await database.transaction(lambda tx: message_rows.claim_announcement(tx, "c1", now=NOW))


# Outbox, audit, apps.


def letter(outbox_id: str, dedupe_key: str | None) -> OutboxRow:
    return OutboxRow(outbox_id, "T1", "T1:C1", "card", None, {"text": "é"}, dedupe_key, NOW)


async def test_a_waiting_update_stands_for_later_ones_until_it_is_rendered(database: Database) -> None:

    async def add(outbox_id: str, key: str | None) -> bool:
        return await database.transaction(lambda tx: outbox_rows.add_outgoing(tx, letter(outbox_id, key)))

    assert [await add("o1", "card:1"), await add("o2", "card:1"), await add("o3", None), await add("o4", None)] == [
        True, False, True, True,
    ]  # fmt: skip
    await outbox_rows.clear_dedupe_key(database, "o1")
    assert await add("o5", "card:1")
    assert (await outbox_rows.find_outgoing(database, "o3")) == letter("o3", None)
    await database.transaction(lambda tx: outbox_rows.delete_outgoing(tx, "o3"))
    assert await outbox_rows.count_waiting(database) == 3
    assert await outbox_rows.count_waiting(database, "T1") == 3
    assert await outbox_rows.count_waiting(database, "T2") == 0


async def add_audit_entries(database: Database) -> None:
    entries = [
        AuditRow("a0", "T1", NOW, "U1", "start", "deploy", "done", "shop"),
        AuditRow("a1", "T1", LATER, "U2", "start", "deploy", "done", "droid"),
        AuditRow("a2", "T1", LATER, "U1", "connect", "ci-bot", "done"),
        AuditRow("b0", "T2", NOW, "U1", "start", "deploy", "done", "shop"),
    ]
    for entry in entries:
        await database.transaction(partial(audit.add_entry, entry=entry))


async def test_audit_entries_are_listed_newest_first_filtered_and_in_pages(database: Database) -> None:
    async def listed(**options: Any) -> list[str]:
        return [entry.audit_id for entry in await audit.list_entries(database, "T1", **options)]

    await add_audit_entries(database)
    assert await listed() == ["a2", "a1", "a0"]
    assert await listed(since=LATER) == ["a2", "a1"]
    assert await listed(app_slug="shop") == ["a0"]
    assert await listed(user_id="U1") == ["a2", "a0"]
    assert await listed(limit=1, before=audit.Place(LATER, "a2")) == ["a1"]
    assert await listed(before=audit.Place(LATER, "a1"), since=NOW) == ["a0"]


async def test_audit_entries_of_all_workspaces_are_exported(database: Database) -> None:
    await add_audit_entries(database)
    pages = [page async for page in audit.iterate_entries(database, since=NOW)]
    assert [[entry.audit_id for entry in page] for page in pages] == [["a2", "a1", "a0"], ["b0"]]


async def test_old_audit_entries_are_deleted_oldest_first_in_steps(database: Database) -> None:
    await add_audit_entries(database)
    assert await audit.delete_older(database, than=LATER, limit=1) == 1
    assert await audit.delete_older(database, than=LATER, limit=5) == 1
    assert await audit.delete_older(database, than=LATER, limit=5) == 0
    assert [entry.audit_id for entry in await audit.list_entries(database, "T1")] == ["a2", "a1"]


async def test_apps_are_replaced_as_a_whole(database: Database) -> None:
    shop = AppRow("T1", "shop", "iOS Shop", "acme", "shop", None, "ios", False)
    droid = AppRow("T1", "droid", "Android Shop", "acme", None, None, "android", True)
    await database.transaction(lambda tx: app_rows.replace_apps(tx, "T1", [shop, droid]))
    assert await app_rows.list_apps(database, "T1") == [droid, shop]
    await database.transaction(lambda tx: app_rows.replace_apps(tx, "T1", [shop]))
    assert await app_rows.find_app(database, "T1", "droid") is None
    assert await app_rows.find_app(database, "T2", "shop") is None


async def test_a_channel_without_settings_has_results_in_the_thread(database: Database) -> None:
    assert (await app_rows.get_channel(database, "T1", "C1")).finish_in == "thread"
    for branch in ("main", "dev"):
        row = ChannelRow("T1", "C1", "shop", "deploy", branch, "channel")
        await database.transaction(partial(app_rows.save_channel, channel=row))
    assert await app_rows.get_channel(database, "T1", "C1") == ChannelRow(
        "T1", "C1", "shop", "deploy", "dev", "channel"
    )


# Workspaces and sweeps.


async def connect(database: Database, store: Database, sealed: str = "s1") -> None:
    await database.transaction(
        lambda tx: workspace_rows.save_connection(tx, "T1", sealed=sealed, owner="bot", by="U1", now=NOW)
    )


async def test_a_due_sync_is_claimed_once(database: Database, workspaces: Database) -> None:
    await connect(database, workspaces)
    claims = [sync_rows.claim_sync(workspaces, "T1", now=NOW, until=LATER) for _ in range(5)]
    assert sum(workspace is not None for workspace in await asyncio.gather(*claims)) == 1


async def test_a_webhook_during_a_sync_is_not_lost(database: Database, workspaces: Database) -> None:
    await connect(database, workspaces)
    assert await sync_rows.claim_sync(workspaces, "T1", now=NOW, until=LATER)
    hint = NOW + timedelta(seconds=1)
    needs_a_job = await database.transaction(lambda tx: sync_rows.make_due(tx, "T1", at=hint))
    assert not needs_a_job  # who sweeps plans it at the end
    await database.transaction(lambda tx: sync_rows.finish_sync(tx, "T1", now=hint, due_at=LATER, error=None))
    workspace = await workspace_rows.find_workspace(workspaces, "T1")
    assert workspace is not None
    assert (workspace.sync_due_at, workspace.last_synced_at) == (hint, hint)


async def test_a_sync_is_due_when_scheduled(database: Database, workspaces: Database) -> None:
    await connect(database, workspaces)
    await sync_rows.claim_sync(workspaces, "T1", now=NOW, until=LATER)
    planned = NOW + timedelta(seconds=10)
    await database.transaction(lambda tx: sync_rows.finish_sync(tx, "T1", now=NOW, due_at=planned, error="slow"))
    workspace = await workspace_rows.find_workspace(workspaces, "T1")
    assert workspace is not None
    assert (workspace.sync_due_at, workspace.last_synced_at, workspace.last_sync_error) == (planned, None, "slow")
    assert not await sync_rows.claim_sync(workspaces, "T1", now=NOW, until=LATER)


async def test_a_sync_of_a_dead_process_can_be_claimed_after_its_time(database: Database, workspaces: Database) -> None:
    await connect(database, workspaces)
    await sync_rows.claim_sync(workspaces, "T1", now=NOW, until=LATER)
    assert await sync_rows.claim_sync(workspaces, "T1", now=LATER, until=LATER + timedelta(minutes=1))


async def test_an_unfinished_sync_is_resumed_and_a_finished_one_is_not(
    database: Database, workspaces: Database
) -> None:
    await connect(database, workspaces)
    assert not await sync_rows.resume_sync(workspaces, "T1", until=LATER)
    assert await sync_rows.claim_sync(workspaces, "T1", now=NOW, until=LATER)
    assert await sync_rows.resume_sync(workspaces, "T1", until=LATER + timedelta(minutes=1))
    await database.transaction(lambda tx: sync_rows.finish_sync(tx, "T1", now=NOW, due_at=LATER, error=None))
    assert not await sync_rows.resume_sync(workspaces, "T1", until=LATER)


async def test_health_changes_once_and_only_for_the_stored_token(database: Database, workspaces: Database) -> None:
    await connect(database, workspaces, "s2")

    async def refuse(sealed: str) -> bool:
        return await database.transaction(
            lambda tx: workspace_rows.save_health(tx, "T1", sealed=sealed, health="refused", now=NOW)
        )

    assert [await refuse("s1"), await refuse("s2"), await refuse("s2")] == [False, True, False]
    await connect(database, workspaces, "s3")
    workspace = await workspace_rows.find_workspace(workspaces, "T1")
    assert workspace is not None
    assert workspace.health == "ok"


async def test_disconnecting_leaves_no_token_and_no_sync(database: Database, workspaces: Database) -> None:
    await connect(database, workspaces)
    forgets = [database.transaction(lambda tx: workspace_rows.delete_connection(tx, "T1", now=NOW)) for _ in range(2)]
    assert sorted(await asyncio.gather(*forgets)) == [False, True]
    workspace = await workspace_rows.find_workspace(workspaces, "T1")
    assert workspace is not None
    assert (workspace.bitrise_token_sealed, workspace.sync_due_at, workspace.health) == (None, None, "none")
    assert not await sync_rows.claim_sync(workspaces, "T1", now=LATER, until=LATER)


async def test_renaming_a_workspace_keeps_its_connection(database: Database, workspaces: Database) -> None:
    await connect(database, workspaces)
    await workspace_rows.save_workspace(workspaces, workspace_id="T1", name="Acme Inc", bot_user_id="U7")
    workspace = await workspace_rows.find_workspace(workspaces, "T1")
    assert workspace is not None
    assert (workspace.name, workspace.bitrise_token_sealed) == ("Acme Inc", "s1")


async def test_a_sealed_token_is_replaced_only_if_unchanged(database: Database, workspaces: Database) -> None:
    await connect(database, workspaces, "s2")
    assert not await workspace_rows.replace_sealed(workspaces, "T1", column="bitrise_token_sealed", old="s1", new="n")
    assert await workspace_rows.replace_sealed(workspaces, "T1", column="bitrise_token_sealed", old="s2", new="n")
