"""What only a file can do: undo a whole group, be somebody else's, be no database at all."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import Database, DatabaseInUse, DatabaseUnusable, Transaction, open_database
from tests.storage.conftest import note, noted
from tests.storage.test_database import together

pytestmark = pytest.mark.usefixtures("notes")


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


async def test_what_the_database_takes_back_is_reported_to_all_and_stored_by_none(database: Database) -> None:
    async def undo(tx: Transaction) -> None:
        await tx.execute("rollback")  # what SQLite does by itself when the disk is full

    results = await together(database, note("a"), undo, note("b"))
    assert all(isinstance(result, Exception) for result in results)
    assert await noted(database) == []
    assert await database.transaction(note("c")) == "c"


@pytest.fixture
async def quiet(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Nothing is logged as an error meanwhile."""
    yield
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.usefixtures("quiet")
async def test_a_second_one_on_the_same_file_is_refused_until_the_first_is_closed(url: str, database: Database) -> None:
    with pytest.raises(DatabaseInUse, match="Another process already works with"):
        await open_database(url)
    await database.close()
    await (await open_database(url)).close()


@pytest.mark.parametrize("name", ["with space.db", "50%25.db", "größe.db", "no-suffix"])
async def test_a_file_may_have_any_name(tmp_path: Path, name: str) -> None:
    opened = await open_database(f"sqlite:///{tmp_path / name}")
    await opened.close()
    assert (tmp_path / name).exists()


async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    diary = tmp_path / "diary.db"
    diary.write_text("Dear diary, " * 100)
    with pytest.raises(DatabaseUnusable, match=r"diary\.db cannot be opened"):
        await open_database(f"sqlite:///{diary}")
    assert diary.read_text().startswith("Dear diary")
