"""Generated past builds, and the practice Bitrise as a process."""

from __future__ import annotations

import asyncio
import re
import signal
import sys

import aiohttp

from playground.bitrise import App, PracticeBitrise, Status, Workflow
from playground.bitrise.history import History, seed_history
from tests.playground.bitrise.conftest import Caller, Reply


async def test_the_past_has_every_outcome_and_is_over(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    del shop.workflows["endless"]
    shop.workflows["flaky"] = Workflow(failure_rate=0.5)
    builds = seed_history(bitrise, shop, History(days=60))
    assert {build.status for build in builds} == set(Status) - {Status.UNFINISHED}
    assert [build.number for build in bitrise.builds(shop)] == list(range(1, len(builds) + 1))
    listed = (await bot.get(f"/apps/{shop.slug}/builds")).body
    assert listed["paging"]["total_item_count"] == len(builds) > 200


async def test_the_past_repeats(bitrise: PracticeBitrise, shop: App) -> None:
    first = seed_history(bitrise, shop, History(days=3))
    second = seed_history(bitrise, shop, History(days=3))
    assert [build.triggered_at for build in first] == [build.triggered_at for build in second]


async def test_it_runs_by_itself(http: aiohttp.ClientSession) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "playground.bitrise", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode() for _ in range(3)]
    url, token, workspace_token = (re.split(r"\s{2,}", line.strip())[-1] for line in lines)
    mine: Reply = await Caller(http, url, token).get("/me")
    theirs: Reply = await Caller(http, url, workspace_token).get("/apps")
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 0
    assert (mine.data["username"], len(theirs.data)) == ("bitrise-bot", 3)
