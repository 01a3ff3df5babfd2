"""Superseded builds: unfinished older ones of the same pull request, or of the same target and branch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from storage import Database, build_history
from storage import workspaces as workspace_rows
from tests.storage.conftest import NOW
from tests.storage.test_stores import add_builds, build

pytestmark = pytest.mark.usefixtures("workspaces")
EARLIER = NOW - timedelta(minutes=5)
ON_BRANCH = build("new")
OF_PULL_REQUEST = build("new", pull_request_id=12, commit_hash="b")


async def replaced(database: Database, newer: Any, *others: Any) -> list[str]:
    await add_builds(database, newer, *others)
    return [each.build_slug for each in await build_history.list_superseded(database, newer)]


@pytest.mark.parametrize(
    ("facts", "is_replaced"),
    [
        ({}, True),
        ({"abort_requested_by": "U1"}, True),
        ({"state": "queued"}, True),
        ({"state": "finished"}, False),
        ({"triggered_at": NOW}, False),
        ({"triggered_at": NOW + timedelta(seconds=1)}, False),
        ({"branch": "develop"}, False),
        ({"workflow": "test"}, False),
        ({"app_slug": "droid"}, False),
        ({"pull_request_id": 12}, False),
        ({"is_pipeline": True, "workflow": None, "pipeline": "deploy"}, False),
    ],
)
async def test_superseded_on_the_same_branch(database: Database, facts: dict[str, Any], is_replaced: bool) -> None:
    older = build("old", **{"triggered_at": EARLIER} | facts)
    assert await replaced(database, ON_BRANCH, older) == ["old"] * is_replaced


@pytest.mark.parametrize(
    ("facts", "is_replaced"),
    [
        ({"commit_hash": "a"}, True),
        ({"commit_hash": "a", "workflow": "test", "branch": "other"}, True),
        ({"commit_hash": None, "workflow": "test"}, True),
        ({"commit_hash": "b"}, True),
        ({"commit_hash": "b", "workflow": "test"}, False),
        ({"commit_hash": "a", "pull_request_id": 13}, False),
        ({"commit_hash": "a", "pull_request_id": None}, False),
        ({"commit_hash": "a", "state": "finished"}, False),
    ],
)
async def test_superseded_in_a_pull_request(database: Database, facts: dict[str, Any], is_replaced: bool) -> None:
    older = build("old", **{"triggered_at": EARLIER, "pull_request_id": 12} | facts)
    assert await replaced(database, OF_PULL_REQUEST, older) == ["old"] * is_replaced


async def test_a_pipeline_supersedes_the_same_pipeline(database: Database) -> None:
    newer = build("new", is_pipeline=True, workflow=None, pipeline="deploy")
    older = build("old", is_pipeline=True, workflow=None, pipeline="deploy", triggered_at=EARLIER)
    assert await replaced(database, newer, older, build("other", triggered_at=EARLIER)) == ["old"]


async def test_superseded_builds_are_of_the_workspace_and_oldest_first(database: Database, workspaces: Any) -> None:
    await workspace_rows.save_workspace(database, workspace_id="T2", name="Other", bot_user_id="U9")
    theirs = build("theirs", workspace_id="T2", triggered_at=EARLIER)
    second, first = build("second", triggered_at=EARLIER), build("first", triggered_at=EARLIER - timedelta(minutes=1))
    assert await replaced(database, ON_BRANCH, theirs, second, first) == ["first", "second"]


@pytest.mark.parametrize(
    ("newer", "index"),
    [(ON_BRANCH, "builds_unfinished_on_branch"), (OF_PULL_REQUEST, "builds_of_pull_request")],
)
@pytest.mark.parametrize("url", ["sqlite_url"], ids=["sqlite"], indirect=True)
async def test_superseded_builds_are_read_from_an_index(database: Database, newer: Any, index: str) -> None:
    """PostgreSQL chooses by how much there is, so a plan over a handful of rows tells nothing there."""
    plans = Explained(database)
    await build_history.list_superseded(plans, newer)  # type: ignore[arg-type]
    (plan,) = plans.told
    assert f"USING INDEX {index}" in plan


class Explained:
    """A database that says how it would look."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.told: list[str] = []

    async def fetch_all(self, sql: str, /, **parameters: object) -> list[Any]:
        rows = await self._database.fetch_all(f"explain query plan {sql}", **parameters)
        self.told.append("; ".join(row["detail"] for row in rows))
        return []
