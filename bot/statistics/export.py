"""Finished builds for spreadsheets and other programs: no secrets, no variables, no messages, no people."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol, TextIO

from bot.errors import StartupFailed
from storage import Reads
from storage import statistics as stats_rows
from storage.statistics import FACT_COLUMNS, Fact, FactFile, Scope

Format = Literal["csv", "json", "sqlite"]
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula, which a branch name could be made to be."""
_DAYS = re.compile(r"(\d{1,4})d")


class Sink(Protocol):
    """Where rows go."""

    def write(self, facts: Sequence[Fact]) -> None: ...

    def close(self) -> None: ...


class CsvSink:
    def __init__(self, out: TextIO) -> None:
        self._rows = csv.writer(out, lineterminator="\r\n")
        self._rows.writerow(FACT_COLUMNS)

    def write(self, facts: Sequence[Fact]) -> None:
        self._rows.writerows([inert(fact[name]) for name in FACT_COLUMNS] for fact in facts)

    def close(self) -> None:
        """Nothing is left to write."""


class JsonSink:
    """One array, a build on each line."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._before = out, "[\n"

    def write(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            self._out.write(self._before + json.dumps(fact, ensure_ascii=False))
            self._before = ",\n"

    def close(self) -> None:
        self._out.write("[]\n" if self._before == "[\n" else "\n]\n")


def inert(value: object) -> object:
    """A text that no spreadsheet takes for a formula; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


async def to_csv(db: Reads, scopes: Sequence[Scope], *, limit: int) -> tuple[bytes, int, bool]:
    """The file, how many builds are in it, and whether that is all of them."""
    out = io.StringIO()
    sink, count = CsvSink(out), 0
    for scope in scopes:
        async for facts in stats_rows.iterate_facts(db, scope):
            sink.write(facts[: limit - count])
            count += len(facts)
            if count > limit:
                return out.getvalue().encode("utf-8-sig"), limit, False
    return out.getvalue().encode("utf-8-sig"), count, True  # the mark tells Excel that it is UTF-8


async def export(db: Reads, sink: Sink, *, since: datetime, until: datetime) -> int:
    """Everything that ended in the span, workspace by workspace and app by app; returns how many builds."""
    count = 0
    async for facts in _everything(db, since, until):
        sink.write(facts)
        count += len(facts)
    sink.close()
    return count


async def _everything(db: Reads, since: datetime, until: datetime) -> AsyncIterator[Sequence[Fact]]:
    for workspace_id in await stats_rows.list_workspace_ids(db):
        for app_slug in await stats_rows.list_app_slugs(db, workspace_id):
            async for facts in stats_rows.iterate_facts(db, Scope(workspace_id, since, until, app_slug)):
                yield facts


@contextlib.contextmanager
def sink_for(form: Format, path: Path | None, stdout: TextIO) -> Iterator[Sink]:
    """Raises `StartupFailed` when it cannot be written there."""
    if form == "sqlite":
        if path is None:
            raise StartupFailed("An SQLite file cannot be printed: name one with --out builds.db.")
        yield FactFile(path)
        return
    make = CsvSink if form == "csv" else JsonSink
    if path is None:
        yield make(stdout)
        return
    try:
        with path.open("x", encoding="utf-8", newline="") as out:
            yield make(out)
    except OSError as error:
        raise StartupFailed(f"{path} cannot be written: {error.strerror}.") from error


def since_of(text: str, now: datetime) -> datetime:
    """``30d`` ago, or midnight UTC of ``2026-01-31``. Raises `StartupFailed`."""
    if days := _DAYS.fullmatch(text.strip()):
        return now - timedelta(days=int(days[1]))
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise StartupFailed("--since takes a number of days like 30d, or a date like 2026-01-31.") from error
