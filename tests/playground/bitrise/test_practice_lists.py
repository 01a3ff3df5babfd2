"""Lists of builds: pages, filters, and the list across all apps."""

from __future__ import annotations

from typing import Any

import pytest

from playground.bitrise import App, PracticeBitrise, Workspace
from tests.playground.bitrise.conftest import Caller, Time


async def numbers(bot: Caller, app: App, **query: Any) -> list[int]:
    reply = await bot.get(f"/apps/{app.slug}/builds", **query)
    assert reply.status == 200, reply.body
    return [build["build_number"] for build in reply.data]


@pytest.fixture
def six(bitrise: PracticeBitrise, shop: App, time: Time) -> App:
    """Create six different builds, a minute apart; the last two are unfinished."""
    bitrise.finish(bitrise.start_build(shop, branch="main", commit_message="Fix Login crash"), "success")
    time.passes(minutes=1)
    bitrise.finish(bitrise.start_build(shop, branch="dev", workflow="deploy"), "failed")
    time.passes(minutes=1)
    bitrise.finish(bitrise.start_build(shop, branch="feature", pull_request_id=7), "aborted")
    time.passes(minutes=1)
    bitrise.finish(bitrise.start_build(shop, branch=None, tag="v1"), "aborted-with-success")
    time.passes(minutes=1)
    bitrise.run(bitrise.start_build(shop, branch="dev", workflow="endless", pull_request_id=8))
    time.passes(minutes=1)
    bitrise.hold(bitrise.start_build(shop, branch="main", workflow="endless"))
    return shop


async def test_the_newest_comes_first(bot: Caller, six: App) -> None:
    assert await numbers(bot, six) == [6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"branch": "dev"}, [5, 2]),
        ({"workflow": "endless"}, [6, 5]),
        ({"branch": "dev", "workflow": "endless"}, [5]),
        ({"commit_message": "login"}, [1]),
        ({"trigger_event_type": "push"}, [6, 2, 1]),
        ({"trigger_event_type": "pull-request"}, [5, 3]),
        ({"trigger_event_type": "tag"}, [4]),
        ({"trigger_event_type": "pull-request", "pull_request_id": 7}, [3]),
        ({"pull_request_id": 7}, [6, 5, 4, 3, 2, 1]),
        ({"build_number": 2}, [2]),
        ({"status": 0}, [6, 5]),
        ({"status": 1}, [1]),
        ({"status": 2}, [2]),
        ({"status": 3}, [3]),
        ({"status": 4}, [4]),
        ({"is_pipeline_build": "true"}, []),
        ({"is_pipeline_build": "false", "status": 0}, [6, 5]),
        ({"branch": "nowhere"}, []),
    ],
)
async def test_filters(bot: Caller, six: App, query: dict[str, Any], expected: list[int]) -> None:
    assert await numbers(bot, six, **query) == expected


async def test_after_and_before_include_their_second(bot: Caller, six: App) -> None:
    second = int(six.builds[1].triggered_at.timestamp())
    fourth = int(six.builds[3].triggered_at.timestamp())
    assert await numbers(bot, six, after=second, before=fourth) == [4, 3, 2]
    assert await numbers(bot, six, after=second + 1, before=fourth - 1) == [3]


async def test_running_first_has_one_page_only(bot: Caller, bitrise: PracticeBitrise, six: App) -> None:
    bitrise.finish(bitrise.start_build(six), "success")
    reply = await bot.get(f"/apps/{six.slug}/builds", sort_by="running_first", limit=3)
    assert [build["build_number"] for build in reply.data] == [6, 5, 7]
    assert reply.body["paging"] == {"total_item_count": 7, "page_item_limit": 3}


@pytest.mark.parametrize("query", [{"status": 5}, {"status": "x"}, {"trigger_event_type": "cron"}, {"limit": 51}])
async def test_filters_that_mean_nothing_are_refused(bot: Caller, six: App, query: dict[str, Any]) -> None:
    assert (await bot.get(f"/apps/{six.slug}/builds", **query)).status == 400


async def test_pages_join_without_a_gap(bot: Caller, six: App) -> None:
    first = (await bot.get(f"/apps/{six.slug}/builds", limit=4)).body
    assert first["paging"] == {"total_item_count": 6, "page_item_limit": 4, "next": six.builds[1].slug}
    rest = (await bot.get(f"/apps/{six.slug}/builds", limit=4, next=first["paging"]["next"])).body
    assert [build["build_number"] for build in first["data"] + rest["data"]] == [6, 5, 4, 3, 2, 1]
    assert "next" not in rest["paging"]


async def test_a_page_keeps_its_place_when_its_first_build_ends(
    bot: Caller, bitrise: PracticeBitrise, six: App
) -> None:
    running = bitrise.start_build(six, workflow="endless")
    page = (await bot.get(f"/apps/{six.slug}/builds", status=0, limit=1)).body
    assert [build["build_number"] for build in page["data"]] == [running.number]
    bitrise.finish(six.builds[5], "failed")
    assert await numbers(bot, six, status=0, limit=1, next=page["paging"]["next"]) == [5]


async def test_builds_older_than_200_days_are_not_listed(
    bot: Caller, bitrise: PracticeBitrise, shop: App, time: Time
) -> None:
    old = bitrise.start_build(shop)
    time.passes(days=200, seconds=1)
    new = bitrise.start_build(shop)
    assert await numbers(bot, shop) == [new.number]
    assert (await bot.get(f"/apps/{shop.slug}/builds/{old.slug}")).status == 200


async def test_all_builds_come_from_every_visible_app(
    bot: Caller, bitrise: PracticeBitrise, acme: Workspace, six: App, time: Time
) -> None:
    other = bitrise.add_app("Backend", bitrise.add_workspace("Other"))
    hidden = bitrise.add_app("Hidden", acme)
    time.passes(minutes=1)
    newest = bitrise.start_build(other)
    bitrise.start_build(hidden)
    bitrise.set_role(bot.token, {six: "tester", other: "developer"})
    items = (await bot.get("/builds", limit=2)).data
    assert [(each["slug"], each["repository"]["slug"]) for each in items] == [
        (newest.slug, other.slug),
        (six.builds[5].slug, six.slug),
    ]
    assert not {"is_status_sent", "log_format", "pipeline_workflow_id", "rebuildable"} & set(items[0])


async def test_all_builds_are_filtered_and_paged(bot: Caller, acme: Workspace, six: App) -> None:
    on_hold = await bot.get("/builds", is_on_hold="true", owner_slug=acme.slug)
    assert [build["build_number"] for build in on_hold.data] == [6]
    first = (await bot.get("/builds", status=0, limit=1)).body
    second = (await bot.get("/builds", status=0, limit=1, next=first["paging"]["next"])).body
    assert [first["data"][0]["build_number"], second["data"][0]["build_number"]] == [6, 5]
    assert (await bot.get("/builds", owner_slug="nobody")).data == []


async def test_a_build_is_found_in_its_own_app_only(
    bot: Caller, bitrise: PracticeBitrise, acme: Workspace, six: App
) -> None:
    other = bitrise.add_app("Backend", acme)
    assert (await bot.get(f"/apps/{other.slug}/builds/{six.builds[0].slug}")).status == 404
