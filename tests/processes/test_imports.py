"""What a process imports from its start to its end: what its settings turn on, and nothing else."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.processes.scene import Scene

INSTALLING = {
    "bot.workspaces.oauth",
    "bot.web.oauth_routes",
    "bot.web.oauth_pages",
    "bot.workspaces.oauth_client",
    "bot.workspaces.installation_store",
    "bot.workspaces.slack_tokens",
}
OTHER_COMMANDS = {"bot.maintenance.copy_database", "bot.doctor", "bot.maintenance.rotate_keys"}
POSTGRES = {
    "psycopg",
    "psycopg_pool",
    "procrastinate",
    "storage.postgres",
    "storage.procrastinate_schema",
    "bot.engine.procrastinate",
}
MAKING_A_DATABASE = {"sqlite_utils", "click", "dateutil"}
FOR_ONE_REPLY = {"segno"}
NOT_OURS_TO_LOAD = {"playground", "tests"}
SOCKET_MODE = {"bot.web.socket_mode", "slack_sdk.socket_mode.aiohttp"}
NEVER = INSTALLING | OTHER_COMMANDS | POSTGRES | MAKING_A_DATABASE | FOR_ONE_REPLY | NOT_OURS_TO_LOAD
AT_WORK = {"storage.sqlite", "bot.engine.sqlite", "commands.start", "cryptography.hazmat.primitives.ciphers.aead"}


@pytest.fixture(autouse=True)
def _told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python itself prints a line for each module that it imports."""
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")


async def imported_until_it_stopped(scene: Scene, **settings: str) -> set[str]:
    bot = await scene.run_bot(**settings)
    bot.terminate()
    assert await bot.ended() == 0
    return {line.rpartition("|")[2].strip() for line in bot.said if line.startswith("import time:")}


def test_every_name_is_that_of_a_module() -> None:
    assert [name for name in sorted(NEVER | SOCKET_MODE | AT_WORK) if find_spec(name) is None] == []


async def test_by_http_on_sqlite(http_scene: Scene) -> None:
    imported = await imported_until_it_stopped(http_scene)
    assert AT_WORK - imported == set()
    assert (NEVER | SOCKET_MODE) & imported == set()


async def test_by_socket_on_sqlite(scene: Scene) -> None:
    imported = await imported_until_it_stopped(scene)
    assert (AT_WORK | SOCKET_MODE) - imported == set()
    assert NEVER & imported == set()


async def test_a_new_database_is_made_with_what_that_needs(bare_scene: Scene) -> None:
    assert "sqlite_utils" in await imported_until_it_stopped(bare_scene)


async def test_many_workspaces_need_installing(http_scene: Scene) -> None:
    many = {"slack_client_id": "1.2", "slack_client_secret": "hush", "slack_bot_token": ""}
    imported = await imported_until_it_stopped(http_scene, **many, public_url="https://buildbell.example.com")
    assert INSTALLING - imported == set()
