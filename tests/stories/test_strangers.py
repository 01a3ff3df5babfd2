"""Anybody can reach the doors: whatever a stranger sends is refused, is no bug, and writes no error to the log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

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
    assert caplog.text.count("not signed with this app's signing secret") == 1
    metrics = many.bot.metrics.exposition().decode()
    assert 'buildbell_slack_requests_total{kind="unknown",result="refused"} 3.0' in metrics
