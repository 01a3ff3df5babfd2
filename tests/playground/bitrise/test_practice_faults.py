"""Faults, hooks, and their journal entries."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from playground.bitrise import App, Build, Fault, PracticeBitrise
from tests.playground.bitrise.conftest import Caller


@pytest.fixture
def build(bitrise: PracticeBitrise, shop: App) -> Build:
    return bitrise.start_build(shop, workflow="endless")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
async def test_a_status_once(bitrise: PracticeBitrise, bot: Caller, shop: App, status: int) -> None:
    bitrise.faults.add(Fault("builds.list", status=status))
    spoilt = await bot.get(f"/apps/{shop.slug}/builds")
    assert spoilt.status == status
    assert list(spoilt.body) == ["message"]
    assert (await bot.get(f"/apps/{shop.slug}/builds")).status == 200


async def test_too_many_requests_say_when_to_come_back(bitrise: PracticeBitrise, bot: Caller) -> None:
    bitrise.faults.add(Fault("apps.*", status=429, retry_after=7, times=2))
    replies = [await bot.get("/apps") for _ in range(3)]
    assert [reply.status for reply in replies] == [429, 429, 200]
    assert replies[0].headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("message", {"message": "No"}),
        ("error_msg", {"error_msg": "No"}),
        ("error", {"error": "No"}),
        ("errors", {"errors": ["No"]}),
        ("errors_object", {"errors": {"base": ["No"]}}),
        ("trigger", {"status": "error", "message": "No", "service": "bitrise"}),
        ("text", "No"),
    ],
)
async def test_every_form_of_error(bitrise: PracticeBitrise, bot: Caller, form: str, body: Any) -> None:
    bitrise.faults.add(Fault("apps.list", status=400, error="No", form=form))
    assert (await bot.get("/apps")).body == body


@pytest.mark.parametrize("fault", [Fault(status=502), Fault(kind="html", status=200), Fault(kind="html")])
async def test_a_gateway_answers_with_a_page(bitrise: PracticeBitrise, bot: Caller, fault: Fault) -> None:
    bitrise.faults.add(fault)
    reply = await bot.get("/apps")
    assert reply.status == (fault.status or 502)
    assert reply.headers["Content-Type"].startswith("text/html")
    assert reply.body.startswith("<!DOCTYPE html>")


async def test_a_success_may_carry_an_error(bitrise: PracticeBitrise, bot: Caller, shop: App) -> None:
    body = {"status": "error", "message": "no", "results": [{"status": "error", "message": "no"}]}
    bitrise.faults.add(Fault("builds.trigger", kind="body", status=201, body=body))
    reply = await bot.trigger(shop, branch="main")
    assert (reply.status, reply.body, bitrise.builds()) == (201, body, [])


async def test_json_may_break_off(bitrise: PracticeBitrise, bot: Caller) -> None:
    bitrise.faults.add(Fault(kind="broken_json"))
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        await bot.get("/apps")


async def test_nulls_leave_only_what_names_a_thing(bitrise: PracticeBitrise, bot: Caller, build: Build) -> None:
    place = f"/apps/{build.app.slug}/builds/{build.slug}"
    bitrise.faults.add(Fault("builds.get", kind="nulls"))
    bitrise.faults.add(Fault("builds.get", kind="all_nulls"))
    some, none = (await bot.get(place)).data, (await bot.get(place)).data
    assert {key: value for key, value in some.items() if value is not None} == {"slug": build.slug, "status": 0}
    assert set(none.values()) == {None}


async def test_cut_before_there_is_no_effect(bitrise: PracticeBitrise, bot: Caller, shop: App) -> None:
    bitrise.faults.add(Fault("builds.trigger", kind="cut_before"))
    with pytest.raises(aiohttp.ClientError):
        await bot.trigger(shop, branch="main")
    assert bitrise.builds() == []


async def test_cut_after_there_is(bitrise: PracticeBitrise, bot: Caller, shop: App) -> None:
    bitrise.faults.add(Fault("builds.trigger", kind="cut_after"))
    with pytest.raises(aiohttp.ClientError):
        await bot.trigger(shop, branch="main")
    assert len(bitrise.builds()) == len(bitrise.triggers) == 1


async def test_an_error_may_hide_an_effect(bitrise: PracticeBitrise, bot: Caller, shop: App) -> None:
    bitrise.faults.add(Fault("builds.trigger", status=500, effect=True))
    assert (await bot.trigger(shop, branch="main")).status == 500
    assert len(bitrise.builds()) == 1


async def test_slow_answers_are_late_for_who_does_not_wait(bitrise: PracticeBitrise, bot: Caller) -> None:
    bitrise.faults.add(Fault("apps.list", kind="slow", delay=3600))
    with pytest.raises(TimeoutError):
        await bot.send("GET", "/apps", timeout=aiohttp.ClientTimeout(total=0.05))
    assert (await bot.get("/apps")).status == 200


async def test_a_fault_may_aim_at_a_path(bitrise: PracticeBitrise, bot: Caller, build: Build) -> None:
    bitrise.faults.add(Fault(f"*/builds/{build.slug}", status=500, times=None))
    other = bitrise.start_build(build.app)
    places = [f"/apps/{build.app.slug}/builds/{each.slug}" for each in (build, other, build)]
    assert [(await bot.get(place)).status for place in places] == [500, 200, 500]


async def test_hooks_see_a_call_pass_its_points(bitrise: PracticeBitrise, bot: Caller, shop: App) -> None:
    seen: list[tuple[str, int, int | None]] = []

    async def note(facts: Mapping[str, Any]) -> None:
        seen.append((facts["phase"], len(bitrise.builds()), facts["answer"].get("status")))

    bitrise.on("builds.trigger", "before", note)
    bitrise.on("builds.trigger", "accepted", note)
    bitrise.on("builds.*", "answered", note)
    await bot.trigger(shop, branch="main")
    await bitrise.quiet()
    assert seen == [("before", 0, None), ("accepted", 1, 201), ("answered", 1, 201)]


async def test_a_refused_call_is_not_accepted(bitrise: PracticeBitrise, bot: Caller, shop: App) -> None:
    seen: list[str] = []

    async def note(facts: Mapping[str, Any]) -> None:
        seen.append(facts["phase"])

    bitrise.on("*", "accepted", note)
    bitrise.on("*", "answered", note)
    await bot.trigger(shop, workflow_id="nope")
    await bitrise.quiet()
    assert seen == ["answered"]


async def test_quiet_waits_for_calls_that_are_being_answered(bitrise: PracticeBitrise, bot: Caller, shop: App) -> None:
    may_go_on, is_there = asyncio.Event(), asyncio.Event()

    async def wait(_: Mapping[str, Any]) -> None:
        is_there.set()
        await may_go_on.wait()

    bitrise.on("apps.list", "before", wait)
    call = asyncio.create_task(bot.get("/apps"))
    await is_there.wait()
    quiet = asyncio.create_task(bitrise.quiet())
    await asyncio.sleep(0)
    assert not quiet.done()
    may_go_on.set()
    await quiet
    assert (await call).status == 200


async def test_the_journal_tells_all_but_tokens(bitrise: PracticeBitrise, bot: Caller, shop: App) -> None:
    await bot.trigger(shop, branch="main")
    bitrise.faults.add(Fault("builds.abort", kind="cut_after"))
    with pytest.raises(aiohttp.ClientError):
        await bot.post(f"/apps/{shop.slug}/builds/{bitrise.builds()[0].slug}/abort", {"abort_reason": "why"})
    await bitrise.quiet()
    trigger, abort = bitrise.journal
    assert (trigger.name, trigger.response["status"]) == ("builds.trigger", 201)
    assert (abort.request["body"], abort.response) == ({"abort_reason": "why"}, {"cut": True})
    assert bot.token not in bitrise.journal.dump()
    assert "builds.abort" in bitrise.journal.dump()


async def test_a_misspelt_fault_is_refused(bitrise: PracticeBitrise) -> None:
    with pytest.raises(ValueError, match="no such kind of fault: cut_affter"):
        bitrise.faults.add(Fault(kind="cut_affter"))
