"""Fixtures for all tests."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from bot import logs as log
from storage import sqlite, sqlite_file
from tests.many_workspaces import Many
from tests.playground.bitrise import openapi
from tests.postgres_server import LocalServer, PostgresServer, own_server, running_server
from tests.world import World

settings.register_profile("here", deadline=None)  # how long an example takes says nothing about the code
settings.register_profile("quick", deadline=None, max_examples=20)
settings.load_profile("here")

QUICK = "not slow"
"""The markers that `make quick` selects."""
FOLDER = Path(__file__).parent
SLOW_FOLDERS = ("abuse", "benchmarks", "chaos", "playground/page", "processes", "soak", "stories")
SLOW_FILES = ("bot/engine/test_workers.py", "playground/test_demo.py", "playground/test_tour.py")
QUICK_STORIES = ("stories/test_abort.py", "stories/test_start.py", "stories/test_subscriptions.py")
"""One journey of each kind is quick enough."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: a process, a browser, PostgreSQL or a long story; not in `make quick`")
    if config.option.markexpr == QUICK:
        settings.load_profile("quick")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files of slow tests in `make quick`, where each worker would import them to run none."""
    path = collection_path.relative_to(FOLDER).as_posix()
    is_left_out = collection_path.suffix == ".py" and config.option.markexpr == QUICK and is_slow_file(path)
    return True if is_left_out else None


def pytest_collection_finish() -> None:
    """Let garbage collections pass over the thousands of collected tests."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_slow(item):
            item.add_marker("slow")


def is_slow(item: pytest.Item) -> bool:
    if is_slow_file(item.path.relative_to(FOLDER).as_posix()):
        return True
    parameters, fixtures = item.name.partition("[")[2], getattr(item, "fixturenames", ())
    return "postgres" in parameters or not {"postgres", "own_postgres"}.isdisjoint(fixtures)


def is_slow_file(path: str) -> bool:
    return (path.startswith(SLOW_FOLDERS) and path not in QUICK_STORIES) or path in SLOW_FILES


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the developer's own settings from the environment."""
    for name in os.environ:
        if name.upper().startswith("BUILDBELL_"):
            monkeypatch.delenv(name)


class Complaints(logging.Handler):
    """Collects logged errors: bugs, and problems for the operator."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(logging.Formatter("%(name)s: %(message)s").format(record))

    async def until(self, text: str) -> None:
        """Return once an error with this text was logged."""
        while not any(text in line for line in self.told):  # noqa: ASYNC110  # a log line sets no event
            await asyncio.sleep(0.01)


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    handler = Complaints()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Allow a test to configure logging, and restore it afterwards."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    quiet = {name: logging.getLogger(name).level for name in log.WARNINGS_ONLY}
    root.handlers = []  # configuring closes existing handlers, and these are pytest's
    yield
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    logging.getLogger("aiohttp.access").disabled = False
    for name, before in quiet.items():
        logging.getLogger(name).setLevel(before)


@pytest.fixture
def short_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on a locked SQLite file after a moment, and try jobs again as soon."""
    pragmas = tuple(pragma.replace("2000", "50") for pragma in sqlite_file.PRAGMAS)
    monkeypatch.setattr(sqlite_file, "PRAGMAS", pragmas)
    monkeypatch.setattr(sqlite, "LOCK_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr("bot.engine.sqlite.RETRY_SECONDS", 0.05)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Run one server for all tests of this process."""
    with running_server() as url:
        server = PostgresServer(url)
        yield server
        server.close()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """Create a database with all tables."""
    url = postgres.make_database()
    yield url
    postgres.give_back(url)


@pytest.fixture
def own_postgres() -> Iterator[LocalServer]:
    """Run a server for one test, which may stop it."""
    with own_server() as server:
        yield server


@pytest.fixture
async def open_world(tmp_path: Path, complaints: Complaints) -> AsyncIterator[Callable[..., Awaitable[World]]]:
    """Open a world with the test's own settings, and close it afterwards.

    A story fails if the bot logs an error, unless ``world.expects_errors`` is set.
    """
    opened: list[World] = []

    async def open_one(*, connected: bool = True, **settings: Any) -> World:
        world = World(tmp_path, **settings)
        opened.append(world)
        await world.open()
        if connected:
            await world.connect()
        return world

    yield open_one
    for world in opened:
        await world.close()
        if openapi.is_at_hand():  # the bot's calls match Bitrise's API description
            assert openapi.described().problems(world.bitrise.journal) == []
    if not any(world.expects_errors for world in opened):
        assert not complaints.told, "the bot logged errors:\n" + "\n".join(complaints.told)


@pytest.fixture
async def world(open_world: Callable[..., Awaitable[World]]) -> World:
    """Open a world that is connected to Bitrise, in Socket Mode."""
    return await open_world()


@pytest.fixture
async def open_many(tmp_path: Path, complaints: Complaints) -> AsyncIterator[Callable[..., Awaitable[Many]]]:
    """Open a world in which workspaces install by OAuth. A logged error fails the story as in `open_world`."""
    opened: list[Many] = []

    async def open_one(**settings: Any) -> Many:
        many = Many(tmp_path, **settings)
        opened.append(many)
        await many.open()
        return many

    yield open_one
    for many in opened:
        await many.close()
    if not any(many.expects_errors for many in opened):
        assert not complaints.told, "the bot logged errors:\n" + "\n".join(complaints.told)


@pytest.fixture
async def many(open_many: Callable[..., Awaitable[Many]]) -> Many:
    """Open a world in which no workspace has installed Buildbell yet."""
    return await open_many()
