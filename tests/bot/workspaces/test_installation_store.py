"""Installations: one sealed row for each workspace or organization, of which the last installation counts."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.engine import JobKind
from bot.engine.sqlite import LocalEngine
from bot.errors import SealBroken
from bot.vault import Token, Vault, new_key, parse_keys
from bot.workspaces.installation_store import RENEW, InstallationStore
from bot.workspaces.oauth_client import BotTokens, Grant
from playground.clock import SteppedClock
from storage import Database, open_database
from storage import installations as installation_rows
from storage import workspaces as workspace_rows
from storage.installations import InstallationRow


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await open_database(f"sqlite:///{tmp_path}/installed.db")
    yield database
    await database.close()


async def do_not_renew(_: Any, arguments: Mapping[str, Any]) -> None:
    """The job is only scheduled here."""


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def store(database: Database, clock: SteppedClock) -> InstallationStore:
    numbers = iter(range(100))
    engine = LocalEngine(database=database, clock=clock)
    engine.register(JobKind(RENEW, do_not_renew, concurrency=1))
    return InstallationStore(
        database=database,
        engine=engine,
        vault=Vault(parse_keys(new_key())),
        clock=clock,
        new_id=lambda: str(next(numbers)),
    )


def grant(token: str = "xoxb-1", *, refresh: str | None = None, **fields: str) -> Grant:
    tokens = BotTokens(Token(token), Token(refresh) if refresh else None, 43_200 if refresh else None)
    defaults = {
        "app_id": "A1", "enterprise_id": "", "enterprise_name": "", "team_id": "T1", "team_name": "Acme",
        "bot_user_id": "U0", "scopes": "commands,chat:write", "installer_id": "U1",
    }  # fmt: skip
    return Grant(**defaults | fields, tokens=tokens)


async def get_row(database: Database, team_id: str = "T1") -> InstallationRow:
    row = await installation_rows.find_by_team(database, team_id)
    assert row is not None
    return row


async def test_installation_is_stored_with_its_tokens(
    store: InstallationStore, database: Database, clock: SteppedClock
) -> None:
    await store.save(grant(refresh="xoxe-1-x"))
    row = await get_row(database)
    tokens = store.open_tokens(row)
    assert (row.app_id, row.team_name, row.bot_user_id, row.bot_scopes) == ("A1", "Acme", "U0", "commands,chat:write")
    assert (row.installed_at, row.expires_at) == (clock.now(), clock.now() + timedelta(hours=12))
    assert (tokens.access.reveal(), tokens.refresh and tokens.refresh.reveal()) == ("xoxb-1", "xoxe-1-x")


async def test_workspace_and_audit_entry_are_stored_with_it(store: InstallationStore, database: Database) -> None:
    await store.save(grant(enterprise_id="E1", installer_id="U7"))
    workspace = await workspace_rows.find_workspace(database, "T1")
    assert workspace is not None
    assert (workspace.name, workspace.bot_user_id, workspace.enterprise_id) == ("Acme", "U0", "E1")
    [entry] = await database.fetch_all("select workspace_id, user_id, action, subject, result from audit")
    assert tuple(dict(entry).values()) == ("T1", "U7", "install", "Acme", "done")


async def test_organization_has_a_row_without_a_team(store: InstallationStore, database: Database) -> None:
    await store.save(grant(enterprise_id="E1", enterprise_name="Initech", team_id="", team_name=""))
    assert await installation_rows.find_installation(database, "E1", "") is not None
    assert await installation_rows.find_by_team(database, "T9") is None
    assert await workspace_rows.list_workspaces(database) == []


async def test_two_installers_share_one_bot_with_the_newest_token(store: InstallationStore, database: Database) -> None:
    await store.save(grant())
    await store.save(grant("xoxb-2", installer_id="U2"))
    assert store.open_tokens(await get_row(database)).access.reveal() == "xoxb-2"
    assert len(await installation_rows.list_installations(database)) == 1


async def test_saving_again_adds_no_rows(store: InstallationStore, database: Database) -> None:
    for _ in range(3):
        await store.save(grant())
    assert len(await installation_rows.list_installations(database)) == 1


async def test_workspace_that_joins_an_organization_moves_there(store: InstallationStore, database: Database) -> None:
    await store.save(grant())
    await store.save(grant("xoxb-2", enterprise_id="E1"))
    rows = await installation_rows.list_installations(database)
    assert {(row.enterprise_id, row.team_id) for row in rows} == {("E1", "T1")}


async def test_deleting_an_installation_leaves_others(store: InstallationStore, database: Database) -> None:
    await store.save(grant(enterprise_id="E1"))
    await store.save(grant(team_id="T2"))
    await database.transaction(partial(installation_rows.delete_installation, row=await get_row(database)))
    assert {row.team_id for row in await installation_rows.list_installations(database)} == {"T2"}


async def test_no_secret_is_in_a_row(store: InstallationStore, database: Database) -> None:
    await store.save(grant("xoxb-s1", refresh="xoxe-s2"))
    stored = str([dict(row) for row in await database.fetch_all("select * from installations")])
    assert not any(secret in stored for secret in ("xoxb-s1", "xoxe-s2"))


async def test_row_copied_to_another_workspace_does_not_open(store: InstallationStore, database: Database) -> None:
    await store.save(grant())
    copied = dataclasses.replace(await get_row(database), team_id="T2")
    await database.transaction(partial(installation_rows.save_installation, row=copied))
    with pytest.raises(SealBroken):
        store.open_tokens(await get_row(database, "T2"))


async def test_renewal_is_scheduled_two_hours_before_the_token_expires(
    store: InstallationStore, database: Database, clock: SteppedClock
) -> None:
    await store.save(grant(refresh="xoxe-1"))
    [job] = await database.fetch_all("select * from jobs where kind = 'renew-token'")
    assert job["due_at"] == (clock.now() + timedelta(hours=10)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
