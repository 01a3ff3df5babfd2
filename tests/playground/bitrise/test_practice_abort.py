"""Abort builds through the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from playground.bitrise import App, Build, PracticeBitrise, Status
from tests.playground.bitrise.conftest import Caller, Time

OVER = {"error_msg": "Build already finished, can't abort it."}


@pytest.fixture
def running(bitrise: PracticeBitrise, shop: App) -> Build:
    build = bitrise.start_build(shop, workflow="endless", commit_hash="a1b2c3")
    bitrise.run(build)
    return build


def abort_path(build: Build) -> str:
    return f"/apps/{build.app.slug}/builds/{build.slug}/abort"


async def shown(bot: Caller, build: Build) -> dict[str, Any]:
    data: dict[str, Any] = (await bot.get(f"/apps/{build.app.slug}/builds/{build.slug}")).data
    return data


async def test_the_reason_names_the_owner_of_the_token(bot: Caller, running: Build) -> None:
    reply = await bot.post(abort_path(running), {"abort_reason": "[wrong-target] wrong branch"})
    assert (reply.status, reply.body) == (200, {"status": "ok"})
    build = await shown(bot, running)
    assert (build["status"], build["status_text"]) == (3, "aborted")
    assert build["abort_reason"] == (
        "User bitrise-bot requested to abort this build with reason: [wrong-target] wrong branch"
    )
    assert build["finished_at"] == "2026-03-02T09:00:00Z"


@pytest.mark.parametrize("body", [{}, {"abort_reason": ""}, {"abort_reason": None}])
async def test_a_reason_may_be_missing(bot: Caller, running: Build, body: dict[str, Any]) -> None:
    await bot.post(abort_path(running), body)
    assert (await shown(bot, running))["abort_reason"] == "User bitrise-bot requested to abort this build."


async def test_green_is_another_status(bot: Caller, running: Build) -> None:
    await bot.post(abort_path(running), {"abort_with_success": True})
    build = await shown(bot, running)
    assert (build["status"], build["status_text"]) == (4, "aborted-with-success")
    assert running.git_status == "success"


async def test_the_flags_are_remembered(bitrise: PracticeBitrise, bot: Caller, running: Build) -> None:
    body = {
        "abort_reason": "quiet",
        "abort_with_success": False,
        "skip_notifications": True,
        "skip_git_status_report": True,
    }
    await bot.post(abort_path(running), body)
    [call] = bitrise.aborts
    assert (call.build, call.owner, call.reason) == (running, "bitrise-bot", "quiet")
    assert (call.with_success, call.skip_notifications, call.skip_git_status_report) == (False, True, True)
    assert running.git_status == "pending"
    assert (await shown(bot, running))["is_status_sent"] is False


async def test_the_second_abort_is_an_error(bitrise: PracticeBitrise, bot: Caller, running: Build) -> None:
    await bot.post(abort_path(running), {"abort_reason": "first"})
    reply = await bot.post(abort_path(running), {"abort_reason": "second"})
    assert (reply.status, reply.body, len(bitrise.aborts)) == (400, OVER, 1)


async def test_what_has_ended_stays_as_it_ended(bitrise: PracticeBitrise, bot: Caller, running: Build) -> None:
    bitrise.finish(running, "success")
    assert (await bot.post(abort_path(running), {})).body == OVER
    assert running.status is Status.SUCCESS


async def test_on_hold_it_never_reached_a_machine(bitrise: PracticeBitrise, bot: Caller, shop: App) -> None:
    waiting = bitrise.start_build(shop)
    await bot.post(abort_path(waiting), {})
    build = await shown(bot, waiting)
    assert (build["started_on_worker_at"], build["credit_cost"], build["is_processed"]) == (None, None, True)


@pytest.mark.parametrize("body", [[], {"abort_reason": 1}, {"abort_with_success": "yes"}, {"skip_notifications": 0}])
async def test_what_is_not_right_aborts_nothing(
    bitrise: PracticeBitrise, bot: Caller, running: Build, body: Any
) -> None:
    assert (await bot.post(abort_path(running), body)).status == 400
    assert (running.is_finished, bitrise.aborts) == (False, [])


async def test_a_body_is_needed(bot: Caller, running: Build) -> None:
    assert (await bot.send("POST", abort_path(running))).status == 400
    assert not running.is_finished


async def test_an_abort_may_take_its_time(bitrise: PracticeBitrise, bot: Caller, running: Build, time: Time) -> None:
    bitrise.abort_takes = timedelta(seconds=3)
    assert (await bot.post(abort_path(running), {"abort_reason": "slow"})).status == 200
    assert (await shown(bot, running))["status"] == 0
    assert (await bot.post(abort_path(running), {})).body == OVER
    time.passes(seconds=3)
    assert (await shown(bot, running))["abort_reason"].endswith("with reason: slow")


async def test_somebody_aborts_in_the_web_page(bitrise: PracticeBitrise, bot: Caller, running: Build) -> None:
    bitrise.abort_in_web(running, "octocat")
    assert (await shown(bot, running))["abort_reason"] == "User octocat requested to abort this build."
    assert bitrise.aborts == []
