"""Key rotation: every secret is encrypted with the newest key, so that the older key can be dropped."""

from __future__ import annotations

import dataclasses
import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.builds.skip import secret_context
from bot.connection import token_context
from bot.errors import SealBroken, StartupFailed
from bot.maintenance.rotate_keys import rotate_keys
from bot.settings import Settings
from bot.vault import Vault, new_key, parse_keys
from bot.workspaces.installation_store import seal_context
from storage import DatabaseInUse, Transaction, open_database
from storage import installations as installation_rows
from storage import workspaces as workspace_rows
from storage.installations import InstallationRow

OLD, NEW = new_key(), new_key()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/rotation.db"


def settings(url: str, *keys: str) -> Settings:
    return Settings(_env_file=None, database_url=url, encryption_keys=SecretStr(",".join(keys)) if keys else None)


async def connect(url: str, tokens: dict[str, str | None], key: str = OLD) -> None:
    """Store workspaces with these Bitrise tokens; None for one that is not connected."""
    database = await open_database(url)
    vault, now = Vault(parse_keys(key)), datetime.now(UTC)

    async def keep(tx: Transaction, workspace_id: str, sealed: str) -> None:
        await workspace_rows.save_connection(tx, workspace_id, sealed=sealed, owner="ci-bot", by="U1", now=now)

    for workspace_id, token in tokens.items():
        await workspace_rows.save_workspace(database, workspace_id=workspace_id, name=workspace_id, bot_user_id="U1")
        if token is not None:
            sealed = vault.seal(token, context=token_context(workspace_id))
            await database.transaction(partial(keep, workspace_id=workspace_id, sealed=sealed))
    await database.close()


async def sealed_in(url: str) -> dict[str, str | None]:
    database = await open_database(url)
    rows = await workspace_rows.list_workspaces(database)
    await database.close()
    return {row.workspace_id: row.bitrise_token_sealed for row in rows}


async def test_newest_key_alone_opens_everything_after_a_rotation(url: str) -> None:
    tokens = {"T1": "bitpat_one", "T2": "bitpat_two", "T3": None}
    await connect(url, tokens)
    assert await rotate_keys(settings(url, NEW, OLD)) == 2
    vault = Vault(parse_keys(NEW))
    opened = {
        workspace_id: None if sealed is None else vault.open(sealed, context=token_context(workspace_id)).reveal()
        for workspace_id, sealed in (await sealed_in(url)).items()
    }
    assert opened == tokens


async def test_rotation_keeps_the_secret_of_ci_steps(url: str) -> None:
    await connect(url, {"T1": None})
    sealed = Vault(parse_keys(OLD)).seal("step", context=secret_context("T1"))
    database = await open_database(url)
    await database.transaction(lambda tx: workspace_rows.claim_key(tx, "T1", "skip", key="k", sealed=sealed))
    await database.close()
    assert await rotate_keys(settings(url, NEW, OLD)) == 1
    database = await open_database(url)
    row = await workspace_rows.find_by_key(database, "skip", "k")
    await database.close()
    assert row is not None
    opened = Vault(parse_keys(NEW)).open(row.skip_secret_sealed or "", context=secret_context("T1"))
    assert opened.reveal() == "step"


async def test_second_rotation_changes_nothing(url: str) -> None:
    await connect(url, {"T1": "bitpat_one"})
    await rotate_keys(settings(url, NEW, OLD))
    before = await sealed_in(url)
    assert await rotate_keys(settings(url, NEW, OLD)) == 0
    assert await sealed_in(url) == before


async def test_interrupted_rotation_continues_where_it_stopped(url: str) -> None:
    await connect(url, {"T1": "bitpat_one"})
    await connect(url, {"T2": "bitpat_two"}, key=(lost := new_key()))
    with pytest.raises(SealBroken):
        await rotate_keys(settings(url, NEW, OLD))
    assert await rotate_keys(settings(url, NEW, OLD, lost)) == 1
    assert not any(Vault(parse_keys(NEW)).needs_rotation(sealed or "") for sealed in (await sealed_in(url)).values())


async def test_row_copied_from_another_workspace_is_not_rotated(url: str) -> None:
    await connect(url, {"T1": "bitpat_one", "T2": "bitpat_two"})
    database = await open_database(url)
    rows = {row.workspace_id: row for row in await workspace_rows.list_workspaces(database)}
    stolen, own = rows["T1"].bitrise_token_sealed or "", rows["T2"].bitrise_token_sealed or ""
    await workspace_rows.replace_sealed(database, "T2", column="bitrise_token_sealed", old=own, new=stolen)
    await database.close()
    with pytest.raises(SealBroken):
        await rotate_keys(settings(url, NEW, OLD))
    assert (await sealed_in(url))["T2"] == stolen


async def test_rotation_without_keys_is_refused(url: str) -> None:
    with pytest.raises(StartupFailed, match="is empty"):
        await rotate_keys(settings(url))


async def test_rotation_does_not_create_a_database(url: str, tmp_path: Path) -> None:
    """In a wrong folder, "Encrypted 0 stored secrets" would have somebody drop a key that is still needed."""
    with pytest.raises(StartupFailed, match=r"rotation\.db doesn't exist"):
        await rotate_keys(settings(url, NEW, OLD))
    assert os.listdir(tmp_path) == []


async def test_rotation_beside_a_running_process_is_refused(url: str) -> None:
    running = await open_database(url)
    with pytest.raises(DatabaseInUse):
        await rotate_keys(settings(url, NEW, OLD))
    await running.close()


async def test_refusal_shows_neither_keys_nor_tokens(url: str) -> None:
    await connect(url, {"T1": "bitpat_one"})
    with pytest.raises(SealBroken) as broken:
        await rotate_keys(settings(url, NEW))
    assert not any(secret in str(broken.value) for secret in (NEW, OLD, "bitpat_one"))


async def install(url: str, key: str) -> InstallationRow:
    """Store an installation of T1 through OAuth."""
    database = await open_database(url)
    bare = InstallationRow("", "T1", "A1", None, "Acme", "U0", "commands", "", None, datetime.now(UTC))
    sealed = Vault(parse_keys(key)).seal("xoxb-1", context=seal_context(bare))
    row = dataclasses.replace(bare, tokens_sealed=sealed)
    await database.transaction(partial(installation_rows.save_installation, row=row))
    await database.close()
    return row


async def test_slack_tokens_are_rotated_too(url: str) -> None:
    row = await install(url, OLD)
    assert await rotate_keys(settings(url, NEW, OLD)) == 1
    assert await rotate_keys(settings(url, NEW, OLD)) == 0
    database = await open_database(url)
    [fresh] = await installation_rows.list_installations(database)
    await database.close()
    assert Vault(parse_keys(NEW)).open(fresh.tokens_sealed, context=seal_context(row)).reveal() == "xoxb-1"
