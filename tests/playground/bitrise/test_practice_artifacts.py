"""Artifacts: listed, shown, downloaded, installed, made public."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from playground.bitrise import App, Artifact, Build, PracticeBitrise, aab, apk, ipa
from tests.playground.bitrise.conftest import Caller, Time
from tests.playground.bitrise.test_practice_logs import fetch, place


def finished_build(bitrise: PracticeBitrise, app: App, *artifacts: Artifact) -> Build:
    app.workflows["many"] = replace(app.workflows["deploy"], artifacts=artifacts)
    build = bitrise.start_build(app, workflow="many")
    bitrise.finish(build)
    return build


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


async def test_apps_tell_of_themselves(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    ios, android = ipa(version="3.2.1", build_number="77"), apk(version="3.2.2", build_number="78")
    build = finished_build(bitrise, shop, ios, android, aab(), Artifact("report.html"))
    listed = {each["title"]: each for each in (await bot.get(place(build, "artifacts"))).data}
    kinds = {title: (each["artifact_type"], each["is_public_page_enabled"]) for title, each in listed.items()}
    assert kinds == {
        "Shop.ipa": ("ios-ipa", True),
        "shop-release.apk": ("android-apk", True),
        "shop-release.aab": ("android-apk", False),
        "report.html": ("file", False),
    }
    app_info = listed["Shop.ipa"]["artifact_meta"]["app_info"]
    assert (app_info["bundle_id"], app_info["version"], app_info["build_number"]) == ("dev.acme.shop", "3.2.1", "77")
    app_info = listed["shop-release.apk"]["artifact_meta"]["app_info"]
    assert (app_info["package_name"], app_info["version_name"], app_info["version_code"]) == (
        "dev.acme.shop",
        "3.2.2",
        "78",
    )
    assert listed["shop-release.apk"]["artifact_meta"]["file_size_bytes"] == "31870114.000000"
    assert listed["report.html"]["artifact_meta"] is None


async def test_a_page_is_opened_and_closed(
    bitrise: PracticeBitrise, shop: App, bot: Caller, http: aiohttp.ClientSession
) -> None:
    build = finished_build(bitrise, shop, ipa(is_public=False))
    one = place(build, f"artifacts/{build.artifacts[0].slug}")
    opened = await bot.send("PATCH", one, json={"is_public_page_enabled": True})
    page = opened.data["public_install_page_url"]
    assert (opened.status, (await fetch(http, page)).status) == (200, 200)
    closed = await bot.send("PATCH", one, json={"is_public_page_enabled": False})
    assert (closed.data["is_public_page_enabled"], closed.data["public_install_page_url"]) == (False, "")
    assert (await fetch(http, page)).status == 404


@pytest.mark.parametrize(
    "artifact", [Artifact("report.html"), aab(), ipa(export_method="app-store")], ids=["file", "aab", "app-store"]
)
async def test_what_cannot_be_installed_gets_no_page(
    bitrise: PracticeBitrise, shop: App, bot: Caller, artifact: Artifact
) -> None:
    build = finished_build(bitrise, shop, artifact)
    one = place(build, f"artifacts/{build.artifacts[0].slug}")
    assert (await bot.send("PATCH", one, json={"is_public_page_enabled": True})).status == 400
    assert (await bot.get(one)).data["is_public_page_enabled"] is False


@pytest.mark.parametrize("body", [{}, {"is_public_page_enabled": None}, {"is_public_page_enabled": "true"}])
async def test_on_or_off_has_to_be_said(bitrise: PracticeBitrise, shop: App, bot: Caller, body: Any) -> None:
    build = finished_build(bitrise, shop, ipa())
    one = place(build, f"artifacts/{build.artifacts[0].slug}")
    assert (await bot.send("PATCH", one, json=body)).status == 400
    assert build.artifacts[0].is_public


async def test_a_tester_opens_no_page(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    build = finished_build(bitrise, shop, ipa(is_public=False))
    bitrise.set_role(bot.token, "tester")
    one = place(build, f"artifacts/{build.artifacts[0].slug}")
    assert (await bot.send("PATCH", one, json={"is_public_page_enabled": True})).status == 404
    assert (await bot.get(one)).status == 200
    assert not build.artifacts[0].is_public


async def test_more_than_fifty_come_in_pages(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    build = finished_build(bitrise, shop, *(Artifact(f"{number}.txt") for number in range(60)))
    first = (await bot.get(place(build, "artifacts"))).body
    rest = (await bot.get(place(build, "artifacts"), next=first["paging"]["next"])).body
    titles = [each["title"] for each in first["data"] + rest["data"]]
    assert (len(first["data"]), titles) == (50, [f"{number}.txt" for number in range(60)])
    assert rest["paging"] == {"total_item_count": 60, "page_item_limit": 50}
