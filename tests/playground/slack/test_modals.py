"""Modals: opened in time, filled in, submitted, stacked, closed; external selects."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from tests.playground.slack.conftest import Payload, Scene, button, refused_with, text
from tests.playground.slack.forms import NAME, modal, opened


async def test_a_modal_opens_within_three_seconds_and_once(scene: Scene) -> None:
    trigger_id = (await scene.slack.command(scene.ana, scene.ios, "/help")).payload["trigger_id"]
    scene.clock.move_to(scene.clock.now() + timedelta(seconds=3))

    await scene.client.views_open(trigger_id=trigger_id, view=modal())

    assert scene.slack.view(scene.ana).title == "Start"
    with refused_with("exchanged_trigger_id"):
        await scene.client.views_open(trigger_id=trigger_id, view=modal())


async def test_a_trigger_expires(scene: Scene) -> None:
    trigger_id = (await scene.slack.command(scene.ana, scene.ios, "/help")).payload["trigger_id"]
    scene.clock.move_to(scene.clock.now() + timedelta(seconds=3.1))

    with refused_with("expired_trigger_id"):
        await scene.client.views_open(trigger_id=trigger_id, view=modal())
    with refused_with("invalid_trigger_id"):
        await scene.client.views_open(trigger_id="1.2.3", view=modal())


async def test_a_view_is_shown_whole(scene: Scene) -> None:
    view = await opened(scene, modal(private_metadata="m", external_id="e", notify_on_close=True))

    assert view["state"] == {"values": {"name": {"typed": {"type": "plain_text_input", "value": None}}}}
    assert (view["root_view_id"], view["previous_view_id"]) == (view["id"], None)
    assert (view["team_id"], view["app_id"], view["bot_id"]) == (scene.team.id, scene.app.id, scene.app.bot_id)
    assert (view["private_metadata"], view["external_id"], view["notify_on_close"]) == ("m", "e", True)
    assert view["hash"]


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (modal(title="x" * 25), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (modal(private_metadata="x" * 3001), "must be less than 3001 characters [json-pointer:/view/private_metadata]"),
        (modal(submit=None), "missing required field: submit [json-pointer:/view]"),
        (modal({"type": "markdown", "text": "x"}), "unsupported type: markdown [json-pointer:/view/blocks/0/type]"),
        ({"type": "modal", "title": text("x")}, "missing required field: blocks [json-pointer:/view]"),
        (modal(*[{"type": "divider"}] * 101), "no more than 100 items allowed [json-pointer:/view/blocks]"),
        (modal(color="red"), "invalid additional property: color [json-pointer:/view]"),
    ],
)
async def test_views_that_are_refused(scene: Scene, view: Payload, message: str) -> None:
    with refused_with("invalid_arguments") as refusal:
        await opened(scene, view)

    assert refusal.value.response["response_metadata"]["messages"] == [f"[ERROR] {message}"]


async def test_what_was_typed_arrives_and_an_empty_answer_closes(scene: Scene, bot: AsyncApp) -> None:
    heard: list[Payload] = []

    @bot.view("form")
    async def listen(ack: AsyncAck, body: Payload) -> None:
        heard.append(body)
        await ack()

    await opened(scene)
    delivery = await scene.slack.submit(scene.ana, scene.slack.view(scene.ana), {"typed": "deploy"[:5]})

    assert delivery.ok
    assert heard[0]["view"]["state"]["values"]["name"]["typed"]["value"] == "deplo"
    assert heard[0]["type"] == "view_submission"
    assert heard[0]["user"]["id"] == scene.ana.id
    assert scene.slack.views(scene.ana) == []


@pytest.mark.parametrize("typed", ["", "too long"])
async def test_slacks_own_client_refuses_first(scene: Scene, typed: str) -> None:
    await opened(scene)

    delivery = await scene.slack.submit(scene.ana, scene.slack.view(scene.ana), {"name": typed})

    assert list(delivery.errors) == ["name"]
    assert (delivery.ok, delivery.attempts) == (False, 0)


async def answered(scene: Scene, bot: AsyncApp, **answer: Any) -> Any:
    """Open and submit the form, with this response of the bot."""

    @bot.view("form")
    async def listen(ack: AsyncAck) -> None:
        await ack(**answer)

    await opened(scene)
    return await scene.slack.submit(scene.ana, scene.slack.view(scene.ana), {"typed": "x"})


async def test_errors_stand_next_to_the_inputs(scene: Scene, bot: AsyncApp) -> None:
    delivery = await answered(scene, bot, response_action="errors", errors={"name": "No such app"})

    assert delivery.errors == {"name": "No such app"}
    view = scene.slack.view(scene.ana)
    assert view.state["name"]["typed"]["value"] == "x"


async def test_errors_must_name_an_input(scene: Scene, bot: AsyncApp) -> None:
    delivery = await answered(scene, bot, response_action="errors", errors={"typed": "No such app"})

    assert not delivery.ok
    assert "errors must name input blocks" in delivery.error


async def test_an_answer_may_update_push_or_clear(scene: Scene, bot: AsyncApp) -> None:
    await answered(scene, bot, response_action="update", view=modal(title="Again"))
    assert [view.title for view in scene.slack.views(scene.ana)] == ["Again"]


async def test_an_answer_may_push(scene: Scene, bot: AsyncApp) -> None:
    await answered(scene, bot, response_action="push", view=modal(title="Second"))

    first, second = scene.slack.views(scene.ana)
    assert (second.title, second.root_view_id, second.previous_view_id) == ("Second", first.id, first.id)


async def test_an_answer_may_clear_the_stack(scene: Scene, bot: AsyncApp) -> None:
    await answered(scene, bot, response_action="clear")

    assert scene.slack.views(scene.ana) == []


async def test_a_bad_answer_leaves_the_view(scene: Scene, bot: AsyncApp) -> None:
    delivery = await answered(scene, bot, response_action="update", view=modal(title="x" * 25))

    assert "trouble connecting" in delivery.error
    assert [view.title for view in scene.slack.views(scene.ana)] == ["Start"]


async def test_a_stack_holds_three(scene: Scene) -> None:
    pusher = {"type": "actions", "elements": [button("more", "More")]}
    await opened(scene, modal(pusher))
    for _ in range(2):
        pressed = await scene.slack.press_in_view(scene.ana, scene.slack.view(scene.ana), "more")
        await scene.client.views_push(trigger_id=pressed.payload["trigger_id"], view=modal(pusher))
    pressed = await scene.slack.press_in_view(scene.ana, scene.slack.view(scene.ana), "more")

    with refused_with("push_limit_reached"):
        await scene.client.views_push(trigger_id=pressed.payload["trigger_id"], view=modal(pusher))
    assert len(scene.slack.views(scene.ana)) == 3


async def test_an_update_keeps_what_was_typed_where_ids_stay(scene: Scene) -> None:
    view = await opened(scene)
    await scene.slack.fill(scene.ana, scene.slack.view(scene.ana), {"typed": "x"})
    other = {**NAME, "block_id": "other"}

    await scene.client.views_update(view_id=view["id"], view=modal(NAME, other), hash=view["hash"])

    values = scene.slack.view(scene.ana).state
    assert (values["name"]["typed"]["value"], values["other"]["typed"]["value"]) == ("x", None)
    with refused_with("hash_conflict"):
        await scene.client.views_update(view_id=view["id"], view=modal(), hash=view["hash"])


async def test_a_view_is_found_by_its_external_id_which_is_unique(scene: Scene) -> None:
    await opened(scene, modal(external_id="one"))
    await scene.client.views_update(external_id="one", view=modal(title="Changed", external_id="one"))
    assert scene.slack.view(scene.ana).title == "Changed"

    trigger_id = (await scene.slack.command(scene.bo, scene.ios, "/help")).payload["trigger_id"]
    with refused_with("duplicate_external_id"):
        await scene.client.views_open(trigger_id=trigger_id, view=modal(external_id="one"))
    with refused_with("not_found"):
        await scene.client.views_update(external_id="two", view=modal())


async def test_closing_is_told_only_when_asked(scene: Scene, bot: AsyncApp) -> None:
    heard: list[Payload] = []

    @bot.view_closed("form")
    async def listen(ack: AsyncAck, body: Payload) -> None:
        heard.append(body)
        await ack()

    await opened(scene)
    assert await scene.slack.close(scene.ana, scene.slack.view(scene.ana)) is None
    view = await opened(scene, modal(notify_on_close=True))
    await scene.slack.close(scene.ana, scene.slack.view(scene.ana))

    assert [(body["view"]["id"], body["is_cleared"]) for body in heard] == [(view["id"], False)]
    with refused_with("not_found"):
        await scene.client.views_update(view_id=view["id"], view=modal())
