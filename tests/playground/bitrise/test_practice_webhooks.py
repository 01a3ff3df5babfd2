"""Outgoing webhooks in the API: roles, requests, responses."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from playground.bitrise import App, PracticeBitrise
from tests.playground.bitrise.conftest import Caller

BODY: dict[str, Any] = {"url": "https://example.com/hook", "events": ["build"], "secret": "shh"}


@pytest.fixture
def admin(bitrise: PracticeBitrise, http: aiohttp.ClientSession) -> Caller:
    return Caller(http, bitrise.api_url, bitrise.add_token(bitrise.add_user("ada"), role="admin"))


def hooks(app: App) -> str:
    return f"/apps/{app.slug}/outgoing-webhooks"


async def test_a_webhook_comes_back_without_its_secret(admin: Caller, shop: App) -> None:
    made = await admin.post(hooks(shop), BODY | {"headers": {"X-Own": "mine"}})
    assert made.status == 200
    assert {key: made.data[key] for key in ("url", "events", "headers", "registered_by_addon")} == {
        "url": "https://example.com/hook",
        "events": ["build"],
        "headers": {"X-Own": "mine"},
        "registered_by_addon": False,
    }
    assert len(made.data["slug"]) == 26
    listed = await admin.get(hooks(shop))
    assert listed.data == [made.data]
    assert "shh" not in str(listed.body)


@pytest.mark.parametrize("role", ["tester", "developer", "platform-engineer"])
async def test_only_admins_see_and_change_webhooks(bitrise: PracticeBitrise, shop: App, bot: Caller, role: str) -> None:
    hook = bitrise.add_webhook(shop, "https://example.com/hook")
    bitrise.set_role(bot.token, role)
    one = f"{hooks(shop)}/{hook.slug}"
    statuses = [
        (await bot.get(hooks(shop))).status,
        (await bot.post(hooks(shop), BODY)).status,
        (await bot.send("PUT", one, json={"url": "https://example.com", "events": ["all"]})).status,
        (await bot.send("DELETE", one)).status,
        (await bot.get(f"{one}/delivery-items")).status,
        (await bot.get(f"{one}/delivery-items/x")).status,
        (await bot.send("POST", f"{one}/delivery-items/x/redeliver")).status,
    ]
    assert statuses == [404] * 7
    assert [each.url for each in bitrise.webhooks.of(shop)] == ["https://example.com/hook"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": None},
        {"url": ""},
        {"url": "example.com/hook"},
        {"url": "ftp://example.com"},
        {"url": "https://"},
        {"url": "https://exa mple.com"},
        {"url": "https://[::1"},
        {"events": None},
        {"events": []},
        {"events": "build"},
        {"events": ["build", "build"]},
        {"events": ["build/finished"]},
        {"events": [["build"]]},
        {"secret": None},
        {"secret": 7},
        {"headers": ["X-Own"]},
        {"headers": {"X-Own": 7}},
        {"headers": {"X Own": "mine"}},
        {"headers": {"X-Own": "a\r\nX-Other: b"}},
        {"headers": {"Bitrise-Event-Type": "mine"}},
        {"headers": {"Content-Length": "7"}},
    ],
)
async def test_what_cannot_be_a_webhook_is_refused(
    bitrise: PracticeBitrise, admin: Caller, shop: App, wrong: dict[str, Any]
) -> None:
    refused = await admin.post(hooks(shop), BODY | wrong)
    assert (refused.status, list(refused.body)) == (400, ["message"])
    assert next(iter(wrong)) in refused.body["message"]
    assert bitrise.webhooks.of(shop) == []


async def test_a_secret_may_be_empty_but_has_to_be_said(admin: Caller, shop: App) -> None:
    assert (await admin.post(hooks(shop), BODY | {"secret": "", "headers": None})).status == 200
    without = {key: value for key, value in BODY.items() if key != "secret"}
    assert (await admin.post(hooks(shop), without)).status == 400


async def test_a_change_replaces_all_but_the_secret(bitrise: PracticeBitrise, admin: Caller, shop: App) -> None:
    hook = bitrise.add_webhook(shop, "https://example.com/old", headers={"X-Own": "mine"}, secret="shh")
    one = f"{hooks(shop)}/{hook.slug}"
    changed = await admin.send("PUT", one, json={"url": "https://example.com/new", "events": ["all"]})
    assert (changed.data["url"], changed.data["events"], changed.data["headers"]) == (
        "https://example.com/new",
        ["all"],
        {},
    )
    assert hook.secret == "shh"
    assert (await admin.send("PUT", one, json={"url": "https://example.com/new"})).status == 400
    assert (await admin.send("PUT", one, json=BODY)).status == 400


async def test_what_was_deleted_is_gone(bitrise: PracticeBitrise, admin: Caller, shop: App) -> None:
    hook = bitrise.add_webhook(shop, "https://example.com/hook")
    one = f"{hooks(shop)}/{hook.slug}"
    gone = await admin.send("DELETE", one)
    assert (gone.status, gone.data["slug"]) == (200, hook.slug)
    assert (await admin.send("DELETE", one)).status == 404
    assert (await admin.get(hooks(shop))).data == []


async def test_a_webhook_belongs_to_its_app(bitrise: PracticeBitrise, admin: Caller, shop: App) -> None:
    other = bitrise.add_app("Other", shop.owner)
    hook = bitrise.add_webhook(other, "https://example.com/hook")
    assert (await admin.send("DELETE", f"{hooks(shop)}/{hook.slug}")).status == 404
    assert bitrise.webhooks.of(other) == [hook]


async def test_more_than_fifty_come_in_pages(bitrise: PracticeBitrise, admin: Caller, shop: App) -> None:
    for number in range(60):
        bitrise.add_webhook(shop, f"https://example.com/{number}")
    first = (await admin.get(hooks(shop))).body
    rest = (await admin.get(hooks(shop), next=first["paging"]["next"])).body
    assert (len(first["data"]), len(rest["data"])) == (50, 10)
    assert (rest["data"][-1]["url"], rest["paging"].get("next")) == ("https://example.com/0", None)


async def test_secrets_are_stars_where_the_wire_is_shown(bitrise: PracticeBitrise, admin: Caller, shop: App) -> None:
    await admin.post(hooks(shop), BODY | {"secret": "very-secret", "headers": {"X-Own-Secret": "just-as-secret"}})
    await admin.get(hooks(shop))
    assert "X-Own-Secret" in bitrise.journal.dump()
    assert "very-secret" not in bitrise.journal.dump()
    assert "just-as-secret" not in bitrise.journal.dump()
