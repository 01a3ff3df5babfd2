"""Scheduled reports: set up in a form, posted once when due, paused where Slack refuses messages."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.statistics import digests as digest_service
from playground.bitrise import Build
from playground.bitrise.model import Status
from playground.slack import User
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
FORM: dict[str, Any] = {
    "digest.app": "*",
    "digest.cadence": "weekly",
    "digest.weekday": "0",
    "digest.at": "10:30",
    "digest.zone": "Europe/Amsterdam",
}
"""Monday half past ten: it is Monday, ten o'clock in Amsterdam."""


async def open_form(world: World, person: User) -> None:
    await world.say("/build digest", by=person)
    await world.slack.suggest(person, world.modal(person), "digest.app", "")
    await world.settled()


async def set_up(world: World, *, by: User | None = None, **fields: Any) -> str:
    """Fill in the form, save it and return the view that replaces it."""
    person = by or world.ana
    await open_form(world, person)
    await world.submit(FORM | {f"digest.{name}": value for name, value in fields.items()}, by=person)
    return world.modal_text(person)


def ended(world: World, hours: float, status: Status = Status.SUCCESS, reason: str | None = None, **more: Any) -> Build:
    """Add a build that finished so many hours ago and is seen by the next sync."""
    params = {"workflow": "deploy", "branch": "main"} | more
    build = world.bitrise.start_build(world.droid, at=world.clock.now() - timedelta(hours=hours), **params)
    build.planned, build.planned_reason = status, reason
    return build


async def sleeps_until(world: World, moment: str, *, ended_before: float) -> None:
    """Stop the bot until then, which is faster than a week of polling; a build finishes some hours before it starts."""
    await world.stop_bot()
    world.clock.move_to(datetime.fromisoformat(moment).replace(tzinfo=UTC))
    ended(world, ended_before)
    await world.start_bot()


@pytest.fixture
async def busy(world: World) -> World:
    """Return a world with 12 successes and 3 failures of Android Shop in the last week, and 13 successes before."""
    for place in range(12):
        ended(world, 20 + place)
    for place in range(3):
        ended(world, 14 + place, Status.FAILED)
    for place in range(13):
        ended(world, 24 * 8 + place)
    await world.say("/build import android-shop")
    await world.passes(minutes=1)
    return world


def digests(world: World) -> list[str]:
    reports = re.compile(r"(All apps|Android Shop), [A-Z][a-z]{2} \d")
    return [world.read(message) for message in world.cards() if reports.match(message.text)]


# Form.


async def test_form_is_saved_and_shows_when_the_next_report_is_due(world: World) -> None:
    told = await set_up(world)
    assert "Scheduled a report about all apps in" in told
    assert "every Monday at 10:30 (Europe/Amsterdam), next on" in told


async def test_time_zone_defaults_to_the_persons_own(world: World) -> None:
    await world.say("/build digest")
    assert "Europe/Amsterdam" in str(world.modal().body)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("zone", "Moon/Tranquility", "Unknown time zone “Moon/Tranquility”"),
        ("at", None, "complete this required field"),
    ],
)
async def test_invalid_values_are_explained_at_their_field(
    world: World, field: str, value: str | None, why: str
) -> None:
    await open_form(world, world.ana)
    delivery = await world.submit(FORM | {f"digest.{field}": value})
    assert why in str(delivery.errors)
    assert await world.bot.ctx.db.fetch_all("select digest_id from digests") == []


async def test_second_report_of_an_app_replaces_the_first(busy: World) -> None:
    await set_up(busy)
    await set_up(busy, at="10:45", by=busy.bo)
    rows = await busy.bot.ctx.db.fetch_all("select at, created_by from digests")
    assert [tuple(row.values()) for row in map(dict, rows)] == [("10:45", busy.bo.id)]
    await busy.passes(minutes=60)
    assert len(digests(busy)) == 1


# Posting.


async def test_report_compares_the_week_with_the_one_before(busy: World) -> None:
    await set_up(busy)
    await busy.passes(minutes=28)
    assert digests(busy) == []
    await busy.passes(minutes=4)
    (told,) = digests(busy)
    assert "All apps, Feb 23–Mar 1" in told
    assert "80% success (12 of 15) · ▼ 20 pts vs previous 7 days" in told.replace("*", "")
    assert "• The success rate fell 20 pts, from 100% to 80%." in told
    assert "• Android Shop `deploy` fails most often: 3 of 15 (20%), without a success since" in told
    assert "Median duration 7 min (previously 7 min) · median queue time" in told
    assert "[Details]" in told
    assert "Every Monday at 10:30 (Europe/Amsterdam) · set up by @ana · change it with `/build digest`" in told


async def test_details_of_a_report_are_shown_to_the_person_who_asks(busy: World) -> None:
    await set_up(busy, app=busy.droid.slug)
    await busy.passes(minutes=33)
    (message,) = [message for message in busy.cards() if "Mar 1" in message.text]
    await busy.press(message, "Details", by=busy.bo)
    await busy.settled()
    assert "Android Shop, last 7 days" in busy.whispers(busy.bo)[-1]
    assert len(digests(busy)) == 1


async def test_report_is_posted_again_a_week_later(busy: World) -> None:
    await set_up(busy)
    await busy.passes(minutes=33)
    await sleeps_until(busy, "2026-03-09T09:00:00", ended_before=12)
    await busy.passes(minutes=40)
    assert len(digests(busy)) == 2
    assert "*100% success* (1 of 1)" in digests(busy)[1]


async def test_period_without_builds_posts_no_report(world: World) -> None:
    await set_up(world, cadence="daily")
    await world.passes(minutes=33)
    assert world.cards() == []
    rows = await world.bot.ctx.db.fetch_all("select due_at from digests")
    assert [row["due_at"] for row in rows] == ["2026-03-03T09:30:00.000000Z"]


async def test_daily_report_covers_a_day(busy: World) -> None:
    await set_up(busy, cadence="daily", app=busy.droid.slug)
    await busy.passes(minutes=33)
    (message,) = [message for message in busy.cards() if "Mar 1" in message.text]
    assert message.text.startswith("Android Shop, Mar 1: ")


async def test_missed_reports_are_posted_once_and_late(busy: World) -> None:
    await set_up(busy, cadence="daily")
    await sleeps_until(busy, "2026-03-05T09:00:00", ended_before=40)
    await busy.passes(minutes=33)
    (message,) = [message for message in busy.cards() if "Mar 3" in message.text]
    assert message.text.startswith("All apps, Mar 3: ")
    assert "Delayed: Buildbell was offline at the scheduled time." in busy.read(message)


async def test_report_due_once_is_posted_once_by_two_jobs(busy: World) -> None:
    await set_up(busy)
    (row,) = await busy.bot.ctx.db.fetch_all("select digest_id, due_at from digests")
    await busy.passes(minutes=33)
    due_at = datetime.fromisoformat(row["due_at"]).isoformat()
    await digest_service.perform_digest(busy.bot.ctx, {"digest_id": row["digest_id"], "due_at": due_at})
    await busy.settled()
    assert len(digests(busy)) == 1


# Stopping and pausing.


async def test_off_stops_the_report(busy: World) -> None:
    await set_up(busy)
    await busy.say("/build digest off")
    assert "Scheduled reports are off for this channel" in busy.whispers()[-1]
    await busy.passes(minutes=60)
    assert digests(busy) == []
    await busy.say("/build digest off android-shop")
    assert "has no matching scheduled report" in busy.whispers()[-1]


async def test_unreachable_channel_pauses_the_report_until_its_creator_resumes_it(busy: World) -> None:
    await set_up(busy)
    busy.slack.archive(busy.ios)
    await busy.passes(minutes=33)
    assert f"The scheduled report for <#{busy.ios.id}> is paused: the channel is archived" in busy.letters()[-1]
    busy.slack.unarchive(busy.ios)
    letter = busy.slack.direct_messages(busy.ana, busy.app)[-1]
    await busy.press(letter, "Try again")
    await sleeps_until(busy, "2026-03-09T09:00:00", ended_before=12)
    await busy.passes(minutes=40)
    assert len(digests(busy)) == 1
