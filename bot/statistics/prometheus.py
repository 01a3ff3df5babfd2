"""What ended in the last 24 hours in every workspace, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.context import Context
from bot.metrics import BuildMetrics, Metrics
from bot.statistics.queries import spread_of
from storage import Reads, Row
from storage import outbox as outbox_rows
from storage import requests as request_rows
from storage import statistics as stats_rows

DAY = timedelta(days=1)


async def collect(ctx: Context, metrics: Metrics) -> None:
    """Set the gauges that are read from the database when Prometheus asks."""
    metrics.outbox_waiting.set(await outbox_rows.count_waiting(ctx.db))
    metrics.requests_open.set(await request_rows.count_open(ctx.db))
    jobs = await ctx.engine.count_jobs()
    for state in ("todo", "doing", "failed"):
        metrics.jobs.labels(state).set(jobs.get(state, 0))
    if ctx.settings.build_metrics:
        await show_day(metrics.builds, ctx.db, now=ctx.clock.now())


async def show_day(metrics: BuildMetrics, db: Reads, *, now: datetime) -> None:
    """Fill the gauges anew: a workspace in which nothing ended has none."""
    ended = await stats_rows.count_all_results(db, now - DAY)
    seconds = _by_workspace(await stats_rows.count_all_run_seconds(db, now - DAY), "run_seconds")
    waits = _by_workspace(await stats_rows.count_all_queue_seconds(db, now - DAY), "queue_seconds")
    metrics.clear()
    for row in ended:
        metrics.finished.labels(row["workspace_id"], row["outcome"], row["reason"] or "").set(row["builds"])
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
