"""How long a build will take: what the last successes of the same app and workflow took. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from storage.builds import Took

LOOKED_AT = 100
"""So many successes are read, so that there are enough of the build's own machine type among them."""
HISTORY = 20
ENOUGH = 3
ENOUGH_FOR_TENTHS = 10


@dataclass(frozen=True, slots=True)
class Eta:
    """How long such builds took lately, from start to end, and how long they waited for a machine.

    ``p90_seconds`` is what 9 in 10 stayed within; None where too few ended to say so.
    """

    median_seconds: float
    p90_seconds: float | None = None
    queue_seconds: float | None = None


def eta_of(took: Sequence[Took], machine_type: str | None = None) -> Eta | None:
    """From successes, newest first; those on the same machine type alone if there are enough. None when too few."""
    alike = _alike(took, machine_type)[:HISTORY]
    if len(alike) < ENOUGH:
        return None
    ran = sorted(each.run_seconds for each in alike)
    waited = [each.queue_seconds for each in alike if each.queue_seconds is not None]
    return Eta(
        median_seconds=statistics.median(ran),
        p90_seconds=ran[math.ceil(0.9 * len(ran)) - 1] if len(ran) >= ENOUGH_FOR_TENTHS else None,
        queue_seconds=statistics.median(waited) if waited else None,
    )


def _alike(took: Sequence[Took], machine_type: str | None) -> Sequence[Took]:
    same = [each for each in took if each.machine_type == machine_type] if machine_type else []
    return same if len(same) >= ENOUGH else took
