"""The page's server: state, updates, actions and refusals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from playground.page.server import PageServer
from playground.slack.posts import post
from playground.stage import Stage
from tests.playground.page.conftest import OpenPage

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Client:
    """A client of the page's server."""

    def __init__(self, session: aiohttp.ClientSession, page: PageServer) -> None:
        self.session, self.page = session, page

    async def state(self, who: str = "ana") -> dict[str, Any]:
        async with self.session.get(f"{self.page.url}api/state", params={"person": who}) as response:
            state: dict[str, Any] = await response.json()
            return state

    async def act(self, deed: str, **facts: Any) -> tuple[int, dict[str, Any]]:
        async with self.session.post(f"{self.page.url}api/{deed}", json={"person": "ana", **facts}) as response:
            return response.status, await response.json()


@pytest_asyncio.fixture(loop_scope="session")
async def opened(open_page: OpenPage) -> AsyncIterator[tuple[Stage, Client]]:
    """Open a page without a bot."""
    stage, page = await open_page(bot=False)
    async with aiohttp.ClientSession() as session:
        yield stage, Client(session, page)


async def test_everybody_sees_their_own_channels(opened: tuple[Stage, Client]) -> None:
    _, client = opened
    names = {
        who: {channel["name"] for channel in (await client.state(who))["sections"]["world"]["channels"]}
        for who in ("ada", "bo", "gus")
    }
    assert "leads" in names["ada"]
    assert "leads" not in names["bo"]
    assert names["gus"] == {"partners"}


async def test_what_only_one_person_sees_is_told_to_nobody_else(opened: tuple[Stage, Client]) -> None:
    stage, client = opened
    ios = stage.channels["ios"]
    post(stage.slack.world, stage.app, ios, {"text": "for Ana alone"}, seen_by=stage.people["ana"])
    assert "for Ana alone" in json.dumps(await client.state("ana"))
    assert "for Ana alone" not in json.dumps(await client.state("bo"))


async def test_a_private_answer_can_be_dismissed_by_whom_it_is_for(opened: tuple[Stage, Client]) -> None:
    stage, client = opened
    ios = stage.channels["ios"]
    message = post(stage.slack.world, stage.app, ios, {"text": "done"}, seen_by=stage.people["ana"])
    refused, _ = await client.act("slack/dismiss", person="bo", channel=ios.id, ts=message.ts)
    taken, _ = await client.act("slack/dismiss", channel=ios.id, ts=message.ts)
    assert (refused, taken) == (409, 200)
    assert stage.slack.ephemerals(stage.people["ana"], ios) == []


async def test_another_site_cannot_do_anything_here(opened: tuple[Stage, Client]) -> None:
    stage, client = opened
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        url, asked = f"{client.page.url}api/trouble/once", {"id": "bot-kill"}
        async with client.session.post(url, json=asked, headers=headers) as response:
            assert response.status == 403
    async with client.session.post(f"{client.page.url}api/slack/say", data="text=hello") as response:
        assert response.status == 415
    assert stage.slack.messages(stage.channels["ios"]) == []


async def test_the_page_may_load_nothing_from_elsewhere(opened: tuple[Stage, Client]) -> None:
    _, client = opened
    async with client.session.get(client.page.url) as response:
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "https:" not in policy


async def test_the_wire_shows_no_secrets(opened: tuple[Stage, Client]) -> None:
    stage, client = opened
    async with client.session.get(f"{stage.bitrise.api_url}/me", headers={"Authorization": stage.token}) as response:
        assert response.status == 200
    (line,) = (await client.state())["wire"]
    async with client.session.get(f"{client.page.url}api/wire/{line['number']}") as response:
        told = await response.text()
    assert "/me" in told
    assert stage.token not in told


async def test_a_change_is_told_to_every_window_that_is_open(opened: tuple[Stage, Client]) -> None:
    stage, client = opened
    ios = stage.channels["ios"].id
    streams = [
        await client.session.get(f"{client.page.url}api/events", params={"person": who}) for who in ("ana", "bo")
    ]
    for stream in streams:
        await heard(stream, "world")
    await client.act("slack/say", channel=ios, text="Good morning")
    for stream in streams:
        assert "Good morning" in json.dumps(await heard(stream, f"messages/{ios}"))
        stream.close()


async def heard(stream: aiohttp.ClientResponse, section: str) -> Any:
    """Return the next update of that section."""
    async with asyncio.timeout(10):
        async for line in stream.content:
            news = json.loads(line[5:]) if line.startswith(b"data:") else {"sections": {}}
            if section in news["sections"]:
                return news["sections"][section]
    raise AssertionError(f"the stream ended without {section}")


async def test_builds_start_by_push_by_pull_request_and_by_schedule(opened: tuple[Stage, Client]) -> None:
    stage, client = opened
    slugs = []
    for cause in ("push", "pull-request", "schedule"):
        _, told = await client.act("bitrise/start", cause=cause, app=stage.shop.slug, workflow="test")
        slugs.append(told["build"])
    push, request, schedule = (stage.bitrise.find_build(slug) for slug in slugs)
    assert push is not None
    assert request is not None
    assert schedule is not None
    assert push.triggered_by == "webhook-github/octocat"
    assert request.pull_request_id
    assert (schedule.triggered_by, schedule.commit_hash) == ("scheduler", None)


@pytest.mark.parametrize(
    ("deed", "status"),
    [("finish", "success"), ("fail", "error"), ("abort", "aborted"), ("skip", "aborted-with-success")],
)
async def test_a_build_ends_as_the_button_says(opened: tuple[Stage, Client], deed: str, status: str) -> None:
    stage, client = opened
    build = stage.bitrise.start_build(stage.shop, workflow="test")
    await client.act(f"bitrise/{deed}", build=build.slug)
    assert build.status_text == status


async def test_an_ended_build_cannot_be_ended_again(opened: tuple[Stage, Client]) -> None:
    stage, client = opened
    build = stage.bitrise.start_build(stage.shop, workflow="test")
    stage.bitrise.finish(build, "failed")
    status, told = await client.act("bitrise/finish", build=build.slug)
    assert status == 409
    assert "already ended" in told["error"]


async def test_faster_machines_also_hurry_a_build_that_runs(opened: tuple[Stage, Client]) -> None:
    stage, client = opened
    build = stage.bitrise.start_build(stage.shop, workflow="deploy")
    stage.bitrise.run(build)
    assert build.duration is not None
    before = build.duration
    await client.act("trouble/speed", speed=60)
    assert build.duration < before / 50
    assert not build.is_finished


async def test_trouble_lasts_until_it_is_switched_off(opened: tuple[Stage, Client]) -> None:
    stage, client = opened
    url, headers = f"{stage.bitrise.api_url}/me", {"Authorization": stage.token}
    statuses = []
    for is_on in (True, False):
        await client.act("trouble/switch", id="bitrise-down", on=is_on)
        async with client.session.get(url, headers=headers) as response:
            statuses.append(response.status)
    assert statuses == [503, 200]


async def test_the_guide_ticks_what_was_tried_and_keeps_it(opened: tuple[Stage, Client]) -> None:
    stage, client = opened
    build = stage.bitrise.start_build(stage.shop, workflow="test")
    await client.act("bitrise/fail", build=build.slug)
    steps = {step["id"]: step["is_done"] for step in (await client.state("bo"))["sections"]["guide"]}
    assert steps["end"]
    assert not steps["start"]


async def test_a_push_starts_what_the_trigger_map_says(opened: tuple[Stage, Client]) -> None:
    stage, client = opened
    _, told = await client.act("bitrise/push", app=stage.shop.slug, by="ana", commit_message="Fix login")
    (build,) = (stage.bitrise.find_build(slug) for slug in told["builds"])
    assert build is not None
    assert (build.workflow, build.triggered_by) == ("lint", "webhook-github/ana")
    assert build.commit_message == "Fix login\n\nSigned-off-by: Ana Diaz <ana@acme.dev>"


async def test_a_push_that_starts_nothing_says_so(opened: tuple[Stage, Client]) -> None:
    stage, client = opened
    stage.shop.trigger_map = ()
    status, told = await client.act("bitrise/push", app=stage.shop.slug, branch="main")
    assert (status, told["error"]) == (409, "The trigger map of iOS Shop starts nothing for main.")


@pytest.mark.parametrize(("trouble", "arrivals"), [("webhook-lost", 0), ("webhook-twice", 2)])
async def test_webhooks_are_lost_or_doubled_until_all_is_calm(
    opened: tuple[Stage, Client], trouble: str, arrivals: int
) -> None:
    stage, client = opened
    stage.bitrise.add_webhook(stage.shop, f"{client.page.url}nobody-takes-this")
    counts = []
    await client.act("trouble/switch", id=trouble, on=True)
    for _ in range(2):
        stage.bitrise.start_build(stage.shop, workflow="endless")
        await stage.bitrise.quiet()
        delivered = stage.bitrise.journal.named("webhooks.deliver")
        counts.append(sum("status" in entry.response for entry in delivered))
        await client.act("trouble/calm")
    assert counts == [arrivals, arrivals + 1]
    switches = (await client.state())["sections"]["stage"]["troubles"]["switches"]
    assert {trouble: False}.items() <= {switch["id"]: switch["is_on"] for switch in switches}.items()
