"""External selects, inputs that dispatch actions, shortcuts, the Home tab, blocks.validate."""

from __future__ import annotations

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from tests.playground.slack.conftest import Payload, Scene, button, hear, refused_with, text
from tests.playground.slack.forms import APP, NAME, modal, opened


async def test_an_external_select_asks_the_app(scene: Scene, bot: AsyncApp) -> None:
    heard: list[Payload] = []

    @bot.options("app.find")
    async def suggest(ack: AsyncAck, body: Payload) -> None:
        heard.append(body)
        await ack(options=[{"text": text("iOS Shop"), "value": "shop"}])

    await opened(scene, modal(NAME, APP))
    view = scene.slack.view(scene.ana)
    await scene.slack.fill(scene.ana, view, {"typed": "x"})

    assert await scene.slack.suggest(scene.ana, view, "app.find", "s") == []
    (option,) = await scene.slack.suggest(scene.ana, view, "app.find", "sh")

    assert option["value"] == "shop"
    (body,) = heard
    assert (body["type"], body["value"], body["block_id"], body["action_id"]) == (
        "block_suggestion",
        "sh",
        "app",
        "app.find",
    )
    assert body["view"]["state"]["values"]["name"]["typed"]["value"] == "x"


async def test_only_what_was_suggested_can_be_chosen(scene: Scene, bot: AsyncApp) -> None:
    @bot.options("app.find")
    async def suggest(ack: AsyncAck) -> None:
        group = {"label": text("All"), "options": [{"text": text("iOS Shop"), "value": "shop"}]}
        await ack(option_groups=[group])

    await opened(scene, modal(APP))
    view = scene.slack.view(scene.ana)

    with pytest.raises(LookupError, match="it offers shop “iOS Shop”"):
        await scene.slack.fill(scene.ana, view, {"app.find": "android"})
    await scene.slack.fill(scene.ana, view, {"app.find": "shop"})
    assert view.state["app"]["app.find"]["selected_option"]["value"] == "shop"


@pytest.mark.parametrize(
    "option",
    [{"text": text("x" * 76), "value": "v"}, {"text": text("x"), "value": "v" * 151}, {"text": text("x")}],
)
async def test_bad_suggestions_show_nothing(scene: Scene, bot: AsyncApp, option: Payload) -> None:
    @bot.options("app.find")
    async def suggest(ack: AsyncAck) -> None:
        await ack(options=[option])

    await opened(scene, modal(APP))

    assert await scene.slack.suggest(scene.ana, scene.slack.view(scene.ana), "app.find", "shop") == []
    assert scene.slack.journal.named("invalid options")


async def test_choosing_tells_at_once_only_with_dispatch_action(scene: Scene, bot: AsyncApp) -> None:
    heard: list[Payload] = []
    chosen = {"type": "static_select", "options": [{"text": text("main"), "value": "main"}]}

    @bot.action("loud")
    async def listen(ack: AsyncAck, body: Payload) -> None:
        heard.append(body)
        await ack()

    await opened(
        scene,
        modal(
            {"type": "input", "label": text("a"), "element": {**chosen, "action_id": "quiet"}},
            {
                "type": "input",
                "block_id": "b",
                "dispatch_action": True,
                "label": text("b"),
                "element": {**chosen, "action_id": "loud"},
            },
        ),
    )
    view = scene.slack.view(scene.ana)

    assert await scene.slack.select(scene.ana, view, "quiet", "main") is None
    await scene.slack.select(scene.ana, view, "loud", "main")

    (body,) = heard
    assert body["container"] == {"type": "view", "view_id": view.id}
    assert body["actions"][0]["selected_option"]["value"] == "main"
    assert body["view"]["state"]["values"]["b"]["loud"]["selected_option"]["value"] == "main"
    assert "response_url" not in body


async def test_a_global_shortcut_opens_a_modal(scene: Scene, bot: AsyncApp) -> None:
    @bot.shortcut("help.open")
    async def listen(ack: AsyncAck, body: Payload) -> None:
        await ack()
        assert "channel" not in body
        await scene.client.views_open(trigger_id=body["trigger_id"], view=modal())

    delivery = await scene.slack.shortcut(scene.ana, "help.open")

    assert delivery.ok
    assert scene.slack.view(scene.ana).title == "Start"
    with pytest.raises(LookupError, match="unknown global shortcut"):
        await scene.slack.shortcut(scene.ana, "other")


async def test_the_home_tab_is_published_per_person(scene: Scene, bot: AsyncApp) -> None:
    heard: list[Payload] = []

    @bot.event("app_home_opened")
    async def listen(body: Payload) -> None:
        heard.append(body)
        shown = {"type": "home", "blocks": [{"type": "actions", "elements": [button("go", "Go")]}]}
        await scene.client.views_publish(user_id=body["event"]["user"], view=shown)

    hear(bot, "go")
    delivery = await scene.slack.open_home(scene.ana, scene.app)
    await scene.slack.open_home(scene.ana, scene.app)

    assert delivery is not None
    assert delivery.ok
    home = scene.slack.home(scene.ana)
    assert home is not None
    assert scene.slack.home(scene.bo) is None
    assert "view" not in heard[0]["event"]
    assert heard[1]["event"]["view"]["id"] == home.id
    assert heard[0]["authorizations"][0]["user_id"] == scene.app.bot_user.id
    assert heard[0]["event_id"] != heard[1]["event_id"]
    pressed = await scene.slack.press_in_view(scene.ana, home, "go")
    assert pressed.payload["view"]["type"] == "home"


async def test_a_home_tab_takes_no_modal(scene: Scene) -> None:
    with refused_with("invalid_arguments"):
        await scene.client.views_publish(user_id=scene.ana.id, view=modal())


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"blocks": [{"type": "divider"}]}, None),
        ({"blocks": [{"type": "header"}]}, "invalid_blocks"),
        ({"view": modal(title="x" * 25)}, "invalid_view"),
        ({"message": {"blocks": [{"type": "alert", "text": text("x")}]}}, "invalid_message"),
    ],
)
async def test_blocks_can_be_validated_only(scene: Scene, given: Payload, error: str | None) -> None:
    if error is None:
        assert (await scene.client.blocks_validate(**given))["ok"]
        return
    with refused_with(error) as refusal:
        await scene.client.blocks_validate(**given)
    assert refusal.value.response["errors"][0]["pointer"]
