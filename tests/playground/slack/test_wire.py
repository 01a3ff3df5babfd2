"""Arguments as the real client sends them, payloads with the recorded fields, published rate limit tiers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from playground.slack.limits import Tier
from playground.slack.methods import METHODS
from tests.playground.slack.conftest import Payload, Scene, button

DATA = Path(__file__).resolve().parents[4] / "shared" / "facts" / "data"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the collected platform data is not on this machine")

TIERS = {"Tier1": Tier.ONE, "Tier2": Tier.TWO, "Tier3": Tier.THREE, "Tier4": Tier.FOUR}


def data(name: str) -> Any:
    return json.loads((DATA / name).read_text())


@pytest.mark.parametrize("method", METHODS)
async def test_arguments_arrive_as_the_real_client_sends_them(scene: Scene, method: str) -> None:
    verb, place = data("slack-sdk-async-wire.json")["methods"][method]
    token = scene.app.app_token if METHODS[method].token == "app" else scene.app.bot_token
    asked = {"channel": "C0NOWHERE", "flag": "1", "view": "{}"}
    params, body = (asked, None) if place == "query" else (None, asked)

    url, headers = scene.slack.api_url + method, {"Authorization": f"Bearer {token}"}
    async with scene.session.request(verb, url, headers=headers, params=params, json=body) as response:
        answer = await response.json()

    assert answer.get("error") not in ("not_authed", "invalid_auth", "unknown_method", "not_allowed_token_type")
    (entry,) = scene.slack.journal
    assert {name: entry.request[name] for name in asked} == asked


@pytest.mark.parametrize("method", METHODS)
def test_tiers_are_as_published(method: str) -> None:
    listed = data("slack-rate-limit-tiers.json")["tiers"].get(method, "special")

    assert METHODS[method].tier in ({TIERS[listed]} if listed in TIERS else {Tier.HUNDREDS, Tier.POST})


def fields(sample: str) -> Payload:
    shape: Payload = data("slack-sample-shapes.json")["samples"][sample]
    return shape


async def test_commands_have_the_recorded_fields(scene: Scene) -> None:
    delivery = await scene.slack.command(scene.ana, scene.ios, "/help")

    recorded = set(fields("app-backend/slash-commands/SlashCommandPayload.json"))
    # Only organizations have an enterprise.
    assert set(delivery.payload) == recorded - {"enterprise_id", "enterprise_name"}


async def test_presses_have_only_recorded_fields(scene: Scene) -> None:
    blocks = [{"type": "actions", "elements": [button("go", "Go")]}]
    await scene.client.chat_postMessage(channel=scene.ios.id, text="x", blocks=blocks)

    payload = (await scene.slack.press(scene.ana, scene.slack.messages(scene.ios)[0], "go")).payload

    recorded = fields("app-backend/interactive-components/BlockActionPayload.json")
    assert set(payload) <= {*recorded, "is_enterprise_install", "state"}
    for part in ("user", "team", "container", "channel", "message"):
        assert set(payload[part]) <= set(recorded[part])


async def test_submissions_and_closings_have_only_recorded_fields(scene: Scene) -> None:
    title = {"type": "plain_text", "text": "x"}
    view = {"type": "modal", "title": title, "submit": title, "blocks": [{"type": "divider"}], "notify_on_close": True}
    trigger_id = scene.slack.triggers.issue(scene.app, scene.ana)
    await scene.client.views_open(trigger_id=trigger_id, view=view)
    shown = scene.slack.view(scene.ana)

    submitted = (await scene.slack.submit(scene.ana, shown)).payload
    closed = await scene.slack.close(scene.ana, shown)

    assert closed is not None
    recorded = fields("app-backend/views/ViewSubmissionPayload.json")
    assert set(submitted) <= {*recorded, "response_urls"}
    assert set(submitted["view"]) <= {*recorded["view"], "blocks"}
    assert set(closed.payload) <= set(fields("app-backend/views/ViewClosedPayload.json"))


async def test_events_have_the_recorded_fields(scene: Scene) -> None:
    delivery = await scene.slack.open_home(scene.ana, scene.app)

    assert delivery is not None
    recorded = fields("events/AppHomeOpenedPayload.json")
    assert set(delivery.payload) <= set(recorded)
    assert set(delivery.payload["event"]) <= set(recorded["event"])
    assert set(delivery.payload["authorizations"][0]) == set(recorded["authorizations"][0])


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("auth.test", {}),
        ("chat.postMessage", {"channel": "#ios", "text": "x"}),
        ("conversations.info", {"channel": "#ios"}),
        ("conversations.open", {"users": "ana", "return_im": "1"}),
        ("users.info", {"user": "ana"}),
    ],
)
async def test_answers_have_only_recorded_fields(scene: Scene, method: str, arguments: Payload) -> None:
    named = {name: value.replace("ana", scene.ana.id) for name, value in arguments.items()}
    answer: Any = (await scene.client.api_call(method, data=named)).data

    recorded = fields(f"api/{method}.json")
    assert set(answer) <= set(recorded)
    for name, part in answer.items():
        if isinstance(part, dict):
            assert set(part) <= {*recorded[name], "is_stranger"}
