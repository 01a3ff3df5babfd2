"""The benchmarks themselves, small: their floors that do not depend on the machine are kept by every test run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import Database, open_database
from tests.benchmarks import eta, figures


@pytest.mark.parametrize("name", eta.HISTORIES)
def test_the_estimate_beats_the_mean(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eta, "SEEDS", range(1))
    make, most = eta.HISTORIES[name]
    assert eta.back_test(make).ratio <= most


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Database]:
    path = tmp_path / "small.db"
    await (await open_database(f"sqlite:///{path}")).close()
    figures.fill(path, 3_000)
    database = await open_database(f"sqlite:///{path}")
    yield database
    await database.close()


async def test_every_figure_is_read_from_an_index_alone(small: Database) -> None:
    plans = await figures.plans(small)
    assert len(plans) >= 7
    assert [sql for sql, plan in plans.items() if figures.reads_the_table(plan)] == []


async def test_every_figure_goes_to_its_span_at_once(small: Database) -> None:
    """Not through all that was ever stored: the time is part of what the index is searched by."""
    for plan in (await figures.plans(small)).values():
        assert "finished_at>? AND finished_at<?" in plan[0]


async def test_every_question_of_the_benchmark_has_an_answer(small: Database) -> None:
    measured = await figures.measure(small)
    assert all(each.builds for each in measured if each.name.startswith("all apps"))
