"""Pipelines: started, run stage by stage, aborted as a whole."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from playground.bitrise import App, PracticeBitrise, Status
from tests.playground.bitrise.conftest import Caller, Time


@pytest.fixture
async def release(bot: Caller, shop: App) -> str:
    """Start a pipeline of two stages and return its path."""
    reply = await bot.trigger(shop, pipeline_id="release", branch="main")
    assert reply.body["results"][0]["triggered_pipeline"] == "release"
    return f"/apps/{shop.slug}/pipelines/{reply.body['results'][0]['build_slug']}"


def words(pipeline: dict[str, Any]) -> list[tuple[str, str]]:
    return [(workflow["name"], workflow["status"]) for workflow in pipeline["workflows"]]


async def test_the_next_stage_waits_for_the_one_before(
    bitrise: PracticeBitrise, bot: Caller, release: str, time: Time
) -> None:
    begun = (await bot.get(release)).body
    assert (begun["status"], begun["name"]) == ("on_hold", "release")
    assert words(begun) == [("primary", "on_hold"), ("deploy", ""), ("primary", "")]
    time.passes(minutes=4)
    halfway = (await bot.get(release)).body
    assert halfway["status"] == "running"
    assert words(halfway) == [("primary", "succeeded"), ("deploy", "running"), ("primary", "running")]
    time.passes(minutes=10)
    assert (await bot.get(release)).body["status"] == "succeeded"
    assert bitrise.triggers[0].pipelines[0].builds == bitrise.builds()


async def test_its_builds_are_in_the_list_of_builds(bot: Caller, shop: App, release: str) -> None:
    [build] = (await bot.get(f"/apps/{shop.slug}/builds", is_pipeline_build="true")).data
    [first, *_] = (await bot.get(release)).body["workflows"]
    assert (build["slug"], build["pipeline_workflow_id"]) == (first["external_id"], first["id"])


async def test_a_failure_ends_it(bitrise: PracticeBitrise, bot: Caller, release: str) -> None:
    bitrise.finish(bitrise.builds()[0], "failed")
    ended = (await bot.get(release)).body
    assert ended["status"] == "failed"
    assert words(ended) == [("primary", "failed"), ("deploy", ""), ("primary", "")]


async def test_an_abort_ends_its_builds(bitrise: PracticeBitrise, bot: Caller, release: str) -> None:
    body = {"abort_reason": "wrong", "abort_with_success": False, "skip_notifications": False}
    assert (await bot.post(f"{release}/abort", body)).status == 200
    ended = (await bot.get(release)).body
    assert ended["abort_reason"] == "User bitrise-bot requested to abort this build with reason: wrong"
    assert [build.status for build in bitrise.builds()] == [Status.ABORTED]
    assert (await bot.post(f"{release}/abort", body)).status == 400


async def test_the_list_holds_pipelines_and_builds_that_stand_alone(
    bitrise: PracticeBitrise, bot: Caller, shop: App, release: str, time: Time
) -> None:
    time.passes(seconds=1)
    alone = bitrise.start_build(shop, workflow="endless", branch="dev")
    place = f"/apps/{shop.slug}/pipelines"
    page = (await bot.get(place, limit=1)).body
    assert [each["slug"] for each in page["data"]] == [alone.slug]
    rest = (await bot.get(place, limit=1, before=page["paging"]["next"])).body
    assert [(each["is_pipeline"], each["triggered_workflow"]) for each in rest["data"]] == [(True, "release")]
    assert "next" not in rest["paging"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"pipeline": "release"}, ["release"]),
        ({"workflow": "endless"}, ["endless"]),
        ({"branch": "dev"}, ["endless"]),
        ({"status": "running"}, ["endless"]),
        ({"status": "on_hold"}, ["release"]),
        ({"build_number": 1}, ["release"]),
        ({"commit_message": "nothing"}, []),
    ],
)
async def test_the_list_is_filtered(
    bitrise: PracticeBitrise, bot: Caller, shop: App, release: str, query: dict[str, Any], expected: list[str]
) -> None:
    bitrise.run(bitrise.start_build(shop, workflow="endless", branch="dev"))
    items = (await bot.get(f"/apps/{shop.slug}/pipelines", **query)).data
    assert [each["triggered_workflow"] for each in items] == expected


async def test_an_unknown_pipeline(bot: Caller, shop: App) -> None:
    assert (await bot.trigger(shop, pipeline_id="nope")).status == 400
    assert (await bot.get(f"/apps/{shop.slug}/pipelines/nope")).status == 404


async def test_it_has_a_page(bot: Caller, shop: App, http: aiohttp.ClientSession) -> None:
    reply = await bot.trigger(shop, pipeline_id="release", branch="main")
    async with http.get(reply.body["build_url"]) as page:
        assert page.status == 200
        assert "primary #2: on-hold" in await page.text()
