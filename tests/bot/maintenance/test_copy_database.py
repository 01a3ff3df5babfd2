"""Copying from SQLite to PostgreSQL moves everything or nothing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.maintenance.copy_database import CopyFailed, copy_database
from storage import Database, Row, Transaction, open_database
from storage import events as event_rows
from storage import jobs as job_rows
from storage import workspaces as workspace_rows
from storage.copy import list_tables

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[3]
ODD = ["", "plain", "tab\tline\nback\\slash \\N", "“größe” 🚀", "zero\0zero", "Z", "a", "_"]
COLUMNS = 'select name, type, pk, "notnull" as needed from pragma_table_info(:table)'


@pytest.fixture
def source_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/old.db"


async def tables(source: Database) -> list[str]:
    rows = await source.fetch_all("select name from sqlite_master where type = 'table' and name not like 'sqlite%'")
    return sorted({row["name"] for row in rows} - {"schema_version", "jobs"})


async def fill(source: Database) -> None:
    """Add a row for every odd text to every table, with and without nullable columns."""
    for table in [table.name for table in await list_tables(source)]:  # those that others refer to first
        columns = await source.fetch_all(COLUMNS, table=table)
        for number, text in enumerate(ODD):
            values = {row["name"]: value(row, number, text) for row in columns}
            names, places = ", ".join(values), ", ".join(f":{name}" for name in values)
            await source.execute(f"insert into {table} ({names}) values ({places})", **values)


def value(column: Row, number: int, text: str) -> object:
    if column["type"].lower() != "text":
        return number
    if column["pk"] or column["name"].endswith("_id"):
        return f"{text} {number}"
    return text if column["needed"] or number % 3 else None


async def content(database: Database, names: list[str]) -> dict[str, list[str]]:
    """Return every row as text, sorted."""
    read = {name: await database.fetch_all(f"select * from {name}") for name in names}
    return {name: sorted(repr(sorted(dict(row).items())) for row in rows) for name, rows in read.items()}


async def open_filled(source_url: str) -> Database:
    source = await open_database(source_url)
    await fill(source)
    return source


async def test_every_row_of_every_table_arrives(source_url: str, postgres_url: str) -> None:
    source = await open_filled(source_url)
    names = await tables(source)
    before = await content(source, names)
    await source.close()
    lines = await copy_database(source_url, postgres_url)
    target = await open_database(postgres_url)
    after = await content(target, names)
    assert after == {name: [row.replace("\\x00", "\ufffd") for row in rows] for name, rows in before.items()}
    assert all(len(rows) == len(ODD) for rows in after.values())
    assert sorted(lines[:-1]) == [f"{name}: {len(ODD)} rows" for name in names]
    await target.close()


async def test_more_rows_than_a_page_arrive_and_numbering_continues(source_url: str, postgres_url: str) -> None:
    source = await open_database(source_url)
    await workspace_rows.save_workspace(source, workspace_id="T1", name="Acme", bot_user_id="U0")

    async def add(tx: Transaction, count: int) -> None:
        for number in range(count):
            await event_rows.add_event(tx, workspace_id="T1", build_slug=str(number), kind="finished", at=NOW)

    await source.transaction(lambda tx: add(tx, 2500))
    await source.close()
    assert "events: 2500 rows" in await copy_database(source_url, postgres_url)
    target = await open_database(postgres_url)
    await target.transaction(lambda tx: add(tx, 1))
    row = await target.fetch_one("select max(event_id) as newest, count(*) as rows from events")
    assert row is not None
    assert (row["newest"], row["rows"]) == (2501, 2501)
    await target.close()


async def test_waiting_jobs_are_copied_in_order(source_url: str, postgres_url: str) -> None:
    source = await open_database(source_url)

    async def add(tx: Transaction) -> None:
        for name in ("runs", "waits", "later", "hopeless"):
            due_at = NOW + timedelta(days=1 if name == "later" else 0)
            key = "other" if name == "hopeless" else "ios"
            await job_rows.add_job(tx, kind="deliver", key=key, arguments={"name": name}, due_at=due_at)

    await source.transaction(add)
    runs, hopeless = await source.transaction(lambda tx: job_rows.claim_jobs(tx, kind="deliver", now=NOW, limit=9))
    assert runs.arguments == {"name": "runs"}
    await job_rows.fail_job(source, hopeless.job_id, error="LookupError")
    await source.close()
    lines = await copy_database(source_url, postgres_url)
    assert lines[-1] == "jobs: 3 pending, in order; 1 failed job not copied"
    target = await open_database(postgres_url)
    rows = await target.fetch_all(
        "select queue_name, lock, args, scheduled_at, status::text as status from procrastinate_jobs order by id"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("deliver", "ios", {"name": "runs"}, NOW, "todo"),
        ("deliver", "ios", {"name": "waits"}, NOW, "todo"),
        ("deliver", "ios", {"name": "later"}, NOW + timedelta(days=1), "todo"),
    ]
    await target.close()


async def test_target_with_rows_is_refused(source_url: str, postgres_url: str) -> None:
    await (await open_filled(source_url)).close()
    target = await open_database(postgres_url)
    await workspace_rows.save_workspace(target, workspace_id="T9", name="Mine", bot_user_id="U0")
    with pytest.raises(CopyFailed, match="isn't empty"):
        await copy_database(source_url, postgres_url)
    assert [row.workspace_id for row in await workspace_rows.list_workspaces(target)] == ["T9"]
    await target.close()


async def test_nothing_is_copied_if_a_row_differs(source_url: str, postgres_url: str) -> None:
    """A trigger in the target changes rows as they arrive."""
    source = await open_filled(source_url)
    names = await tables(source)
    await source.close()
    target = await open_database(postgres_url)
    await target.execute(
        "create function spoil() returns trigger language plpgsql as 'begin new.title = ''other''; return new; end'"
    )
    await target.execute("create trigger spoil before insert on apps for each row execute function spoil()")
    with pytest.raises(CopyFailed, match=r"The rows of apps are not the same.*nothing was copied"):
        await copy_database(source_url, postgres_url)
    assert await content(target, names) == {name: [] for name in names}
    await target.execute("drop function spoil cascade")
    await target.close()


WRONG: list[tuple[str, str, str]] = [
    ("postgresql://a/b", "postgresql://a/b", "Can only copy from sqlite"),
    ("sqlite:///old.db", "sqlite:///new.db", "Can only copy from sqlite"),
    ("sqlite:////no/such/file.db", "postgresql://a/b", "/no/such/file.db doesn't exist"),
]


@pytest.mark.parametrize(("source", "target", "message"), WRONG)
async def test_impossible_copies_are_refused(source: str, target: str, message: str) -> None:
    with pytest.raises(CopyFailed, match=message):
        await copy_database(source, target)


async def test_target_defaults_to_the_setting(source_url: str, postgres_url: str) -> None:
    source = await open_database(source_url)
    await workspace_rows.save_workspace(source, workspace_id="T1", name="Acme", bot_user_id="U0")
    await source.close()
    code, out = await run("copy", "--from", source_url, BUILDBELL_DATABASE_URL=postgres_url)
    assert code == 0, out
    assert "workspaces: 1 row\n" in out
    code, out = await run("copy", "--from", source_url, "--to", postgres_url)
    assert (code, "isn't empty" in out) == (2, True)


async def run(*arguments: str, **environment: Any) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT,
        env=os.environ | environment,
    )  # fmt: skip
    out, _ = await process.communicate()
    return process.returncode, out.decode()
