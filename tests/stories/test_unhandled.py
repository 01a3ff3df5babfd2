"""What has no handler is acknowledged, and a person who waits for an answer gets one.

Slack shows an error for a request that isn't acknowledged, sends events again and may switch them off.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

import pytest

from playground.slack import payloads
from playground.slack.limits import Limits
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
Kind = Literal["slash_commands", "interactive", "events_api"]
BOTH_MODES = pytest.mark.parametrize("socket_mode", [True, False], ids=["socket", "http"])


@pytest.fixture
def open_strict(open_world: OpenWorld) -> OpenWorld:
    """Open a world in which Slack delivers everything once."""

    async def open_strict(**settings: Any) -> World:
        return await open_world(limits=Limits(socket_retries=(), event_retries=()), **settings)

    return open_strict


async def deliver(world: World, kind: Kind, body: Any) -> Any:
    delivery = await world.slack.courier.deliver(world.slack.courier.prepare(kind, "unhandled", world.app, body))
    await world.settled()
    return delivery


@BOTH_MODES
@pytest.mark.parametrize(
    "event",
    [
        {"type": "message", "text": "hi"},
        {"type": "message", "subtype": "channel_join", "text": "hi"},
        {"type": "message", "subtype": "message_changed", "message": {"text": "hi"}},
        {"type": "app_mention", "text": "hi"},
        {"type": "member_joined_channel"},
        {"type": "user_change", "user": {"id": "U1"}},
        {"type": "of_next_year"},
    ],
    ids=lambda event: "-".join(filter(None, (event["type"], event.get("subtype")))),
)
async def test_another_event_is_acknowledged(open_strict: OpenWorld, socket_mode: bool, event: dict[str, Any]) -> None:
    world = await open_strict(socket_mode=socket_mode)
    facts = {"user": world.ana.id, "channel": world.ios.id, "ts": "1.2"} | event
    body = payloads.event(world.app, facts, event_id="Ev1", event_time=1, channel=world.ios)
    delivery = await deliver(world, "events_api", body)
    assert delivery.ok, delivery.error


async def pressed(world: World, **action: Any) -> Any:
    await world.say("/build shop deploy main")
    await world.passes(seconds=30)
    body: dict[str, Any] = payloads.on_message("block_actions", world.app, world.ana, world.card)
    usual = {"action_id": "build.of-another-version", "block_id": "x", "type": "button", "value": "1", "action_ts": "1"}
    return await deliver(world, "interactive", body | {"actions": [usual | action], "trigger_id": "1.2"})


@BOTH_MODES
async def test_a_button_of_another_version_is_answered(open_strict: OpenWorld, socket_mode: bool) -> None:
    world = await open_strict(socket_mode=socket_mode)
    delivery = await pressed(world)
    assert delivery.ok, delivery.error
    assert "This button is from an older version." in world.whispers()[-1]


@BOTH_MODES
async def test_a_menu_of_another_version_is_answered(open_strict: OpenWorld, socket_mode: bool) -> None:
    world = await open_strict(socket_mode=socket_mode)
    option = {"text": {"type": "plain_text", "text": "x"}, "value": "x"}
    delivery = await pressed(world, type="static_select", selected_option=option)
    assert delivery.ok, delivery.error
    assert "older version" in world.whispers()[-1]


def of_person(world: World, **facts: Any) -> dict[str, Any]:
    """Return what is in every payload that a person causes outside a message."""
    person = {"id": world.ana.id, "username": "ana", "team_id": world.team.id}
    return {"team": {"id": world.team.id}, "user": person, "trigger_id": "1.2", "api_app_id": world.app.id} | facts


def view(world: World) -> dict[str, Any]:
    return {
        "id": "V1", "team_id": world.team.id, "app_installed_team_id": world.team.id, "type": "modal",
        "callback_id": "form.of-another-version", "private_metadata": "", "blocks": [], "state": {"values": {}},
        "hash": "1.2", "title": {"type": "plain_text", "text": "x"},
    }  # fmt: skip


@BOTH_MODES
async def test_a_form_of_another_version_says_that_nothing_was_saved(open_strict: OpenWorld, socket_mode: bool) -> None:
    world = await open_strict(socket_mode=socket_mode)
    delivery = await deliver(world, "interactive", of_person(world, type="view_submission", view=view(world)))
    assert delivery.ok, delivery.error
    assert delivery.answer["response_action"] == "update"
    assert "wasn't saved" in str(delivery.answer["view"])


@BOTH_MODES
@pytest.mark.parametrize("kind", ["view_closed", "shortcut", "message_action", "block_suggestion"])
async def test_other_interactions_are_acknowledged(open_strict: OpenWorld, socket_mode: bool, kind: str) -> None:
    world = await open_strict(socket_mode=socket_mode)
    facts: dict[str, Any] = {"type": kind, "callback_id": "of-another-version"}
    if kind == "view_closed":
        facts |= {"view": view(world), "is_cleared": False}
    if kind == "block_suggestion":
        facts |= {"view": view(world), "action_id": "menu.of-another-version", "block_id": "x", "value": "x"}
    delivery = await deliver(world, "interactive", of_person(world, **facts))
    assert delivery.ok, delivery.error
    if kind == "block_suggestion":
        assert delivery.answer == {"options": []}
