"""A server, a database or a right that is not there: told in one sentence that names the way out."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, cast

import psycopg
import pytest

from playground.bot_process import free_port
from storage import DatabaseUnusable, open_database
from storage.readonly import open_readonly
from tests.postgres_server import PostgresServer

WRONG = {
    "nobody listens": ("postgresql://ana:hunter2@127.0.0.1:{free}/x", "Connection refused"),
    "no such database": ("{server}/nowhere", '"nowhere" does not exist'),
    "no such option": ("{server}/postgres?colour=red&password=hunter2", "Invalid database URL"),
    "an at sign": ("postgresql://ana:bell@hunter2@127.0.0.1/x", "%40 for @"),
    "a slash": ("postgresql://127.0.0.1:hunter2/bell@db/x", "%2F for /"),
    "a percent sign": ("postgresql://ana:hunter2%zz@127.0.0.1/x", "%25 for %"),
}


@pytest.mark.parametrize(("wrong", "told"), WRONG.values(), ids=WRONG)
async def test_a_refused_connection_is_explained_in_one_sentence(
    postgres: PostgresServer, wrong: str, told: str
) -> None:
    with pytest.raises(DatabaseUnusable) as refused:
        await open_database(wrong.format(free=free_port(), server=postgres.url))
    assert told in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


async def refusal(url: str) -> str:
    """Return the one line that explains why the database was not opened."""
    with pytest.raises(DatabaseUnusable) as refused:
        await open_database(url)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.fixture
def guest(empty_url: str) -> Iterator[str]:
    """Somebody who may do nothing there but connect."""
    name = f"{empty_url.rpartition('/')[2]}_guest"
    with psycopg.connect(empty_url, autocommit=True) as admin:
        admin.execute(f"create role {name} login")
        yield name
        admin.execute(f"drop owned by {name}")
        admin.execute(f"drop role {name}")


async def test_missing_rights_to_create_tables_are_explained(empty_url: str, guest: str) -> None:
    """Since version 15 that is everybody who does not own the database."""
    told = await refusal(f"{empty_url}?user={guest}")
    assert "permission denied for schema public" in told
    assert "owner to" in told


async def test_a_user_who_may_only_read_can_export(empty_url: str, guest: str) -> None:
    with pytest.raises(DatabaseUnusable, match="buildbell migrate"):
        async with open_readonly(f"{empty_url}?user={guest}"):
            """There is nothing yet."""
    await (await open_database(empty_url)).close()
    with psycopg.connect(empty_url, autocommit=True) as admin:
        admin.execute(f"grant select on all tables in schema public to {guest}")
    async with open_readonly(f"{empty_url}?user={guest}") as reads:
        assert await reads.fetch_all("select * from build_facts") == []


async def test_a_database_of_another_program_is_refused_in_words(empty_url: str) -> None:
    with psycopg.connect(empty_url, autocommit=True) as admin:
        admin.execute("create table workspaces (name text)")
    assert 'relation "workspaces" already exists' in await refusal(empty_url)


async def test_a_database_that_cannot_store_every_text_is_refused(empty_url: str) -> None:
    name = f"{empty_url.rpartition('/')[2]}_latin"
    with psycopg.connect(empty_url, autocommit=True) as admin:
        admin.execute(f"create database {name} template template0 encoding 'LATIN1' locale 'C'")
        try:
            told = await refusal(f"{empty_url.rpartition('/')[0]}/{name}")
        finally:
            admin.execute(f"drop database {name}")
    assert "LATIN1" in told
    assert "--encoding=UTF8" in told


async def opened(url: str) -> None:
    await (await open_database(url)).close()


async def read(url: str) -> None:
    async with open_readonly(url):
        """It is there."""


@pytest.mark.parametrize("use", [opened, read])
async def test_missing_packages_are_explained(
    use: Callable[[str], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [
        name
        for name in sys.modules
        if name in ("storage.postgres", "storage.postgres_connection", "storage.procrastinate_schema")
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(cast(Any, sys.modules), "psycopg", None)
    with pytest.raises(DatabaseUnusable, match=r"pip install '\.\[postgres\]'"):
        await use("postgresql://ana@127.0.0.1:1/buildbell")
