"""The client against the practice Slack, on real sockets: the calls that arrive, and the error of each failure."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
import pytest

from bot.clock import SystemClock
from bot.slack import cards, ids
from bot.slack.build_text import BuildView
from bot.slack.client import Posted, SlackClient, web_client
from bot.slack.errors import SlackBusy, SlackRefused, SlackUnavailable, retry_after
from bot.slack.text import Message
from bot.vault import Token
from bot.workspaces.connect_form import checking_view, connect_form
from commands.home import HomeFacts, home_view
from playground.slack import Channel, Installation, PracticeSlack, User
from playground.wire import Fault

OPTIONAL = ["channels:read", "groups:read", "users:read.email", "files:write", "links:read", "links:write"]
LINK = "https://app.bitrise.io/build/abc"
PNG = b"\x89PNG\r\n\x1a\n picture"

MANIFEST: dict[str, Any] = {
    "display_information": {"name": "Buildbell"},
    "features": {
        "bot_user": {"display_name": "Buildbell"},
        "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
        "unfurl_domains": ["bitrise.io"],
        "slash_commands": [{"command": "/build", "description": "Builds", "should_escape": True}],
        "shortcuts": [{"name": "Start a build", "type": "global", "callback_id": ids.BUILD_START, "description": "x"}],
    },
    "oauth_config": {"scopes": {"bot": ["commands", "chat:write", "users:read", *OPTIONAL], "bot_optional": OPTIONAL}},
    "settings": {
        "event_subscriptions": {"bot_events": ["link_shared"]},
        "socket_mode_enabled": False,
        "interactivity": {"is_enabled": True},
    },
}


@dataclass(frozen=True)
class Practice:
    slack: PracticeSlack
    app: Installation
    ana: User
    ios: Channel
    client: SlackClient
    session: aiohttp.ClientSession

    def fault(self, **how: Any) -> None:
        self.slack.faults.add(Fault(**how))


def client_of(
    slack: PracticeSlack, app: Installation, session: aiohttp.ClientSession, *, timeout_seconds: float
) -> SlackClient:
    async def token() -> Token:
        return Token(app.bot_token)

    web = web_client(session=session, base_url=slack.api_url)
    return SlackClient(web=web, session=session, token=token, timeout_seconds=timeout_seconds)


@pytest.fixture
async def practice() -> AsyncIterator[Practice]:
    slack = PracticeSlack(clock=SystemClock())
    await slack.start()
    team = slack.add_team("Acme")
    ana = slack.add_user(team, "ana", admin=True, real_name="Ana Diaz", email="ana@acme.example", tz="Europe/Madrid")
    ios = slack.add_channel(team, "ios", members=[ana])
    app = slack.install(MANIFEST, team)
    slack.invite(ios, app.bot_user)
    async with aiohttp.ClientSession() as session:
        client = client_of(slack, app, session, timeout_seconds=5)
        yield Practice(slack, app, ana, ios, client, session)
    await slack.stop()


def modest_client(practice: Practice, *declined: str) -> SlackClient:
    """Of an app whose installer declined some optional scopes."""
    app = practice.slack.install(MANIFEST, practice.app.team, declined=declined)
    return client_of(practice.slack, app, practice.session, timeout_seconds=5)


async def test_a_card_is_posted_and_redrawn(
    practice: Practice, build: Callable[..., BuildView], ended: Callable[..., BuildView], now: datetime
) -> None:
    posted = await practice.client.post(practice.ios.id, cards.card([build()], now=now))
    [shown] = practice.slack.messages(practice.ios)
    assert posted == Posted(practice.ios.id, shown.ts)
    assert shown.text == "🔵 iOS Shop deploy #812 is running (release/3.2)"

    await practice.client.update(posted.channel_id, posted.ts, cards.card([ended("failed")], now=now))
    [shown] = practice.slack.messages(practice.ios)
    assert shown.text == "❌ iOS Shop deploy #812 failed after 7 min (release/3.2)"
    assert len(shown.blocks) == 2

    await practice.client.update(posted.channel_id, posted.ts, Message("gone"))
    [shown] = practice.slack.messages(practice.ios)
    assert (shown.text, shown.blocks) == ("gone", [])


async def test_the_end_is_told_in_the_thread(practice: Practice, ended: Callable[..., BuildView]) -> None:
    card = await practice.client.post(practice.ios.id, Message("card"))
    told = cards.announcement([ended("succeeded")], mention_user=practice.ana.id)
    await practice.client.post(practice.ios.id, told, thread_ts=card.ts)
    answers = [each for each in practice.slack.messages(practice.ios) if each.thread_ts]
    assert [each.thread_ts for each in answers] == [card.ts]
    assert answers[0].text.count(f"<@{practice.ana.id}>") == 1


async def test_links_grow_no_previews(practice: Practice) -> None:
    await practice.client.post(practice.ios.id, Message("https://app.bitrise.io"))
    [entry] = practice.slack.journal.named("chat.postMessage")
    asked = str(entry.request)
    assert "'unfurl_links': False" in asked
    assert "'unfurl_media': False" in asked


async def test_a_whisper_reaches_one_person(practice: Practice) -> None:
    await practice.client.post_ephemeral(practice.ios.id, practice.ana.id, Message("only you"))
    assert [each.text for each in practice.slack.ephemerals(practice.ana, practice.ios)] == ["only you"]


async def test_a_direct_message_goes_to_a_person(practice: Practice) -> None:
    posted = await practice.client.post(practice.ana.id, Message("psst"))
    assert [each.text for each in practice.slack.direct_messages(practice.ana, practice.app)] == ["psst"]
    assert posted.channel_id != practice.ana.id


async def test_answers_by_response_url(practice: Practice) -> None:
    url = practice.slack.responses.issue(practice.app, practice.ana, practice.ios)
    await practice.client.respond(url, Message("private"))
    assert [each.text for each in practice.slack.ephemerals(practice.ana, practice.ios)] == ["private"]


async def test_an_answer_may_replace_the_question(practice: Practice) -> None:
    await practice.client.post(practice.ios.id, Message("question"))
    [question] = practice.slack.messages(practice.ios)
    url = practice.slack.responses.issue(practice.app, practice.ana, practice.ios, question)
    await practice.client.respond(url, Message("answered"), replace_original=True)
    assert [each.text for each in practice.slack.messages(practice.ios)] == ["answered"]


async def test_a_response_url_is_good_for_five_answers(practice: Practice) -> None:
    url = practice.slack.responses.issue(practice.app, practice.ana, practice.ios)
    for _ in range(5):
        await practice.client.respond(url, Message("again"))
    with pytest.raises(SlackRefused) as refused:
        await practice.client.respond(url, Message("again"))
    assert refused.value.error == "used_url"


async def test_views_are_opened_and_updated(practice: Practice) -> None:
    trigger = practice.slack.triggers.issue(practice.app, practice.ana)
    view_id = await practice.client.open_view(trigger, connect_form())
    await practice.client.update_view(view_id, checking_view())
    view = practice.slack.view(practice.ana)
    assert view is not None
    assert (view.id, view.callback_id) == (view_id, ids.MESSAGE_CLOSED)
    with pytest.raises(SlackRefused, match="exchanged_trigger_id"):
        await practice.client.open_view(trigger, connect_form())


async def test_home_is_published(practice: Practice, now: datetime) -> None:
    facts = HomeFacts(None, [], [], may_connect=True, command="/build")
    await practice.client.publish_home(practice.ana.id, home_view(facts, now=now))
    assert practice.slack.home(practice.ana) is not None


async def test_who_is_who(practice: Practice) -> None:
    person = await practice.client.get_user(practice.ana.id)
    assert (person.name, person.team_id) == ("ana", practice.app.team.id)
    assert person.is_admin
    assert (person.email, person.tz) == ("ana@acme.example", "Europe/Madrid")


@pytest.mark.parametrize(("display_name", "name"), [("Zoë 🚀", "Zoë 🚀"), ("", "Max Muster")])
async def test_a_person_is_called_as_in_slack(practice: Practice, display_name: str, name: str) -> None:
    user = practice.slack.add_user(practice.app.team, "mm1987", real_name="Max Muster", display_name=display_name)
    assert (await practice.client.get_user(user.id)).name == name


async def test_without_the_scope_no_address_is_told(practice: Practice) -> None:
    client = modest_client(practice, "users:read.email")
    assert (await client.get_user(practice.ana.id)).email is None


async def test_a_link_gets_a_preview(practice: Practice) -> None:
    message = await practice.slack.post(practice.ana, practice.ios, f"{LINK} {LINK}2")
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "iOS Shop #812"}}
    previews = {LINK: Message("iOS Shop #812", (section,)), f"{LINK}2": Message("Only words")}
    await practice.client.unfurl(practice.ios.id, message.ts, previews)
    first, second = message.unfurls.values()
    assert [block["text"] for block in first["blocks"]] == [section["text"]]
    assert second["text"] == "Only words"
    with pytest.raises(SlackRefused, match="cannot_unfurl_message"):
        await practice.client.unfurl(practice.ios.id, message.ts, {"https://example.com": Message("x")})


async def test_a_file_is_uploaded_into_a_thread(practice: Practice) -> None:
    card = await practice.client.post(practice.ios.id, Message("card"))
    file_id = await practice.client.upload(
        "builds.csv", b"number\n812\n", title="Builds", channel=practice.ios.id, thread_ts=card.ts
    )
    _, message = practice.slack.messages(practice.ios)
    assert message.thread_ts == card.ts
    assert [(file["id"], file["title"], file["size"]) for file in message.files] == [(file_id, "Builds", 11)]


async def test_a_file_without_a_channel_stands_in_a_block(practice: Practice) -> None:
    file_id = await practice.client.upload("qr.png", PNG, title="Install")
    assert practice.slack.messages(practice.ios) == []
    picture = {"type": "image", "alt_text": "QR code", "slack_file": {"id": file_id}}
    await practice.client.post(practice.ios.id, Message("QR code", (picture,)))
    [message] = practice.slack.messages(practice.ios)
    assert message.blocks[0]["slack_file"] == {"id": file_id}


@pytest.mark.parametrize("step", ["files.getUploadURLExternal", "files.upload", "files.completeUploadExternal"])
@pytest.mark.parametrize(
    ("how", "becomes"),
    [
        ({"kind": "status", "status": 429, "retry_after": 7}, SlackBusy),
        ({"kind": "status", "status": 503}, SlackUnavailable),
        ({"kind": "cut_after"}, SlackUnavailable),
    ],
)
async def test_an_upload_that_fails_is_not_repeated(
    practice: Practice, step: str, how: dict[str, Any], becomes: type[Exception]
) -> None:
    practice.fault(name=step, **how)
    with pytest.raises(becomes):
        await practice.client.upload("a.csv", b"abc", title="A")
    assert len(practice.slack.journal.named(step)) == 1


async def test_an_upload_refused_halfway_says_so_without_its_address(practice: Practice) -> None:
    practice.fault(name="files.upload", kind="status", status=400, body="too short")
    with pytest.raises(SlackRefused, match="http_400") as refused:
        await practice.client.upload("a.csv", b"abc", title="A")
    assert "127.0.0.1" not in f"{refused.value!r} {vars(refused.value)}"


async def test_without_the_scope_nothing_is_uploaded(practice: Practice) -> None:
    with pytest.raises(SlackRefused) as refused:
        await modest_client(practice, "files:write").upload("a.csv", b"abc", title="A")
    assert (refused.value.error, refused.value.needed) == ("missing_scope", "files:write")


async def test_the_token_says_whose_it_is(practice: Practice) -> None:
    identity = await practice.client.test_auth()
    assert (identity.team_id, identity.team_name) == (practice.app.team.id, "Acme")
    assert identity.bot_user_id == practice.app.bot_user.id
    assert identity.scopes == {"commands", "chat:write", "users:read", *OPTIONAL}


async def test_slack_is_busy_for_as_long_as_it_says(practice: Practice) -> None:
    practice.fault(name="chat.postMessage", kind="status", status=429, retry_after=7)
    with pytest.raises(SlackBusy) as busy:
        await practice.client.post(practice.ios.id, Message("hello"))
    assert busy.value.retry_after == 7
    assert practice.slack.messages(practice.ios) == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 30),
        ("soon", 30),
        ("Wed, 21 Oct 2099 07:28:00 GMT", 30),
        ("nan", 30),
        ("inf", 30),
        ("-5", 1),
        ("0.2", 1),
        ("600", 600),
        ("86400", 3600),
        ("1e300", 3600),
    ],
)
def test_no_pause_that_slack_asks_for_is_without_an_end(header: str, seconds: float) -> None:
    assert retry_after({"retry-after": header}) == seconds


@pytest.mark.parametrize(
    "error", ["not_in_channel", "channel_not_found", "is_archived", "token_revoked", "msg_too_long"]
)
async def test_slacks_word_for_no_is_kept(practice: Practice, error: str) -> None:
    practice.fault(name="chat.update", kind="error", error=error)
    with pytest.raises(SlackRefused) as refused:
        await practice.client.update(practice.ios.id, "1.2", Message("hello"))
    assert refused.value.error == error


async def test_a_missing_scope_is_named(practice: Practice) -> None:
    app = practice.slack.install(
        {**MANIFEST, "oauth_config": {"scopes": {"bot": ["commands", "links:read"]}}}, practice.app.team
    )
    client = client_of(practice.slack, app, practice.session, timeout_seconds=5)
    with pytest.raises(SlackRefused) as refused:
        await client.post(practice.ios.id, Message("hello"))
    assert (refused.value.error, refused.value.needed) == ("missing_scope", "chat:write")


async def test_what_slack_says_about_blocks_is_kept(practice: Practice) -> None:
    with pytest.raises(SlackRefused) as refused:
        await practice.client.post(practice.ios.id, Message("hello", ({"type": "section"},)))
    assert refused.value.error == "invalid_blocks"
    assert refused.value.messages


async def test_a_remark_in_another_form_is_left_out(practice: Practice) -> None:
    body = {"ok": False, "error": "some_new_error", "response_metadata": {"messages": 5}}
    practice.fault(name="chat.postMessage", kind="body", status=200, body=body)
    with pytest.raises(SlackRefused, match="some_new_error"):
        await practice.client.post(practice.ios.id, Message("hello"))


@pytest.mark.parametrize(
    "how",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 503},
        {"kind": "cut_before"},
        {"kind": "cut_after"},
        {"kind": "error", "error": "internal_error"},
        {"kind": "body", "status": 200, "body": "<html>sorry</html>"},
        {"kind": "body", "status": 200, "body": "{broken"},
        {"kind": "body", "status": 200, "body": "[1]"},
        {"kind": "body", "status": 200, "body": "null"},
        {"kind": "body", "status": 200, "body": ""},
        {"kind": "body", "status": 200, "body": {"ok": False, "error": {"code": 5}}},
    ],
)
async def test_when_nobody_knows_what_happened(practice: Practice, how: dict[str, Any]) -> None:
    practice.fault(name="chat.postMessage", **how)
    with pytest.raises(SlackUnavailable):
        await practice.client.post(practice.ios.id, Message("hello"))


async def test_a_cut_answer_is_not_sent_again(practice: Practice) -> None:
    practice.fault(name="chat.postMessage", kind="cut_after")
    with pytest.raises(SlackUnavailable):
        await practice.client.post(practice.ios.id, Message("once"))
    assert [each.text for each in practice.slack.messages(practice.ios)] == ["once"]


async def test_a_slow_answer_is_given_up(practice: Practice) -> None:
    practice.fault(name="*", kind="slow", delay=30)
    hasty = client_of(practice.slack, practice.app, practice.session, timeout_seconds=0.05)
    with pytest.raises(SlackUnavailable, match="TimeoutError"):
        await hasty.test_auth()


@pytest.mark.parametrize("how", [{"kind": "status", "status": 500}, {"kind": "cut_before"}, {"kind": "cut_after"}])
async def test_a_response_url_that_fails(practice: Practice, how: dict[str, Any]) -> None:
    url = practice.slack.responses.issue(practice.app, practice.ana, practice.ios)
    practice.fault(name="response_url", **how)
    with pytest.raises(SlackUnavailable):
        await practice.client.respond(url, Message("hello"))


async def test_no_failure_and_no_log_holds_the_token(practice: Practice, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    practice.fault(name="auth.test", kind="error", error="invalid_auth")
    with pytest.raises(SlackRefused) as refused:
        await practice.client.test_auth()
    assert practice.app.bot_token not in f"{refused.value!r} {refused.value.__cause__!r} {vars(refused.value)}"
    await practice.client.post(practice.ios.id, Message("a private matter"))
    assert practice.app.bot_token not in caplog.text
    assert "private matter" not in caplog.text
