"""Rows for spreadsheets and programs: harmless cells, whole files, spans as they are typed."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import StartupFailed
from bot.statistics.export import CsvSink, JsonSink, inert, since_of
from storage.statistics import FACT_COLUMNS

NOW = datetime(2026, 8, 7, 12, tzinfo=UTC)


def fact(**facts: Any) -> dict[str, Any]:
    return dict.fromkeys(FACT_COLUMNS) | facts


@pytest.mark.parametrize("begin", ["=1+1", "+1", "-1", "@sum", "\tx", "\rx"])
def test_no_cell_is_a_formula(begin: str) -> None:
    out = io.StringIO()
    CsvSink(out).write([fact(branch=begin)])
    (row,) = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    assert row["branch"] == f"'{begin}"


@given(st.text() | st.integers() | st.none())
def test_only_what_could_be_a_formula_is_changed(value: object) -> None:
    told = inert(value)
    assert told in (value, f"'{value}")
    assert not (isinstance(told, str) and told[:1] in "=+-@\t\r" and told)


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1)))
def test_a_csv_reads_back(branches: list[str]) -> None:
    out = io.StringIO(newline="")
    CsvSink(out).write([fact(branch=branch, number=7) for branch in branches])
    rows = list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))
    assert [row["branch"] for row in rows] == [inert(branch) for branch in branches]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_is_one_array(count: int) -> None:
    out = io.StringIO()
    sink = JsonSink(out)
    sink.write([fact(number=place, branch="fix/ü") for place in range(count)])
    sink.close()
    assert [row["number"] for row in json.loads(out.getvalue())] == list(range(count))


def test_a_span_is_days_or_a_date() -> None:
    assert since_of("30d", NOW) == NOW - timedelta(days=30)
    assert since_of("2026-01-31", NOW) == datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize("typed", ["", "30", "d", "yesterday", "31.01.2026", "30d 7d"])
def test_another_span_is_refused_in_words(typed: str) -> None:
    with pytest.raises(StartupFailed, match="30d"):
        since_of(typed, NOW)
