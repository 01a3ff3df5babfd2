"""How near the estimate comes: back-tested on generated histories, against the mean of all successes so far.

``python -m tests.benchmarks.eta`` prints the median absolute error of both and exits with 1 when the estimate is not
clearly better. Each history is 600 builds of one workflow; every one is estimated from those before it.
"""

from __future__ import annotations

import random
import statistics
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.domain.eta import MAX_READ, estimate
from storage.builds import Durations

BUILDS = 600
SEEDS = range(10)
BETTER = 0.8
"""The error of the estimate may be at most this share of the mean's, in each kind of history and over all."""
EQUAL = 1.1
"""Where nothing but noise is there, the mean is as good as anything."""


def steady(draw: random.Random, place: int) -> Durations:
    return Durations(30, _around(draw, 420), "small")


def drift(draw: random.Random, place: int) -> Durations:
    """It becomes slower by and by, as a code base grows: twice as long in the end."""
    return Durations(30, _around(draw, 420 * (1 + place / BUILDS)), "small")


def step(draw: random.Random, place: int) -> Durations:
    """A cache is introduced in the middle."""
    return Durations(30, _around(draw, 420 if place < BUILDS / 2 else 200), "small")


def outliers(draw: random.Random, place: int) -> Durations:
    """One in twelve hangs or waits for a lost service."""
    return Durations(30, _around(draw, 420) * (draw.randint(3, 9) if draw.random() < 1 / 12 else 1), "small")


def two_machines(draw: random.Random, place: int) -> Durations:
    machine, seconds = draw.choice((("small", 900), ("large", 400)))
    return Durations(30, _around(draw, seconds), machine)


def everything(draw: random.Random, place: int) -> Durations:
    plain = two_machines(draw, place)
    slower = plain.run_seconds * (1 + place / BUILDS) * (draw.randint(3, 9) if draw.random() < 1 / 12 else 1)
    return Durations(30, int(slower), plain.machine_type)


HISTORIES: Mapping[str, tuple[Callable[[random.Random, int], Durations], float]] = {
    "steady": (steady, EQUAL),
    "drift": (drift, BETTER),
    "a step down": (step, BETTER),
    "outliers": (outliers, BETTER),
    "two machines": (two_machines, BETTER),
    "all at once": (everything, BETTER),
}


def _around(draw: random.Random, seconds: float) -> int:
    return max(1, round(seconds * draw.lognormvariate(0, 0.1)))


@dataclass(frozen=True, slots=True)
class Errors:
    """Median absolute error in seconds."""

    estimate: float
    mean: float

    @property
    def ratio(self) -> float:
        return self.estimate / self.mean


def back_test(make: Callable[[random.Random, int], Durations]) -> Errors:
    ours: list[float] = []
    naive: list[float] = []
    for seed in SEEDS:
        draw = random.Random(seed)
        history: list[Durations] = []
        for place in range(BUILDS):
            build = make(draw, place)
            if eta := estimate(history[: -MAX_READ - 1 : -1], build.machine_type):
                ours.append(abs(eta.median_seconds - build.run_seconds))
                naive.append(abs(statistics.fmean(each.run_seconds for each in history) - build.run_seconds))
            history.append(build)
    return Errors(statistics.median(ours), statistics.median(naive))


def main() -> int:
    print(f"{'history':16}{'estimate':>10}{'mean':>8}{'ratio':>8}   median absolute error, s")
    missed = []
    for name, (make, most) in HISTORIES.items():
        errors = back_test(make)
        print(f"{name:16}{errors.estimate:>10.0f}{errors.mean:>8.0f}{errors.ratio:>8.2f}   at most {most}")
        missed += [name] if errors.ratio > most else []
    print(f"not near enough: {missed or 'none'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
