"""Anybody can reach the doors: whatever a stranger sends is refused, is no bug, and writes no error to the log."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from bot import logs as log
from bot.web import server as web
from bot.web.dispatch import FORM
from playground.slack.signed_http import Signing
from tests.conftest import Complaints
from tests.many_workspaces import Many

OpenMany = Callable[..., Awaitable[Many]]
SLACK = "/slack/events"
NESTED = b"[" * 100_000
BODIES = [
    b"", b"{", b"[1]", b"1", b"\xff\xfe", b"\0", b"&&=&", b'{"user":3}', NESTED, b"payload=%7B", b"payload=[]",
    b"payload=1", b"payload=" + NESTED, b"payload=%7B%22authorizations%22:%220%22%7D", b"command=/build&team=0",
    b"payload=%7B%22response_urls%22:[0]%7D", b"authorizations=0", b"ssl_check=2", b"state=%ff&code=%00&error=%0a",
]  # fmt: skip
OTHER_DOORS = [
    ("POST", "/bitrise/webhook/x"), ("POST", "/bitrise/webhook/%2e%2e%00"), ("POST", "/ci/skip"), ("PUT", SLACK),
    ("GET", "/slack/oauth_redirect?state=%ff&code=%00&error=%0a"), ("GET", "/slack/oauth_redirect?error=" + "e" * 5000),
    ("GET", "/slack/install/start"), ("GET", "/metrics"), ("GET", "/%ff%00"),
]  # fmt: skip
STRANGE_HEADERS = {
    "X-Slack-Request-Timestamp": str(int(time.time())), "X-Slack-Signature": "v0=\xe4", "Authorization": "Bearer \xe4",
    "Bitrise-Event-Type": "\xe4", "Bitrise-Hook-Delivery-ID": "'", "Cookie": 'buildbell-install="\\',
}  # fmt: skip


async def status(many: Many, method: str, path: str, body: bytes, headers: dict[str, str]) -> int:
    url = URL(f"http://127.0.0.1:{many.bot.port}{path}", encoded=True)
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, data=body, headers=headers, allow_redirects=False) as answer,
    ):
        return answer.status


@pytest.mark.parametrize(
    "content_type", [FORM, "application/json", "multipart/form-data; boundary=x", "\xe4;charset=no"]
)
async def test_what_no_door_can_read_is_refused(open_many: OpenMany, complaints: Complaints, content_type: str) -> None:
    many = await open_many(socket_mode=False)
    for headers in ({"Content-Type": content_type}, {"Content-Type": content_type, **STRANGE_HEADERS}):
        for body in BODIES:
            assert await status(many, "POST", SLACK, body, headers) == 401, (body[:80], headers)
            for method, path in OTHER_DOORS:
                assert await status(many, method, path, body, headers) < 500, (method, path, body[:80], headers)
    assert not complaints.told


SIGNED_BODIES = [
    b"null", b"[]", b'"x"', b"1", b"{}", b'{"type":null}', b'{"type":1}', b'{"type":[]}', b'{"type":"event_callback"}',
    b'{"type":"event_callback","event":null}', b'{"type":"event_callback","event":1}',
    b'{"type":"event_callback","event":[]}', b'{"type":"event_callback","event":{}}',
    b'{"type":"event_callback","event":{"type":1}}', b'{"type":"event_callback","event":{"type":"app_home_opened"}}',
    b'{"type":"event_callback","team_id":1,"event":{"type":"link_shared"}}', b'{"type":"url_verification"}',
    b'{"type":"block_actions"}', b'{"type":"x","team":0}', b'{"authorizations":0}', b'{"authorizations":[0]}',
    b'{"team_id":{"a":1},"type":"event_callback","event":{"type":"app_home_opened","user":"U1"}}',
]  # fmt: skip
SIGNED_PAYLOADS = [
    {"type": "block_actions"}, {"type": "block_actions", "actions": 1}, {"type": "block_actions", "actions": []},
    {"type": "block_actions", "actions": [1]}, {"type": "block_actions", "actions": [{}], "user": 1},
    {"type": "block_actions", "actions": [{"action_id": 1}]}, {"type": "view_submission"},
    {"type": "view_submission", "view": 1}, {"type": "view_submission", "view": {"callback_id": []}},
    {"type": "view_closed"}, {"type": "block_suggestion"}, {"type": "shortcut"}, {"type": "message_action"},
    {"type": "block_suggestion", "action_id": 1, "view": 2}, {"type": 1}, {"type": {}}, [], 1, None, "x", {},
    {"type": "shortcut", "team": 1, "user": []}, {"type": "view_submission", "user": {"id": 1}, "view": {"id": 1}},
    {"type": "block_actions", "response_urls": [0], "actions": [{"action_id": "build.stop"}]},
    {"type": "dialog_submission"}, {"type": "workflow_step_edit"}, {"type": "interactive_message"},
]  # fmt: skip
SIGNED_FORMS = [b"", b"command=", b"command=/build", b"command=/build&team_id=", b"command=/build&text=x&team=0",
                b"payload", b"payload=", b"payload=1", b"payload=%7B", b"payload=" + NESTED, b"\xff=\xfe"]  # fmt: skip


@pytest.mark.parametrize("content_type", [FORM, "application/json", "text/plain", "multipart/form-data; boundary=x"])
async def test_signed_nonsense_is_a_bad_request_and_no_error(
    open_many: OpenMany, complaints: Complaints, content_type: str
) -> None:
    many = await open_many(socket_mode=False)
    many.expects_errors = True  # Bolt logs a workspace that is not installed as an error
    payloads = [b"payload=" + quote(json.dumps(payload)).encode() for payload in SIGNED_PAYLOADS]
    found = {}
    for body in (*SIGNED_BODIES, *SIGNED_FORMS, *payloads, *BODIES):
        headers = Signing().headers(many.registered.signing_secret, body) | {"Content-Type": content_type}
        code = await status(many, "POST", SLACK, body, headers)
        if code not in (200, 400, 401):
            found[body[:80]] = code
    assert found == {}
    assert [line for line in complaints.told if "AsyncMultiTeamsAuthorization" not in line] == []


NO_HTTP = [b"\x16\x03\x01\x02\0", b"GET / HTTP/9.9\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"]
BROKEN_BODIES = [
    b"Content-Length: 10\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", b"Expect: x\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n\r\n", b"Content-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
    b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
]  # fmt: skip


@pytest.mark.usefixtures("own_logging")
async def test_what_is_no_http_and_what_breaks_off_is_no_error(
    open_many: OpenMany, capsys: pytest.CaptureFixture[str]
) -> None:
    many = await open_many(socket_mode=False)
    log.configure("DEBUG", "text")
    broken = [
        f"POST {path} HTTP/1.1\r\nHost: bot\r\n".encode() + body
        for path in (SLACK, "/ci/skip")
        for body in BROKEN_BODIES
    ]
    for sent in (*NO_HTTP, *broken):
        reader, writer = await asyncio.open_connection("127.0.0.1", many.bot.port)
        writer.write(sent)
        writer.write_eof()
        assert b" 200 " not in await reader.read()
        writer.close()
        await writer.wait_closed()
    await many.stop_bot()  # it has seen the end of all of them
    assert "ERROR" not in capsys.readouterr().err


async def test_a_cookie_that_is_no_text_belongs_to_no_browser_that_began_here(
    open_many: OpenMany, complaints: Complaints
) -> None:
    many = await open_many(socket_mode=False)
    reader, writer = await asyncio.open_connection("127.0.0.1", many.bot.port)
    asked = b"GET /slack/oauth_redirect?state=x&code=y HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n"
    writer.write(asked + b"Cookie: buildbell-install=\xff\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 400")
    writer.close()
    await writer.wait_closed()
    assert not complaints.told


async def test_a_body_that_does_not_come_is_not_waited_for(
    open_many: OpenMany, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "BODY_SECONDS", 0)
    many = await open_many(socket_mode=False)
    reader, writer = await asyncio.open_connection("127.0.0.1", many.bot.port)
    writer.write(f"POST {SLACK} HTTP/1.1\r\nHost: bot\r\nContent-Length: 10\r\n\r\nabc".encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 408")
    writer.close()
    await writer.wait_closed()


async def test_a_wrong_secret_is_told_to_the_operator_once_a_minute(
    open_many: OpenMany, caplog: pytest.LogCaptureFixture
) -> None:
    many = await open_many(socket_mode=False)
    headers = Signing(secret="another").headers("x", b"{}") | {"Content-Type": FORM}
    for _ in range(3):
        assert await status(many, "POST", SLACK, b"{}", headers) == 401
    assert caplog.text.count("has an invalid signature") == 1
    metrics = many.bot.metrics.exposition().decode()
    assert 'buildbell_slack_requests_total{kind="unknown",result="refused"} 3.0' in metrics
