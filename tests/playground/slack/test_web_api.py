"""The Web API itself: tokens, scopes, arguments, limits, faults, the journal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from playground.slack.limits import Tier
from playground.wire import Fault
from tests.playground.slack.conftest import MANIFEST, Scene, refused_with


async def test_auth_test_tells_whose_token_it_is(scene: Scene) -> None:
    bot = await scene.client.auth_test()
    app = await scene.client_for(scene.app.app_token).auth_test()

    assert (bot["team_id"], bot["user_id"], bot["bot_id"]) == (
        scene.team.id,
        scene.app.bot_user.id,
        scene.app.bot_id,
    )
    assert app["app_id"] == scene.app.id


async def test_tokens_that_do_not_work(scene: Scene) -> None:
    with refused_with("invalid_auth"):
        await scene.client_for("xoxb-wrong").auth_test()
    with refused_with("not_allowed_token_type"):
        await scene.client_for(scene.app.app_token).chat_postMessage(channel=scene.ios.id, text="x")
    with refused_with("not_allowed_token_type"):
        await scene.client.apps_connections_open(app_token=scene.app.bot_token)
    async with scene.session.post(scene.slack.api_url + "auth.test") as response:
        assert await response.json() == {"ok": False, "error": "not_authed"}


async def test_a_revoked_token_stays_revoked(scene: Scene) -> None:
    assert (await scene.client.auth_revoke())["revoked"]

    with refused_with("token_revoked"):
        await scene.client.auth_test()


async def test_an_unknown_method_is_named(scene: Scene) -> None:
    with refused_with("unknown_method") as refusal:
        await scene.client.api_call("chat.shout")

    assert refusal.value.response["req_method"] == "chat.shout"


async def test_a_missing_scope_is_named(scene: Scene) -> None:
    with refused_with("missing_scope") as refusal:
        await scene.client.users_lookupByEmail(email="ana@acme.example")

    assert refusal.value.response["needed"] == "users:read.email"
    assert "chat:write" in refusal.value.response["provided"].split(",")


async def test_the_address_needs_its_own_scope(scene: Scene) -> None:
    shown = await scene.client.users_info(user=scene.ana.id)

    assert shown["user"]["name"] == "ana"
    assert "email" not in shown["user"]["profile"]
    assert not shown["user"]["is_admin"]
    assert (await scene.client.users_info(user=scene.bo.id))["user"]["is_admin"]


async def test_who_is_where_and_how_to_be_reached(scene: Scene) -> None:
    manifest = deepcopy(MANIFEST)
    manifest["oauth_config"]["scopes"]["bot"].append("users:read.email")
    zoe = scene.slack.add_user(scene.team, "zoe", email="Zoe@acme.example", tz="Asia/Kolkata")
    client = scene.client_for(scene.slack.install(manifest, scene.team).bot_token)

    shown = (await client.users_info(user=zoe.id))["user"]
    assert (shown["profile"]["email"], shown["tz"], shown["tz_offset"]) == ("Zoe@acme.example", "Asia/Kolkata", 19_800)
    assert (await client.users_lookupByEmail(email="zoe@acme.example"))["user"]["id"] == zoe.id
    zoe.deleted = True
    with refused_with("users_not_found"):
        await client.users_lookupByEmail(email="zoe@acme.example")


async def test_strangers_are_known_only_from_shared_channels(scene: Scene) -> None:
    globex = scene.slack.add_team("Globex")
    zoe = scene.slack.add_user(globex, "zoe")

    with refused_with("user_not_visible"):
        await scene.client.users_info(user=zoe.id)
    scene.slack.share(scene.ios, globex)
    scene.slack.invite(scene.ios, zoe)
    shown = (await scene.client.users_info(user=zoe.id))["user"]
    assert (shown["is_stranger"], shown["team_id"]) == (True, globex.id)


async def test_lists_come_in_pages(scene: Scene) -> None:
    scene.slack.add_channel(scene.team, "android")
    scene.slack.archive(scene.slack.add_channel(scene.team, "old"))

    first = await scene.client.conversations_list(limit=1, exclude_archived=True)
    second = await scene.client.conversations_list(
        limit=1, exclude_archived=True, cursor=first["response_metadata"]["next_cursor"]
    )

    assert [each["name"] for page in (first, second) for each in page["channels"]] == ["ios", "android"]
    assert second["response_metadata"]["next_cursor"] == ""


async def test_conversations_are_shown_opened_and_joined(scene: Scene) -> None:
    android = scene.slack.add_channel(scene.team, "android")

    assert (await scene.client.conversations_info(channel=scene.ios.id))["channel"]["is_member"]
    assert not (await scene.client.conversations_info(channel=android.id))["channel"]["is_member"]
    opened = await scene.client.conversations_open(users=[scene.ana.id])
    assert opened["channel"]["id"] == scene.slack.world.direct(scene.app.bot_user, scene.ana).id
    assert scene.ana.id in (await scene.client.conversations_members(channel=scene.ios.id))["members"]
    with refused_with("missing_scope"):
        await scene.client.conversations_join(channel=android.id)


BLOCKS = [{"type": "divider"}]


@pytest.mark.parametrize(
    "request_with",
    [
        {"params": {"channel": "#ios", "text": "x", "blocks": json.dumps(BLOCKS), "unfurl_links": "0"}},
        {"data": {"channel": "#ios", "text": "x", "blocks": json.dumps(BLOCKS), "unfurl_links": "0"}},
        {"json": {"channel": "#ios", "text": "x", "blocks": BLOCKS, "unfurl_links": False}},
        {"json": {"channel": "#ios", "text": "x", "blocks": json.dumps(BLOCKS)}},
    ],
    ids=["query", "form", "json", "json in json"],
)
async def test_arguments_are_taken_from_everywhere(scene: Scene, request_with: Mapping[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {scene.app.bot_token}"}

    async with scene.session.post(
        scene.slack.api_url + "chat.postMessage", headers=headers, **request_with
    ) as response:
        assert (await response.json())["ok"]

    assert [block["type"] for block in scene.slack.messages(scene.ios)[0].blocks] == ["divider"]


async def test_the_token_may_stand_in_a_form_but_not_in_json(scene: Scene) -> None:
    asked = {"token": scene.app.bot_token}
    url = scene.slack.api_url + "auth.test"

    async with scene.session.post(url, data=asked) as form, scene.session.post(url, json=asked) as in_json:
        assert (await form.json())["ok"]
        assert (await in_json.json())["error"] == "not_authed"


async def test_missing_arguments_are_named(scene: Scene) -> None:
    with refused_with("invalid_arguments") as refusal:
        await scene.client.api_call("chat.postMessage", json={"text": "x"})

    assert "missing required field: channel" in refusal.value.response["response_metadata"]["messages"][0]


async def test_one_post_a_second_in_a_channel_with_a_small_burst(scene: Scene) -> None:
    for _ in range(scene.slack.limits.post_burst):
        await scene.client.chat_postMessage(channel=scene.ios.id, text="x")

    with refused_with("ratelimited") as refusal:
        await scene.client.chat_postMessage(channel=scene.ios.id, text="x")
    assert refusal.value.response.status_code == 429
    assert refusal.value.response.headers["Retry-After"] == "1"
    await scene.client.chat_postMessage(channel=scene.ana.id, text="elsewhere")
    scene.clock.move_to(scene.clock.now() + timedelta(seconds=1))
    await scene.client.chat_postMessage(channel=scene.ios.id, text="x")


async def test_fifty_updates_a_minute_in_a_workspace(scene: Scene) -> None:
    posted = await scene.client.chat_postMessage(channel=scene.ios.id, text="x")
    for number in range(scene.slack.limits.per_minute[Tier.THREE]):
        await scene.client.chat_update(channel=scene.ios.id, ts=posted["ts"], text=str(number))

    with refused_with("ratelimited") as refusal:
        await scene.client.chat_update(channel=scene.ios.id, ts=posted["ts"], text="too much")
    assert refusal.value.response.headers["Retry-After"] == "60"
    scene.slack.limits.unlimited.add("chat.update")
    await scene.client.chat_update(channel=scene.ios.id, ts=posted["ts"], text="now it may")


async def test_limits_can_be_switched_off(scene: Scene) -> None:
    scene.slack.limits.enabled = False

    for _ in range(20):
        await scene.client.chat_postMessage(channel=scene.ios.id, text="x")

    assert len(scene.slack.messages(scene.ios)) == 20


async def test_faults_strike_as_often_as_told(scene: Scene) -> None:
    scene.slack.faults.add(Fault("chat.postMessage", "status", status=429, retry_after=7))
    scene.slack.faults.add(Fault("chat.postMessage", "status", status=503))
    scene.slack.faults.add(Fault("chat.postMessage", "error", error="token_revoked"))

    with pytest.raises(SlackApiError) as busy:
        await scene.client.chat_postMessage(channel=scene.ios.id, text="x")
    with pytest.raises(SlackApiError) as broken:
        await scene.client.chat_postMessage(channel=scene.ios.id, text="x")
    with refused_with("token_revoked"):
        await scene.client.chat_postMessage(channel=scene.ios.id, text="x")
    await scene.client.chat_postMessage(channel=scene.ios.id, text="at last")

    assert (busy.value.response.status_code, busy.value.response.headers["Retry-After"]) == (429, "7")
    assert broken.value.response.status_code == 503
    assert [message.text for message in scene.slack.messages(scene.ios)] == ["at last"]


async def test_faults_may_strike_one_team_only(scene: Scene) -> None:
    globex = scene.slack.add_team("Globex")
    theirs = scene.client_for(scene.slack.install(scene.app.app.manifest, globex, of=scene.app).bot_token)
    scene.slack.faults.add(Fault("auth.test", "error", error="account_inactive", where={"team": globex.id}))

    await scene.client.auth_test()

    with refused_with("account_inactive"):
        await theirs.auth_test()


@pytest.mark.parametrize(("kind", "posted"), [("cut_before", 0), ("cut_after", 1)])
async def test_a_cut_connection_before_or_after_the_effect(scene: Scene, kind: str, posted: int) -> None:
    scene.slack.faults.add(Fault("chat.postMessage", kind))

    with pytest.raises(aiohttp.ClientError):
        await scene.client.chat_postMessage(channel=scene.ios.id, text="x")

    await scene.slack.quiet()
    assert len(scene.slack.messages(scene.ios)) == posted


async def test_hooks_are_awaited_at_each_phase(scene: Scene) -> None:
    seen: list[tuple[str, int]] = []

    async def look(facts: Mapping[str, Any]) -> None:
        seen.append((facts["phase"], len(scene.slack.messages(scene.ios))))

    for phase in ("before", "accepted", "answered"):
        scene.slack.on("chat.postMessage", phase, look)
    await scene.client.chat_postMessage(channel=scene.ios.id, text="x")
    await scene.slack.quiet()

    assert seen == [("before", 0), ("accepted", 1), ("answered", 1)]


async def test_the_journal_tells_everything_but_secrets(scene: Scene) -> None:
    async with scene.session.post(scene.slack.api_url + "auth.test", data={"token": scene.app.bot_token}) as response:
        await response.read()
    await scene.client.chat_postMessage(channel=scene.ios.id, text=f"my token is {scene.app.bot_token}")
    await scene.slack.command(scene.ana, scene.ios, "/help me")

    told = scene.slack.journal.dump()

    assert [entry.name for entry in scene.slack.journal] == ["auth.test", "chat.postMessage", "/help"]
    assert "my token is ***" in told
    for secret in (scene.app.bot_token, scene.app.app_token, scene.app.signing_secret):
        assert secret not in told
    assert scene.app.app.verification_token not in told
