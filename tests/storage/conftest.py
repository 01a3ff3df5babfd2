"""Every database there is, fresh for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage import Database, open_database
from storage.workspaces import WorkspaceStore

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/contract.db"


@pytest.fixture(params=["sqlite_url", "postgres_url"], ids=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database, of each kind."""
    address: str = request.getfixturevalue(request.param)
    return address


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = await open_database(url)
    yield database
    await database.close()


@pytest.fixture
async def workspaces(database: Database) -> WorkspaceStore:
    """With one workspace, T1."""
    store = WorkspaceStore(database)
    await store.save_workspace(workspace_id="T1", name="Acme", bot_user_id="U0")
    return store
