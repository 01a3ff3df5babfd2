"""What ended in the last 24 hours in every workspace, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.metrics import BuildMetrics
from bot.statistics.queries import spread_of
from storage import Row
from storage.statistics import FigureStore

DAY = timedelta(days=1)


async def show_day(metrics: BuildMetrics, figures: FigureStore, *, now: datetime) -> None:
    """Fill the gauges anew: a workspace in which nothing ended has none."""
    ended = await figures.count_all_ended(now - DAY)
    seconds = _by_workspace(await figures.count_all_seconds(now - DAY), "run_seconds")
    waits = _by_workspace(await figures.count_all_waits(now - DAY), "queue_seconds")
    metrics.clear()
    for row in ended:
        metrics.ended.labels(row["workspace_id"], row["outcome"], row["reason"] or "").set(row["builds"])
    for gauge, counted in ((metrics.run_seconds, seconds), (metrics.queue_seconds, waits)):
        for workspace_id, by_seconds in counted.items():
            if spread := spread_of(by_seconds):
                gauge.labels(workspace_id, "0.5").set(spread.median)
                gauge.labels(workspace_id, "0.9").set(spread.p90)


def _by_workspace(rows: Iterable[Row], column: str) -> dict[str, dict[int, int]]:
    counted: dict[str, dict[int, int]] = {}
    for row in rows:
        if row[column] is not None:
            counted.setdefault(row["workspace_id"], {})[row[column]] = row["builds"]
    return counted
