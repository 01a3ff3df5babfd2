"""Strangers attack every route of a real process, and a signed command beside them is still acknowledged in time."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import threading
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from playground.slack.signed_http import Signing
from tests.processes.scene import BotProcess, Scene

ROUTES = ("/slack/events", "/bitrise/webhook/key", "/ci/skip")
COMMANDS = 10
MAX_PEAK_MIB = 200
HEAD = "POST {path} HTTP/1.1\r\nHost: bot\r\nContent-Type: application/x-www-form-urlencoded\r\n"
SIGNED = ("X-Slack-Request-Timestamp", "X-Slack-Signature")


@dataclass
class Attacker:
    """Attacks a port from a thread of its own, so that it doesn't slow down those who measure."""

    port: int
    stop: threading.Event = field(default_factory=threading.Event)

    async def send(self, content: bytes, *, holds: bool = False) -> bytes:
        """Send raw bytes and return the first line of the response; or hold the connection until the end."""
        line = b""
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            with contextlib.suppress(OSError):
                writer.write(content)
                await writer.drain()
                while holds and not self.stop.is_set():  # noqa: ASYNC110 - set by another thread
                    await asyncio.sleep(0.05)
                line = b"" if holds else await reader.readline()
            writer.close()
        return line

    async def compressed_bombs(self) -> None:
        for encoding, bomb in (("gzip", gzip.compress(PLAIN, 6)), ("deflate", zlib.compress(PLAIN, 6))):
            heads = [signed_head(path, len(bomb)) for path in ROUTES for _ in range(4)]
            coding = f"Content-Encoding: {encoding}\r\n\r\n".encode()
            await asyncio.gather(*(self.send(head + coding + bomb) for head in heads))

    async def half_headers(self) -> None:
        half = b"POST /slack/events HTTP/1.1\r\nHost:"
        await asyncio.gather(*(self.send(half, holds=True) for _ in range(1200)))

    async def slow_bodies(self) -> None:
        slow = signed_head(ROUTES[0], 1024 * 1024) + b"\r\n" + b"a" * (1024 * 1024 - 100)
        await asyncio.gather(*(self.send(slow, holds=True) for _ in range(200)))

    async def nonsense(self) -> None:
        bodies = [b"", b"{", b"\xff" * 1000, b"payload=" + b"%5B" * 2000, b"[" * 5000, b"\0" * 4000]
        for path in ROUTES:
            plain = [HEAD.format(path=path).encode() + f"Content-Length: {len(body)}\r\n".encode() for body in bodies]
            signed = [signed_head(path, len(body)) for body in bodies]
            contents = [head + b"\r\n" + body for head, body in zip(plain + signed, bodies * 2, strict=True)]
            contents += [b"\x16\x03\x01", f"POST {path} HTTP/1.1\r\n{'X: y' * 5000}\r\n\r\n".encode()]
            lines = await asyncio.gather(*(self.send(content) for content in contents * 5))
            assert not [line for line in lines if line.startswith(b"HTTP/1.1 5")]


PLAIN = b"payload=" + b"a" * (64 * 1024 * 1024)


def signed_head(path: str, length: int) -> bytes:
    """Return headers that look signed: only the body would show that they aren't."""
    forged = Signing().headers("another", b"x")
    lines = "".join(f"{name}: {forged[name]}\r\n" for name in SIGNED)
    return (HEAD.format(path=path) + lines + f"Content-Length: {length}\r\n").encode()


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path, socket_mode=False)
    await scene.open()
    await scene.connect()
    yield scene
    await scene.close()


def peak_mib(bot: BotProcess) -> float:
    """Return the most memory the process has ever had resident."""
    status = Path(f"/proc/{bot.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


@pytest.mark.parametrize("attack", ["compressed_bombs", "half_headers", "slow_bodies", "nonsense"])
async def test_a_signed_command_is_acknowledged_beside(scene: Scene, attack: str) -> None:
    bot = await scene.run_bot()
    attacker = Attacker(scene.port)
    attacking = asyncio.create_task(asyncio.to_thread(asyncio.run, getattr(attacker, attack)()))
    for _ in range(COMMANDS):
        await asyncio.wait([attacking], timeout=0.2)
        delivery = await scene.slack.command(scene.ana, scene.ios, "/build help")
        assert delivery.ok, delivery.error  # within Slack's three seconds
        assert (await scene.get("/healthz"))[0] == 200
    attacker.stop.set()
    await attacking
    assert peak_mib(bot) < MAX_PEAK_MIB
    assert [line for line in bot.said if "Traceback" in line] == []
