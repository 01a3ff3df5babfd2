"""Export finished builds for spreadsheets and other programs, without secrets, variables, messages or people."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol, TextIO

from bot.errors import StartupFailed
from storage import Reads
from storage import statistics as stats_rows
from storage.statistics import FACT_COLUMNS, Fact, FactFile, Scope

Format = Literal["csv", "json", "sqlite"]
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs a cell that starts with one of these as a formula, and a branch name can."""
_DAYS = re.compile(r"(\d{1,4})d")


class RowWriter(Protocol):
    def write(self, facts: Sequence[Fact]) -> None: ...

    def close(self) -> None: ...


class CsvWriter:
    def __init__(self, out: TextIO, names: Sequence[str] = FACT_COLUMNS) -> None:
        self._csv, self._names = csv.writer(out, lineterminator="\r\n"), names
        self._csv.writerow(names)

    def write(self, facts: Sequence[Fact]) -> None:
        self._csv.writerows([escape_formula(fact[name]) for name in self._names] for fact in facts)

    def close(self) -> None:
        """Every row has been written."""


class JsonWriter:
    """Write one array, with a build on each line."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._separator = out, "[\n"

    def write(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            self._out.write(self._separator + json.dumps(fact, ensure_ascii=False))
            self._separator = ",\n"

    def close(self) -> None:
        self._out.write("[]\n" if self._separator == "[\n" else "\n]\n")


def escape_formula(value: object) -> object:
    """Quote a text that a spreadsheet would run as a formula; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


async def render_csv(db: Reads, scopes: Sequence[Scope], *, limit: int) -> tuple[bytes, int, bool]:
    """Return the file, the number of builds in it, and whether it is complete."""
    out = io.StringIO()
    writer, count = CsvWriter(out), 0
    for scope in scopes:
        async for facts in stats_rows.iterate_facts(db, scope):
            writer.write(facts[: limit - count])
            count += len(facts)
            if count > limit:
                return out.getvalue().encode("utf-8-sig"), limit, False
    return out.getvalue().encode("utf-8-sig"), count, True  # the byte order mark makes Excel read UTF-8


async def export_builds(db: Reads, writer: RowWriter, *, since: datetime, until: datetime) -> int:
    """Write every build that finished in the period and return how many there are."""
    count = 0
    for workspace_id in await stats_rows.list_workspace_ids(db):
        for app_slug in await stats_rows.list_app_slugs(db, workspace_id):
            async for facts in stats_rows.iterate_facts(db, Scope(workspace_id, since, until, app_slug)):
                writer.write(facts)
                count += len(facts)
    writer.close()
    return count


@contextlib.contextmanager
def open_writer(
    form: Format, path: Path | None, stdout: TextIO, names: Sequence[str] = FACT_COLUMNS
) -> Iterator[RowWriter]:
    """``names`` are the columns of CSV. Raises `StartupFailed` if the file can't be written."""
    if form == "sqlite":
        if path is None:
            raise StartupFailed("An SQLite export needs a file. Add --out builds.db.")
        yield FactFile(path)
        return
    try:
        with contextlib.nullcontext(stdout) if path is None else path.open("x", encoding="utf-8", newline="") as out:
            yield CsvWriter(out, names) if form == "csv" else JsonWriter(out)
    except OSError as error:
        raise StartupFailed(f"Cannot write {path}: {error.strerror}.") from error


def parse_since(text: str, now: datetime) -> datetime:
    """Parse ``30d`` as 30 days ago, ``2026-01-31`` as midnight UTC. Raises `StartupFailed`."""
    if days := _DAYS.fullmatch(text.strip()):
        return now - timedelta(days=int(days[1]))
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise StartupFailed("--since needs a number of days (30d) or a date (2026-01-31).") from error
