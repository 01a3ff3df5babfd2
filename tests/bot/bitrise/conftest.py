"""Run the real client against the practice Bitrise, and against servers that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bot.bitrise.client import BitriseClient
from bot.bitrise.http import HttpTransport
from bot.vault import Token
from playground.bitrise import App, Artifact, PracticeBitrise, TriggerRule, Workflow, Workspace
from playground.clock import SteppedClock
from tests.playground.bitrise import openapi

NO_DELAYS = (0.0, 0.0)
"""Three tries without waiting."""

MakeClient = Callable[..., BitriseClient]
Serve = Callable[[bytes], Awaitable[str]]


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
async def bitrise(clock: SteppedClock) -> AsyncIterator[PracticeBitrise]:
    """Every call of every test must match Bitrise's API description."""
    practice = PracticeBitrise(clock)
    await practice.start()
    yield practice
    await practice.stop()
    if openapi.is_at_hand():
        assert openapi.described().problems(practice.journal) == []


@pytest.fixture
def acme(bitrise: PracticeBitrise) -> Workspace:
    return bitrise.add_workspace("Acme")


@pytest.fixture
def shop(bitrise: PracticeBitrise, acme: Workspace) -> App:
    return bitrise.add_app(
        "iOS Shop",
        acme,
        workflows={
            "primary": Workflow(timedelta(minutes=3)),
            "deploy": Workflow(
                timedelta(minutes=7), artifacts=(Artifact("Shop.ipa", "ios-ipa", is_public=True), Artifact("log.txt"))
            ),
            "endless": Workflow(None),
        },
        pipelines={"release": [["primary"], ["deploy"]]},
        trigger_map=(
            TriggerRule(pattern="release/*", workflow="primary"),
            TriggerRule(pattern="release/*", workflow="deploy"),
            TriggerRule(pattern="odd", workflow="removed"),
            TriggerRule(pattern="odd", workflow="primary"),
        ),
    )


@pytest.fixture
def token(bitrise: PracticeBitrise) -> str:
    """A developer's personal access token."""
    return bitrise.add_token(bitrise.add_user("bitrise-bot"))


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def make_client(
    bitrise: PracticeBitrise, session: aiohttp.ClientSession, token: str, clock: SteppedClock
) -> MakeClient:
    def make(
        url: str | None = None, secret: str | None = None, http: aiohttp.ClientSession | None = None, **more: Any
    ) -> BitriseClient:
        held = Token(token if secret is None else secret)
        more.setdefault("retry_delays_seconds", NO_DELAYS)
        return BitriseClient(HttpTransport(http or session, url or bitrise.api_url, held, clock=clock, **more))

    return make


@pytest.fixture
def client(make_client: MakeClient) -> BitriseClient:
    return make_client()


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Open a server that answers everything with the same bytes and hangs up. Returns its URL."""
    async with AsyncExitStack() as on_exit:

        async def open_one(raw: bytes) -> str:
            async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(raw)
                writer.close()

            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            on_exit.callback(server.close)
            return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v0.1"

        yield open_one


@pytest.fixture
def time(clock: SteppedClock) -> Callable[..., None]:
    """Advance the clock: ``time(minutes=3)``."""

    def passes(**amount: float) -> None:
        clock.move_to(clock.now() + timedelta(**amount))

    return passes
