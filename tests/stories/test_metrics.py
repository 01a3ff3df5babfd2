"""What a Prometheus is told: to whom, and of which builds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from bot.settings_check import check_required
from playground.bitrise.model import Status
from tests.world import World

Open = Callable[..., Awaitable[World]]
TOKEN = "read-the-metrics"


async def scrape(world: World, token: str | None = None) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"http://127.0.0.1:{world.bot.port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, await answer.text()


def build_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("buildbell_build") and "last_day{" in line]


async def with_builds(open_world: Open, **settings: Any) -> World:
    world = await open_world(**settings)
    for hours in (2, 3, 30):
        world.bitrise.start_build(world.shop, at=world.clock.now() - timedelta(hours=hours), workflow="deploy")
    stopped = world.bitrise.start_build(world.shop, at=world.clock.now() - timedelta(hours=4), workflow="test")
    stopped.planned, stopped.planned_reason = Status.ABORTED, "[stuck] hangs"
    await world.say("/build list shop")
    return world


async def test_without_a_token_everybody_reads_and_no_build_is_told(open_world: Open) -> None:
    status, text = await scrape(await with_builds(open_world))
    assert status == 200
    assert "buildbell_outbox_waiting" in text
    assert build_lines(text) == []


@pytest.mark.parametrize("given", [None, "", "wrong", f"{TOKEN}x", "ümläut"])
async def test_with_a_token_only_its_bearer_reads(open_world: Open, given: str | None) -> None:
    world = await open_world(metrics_token=SecretStr(TOKEN))
    status, text = await scrape(world, given)
    assert (status, text) == (401, "")
    assert (await scrape(world, TOKEN))[0] == 200


async def test_builds_of_the_last_day_by_outcome_and_reason(open_world: Open) -> None:
    world = await with_builds(open_world, metrics_token=SecretStr(TOKEN), build_metrics=True)
    team = world.team.id
    _, text = await scrape(world, TOKEN)
    assert set(build_lines(text)) >= {
        f'buildbell_builds_last_day{{outcome="succeeded",reason="",workspace="{team}"}} 2.0',
        f'buildbell_builds_last_day{{outcome="aborted",reason="stuck",workspace="{team}"}} 1.0',
        f'buildbell_build_run_seconds_last_day{{quantile="0.5",workspace="{team}"}} 420.0',
    }


async def test_what_is_over_a_day_old_is_no_longer_told(open_world: Open) -> None:
    hourly = {"idle_sweep_seconds": 3600, "subscribed_sweep_seconds": 3600}
    world = await with_builds(open_world, metrics_token=SecretStr(TOKEN), build_metrics=True, **hourly)
    assert build_lines((await scrape(world, TOKEN))[1])
    await world.passes(minutes=60 * 25)
    assert build_lines((await scrape(world, TOKEN))[1]) == []


def test_builds_are_not_told_without_a_token() -> None:
    from bot.settings import Settings

    told = check_required(Settings(_env_file=None, build_metrics=True))
    assert [line for line in told if "BUILDBELL_BUILD_METRICS needs BUILDBELL_METRICS_TOKEN" in line]
