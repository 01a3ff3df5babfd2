"""How long it will take, from what the last ones took."""

from __future__ import annotations

import pytest

from bot.domain.eta import Eta, eta_of
from storage.builds import Took


def took(*minutes: float, machine: str | None = None, queue: int | None = 30) -> list[Took]:
    return [Took(queue, int(60 * each), machine) for each in minutes]


def test_two_say_nothing() -> None:
    assert eta_of(took(5, 6)) is None


def test_the_median_of_the_newest_twenty() -> None:
    assert eta_of(took(*[7] * 11, *[20] * 9, *[90] * 50)) == Eta(420, 1_200, 30)


def test_nine_in_ten_needs_ten() -> None:
    assert eta_of(took(*range(1, 10))) == Eta(300, None, 30)
    assert eta_of(took(*range(1, 11))) == Eta(330, 540, 30)


def test_the_same_machine_alone_where_it_has_enough() -> None:
    both = [*took(20, 21, 22, machine="small"), *took(5, 6, 7, machine="large")]
    assert eta_of(both, "large") == Eta(360, None, 30)
    assert eta_of(both, "small") == Eta(1_260, None, 30)


@pytest.mark.parametrize("machine", [None, "huge"])
def test_every_machine_where_its_own_is_not_known(machine: str | None) -> None:
    eta = eta_of([*took(20, machine="small"), *took(5, 6, machine="large")], machine)
    assert eta == Eta(360, None, 30)


def test_waiting_is_not_promised_where_it_is_not_known() -> None:
    assert eta_of(took(5, 6, 7, queue=None)) == Eta(360, None, None)
