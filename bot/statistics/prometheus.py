"""Set the Prometheus gauges that are read from the database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.context import Context
from bot.metrics import BuildMetrics, Metrics
from bot.statistics.queries import percentiles
from storage import Reads, Row
from storage import outbox as outbox_rows
from storage import requests as request_rows
from storage import statistics as stats_rows


async def collect(ctx: Context, metrics: Metrics) -> None:
    """Set the gauges at every scrape."""
    metrics.outbox_waiting.set(await outbox_rows.count_waiting(ctx.db))
    metrics.requests_open.set(await request_rows.count_open(ctx.db))
    jobs = await ctx.engine.count_jobs()
    for state in ("todo", "doing", "failed"):
        metrics.jobs.labels(state).set(jobs.get(state, 0))
    if ctx.settings.build_metrics:
        await _collect_builds(metrics.builds, ctx.db, since=ctx.clock.now() - timedelta(days=1))


async def _collect_builds(metrics: BuildMetrics, db: Reads, *, since: datetime) -> None:
    """Replace the gauges of all workspaces: one without finished builds has none."""
    results = await stats_rows.count_all_results(db, since)
    run_seconds = _by_workspace(await stats_rows.count_all_run_seconds(db, since), "run_seconds")
    queue_seconds = _by_workspace(await stats_rows.count_all_queue_seconds(db, since), "queue_seconds")
    metrics.clear()
    for row in results:
        metrics.finished.labels(row["workspace_id"], row["outcome"], row["reason"] or "").set(row["builds"])
    for gauge, durations in ((metrics.run_seconds, run_seconds), (metrics.queue_seconds, queue_seconds)):
        for workspace_id, builds_by_seconds in durations.items():
            if values := percentiles(builds_by_seconds):
                gauge.labels(workspace_id, "0.5").set(values.median)
                gauge.labels(workspace_id, "0.9").set(values.p90)


def _by_workspace(rows: Iterable[Row], column: str) -> dict[str, dict[int | None, int]]:
    durations: dict[str, dict[int | None, int]] = {}
    for row in rows:
        durations.setdefault(row["workspace_id"], {})[row[column]] = row["builds"]
    return durations
