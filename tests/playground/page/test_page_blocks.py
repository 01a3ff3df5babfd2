"""Links, files, forms and charts on the page, in a real browser with a minimal bot."""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from playground.page.server import PageServer
from playground.stage import Stage
from tests.playground.page.conftest import OpenPage, OpenWindow
from tests.playground.page.windows import card, gone, seen, take, type_line

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser, pytest.mark.timeout(150)]

Payload = dict[str, Any]
LINK = "https://app.bitrise.io/build/abc"
SIDE = 24
"""Side of the picture in pixels."""


class Helper:
    """A minimal app in place of the bot, with its payloads and its client."""

    def __init__(self, stage: Stage, page: PageServer) -> None:
        self.stage, self.page = stage, page
        self.client = AsyncWebClient(token=stage.app.bot_token, base_url=stage.slack.api_url)
        self.bolt = AsyncApp(client=self.client, signing_secret=stage.app.signing_secret, process_before_response=True)
        self.heard: list[Payload] = []
        self.bolt.action("it")(self._hear)
        self.bolt.view("form")(self._hear)

    @property
    def ios(self) -> str:
        return self.stage.channels["ios"].id

    async def _hear(self, ack: AsyncAck, body: Payload) -> None:
        self.heard.append(body)
        await ack()

    async def show(self, *blocks: Payload) -> None:
        await self.client.chat_postMessage(channel=self.ios, text="shown", blocks=list(blocks))

    async def upload(self, name: str, content: bytes, **how: Any) -> str:
        answer: Any = await self.client.files_upload_v2(filename=name, content=content, title="Report", **how)
        file_id: str = answer["files"][0]["id"]
        return file_id

    async def open_form(self, *blocks: Payload) -> None:
        trigger_id = self.stage.slack.triggers.issue(self.stage.app, self.stage.people["ana"])
        view = {"type": "modal", "callback_id": "form", "title": words("Form"), "submit": words("Save")}
        await self.client.views_open(trigger_id=trigger_id, view={**view, "blocks": list(blocks)})


OpenHelper = Callable[[], Awaitable[Helper]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_helper(open_page: OpenPage) -> AsyncIterator[OpenHelper]:
    handlers: list[AsyncSocketModeHandler] = []

    async def open_one() -> Helper:
        stage, page = await open_page(bot=False)
        allow_links(stage)
        helper = Helper(stage, page)
        handler = AsyncSocketModeHandler(helper.bolt, stage.app.app_token)
        handler.client.web_client = AsyncWebClient(base_url=stage.slack.api_url)
        handlers.append(handler)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        await stage.slack.sockets.connected()
        return helper

    yield open_one
    for handler in handlers:
        await handler.close_async()  # type: ignore[no-untyped-call]


def allow_links(stage: Stage) -> None:
    app = stage.app.app
    features: Any = app.features
    features["unfurl_domains"] = ["bitrise.io"]
    app.settings["event_subscriptions"]["bot_events"].append("link_shared")
    stage.app.scopes = tuple({*stage.app.scopes, "links:read", "links:write", "files:write"})


def words(text: str) -> Payload:
    return {"type": "plain_text", "text": text}


def options(*names: str) -> list[Payload]:
    return [{"text": words(name), "value": name.lower()} for name in names]


def field(label: str, kind: str, **element: Any) -> Payload:
    shown = {"type": kind, "action_id": "it", **element}
    return {"type": "input", "block_id": label.lower(), "label": words(label), "element": shown}


def png() -> bytes:
    """Return a square of one color."""
    rows = (b"\0" + b"\x3c\x2a\x5c" * SIDE) * SIDE
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    written = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


async def test_a_posted_link_gets_a_preview_whose_button_works(
    open_helper: OpenHelper, open_window: OpenWindow
) -> None:
    helper = await open_helper()
    stop = {"type": "button", "action_id": "stop", "text": words("Stop"), "value": "abc"}
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "*iOS Shop* #812"}}

    @helper.bolt.event("link_shared")
    async def preview(event: Payload, client: AsyncWebClient) -> None:
        blocks = [section, {"type": "actions", "elements": [stop]}]
        unfurls = {link["url"]: {"blocks": blocks} for link in event["links"]}
        await client.chat_unfurl(channel=event["channel"], ts=event["message_ts"], unfurls=unfurls)

    @helper.bolt.action("stop")
    async def answer(ack: AsyncAck, body: Payload, respond: AsyncRespond) -> None:
        helper.heard.append(body)
        await ack()
        await respond("It stops.")

    window = await open_window(helper.page)
    await type_line(window, f"look at {LINK} and {LINK}2 please")
    await seen(window.locator(".unfurl").nth(1), "iOS Shop #812")
    second = window.locator(f'.unfurl[data-link="{LINK}2"]')
    await second.get_by_role("button", name="Stop").click()
    await seen(window.locator(".message.is-private").last, "It stops.")
    assert helper.heard[0]["container"]["app_unfurl_url"] == f"{LINK}2"
    assert await card(window).locator(f'a[href="{LINK}"]').count() == 1


async def test_pictures_are_drawn_and_other_files_can_be_downloaded(
    open_helper: OpenHelper, open_window: OpenWindow
) -> None:
    helper = await open_helper()
    window = await open_window(helper.page)
    file_id = await helper.upload("qr.png", png())
    await helper.show({"type": "image", "alt_text": "QR code", "slack_file": {"id": file_id}})
    await helper.upload("builds.csv", b"number\n812\n", channel=helper.ios)
    await helper.upload("qr.png", png(), channel=helper.ios)
    in_block, under_message = window.get_by_alt_text("QR code"), window.get_by_alt_text("Report")
    for picture in (in_block, under_message):
        await seen(picture)
        await window.wait_for_function(f"image => image.naturalWidth === {SIDE}", arg=await picture.element_handle())
    await seen(window.locator(".file"), "builds.csv")
    async with window.expect_download() as download:
        await window.get_by_role("link", name="Download Report").click()
    told = await download.value
    assert told.suggested_filename == "builds.csv"
    assert (await told.path()).read_bytes() == b"number\n812\n"


async def test_every_element_of_a_form_is_filled_in_by_hand(open_helper: OpenHelper, open_window: OpenWindow) -> None:
    helper = await open_helper()
    window = await open_window(helper.page)
    outcomes = options("Failed", "Aborted", "Skipped")
    await helper.open_form(
        field("Outcomes", "checkboxes", options=outcomes, initial_options=outcomes[:1]),
        field("Style", "radio_buttons", options=options("Cards", "Lines")),
        field("Report at", "timepicker", initial_time="20:00"),
        field("Days", "number_input", is_decimal_allowed=False, min_value="1", max_value="90"),
        field("Span", "static_select", option_groups=[{"label": words("Long"), "options": options("Month", "Year")}]),
        field("Causes", "multi_static_select", options=options("Push", "Schedule", "API"), max_selected_items=2),
        field("Who", "users_select"),
        field("Readers", "multi_users_select"),
    )
    await window.get_by_label("Aborted").check()
    await window.get_by_label("Lines").check()
    await window.get_by_label("Report at").fill("22:30")
    await window.get_by_label("Days").fill("91")
    await window.get_by_role("combobox", name="Span").click()
    await seen(window.locator(".options-group"), "Long")
    await window.locator(".options [role=option]").filter(has_text="Year").click()
    await take(window, "Causes", "pu", "Push")
    await take(window, "Causes", "sch", "Schedule")
    await window.get_by_role("combobox", name="Causes").click()
    await window.locator(".options [role=option]").filter(has_text="API").click()
    await seen(window.locator(".options:visible"), "No more than 2")
    await window.get_by_role("combobox", name="Causes").press("Escape")
    await take(window, "Who", "bo", "Bo")
    await take(window, "Readers", "ana", "Ana")
    await take(window, "Readers", "ada", "Ada")
    await window.get_by_role("button", name="Save").click()
    await seen(window.locator('[data-block="days"] .input-error'), "Must be 90 or less.")
    await window.get_by_label("Days").fill("30")
    await window.get_by_role("button", name="Save").click()
    await gone(window.locator("dialog"))
    people = helper.stage.people
    assert read(helper.heard[-1]) == {
        "outcomes": ["failed", "aborted"],
        "style": "lines",
        "report at": "22:30",
        "days": "30",
        "span": "year",
        "causes": ["push", "schedule"],
        "who": people["bo"].id,
        "readers": [people["ana"].id, people["ada"].id],
    }


def read(body: Payload) -> Payload:
    """Return the value of each field; options by value."""
    values = body["view"]["state"]["values"]
    return {
        block: plain(next(value for name, value in it["it"].items() if name != "type")) for block, it in values.items()
    }


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value["value"] if isinstance(value, dict) else value


async def test_an_overflow_menu_tells_what_was_taken(open_helper: OpenHelper, open_window: OpenWindow) -> None:
    helper = await open_helper()
    window = await open_window(helper.page)
    menu = {"type": "overflow", "action_id": "it", "options": options("Edit", "Remove")}
    await helper.open_form(
        {"type": "section", "text": words("Subscription"), "accessory": menu}, field("Name", "plain_text_input")
    )
    await window.locator("dialog").get_by_role("button", name="More actions").click()
    await window.get_by_role("menuitem", name="Remove").click()
    await helper.stage.wait_for(lambda: bool(helper.heard), "the press")
    assert helper.heard[0]["actions"][0]["selected_option"]["value"] == "remove"


async def test_tables_and_charts_are_drawn(open_helper: OpenHelper, open_window: OpenWindow) -> None:
    helper = await open_helper()
    window = await open_window(helper.page)
    await helper.show(table(), chart("bar"), chart("pie"))
    table_shown = card(window).locator(".block-table")
    await seen(table_shown.locator("thead"), "Outcome")
    await seen(table_shown.locator("tbody tr").nth(1), "Failed")
    await seen(card(window).locator(".block-chart").nth(0), "Builds per day")
    assert await card(window).locator(".chart-axes rect").count() == 4
    assert await card(window).locator(".chart-pie path").count() == 2
    assert await card(window).locator(".unknown").count() == 0


def table() -> Payload:
    counts = {"Succeeded": 176, "Failed": 11}
    rows = [[raw(name), {"type": "raw_number", "value": count}] for name, count in counts.items()]
    return {
        "type": "table",
        "column_settings": [None, {"align": "right"}],
        "rows": [[raw("Outcome"), raw("Builds")], *rows],
    }


def raw(text: str) -> Payload:
    return {"type": "raw_text", "text": text}


def chart(kind: str) -> Payload:
    days = {"Succeeded": (3, 5), "Failed": (1, 0)}
    drawn: Payload = {
        "type": kind,
        "series": [
            {"name": name, "data": [{"label": "Mon", "value": first}, {"label": "Tue", "value": second}]}
            for name, (first, second) in days.items()
        ],
        "axis_config": {"categories": ["Mon", "Tue"], "y_label": "Builds"},
    }
    if kind == "pie":
        drawn = {"type": kind, "segments": [{"label": "Succeeded", "value": 176}, {"label": "Failed", "value": 11}]}
    return {"type": "data_visualization", "title": "Builds per day", "chart": drawn}


async def test_a_message_without_a_link_is_just_said(open_helper: OpenHelper, open_window: OpenWindow) -> None:
    helper = await open_helper()
    window = await open_window(helper.page)
    other: Page = await open_window(helper.page, who="bo")
    await type_line(window, "Good morning & hello")
    await seen(card(other), "Good morning & hello")
    assert helper.stage.slack.journal.named("link_shared") == []
