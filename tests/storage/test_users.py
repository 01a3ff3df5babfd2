"""People, their builds, and events not yet posted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from storage import Database, Transaction
from storage import events as event_rows
from storage import users as user_rows
from storage.events import BUILD_FINISHED
from storage.users import UserRow
from tests.storage.conftest import NOW
from tests.storage.test_stores import add_builds, build

pytestmark = pytest.mark.usefixtures("workspaces")
LATER = NOW + timedelta(hours=1)
ANA = UserRow("T1", "U1", ("octocat", "ana-d"), email="ana@acme.dev", dm_level="failures")


async def save(database: Database, *people: UserRow) -> Database:
    for person in people:
        await database.transaction(lambda tx, person=person: user_rows.save_user(tx, person))  # type: ignore[misc]
    return database


async def link(database: Database, user_id: str, **slugs: Any) -> None:
    for slug, at in slugs.items():
        await database.transaction(
            lambda tx, slug=slug, at=at: user_rows.add_build_owner(tx, "T1", slug, user_id, triggered_at=at)  # type: ignore[misc]
        )


async def test_a_user_is_saved_and_replaced(database: Database) -> None:
    store = await save(database, ANA)
    assert await user_rows.get_user(store, "T1", "U1") == ANA
    changed = UserRow("T1", "U1", ("ana",), dm_level="all")
    await save(database, changed)
    assert await user_rows.list_users(store, "T1") == [changed]


async def test_direct_messages_are_off_by_default(database: Database) -> None:
    person = await user_rows.get_user(database, "T1", "U9")
    assert (person.dm_level, person.git_names) == ("off", ())


def test_an_email_address_is_not_in_the_repr() -> None:
    assert "acme" not in repr(ANA)


async def test_direct_messages_are_disabled_once(database: Database) -> None:
    store = await save(database, ANA, UserRow("T1", "U2", dm_level="all"))
    off = [await database.transaction(lambda tx: user_rows.disable_messages(tx, "T1", "U1")) for _ in range(2)]
    assert off == [True, False]
    assert [person.dm_level for person in await user_rows.list_users(store, "T1")] == ["off", "all"]
    assert (await user_rows.get_user(store, "T1", "U1")).git_names == ANA.git_names


async def test_builds_of_a_user_are_listed_newest_first(database: Database) -> None:
    await add_builds(database, build("old"), build("new", triggered_at=LATER), build("done", state="finished"))
    await link(database, "U1", old=NOW, new=LATER, done=NOW)
    await link(database, "U2", new=LATER)

    async def slugs(user_id: str, *, is_finished: bool, limit: int = 9) -> list[str]:
        rows = await user_rows.list_builds(database, "T1", user_id, is_finished=is_finished, limit=limit)
        return [row.build_slug for row in rows]

    assert await slugs("U1", is_finished=False) == ["new", "old"]
    assert await slugs("U1", is_finished=False, limit=1) == ["new"]
    assert await slugs("U1", is_finished=True) == ["done"]
    assert await slugs("U2", is_finished=False) == ["new"]
    assert await user_rows.list_builds(database, "T2", "U1", is_finished=False, limit=9) == []


async def test_linked_builds_are_deleted_but_not_those_started_from_slack(database: Database) -> None:
    await add_builds(
        database, build("pushed"), build("mine", request_id="r1", requested_by="U1"),
        build("theirs", request_id="r2", requested_by="U2"),
    )  # fmt: skip
    await link(database, "U1", pushed=NOW, mine=NOW, theirs=NOW)
    await link(database, "U2", pushed=NOW, theirs=NOW)
    await database.transaction(lambda tx: user_rows.delete_linked_builds(tx, "T1", "U1"))
    kept = {who: await user_rows.list_builds(database, "T1", who, is_finished=False, limit=9) for who in ("U1", "U2")}
    assert {who: {row.build_slug for row in rows} for who, rows in kept.items()} == {
        "U1": {"mine"},
        "U2": {"pushed", "theirs"},
    }


async def test_candidates_are_found_by_name_and_by_signature(database: Database) -> None:
    await add_builds(
        database,
        build("named", triggered_by_name="Octocat", triggered_at=LATER),
        build("signed", commit_message="Fix\n\nSigned-off-by: Ana <ANA@acme.dev>"),
        build("other", triggered_by_name="bo", commit_message="Fix\n\nSigned-off-by: Bo <bo@acme.dev>"),
        build("old", triggered_by_name="octocat", triggered_at=NOW - timedelta(days=31)),
    )

    async def found(person: UserRow, limit: int = 9) -> list[str]:
        since = NOW - timedelta(days=30)
        return [row.build_slug for row in await user_rows.list_candidates(database, person, since=since, limit=limit)]

    assert await found(ANA) == ["named", "signed"]
    assert await found(ANA, limit=1) == ["named"]
    assert await found(UserRow("T1", "U1", ("octocat",))) == ["named"]
    assert await found(UserRow("T1", "U1", email="ana@acme.dev")) == ["signed"]
    assert await found(UserRow("T1", "U1")) == []
    assert await found(UserRow("T2", "U1", ("octocat",))) == []


async def test_events_are_popped_once_and_oldest_first(database: Database) -> None:

    async def add(tx: Transaction) -> None:
        for slug, at in (("b2", LATER), ("b1", NOW), ("b3", LATER)):
            await event_rows.add_event(tx, workspace_id="T1", build_slug=slug, kind=BUILD_FINISHED, at=at)

    await database.transaction(add)
    taken = [await database.transaction(lambda tx: event_rows.pop_events(tx, "T1", limit=2)) for _ in range(3)]
    assert [[row.build_slug for row in rows] for rows in taken] == [["b1", "b2"], ["b3"], []]
