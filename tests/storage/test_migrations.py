"""Numbered steps: each once, all or nothing, never backwards."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from storage import Database, DatabaseUnusable, open_database, schema_version
from storage.migrations import MIGRATIONS, Migration, migrate
from storage.sqlite import SqliteDatabase

NEXT = MIGRATIONS[-1].number + 1


async def shape(database: Database) -> list[tuple[str, str]]:
    rows = await database.fetch_all("select name, sql from sqlite_master where sql is not null order by name")
    return [(row["name"], " ".join(row["sql"].split())) for row in rows]


def test_steps_are_numbered_without_gaps() -> None:
    assert [step.number for step in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


async def test_opening_brings_an_empty_database_to_the_newest_version(database: Database) -> None:
    assert await schema_version(database) == MIGRATIONS[-1].number


async def test_opening_again_changes_nothing(url: str) -> None:
    first = await open_database(url)
    before = await shape(first)
    await first.close()
    second = await open_database(url)
    assert await shape(second) == before
    await second.close()


async def test_a_step_that_fails_leaves_the_version_before_it(database: Database) -> None:
    broken = Migration(NEXT, "broken", ("create table half (a text)", "insert into nowhere values (1)"))
    with pytest.raises(sqlite3.OperationalError):
        await migrate(database, dialect="sqlite", steps=(*MIGRATIONS, broken))
    assert await schema_version(database) == MIGRATIONS[-1].number
    assert "half" not in dict(await shape(database))


async def test_a_step_runs_once(database: Database) -> None:
    step = Migration(NEXT, "a table", ("create table fresh (a text)",))
    assert await migrate(database, dialect="sqlite", steps=(*MIGRATIONS, step)) == NEXT
    assert await migrate(database, dialect="sqlite", steps=(*MIGRATIONS, step)) == NEXT


@pytest.mark.parametrize("first", range(len(MIGRATIONS) + 1))
async def test_a_database_migrated_in_two_goes_equals_a_fresh_one(tmp_path: Path, first: int) -> None:
    fresh, old = SqliteDatabase(tmp_path / "fresh.db"), SqliteDatabase(tmp_path / "old.db")
    more = Migration(NEXT, "more", ("create table fresh (a {serial})", "alter table apps add column extra text"))
    await migrate(fresh, dialect="sqlite", steps=(*MIGRATIONS, more))
    if first:
        await migrate(old, dialect="sqlite", steps=MIGRATIONS[:first])
    await migrate(old, dialect="sqlite", steps=(*MIGRATIONS, more))
    shapes = await shape(fresh), await shape(old)
    await fresh.close()
    await old.close()
    assert shapes[0] == shapes[1]


async def test_a_refused_database_is_given_back(url: str) -> None:
    database = await open_database(url)
    await database.execute("insert into schema_version (version) values (99)")
    await database.close()
    for _ in range(2):  # the second time it would be "in use" if the first had kept it
        with pytest.raises(DatabaseUnusable, match="version 99"):
            await open_database(url)


async def test_a_newer_database_is_refused_in_one_sentence_that_helps(url: str) -> None:
    database = await open_database(url)
    await database.execute("insert into schema_version (version) values (99)")
    await database.close()
    with pytest.raises(DatabaseUnusable, match=r"version 99.*used by a newer Buildbell"):
        await open_database(url)


@pytest.mark.parametrize("wrong", ["mysql://host/db", "sqlite://", "sqlite://host/db", "buildbell.db"])
async def test_another_kind_of_address_is_refused(wrong: str) -> None:
    with pytest.raises(DatabaseUnusable, match=r"sqlite:///buildbell\.db"):
        await open_database(wrong)


async def test_a_file_that_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("this is no database, but it is long enough to look like a header" * 20)
    with pytest.raises(DatabaseUnusable, match="cannot be opened"):
        await open_database(f"sqlite:///{tmp_path}/notes.txt")


async def test_a_folder_that_is_not_there_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="cannot be written to"):
        await open_database(f"sqlite:///{tmp_path}/nowhere/buildbell.db")
