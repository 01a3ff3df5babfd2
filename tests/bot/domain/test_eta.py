"""Estimated durations from recent successes."""

from __future__ import annotations

import pytest

from bot.domain.eta import Eta, estimate
from storage.builds import Durations


def took(*minutes: float, machine: str | None = None, queue: int | None = 30) -> list[Durations]:
    return [Durations(queue, int(60 * each), machine) for each in minutes]


def test_two_builds_are_too_few() -> None:
    assert estimate(took(5, 6)) is None


def test_estimate_is_the_median_of_the_newest_twenty() -> None:
    assert estimate(took(*[7] * 11, *[20] * 9, *[90] * 50)) == Eta(420, 1_200, 30)


def test_p90_needs_ten_builds() -> None:
    assert estimate(took(*range(1, 10))) == Eta(300, None, 30)
    assert estimate(took(*range(1, 11))) == Eta(330, 540, 30)


def test_builds_on_the_same_machine_type_are_preferred_if_enough() -> None:
    both = [*took(20, 21, 22, machine="small"), *took(5, 6, 7, machine="large")]
    assert estimate(both, "large") == Eta(360, None, 30)
    assert estimate(both, "small") == Eta(1_260, None, 30)


@pytest.mark.parametrize("machine", [None, "huge"])
def test_all_machine_types_count_if_the_own_has_too_few(machine: str | None) -> None:
    eta = estimate([*took(20, machine="small"), *took(5, 6, machine="large")], machine)
    assert eta == Eta(360, None, 30)


def test_unknown_queue_time_is_not_estimated() -> None:
    assert estimate(took(5, 6, 7, queue=None)) == Eta(360, None, None)
