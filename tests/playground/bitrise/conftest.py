"""A practice Bitrise on a real socket with one app, and a client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from playground.bitrise import App, Artifact, PracticeBitrise, TriggerRule, Workflow, Workspace
from playground.clock import SteppedClock
from tests.playground.bitrise import openapi

WORKFLOWS = {
    "primary": Workflow(timedelta(minutes=3)),
    "deploy": Workflow(
        timedelta(minutes=7), artifacts=(Artifact("Shop.ipa", "ios-ipa", is_public=True), Artifact("log.txt"))
    ),
    "test": Workflow(
        timedelta(minutes=4), failed_step="xcode-test", steps=("git-clone", "xcode-test", "deploy"), log="boom"
    ),
    "endless": Workflow(None),
}


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def data(self) -> Any:
        return self.body["data"]


class Caller:
    """Calls the API with one token."""

    def __init__(self, http: aiohttp.ClientSession, api_url: str, token: str) -> None:
        self._http = http
        self._api_url = api_url
        self.token = token

    async def get(self, path: str, **query: Any) -> Reply:
        return await self.send("GET", path, params={key: str(value) for key, value in query.items()})

    async def post(self, path: str, body: Any) -> Reply:
        return await self.send("POST", path, json=body)

    async def send(self, method: str, path: str, **more: Any) -> Reply:
        headers = {"Authorization": self.token} | more.pop("headers", {})
        url = path if path.startswith("http") else self._api_url + path
        async with self._http.request(method, url, headers=headers, **more) as response:
            is_json = response.content_type == "application/json"
            body = await response.json() if is_json else await response.text()
            return Reply(response.status, body, response.headers)

    async def trigger(self, app: App, more: Mapping[str, Any] | None = None, **params: Any) -> Reply:
        body = {"hook_info": {"type": "bitrise"}, "build_params": params, **(more or {})}
        return await self.post(f"/apps/{app.slug}/builds", body)


class Time:
    """Moves the clock."""

    def __init__(self, clock: SteppedClock) -> None:
        self.clock = clock

    def passes(self, **amount: float) -> None:
        self.clock.move_to(self.clock.now() + timedelta(**amount))


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def time(clock: SteppedClock) -> Time:
    return Time(clock)


@pytest.fixture
async def bitrise(clock: SteppedClock) -> AsyncIterator[PracticeBitrise]:
    """Run a practice Bitrise and compare its responses with Bitrise's API description."""
    practice = PracticeBitrise(clock)
    await practice.start()
    yield practice
    await practice.stop()
    if openapi.is_at_hand():
        assert openapi.described().problems(practice.journal, requests=False) == []


@pytest.fixture
def acme(bitrise: PracticeBitrise) -> Workspace:
    return bitrise.add_workspace("Acme")


@pytest.fixture
def shop(bitrise: PracticeBitrise, acme: Workspace) -> App:
    return bitrise.add_app(
        "iOS Shop",
        acme,
        workflows=WORKFLOWS,
        pipelines={"release": [["primary"], ["deploy", "primary"]]},
        trigger_map=(
            TriggerRule(pattern="main", workflow="primary"),
            TriggerRule(pattern="release/*", workflow="primary"),
            TriggerRule(pattern="release/*", workflow="deploy"),
            TriggerRule(pattern="odd", workflow="removed"),
            TriggerRule(pattern="odd", workflow="primary"),
            TriggerRule("tag", workflow="deploy"),
        ),
    )


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


@pytest.fixture
def bot(bitrise: PracticeBitrise, http: aiohttp.ClientSession) -> Caller:
    """Return a client with a developer's personal token."""
    return Caller(http, bitrise.api_url, bitrise.add_token(bitrise.add_user("bitrise-bot")))
