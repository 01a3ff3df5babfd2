"""Every documented error on request, for everybody or for one channel, message, thread or person."""

from __future__ import annotations

import pytest
from slack_sdk.errors import SlackApiError

from playground.slack.documented_errors import DOCUMENTED_ERRORS
from playground.slack.methods import METHODS
from playground.wire import Fault
from tests.playground.slack.conftest import Scene, refused_with

ALL = [(method, error) for method in ("chat.postMessage", "chat.update") for error in sorted(DOCUMENTED_ERRORS[method])]


def test_each_method_has_its_errors() -> None:
    assert set(DOCUMENTED_ERRORS) == set(METHODS) - {"blocks.validate"}


@pytest.mark.parametrize(("method", "error"), ALL, ids=str)
async def test_a_documented_error_comes_on_request(scene: Scene, method: str, error: str) -> None:
    scene.slack.refuse(method, error, times=1)

    with pytest.raises(SlackApiError) as refusal:
        await scene.client.api_call(method, json={"channel": scene.ios.id, "text": "x", "ts": "1.1"})

    assert refusal.value.response["error"] == error
    assert (refusal.value.response.status_code == 429) == error.startswith("rate")
    assert not scene.slack.faults


async def test_an_error_may_concern_one_channel(scene: Scene) -> None:
    android = scene.slack.add_channel(scene.team, "android")
    scene.slack.refuse("chat.postMessage", "restricted_action", channel=scene.ios)

    for _ in range(2):
        with refused_with("restricted_action"):
            await scene.client.chat_postMessage(channel=scene.ios.id, text="x")
    await scene.client.chat_postMessage(channel=android.id, text="x")
    scene.slack.faults.clear()
    await scene.client.chat_postMessage(channel=scene.ios.id, text="x")


async def test_an_error_may_concern_one_message(scene: Scene) -> None:
    known = [await scene.client.chat_postMessage(channel=scene.ios.id, text="x") for _ in range(2)]
    first, second = scene.slack.messages(scene.ios)
    scene.slack.refuse("chat.update", "block_mismatch", message=first)
    scene.slack.refuse("chat.postMessage", "cannot_reply_to_message", thread=first)

    with refused_with("block_mismatch"):
        await scene.client.chat_update(channel=scene.ios.id, ts=known[0]["ts"], text="y")
    with refused_with("cannot_reply_to_message"):
        await scene.client.chat_postMessage(channel=scene.ios.id, text="y", thread_ts=first.ts)
    await scene.client.chat_update(channel=scene.ios.id, ts=known[1]["ts"], text="y")
    await scene.client.chat_postMessage(channel=scene.ios.id, text="y", thread_ts=second.ts)


async def test_an_error_may_concern_one_person(scene: Scene) -> None:
    scene.slack.refuse("chat.postMessage", "app_access_restricted", user=scene.ana)
    direct = scene.slack.world.direct(scene.app.bot_user, scene.ana)

    for channel in (scene.ana.id, direct.id):
        with refused_with("app_access_restricted"):
            await scene.client.chat_postMessage(channel=channel, text="x")
    await scene.client.chat_postMessage(channel=scene.bo.id, text="x")


async def test_an_error_that_slack_does_not_document_is_not_asked_for(scene: Scene) -> None:
    with pytest.raises(ValueError, match="documents no edit_window_closed"):
        scene.slack.refuse("chat.postMessage", "edit_window_closed")


async def test_the_fault_of_a_response_may_concern_one_person(scene: Scene) -> None:
    scene.slack.faults.add(Fault("response_url", "status", status=404, where={"user": scene.ana.id}))
    urls = {user: scene.slack.responses.issue(scene.app, user, scene.ios) for user in (scene.ana, scene.bo)}

    statuses = {}
    for user, url in urls.items():
        async with scene.session.post(url, json={"text": "x"}) as response:
            statuses[user.name] = response.status

    assert statuses == {"ana": 404, "bo": 200}
