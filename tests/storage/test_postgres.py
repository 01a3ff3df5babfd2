"""PostgreSQL only: lost connections, conflicts between transactions, several processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import psycopg
import pytest

from storage import Database, DatabaseUnusable, Transaction, open_database, schema_version
from storage.dialects import translate
from storage.migrations import MIGRATIONS
from storage.postgres import PostgresDatabase
from storage.postgres_transaction import PostgresTransaction
from storage.procrastinate_schema import prepare_queue
from tests.postgres_server import CUT_OTHERS
from tests.storage.conftest import Held, note, noted


@pytest.fixture
def url(postgres_url: str) -> str:
    return postgres_url


async def cut(url: str) -> None:
    """End every connection to this database, as a restarted server does."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(CUT_OTHERS)


# Statements.


TRANSLATIONS = [
    ("select :a, :b_2", "select %(a)s, %(b_2)s"),
    ("select ':a', \":b\" -- :c\n/* :d */", "select ':a', \":b\" -- :c\n/* :d */"),
    ("select x::int, :a::text", "select x::int, %(a)s::text"),
    ("x like '%' and y % 2 = :a", "x like '%%' and y %% 2 = %(a)s"),
    ("it = 'it''s :a' and b = :b", "it = 'it''s :a' and b = %(b)s"),
    ("(:a is null or x = :a)", "(%(a is null)s or x = %(a)s)"),
    ("where :a is not null", "where not %(a is null)s"),
    ("create table t (text text not null)", 'create table t (text text collate "C" not null)'),
    ("alter table t add column n integer", "alter table t add column n bigint"),
    ("select text from t", "select text from t"),
]


@pytest.mark.parametrize(("ours", "theirs"), TRANSLATIONS)
def test_a_statement_is_translated(ours: str, theirs: str) -> None:
    assert translate(ours).sql == theirs


@pytest.mark.usefixtures("notes")
async def test_text_sorts_by_its_bytes(database: Database) -> None:
    for name in ("b", "a", "B", "ä", "_"):
        await database.transaction(note(name))
    assert await noted(database) == ["B", "_", "a", "b", "ä"]


@pytest.mark.usefixtures("notes")
async def test_a_character_that_cannot_be_stored_is_replaced(database: Database) -> None:
    await database.transaction(note("a", "one\0two"))
    row = await database.fetch_one("select text from notes")
    assert row is not None
    assert row["text"] == "one\ufffdtwo"


async def test_averages_are_plain_numbers(database: Database) -> None:
    row = await database.fetch_one("select avg(n) as mean from (values (1), (2)) as numbers (n)")
    assert row is not None
    assert (row["mean"], type(row["mean"])) == (1.5, float)


# Transactions that meet.


@pytest.mark.usefixtures("notes")
async def test_conflicting_transactions_are_serialized(database: Database) -> None:
    """Each ends its half and announces the end of both if the other half has ended: one of them must."""
    await database.transaction(note("one", "runs"))
    await database.transaction(note("two", "runs"))
    both_have_read = asyncio.Barrier(2)
    tries: list[str] = []

    async def end(tx: Transaction, mine: str) -> bool:
        tries.append(mine)
        await tx.execute("update notes set text = 'ended' where note_id = :mine", mine=mine)
        rows = await tx.fetch_all("select note_id from notes where text = 'runs'")
        if len(tries) <= 2:
            await cast(PostgresTransaction, tx).with_connection(lambda _: both_have_read.wait())
        return not rows

    announced = await asyncio.gather(
        database.transaction(lambda tx: end(tx, "one")), database.transaction(lambda tx: end(tx, "two"))
    )
    assert sorted(announced) == [False, True]
    assert len(tries) == 3


class Meddler:
    """A replica that changes what a longer transaction has just read."""

    def __init__(self, url: str, database: Database, meddling: Database) -> None:
        self.database, self._url, self._meddling = database, url, meddling
        self.tries: list[str] = []
        self.lingers = False
        self.meddled: list[asyncio.Task[int]] = []

    async def long(self, tx: Transaction) -> None:
        """Meddled with in its first try for certain, in its second as soon as the meddler may."""
        await tx.fetch_all("select text from notes")
        await cast(PostgresTransaction, tx).with_connection(lambda _: self._meddle())
        await tx.execute("update notes set text = text || 'long '")

    async def _meddle(self) -> None:
        self.tries.append("try")
        if len(self.tries) > 2:
            return
        if self.lingers and len(self.tries) == 2:
            await asyncio.Event().wait()
        meddling = asyncio.create_task(self._meddling.execute("update notes set text = text || 'meddled '"))
        self.meddled.append(meddling)
        while not (meddling.done() or await self._somebody_waits()):  # noqa: ASYNC110  # the server sets no event
            await asyncio.sleep(0.01)

    async def _somebody_waits(self) -> bool:
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            waiting = await connection.execute("select 1 from pg_locks where not granted and locktype = 'relation'")
            return await waiting.fetchone() is not None


@pytest.fixture
async def meddler(url: str, database: Database, notes: None) -> AsyncIterator[Meddler]:
    await database.transaction(note("a"))
    meddling = await open_database(url)
    yield Meddler(url, database, meddling)
    await meddling.close()


async def text_of_a(database: Database) -> str:
    row = await database.fetch_one("select text from notes where note_id = 'a'")
    assert row is not None
    return str(row["text"])


async def test_a_conflict_is_retried_exclusively(meddler: Meddler) -> None:
    await meddler.database.transaction(meddler.long)
    await asyncio.gather(*meddler.meddled)
    assert len(meddler.tries) == 2
    assert await text_of_a(meddler.database) == "meddled long meddled "


async def test_a_hanging_transaction_does_not_prevent_retries(url: str, meddler: Meddler) -> None:
    hanging = await open_database(url)
    held = Held(hanging)

    async def hang(tx: Transaction) -> None:
        await note("hangs")(tx)
        await held.here(tx)

    hangs = asyncio.create_task(hanging.transaction(hang))
    await held.reached()
    await meddler.database.transaction(meddler.long)
    assert "long" in await text_of_a(meddler.database)
    held.go_on()
    await hangs
    await hanging.close()


async def test_a_long_transaction_is_retried_beside_the_others(
    meddler: Meddler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.postgres.EXCLUSIVE_SECONDS", 0.1)
    meddler.lingers = True
    await meddler.database.transaction(meddler.long)
    assert len(meddler.tries) == 3
    assert await text_of_a(meddler.database) == "meddled long "


@pytest.mark.usefixtures("notes")
async def test_after_commit_is_called_once_after_retries(url: str, database: Database) -> None:
    tries: list[int] = []
    told: list[str] = []

    async def write(tx: Transaction) -> None:
        tries.append(1)
        tx.after_commit(lambda: told.append("done"))
        await note("a")(tx)
        if len(tries) == 1:
            await cast(PostgresTransaction, tx).with_connection(lambda _: cut(url))
            await tx.fetch_all("select 1")

    await database.transaction(write)
    assert (len(tries), told, await noted(database)) == (2, ["done"], ["a"])


@pytest.mark.usefixtures("notes")
async def test_an_unknown_commit_is_not_retried(url: str, database: Database) -> None:
    tries: list[int] = []

    async def write(tx: Transaction) -> None:
        tries.append(1)
        await note("a")(tx)
        await cast(PostgresTransaction, tx).with_connection(lambda _: cut(url))  # noticed by the commit

    with pytest.raises(Exception, match="broke during a commit"):
        await database.transaction(write)
    assert tries == [1]
    await database.transaction(note("b"))
    assert await noted(database) == ["b"]


@pytest.mark.usefixtures("notes")
async def test_idle_connections_that_broke_are_replaced(url: str, database: Database) -> None:
    await asyncio.gather(*(database.transaction(note(str(number))) for number in range(5)))
    await cut(url)
    assert await noted(database) == ["0", "1", "2", "3", "4"]
    await cut(url)
    assert await database.execute("update notes set text = 'x'") == 5


@pytest.mark.usefixtures("notes")
async def test_a_canceled_transaction_is_rolled_back(database: Database) -> None:
    held = Held(database)

    async def write(tx: Transaction) -> None:
        await note("a")(tx)
        await held.here(tx)

    writing = asyncio.ensure_future(database.transaction(write))
    await held.reached()
    writing.cancel()
    held.go_on()
    await asyncio.wait([writing])
    assert (writing.cancelled(), await noted(database)) == (True, [])


async def test_an_advisory_lock_has_one_holder(url: str, database: Database) -> None:
    other = await PostgresDatabase.open(url)
    first = cast(PostgresDatabase, database)
    async with first.advisory_lock("test", wait=False) as ours, other.advisory_lock("test", wait=False) as theirs:
        assert (ours, theirs) == (True, False)
    async with other.advisory_lock("test", wait=False) as theirs:
        assert theirs
    await other.close()


# Opening.


async def test_replicas_that_start_at_once_migrate_once(empty_url: str) -> None:
    opened = await asyncio.gather(*(open_database(empty_url) for _ in range(4)))
    assert [await schema_version(database) for database in opened] == [MIGRATIONS[-1].number] * 4
    rows = await opened[0].fetch_all("select version from schema_version order by version")
    assert [row["version"] for row in rows] == [step.number for step in MIGRATIONS]
    for database in opened:
        await database.close()


async def test_the_job_tables_of_a_newer_procrastinate_are_refused(database: Database) -> None:
    await database.execute("insert into queue_steps (step) values ('99.00.00_01_later')")
    with pytest.raises(DatabaseUnusable, match=r"99\.00\.00_01_later.*pip install"):
        await prepare_queue(cast(PostgresDatabase, database))
    await database.execute("delete from queue_steps where step = '99.00.00_01_later'")
