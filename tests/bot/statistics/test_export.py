"""Exports: cells that no spreadsheet runs, complete files, and the start of the period."""

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
from bot.statistics.export import CsvWriter, JsonWriter, escape_formula, parse_since
from storage.statistics import FACT_COLUMNS

NOW = datetime(2026, 8, 7, 12, tzinfo=UTC)


def export_row(**columns: Any) -> dict[str, Any]:
    return dict.fromkeys(FACT_COLUMNS) | columns


@pytest.mark.parametrize("begin", ["=1+1", "+1", "-1", "@sum", "\tx", "\rx"])
def test_formulas_are_escaped(begin: str) -> None:
    out = io.StringIO()
    CsvWriter(out).write([export_row(branch=begin)])
    (row,) = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    assert row["branch"] == f"'{begin}"


@given(st.text() | st.integers() | st.none())
def test_only_formulas_are_escaped(value: object) -> None:
    escaped = escape_formula(value)
    assert escaped in (value, f"'{value}")
    assert not (isinstance(escaped, str) and escaped[:1] in "=+-@\t\r" and escaped)


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1)))
def test_csv_reads_back(branches: list[str]) -> None:
    out = io.StringIO(newline="")
    CsvWriter(out).write([export_row(branch=branch, number=7) for branch in branches])
    rows = list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))
    assert [row["branch"] for row in rows] == [escape_formula(branch) for branch in branches]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_is_one_array(count: int) -> None:
    out = io.StringIO()
    writer = JsonWriter(out)
    writer.write([export_row(number=place, branch="fix/ü") for place in range(count)])
    writer.close()
    assert [row["number"] for row in json.loads(out.getvalue())] == list(range(count))


def test_since_is_days_or_a_date() -> None:
    assert parse_since("30d", NOW) == NOW - timedelta(days=30)
    assert parse_since("2026-01-31", NOW) == datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize("typed", ["", "30", "d", "yesterday", "31.01.2026", "30d 7d"])
def test_other_since_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(StartupFailed, match="30d"):
        parse_since(typed, NOW)
