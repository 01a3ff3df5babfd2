"""The past of apps is read in the background: on connecting and on demand, page by page, whatever happens meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import pairwise

import pytest

from bot.statistics import queries as stats_queries
from bot.statistics.queries import Counts, StatsQuery
from bot.sync import history_import
from playground.bitrise import App
from playground.bitrise.history import History, seed_history
from playground.wire import Fault
from tests.stored import stored_builds
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
LIST = "builds.list"


def past(world: World, app: App, days: int) -> int:
    """Builds of so many days, all of them over; returns how many."""
    app.branches = ["main"]
    return len(seed_history(world.bitrise, app, History(days=days)))


async def known(world: World, app: App) -> int:
    rows = await world.bot.ctx.db.fetch_all(
        "select count(*) as builds from builds where app_slug = :app_slug", app_slug=app.slug
    )
    return int(rows[0]["builds"])


def asked(world: World) -> list[str | None]:
    """The anchor of every page that was asked for."""
    return [entry.request["query"].get("next") for entry in world.bitrise.journal.named(LIST)]


@pytest.fixture
async def aged(open_world: OpenWorld) -> World:
    """Not connected yet; Android Shop has built for nine weeks."""
    world = await open_world(connected=False)
    world.builds_there = past(world, world.droid, 63)  # type: ignore[attr-defined]
    return world


def there(world: World) -> int:
    return int(world.builds_there)  # type: ignore[attr-defined]


# On connecting.


async def test_connecting_reads_the_past_of_every_app(aged: World) -> None:
    await aged.connect()
    await aged.passes(minutes=1)
    assert await known(aged, aged.droid) == there(aged) > 250
    wanted = StatsQuery(app_slug=aged.droid.slug, days=90)
    stats = await stats_queries.load_stats(aged.bot.ctx, aged.team.id, wanted)
    ended = Counter(build.status_text for build in aged.builds())
    assert stats.counts == Counts(ended["success"], ended["error"], ended["aborted"], ended["aborted-with-success"])


async def test_whoever_connected_sees_one_message_that_moves(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=11)
    (letter,) = aged.letters(aged.ada)
    assert letter.startswith("*Reading builds* of the last 200 days, asked for by @ada")
    assert f"Android Shop: 50 of {there(aged)} builds (17 %), about 10 s left" in letter
    await aged.passes(minutes=1)
    (letter,) = aged.letters(aged.ada)
    assert letter.startswith(f"*Builds are read*: {there(aged)} of the last 200 days, in")
    assert "✅ iOS Shop: no builds" in letter


async def test_what_fits_one_page_is_read_without_a_word(open_world: OpenWorld) -> None:
    world = await open_world(connected=False)
    count = past(world, world.droid, 7)
    await world.connect()
    await world.passes(minutes=1)
    assert (await known(world, world.droid), world.letters(world.ada)) == (count, [])


async def test_nobody_is_told_of_builds_of_the_past(aged: World) -> None:
    await aged.connect()
    await aged.say("/build subscribe app:all style:line starts")
    before = aged.sees()
    await aged.passes(minutes=2)
    assert aged.sees() == before


async def test_pages_are_read_one_at_a_time_with_a_pause(aged: World) -> None:
    await aged.connect()
    await aged.passes(minutes=1)
    times = [entry.at for entry in aged.bitrise.journal.named(LIST)]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == 7  # six pages of Android Shop, one of iOS Shop
    assert min(pauses) >= timedelta(seconds=2)


async def test_the_newest_builds_come_first(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=7)
    rows = await stored_builds(aged.bot.ctx.db, aged.team.id)
    newest = sorted(aged.builds(), key=lambda build: build.triggered_at, reverse=True)[: len(rows)]
    assert {row.build_slug for row in rows} == {build.slug for build in newest}


async def test_doctor_and_home_say_how_far_it_is(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=8)
    await aged.say("/build doctor")
    assert "Past builds are being read: Android Shop: 50 of" in aged.whispers()[-1]
    await aged.passes(minutes=1)
    await aged.say("/build doctor")
    assert "Past builds" not in aged.whispers()[-1]


# Whatever happens meanwhile.


async def test_starts_go_on_while_the_past_is_read(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=6)
    await aged.say("/build shop deploy main")
    assert aged.read(aged.card).startswith("⏳ Queued")


async def test_it_goes_on_where_it_stood_after_a_restart(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=10)
    await aged.restart_bot()
    await aged.passes(minutes=1)
    assert await known(aged, aged.droid) == there(aged)
    anchors = asked(aged)
    assert len(anchors) == len(set(anchors) - {None}) + 2  # each page once; both apps begin without an anchor


async def test_bitrise_asks_for_a_pause_and_gets_it(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=8)
    aged.bitrise.faults.add(Fault(LIST, status=429, retry_after=120, times=1))
    await aged.passes(minutes=1)
    before = await known(aged, aged.droid)
    await aged.say("/build doctor")
    assert "Bitrise is busy, I go on by myself" in aged.whispers()[-1]
    await aged.passes(minutes=3)
    assert (before, await known(aged, aged.droid)) == (50, there(aged))


async def test_bitrise_is_away_and_is_asked_less_and_less_often(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=6)
    aged.bitrise.faults.add(Fault(LIST, status=503, times=None))
    aged.bitrise.journal.clear()
    await aged.passes(minutes=10)
    tries = {entry.at for entry in aged.bitrise.journal.named(LIST)}
    assert 5 <= len(tries) <= 9
    aged.bitrise.faults.clear()
    await aged.passes(minutes=7)
    assert await known(aged, aged.droid) == there(aged)


async def test_a_bug_while_it_reads_is_told_and_leaves_nobody_waiting(
    aged: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    aged.expects_errors = True
    await aged.connect()
    await aged.passes(seconds=11)

    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(history_import, "advance", break_down)
    await aged.passes(minutes=60)
    told = "❌ Android Shop: Reading it broke on my side; the log says how."
    (letter,) = aged.letters(aged.ada)
    assert told in letter
    before = len(asked(aged))
    await aged.passes(minutes=60)
    assert len(asked(aged)) == before, "it is not tried for ever"
    monkeypatch.undo()
    await aged.say("/build import android", by=aged.ada)
    await aged.passes(minutes=3)
    assert await known(aged, aged.droid) == there(aged), "whoever asks again gets it"


async def test_an_app_that_is_turned_back_does_not_hold_up_the_others(aged: World) -> None:
    aged.bitrise.faults.add(Fault(f"/v0.1/apps/{aged.shop.slug}/builds", status=404, times=None))
    await aged.connect()
    await aged.passes(minutes=1)
    assert await known(aged, aged.droid) == there(aged)
    assert "❌ iOS Shop: Bitrise cannot find it" in aged.letters(aged.ada)[-1]


async def test_a_lost_anchor_begins_anew(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=8)
    aged.bitrise.faults.add(Fault(LIST, status=400, times=1))
    await aged.passes(minutes=1)
    assert await known(aged, aged.droid) == there(aged)
    assert asked(aged).count(None) == 3  # Android Shop twice, iOS Shop once


async def test_a_dead_token_waits_for_a_new_one(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=6)
    aged.bitrise.revoke(aged.token)
    await aged.passes(minutes=5)
    calls = len(aged.bitrise.journal.named(LIST))
    await aged.connect(aged.bitrise.add_token(aged.owner))
    await aged.passes(minutes=2)
    assert (await known(aged, aged.droid), calls) == (there(aged), 2)


async def test_disconnecting_ends_it_and_connecting_begins_anew(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=8)
    await aged.say("/build disconnect", by=aged.ada)
    await aged.press(aged.whisper(aged.ada), "Forget the token", by=aged.ada)
    aged.bitrise.journal.clear()
    await aged.passes(minutes=2)
    assert asked(aged) == []
    assert await known(aged, aged.droid) < there(aged)
    await aged.connect()
    await aged.passes(minutes=1)
    assert await known(aged, aged.droid) == there(aged)


async def test_a_removal_ends_it_and_connecting_begins_anew(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=8)
    aged.slack.tell_removal(aged.app, {"type": "app_uninstalled"})
    await aged.passes(minutes=1)
    assert await known(aged, aged.droid) < there(aged)
    await aged.restart_bot()
    await aged.connect()
    await aged.passes(minutes=1)
    assert await known(aged, aged.droid) == there(aged)


async def test_builds_that_end_while_the_past_is_read_are_told_once(aged: World) -> None:
    await aged.connect()
    await aged.say("/build subscribe android-shop style:line")
    await aged.passes(seconds=6)
    build = aged.bitrise.start_build(aged.droid, workflow="deploy", branch="main")
    await aged.passes(seconds=4)
    aged.bitrise.finish(build)
    await aged.passes(minutes=2)
    assert aged.sees().count(f"|#{build.number}>") == 1


async def test_only_two_hundred_days_are_there_to_be_read(open_world: OpenWorld) -> None:
    world = await open_world(connected=False)
    at = world.clock.now()
    for days in (199, 201, 300):
        world.bitrise.start_build(world.droid, workflow="test", branch="main", at=at - timedelta(days=days))
    await world.connect()
    await world.passes(minutes=1)
    assert await known(world, world.droid) == 1


# On demand.


async def test_asking_shows_the_progress_to_the_channel(aged: World) -> None:
    await aged.connect()
    await aged.passes(minutes=1)
    await aged.say("/build import android-shop 30d", by=aged.bo)
    assert "*Reading builds* of the last 30 days, asked for by @bo" in aged.read(aged.card)
    await aged.passes(minutes=1)
    assert aged.read(aged.card).startswith("*Builds are read*: ")
    assert "of the last 30 days, in" in aged.read(aged.card)
    assert asked(aged).count(None) == 3


async def test_what_is_half_read_goes_on_in_the_newer_message(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=10)
    before = await known(aged, aged.droid)
    await aged.say("/build import android-shop")
    await aged.passes(minutes=1)
    assert before > 50
    assert f"✅ Android Shop: {there(aged)} builds" in aged.read(aged.card)
    assert asked(aged).count(None) == 2  # never from the newest one again
    assert "✅ iOS Shop: no builds" in aged.letters(aged.ada)[-1]


async def test_stop_ends_it_and_keeps_what_is_read(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=8)
    await aged.say("/build import stop", by=aged.bo)
    before = await known(aged, aged.droid)
    await aged.passes(minutes=1)
    assert await known(aged, aged.droid) == before
    assert f"⏹️ Android Shop: stopped by @bo after {before} of {there(aged)} builds" in aged.letters(aged.ada)[-1]
    await aged.say("/build import stop", by=aged.bo)
    assert "No builds of the past are being read." in aged.whispers(aged.bo)[-1]


async def test_an_app_without_builds_is_done_at_once(world: World) -> None:
    await world.passes(minutes=1)
    await world.say("/build import shop")
    assert "✅ iOS Shop: no builds" in world.read(world.card)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("shop workflow:deploy", "Builds are read app by app, all that there are."),
        ("shop 90", "Builds are read app by app, all that there are. As in `import shop 90d`."),
        ("shop 300d", "300d` is no span I know."),
        ("shop 7d 30d", "are two spans."),
        ("nowhere", "nowhere"),
        ("stop nowhere", "No builds are being read of an app that is called nowhere."),
    ],
)
async def test_what_cannot_be_read_is_said(world: World, typed: str, why: str) -> None:
    await world.passes(minutes=1)
    world.bitrise.journal.clear()
    await world.say(f"/build import {typed}")
    assert why in world.whispers()[-1]
    assert asked(world) == []


# Facts that come later.


async def test_credits_that_come_after_the_end_are_filled_in_without_a_word(world: World) -> None:
    await world.say("/build shop deploy main")
    await world.passes(minutes=9)
    ctx = world.bot.ctx
    await ctx.db.execute("update builds set credit_cost = null, machine_type = null")
    told = world.sees()
    await world.say("/build import shop")
    await world.passes(minutes=1)
    (row,) = await stored_builds(ctx.db, world.team.id)
    assert row.credit_cost is not None
    assert row.machine_type is not None
    assert world.sees().startswith(told)


async def test_figures_say_that_they_are_not_whole_until_the_past_is_read(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=11)
    await aged.say("/build stats android-shop")
    assert "Past builds are being read: Android Shop: " in aged.whispers()[-1]
    assert "Until then these figures are not whole." in aged.whispers()[-1]
    await aged.passes(minutes=5)
    await aged.say("/build stats android-shop")
    assert "not whole" not in aged.whispers()[-1]
