"""Broken responses, byte by byte: redirects, endless bodies, half ones; the token is in no error."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from bot.bitrise import http
from bot.bitrise.client import BitriseClient
from bot.bitrise.http import HttpTransport
from bot.bitrise.models import TriggerParams
from bot.errors import BitriseError, BitriseUnauthorized, BitriseUnavailable
from bot.vault import Token

TOKEN = "bitpat_not-for-you"
PARAMS = TriggerParams("shop", "deploy", None, "main", None, None, (("KEY", "hunter2"),), "buildbell-ana-1")


@dataclass
class Wire:
    """A server with scripted bytes as response, which records the requests."""

    port: int = 0
    heard: list[str] = field(default_factory=list)
    says: bytes = b""
    hangs: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heard.append(head)
        writer.write(self.says)
        if self.hangs:
            await reader.read(1)  # until the caller is gone
            await reader.read()
        writer.close()

    def answers(self, body: str, *, status: str = "200 OK", headers: str = "", length: int | None = None) -> None:
        raw = body.encode()
        size = len(raw) if length is None else length
        self.says = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {size}\r\n{headers}\r\n".encode() + raw


async def opened() -> AsyncIterator[Wire]:
    wire = Wire()
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    yield wire
    server.close()
    await server.wait_closed()


wire = pytest.fixture(opened)
elsewhere = pytest.fixture(opened)


@pytest.fixture
async def client(wire: Wire) -> AsyncIterator[BitriseClient]:
    async with aiohttp.ClientSession() as session:
        transport = HttpTransport(
            session, f"http://127.0.0.1:{wire.port}/v0.1", Token(TOKEN),
            retry_delays_seconds=(0.0,), read_timeout_seconds=5, write_timeout_seconds=5,
        )  # fmt: skip
        yield BitriseClient(transport)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
async def test_a_redirect_is_not_followed(client: BitriseClient, wire: Wire, elsewhere: Wire, status: str) -> None:
    wire.answers("", status=status, headers=f"Location: http://127.0.0.1:{elsewhere.port}/steal\r\n")
    for call in (client.list_apps, lambda: client.trigger_build(PARAMS)):
        with pytest.raises(BitriseUnavailable, match="redirect"):
            await call()
    assert elsewhere.heard == []


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
async def test_endless_body_is_cut_off(
    client: BitriseClient, wire: Wire, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    monkeypatch.setattr(http, "MAX_RESPONSE_BYTES", 100_000)
    wire.answers(" " * 200_000, status=status, length=10**12)
    wire.hangs = True
    with pytest.raises(BitriseUnavailable, match="too large"):
        await client.trigger_build(PARAMS)


@pytest.mark.parametrize(
    "says",
    [
        b"",
        b"not HTTP at all\r\n\r\n",
        b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"data": [',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"da',
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
    ],
    ids=["nothing", "no HTTP", "half a body", "half a chunk", "wrong gzip"],
)
async def test_broken_response_to_a_start_is_unavailable(client: BitriseClient, wire: Wire, says: bytes) -> None:
    wire.says = says
    with pytest.raises(BitriseUnavailable):
        await client.trigger_build(PARAMS)
    assert len(wire.heard) == 1


@pytest.mark.parametrize("body", ["[]", "7", '"ok"', "null", "{", "<html>", "[" * 100_000, '{"a": NaN'])
async def test_success_without_an_object_is_unreadable(client: BitriseClient, wire: Wire, body: str) -> None:
    wire.answers(body)
    with pytest.raises(BitriseUnavailable, match="unreadable response"):
        await client.list_apps()


async def test_abort_accepts_no_content(client: BitriseClient, wire: Wire) -> None:
    wire.answers("", status="204 No Content")
    await client.abort_build(
        "shop", "b1", reason="stuck", with_success=False, skip_notifications=False, skip_git_status=False
    )
    assert len(wire.heard) == 1


async def test_unauthorized_is_not_retried(client: BitriseClient, wire: Wire) -> None:
    wire.answers('{"message": "Unauthorized"}', status="401 Unauthorized")
    with pytest.raises(BitriseUnauthorized):
        await client.list_apps()
    assert len(wire.heard) == 1


async def test_slow_write_times_out_and_is_not_repeated(wire: Wire) -> None:
    wire.hangs = True
    async with aiohttp.ClientSession() as session:
        base_url = f"http://127.0.0.1:{wire.port}"
        transport = HttpTransport(
            session, base_url, Token(TOKEN), write_timeout_seconds=0.05, retry_delays_seconds=(0.0, 0.0)
        )
        client = BitriseClient(transport)
        with pytest.raises(BitriseUnavailable, match=r"within 0\.05 s"):
            await client.trigger_build(PARAMS)
    assert len(wire.heard) == 1


FAILURES: dict[str, dict[str, Any]] = {
    "echo": {"body": f'{{"message": "{TOKEN} and {TOKEN}"}}', "status": "400 Bad Request"},
    "errors": {"body": f'{{"errors": {{"token": ["{TOKEN}"]}}}}', "status": "422 Unprocessable Entity"},
    "server": {"body": TOKEN, "status": "500 Internal Server Error"},
    "redirect": {"body": "", "status": "302 Found", "headers": f"Location: /?token={TOKEN}\r\n"},
    "headers": {"body": "", "headers": f"Retry-After: {TOKEN}\r\n", "status": "429 Too Many Requests"},
}


@pytest.mark.parametrize("name", FAILURES)
async def test_no_error_holds_the_token_or_a_value(client: BitriseClient, wire: Wire, name: str) -> None:
    wire.answers(**FAILURES[name])
    with pytest.raises(BitriseError) as failed:
        await client.trigger_build(PARAMS)
    printed = "".join(traceback.format_exception(failed.value)) + repr(vars(failed.value))
    assert TOKEN not in printed
    assert "hunter2" not in printed


async def test_authorization_header_is_the_bare_token(client: BitriseClient, wire: Wire) -> None:
    wire.answers('{"data": []}')
    await client.list_apps()
    (head,) = wire.heard
    assert f"\r\nAuthorization: {TOKEN}\r\n" in head
    assert head.count(TOKEN) == 1
