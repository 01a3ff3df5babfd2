"""What a benchmark found: a table to print and to keep, with what was missing and how busy the machine was."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.contest import machine_load


@dataclass
class Table:
    """``rows`` have the same columns, the first one names the row; ``misses`` are floors that were not kept."""

    title: str
    rows: list[dict[str, str]]
    notes: list[str] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)
    raw: Any = None
    load: str = field(default_factory=machine_load)

    def markdown(self) -> str:
        columns = list(self.rows[0])
        lines = [f"## {self.title}", "", _line(columns), "|---" + "|--:" * (len(columns) - 1) + "|"]
        lines += [_line([row.get(column, "") for column in columns]) for row in self.rows]
        lines += ["", f"Measured under {self.load}."]
        lines += [f"\n{note}" for note in self.notes]
        lines += [f"\n**Missed:** {miss}" for miss in self.misses]
        return "\n".join(lines) + "\n"

    def show(self) -> None:
        print(self.markdown(), flush=True)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
