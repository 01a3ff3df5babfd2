"""Rate limits of posts and updates, and the order of those who wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.rate_limits import RateLimiter

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
UPDATES_A_MINUTE = 50


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def updates(limiter: RateLimiter, *, until: datetime, now: datetime = NOON) -> list[datetime]:
    """Return when updates are sent while one is always waiting."""
    left: list[datetime] = []
    while now <= until:
        free_at = limiter.take_update("T1", "1", since=NOON, now=now)
        if free_at is None:
            left.append(now)
        else:
            now = free_at
    return left


def test_second_post_to_a_channel_waits_a_second() -> None:
    limiter = RateLimiter()
    assert limiter.take_post("T1", "C1", now=NOON) is None
    assert limiter.take_post("T1", "C1", now=after(0.25)) == after(1)
    assert limiter.take_post("T1", "C1", now=after(1)) is None


def test_channels_do_not_wait_for_each_other() -> None:
    limiter = RateLimiter()
    assert [limiter.take_post("T1", channel, now=NOON) for channel in ("C1", "C2", "C3")] == [None] * 3


def test_workspaces_do_not_wait_for_each_other() -> None:
    limiter = RateLimiter()
    updates(limiter, until=NOON)
    assert limiter.take_update("T2", "1", since=NOON, now=NOON) is None


def test_no_minute_has_more_updates_than_slack_allows() -> None:
    left = updates(RateLimiter(), until=after(300))
    for first in left:
        assert sum(first <= each < first + timedelta(minutes=1) for each in left) <= UPDATES_A_MINUTE


@given(st.lists(st.tuples(st.floats(0, 90), st.integers(0, 50)), max_size=400))
def test_no_minute_has_too_many_updates_at_any_arrival_times(attempts: list[tuple[float, int]]) -> None:
    limiter = RateLimiter()
    left = [
        after(at)
        for at, who in sorted(attempts)
        if limiter.take_update("T1", str(who), since=after(who), now=after(at)) is None
    ]
    assert all(sum(each <= other < each + timedelta(minutes=1) for other in left) <= UPDATES_A_MINUTE for each in left)


@given(st.lists(st.floats(0, 20), max_size=100))
def test_no_second_has_two_posts_to_a_channel_at_any_arrival_times(moments: list[float]) -> None:
    limiter = RateLimiter()
    left = [now for now in map(after, sorted(moments)) if limiter.take_post("T1", "C1", now=now) is None]
    # A post may leave as soon as a whole one has come back, to the precision of a float.
    assert all(later - earlier > timedelta(seconds=0.999) for earlier, later in pairwise(left))


def test_retry_at_the_given_time_succeeds() -> None:
    limiter = RateLimiter()
    updates(limiter, until=NOON)
    free_at = limiter.take_update("T1", "1", since=NOON, now=after(0.3))
    assert free_at is not None
    assert limiter.take_update("T1", "1", since=NOON, now=free_at) is None


def spend(limiter: RateLimiter) -> None:
    """Use up the burst of updates."""
    for number in range(20):
        assert limiter.take_update("T1", f"spent {number}", since=NOON, now=NOON) is None


def retry_all(limiter: RateLimiter, when: dict[str, datetime], *, since: dict[str, datetime]) -> tuple[list[str], int]:
    """Return the order in which they are sent if each retries at the given time, and the number of attempts."""
    left, attempts = [], 0
    while when:
        who = min(when, key=lambda each: (when[each], since[each]))
        attempts += 1
        free_at = limiter.take_update("T1", who, since=since[who], now=when[who])
        if free_at is None:
            left.append(who)
            del when[who]
        else:
            when[who] = free_at
    return left, attempts


def test_hundred_waiting_channels_are_served_oldest_first_with_two_attempts_each() -> None:
    limiter = RateLimiter()
    spend(limiter)
    since = {str(number): after(number / 1000) for number in range(100)}
    left, attempts = retry_all(limiter, dict(since), since=since)
    assert left == list(since)
    assert attempts <= 2 * len(since)


def test_newcomer_does_not_overtake_a_waiter() -> None:
    limiter = RateLimiter()
    spend(limiter)
    first_at = limiter.take_update("T1", "first", since=after(0.1), now=after(0.1))
    assert first_at == after(2)
    assert limiter.take_update("T1", "second", since=after(1.9), now=after(2.01)) is not None
    assert limiter.take_update("T1", "first", since=after(0.1), now=after(2.02)) is None


def test_longest_waiter_from_another_replica_goes_first() -> None:
    """A job may arrive late, after another replica had it."""
    limiter = RateLimiter()
    spend(limiter)
    assert limiter.take_update("T1", "young", since=after(1), now=after(1)) == after(2)
    assert limiter.take_update("T1", "old", since=after(-60), now=after(2)) is None


def test_waiter_that_does_not_return_delays_the_others_only_briefly() -> None:
    limiter = RateLimiter()
    spend(limiter)
    assert limiter.take_update("T1", "gone", since=after(0), now=after(0)) == after(2)
    left, attempts = retry_all(limiter, {"stays": after(1)}, since={"stays": after(1)})
    assert (left, attempts) == (["stays"], 2)


def test_progress_updates_leave_room_for_state_changes() -> None:
    limiter = RateLimiter()
    ticks = 0
    while limiter.has_room_for_progress("T1", now=NOON):
        limiter.take_update("T1", "1", since=NOON, now=NOON)
        ticks += 1
    changes = len(updates(limiter, until=NOON))
    assert ticks > 0
    assert changes >= ticks


def test_nothing_is_sent_until_a_pause_is_over() -> None:
    limiter = RateLimiter()
    limiter.pause("T1", until=after(30))
    assert limiter.take_post("T1", "C1", now=after(29)) == after(30)
    assert limiter.take_update("T1", "1", since=NOON, now=after(29)) == after(30)
    assert not limiter.has_room_for_progress("T1", now=after(29))
    assert limiter.take_post("T1", "C1", now=after(30)) is None


def test_pause_of_a_workspace_does_not_affect_others() -> None:
    limiter = RateLimiter()
    limiter.pause("T1", until=after(30))
    assert limiter.take_post("T2", "C1", now=NOON) is None


def test_later_refusal_does_not_shorten_the_pause() -> None:
    limiter = RateLimiter()
    limiter.pause("T1", until=after(30))
    limiter.pause("T1", until=after(5))
    assert limiter.take_post("T1", "C1", now=after(10)) == after(30)


def test_number_of_remembered_channels_is_bounded() -> None:
    limiter = RateLimiter()
    for number in range(20_000):
        assert limiter.take_post("T1", f"C{number}", now=NOON) is None
