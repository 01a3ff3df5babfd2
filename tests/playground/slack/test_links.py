"""Links in messages: their events, unfurls, and actions in unfurls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientSession
from slack_bolt.app.async_app import AsyncApp

from playground.slack import Message, PracticeSlack
from playground.slack.links import Draft
from tests.playground.slack.conftest import (
    MANIFEST,
    Payload,
    Scene,
    WatchedClock,
    button,
    hear,
    listening,
    refused_with,
)

LINK = "https://app.bitrise.io/build/abc"
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "iOS Shop #812"}}
CARD = {"blocks": [SECTION, {"type": "actions", "elements": [button("build.abort", "Stop", value="abc")]}]}


def manifest(**features: Any) -> Payload:
    made = deepcopy(MANIFEST)
    made["features"] |= {"unfurl_domains": ["bitrise.io"], **features}
    made["oauth_config"]["scopes"]["bot"] += ["links:read", "links:write"]
    made["oauth_config"]["scopes"]["bot_optional"].append("links:write")
    made["settings"]["event_subscriptions"]["bot_events"].append("link_shared")
    return made


class LinkedScene(Scene):
    """The same team with an app that registered bitrise.io links."""

    manifest = manifest()

    async def unfurl(self, message: Message | Draft, unfurls: Any = None, **how: Any) -> None:
        where = {"channel": message.channel.id, "ts": message.ts} if isinstance(message, Message) else {}
        asked = {**where, **how, "unfurls": {LINK: CARD} if unfurls is None else unfurls}
        await self.client.api_call("chat.unfurl", json=asked)


@pytest.fixture
def scene(slack: PracticeSlack, clock: WatchedClock, session: ClientSession) -> LinkedScene:
    return LinkedScene(slack, clock, session, socket_mode=True)


@pytest.fixture
async def bot(scene: LinkedScene) -> AsyncIterator[AsyncApp]:
    async with listening(scene) as app:
        yield app


def hear_links(bot: AsyncApp) -> list[Payload]:
    heard: list[Payload] = []

    @bot.event("link_shared")
    async def listen(body: Payload) -> None:
        heard.append(body)

    return heard


async def test_the_app_hears_of_its_links_and_of_no_others(scene: LinkedScene, bot: AsyncApp) -> None:
    heard = hear_links(bot)

    message = await scene.slack.post(
        scene.ana, scene.ios, f"see {LINK}?tab=log&x=1, https://bitrise.io:8443/ and https://evilbitrise.io/"
    )
    await scene.slack.post(scene.ana, scene.ios, "no link, and https://bitrise.example is none of ours")

    (body,) = heard
    assert body["event"] == {
        "type": "link_shared",
        "user": scene.ana.id,
        "channel": scene.ios.id,
        "message_ts": message.ts,
        "is_bot_user_member": True,
        "source": "conversations_history",
        "unfurl_id": body["event"]["unfurl_id"],
        "event_ts": body["event"]["event_ts"],
        "links": [
            {"domain": "bitrise.io", "url": f"{LINK}?tab=log&amp;x=1"},
            {"domain": "bitrise.io", "url": "https://bitrise.io:8443/"},
        ],
    }
    assert (body["team_id"], body["is_ext_shared_channel"]) == (scene.team.id, False)


async def test_a_bare_domain_is_a_link_too(scene: LinkedScene, bot: AsyncApp) -> None:
    heard = hear_links(bot)

    await scene.slack.post(scene.ana, scene.ios, "see app.bitrise.io/build/abc")

    assert [each["url"] for each in heard[0]["event"]["links"]] == ["http://app.bitrise.io/build/abc"]


async def test_a_shared_channel_says_so(scene: LinkedScene, bot: AsyncApp) -> None:
    heard = hear_links(bot)
    globex = scene.slack.add_team("Globex")
    zoe = scene.slack.add_user(globex, "zoe")
    scene.slack.share(scene.ios, globex)
    scene.slack.invite(scene.ios, zoe)

    await scene.slack.post(zoe, scene.ios, LINK)

    (body,) = heard
    assert (body["is_ext_shared_channel"], body["event"]["user"]) == (True, zoe.id)
    assert body["context_team_id"] == scene.team.id


async def test_the_bots_own_links_are_no_news(scene: LinkedScene, bot: AsyncApp) -> None:
    heard = hear_links(bot)

    await scene.client.chat_postMessage(channel=scene.ios.id, text=f"<{LINK}>")
    await scene.slack.quiet()

    assert heard == []
    (message,) = scene.slack.messages(scene.ios)
    with refused_with("cannot_unfurl_url"):
        await scene.unfurl(message)


@pytest.mark.parametrize("without", ["scope", "subscription", "domain"])
async def test_who_did_not_ask_hears_nothing(scene: LinkedScene, bot: AsyncApp, without: str) -> None:
    heard = hear_links(bot)
    if without == "scope":
        scene.app.scopes = tuple(scope for scope in scene.app.scopes if scope != "links:read")
    elif without == "subscription":
        scene.app.app.settings["event_subscriptions"]["bot_events"].remove("link_shared")
    else:
        scene.app.app.unfurl_domains.clear()

    await scene.slack.post(scene.ana, scene.ios, LINK)

    assert heard == []


async def test_a_preview_hangs_under_the_message_and_can_be_renewed(scene: LinkedScene) -> None:
    message = await scene.slack.post(scene.ana, scene.ios, f"see {LINK}")

    await scene.unfurl(message)
    await scene.unfurl(message, {LINK: {"blocks": [SECTION]}})

    (hung,) = message.unfurls.values()
    assert (hung["id"], hung["app_unfurl_url"], hung["is_app_unfurl"]) == (1, LINK, True)
    assert [block["type"] for block in hung["blocks"]] == ["section"]
    assert message.payload()["attachments"] == [hung]
    assert message.text == f"see <{LINK}>"


async def test_a_preview_is_answered_by_its_id_too(scene: LinkedScene, bot: AsyncApp) -> None:
    heard = hear_links(bot)
    message = await scene.slack.post(scene.ana, scene.ios, LINK)
    event = heard[0]["event"]

    await scene.client.chat_unfurl(unfurl_id=event["unfurl_id"], source=event["source"], unfurls={LINK: CARD})

    assert LINK in message.unfurls


async def test_links_are_previewed_before_they_are_sent(scene: LinkedScene, bot: AsyncApp) -> None:
    heard = hear_links(bot)

    draft = await scene.slack.compose(scene.ana, scene.ios, f"look: {LINK}")

    event = heard[0]["event"]
    assert (event["channel"], event["message_ts"], event["source"]) == ("COMPOSER", draft.unfurl_id, "composer")
    await scene.unfurl(draft, unfurl_id=draft.unfurl_id, source="composer")
    assert LINK in draft.unfurls
    assert scene.slack.messages(scene.ios) == []


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"channel": None}, "missing_channel"),
        ({"ts": None}, "missing_ts"),
        ({"channel": "C0NOWHERE"}, "cannot_find_channel"),
        ({"ts": "1.2"}, "cannot_find_message"),
        ({"unfurl_id": "x"}, "missing_source"),
        ({"source": "composer"}, "missing_unfurl_id"),
        ({"unfurl_id": "x", "source": "elsewhere"}, "invalid_source"),
        ({"unfurl_id": "x", "source": "composer"}, "invalid_unfurl_id"),
        ({"unfurls": ""}, "missing_unfurls"),
        ({"unfurls": "{"}, "invalid_unfurls_format"),
        ({"unfurls": [LINK]}, "invalid_unfurls_format"),
        ({"unfurls": {"https://app.bitrise.io/build/other": CARD}}, "cannot_unfurl_message"),
        ({"unfurls": {"https://example.com/": CARD}}, "cannot_unfurl_url"),
        ({"unfurls": {LINK: {}}}, "cannot_parse_attachment"),
        ({"unfurls": {LINK: {"blocks": [{"type": "table", "rows": []}]}}}, "cannot_parse_attachment"),
        ({"unfurls": {LINK: {"blocks": [{"type": "section"}]}}}, "cannot_parse_attachment"),
        ({"unfurls": {LINK: {**CARD, "colour": "red"}}}, "cannot_parse_attachment"),
    ],
)
async def test_what_slack_does_not_unfurl(scene: LinkedScene, asked: Payload, error: str) -> None:
    message = await scene.slack.post(scene.ana, scene.ios, f"{LINK} https://example.com/")

    with refused_with(error):
        await scene.unfurl(message, **asked)

    assert message.unfurls == {}


async def test_without_the_scope_nothing_is_unfurled(scene: LinkedScene) -> None:
    modest = scene.slack.install(scene.app.app.manifest, scene.team, declined=("links:write",))
    message = await scene.slack.post(scene.ana, scene.ios, LINK)

    with refused_with("missing_scope") as refusal:
        asked = {"channel": scene.ios.id, "ts": message.ts, "unfurls": {LINK: CARD}}
        await scene.client_for(modest.bot_token).api_call("chat.unfurl", json=asked)

    assert refusal.value.response["needed"] == "links:write"


async def test_where_the_bot_is_no_member_it_hears_and_may_not_answer(scene: LinkedScene, bot: AsyncApp) -> None:
    heard = hear_links(bot)
    scene.slack.remove(scene.ios, scene.app)

    message = await scene.slack.post(scene.ana, scene.ios, LINK)

    assert heard[0]["event"]["is_bot_user_member"] is False
    with refused_with("no_permission"):
        await scene.unfurl(message)


async def test_a_button_under_a_link_is_pressed(scene: LinkedScene, bot: AsyncApp) -> None:
    hear_links(bot)
    pressed = hear(bot, "build.abort")
    other = "https://app.bitrise.io/build/def"
    message = await scene.slack.post(scene.ana, scene.ios, f"{LINK} {other}")
    await scene.unfurl(message, {LINK: CARD, other: CARD})

    with pytest.raises(LookupError, match="there 2 times"):
        await scene.slack.press(scene.bo, message, "build.abort")
    await scene.slack.press(scene.bo, message, "build.abort", link=other)

    (body,) = pressed
    assert body["container"] == {
        "type": "message_attachment",
        "message_ts": message.ts,
        "attachment_id": 2,
        "channel_id": scene.ios.id,
        "is_ephemeral": False,
        "is_app_unfurl": True,
        "app_unfurl_url": other,
    }
    assert body["app_unfurl"]["app_unfurl_url"] == other
    assert (body["message"]["user"], body["channel"]["id"]) == (scene.ana.id, scene.ios.id)
    assert (body["user"]["id"], body["actions"][0]["value"]) == (scene.bo.id, "abc")


async def test_an_answer_to_such_a_press_leaves_the_persons_message_alone(scene: LinkedScene, bot: AsyncApp) -> None:
    hear_links(bot)
    pressed = hear(bot, "build.abort")
    message = await scene.slack.post(scene.ana, scene.ios, LINK)
    await scene.unfurl(message)
    await scene.slack.press(scene.bo, message, "build.abort")
    url = pressed[0]["response_url"]

    async with scene.session.post(url, json={"text": "mine now", "replace_original": True}) as response:
        assert (response.status, "cant_update_message" in await response.text()) == (400, True)
    async with scene.session.post(url, json={"text": "Stopping."}) as response:
        assert response.status == 200

    assert (message.text, [each.text for each in scene.slack.ephemerals(scene.bo, scene.ios)]) == (
        f"<{LINK}>",
        ["Stopping."],
    )


async def test_a_link_nobody_acked_is_told_again_by_http(
    slack: PracticeSlack, clock: WatchedClock, session: ClientSession
) -> None:
    scene = LinkedScene(slack, clock, session, socket_mode=False)

    await slack.post(scene.ana, scene.ios, LINK)  # no request URL yet: connection_failed, and again at once
    await clock.slept.get()
    clock.move_to(clock.now() + timedelta(minutes=1))
    await clock.slept.get()

    tries = [entry for entry in slack.journal if entry.name == "link_shared"]
    assert [entry.request.get("retry") for entry in tries] == [
        None,
        (1, "connection_failed"),
        (2, "connection_failed"),
    ]


async def test_nobody_writes_where_they_are_not(scene: LinkedScene) -> None:
    android = scene.slack.add_channel(scene.team, "android")
    scene.slack.archive(scene.ios)

    with pytest.raises(LookupError, match="not in that channel"):
        await scene.slack.post(scene.ana, android, "hello")
    with pytest.raises(LookupError, match="archived"):
        await scene.slack.compose(scene.ana, scene.ios, "hello")
