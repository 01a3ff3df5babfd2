"""Every form element: filled in by a person, refused by Slack's client, read by the app."""

from __future__ import annotations

from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from playground.slack.state import HELD
from tests.playground.slack.conftest import Payload, Scene, hear, text
from tests.playground.slack.forms import modal, opened

OPTIONS = [{"text": text("Failed"), "value": "failed"}, {"text": text("Aborted"), "value": "aborted"}]
GROUPS = [{"label": text("Bad"), "options": OPTIONS}]

# The element, the entered value, and the value the app reads.
ELEMENTS: dict[str, tuple[Payload, Any, Any]] = {
    "checkboxes": ({"options": OPTIONS}, ["failed", "aborted"], OPTIONS),
    "radio_buttons": ({"options": OPTIONS}, "Aborted", OPTIONS[1]),
    "static_select": ({"option_groups": GROUPS}, "failed", OPTIONS[0]),
    "multi_static_select": ({"options": OPTIONS, "max_selected_items": 2}, ["aborted"], OPTIONS[1:]),
    "timepicker": ({"initial_time": "09:00"}, "17:30", "17:30"),
    "datepicker": ({}, "2026-05-04", "2026-05-04"),
    "number_input": ({"is_decimal_allowed": False, "min_value": "1", "max_value": "90"}, 30, "30"),
    "email_text_input": ({}, "ana@acme.example", "ana@acme.example"),
    "url_text_input": ({}, "https://acme.example", "https://acme.example"),
    "plain_text_input": ({"multiline": True}, "two\nlines", "two\nlines"),
}


def form(kind: str, **element: Any) -> Payload:
    shown = {"type": kind, "action_id": "it", **element}
    return modal({"type": "input", "block_id": "it", "label": text("It"), "element": shown})


def submissions(bot: AsyncApp) -> list[Payload]:
    heard: list[Payload] = []

    @bot.view("form")
    async def listen(ack: AsyncAck, view: Payload) -> None:
        heard.append(view["state"]["values"]["it"]["it"])
        await ack()

    return heard


@pytest.mark.parametrize("kind", ELEMENTS)
async def test_what_is_entered_is_read(scene: Scene, bot: AsyncApp, kind: str) -> None:
    element, entered, read = ELEMENTS[kind]
    heard = submissions(bot)
    await opened(scene, form(kind, **element))

    delivery = await scene.slack.submit(scene.ana, scene.slack.view(scene.ana), {"it": entered})

    assert delivery.errors == {}
    assert heard == [{"type": kind, HELD[kind].field: read}]


async def test_people_and_channels_are_chosen_by_who_and_what_they_are(scene: Scene, bot: AsyncApp) -> None:
    heard = submissions(bot)
    chosen = {
        "users_select": (scene.bo, scene.bo.id),
        "multi_users_select": ([scene.ana, scene.bo], [scene.ana.id, scene.bo.id]),
        "channels_select": (scene.ios.id, scene.ios.id),
        "multi_conversations_select": ([scene.ios], [scene.ios.id]),
    }

    for kind, (entered, read) in chosen.items():
        await opened(scene, form(kind))
        await scene.slack.submit(scene.ana, scene.slack.view(scene.ana), {"it": entered})
        assert heard.pop() == {"type": kind, HELD[kind].field: read}


@pytest.mark.parametrize(
    ("kind", "element", "entered", "complaint"),
    [
        ("number_input", {"is_decimal_allowed": False}, "many", "Must be a number."),
        ("number_input", {"is_decimal_allowed": False}, "1.5", "Must be a whole number."),
        ("number_input", {"is_decimal_allowed": True, "min_value": "0.5"}, "0.4", "Must be 0.5 or more."),
        ("number_input", {"is_decimal_allowed": False, "max_value": "90"}, 91, "Must be 90 or less."),
        ("email_text_input", {}, "ana", "Must be an email address."),
        ("url_text_input", {}, "acme.example", "Must be a link."),
        ("plain_text_input", {"min_length": 3}, "no", "Must be at least 3 characters."),
        ("checkboxes", {"options": OPTIONS}, [], "Please complete this required field."),
        (
            "multi_static_select",
            {"options": OPTIONS, "max_selected_items": 1},
            ["failed", "aborted"],
            "Choose at most 1.",
        ),
    ],
)
async def test_what_slacks_client_does_not_submit(
    scene: Scene, bot: AsyncApp, kind: str, element: Payload, entered: Any, complaint: str
) -> None:
    heard = submissions(bot)
    await opened(scene, form(kind, **element))

    delivery = await scene.slack.submit(scene.ana, scene.slack.view(scene.ana), {"it": entered})

    assert (delivery.errors, heard) == ({"it": complaint}, [])


@pytest.mark.parametrize(
    ("kind", "entered"),
    [
        ("timepicker", "9 o'clock"),
        ("timepicker", "24:00"),
        ("datepicker", "today"),
        ("users_select", "U0NOBODY"),
        ("multi_channels_select", ["C0NOWHERE"]),
    ],
)
async def test_a_picker_gives_only_what_it_offers(scene: Scene, kind: str, entered: Any) -> None:
    await opened(scene, form(kind))

    with pytest.raises(LookupError):
        await scene.slack.fill(scene.ana, scene.slack.view(scene.ana), {"it": entered})


async def test_an_overflow_menu_in_a_form_tells_at_once(scene: Scene, bot: AsyncApp) -> None:
    heard = hear(bot, "more")
    menu = {"type": "overflow", "action_id": "more", "options": OPTIONS}
    await opened(scene, modal({"type": "section", "text": text("Row"), "accessory": menu}))

    await scene.slack.press_in_view(scene.ana, scene.slack.view(scene.ana), "more", "aborted")

    assert heard[0]["actions"][0]["selected_option"] == OPTIONS[1]


async def test_what_is_chosen_in_a_section_of_a_form_tells_at_once(scene: Scene, bot: AsyncApp) -> None:
    heard = hear(bot, "outcomes")
    boxes = {"type": "checkboxes", "action_id": "outcomes", "options": OPTIONS}
    await opened(scene, modal({"type": "actions", "block_id": "row", "elements": [boxes]}))
    view = scene.slack.view(scene.ana)

    await scene.slack.select(scene.ana, view, "outcomes", ["failed"])

    assert heard[0]["actions"][0]["selected_options"] == OPTIONS[:1]
    assert heard[0]["view"]["state"]["values"]["row"]["outcomes"]["selected_options"] == OPTIONS[:1]
