"""Nothing is lost and nothing doubled, whatever is killed, restarted, cut, refused or delivered twice.

The short run here is part of every test run; ``make chaos`` is the long one: 5,000 commands and 5,000 pushed builds.
``CHAOS_SEED`` draws the same troubles again; how they meet the work is up to the machine.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.chaos.accounts import Accounts
from tests.chaos.doubles import Doubles
from tests.chaos.people import People
from tests.chaos.stage import LASTING, Stage
from tests.chaos.trouble import POINTS, Trouble
from tests.postgres_server import LocalServer, own_server

COMMANDS = int(os.environ.get("CHAOS_COMMANDS", "40"))
BUILDS = int(os.environ.get("CHAOS_BUILDS", str(COMMANDS)))
SEED = int(os.environ.get("CHAOS_SEED", "6"))
CHANNELS = max(20, min(500, COMMANDS // 8))
IS_LONG = COMMANDS >= 1_000
"""Then everything that can go wrong has to have gone wrong."""
KILLS = max(3, COMMANDS // 100, 2 * len(POINTS) if IS_LONG else 0)
"""Every second one is at a point, each point in its turn."""
RESTARTS = max(1, COMMANDS // 500)
REST_SECONDS = 90 + COMMANDS * 0.2
"""How long the last messages may take once nothing breaks any more."""
MOST_SECONDS = 300 + COMMANDS * 1.5
WAYS = os.environ.get("CHAOS_BY", "socket,http").split(",")
"""How Slack delivers: over sockets, or over HTTP (``http``) through a balancer that passes round the replicas."""
JOURNAL_SHOWN, LINES_SHOWN = 40, 15


@pytest.fixture
def server() -> Iterator[LocalServer]:
    """A PostgreSQL of this test's own, because it is broken again and again."""
    with own_server(LASTING) as server:
        yield server


@pytest.mark.timeout(MOST_SECONDS + 60)
@pytest.mark.parametrize("by", WAYS)
async def test_nothing_is_lost_and_nothing_doubled(by: str, tmp_path: Path, server: LocalServer) -> None:
    began = time.monotonic()
    stage = Stage(tmp_path, server, seed=SEED, channels=CHANNELS, socket_mode=by == "socket")
    trouble = Trouble(stage, size=COMMANDS + BUILDS, kills=KILLS, restarts=RESTARTS, seed=SEED)
    people = People(stage, commands=COMMANDS, builds=BUILDS, seed=SEED, passed=trouble.pass_to)
    try:
        async with asyncio.timeout(MOST_SECONDS):
            await stage.open()
            await people.subscribe()
            await people.live()
            await trouble.end()
            await come_to_rest(stage, people)
        accounts, doubles = Accounts(stage, people), Doubles(stage)
        troubles = {**trouble.counts, "Slack's delivery repeated": people.repeated}
        print(f"\nby {by}, seed {SEED}, {time.monotonic() - began:.0f} s")
        tables = {
            "": accounts.counts(),
            "Trouble": troubles,
            "Said twice": doubles.counts(),
            "Logged": stage.complaints(),
        }
        print(*(table(title, counts) for title, counts in tables.items()), sep="\n")
        never = [f"never happened: {what}" for what, count in troubles.items() if IS_LONG and not count]
        assert [*accounts.problems(), *doubles.problems(), *never] == []
    except BaseException:
        print(last_words(stage), *Accounts(stage, people).problems()[:30], sep="\n")
        raise
    finally:
        await stage.close()


async def come_to_rest(stage: Stage, people: People) -> None:
    """Stops that were asked for happen, what nobody stopped ends; then everybody has time to hear of it."""
    await stage.at_rest(seconds=REST_SECONDS)
    stopped = {command.branch for command in people.asked if command.stopped}
    for build in stage.bitrise.builds():
        if build.workflow == "endless" and not build.is_finished and build.branch not in stopped:
            stage.bitrise.finish(build)
    async with asyncio.timeout(REST_SECONDS):
        while not Accounts(stage, people).is_all_told():
            await stage.moves()
            await stage.at_rest(seconds=REST_SECONDS)
    await stage.at_rest(seconds=REST_SECONDS)


def table(title: str, counts: Mapping[str, int]) -> str:
    return "\n".join([title, *(f"{count:>8,}  {what}" for what, count in counts.items())])


def last_words(stage: Stage) -> str:
    journal = "\n".join([*stage.slack.journal.dump().splitlines()[-JOURNAL_SHOWN:], "",
                         *stage.bitrise.journal.dump().splitlines()[-JOURNAL_SHOWN:]])  # fmt: skip
    words = ["\n".join(process.said[-LINES_SHOWN:]) for process in stage.processes]
    incidents = [f"{each.began_at:%H:%M:%S.%f} to {each.ended_at:%H:%M:%S.%f} {each.what}" for each in stage.incidents]
    return "\n\n".join([f"CHAOS_SEED={SEED}", journal, *words, "\n".join(incidents), "\n".join(stage.left())])
