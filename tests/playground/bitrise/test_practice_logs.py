"""Logs in chunks and from the archive, and the steps of a build."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from playground.bitrise import App, Build, PracticeBitrise
from playground.bitrise.model import LogQuirk
from playground.bitrise.sample_logs import SAMPLE_LOGS
from tests.playground.bitrise import openapi
from tests.playground.bitrise.conftest import Caller, Reply, Time


def place(build: Build, more: str) -> str:
    return f"/apps/{build.app.slug}/builds/{build.slug}/{more}"


def joined(chunks: list[dict[str, Any]]) -> str:
    return "".join(each["chunk"] for each in sorted(chunks, key=lambda each: each["position"]))


def failed_build(bitrise: PracticeBitrise, app: App, log: str, *quirks: LogQuirk) -> Build:
    """Create a build that fails after 4 minutes in the second of three steps."""
    app.workflows["odd"] = replace(app.workflows["test"], log=log, log_quirks=quirks)
    return bitrise.start_build(app, workflow="odd")


async def fetch(http: aiohttp.ClientSession, url: str, **headers: str) -> Reply:
    async with http.get(url, headers=headers) as response:
        return Reply(response.status, await response.text(), response.headers)


async def test_there_is_no_log_in_the_first_seconds(
    bitrise: PracticeBitrise, shop: App, bot: Caller, time: Time
) -> None:
    build = bitrise.start_build(shop)
    bitrise.run(build)
    time.passes(seconds=14)
    assert (await bot.get(place(build, "log"))).status == 404
    time.passes(seconds=1)
    assert (await bot.get(place(build, "log"))).status == 200


async def test_there_is_never_a_log_without_a_machine(
    bitrise: PracticeBitrise, shop: App, bot: Caller, time: Time
) -> None:
    build = bitrise.start_build(shop)
    bitrise.abort_in_web(build, "ana")
    time.passes(days=1)
    assert (await bot.get(place(build, "log"))).status == 404
    assert (await bot.get(place(build, "log/summary"))).status == 404


async def test_on_hold_the_log_is_empty(bitrise: PracticeBitrise, shop: App, bot: Caller, time: Time) -> None:
    build = bitrise.start_build(shop)
    bitrise.hold(build)
    time.passes(minutes=1)
    log = (await bot.get(place(build, "log"))).body
    assert (log["log_chunks"], log["is_archived"], log["next_after_timestamp"]) == ([], False, "0001-01-01T00:00:00Z")


async def test_chunks_come_in_no_order_and_go_on_where_they_were(
    bitrise: PracticeBitrise, shop: App, bot: Caller, time: Time
) -> None:
    build = bitrise.start_build(shop, workflow="deploy")
    bitrise.run(build)
    time.passes(minutes=4)
    first = (await bot.get(place(build, "log"))).body
    positions = [each["position"] for each in first["log_chunks"]]
    assert positions != sorted(positions)
    assert sorted(positions) == list(range(1, len(positions) + 1))
    time.passes(minutes=2)
    more = (await bot.get(place(build, "log"), after_timestamp=first["next_after_timestamp"])).body
    known = {each["position"]: each["chunk"] for each in first["log_chunks"]}
    known |= {each["position"]: each["chunk"] for each in more["log_chunks"]}
    whole = (await bot.get(place(build, "log"))).body["log_chunks"]
    assert [known[position] for position in sorted(known)] == [
        each["chunk"] for each in sorted(whole, key=lambda each: each["position"])
    ]


async def test_the_archive_comes_late_and_needs_no_token(
    bitrise: PracticeBitrise, shop: App, bot: Caller, http: aiohttp.ClientSession, time: Time
) -> None:
    build = bitrise.start_build(shop, workflow="test")
    bitrise.run(build)
    time.passes(minutes=4)
    fresh = (await bot.get(place(build, "log"))).body
    assert fresh["is_archived"] is False
    assert "boom\n" in joined(fresh["log_chunks"])
    time.passes(seconds=10)
    archived = (await bot.get(place(build, "log"))).body
    assert (archived["is_archived"], archived["log_chunks"]) == (True, [])
    raw = await fetch(http, archived["expiring_raw_log_url"])
    assert raw.body == joined(fresh["log_chunks"])


async def test_a_signed_url_ends_and_does_not_like_tokens(
    bitrise: PracticeBitrise, shop: App, bot: Caller, http: aiohttp.ClientSession, time: Time
) -> None:
    build = bitrise.start_build(shop, workflow="test")
    time.passes(hours=1)
    url = (await bot.get(place(build, "log"))).body["expiring_raw_log_url"]
    assert (await fetch(http, url, Authorization=bot.token)).status == 400
    assert (await fetch(http, url.replace("signature=", "signature=0"))).status == 403
    assert (await fetch(http, url)).status == 200
    time.passes(minutes=10)
    assert (await fetch(http, url)).status == 403


async def test_a_tester_reads_no_log(bitrise: PracticeBitrise, shop: App, bot: Caller, time: Time) -> None:
    bitrise.set_role(bot.token, "tester")
    build = bitrise.start_build(shop)
    time.passes(hours=1)
    assert (await bot.get(place(build, "log"))).status == 404


async def test_the_summary_names_the_failed_step(bitrise: PracticeBitrise, shop: App, bot: Caller, time: Time) -> None:
    build = bitrise.start_build(shop, workflow="test")
    time.passes(hours=1)
    summary = (await bot.get(place(build, "log/summary"))).body
    [workflow] = summary["execution"]["workflows"]
    assert [(step["step_id"], step["status"]) for step in workflow["steps"]] == [
        ("git-clone", "success"),
        ("xcode-test", "failed"),
        ("deploy", "skipped"),
    ]
    assert workflow["steps"][1]["errors"] == [{"code": 1, "message": "boom"}]


async def test_the_summary_of_a_running_and_of_an_aborted_build(
    bitrise: PracticeBitrise, shop: App, bot: Caller, time: Time
) -> None:
    build = bitrise.start_build(shop, workflow="deploy")
    bitrise.run(build)
    time.passes(minutes=2)
    [running] = (await bot.get(place(build, "log/summary"))).body["execution"]["workflows"]
    assert [step["status"] for step in running["steps"]] == ["success", "running"]
    bitrise.abort_in_web(build, "ana")
    [aborted] = (await bot.get(place(build, "log/summary"))).body["execution"]["workflows"]
    assert [step["status"] for step in aborted["steps"]] == ["success", "aborted", "skipped", "skipped"]


async def test_the_summary_has_its_described_shape(
    bitrise: PracticeBitrise, shop: App, bot: Caller, time: Time
) -> None:
    if not openapi.LOG_SUMMARY.exists():
        pytest.skip(openapi.WHY_SKIPPED)
    build = bitrise.start_build(shop, workflow="primary")
    time.passes(hours=1)
    summary = await bot.get(place(build, "log/summary"))
    assert openapi.log_summary_mismatches(summary.body) == []


@pytest.mark.parametrize("name", sorted(SAMPLE_LOGS))
async def test_a_log_is_printed_as_the_tool_prints_it(
    bitrise: PracticeBitrise, shop: App, bot: Caller, http: aiohttp.ClientSession, time: Time, name: str
) -> None:
    build = failed_build(bitrise, shop, SAMPLE_LOGS[name])
    time.passes(hours=1)
    raw = await fetch(http, (await bot.get(place(build, "log"))).body["expiring_raw_log_url"])
    assert SAMPLE_LOGS[name] in raw.body


async def test_a_step_has_a_log_of_its_own(
    bitrise: PracticeBitrise, shop: App, bot: Caller, http: aiohttp.ClientSession, time: Time
) -> None:
    build = failed_build(bitrise, shop, SAMPLE_LOGS["progress"] + "more\n" * 50)
    time.passes(minutes=10)
    [workflow] = (await bot.get(place(build, "log/summary"))).body["execution"]["workflows"]
    cloned, failed, skipped = (step["uuid"] for step in workflow["steps"])
    url = (await bot.get(place(build, f"log/steps/{failed}"))).body["expiring_raw_log_url"]
    pieces = json.loads((await fetch(http, url)).body)
    assert len(pieces) > 1
    assert "".join(piece["message"] for piece in pieces) == build.plan.log
    assert (await bot.get(place(build, f"log/steps/{cloned}"))).status == 200
    assert (await bot.get(place(build, f"log/steps/{skipped}"))).status == 404
    assert (await bot.get(place(build, "log/steps/nothing"))).status == 404
    assert (await fetch(http, url, Authorization=bot.token)).status == 400
    time.passes(minutes=10)
    assert (await fetch(http, url)).status == 403


async def test_chunks_may_come_twice_and_leave_gaps(
    bitrise: PracticeBitrise, shop: App, bot: Caller, time: Time
) -> None:
    build = failed_build(bitrise, shop, "line\n" * 100, "repeats", "gaps", "from-zero")
    time.passes(minutes=4, seconds=30)
    positions = [each["position"] for each in (await bot.get(place(build, "log"))).body["log_chunks"]]
    assert len(positions) == 2 * len(set(positions))
    assert set(range(max(positions))) - set(positions)
    assert min(positions) == 0


async def test_an_archive_may_have_no_address(bitrise: PracticeBitrise, shop: App, bot: Caller, time: Time) -> None:
    build = failed_build(bitrise, shop, "boom", "no-url")
    time.passes(hours=1)
    log = (await bot.get(place(build, "log"))).body
    assert (log["is_archived"], log["log_chunks"], "expiring_raw_log_url" in log) == (True, [], False)


async def test_a_log_may_never_be_archived(bitrise: PracticeBitrise, shop: App, bot: Caller, time: Time) -> None:
    build = failed_build(bitrise, shop, "boom", "never-archived")
    time.passes(minutes=2)
    assert (await bot.get(place(build, "log"))).body["log_chunks"]
    bitrise.abort_in_web(build, "ana")
    time.passes(days=1)
    log = (await bot.get(place(build, "log"))).body
    assert (log["is_archived"], log["log_chunks"]) == (False, [])


async def test_a_log_may_never_be_there(bitrise: PracticeBitrise, shop: App, bot: Caller, time: Time) -> None:
    build = failed_build(bitrise, shop, "boom", "never")
    time.passes(days=1)
    assert [(await bot.get(place(build, each))).status for each in ("log", "log/summary")] == [404, 404]


async def test_a_build_has_a_page_that_escapes(
    bitrise: PracticeBitrise, shop: App, bot: Caller, http: aiohttp.ClientSession
) -> None:
    reply = await bot.trigger(shop, workflow_id="primary", branch="main", commit_message="<script>alert(1)</script>")
    page = await fetch(http, reply.body["build_url"])
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "iOS Shop #1" in page.body
    assert "<script>" not in page.body


async def test_the_log_ends_with_a_box_that_marks_the_failed_step(
    bitrise: PracticeBitrise, shop: App, bot: Caller, time: Time
) -> None:
    build = bitrise.start_build(shop, workflow="test")
    bitrise.run(build)
    time.passes(minutes=4)
    log = joined((await bot.get(place(build, "log"))).body["log_chunks"])
    _, summary = log.split("bitrise summary")
    assert "x\x1b[0m | xcode-test (exit code: 1)" in summary
    assert all(len(line) == 80 for line in log.splitlines() if line.startswith("+"))
