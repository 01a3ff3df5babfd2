"""Dispatcher that are answered by name are read as Bolt reads them; what is doubtful is refused in Bolt's words."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.web.dispatch import FORM, place_of
from bot.web.payloads import read_form
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
SAYS_NOT_INSTALLED = "isn't installed in your Slack workspace"

words = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)
nested = st.dictionaries(words, words | st.dictionaries(words, words, max_size=2), max_size=4)


def by_bolt(raw: str) -> AsyncBoltRequest:
    return AsyncBoltRequest(body=raw, headers={"Content-Type": FORM})


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), words, min_size=1, max_size=5))
def test_a_form_is_read_as_bolt_reads_it(fields: dict[str, str]) -> None:
    raw = urlencode({"command": "/build", **fields})
    assume("payload" not in raw)  # Bolt loses a command that speaks of one
    assume(not {"authorizations", "response_urls"} & fields.keys())  # Bolt breaks where these are text
    assert read_form(raw.encode()) == by_bolt(raw).body


def test_a_command_may_speak_of_a_payload() -> None:
    assert read_form(b"command=%2Fbuild&text=payload+deploy") == {"command": "/build", "text": "payload deploy"}


@given(nested)
def test_a_press_is_read_as_bolt_reads_it(state: dict[str, Any]) -> None:
    raw = urlencode({"payload": json.dumps({"type": "block_actions", "state": state})})
    assert read_form(raw.encode()) == by_bolt(raw).body


@pytest.mark.parametrize("raw", [b"", b"payload=", b"payload=[]", b"payload=%7B", b"\xff\xfe", b"{}", b"&&=&"])
def test_what_is_no_form_has_no_fields_that_count(raw: bytes) -> None:
    assert not {"command", "type"} & read_form(raw).keys()


TEAM, ORG, OTHER = {"id": "T1", "domain": "acme"}, {"id": "E1", "name": "Acme"}, "T2"


@pytest.mark.parametrize(
    "body",
    [
        {"command": "/build", "team_id": "T1"},
        {"command": "/build", "team_id": "T1", "enterprise_id": "E1", "is_enterprise_install": "true"},
        {"type": "block_actions", "team": TEAM, "user": {"id": "U1", "team_id": "T1"}},
        {"type": "block_actions", "team": TEAM | {"enterprise_id": "E1"}, "enterprise": ORG, "user": {"id": "U1"}},
        {"type": "block_actions", "team": None, "enterprise": ORG, "user": {"id": "U1", "team_id": "T1"}},
        {"type": "view_submission", "team": TEAM | {"enterprise_id": "E1"}, "user": {"id": "U1"}, "view": {}},
        {"type": "view_submission", "team": {"id": OTHER}, "view": {"app_installed_team_id": "T1", "team_id": OTHER}},
        {"type": "view_submission", "team": None, "enterprise": None, "view": {"team_id": "T1"}},
    ],
)
def test_a_delivery_belongs_where_bolt_says(body: dict[str, Any]) -> None:
    context = AsyncBoltRequest(body=body, mode="socket_mode").context
    assert place_of(body) == (context.team_id, context.enterprise_id)


async def post(world: World, fields: dict[str, str], *, secret: str | None = None, sent_at: int | None = None) -> str:
    """What the bot answers to a command: the status, and the text if there is one."""
    raw, at = urlencode(fields), str(sent_at or int(time.time()))
    signature = SignatureVerifier(secret or world.app.app.signing_secret).generate_signature(timestamp=at, body=raw)
    headers = {"Content-Type": FORM, "X-Slack-Request-Timestamp": at, "X-Slack-Signature": signature or ""}
    url = f"http://127.0.0.1:{world.bot.port}/slack/events"
    async with aiohttp.ClientSession() as session, session.post(url, data=raw, headers=headers) as response:
        return f"{response.status} {await response.text()}"


def command(world: World, **changed: str) -> dict[str, str]:
    return {
        "command": "/build", "text": "help", "team_id": world.team.id, "user_id": "U1", "user_name": "ana",
        "channel_id": "C1", "trigger_id": "1.2.3", "response_url": "http://127.0.0.1:9/none",
    } | changed  # fmt: skip


async def test_only_what_slack_signed_just_now_is_answered(open_world: OpenWorld) -> None:
    world = await open_world(socket_mode=False)
    assert (await post(world, command(world))).startswith("200")
    assert (await post(world, command(world), secret="another")).startswith("401")
    assert (await post(world, command(world), sent_at=int(time.time()) - 600)).startswith("401")
    assert (await post(world, command(world) | {"ssl_check": "1"})) == "200 "


async def test_what_is_no_text_is_refused(open_world: OpenWorld) -> None:
    world = await open_world(socket_mode=False)
    headers = {"Content-Type": FORM, "X-Slack-Request-Timestamp": str(int(time.time())), "X-Slack-Signature": "v0=1"}
    url = f"http://127.0.0.1:{world.bot.port}/slack/events"
    async with aiohttp.ClientSession() as session, session.post(url, data=b"\xff\xfe", headers=headers) as response:
        assert response.status == 401


async def test_a_workspace_nobody_knows_is_told_so(open_world: OpenWorld) -> None:
    world = await open_world(socket_mode=False)
    world.expects_errors = True  # Bolt's
    unknown = command(world, team_id="T0NOBODY")
    del unknown["response_url"]
    assert SAYS_NOT_INSTALLED in await post(world, unknown)


async def test_nothing_is_taken_while_stopping(open_world: OpenWorld) -> None:
    world = await open_world(socket_mode=False)
    world.bot.dispatcher.stop()
    assert (await post(world, command(world))).startswith("503")


async def test_without_a_signing_secret_the_socket_serves(open_world: OpenWorld) -> None:
    world = await open_world(slack_signing_secret=None)
    await world.say("/build shop deploy main")
    assert len(world.builds()) == 1
