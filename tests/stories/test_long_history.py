"""Years of builds slow down nothing that a person waits for: acknowledgments, answers, suggestions, App Home."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.world import World

FEW, MANY = 2_500, 16_000
STEPS = 50
"""Instructions of SQLite's virtual machine between two calls of a progress handler."""
ALLOWANCE = 3_000
"""Instructions that a longer history may cost: a few, for what happens in between. A scan costs ten a row."""
COPIED = {
    "builds": "build_slug", "requests": "request_id", "audit": "audit_id", "messages": "message_id",
    "results": "build_slug",
}  # fmt: skip
COMMANDS = (
    "shop deploy main", 'shop "deploy" main', "shop nothing main", "deploy main", "", "form", "list",
    "list shop branch:feature/1", "status", "stop", "log", "artifacts", "again", "#7", "shop #7", "shop #2000",
    "subscribe shop", "subscriptions", "unsubscribe shop", "settings", "me", "help",
)  # fmt: skip


@dataclass
class Counter:
    """Instructions that SQLite has run for the bot."""

    total: int = 0

    def on_progress(self) -> int:
        self.total += STEPS
        return 0


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter, connect = Counter(), sqlite3.connect

    class CountedConnection(sqlite3.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.set_progress_handler(counter.on_progress, STEPS)

    def connect_counted(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **({"factory": CountedConnection} | options))
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect_counted)
    return counter


def add_history(path: Path, count: int) -> None:
    """Copy a finished build, its request, messages and audit entries until there are ``count`` of each."""
    at = "strftime('%Y-%m-%dT%H:%M:%S', '2015-01-01', '+' || n || ' minutes') || '.000000+00:00'"
    changes = {
        "unique_key": "'key-' || n", "number": "n + 1000", "commit_hash": "printf('%040x', n)",
        "branch": "'feature/' || (n % 700)", "workflow": "'workflow-' || (n % 7)",
        "triggered_at": at, "finished_at": at, "ts": "printf('1%09d.000000', n)",
    }  # fmt: skip
    with closing(sqlite3.connect(path)) as database:
        for table, key in COPIED.items():
            columns = [row[1] for row in database.execute(f"pragma table_info({table})")]
            values = ", ".join((changes | {key: f"'{table}-' || n"}).get(column, column) for column in columns)
            database.execute(
                f"""
                with recursive numbers (n) as (select 0 union all select n + 1 from numbers where n < {count})
                insert or ignore into {table} ({", ".join(columns)})
                select {values} from numbers, (select * from {table} limit 1)
                """
            )
            assert database.execute(f"select count(*) from {table}").fetchone()[0] >= count
        database.commit()


async def measure(world: World, counter: Counter) -> dict[str, int]:
    """Return the instructions of each act of a person, until the bot is idle again."""
    costs: dict[str, int] = {}

    async def count(title: str, act: Callable[[], Awaitable[object]]) -> None:
        await world.settled()
        counter.total = 0
        await act()
        await world.settled()
        costs[title] = counter.total

    for text in COMMANDS:
        await count(f"/build {text}", partial(world.slack.command, world.ana, world.ios, f"/build {text}"))
    await world.say("/build")
    await world.slack.select(world.ana, world.modal(), "start.app", "iOS Shop")
    for field in ("app", "target", "branch"):
        suggest = partial(world.slack.suggest, world.ana, world.modal(), f"start.{field}", "feat")
        await count(f"suggestions of {field}", suggest)
    await count("App Home", partial(world.slack.open_home, world.ana, world.app))
    return costs


async def test_a_long_history_costs_nothing_while_a_person_waits(
    counter: Counter, open_world: Callable[..., Awaitable[World]], tmp_path: Path
) -> None:
    world = await open_world()
    await world.say("/build settings")
    await world.submit({"settings.app": "iOS Shop"})
    await world.say("/build shop test main")
    await world.passes(minutes=10)
    costs = []
    for length in (FEW, MANY):
        await world.stop_bot()
        add_history(tmp_path / "buildbell.db", length)
        await world.start_bot()
        await measure(world, counter)  # fills the caches
        costs.append(await measure(world, counter))
    few, many = costs
    assert any(few.values()), "nothing was counted"
    assert {title: (few[title], cost) for title, cost in many.items() if cost > few[title] + ALLOWANCE} == {}
