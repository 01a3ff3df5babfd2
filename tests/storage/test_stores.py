"""What the stores decide: who won, what waits once, what keeps its earlier time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from storage import Database
from storage.apps import AppRow, AppStore, ChannelRow
from storage.audit import AuditRow, AuditStore
from storage.builds import BuildRow, BuildStore
from storage.messages import CardRow, CardStore
from storage.outbox import OutboxRow, OutboxStore
from storage.requests import RequestRow, RequestStore
from storage.workspaces import WorkspaceStore
from tests.storage.conftest import NOW

pytestmark = pytest.mark.usefixtures("workspaces")
LATER = NOW + timedelta(minutes=5)


def request(request_id: str, **facts: Any) -> RequestRow:
    known: dict[str, Any] = {
        "workspace_id": "T1", "kind": "start", "unique_key": request_id, "state": "accepted", "user_id": "U1",
        "user_name": "ana", "channel_id": "C1", "response_url_sealed": None, "view_id": None, "app_slug": "shop",
        "build_slug": None, "workflow": "deploy", "branch": "main", "parameters_sealed": "x", "digest": "d",
        "created_at": NOW,
    }  # fmt: skip
    return RequestRow(request_id=request_id, **(known | facts))


def build(slug: str, **facts: Any) -> BuildRow:
    empty: dict[str, Any] = dict.fromkeys(BuildRow.__dataclass_fields__)
    known = {"workspace_id": "T1", "app_slug": "shop", "is_pipeline": False, "is_utility": False,
             "cause": "api", "state": "running",
             "workflow": "deploy", "branch": "main", "triggered_at": NOW, "seen_at": NOW}  # fmt: skip
    return BuildRow(**(empty | known | facts | {"build_slug": slug}))


def card(card_id: str, **facts: Any) -> CardRow:
    known: dict[str, Any] = {"workspace_id": "T1", "channel_id": "C1", "ts": None, "requester": "U1",
                             "request_id": None, "rerouted_from": None, "created_at": NOW}  # fmt: skip
    return CardRow(card_id=card_id, **(known | facts))


async def add_builds(database: Database, *builds: BuildRow) -> None:
    store = BuildStore(database)
    for each in builds:
        assert await database.transaction(partial(store.add_build, build=each))


# Requests.


async def test_the_same_request_is_stored_once(database: Database) -> None:
    store = RequestStore(database)
    rows = [request(f"r{number}", unique_key="command:1") for number in range(5)]
    added = await asyncio.gather(*(database.transaction(partial(store.add_request, request=row)) for row in rows))
    assert sorted(added) == [False, False, False, False, True]


async def test_a_request_reads_back_as_it_was_stored(database: Database) -> None:
    store, row = RequestStore(database), request("r1", sent_at=LATER)
    await database.transaction(lambda tx: store.add_request(tx, row))
    assert await store.find_request("r1") == row


async def test_a_request_is_settled_once(database: Database) -> None:
    store = RequestStore(database)
    await database.transaction(lambda tx: store.add_request(tx, request("r1")))

    async def settle(state: str) -> bool:
        return await database.transaction(lambda tx: store.settle_request(tx, "r1", state=state, result="", now=LATER))

    assert sorted(await asyncio.gather(settle("done"), settle("refused"))) == [False, True]


@pytest.mark.parametrize(("frees_key", "again"), [(True, True), (False, False)])
async def test_only_a_freed_key_can_be_asked_for_again(database: Database, frees_key: bool, again: bool) -> None:
    store = RequestStore(database)
    await database.transaction(lambda tx: store.add_request(tx, request("r1", unique_key="abort:b1")))
    await database.transaction(
        lambda tx: store.settle_request(tx, "r1", state="refused", result="", now=NOW, frees_key=frees_key)
    )
    second = request("r2", unique_key="abort:b1")
    assert await database.transaction(lambda tx: store.add_request(tx, second)) is again


async def test_the_last_start_here_is_not_one_that_was_refused(database: Database) -> None:
    store = RequestStore(database)
    for row in (
        request("old", branch="main"),
        request("new", branch="release", created_at=LATER),
        request("refused", branch="typo", created_at=LATER + timedelta(1), state="refused"),
        request("elsewhere", branch="other", channel_id="C2", created_at=LATER + timedelta(2)),
    ):
        await database.transaction(partial(store.add_request, request=row))
    last = await store.find_last_start("T1", "C1", "shop")
    assert last is not None
    assert last.branch == "release"


# Builds and cards.


async def test_a_build_is_moved_only_from_the_state_that_was_seen(database: Database) -> None:
    store = BuildStore(database)
    await add_builds(database, build("b1", state="queued"))
    ended = build("b1", state="finished", outcome="failed")
    moves = [database.transaction(lambda tx: store.save_build(tx, ended, seen_state="queued")) for _ in range(3)]
    assert sorted(await asyncio.gather(*moves)) == [False, False, True]
    assert await store.find_build("T1", "b1") == ended


async def test_one_person_stops_a_build(database: Database) -> None:
    store = BuildStore(database)
    await add_builds(database, build("b1"))
    claims = [
        database.transaction(partial(store.claim_abort, workspace_id="T1", build_slug="b1", by=by, now=NOW))
        for by in ("U1", "U2")
    ]
    assert sorted(await asyncio.gather(*claims)) == [False, True]
    await database.transaction(lambda tx: store.release_abort(tx, "T1", "b1"))
    assert await database.transaction(lambda tx: store.claim_abort(tx, "T1", "b1", by="U2", now=NOW))


async def test_an_ended_build_cannot_be_claimed_for_a_stop(database: Database) -> None:
    store = BuildStore(database)
    await add_builds(database, build("b1", state="finished", outcome="succeeded"))
    assert not await database.transaction(lambda tx: store.claim_abort(tx, "T1", "b1", by="U1", now=NOW))


async def test_builds_of_another_workspace_are_not_found(database: Database, workspaces: WorkspaceStore) -> None:
    await workspaces.save_workspace(workspace_id="T2", name="Other", bot_user_id="U9")
    await add_builds(database, build("b1", number=1, requester="U1"))
    store = BuildStore(database)
    assert await store.find_build("T2", "b1") is None
    assert await store.list_unfinished("T2") == []


async def test_durations_are_of_successes_of_the_same_target(database: Database) -> None:
    def ended(slug: str, minutes: int, **facts: Any) -> BuildRow:
        end = NOW + timedelta(minutes=minutes)
        return build(slug, state="finished", started_at=NOW, finished_at=end, **({"outcome": "succeeded"} | facts))

    await add_builds(
        database, ended("b1", 7), ended("b2", 9), ended("b3", 99, outcome="failed"), ended("b4", 98, outcome="skipped"),
        ended("b5", 97, workflow="test"), ended("b6", 96, app_slug="droid"),
    )  # fmt: skip
    took = await BuildStore(database).list_durations(build("b0"), limit=20)
    assert [each.run_seconds for each in took] == [540, 420]


async def test_names_come_newest_first_and_only_from_known_columns(database: Database) -> None:
    store = BuildStore(database)
    await add_builds(database, build("b1", branch="main"), build("b2", branch="dev", triggered_at=LATER))
    assert await store.list_names("T1", "shop", column="branch") == ["dev", "main"]
    with pytest.raises(ValueError, match="no such column"):
        await store.list_names("T1", "shop", column="1; drop table builds")


async def test_a_card_is_announced_once_and_rerouted_once(database: Database) -> None:
    store = CardStore(database)
    await add_builds(database, build("b1"), build("b2", state="finished"))
    await database.transaction(lambda tx: store.add_card(tx, card("c1", ts="1.2"), ["b1", "b2"]))
    assert await store.list_build_slugs("c1") == ["b1", "b2"]
    assert [each.card_id for each in await store.list_watched("T1")] == ["c1"]
    assert await database.transaction(lambda tx: store.count_unfinished("c1", on=tx)) == 1
    claims = [database.transaction(lambda tx: store.claim_announcement(tx, "c1", now=NOW)) for _ in range(3)]
    assert sorted(await asyncio.gather(*claims)) == [False, False, True]
    for place in ("U1", "U2"):
        await database.transaction(partial(store.reroute_card, card_id="c1", to=place))
    moved = await store.find_card("c1")
    assert moved is not None
    assert (moved.channel_id, moved.rerouted_from, moved.ts) == ("U1", "C1", None)


async def test_a_closed_card_is_neither_drawn_nor_announced(database: Database) -> None:
    store = CardStore(database)
    await add_builds(database, build("b1"))
    await database.transaction(lambda tx: store.add_card(tx, card("c1"), ["b1"]))
    await database.transaction(lambda tx: store.close_card(tx, "c1"))
    assert await store.list_of_build("T1", "b1") == []
    assert await store.list_watched("T1") == []
    assert not await database.transaction(lambda tx: store.claim_announcement(tx, "c1", now=NOW))


# Outbox, audit, apps.


def letter(outbox_id: str, dedupe_key: str | None) -> OutboxRow:
    return OutboxRow(outbox_id, "T1", "T1:C1", "card", None, {"text": "é"}, dedupe_key, NOW)


async def test_a_drawing_that_waits_stands_for_later_ones_until_it_is_taken(database: Database) -> None:
    store = OutboxStore(database)

    async def add(outbox_id: str, key: str | None) -> bool:
        return await database.transaction(lambda tx: store.add_message(tx, letter(outbox_id, key)))

    assert [await add("o1", "card:1"), await add("o2", "card:1"), await add("o3", None), await add("o4", None)] == [
        True, False, True, True,
    ]  # fmt: skip
    await store.take_dedupe_key("o1")
    assert await add("o5", "card:1")
    assert (await store.find_message("o3")) == letter("o3", None)
    await database.transaction(lambda tx: store.delete_message(tx, "o3"))
    assert await store.count_waiting() == 3


async def test_audit_is_told_newest_first(database: Database) -> None:
    store = AuditStore(database)
    for number, at in enumerate((NOW, LATER)):
        entry = AuditRow(f"a{number}", "T1", at, "U1", "start", "shop", "done")
        await database.transaction(partial(store.add_entry, entry=entry))
    assert [entry.audit_id for entry in await store.list_entries("T1")] == ["a1", "a0"]


async def test_apps_are_replaced_as_a_whole(database: Database) -> None:
    store = AppStore(database)
    shop = AppRow("T1", "shop", "iOS Shop", "acme", "shop", None, "ios", False)
    droid = AppRow("T1", "droid", "Android Shop", "acme", None, None, "android", True)
    await database.transaction(lambda tx: store.replace_apps(tx, "T1", [shop, droid]))
    assert await store.list_apps("T1") == [droid, shop]
    await database.transaction(lambda tx: store.replace_apps(tx, "T1", [shop]))
    assert await store.find_app("T1", "droid") is None
    assert await store.find_app("T2", "shop") is None


async def test_a_channel_without_settings_tells_ends_in_the_thread(database: Database) -> None:
    store = AppStore(database)
    assert (await store.get_channel("T1", "C1")).finish_in == "thread"
    for branch in ("main", "dev"):
        row = ChannelRow("T1", "C1", "shop", "deploy", branch, "channel")
        await database.transaction(partial(store.save_channel, channel=row))
    assert await store.get_channel("T1", "C1") == ChannelRow("T1", "C1", "shop", "deploy", "dev", "channel")


# Workspaces and sweeps.


async def connect(database: Database, store: WorkspaceStore, sealed: str = "s1") -> None:
    await database.transaction(
        lambda tx: store.save_connection(tx, "T1", sealed=sealed, kind="personal", owner="bot", by="U1", now=NOW)
    )


async def test_a_due_sweep_is_claimed_by_one(database: Database, workspaces: WorkspaceStore) -> None:
    await connect(database, workspaces)
    claims = [workspaces.claim_sweep("T1", now=NOW, until=LATER) for _ in range(5)]
    assert sorted(await asyncio.gather(*claims)) == [False, False, False, False, True]


async def test_a_hint_that_comes_during_a_sweep_is_not_lost(database: Database, workspaces: WorkspaceStore) -> None:
    await connect(database, workspaces)
    assert await workspaces.claim_sweep("T1", now=NOW, until=LATER)
    hint = NOW + timedelta(seconds=1)
    needs_a_job = await database.transaction(lambda tx: workspaces.make_sweep_due(tx, "T1", at=hint))
    assert not needs_a_job  # who sweeps plans it at the end
    await database.transaction(lambda tx: workspaces.finish_sweep(tx, "T1", now=hint, due_at=LATER, error=None))
    workspace = await workspaces.find_workspace("T1")
    assert workspace is not None
    assert (workspace.sweep_due_at, workspace.last_sweep_at) == (hint, hint)


async def test_a_sweep_without_a_hint_is_due_when_planned(database: Database, workspaces: WorkspaceStore) -> None:
    await connect(database, workspaces)
    await workspaces.claim_sweep("T1", now=NOW, until=LATER)
    planned = NOW + timedelta(seconds=10)
    await database.transaction(lambda tx: workspaces.finish_sweep(tx, "T1", now=NOW, due_at=planned, error="slow"))
    workspace = await workspaces.find_workspace("T1")
    assert workspace is not None
    assert (workspace.sweep_due_at, workspace.last_sweep_at, workspace.last_sweep_error) == (planned, None, "slow")
    assert not await workspaces.claim_sweep("T1", now=NOW, until=LATER)


async def test_a_sweep_of_a_dead_process_can_be_claimed_when_its_time_is_over(
    database: Database, workspaces: WorkspaceStore
) -> None:
    await connect(database, workspaces)
    await workspaces.claim_sweep("T1", now=NOW, until=LATER)
    assert await workspaces.claim_sweep("T1", now=LATER, until=LATER + timedelta(minutes=1))


async def test_an_unfinished_sweep_is_taken_over_and_a_finished_one_is_not(
    database: Database, workspaces: WorkspaceStore
) -> None:
    await connect(database, workspaces)
    assert not await workspaces.take_over_sweep("T1", until=LATER)
    assert await workspaces.claim_sweep("T1", now=NOW, until=LATER)
    assert await workspaces.take_over_sweep("T1", until=LATER + timedelta(minutes=1))
    await database.transaction(lambda tx: workspaces.finish_sweep(tx, "T1", now=NOW, due_at=LATER, error=None))
    assert not await workspaces.take_over_sweep("T1", until=LATER)


async def test_health_is_news_once_and_only_about_the_stored_token(
    database: Database, workspaces: WorkspaceStore
) -> None:
    await connect(database, workspaces, "s2")

    async def refuse(sealed: str) -> bool:
        return await database.transaction(
            lambda tx: workspaces.move_health(tx, "T1", sealed=sealed, to="refused", now=NOW)
        )

    assert [await refuse("s1"), await refuse("s2"), await refuse("s2")] == [False, True, False]
    await connect(database, workspaces, "s3")
    workspace = await workspaces.find_workspace("T1")
    assert workspace is not None
    assert workspace.health == "ok"


async def test_disconnecting_leaves_no_token_and_nothing_to_sweep(
    database: Database, workspaces: WorkspaceStore
) -> None:
    await connect(database, workspaces)
    forgets = [database.transaction(lambda tx: workspaces.delete_connection(tx, "T1", now=NOW)) for _ in range(2)]
    assert sorted(await asyncio.gather(*forgets)) == [False, True]
    workspace = await workspaces.find_workspace("T1")
    assert workspace is not None
    assert (workspace.bitrise_token_sealed, workspace.sweep_due_at, workspace.health) == (None, None, "none")
    assert not await workspaces.claim_sweep("T1", now=LATER, until=LATER)


async def test_a_new_name_keeps_what_is_connected(database: Database, workspaces: WorkspaceStore) -> None:
    await connect(database, workspaces)
    await workspaces.save_workspace(workspace_id="T1", name="Acme Inc", bot_user_id="U7")
    workspace = await workspaces.find_workspace("T1")
    assert workspace is not None
    assert (workspace.name, workspace.bitrise_token_sealed) == ("Acme Inc", "s1")


async def test_a_sealed_token_is_swapped_only_if_it_is_still_the_same(
    database: Database, workspaces: WorkspaceStore
) -> None:
    await connect(database, workspaces, "s2")
    assert not await workspaces.replace_sealed("T1", column="bitrise_token_sealed", old="s1", new="n")
    assert await workspaces.replace_sealed("T1", column="bitrise_token_sealed", old="s2", new="n")
