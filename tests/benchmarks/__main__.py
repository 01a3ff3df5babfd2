"""``make bench``: everything side by side, docs/benchmarks.md and its chart; exit code 1 when a floor is not kept."""

from __future__ import annotations

import argparse
import asyncio
import platform
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import uvloop

from tests.benchmarks import acks, envelopes, webhooks, working
from tests.benchmarks.chart import bars, line, svg
from tests.benchmarks.contest import Figures, python
from tests.benchmarks.tables import Table
from tests.benchmarks.wire import presses

ROOT = Path(__file__).parents[2]
PAGE, CHART = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "images" / "benchmarks.svg"
FLOOR, P50_MS, P99_MS, REST_MIB, GROWTH_MIB = 0.29, 2.0, 15.0, 60.0, 2.0
POSTGRES_SHARE, PER_BUILD_SPREAD = 0.8, 2.0
INTRODUCTION = """# Benchmarks

`make bench` writes this page. Every table is one run: all servers are up at the same time, each pinned to the one core
(processor 0), the load and the stand-ins for Slack and Bitrise to the other; they are visited in turns, and what is
shown are medians. Buildbell with the builds started meanwhile comes after the others, beside the limit alone: work that
goes on would be measured with everybody. Compare within a table only.
*Of the limit* is the throughput beside the limit's, *by CPU* the same
by processor time for each request, which other work on the machine disturbs less. p50 and p99 are measured at half of
what the server takes, with random arrivals, from when a request was to be sent.

![Acknowledgements beside the limit and the peers, and what a running build costs](images/benchmarks.svg)

"""


async def press_acks() -> Table:
    table = await acks.measure_acks(requests=presses, only="Bolt tuned,documented,SQLite")
    table.title = "From a press on a button to its acknowledgement over HTTP (nothing is stored)"
    table.rows = [row for row in table.rows if row[""] != acks.WHOLE]
    return table


async def command_acks() -> Table:
    table = await acks.measure_acks(soak=10_000)
    table.misses = misses_of_acks(table.raw)
    return table


def misses_of_acks(figures: dict[str, Figures]) -> list[str]:
    """Which floors were not kept, in a sentence each."""
    limit, ours = figures[acks.LIMIT], figures[acks.OURS]
    found = [
        (_share(ours, limit) >= FLOOR, f"{_share(ours, limit):.2f} of the limit; the floor is {FLOOR}"),
        (median(ours.p50) <= P50_MS, f"p50 {median(ours.p50):.1f} ms; {P50_MS:.0f} are allowed"),
        (median(ours.p99) <= P99_MS, f"p99 {median(ours.p99):.1f} ms; {P99_MS:.0f} are allowed"),
        (
            ours.rss_end - ours.rss_warm <= GROWTH_MIB,
            f"{ours.rss_warm:.0f} MiB warm, {ours.rss_end:.0f} after the load",
        ),
        (ours.rss_start <= REST_MIB, f"{ours.rss_start:.0f} MiB at rest; {REST_MIB:.0f} are allowed"),
    ]
    if acks.OURS_POSTGRES in figures:
        share = _share(figures[acks.OURS_POSTGRES], ours)
        found.append((share >= POSTGRES_SHARE, f"PostgreSQL takes {share:.2f} of SQLite's; {POSTGRES_SHARE} are asked"))
    return [sentence for is_kept, sentence in found if not is_kept]


def _share(one: Figures, other: Figures) -> float:
    return median(one.per_second) / median(other.per_second)


SUBJECTS: dict[str, Callable[[], Awaitable[Table]]] = {
    "acks": command_acks, "presses": press_acks, "envelopes": envelopes.measure_envelopes,
    "webhooks": webhooks.measure_webhooks, **working.SUBJECTS,
}  # fmt: skip


async def count_journeys() -> str:
    """Run `tests.journeys` in a process of its own: its profiler would slow down whatever is measured after it."""
    process = await asyncio.create_subprocess_exec(*python("tests.journeys"), stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("tests.journeys failed")
    return f"## Calls and files of a journey, and the measures of the house\n\n{output.decode()}"


def drawn(tables: dict[str, Table]) -> str:
    parts: list[str] = []
    top = 8
    for name, title in (
        ("acks", "Command to acknowledgement"),
        ("envelopes", "Socket Mode envelope to acknowledgement"),
    ):
        if name in tables:
            figures: dict[str, Figures] = tables[name].raw
            limit = next(iter(figures.values()))
            lines, top = bars(title, {key: _share(each, limit) for key, each in figures.items()}, top=top)
            parts += lines
    if "sweeps" in tables:
        costs = tables["sweeps"].raw
        points = [
            (count * working.BUILDS_EACH, each["cpu_ms"] / working.BUILDS_EACH * 1000) for count, each in costs.items()
        ]
        lines, top = line("What a running build costs in each sweep, by how many run", points, top=top, label="µs")
        parts += lines
    return svg(parts, top, "Buildbell beside the limit and its peers")


async def main(names: list[str], *, writes: bool) -> int:
    tables = {}
    for name in names:
        tables[name] = await SUBJECTS[name]()
        tables[name].show()
    journeys = await count_journeys() if len(names) == len(SUBJECTS) else ""
    print(journeys, flush=True)
    if writes:
        machine = f"{platform.machine()}, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        sections = [*(each.markdown() for each in tables.values()), journeys]
        PAGE.write_text(INTRODUCTION + f"{machine}.\n\n" + "\n".join(sections))
        CHART.parent.mkdir(exist_ok=True)
        CHART.write_text(drawn(tables))
    return 1 if any(table.misses for table in tables.values()) else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subjects", nargs="*", choices=[*SUBJECTS, []], help="all of them when none is named")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md and its chart")
    asked = parser.parse_args()
    sys.exit(uvloop.run(main(asked.subjects or list(SUBJECTS), writes=asked.write)))
