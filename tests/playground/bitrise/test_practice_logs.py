"""Logs in chunks and from the archive, the steps of a build, its artifacts."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from playground.bitrise import App, Build, PracticeBitrise
from tests.playground.bitrise import openapi
from tests.playground.bitrise.conftest import Caller, Reply, Time


def place(build: Build, more: str) -> str:
    return f"/apps/{build.app.slug}/builds/{build.slug}/{more}"


def joined(chunks: list[dict[str, Any]]) -> str:
    return "".join(each["chunk"] for each in sorted(chunks, key=lambda each: each["position"]))


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


async def test_a_step_has_a_log_of_its_own(
    bitrise: PracticeBitrise, shop: App, bot: Caller, http: aiohttp.ClientSession, time: Time
) -> None:
    build = bitrise.start_build(shop, workflow="test")
    time.passes(hours=1)
    url = (await bot.get(place(build, f"log/steps/{build.slug}-1"))).body["expiring_raw_log_url"]
    raw = await fetch(http, url)
    assert '{"message": "boom\\n"}' in raw.body
    for unknown in (f"{build.slug}-2", f"{build.slug}-9", "nothing", f"nothing-{build.slug}"):
        assert (await bot.get(place(build, f"log/steps/{unknown}"))).status == 404


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


async def test_artifacts_are_there_after_the_end(bitrise: PracticeBitrise, shop: App, bot: Caller, time: Time) -> None:
    build = bitrise.start_build(shop, workflow="deploy")
    assert (await bot.get(place(build, "artifacts"))).data == []
    time.passes(minutes=10)
    listed = (await bot.get(place(build, "artifacts"), limit=1)).body
    assert [each["title"] for each in listed["data"]] == ["Shop.ipa"]
    assert listed["data"][0]["artifact_meta"] == {"file_size_bytes": "3558274.000000"}
    rest = (await bot.get(place(build, "artifacts"), limit=1, next=listed["paging"]["next"])).body
    assert [(each["title"], each["artifact_meta"]) for each in rest["data"]] == [("log.txt", None)]


async def test_an_artifact_is_downloaded_and_installed(
    bitrise: PracticeBitrise, shop: App, bot: Caller, http: aiohttp.ClientSession, time: Time
) -> None:
    build = bitrise.start_build(shop, workflow="deploy")
    time.passes(minutes=10)
    public, private = (await bot.get(place(build, "artifacts"))).data
    shown = (await bot.get(place(build, f"artifacts/{public['slug']}"))).data
    assert (await fetch(http, shown["public_install_page_url"])).status == 200
    assert (await fetch(http, shown["expiring_download_url"])).status == 200
    assert (await bot.get(place(build, f"artifacts/{private['slug']}"))).data["public_install_page_url"] == ""
    led = await bot.send(
        "GET", place(build, f"artifacts/{public['slug']}"), params={"download": "1"}, allow_redirects=False
    )
    assert (led.status, led.headers["Location"]) == (302, shown["expiring_download_url"])
    assert (await bot.get(place(build, "artifacts/nothing"))).status == 404


async def test_a_build_has_a_page_that_escapes(
    bitrise: PracticeBitrise, shop: App, bot: Caller, http: aiohttp.ClientSession
) -> None:
    reply = await bot.trigger(shop, workflow_id="primary", branch="main", commit_message="<script>alert(1)</script>")
    page = await fetch(http, reply.body["build_url"])
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "iOS Shop #1" in page.body
    assert "<script>" not in page.body
