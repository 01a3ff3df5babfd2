"""What became of the builds: figures as a message, asked further by buttons, explained, and as a file."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import timedelta

import aiohttp
import pytest

from bot.builds import queries
from bot.builds.queries import ListQuery
from bot.permissions import Actor
from bot.statistics import queries as stats_queries
from bot.statistics.queries import Counts, StatsQuery
from playground.bitrise import App, Build
from playground.bitrise.history import History, seed_history
from playground.bitrise.model import Status
from playground.slack import Message
from playground.wire import Fault
from tests.world import World

SUCCESSES, FAILURES, ABORTS = 6, 2, 2
NO_CHANGES = "[no-changes] nothing under apps/shop"
ROLLED = "Automatically aborted via Rolling Builds."


def past(world: World, hours: float, app: App | None = None, **facts: object) -> Build:
    """A build that ended some hours ago, and of which the bot hears when it next looks."""
    params = {"workflow": "deploy", "branch": "main"} | facts
    at = world.clock.now() - timedelta(hours=hours)
    return world.bitrise.start_build(app or world.shop, at=at, **params)  # type: ignore[arg-type]


def ends(build: Build, status: Status, reason: str | None = None) -> None:
    build.planned, build.planned_reason = status, reason


async def heard(world: World) -> None:
    """The bot learns of builds that nobody started from Slack, a page of a list at a time."""
    for outcome in ("succeeded", "failed", "aborted", "skipped"):
        await world.say(f"/build list shop outcome:{outcome}")
    await world.say("/build list android-shop")


@pytest.fixture
async def busy(world: World) -> World:
    """Six successes, two failures, two aborted and one skipped of iOS Shop; one success of Android Shop."""
    for place in range(SUCCESSES):
        past(world, 10 + place)
    for place in range(FAILURES):
        ends(past(world, 20 + place, workflow="test", commit_hash="c0ffee0"), Status.FAILED)
    for place in range(ABORTS):
        ends(past(world, 30 + place), Status.ABORTED, ROLLED)
    ends(past(world, 40, branch="fix/login"), Status.ABORTED_WITH_SUCCESS, NO_CHANGES)
    past(world, 5, world.droid, workflow="primary")
    await heard(world)
    return world


def told(world: World) -> str:
    return world.whispers()[-1]


async def test_the_sentence_says_what_is_counted_and_what_is_not(busy: World) -> None:
    await busy.say("/build stats shop")
    assert "iOS Shop, last 30 days" in told(busy)
    assert "*75% success* (6 of 8)\nNot counted: 2 aborted, 1 skipped." in told(busy)


async def test_the_table_has_the_figures_and_a_chart_shows_them(busy: World) -> None:
    await busy.say("/build stats shop")
    lines = told(busy).splitlines()
    assert "[bar chart: Results]" in lines
    assert not [line for line in lines if line.startswith("[pie")], "one chart is enough"
    await busy.press(busy.whisper(), "Details")
    lines = told(busy).splitlines()
    for row in ("Success rate | 75% | –", "Succeeded | 6 | 0", "Failed | 2 | 0", "Aborted | 2 | 0",
                "Skipped | 1 | 0", "Duration, median | 7 min | –"):  # fmt: skip
        assert row in lines
    await busy.press(busy.whisper(), "Summary")
    assert "[bar chart: Results]" in told(busy)


async def test_what_stands_out_is_named(busy: World) -> None:
    await busy.say("/build stats shop")
    await busy.press(busy.whisper(), "Details")
    assert "*Most failures:* `test` 2 of 2 (100%)" in told(busy)
    assert "*Slowest (median):* `deploy` 7 min" in told(busy)
    assert "*Time spent on unsuccessful builds:* failed" in told(busy)


async def test_a_commit_that_failed_and_passed_is_flaky(busy: World) -> None:
    past(busy, 8, workflow="test", commit_hash="c0ffee0")
    await heard(busy)
    await busy.say("/build stats shop")
    await busy.press(busy.whisper(), "Details")
    assert "*Flaky:* 1 commit failed and also passed without changes: `c0ffee0` in `test`" in told(busy)


async def test_all_apps_without_a_name_and_the_channels_app_where_it_has_one(busy: World) -> None:
    await busy.say("/build stats")
    assert "All apps, last 30 days" in told(busy)
    assert "(7 of 9)" in told(busy)
    await busy.say("/build settings")
    await busy.submit({"settings.app": "Android Shop"})
    await busy.say("/build stats 7d")
    assert "Android Shop, last 7 days" in told(busy)
    await busy.say("/build stats all")
    assert "All apps, last 30 days" in told(busy)


async def test_filters_narrow_what_is_counted(busy: World) -> None:
    await busy.say("/build stats shop workflow:test")
    assert "*0% success* (0 of 2)" in told(busy)
    await busy.say("/build stats shop branch:fix/login")
    assert "No build succeeded or failed\nNot counted: 1 skipped." in told(busy)
    await busy.say("/build stats shop cause:schedule")
    assert "No builds finished." in told(busy)


async def test_the_span_before_is_compared(busy: World) -> None:
    for place in range(4):
        past(busy, 24 * 9 + place)
    await heard(busy)
    await busy.say("/build stats shop 7d")
    assert "▼ 25 pts vs previous 7 days" in told(busy)


async def test_buttons_ask_further_in_the_same_place(busy: World) -> None:
    await busy.say("/build stats")
    shown = len(busy.whispers())
    await busy.press(busy.whisper(), "Details")
    await busy.press(busy.whisper(), "iOS Shop")
    assert "iOS Shop, last 30 days" in told(busy)
    await busy.press(busy.whisper(), "7 days")
    assert "iOS Shop, last 7 days" in told(busy)
    await busy.press(busy.whisper(), "test")
    assert "iOS Shop, last 7 days, workflow `test`" in told(busy)
    await busy.press(busy.whisper(), "All workflows")
    await busy.press(busy.whisper(), "All apps")
    assert "All apps, last 7 days" in told(busy)
    assert len(busy.whispers()) == shown


async def test_by_reason_and_back(busy: World) -> None:
    await busy.say("/build stats shop")
    await busy.press(busy.whisper(), "Stop reasons")
    assert "3 of 11 builds stopped*: 1 by people, 2 automatically · 2 aborted, 1 skipped" in told(busy)
    assert "replaced by a rolling build | 2 | 66.7%" in told(busy)
    assert "no changes | 1 | 33.3%" in told(busy)
    await busy.press(busy.whisper(), "Summary")
    assert "75%" in told(busy)


async def test_aborted_build_without_an_end_counts(world: World) -> None:
    """Bitrise may leave the end of an aborted build empty, of one in the past as of one that just ran."""
    ends(earlier := past(world, 10), Status.ABORTED, ROLLED)
    world.bitrise.now()
    earlier.finished_at = None
    running = world.bitrise.start_build(world.shop, workflow="endless")
    await world.say("/build list shop")
    await world.passes(minutes=2)
    world.bitrise.abort_in_web(running, "chidi", "too slow")
    running.finished_at = None
    await world.say("/build list shop")
    await world.passes(minutes=1)
    await world.say("/build stats shop")
    await world.press(world.whisper(), "Stop reasons")
    assert "2 of 2 builds stopped*: 1 by people, 1 automatically · 2 aborted, 0 skipped" in told(world)
    assert "stopped in Bitrise | 1 | 50" in told(world)


async def test_the_definitions_are_behind_a_button(busy: World) -> None:
    await busy.say("/build stats shop")
    await busy.press(busy.whisper(), "Details")
    await busy.press(busy.whisper(), "About these stats")
    assert "succeeded ÷ (succeeded + failed)" in busy.modal_text()


async def file_of(world: World) -> str:
    letters = world.slack.direct_messages(world.ana, world.app)
    threads = [reply for letter in letters for reply in world.slack.thread(letter)]
    (file,) = [file for message in threads for file in message.files]
    async with aiohttp.ClientSession() as session, session.get(file["url_private"]) as answer:
        return (await answer.read()).decode("utf-8-sig")


async def test_the_rows_come_as_a_file_to_the_one_who_asked(busy: World) -> None:
    past(busy, 3, branch="=cmd|calc")
    await heard(busy)
    await busy.say("/build stats shop")
    await busy.press(busy.whisper(), "Details")
    await busy.press(busy.whisper(), "Export CSV")
    rows = list(csv.DictReader(io.StringIO(await file_of(busy))))
    assert [row["outcome"] for row in rows].count("succeeded") == SUCCESSES + 1
    assert len(rows) == 12
    assert rows[-1]["branch"] == "'=cmd|calc"
    assert "12 builds, as CSV." in busy.letters()
    assert not busy.letters(busy.bo)


async def test_where_files_are_not_allowed_the_way_out_is_told(busy: World) -> None:
    busy.slack.faults.add(Fault("files.getUploadURLExternal", "error", error="missing_scope"))
    await busy.say("/build stats shop")
    await busy.press(busy.whisper(), "Details")
    await busy.press(busy.whisper(), "Export CSV")
    assert "buildbell export --since 30d" in told(busy)


def is_plain(message: Message) -> bool:
    return not {"table", "data_visualization"} & {block["type"] for block in message.blocks}


async def test_where_tables_are_refused_the_same_stands_in_plain_text(busy: World) -> None:
    refused = Fault("response_url", "error", error="invalid_blocks", status=400)
    busy.slack.faults.add(refused)
    await busy.say("/build stats shop")
    assert is_plain(busy.whisper())
    assert "75% success" in told(busy)
    busy.slack.faults.add(refused)
    await busy.press(busy.whisper(), "7 days")
    assert is_plain(busy.whisper())
    assert "last 7 days" in told(busy)


async def test_words_without_a_key_are_names_of_the_app(busy: World) -> None:
    await busy.say("/build stats shop TEST")
    assert "iOS Shop, last 30 days, workflow `test`" in told(busy)
    await busy.say("/build stats shop fix/login 7d")
    assert "iOS Shop, last 7 days, branch `fix/login`" in told(busy)
    await busy.say("/build stats shop deploi 7d")
    assert "`deploi` isn't a known workflow or branch of iOS Shop. Did you mean `deploy`?" in told(busy)
    await busy.press(busy.whisper(), "Stats deploy")
    assert "iOS Shop, last 30 days, workflow `deploy`" in told(busy)
    await busy.say("/build stats all deploy")
    assert "Enter an app before `deploy`, or use `workflow:deploy` for all apps." in told(busy)


async def test_file_has_the_builds_of_the_days_that_the_report_counts(busy: World) -> None:
    """Both begin at midnight of the reader's zone: the build that was skipped 40 hours ago is older than yesterday."""
    await busy.say("/build stats shop 2d")
    await busy.press(busy.whisper(), "Details")
    row = next(line for line in told(busy).splitlines() if line.startswith("Succeeded"))
    await busy.press(busy.whisper(), "Export CSV")
    outcomes = [row["outcome"] for row in csv.DictReader(io.StringIO(await file_of(busy)))]
    assert row == f"Succeeded | {outcomes.count('succeeded')} | 0"
    assert (outcomes.count("aborted"), outcomes.count("skipped")) == (2, 0)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("/build stats shop 500d", "isn't a valid period"),
        ("/build stats shop 7d 30d", "are both periods"),
        ("/build stats shop outcome:failed", "Stats always count every result"),
        ("/build stats zzzz", "No app called"),
    ],
)
async def test_what_cannot_be_read_is_told(world: World, typed: str, said: str) -> None:
    await world.say(typed)
    assert said in told(world)


async def read_everything(world: World) -> None:
    """The whole list of an app, page by page over the wire, as somebody would who presses Older again and again."""
    ctx = world.bot.ctx
    actor = Actor(world.team.id, world.team.id, world.ana.id, "ana", world.ios.id)
    page = await queries.list_builds(ctx, actor, ListQuery("shop"))
    while page.next is not None:
        page = await queries.list_builds(ctx, actor, ListQuery("shop", starts=(page.next,)))


async def test_months_of_history_have_the_answer_that_bitrise_itself_has(world: World) -> None:
    seed_history(world.bitrise, world.shop, History(days=80, per_day=8))
    await read_everything(world)
    told = await stats_queries.load_stats(world.bot.ctx, world.team.id, StatsQuery(world.shop.slug, days=90))
    record = Counter(build.status for build in world.bitrise.builds())
    assert told.counts.total > 300
    assert told.counts == Counts(
        record[Status.SUCCESS], record[Status.FAILED], record[Status.ABORTED], record[Status.ABORTED_WITH_SUCCESS]
    )
