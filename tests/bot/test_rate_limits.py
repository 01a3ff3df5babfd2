"""How much is said to Slack in a second and in a minute, and who waits for whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.rate_limits import Budget

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
UPDATES_A_MINUTE = 50


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def updates(budget: Budget, *, until: datetime, now: datetime = NOON) -> list[datetime]:
    """When updates leave, if there is always one that waits."""
    left: list[datetime] = []
    while now <= until:
        free_at = budget.update("T1", "1", since=NOON, now=now)
        if free_at is None:
            left.append(now)
        else:
            now = free_at
    return left


def test_a_second_post_of_a_second_waits_for_the_next_one() -> None:
    budget = Budget()
    assert budget.post("T1", "C1", now=NOON) is None
    assert budget.post("T1", "C1", now=after(0.25)) == after(1)
    assert budget.post("T1", "C1", now=after(1)) is None


def test_channels_do_not_wait_for_each_other() -> None:
    budget = Budget()
    assert [budget.post("T1", channel, now=NOON) for channel in ("C1", "C2", "C3")] == [None] * 3


def test_workspaces_do_not_wait_for_each_other() -> None:
    budget = Budget()
    updates(budget, until=NOON)
    assert budget.update("T2", "1", since=NOON, now=NOON) is None


def test_a_minute_never_holds_more_updates_than_slack_takes() -> None:
    left = updates(Budget(), until=after(300))
    for first in left:
        assert sum(first <= each < first + timedelta(minutes=1) for each in left) <= UPDATES_A_MINUTE


@given(st.lists(st.tuples(st.floats(0, 90), st.integers(0, 50)), max_size=400))
def test_whenever_updates_come_no_minute_is_overfull(asked: list[tuple[float, int]]) -> None:
    budget = Budget()
    left = [
        after(at) for at, who in sorted(asked) if budget.update("T1", str(who), since=after(who), now=after(at)) is None
    ]
    assert all(sum(each <= other < each + timedelta(minutes=1) for other in left) <= UPDATES_A_MINUTE for each in left)


@given(st.lists(st.floats(0, 20), max_size=100))
def test_whenever_posts_come_no_second_has_two_in_a_channel(moments: list[float]) -> None:
    budget = Budget()
    left = [now for now in map(after, sorted(moments)) if budget.post("T1", "C1", now=now) is None]
    # A post may leave as soon as a whole one has come back, to the precision of a float.
    assert all(later - earlier > timedelta(seconds=0.999) for earlier, later in pairwise(left))


def test_the_time_to_come_back_at_is_a_time_at_which_it_leaves() -> None:
    budget = Budget()
    updates(budget, until=NOON)
    free_at = budget.update("T1", "1", since=NOON, now=after(0.3))
    assert free_at is not None
    assert budget.update("T1", "1", since=NOON, now=free_at) is None


def spend(budget: Budget) -> None:
    """All updates that may leave at once."""
    for number in range(20):
        assert budget.update("T1", f"spent {number}", since=NOON, now=NOON) is None


def come_back(budget: Budget, when: dict[str, datetime], *, since: dict[str, datetime]) -> tuple[list[str], int]:
    """Who leaves, in order, when each comes back at the time it was told; and how often they asked altogether."""
    left, asked = [], 0
    while when:
        who = min(when, key=lambda each: (when[each], since[each]))
        asked += 1
        free_at = budget.update("T1", who, since=since[who], now=when[who])
        if free_at is None:
            left.append(who)
            del when[who]
        else:
            when[who] = free_at
    return left, asked


def test_a_hundred_channels_that_wait_ask_twice_each_and_leave_the_oldest_first() -> None:
    budget = Budget()
    spend(budget)
    since = {str(number): after(number / 1000) for number in range(100)}
    left, asked = come_back(budget, dict(since), since=since)
    assert left == list(since)
    assert asked <= 2 * len(since)


def test_who_comes_later_does_not_overtake_who_waits() -> None:
    budget = Budget()
    spend(budget)
    first_at = budget.update("T1", "first", since=after(0.1), now=after(0.1))
    assert first_at == after(2)
    assert budget.update("T1", "second", since=after(1.9), now=after(2.01)) is not None
    assert budget.update("T1", "first", since=after(0.1), now=after(2.02)) is None


def test_who_waited_elsewhere_for_longer_goes_first() -> None:
    """A job that another replica held comes to this one late."""
    budget = Budget()
    spend(budget)
    assert budget.update("T1", "young", since=after(1), now=after(1)) == after(2)
    assert budget.update("T1", "old", since=after(-60), now=after(2)) is None


def test_who_does_not_come_back_holds_up_the_others_for_a_moment_only() -> None:
    budget = Budget()
    spend(budget)
    assert budget.update("T1", "gone", since=after(0), now=after(0)) == after(2)
    left, asked = come_back(budget, {"stays": after(1)}, since={"stays": after(1)})
    assert (left, asked) == (["stays"], 2)


def test_progress_leaves_room_for_state_changes() -> None:
    budget = Budget()
    ticks = 0
    while budget.may_tick("T1", now=NOON):
        budget.update("T1", "1", since=NOON, now=NOON)
        ticks += 1
    changes = len(updates(budget, until=NOON))
    assert ticks > 0
    assert changes >= ticks


def test_after_a_refusal_nothing_leaves_until_slack_said() -> None:
    budget = Budget()
    budget.block("T1", until=after(30))
    assert budget.post("T1", "C1", now=after(29)) == after(30)
    assert budget.update("T1", "1", since=NOON, now=after(29)) == after(30)
    assert not budget.may_tick("T1", now=after(29))
    assert budget.post("T1", "C1", now=after(30)) is None


def test_a_refusal_of_one_workspace_holds_up_no_other() -> None:
    budget = Budget()
    budget.block("T1", until=after(30))
    assert budget.post("T2", "C1", now=NOON) is None


def test_a_later_refusal_does_not_shorten_the_pause() -> None:
    budget = Budget()
    budget.block("T1", until=after(30))
    budget.block("T1", until=after(5))
    assert budget.post("T1", "C1", now=after(10)) == after(30)


def test_thousands_of_channels_are_forgotten_in_time() -> None:
    budget = Budget()
    for number in range(20_000):
        assert budget.post("T1", f"C{number}", now=NOON) is None
