"""Durations as numbers, the view for other programs, and reading beside a running Buildbell."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import Database, DatabaseUnusable
from storage.apps import AppRow, AppStore
from storage.builds import BuildRow, BuildStore
from storage.database import to_column
from storage.export_rows import COLUMNS, FactFile, FactStore
from storage.migrations import DIALECTS, MIGRATIONS, migrate
from storage.readonly import open_for_reading
from storage.sqlite import SqliteDatabase
from storage.statistics import Scope
from tests.storage.conftest import NOW

EMPTY: dict[str, Any] = dict.fromkeys(BuildRow.__dataclass_fields__) | {"is_pipeline": False, "is_utility": False}


def build(slug: str, **facts: Any) -> BuildRow:
    known = {"workspace_id": "T1", "app_slug": "shop", "cause": "push", "state": "finished", "outcome": "succeeded",
             "workflow": "test", "seen_at": NOW, "triggered_at": NOW, "started_at": NOW + timedelta(seconds=30),
             "finished_at": NOW + timedelta(seconds=100)}  # fmt: skip
    return BuildRow(**(EMPTY | known | facts | {"build_slug": slug}))


async def store(database: Database, *builds: BuildRow) -> None:
    for each in builds:
        await database.transaction(partial(BuildStore(database).add_build, build=each))


# Durations.


@pytest.mark.usefixtures("workspaces")
async def test_durations_follow_the_times_when_a_build_moves(database: Database) -> None:
    running = build("b1", state="running", outcome=None, finished_at=None)
    await store(database, running)
    seconds = "select queue_seconds, run_seconds from builds"
    row = await database.fetch_one(seconds)
    assert row is not None
    assert (row["queue_seconds"], row["run_seconds"]) == (30, None)
    ended = build("b1")
    await database.transaction(lambda tx: BuildStore(database).save_build(tx, ended, seen_state="running"))
    row = await database.fetch_one(seconds)
    assert row is not None
    assert (row["queue_seconds"], row["run_seconds"]) == (30, 70)


# SQLite's dates are no finer than a millisecond, and Bitrise tells whole seconds.
moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 3), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)


@settings(max_examples=200)
@given(moments, moments)
def test_older_rows_are_given_the_same_seconds_as_new_ones(triggered: datetime, started: datetime) -> None:
    row = build("b1", triggered_at=triggered, started_at=started)
    memory = sqlite3.connect(":memory:")
    times = [to_column(triggered), to_column(started)]
    written = DIALECTS["sqlite"]["queue_seconds"]
    found = memory.execute(f"select {written} from (select ? as triggered_at, ? as started_at)", times).fetchone()
    memory.close()
    assert found[0] == row.queue_seconds


async def test_the_step_fills_in_what_is_there_already(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "old.db")
    await migrate(database, steps=MIGRATIONS[:2])
    await database.execute("insert into workspaces (workspace_id, name, health) values ('T1', 'Acme', 'ok')")
    await database.execute(
        """
        insert into builds (workspace_id, build_slug, app_slug, is_pipeline, cause, state, seen_at,
            triggered_at, started_at, finished_at)
        values ('T1', 'b1', 'shop', 0, 'push', 'finished', :now, :now, :start, :end),
            ('T1', 'b2', 'shop', 0, 'push', 'finished', :now, :now, null, :end)
        """,
        now=NOW, start=NOW + timedelta(seconds=4.5), end=NOW + timedelta(seconds=64.4),
    )  # fmt: skip
    await migrate(database)
    rows = await database.fetch_all("select queue_seconds, run_seconds from builds order by build_slug")
    await database.close()
    assert [(row["queue_seconds"], row["run_seconds"]) for row in rows] == [(4, 59), (None, None)]


# The view.


@pytest.mark.usefixtures("workspaces")
async def test_the_view_has_what_figures_count(database: Database) -> None:
    app = AppRow("T1", "shop", "iOS Shop", None, None, None, None, False)
    await database.transaction(lambda tx: AppStore(database).replace_apps(tx, "T1", [app]))
    await store(
        database, build("b1", pipeline_workflow_id="w1"), build("b2", outcome="failed"),
        build("b3", outcome="aborted", reason="stuck"), build("b4", is_pipeline=True),
        build("b5", state="running", outcome=None), build("b6", outcome=None),
    )  # fmt: skip
    rows = await database.fetch_all("select * from build_facts order by build_slug")
    told = [(row["build_slug"], row["app_title"], row["is_success"], row["is_of_pipeline"]) for row in rows]
    assert told == [("b1", "iOS Shop", 1, 1), ("b2", "iOS Shop", 0, 0), ("b3", "iOS Shop", None, 0)]
    assert tuple(dict(rows[0])) == COLUMNS


@pytest.mark.usefixtures("workspaces")
async def test_facts_come_in_the_order_builds_ended(database: Database) -> None:
    ends = {f"b{days}": NOW + timedelta(days=days) for days in (3, 0, 2, 9)}
    await store(database, *(build(slug, finished_at=end) for slug, end in ends.items()), build("x", app_slug="droid"))
    scope = Scope("T1", NOW, NOW + timedelta(days=9), "shop")
    pieces = [piece async for piece in FactStore(database).facts(scope)]
    assert [fact["build_slug"] for piece in pieces for fact in piece] == ["b0", "b2", "b3"]


# Beside a running Buildbell.


@pytest.mark.usefixtures("workspaces")
async def test_it_is_read_while_another_has_it(database: Database, url: str) -> None:
    await store(database, build("b1"))
    async with open_for_reading(url) as reads:
        assert await FactStore(reads).list_workspaces() == ["T1"]
        assert await FactStore(reads).list_apps("T1") == ["shop"]


async def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="cannot be opened"):
        async with open_for_reading(f"sqlite:///{tmp_path}/nothing.db"):
            pass
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("version", "told"), [(2, "buildbell migrate"), (99, "the newer Buildbell")])
async def test_another_version_is_told(tmp_path: Path, version: int, told: str) -> None:
    database = SqliteDatabase(tmp_path / "old.db")
    await database.execute("create table schema_version (version integer not null)")
    await database.execute("insert into schema_version (version) values (:version)", version=version)
    await database.close()
    with pytest.raises(DatabaseUnusable, match=told):
        async with open_for_reading(f"sqlite:///{tmp_path}/old.db"):
            pass


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "builds.db").write_text("mine")
    with pytest.raises(DatabaseUnusable, match="is there already"):
        FactFile(tmp_path / "builds.db")
    assert (tmp_path / "builds.db").read_text() == "mine"
