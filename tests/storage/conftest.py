"""Every database there is, fresh for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage import Database, open_database
from storage.workspaces import WorkspaceStore

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


ADDRESSES: dict[str, Callable[[Path], str]] = {"sqlite": lambda folder: f"sqlite:///{folder}/contract.db"}
"""Name of a database to the address of an empty one; another database joins by a line here."""


@pytest.fixture(params=ADDRESSES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return ADDRESSES[request.param](tmp_path)


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
