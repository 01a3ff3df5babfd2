"""Estimate the duration of a build from recent successes of the same app and workflow. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from storage.builds import Durations

MAX_READ = 100
"""Successes to read, so that enough of them ran on the build's own machine type."""
MAX_SAMPLES = 20
MIN_SAMPLES = 3
MIN_SAMPLES_FOR_P90 = 10


@dataclass(frozen=True, slots=True)
class Eta:
    """Usual run time and queue time. ``p90_seconds`` is None if there are too few samples."""

    median_seconds: float
    p90_seconds: float | None = None
    queue_seconds: float | None = None


def estimate(took: Sequence[Durations], machine_type: str | None = None) -> Eta | None:
    """Estimate from successes, newest first. Use only those on the same machine type if there are enough of them."""
    same_machine = [each for each in took if each.machine_type == machine_type] if machine_type else []
    samples = (same_machine if len(same_machine) >= MIN_SAMPLES else took)[:MAX_SAMPLES]
    if len(samples) < MIN_SAMPLES:
        return None
    run_seconds = sorted(each.run_seconds for each in samples)
    queue_seconds = [each.queue_seconds for each in samples if each.queue_seconds is not None]
    has_p90 = len(run_seconds) >= MIN_SAMPLES_FOR_P90
    return Eta(
        median_seconds=statistics.median(run_seconds),
        p90_seconds=run_seconds[math.ceil(0.9 * len(run_seconds)) - 1] if has_p90 else None,
        queue_seconds=statistics.median(queue_seconds) if queue_seconds else None,
    )
