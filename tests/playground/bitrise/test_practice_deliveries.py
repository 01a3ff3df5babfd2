"""Webhook deliveries over HTTP: time, payload, order, and every fault."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from playground.bitrise import App, Fault, PracticeBitrise, Workflow
from playground.clock import SteppedClock
from tests.playground.bitrise.conftest import Caller


@dataclass
class Door:
    """A receiver that records the deliveries and their times."""

    clock: SteppedClock
    url: str = ""
    status: int = 200
    came: list[tuple[datetime, dict[str, str], bytes]] = field(default_factory=list)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        self.came.append((self.clock.now(), dict(request.headers), await request.read()))
        await self.may_answer.wait()
        return web.Response(status=self.status, text="thanks")

    @property
    def told(self) -> list[tuple[str, str, int]]:
        """Return event, build and status of each delivery."""
        bodies = [(headers["Bitrise-Event-Type"], json.loads(raw)) for _, headers, raw in self.came]
        return [(event, body["build_slug"], body["build_status"]) for event, body in bodies]


@pytest.fixture
async def door(clock: SteppedClock) -> AsyncIterator[Door]:
    opened = Door(clock)
    opened.may_answer.set()
    app = web.Application()
    app.router.add_post("/hook", opened.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    opened.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield opened
    await runner.cleanup()


@pytest.fixture
def admin(bitrise: PracticeBitrise, http: aiohttp.ClientSession) -> Caller:
    return Caller(http, bitrise.api_url, bitrise.add_token(bitrise.add_user("ada"), role="admin"))


async def pass_time(bitrise: PracticeBitrise, clock: SteppedClock, **amount: float) -> None:
    """Let time pass; everything due on the way happens at its time."""
    await bitrise.quiet()
    end = clock.now() + timedelta(**amount)
    while (at := clock.next_waking()) is not None and at <= end:
        clock.move_to(at)
        await bitrise.quiet()
    clock.move_to(end)
    await bitrise.quiet()


async def test_start_and_end_are_told_at_their_time(
    bitrise: PracticeBitrise, shop: App, door: Door, clock: SteppedClock
) -> None:
    bitrise.add_webhook(shop, door.url)
    build = bitrise.start_build(shop, workflow="test")
    await pass_time(bitrise, clock, hours=1)
    assert door.told == [("build/triggered", build.slug, 0), ("build/finished", build.slug, 2)]
    assert [at for at, _, _ in door.came] == [build.triggered_at, build.finished_at]


async def test_a_delivery_says_this_much_and_no_more(bitrise: PracticeBitrise, shop: App, door: Door) -> None:
    bitrise.add_webhook(shop, door.url, headers={"X-Own": "mine"}, secret="shh")
    build = bitrise.start_build(shop, branch="feature/x", pull_request_id=12, branch_dest="main")
    await bitrise.quiet()
    _, headers, raw = door.came[0]
    assert json.loads(raw) == {
        "app_slug": shop.slug,
        "build_slug": build.slug,
        "build_number": 1,
        "build_status": 0,
        "build_triggered_workflow": "primary",
        "git": {
            "provider": "github",
            "src_branch": "feature/x",
            "dst_branch": "main",
            "pull_request_id": 12,
            "tag": None,
        },
    }
    assert headers["Bitrise-Event-Type"] == "build/triggered"
    assert headers["Bitrise-App-Id"] == shop.slug
    assert headers["Bitrise-Hook-Signature"] == f"sha256={hmac.new(b'shh', raw, hashlib.sha256).hexdigest()}"
    assert (headers["X-Own"], headers["Content-Type"]) == ("mine", "application/json")


async def test_without_a_secret_nothing_is_signed(bitrise: PracticeBitrise, shop: App, door: Door) -> None:
    bitrise.add_webhook(shop, door.url)
    bitrise.start_build(shop)
    await bitrise.quiet()
    _, headers, raw = door.came[0]
    assert "Bitrise-Hook-Signature" not in headers
    git = json.loads(raw)["git"]
    assert (git["src_branch"], git["dst_branch"], git["pull_request_id"]) == ("main", "main", 0)


async def test_every_way_to_end_is_told(bitrise: PracticeBitrise, shop: App, bot: Caller, door: Door) -> None:
    bitrise.add_webhook(shop, door.url, events=["build"])
    by_hand, in_web, by_api = (bitrise.start_build(shop, workflow="endless") for _ in range(3))
    bitrise.finish(by_hand, "aborted-with-success", reason="no changes")
    bitrise.abort_in_web(in_web, "ana")
    await bot.post(f"/apps/{shop.slug}/builds/{by_api.slug}/abort", {"abort_reason": "why"})
    await bitrise.quiet()
    ended = [(slug, status) for event, slug, status in door.told if event == "build/finished"]
    assert ended == [(by_hand.slug, 4), (in_web.slug, 3), (by_api.slug, 3)]


async def test_only_who_wants_it_hears_of_it(bitrise: PracticeBitrise, acme: Any, shop: App, door: Door) -> None:
    other = bitrise.add_app("Other", acme)
    bitrise.add_webhook(shop, door.url, events=["pipeline"])
    bitrise.add_webhook(other, door.url)
    bitrise.start_build(shop)
    await bitrise.quiet()
    assert door.came == []


async def test_without_a_webhook_nobody_waits_for_a_build(
    bitrise: PracticeBitrise, shop: App, clock: SteppedClock
) -> None:
    build = bitrise.start_build(shop)
    await bitrise.quiet()
    assert clock.next_waking() is None
    hook = bitrise.add_webhook(shop, "http://127.0.0.1:9/hook")
    await bitrise.quiet()
    assert clock.next_waking() == build.triggered_at + build.queue
    bitrise.webhooks.remove(hook)
    await pass_time(bitrise, clock, minutes=1)
    assert clock.next_waking() is None


async def test_an_earlier_end_is_not_slept_through(
    bitrise: PracticeBitrise, shop: App, door: Door, clock: SteppedClock
) -> None:
    shop.workflows["quick"] = Workflow(timedelta(seconds=10), queue=timedelta(seconds=1), boot=timedelta(seconds=1))
    bitrise.add_webhook(shop, door.url)
    slow = bitrise.start_build(shop, workflow="deploy")
    await pass_time(bitrise, clock, seconds=30)
    quick = bitrise.start_build(shop, workflow="quick")
    await pass_time(bitrise, clock, hours=1)
    ended = [(at, json.loads(raw)["build_slug"]) for at, headers, raw in door.came if "finished" in str(headers)]
    assert ended == [(quick.finished_at, quick.slug), (slow.finished_at, slow.slug)]


async def test_a_pipeline_tells_of_its_builds(
    bitrise: PracticeBitrise, shop: App, bot: Caller, door: Door, clock: SteppedClock
) -> None:
    bitrise.add_webhook(shop, door.url)
    await bot.trigger(shop, pipeline_id="release", branch="main")
    await pass_time(bitrise, clock, hours=1)
    [run] = shop.pipeline_runs
    assert sorted(slug for event, slug, _ in door.told if event == "build/finished") == sorted(
        build.slug for build in run.builds
    )
    assert len(door.told) == 6


@pytest.mark.parametrize("status", [500, 404, 302])
async def test_there_is_one_attempt_whatever_the_answer(
    bitrise: PracticeBitrise, shop: App, admin: Caller, door: Door, clock: SteppedClock, status: int
) -> None:
    hook = bitrise.add_webhook(shop, door.url, secret="a-long-secret")
    door.status = status
    build = bitrise.start_build(shop, workflow="endless")
    await pass_time(bitrise, clock, days=1)
    assert door.told == [("build/triggered", build.slug, 0)]
    place = f"/apps/{shop.slug}/outgoing-webhooks/{hook.slug}/delivery-items"
    [listed] = (await admin.get(place)).data
    shown = (await admin.get(f"{place}/{listed['slug']}")).body
    assert shown == listed
    assert (shown["response_http_status"], shown["response_body"]) == (status, "thanks")
    assert shown["request_payload"].encode() == door.came[0][2]
    [entry] = bitrise.journal.named("webhooks.deliver")
    assert (entry.direction, entry.response["status"]) == ("out", status)
    assert entry.request["body"]["build_slug"] == build.slug
    assert "a-long-secret" not in bitrise.journal.dump()


async def test_nobody_at_home_is_written_down(bitrise: PracticeBitrise, shop: App, admin: Caller) -> None:
    hook = bitrise.add_webhook(shop, "http://127.0.0.1:9/hook")
    bitrise.start_build(shop)
    await bitrise.quiet()
    [item] = (await admin.get(f"/apps/{shop.slug}/outgoing-webhooks/{hook.slug}/delivery-items")).data
    assert (item["response_http_status"], item["response_body"]) == (None, "ClientConnectorError")


async def test_a_delivery_is_made_again_on_demand(
    bitrise: PracticeBitrise, shop: App, admin: Caller, door: Door, clock: SteppedClock
) -> None:
    hook = bitrise.add_webhook(shop, door.url, secret="shh")
    door.status = 503
    build = bitrise.start_build(shop)
    await pass_time(bitrise, clock, hours=1)
    door.status = 200
    place = f"/apps/{shop.slug}/outgoing-webhooks/{hook.slug}/delivery-items"
    first = (await admin.get(place)).data[-1]
    assert (await admin.send("POST", f"{place}/{first['slug']}/redeliver")).status == 200
    await bitrise.quiet()
    assert door.told[-1] == ("build/triggered", build.slug, 0)
    assert door.came[-1][2] == door.came[0][2]
    assert [item["response_http_status"] for item in (await admin.get(place)).data] == [200, 503, 503]
    assert (await admin.send("POST", f"{place}/nothing/redeliver")).status == 404


async def test_a_lost_one_never_arrives(bitrise: PracticeBitrise, shop: App, door: Door, clock: SteppedClock) -> None:
    hook = bitrise.add_webhook(shop, door.url)
    bitrise.delivery_faults.add(Fault("build/finished", kind="lost"))
    bitrise.start_build(shop)
    await pass_time(bitrise, clock, hours=1)
    assert [event for event, _, _ in door.told] == ["build/triggered"]
    assert [(each.status, each.answer) for each in hook.deliveries] == [(200, "thanks"), (None, "lost on the way")]


async def test_a_doubled_one_arrives_twice(
    bitrise: PracticeBitrise, shop: App, door: Door, clock: SteppedClock
) -> None:
    bitrise.add_webhook(shop, door.url)
    bitrise.delivery_faults.add(Fault("build/triggered", kind="twice"))
    bitrise.delivery_faults.add(Fault("build/finished", kind="twice", delay=90))
    build = bitrise.start_build(shop)
    await pass_time(bitrise, clock, hours=1)
    assert [event for event, _, _ in door.told] == ["build/triggered"] * 2 + ["build/finished"] * 2
    assert build.finished_at is not None
    assert [at - build.finished_at for at, _, _ in door.came[2:]] == [timedelta(0), timedelta(seconds=90)]


async def test_a_late_one_is_overtaken(bitrise: PracticeBitrise, shop: App, door: Door, clock: SteppedClock) -> None:
    bitrise.add_webhook(shop, door.url)
    bitrise.delivery_faults.add(Fault("build/triggered", kind="late", delay=1800, where={"app": shop.slug}))
    build = bitrise.start_build(shop)
    await pass_time(bitrise, clock, hours=1)
    assert door.told == [("build/finished", build.slug, 1), ("build/triggered", build.slug, 0)]


async def test_faults_of_calls_leave_deliveries_alone(bitrise: PracticeBitrise, shop: App, door: Door) -> None:
    bitrise.add_webhook(shop, door.url)
    bitrise.faults.add(Fault(status=503))
    bitrise.start_build(shop)
    await bitrise.quiet()
    assert len(door.came) == len(bitrise.faults) == 1


async def test_a_misspelt_mishap_is_refused(bitrise: PracticeBitrise) -> None:
    with pytest.raises(ValueError, match="no such kind of fault: losst"):
        bitrise.delivery_faults.add(Fault(kind="losst"))


async def test_quiet_waits_for_the_answer(bitrise: PracticeBitrise, shop: App, door: Door) -> None:
    bitrise.add_webhook(shop, door.url)
    door.may_answer.clear()
    bitrise.start_build(shop)
    assert bitrise.is_busy
    waiting = asyncio.create_task(bitrise.quiet())
    while not door.came:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert not waiting.done()
    door.may_answer.set()
    await waiting
    assert not bitrise.is_busy


async def test_what_is_on_its_way_arrives_before_the_end(clock: SteppedClock, door: Door) -> None:
    bitrise = PracticeBitrise(clock)
    await bitrise.start()
    shop = bitrise.add_app("Shop", bitrise.add_workspace("Acme"))
    hook = bitrise.add_webhook(shop, door.url)
    bitrise.delivery_faults.add(Fault(kind="late", delay=60))
    bitrise.start_build(shop)
    bitrise.start_build(shop)
    await bitrise.stop()
    assert len(door.came) == len(hook.deliveries) == 1
    bitrise.start_build(shop)
    assert not bitrise.is_busy
    assert clock.next_waking() is None
