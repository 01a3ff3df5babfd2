"""Buttons and menus of messages, and response_urls."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.webhook.async_client import AsyncWebhookClient

from playground.slack import Message
from tests.playground.slack.conftest import Payload, Scene, button, hear


async def card(scene: Scene, *elements: Payload) -> Message:
    blocks = [{"type": "actions", "block_id": "buttons", "elements": list(elements)}]
    posted = await scene.client.chat_postMessage(channel=scene.ios.id, text="Build 812", blocks=blocks)
    message = scene.ios.find(posted["ts"])
    assert message is not None
    return message


async def test_a_press_tells_all_about_the_message(scene: Scene, bot: AsyncApp) -> None:
    heard = hear(bot, "build.stop")
    message = await card(scene, button("build.stop", "Stop…", value="812"))

    delivery = await scene.slack.press(scene.bo, message, "build.stop")

    assert delivery.ok
    (body,) = heard
    assert body["user"] == {"id": scene.bo.id, "username": "bo", "name": "bo", "team_id": scene.team.id}
    assert body["team"] == {"id": scene.team.id, "domain": "acme"}
    assert body["channel"] == {"id": scene.ios.id, "name": "ios"}
    assert body["container"] == {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": scene.ios.id,
        "is_ephemeral": False,
    }
    assert body["message"]["blocks"] == message.blocks
    assert body["response_url"].startswith(scene.slack.base_url)
    (action,) = body["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("build.stop", "buttons", "812")
    assert action["action_ts"]


async def test_only_what_is_drawn_can_be_pressed(scene: Scene) -> None:
    message = await card(scene, button("build.stop", "Stop…", value="812"))

    with pytest.raises(LookupError, match=r"build\.stop \(button\) “Stop…” = 812"):
        await scene.slack.press(scene.bo, message, "build.again")
    with pytest.raises(LookupError, match="with value '813'"):
        await scene.slack.press(scene.bo, message, "build.stop", "813")


async def test_a_button_is_found_by_its_label_too(scene: Scene, bot: AsyncApp) -> None:
    hear(bot, "build.stop")
    message = await card(scene, button("build.stop", "Stop…"))

    assert (await scene.slack.press(scene.bo, message, "Stop…")).ok


async def test_nobody_presses_what_only_somebody_else_sees(scene: Scene) -> None:
    blocks = [{"type": "actions", "elements": [button("build.stop", "Stop…")]}]
    await scene.client.chat_postEphemeral(channel=scene.ios.id, user=scene.ana.id, text="x", blocks=blocks)
    (message,) = scene.slack.ephemerals(scene.ana, scene.ios)

    with pytest.raises(LookupError, match="only ana sees"):
        await scene.slack.press(scene.bo, message, "build.stop")


async def test_an_old_screen_can_be_pressed_after_an_update(scene: Scene, bot: AsyncApp) -> None:
    heard = hear(bot, "build.stop")
    message = await card(scene, button("build.stop", "Stop…"))
    old = message.snapshot()
    await scene.client.chat_update(channel=scene.ios.id, ts=message.ts, text="Aborted")

    with pytest.raises(LookupError):
        await scene.slack.press(scene.bo, message, "build.stop")
    await scene.slack.press(scene.bo, old, "build.stop")

    assert heard[0]["container"]["message_ts"] == message.ts


async def test_a_link_button_tells_too(scene: Scene, bot: AsyncApp) -> None:
    heard = hear(bot, "build.open")
    message = await card(scene, button("build.open", "Open", url="https://ci.example/812"))

    await scene.slack.press(scene.ana, message, "build.open")

    assert heard[0]["actions"][0]["url"] == "https://ci.example/812"


async def test_a_dialog_that_is_declined_tells_nobody(scene: Scene, bot: AsyncApp) -> None:
    heard = hear(bot, "build.stop")
    words = {"type": "plain_text", "text": "Sure?"}
    dialog = {"title": words, "text": words, "confirm": words, "deny": words}
    message = await card(scene, button("build.stop", "Stop…", confirm=dialog))

    declined = await scene.slack.press(scene.bo, message, "build.stop", confirm=False)

    assert (declined.ok, declined.error, heard) == (False, None, [])
    assert (await scene.slack.press(scene.bo, message, "build.stop")).ok


async def test_menus_tell_what_was_chosen(scene: Scene, bot: AsyncApp) -> None:
    more, branch = hear(bot, "more"), hear(bot, "branch")
    options = [{"text": {"type": "plain_text", "text": name}, "value": name} for name in ("main", "dev")]
    message = await card(
        scene,
        {"type": "overflow", "action_id": "more", "options": options},
        {"type": "static_select", "action_id": "branch", "options": options},
    )

    await scene.slack.press(scene.ana, message, "more", "dev")
    await scene.slack.select(scene.ana, message, "branch", "main")

    assert [body["actions"][0]["selected_option"]["value"] for body in more + branch] == ["dev", "main"]
    assert branch[0]["state"]["values"]["buttons"]["branch"]["selected_option"] == options[0]
    with pytest.raises(LookupError, match="it offers main “main”, dev “dev”"):
        await scene.slack.select(scene.ana, message, "branch", "release")


async def test_a_stranger_presses_with_their_own_team(scene: Scene, bot: AsyncApp) -> None:
    heard = hear(bot, "build.stop")
    globex = scene.slack.add_team("Globex")
    zoe = scene.slack.add_user(globex, "zoe")
    scene.slack.share(scene.ios, globex)
    message = await card(scene, button("build.stop", "Stop…"))
    with pytest.raises(LookupError, match="not in #ios"):
        await scene.slack.press(zoe, message, "build.stop")

    scene.slack.invite(scene.ios, zoe)
    await scene.slack.press(zoe, message, "build.stop")

    assert heard[0]["user"]["team_id"] == globex.id
    assert heard[0]["team"]["id"] == scene.team.id


async def test_an_ephemeral_message_is_not_told_but_can_be_replaced(scene: Scene, bot: AsyncApp) -> None:
    heard: list[Payload] = []

    @bot.action("choose")
    async def listen(ack: AsyncAck, body: Payload, respond: AsyncRespond) -> None:
        heard.append(body)
        await ack()
        await respond("Chosen", replace_original=True)

    blocks = [{"type": "actions", "elements": [button("choose", "This one")]}]
    await scene.client.chat_postEphemeral(channel=scene.ios.id, user=scene.ana.id, text="Which?", blocks=blocks)
    (message,) = scene.slack.ephemerals(scene.ana, scene.ios)

    await scene.slack.press(scene.ana, message, "choose")
    await scene.slack.quiet()

    assert "message" not in heard[0]
    assert heard[0]["container"]["is_ephemeral"]
    (replaced,) = scene.slack.ephemerals(scene.ana, scene.ios)
    assert (replaced.text, replaced.blocks) == ("Chosen", [])


async def test_a_message_shortcut_tells_the_message(scene: Scene, bot: AsyncApp) -> None:
    heard: list[Payload] = []

    @bot.shortcut("help.about")
    async def listen(ack: AsyncAck, body: Payload, respond: AsyncRespond) -> None:
        heard.append(body)
        await ack()
        await respond("That is a card")

    message = await card(scene, button("build.stop", "Stop…"))

    await scene.slack.shortcut(scene.ana, "help.about", message)

    assert (heard[0]["type"], heard[0]["message"]["ts"]) == ("message_action", message.ts)
    assert [each.text for each in scene.slack.ephemerals(scene.ana, scene.ios)] == ["That is a card"]


async def pressed(scene: Scene) -> AsyncWebhookClient:
    """Press a button and return its response_url."""
    message = await card(scene, button("build.stop", "Stop…"))
    delivery = await scene.slack.press(scene.ana, message, "build.stop")
    return AsyncWebhookClient(delivery.payload["response_url"], session=scene.session)


async def test_a_response_url_answers_in_private_unless_told_otherwise(scene: Scene) -> None:
    url = await pressed(scene)

    await url.send(text="for you")
    await url.send(text="for all", response_type="in_channel")
    assert (await url.send(text="")).status_code == 400

    assert [each.text for each in scene.slack.ephemerals(scene.ana, scene.ios)] == ["for you"]
    assert [each.text for each in scene.slack.messages(scene.ios)] == ["Build 812", "for all"]


async def test_a_response_url_can_replace_and_delete_the_message(scene: Scene) -> None:
    url = await pressed(scene)

    await url.send(text="Aborted", replace_original=True)
    assert [each.text for each in scene.slack.messages(scene.ios)] == ["Aborted"]
    await url.send(delete_original=True)
    assert scene.slack.messages(scene.ios) == []


async def test_a_response_url_can_answer_in_a_thread(scene: Scene) -> None:
    url = await pressed(scene)
    (message,) = scene.slack.messages(scene.ios)

    await url.send_dict({"text": "there", "response_type": "in_channel", "thread_ts": message.ts})

    assert [each.text for each in scene.slack.thread(message)] == ["there"]


async def test_a_response_url_is_good_five_times(scene: Scene) -> None:
    url = await pressed(scene)

    answers = [await url.send(text=str(number)) for number in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [404]
    assert "used_url" in answers[5].body


@pytest.mark.parametrize(("minutes", "status"), [(30, 200), (31, 404)])
async def test_a_response_url_is_good_for_thirty_minutes(scene: Scene, minutes: int, status: int) -> None:
    url = await pressed(scene)
    scene.clock.move_to(scene.clock.now() + timedelta(minutes=minutes))

    assert (await url.send(text="late")).status_code == status


@pytest.mark.parametrize("body", [{"blocks": [{"type": "alert"}]}, {"text": "x", "blocks": "no"}])
async def test_a_response_url_checks_blocks(scene: Scene, body: dict[str, Any]) -> None:
    url = await pressed(scene)

    answer = await url.send_dict(body)

    assert answer.status_code == 400
    assert "invalid_blocks" in answer.body
