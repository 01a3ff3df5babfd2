"""Bolt's store of installations over our rows: sealed, one row a place, whatever is saved last holds."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.oauth.installation_store import Bot, Installation

from bot.engine import JobKind
from bot.engine.sqlite import LocalEngine
from bot.errors import SealBroken
from bot.vault import Vault, new_key, parse_keys
from bot.workspaces.installation_store import RENEW, Installed
from playground.clock import SteppedClock
from storage import Database, open_database
from storage import installations as installation_rows


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await open_database(f"sqlite:///{tmp_path}/installed.db")
    yield database
    await database.close()


async def nobody_renews(_: Any, arguments: Mapping[str, Any]) -> None:
    """The job is only looked at here."""


@pytest.fixture
def store(database: Database) -> Installed:
    clock, numbers = SteppedClock(), iter(range(100))
    engine = LocalEngine(database=database, clock=clock)
    engine.register(JobKind(RENEW, nobody_renews, concurrency=1))
    return Installed(
        database=database,
        engine=engine,
        vault=Vault(parse_keys(new_key())),
        clock=clock,
        new_id=lambda: str(next(numbers)),
    )


def installation(**given: Any) -> Installation:
    usual: dict[str, Any] = {
        "app_id": "A1",
        "team_id": "T1",
        "team_name": "Acme",
        "bot_token": "xoxb-1",
        "bot_id": "B1",
        "bot_user_id": "U0",
        "bot_scopes": ["commands", "chat:write"],
        "user_id": "U1",
    }
    return Installation(**(usual | given))


async def test_what_is_saved_is_found_whole(store: Installed) -> None:
    saved = installation(
        bot_refresh_token="xoxe-1-x", bot_token_expires_at=1_900_000_000, user_token="xoxp-1", user_scopes=["x"],
        incoming_webhook_url="https://hooks.example/x", custom_values={"a": 1},
    )  # fmt: skip
    await store.async_save(saved)
    found = await store.async_find_installation(enterprise_id=None, team_id="T1", user_id="U1")
    assert found is not None
    expected, told = saved.to_dict(), found.to_dict()
    assert {key for key in expected if expected[key] != told[key]} == {"installed_at"}


async def test_the_bot_is_found_by_the_workspace_alone(store: Installed) -> None:
    await store.async_save(installation(enterprise_id="E1"))
    for enterprise_id in (None, "E1", "E2"):
        bot = await store.async_find_bot(enterprise_id=enterprise_id, team_id="T1")
        assert bot is not None
        assert bot.bot_token == "xoxb-1"
    assert await store.async_find_bot(enterprise_id="E1", team_id="T2") is None


async def test_an_organisation_is_found_without_a_team(store: Installed) -> None:
    await store.async_save(installation(enterprise_id="E1", team_id=None, is_enterprise_install=True))
    bot = await store.async_find_bot(enterprise_id="E1", team_id="T9", is_enterprise_install=True)
    assert bot is not None
    assert bot.is_enterprise_install
    assert await store.async_find_bot(enterprise_id="E1", team_id="T9") is None


async def test_two_installers_share_one_bot_with_the_newest_token(store: Installed, database: Database) -> None:
    await store.async_save(installation())
    await store.async_save(installation(user_id="U2", bot_token="xoxb-2"))
    first = await store.async_find_installation(enterprise_id=None, team_id="T1", user_id="U1")
    assert first is not None
    assert first.bot_token == "xoxb-2"
    assert len(await installation_rows.list_installations(database)) == 3


async def test_saving_again_adds_no_rows(store: Installed, database: Database) -> None:
    for _ in range(3):
        await store.async_save(installation())
    assert len(await installation_rows.list_installations(database)) == 2


async def test_a_workspace_that_joins_an_organisation_moves_there(store: Installed, database: Database) -> None:
    await store.async_save(installation())
    await store.async_save(installation(enterprise_id="E1", bot_token="xoxb-2"))
    rows = await installation_rows.list_installations(database)
    assert {(row.enterprise_id, row.team_id) for row in rows} == {("E1", "T1")}


async def test_a_bot_alone_can_be_saved(store: Installed) -> None:
    await store.async_save_bot(Bot(team_id="T1", bot_token="xoxb-9", bot_id="B1", bot_user_id="U0", installed_at=0.0))
    bot = await store.async_find_bot(enterprise_id=None, team_id="T1")
    assert bot is not None
    assert bot.bot_token == "xoxb-9"
    assert await store.async_find_installation(enterprise_id=None, team_id="T1") is None


async def test_the_newest_installer_is_found_when_none_is_named(store: Installed) -> None:
    await store.async_save(installation())
    found = await store.async_find_installation(enterprise_id=None, team_id="T1")
    assert found is not None
    assert found.user_id == "U1"


async def test_one_installer_goes_and_the_bot_stays(store: Installed) -> None:
    await store.async_save(installation())
    await store.async_delete_installation(enterprise_id=None, team_id="T1", user_id="U1")
    assert await store.async_find_installation(enterprise_id=None, team_id="T1") is None
    assert await store.async_find_bot(enterprise_id=None, team_id="T1") is not None


@pytest.mark.parametrize("enterprise_id", [None, "E1"])
async def test_everything_of_a_workspace_goes_and_nothing_of_another(
    store: Installed, database: Database, enterprise_id: str | None
) -> None:
    await store.async_save(installation(enterprise_id="E1"))
    await store.async_save(installation(team_id="T2"))
    await store.async_delete_all(enterprise_id=enterprise_id, team_id="T1")
    assert {row.team_id for row in await installation_rows.list_installations(database)} == {"T2"}


async def test_no_secret_is_in_a_row(store: Installed, database: Database) -> None:
    secrets = {"bot_token": "xoxb-s1", "bot_refresh_token": "xoxe-s2", "user_token": "xoxp-s3"}
    await store.async_save(installation(**secrets, incoming_webhook_url="https://hooks.example/secret-path"))
    stored = str([dict(row) for row in await database.fetch_all("select * from installations")])
    assert not any(secret in stored for secret in ("xoxb-s1", "xoxe-s2", "xoxp-s3", "secret-path"))


async def test_a_row_copied_to_another_workspace_does_not_open(store: Installed, database: Database) -> None:
    await store.async_save(installation())
    row = await installation_rows.find_bot_of_team(database, "T1")
    assert row is not None
    stolen = dataclasses.replace(row, team_id="T2")
    await database.transaction(partial(installation_rows.save_installation, row=stolen))
    with pytest.raises(SealBroken):
        await store.async_find_bot(enterprise_id=None, team_id="T2")


async def test_a_renewal_is_planned_before_the_end(store: Installed, database: Database) -> None:
    await store.async_save(installation(bot_refresh_token="xoxe-1", bot_token_expires_at=1_900_000_000))
    [job] = await database.fetch_all("select * from jobs where kind = 'renew-token'")
    assert job["due_at"] == "2030-03-17T15:46:40.000000Z"
