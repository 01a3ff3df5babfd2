"""Tokens, roles, and the apps they see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from playground.bitrise import App, PracticeBitrise, Workspace
from tests.playground.bitrise.conftest import Caller, Time


async def test_a_personal_token_says_whose_it_is(bot: Caller) -> None:
    reply = await bot.get("/me")
    assert (reply.status, reply.data["username"]) == (200, "bitrise-bot")


async def test_a_workspace_token_is_nobody_but_sees_apps(
    bitrise: PracticeBitrise, acme: Workspace, shop: App, http: aiohttp.ClientSession
) -> None:
    caller = Caller(http, bitrise.api_url, bitrise.add_workspace_token(acme))
    assert (await caller.get("/me")).status == 404
    assert [app["slug"] for app in (await caller.get("/apps", limit=1)).data] == [shop.slug]


async def test_a_workspace_token_sees_no_other_workspace(
    bitrise: PracticeBitrise, shop: App, http: aiohttp.ClientSession
) -> None:
    caller = Caller(http, bitrise.api_url, bitrise.add_workspace_token(bitrise.add_workspace("Other")))
    assert (await caller.get("/apps")).data == []
    assert (await caller.get(f"/apps/{shop.slug}")).status == 404


@pytest.mark.parametrize(
    ("sent", "status"),
    [("{}", 200), ("token {}", 200), ("Bearer {}", 401), ("{}x", 401), ("", 401)],
)
async def test_the_header_takes_the_raw_token(bot: Caller, sent: str, status: int) -> None:
    reply = await bot.send("GET", "/apps", headers={"Authorization": sent.format(bot.token)})
    assert reply.status == status
    assert status == 200 or reply.body == {"message": "Unauthorized"}


async def test_a_revoked_token_is_refused(bitrise: PracticeBitrise, bot: Caller) -> None:
    bitrise.revoke(bot.token)
    assert (await bot.get("/apps")).status == 401


async def test_a_token_ends_at_its_time(bitrise: PracticeBitrise, bot: Caller, time: Time) -> None:
    ends_at = bitrise.now() + timedelta(days=1)
    bot.token = bitrise.add_token(bitrise.add_user("ana"), expires_at=ends_at)
    assert (await bot.get("/apps")).status == 200
    time.passes(days=1)
    assert (await bot.get("/apps")).status == 401


async def test_apps_come_in_pages_that_begin_with_next(bitrise: PracticeBitrise, acme: Workspace, bot: Caller) -> None:
    titles = {bitrise.add_app(f"App {number}", acme).title for number in range(5)}
    seen: list[str] = []
    following: dict[str, Any] = {}
    for _ in range(3):
        page = (await bot.get("/apps", limit=2, sort_by="created_at", **following)).body
        seen += [app["title"] for app in page["data"]]
        following = {"next": page["paging"].get("next")}
    assert sorted(seen) == sorted(titles)
    assert following == {"next": None}
    assert page["paging"] == {"total_item_count": 5, "page_item_limit": 2}


async def test_the_app_built_last_comes_first(
    bitrise: PracticeBitrise, acme: Workspace, bot: Caller, time: Time
) -> None:
    old, new = bitrise.add_app("Old", acme), bitrise.add_app("New", acme)
    time.passes(hours=1)
    bitrise.start_build(old)
    assert [app["slug"] for app in (await bot.get("/apps", sort_by="last_build_at")).data] == [old.slug, new.slug]


async def test_apps_are_found_by_title_and_type(bitrise: PracticeBitrise, acme: Workspace, bot: Caller) -> None:
    for title, kind in (("iOS Shop", "ios"), ("Android Shop", "android"), ("Backend", "other")):
        bitrise.add_app(title, acme, project_type=kind)
    found = await bot.get("/apps", title="shop", project_type="android")
    assert [app["title"] for app in found.data] == ["Android Shop"]


@pytest.mark.parametrize(
    "query", [{"limit": 51}, {"limit": 0}, {"limit": "x"}, {"sort_by": "name"}, {"next": "nowhere"}]
)
async def test_arguments_that_mean_nothing_are_refused(bot: Caller, shop: App, query: dict[str, str]) -> None:
    assert (await bot.get("/apps", **query)).status == 400


async def test_roles_are_per_app_and_none_hides_it(
    bitrise: PracticeBitrise, acme: Workspace, shop: App, bot: Caller
) -> None:
    hidden = bitrise.add_app("Hidden", acme)
    bot.token = bitrise.add_token(bitrise.add_user("ana"), role={shop: "tester", hidden: "none"})
    assert [app["slug"] for app in (await bot.get("/apps")).data] == [shop.slug]
    assert (await bot.get(f"/apps/{hidden.slug}")).status == 404


@pytest.mark.parametrize(
    ("role", "app_config", "build_config"),
    [("tester", 404, 404), ("developer", 404, 200), ("platform-engineer", 404, 200), ("admin", 200, 200)],
)
async def test_configs_need_their_roles(
    bitrise: PracticeBitrise, shop: App, bot: Caller, role: str, app_config: int, build_config: int
) -> None:
    bitrise.set_role(bot.token, role)
    build = bitrise.start_build(shop)
    assert (await bot.get(f"/apps/{shop.slug}/bitrise.yml")).status == app_config
    assert (await bot.get(f"/apps/{shop.slug}/builds/{build.slug}/bitrise.yml")).status == build_config


async def test_a_tester_may_look_but_not_touch(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    bitrise.set_role(bot.token, "tester")
    build = bitrise.start_build(shop)
    assert (await bot.get(f"/apps/{shop.slug}/builds/{build.slug}")).status == 200
    assert (await bot.trigger(shop, workflow_id="primary")).status == 404
    assert (await bot.post(f"/apps/{shop.slug}/builds/{build.slug}/abort", {})).status == 404
    assert (bitrise.builds(), bitrise.triggers, bitrise.aborts) == ([build], [], [])


async def test_branches_and_workflows_are_only_those_that_ran(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    bitrise.start_build(shop, workflow="deploy", branch="release/1")
    assert (await bot.get(f"/apps/{shop.slug}/branches")).data == ["release/1"]
    assert (await bot.get(f"/apps/{shop.slug}/build-workflows")).data == ["deploy"]


async def test_the_config_names_the_workflows(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    bitrise.set_role(bot.token, "admin")
    reply = await bot.get(f"/apps/{shop.slug}/bitrise.yml")
    assert reply.headers["Content-Type"].startswith("text/plain")
    assert all(f"  {name}:\n" in reply.body for name in shop.workflows)


async def test_a_slash_too_much_is_led_away(bot: Caller, shop: App) -> None:
    reply = await bot.send("GET", f"/apps/{shop.slug}/?x=1", allow_redirects=False)
    assert (reply.status, reply.headers["Location"]) == (301, f"/v0.1/apps/{shop.slug}?x=1")


async def test_a_place_that_is_not_there(bot: Caller) -> None:
    reply = await bot.get("/no/such/place")
    assert (reply.status, reply.body) == (404, {"message": "Not Found"})
