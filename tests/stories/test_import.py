"""Past builds are imported in the background: after connecting and on demand, page by page, through any trouble."""

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


def add_past_builds(world: World, app: App, days: int) -> int:
    """Add finished builds of so many days; return how many."""
    app.branches = ["main"]
    return len(seed_history(world.bitrise, app, History(days=days)))


async def count_stored(world: World, app: App) -> int:
    rows = await world.bot.ctx.db.fetch_all(
        "select count(*) as builds from builds where app_slug = :app_slug", app_slug=app.slug
    )
    return int(rows[0]["builds"])


def fetched_cursors(world: World) -> list[str | None]:
    """Return the cursor of every page that was fetched."""
    return [entry.request["query"].get("next") for entry in world.bitrise.journal.named(LIST)]


@pytest.fixture
async def aged(open_world: OpenWorld) -> World:
    """Return a world that isn't connected yet, in which Android Shop has builds of nine weeks."""
    world = await open_world(connected=False)
    world.builds_there = add_past_builds(world, world.droid, 63)  # type: ignore[attr-defined]
    return world


def count_builds(world: World) -> int:
    return int(world.builds_there)  # type: ignore[attr-defined]


# After connecting.


async def test_connecting_imports_every_app(aged: World) -> None:
    await aged.connect()
    await aged.passes(minutes=1)
    assert await count_stored(aged, aged.droid) == count_builds(aged) > 250
    wanted = StatsQuery(app_slug=aged.droid.slug, days=90)
    stats = await stats_queries.load_stats(aged.bot.ctx, aged.team.id, wanted)
    ended = Counter(build.status_text for build in aged.builds())
    assert stats.counts == Counts(ended["success"], ended["error"], ended["aborted"], ended["aborted-with-success"])


async def test_person_who_connected_sees_the_progress_in_one_message(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=11)
    (letter,) = aged.letters(aged.ada)
    assert letter.startswith("*Importing builds* from the last 200 days (requested by @ada)")
    assert f"Android Shop: 50 of {count_builds(aged)} builds (17%), about 10 s left" in letter
    await aged.passes(minutes=1)
    (letter,) = aged.letters(aged.ada)
    assert letter.startswith(f"*Import complete*: {count_builds(aged)} builds from the last 200 days, in")
    assert "✅ iOS Shop: no builds" in letter


async def test_import_of_one_page_is_silent(open_world: OpenWorld) -> None:
    world = await open_world(connected=False)
    count = add_past_builds(world, world.droid, 7)
    await world.connect()
    await world.passes(minutes=1)
    assert (await count_stored(world, world.droid), world.letters(world.ada)) == (count, [])


async def test_imported_builds_send_no_notifications(aged: World) -> None:
    await aged.connect()
    await aged.say("/build subscribe app:all style:line starts")
    before = aged.sees()
    await aged.passes(minutes=2)
    assert aged.sees() == before


async def test_pages_are_fetched_one_at_a_time_with_a_pause(aged: World) -> None:
    await aged.connect()
    await aged.passes(minutes=1)
    times = [entry.at for entry in aged.bitrise.journal.named(LIST)]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == 7  # six pages of Android Shop, one of iOS Shop
    assert min(pauses) >= timedelta(seconds=2)


async def test_newest_builds_are_imported_first(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=7)
    rows = await stored_builds(aged.bot.ctx.db, aged.team.id)
    newest = sorted(aged.builds(), key=lambda build: build.triggered_at, reverse=True)[: len(rows)]
    assert {row.build_slug for row in rows} == {build.slug for build in newest}


async def test_doctor_shows_the_progress(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=8)
    await aged.say("/build doctor")
    assert "Importing past builds: Android Shop: 50 of" in aged.whispers()[-1]
    await aged.passes(minutes=1)
    await aged.say("/build doctor")
    assert "Past builds" not in aged.whispers()[-1]


# Trouble.


async def test_builds_can_be_started_during_an_import(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=6)
    await aged.say("/build shop deploy main")
    assert aged.read(aged.card).startswith("⏳ Queued")


async def test_import_resumes_after_a_restart(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=10)
    await aged.restart_bot()
    await aged.passes(minutes=1)
    assert await count_stored(aged, aged.droid) == count_builds(aged)
    anchors = fetched_cursors(aged)
    assert len(anchors) == len(set(anchors) - {None}) + 2  # each page once; both apps begin without an anchor


async def test_retry_after_of_bitrise_is_respected(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=8)
    aged.bitrise.faults.add(Fault(LIST, status=429, retry_after=120, times=1))
    await aged.passes(minutes=1)
    before = await count_stored(aged, aged.droid)
    await aged.say("/build doctor")
    assert "Bitrise is busy, the import resumes automatically" in aged.whispers()[-1]
    await aged.passes(minutes=3)
    assert (before, await count_stored(aged, aged.droid)) == (50, count_builds(aged))


async def test_import_backs_off_while_bitrise_is_unavailable(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=6)
    aged.bitrise.faults.add(Fault(LIST, status=503, times=None))
    aged.bitrise.journal.clear()
    await aged.passes(minutes=10)
    tries = {entry.at for entry in aged.bitrise.journal.named(LIST)}
    assert 5 <= len(tries) <= 9
    aged.bitrise.faults.clear()
    await aged.passes(minutes=7)
    assert await count_stored(aged, aged.droid) == count_builds(aged)


async def test_bug_during_an_import_is_reported_and_a_new_request_works(
    aged: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    aged.expects_errors = True
    await aged.connect()
    await aged.passes(seconds=11)

    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(history_import, "advance", break_down)
    await aged.passes(minutes=60)
    told = "❌ Android Shop: Unexpected error. Your Buildbell operator can find it in the log."
    (letter,) = aged.letters(aged.ada)
    assert told in letter
    before = len(fetched_cursors(aged))
    await aged.passes(minutes=60)
    assert len(fetched_cursors(aged)) == before, "it is not tried for ever"
    monkeypatch.undo()
    await aged.say("/build import android", by=aged.ada)
    await aged.passes(minutes=3)
    assert await count_stored(aged, aged.droid) == count_builds(aged), "whoever asks again gets it"


async def test_app_that_bitrise_refuses_does_not_delay_the_others(aged: World) -> None:
    aged.bitrise.faults.add(Fault(f"/v0.1/apps/{aged.shop.slug}/builds", status=404, times=None))
    await aged.connect()
    await aged.passes(minutes=1)
    assert await count_stored(aged, aged.droid) == count_builds(aged)
    assert "❌ iOS Shop: Not found in Bitrise (HTTP 404)" in aged.letters(aged.ada)[-1]


async def test_import_with_a_stale_cursor_restarts(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=8)
    aged.bitrise.faults.add(Fault(LIST, status=400, times=1))
    await aged.passes(minutes=1)
    assert await count_stored(aged, aged.droid) == count_builds(aged)
    assert fetched_cursors(aged).count(None) == 3  # Android Shop twice, iOS Shop once


async def test_import_waits_for_a_new_token(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=6)
    aged.bitrise.revoke(aged.token)
    await aged.passes(minutes=5)
    calls = len(aged.bitrise.journal.named(LIST))
    await aged.connect(aged.bitrise.add_token(aged.owner))
    await aged.passes(minutes=2)
    assert (await count_stored(aged, aged.droid), calls) == (count_builds(aged), 2)


async def test_disconnecting_deletes_imports_and_connecting_restarts_them(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=8)
    await aged.say("/build disconnect", by=aged.ada)
    await aged.press(aged.whisper(aged.ada), "Disconnect", by=aged.ada)
    aged.bitrise.journal.clear()
    await aged.passes(minutes=2)
    assert fetched_cursors(aged) == []
    assert await count_stored(aged, aged.droid) < count_builds(aged)
    await aged.connect()
    await aged.passes(minutes=1)
    assert await count_stored(aged, aged.droid) == count_builds(aged)


async def test_uninstalling_deletes_imports_and_connecting_restarts_them(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=8)
    aged.slack.tell_removal(aged.app, {"type": "app_uninstalled"})
    await aged.passes(minutes=1)
    assert await count_stored(aged, aged.droid) < count_builds(aged)
    await aged.restart_bot()
    await aged.connect()
    await aged.passes(minutes=1)
    assert await count_stored(aged, aged.droid) == count_builds(aged)


async def test_builds_that_finish_during_an_import_are_notified_once(aged: World) -> None:
    await aged.connect()
    await aged.say("/build subscribe android-shop style:line")
    await aged.passes(seconds=6)
    build = aged.bitrise.start_build(aged.droid, workflow="deploy", branch="main")
    await aged.passes(seconds=4)
    aged.bitrise.finish(build)
    await aged.passes(minutes=2)
    assert aged.sees().count(f"|#{build.number}>") == 1


async def test_builds_older_than_two_hundred_days_are_not_imported(open_world: OpenWorld) -> None:
    world = await open_world(connected=False)
    at = world.clock.now()
    for days in (199, 201, 300):
        world.bitrise.start_build(world.droid, workflow="test", branch="main", at=at - timedelta(days=days))
    await world.connect()
    await world.passes(minutes=1)
    assert await count_stored(world, world.droid) == 1


# On demand.


async def test_requested_import_shows_its_progress_in_the_channel(aged: World) -> None:
    await aged.connect()
    await aged.passes(minutes=1)
    await aged.say("/build import android-shop 30d", by=aged.bo)
    assert "*Importing builds* from the last 30 days (requested by @bo)" in aged.read(aged.card)
    await aged.passes(minutes=1)
    assert aged.read(aged.card).startswith("*Import complete*: ")
    assert "from the last 30 days, in" in aged.read(aged.card)
    assert fetched_cursors(aged).count(None) == 3


async def test_running_import_continues_in_the_message_of_a_new_request(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=10)
    before = await count_stored(aged, aged.droid)
    await aged.say("/build import android-shop")
    await aged.passes(minutes=1)
    assert before > 50
    assert f"✅ Android Shop: {count_builds(aged)} builds" in aged.read(aged.card)
    assert fetched_cursors(aged).count(None) == 2  # never from the newest one again
    assert "✅ iOS Shop: no builds" in aged.letters(aged.ada)[-1]


async def test_stop_keeps_imported_builds(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=8)
    await aged.say("/build import stop", by=aged.bo)
    before = await count_stored(aged, aged.droid)
    await aged.passes(minutes=1)
    assert await count_stored(aged, aged.droid) == before
    assert f"⏹️ Android Shop: stopped by @bo after {before} of {count_builds(aged)} builds" in aged.letters(aged.ada)[-1]
    await aged.say("/build import stop", by=aged.bo)
    assert "No import is running." in aged.whispers(aged.bo)[-1]


async def test_app_without_builds_is_done_at_once(world: World) -> None:
    await world.passes(minutes=1)
    await world.say("/build import shop")
    assert "✅ iOS Shop: no builds" in world.read(world.card)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("shop workflow:deploy", "Unknown filter `workflow:`. Use one of `app`."),
        ("shop deploy", "Unexpected `deploy`. Use filters like `app:shop 90d`."),
        ("shop 90", "90` isn't a valid period. Use 7d, 30d or 90d"),
        ("shop 300d", "300d` isn't a valid period."),
        ("shop 7d 30d", "are both periods."),
        ("nowhere", "nowhere"),
        ("stop nowhere", "No import of nowhere is running."),
    ],
)
async def test_invalid_arguments_are_explained(world: World, typed: str, why: str) -> None:
    await world.passes(minutes=1)
    world.bitrise.journal.clear()
    await world.say(f"/build import {typed}")
    assert why in world.whispers()[-1]
    assert fetched_cursors(world) == []


# Details that come later.


async def test_credits_that_arrive_late_are_stored_silently(world: World) -> None:
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


async def test_stats_say_that_they_are_incomplete_during_an_import(aged: World) -> None:
    await aged.connect()
    await aged.passes(seconds=11)
    await aged.say("/build stats android-shop")
    assert "Importing past builds: Android Shop: " in aged.whispers()[-1]
    assert "These numbers are incomplete until the import finishes." in aged.whispers()[-1]
    await aged.passes(minutes=5)
    await aged.say("/build stats android-shop")
    assert "not whole" not in aged.whispers()[-1]
