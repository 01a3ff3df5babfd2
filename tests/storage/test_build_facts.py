"""Stored durations, the view for other programs, and reading beside a running Buildbell."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from storage import Database, DatabaseUnusable
from storage import apps as app_rows
from storage import builds as build_rows
from storage import statistics as stats_rows
from storage.apps import AppRow
from storage.builds import BuildRow
from storage.readonly import open_readonly
from storage.sqlite import SqliteDatabase
from storage.statistics import FACT_COLUMNS, FactFile, Scope
from tests.storage.conftest import NOW

EMPTY: dict[str, Any] = dict.fromkeys(BuildRow.__dataclass_fields__) | {"is_pipeline": False, "is_utility": False}


def build(slug: str, **facts: Any) -> BuildRow:
    known = {"workspace_id": "T1", "app_slug": "shop", "cause": "push", "state": "finished", "outcome": "succeeded",
             "workflow": "test", "last_synced_at": NOW, "triggered_at": NOW, "started_at": NOW + timedelta(seconds=30),
             "finished_at": NOW + timedelta(seconds=100)}  # fmt: skip
    return BuildRow(**(EMPTY | known | facts | {"build_slug": slug}))


async def store(database: Database, *builds: BuildRow) -> None:
    for each in builds:
        await database.transaction(partial(build_rows.add_build, build=each))


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
    await database.transaction(lambda tx: build_rows.save_build(tx, ended, expected_state="running"))
    row = await database.fetch_one(seconds)
    assert row is not None
    assert (row["queue_seconds"], row["run_seconds"]) == (30, 70)


# The view.


@pytest.mark.usefixtures("workspaces")
async def test_view_has_the_builds_that_statistics_count(database: Database) -> None:
    app = AppRow("T1", "shop", "iOS Shop", None, None, None, None, False)
    await database.transaction(lambda tx: app_rows.replace_apps(tx, "T1", [app]))
    await store(
        database, build("b1", pipeline_workflow_id="w1"), build("b2", outcome="failed"),
        build("b3", outcome="aborted", reason="stuck"), build("b4", is_pipeline=True),
        build("b5", state="running", outcome=None), build("b6", outcome=None),
    )  # fmt: skip
    rows = await database.fetch_all("select * from build_facts order by build_slug")
    facts = [(row["build_slug"], row["app_title"], row["is_success"], row["is_of_pipeline"]) for row in rows]
    assert facts == [("b1", "iOS Shop", 1, 1), ("b2", "iOS Shop", 0, 0), ("b3", "iOS Shop", None, 0)]
    assert tuple(dict(rows[0])) == FACT_COLUMNS


@pytest.mark.usefixtures("workspaces")
async def test_facts_are_in_the_order_builds_finished(database: Database) -> None:
    ends = {f"b{days}": NOW + timedelta(days=days) for days in (3, 0, 2, 9)}
    await store(database, *(build(slug, finished_at=end) for slug, end in ends.items()), build("x", app_slug="droid"))
    scope = Scope("T1", NOW, NOW + timedelta(days=9), "shop")
    pieces = [piece async for piece in stats_rows.iterate_facts(database, scope)]
    assert [fact["build_slug"] for piece in pieces for fact in piece] == ["b0", "b2", "b3"]


# Beside a running Buildbell.


@pytest.mark.usefixtures("workspaces")
async def test_database_is_read_while_another_process_has_it_open(database: Database, url: str) -> None:
    await store(database, build("b1"))
    async with open_readonly(url) as reads:
        assert await stats_rows.list_workspace_ids(reads) == ["T1"]
        assert await stats_rows.list_app_slugs(reads, "T1") == ["shop"]


async def test_missing_database_is_refused_and_not_created(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="Cannot open"):
        async with open_readonly(f"sqlite:///{tmp_path}/nothing.db"):
            pass
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("version", "expected"), [(2, "buildbell migrate"), (99, "the newer Buildbell")])
async def test_other_schema_version_is_refused(tmp_path: Path, version: int, expected: str) -> None:
    database = SqliteDatabase(tmp_path / "old.db")
    await database.execute("create table schema_version (version integer not null)")
    await database.execute("insert into schema_version (version) values (:version)", version=version)
    await database.close()
    with pytest.raises(DatabaseUnusable, match=expected):
        async with open_readonly(f"sqlite:///{tmp_path}/old.db"):
            pass


def test_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "builds.db").write_text("mine")
    with pytest.raises(DatabaseUnusable, match="already exists"):
        FactFile(tmp_path / "builds.db")
    assert (tmp_path / "builds.db").read_text() == "mine"
