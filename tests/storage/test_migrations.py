"""Numbered steps: each once, all or nothing, never backwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from storage import Database, DatabaseUnusable, open_database, schema_version
from storage.migrations import MIGRATIONS, Migration, migrate
from storage.postgres import PostgresDatabase
from storage.sqlite import SqliteDatabase

NEXT = MIGRATIONS[-1].number + 1


SHAPES = {
    "sqlite": "select name, sql as made from sqlite_master where sql is not null order by name",
    "postgresql": """
        select table_name::text as name, concat_ws(' ', column_name, data_type, collation_name, is_nullable,
            is_identity, column_default) as made
        from information_schema.columns where table_schema = 'public'
        union all select indexname::text, indexdef from pg_indexes where schemaname = 'public'
        union all select conname::text, pg_get_constraintdef(oid) from pg_constraint
            where connamespace = 'public'::regnamespace
        order by name, made
    """,
}
OpenEmpty = Callable[[], Awaitable[Database]]


async def shape(database: Database) -> list[tuple[str, str]]:
    rows = await database.fetch_all(SHAPES[database.dialect])
    return [(row["name"], " ".join(row["made"].split())) for row in rows]


@pytest.fixture(params=["sqlite", "postgres"])
async def open_empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenEmpty]:
    """Opens databases in which there is nothing yet."""
    opened: list[Database] = []
    urls: list[str] = []

    async def open_one() -> Database:
        if request.param == "sqlite":
            opened.append(SqliteDatabase(tmp_path / f"{len(opened)}.db"))
        else:
            urls.append(request.getfixturevalue("postgres").make_database(is_empty=True))
            opened.append(await PostgresDatabase.open(urls[-1]))
        return opened[-1]

    yield open_one
    for database in opened:
        await database.close()
    for url in urls:
        request.getfixturevalue("postgres").drop_database(url)


def test_steps_are_numbered_without_gaps() -> None:
    first = MIGRATIONS[0].number
    assert [step.number for step in MIGRATIONS] == list(range(first, first + len(MIGRATIONS)))


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
    with pytest.raises(Exception, match="nowhere"):
        await migrate(database, steps=(*MIGRATIONS, broken))
    assert await schema_version(database) == MIGRATIONS[-1].number
    assert "half" not in dict(await shape(database))


async def test_a_step_runs_once(database: Database) -> None:
    step = Migration(NEXT, "a table", ("create table fresh (a text)",))
    assert await migrate(database, steps=(*MIGRATIONS, step)) == NEXT
    assert await migrate(database, steps=(*MIGRATIONS, step)) == NEXT


@pytest.mark.parametrize("first", range(len(MIGRATIONS) + 1))
async def test_a_database_migrated_in_two_goes_equals_a_fresh_one(open_empty: OpenEmpty, first: int) -> None:
    fresh, old = await open_empty(), await open_empty()
    more = Migration(NEXT, "more", ("create table fresh (a {serial})", "alter table apps add column extra text"))
    await migrate(fresh, steps=(*MIGRATIONS, more))
    if first:
        await migrate(old, steps=MIGRATIONS[:first])
    await migrate(old, steps=(*MIGRATIONS, more))
    assert await shape(fresh) == await shape(old)


async def test_both_databases_have_the_same_tables_and_columns(sqlite_url: str, postgres_url: str) -> None:
    sqlite, postgres = await open_database(sqlite_url), await open_database(postgres_url)
    ours = await sqlite.fetch_all(
        """
        select tables.name as name, columns.name as col from sqlite_master as tables
        join pragma_table_info(tables.name) as columns
        where tables.type in ('table', 'view') and tables.name not like 'sqlite%' order by 1, 2
        """
    )
    theirs = await postgres.fetch_all(
        """
        select table_name::text as name, column_name::text as col from information_schema.columns
        where table_schema = 'public' and table_name not like 'procrastinate%' and table_name != 'queue_steps'
        order by 1, 2
        """
    )
    assert sorted((row["name"], row["col"]) for row in ours) == sorted((row["name"], row["col"]) for row in theirs)
    await sqlite.close()
    await postgres.close()


async def test_a_refused_database_is_closed(url: str) -> None:
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
    with pytest.raises(DatabaseUnusable, match=r"version 99.*Run the newer Buildbell"):
        await open_database(url)


@pytest.mark.parametrize("version", range(1, MIGRATIONS[0].number))
async def test_a_database_from_before_the_first_release_is_refused_in_one_sentence(url: str, version: int) -> None:
    database = await open_database(url)
    await database.execute("update schema_version set version = :version", version=version)
    await database.close()
    with pytest.raises(DatabaseUnusable) as refused:
        await open_database(url)
    assert str(refused.value) == (
        f"The database has schema version {version}, from before the first release, and can't be upgraded. "
        "Move it away to start with a new one, or set BUILDBELL_DATABASE_URL to another."
    )


async def test_a_file_of_another_program_is_refused_in_words(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "other.db")
    await database.execute("create table workspaces (name text)")
    await database.close()
    for _ in range(2):  # the second time it would be "in use" if the first had kept it
        with pytest.raises(DatabaseUnusable, match=r"workspaces already exists.*BUILDBELL_DATABASE_URL"):
            await open_database(f"sqlite:///{tmp_path}/other.db")


@pytest.mark.parametrize("wrong", ["mysql://host/db", "sqlite://", "sqlite://host/db", "buildbell.db"])
async def test_another_kind_of_address_is_refused(wrong: str) -> None:
    with pytest.raises(DatabaseUnusable, match=r"sqlite:///buildbell\.db"):
        await open_database(wrong)


async def test_a_file_that_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("this is no database, but it is long enough to look like a header" * 20)
    with pytest.raises(DatabaseUnusable, match="Cannot open"):
        await open_database(f"sqlite:///{tmp_path}/notes.txt")


async def test_a_lock_of_somebody_else_is_named(tmp_path: Path) -> None:
    """As it is left behind when the bot's own user was not the one who restored a backup."""
    (tmp_path / "bell.db.lock").mkdir()  # tests may run as root, whom no right stops
    with pytest.raises(DatabaseUnusable, match=r"Cannot write .*bell\.db\.lock: Is a directory"):
        await open_database(f"sqlite:///{tmp_path}/bell.db")


async def test_a_folder_that_is_not_there_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="Cannot write"):
        await open_database(f"sqlite:///{tmp_path}/nowhere/buildbell.db")
