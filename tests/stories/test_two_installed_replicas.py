"""Two replicas of a Buildbell that many install, on one database: what ends at one ends at the other, and each renewal
of Slack's tokens is made by one of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import Bot
from bot.slack.errors import NotInstalled, SlackRefused
from playground.wire import Fault
from tests.many_workspaces import Many

WITHIN = timedelta(seconds=60)


class Pair:
    """Acme has installed Buildbell at the first; both know it. Nobody does jobs here, so none renews a token early."""

    def __init__(self, many: Many, second: Bot) -> None:
        self.many, self.first, self.second = many, many.bot, second

    async def install(self) -> None:
        browser = self.many.browser()
        asked = await browser.get("/slack/install/start")
        page = await browser.get(self.many.slack.consent(self.many.ada, asked.location))
        assert page.status == 200, page.text
        self.many.app = self.many.installation(self.many.team)
        self.many.slack.invite(self.many.ios, self.many.app.bot_user)

    async def ask(self, bot: Bot, text: str = "/build help") -> str:
        """What Ana is told at once when this replica takes the command."""
        self._listens(bot)
        return str((await self.many.slack.command(self.many.ana, self.many.ios, text)).answer)

    async def speak(self, bot: Bot) -> str:
        """A call to Slack with whatever token this replica holds."""
        user = await bot.ctx.slack(self.many.team.id).get_user(self.many.ana.id)
        return user.name

    async def uninstall(self, *, told_to: Bot) -> None:
        self._listens(told_to)
        self.many.slack.uninstall(self.many.app)
        await self.many.slack.quiet()

    def _listens(self, bot: Bot) -> None:
        self.many.registered.request_url = f"http://127.0.0.1:{bot.port}/slack/events"

    def passes(self, span: timedelta) -> None:
        self.many.clock.move_to(self.many.clock.now() + span)

    @property
    def renewals(self) -> int:
        calls = self.many.slack.journal.named("oauth.v2.access")
        return sum(entry.request.get("grant_type") == "refresh_token" for entry in calls)


@pytest.fixture
async def pair(tmp_path: Path, postgres_url: str) -> AsyncIterator[Pair]:
    many = Many(tmp_path, socket_mode=False, role="web", database_url=postgres_url)
    await many.open()
    ids = iter(range(10_000))
    second = Bot(many.settings().model_copy(update={"port": 0}), clock=many.clock, new_id=lambda: f"second-{next(ids)}")
    await second.start()
    pair = Pair(many, second)
    await pair.install()
    for bot in (pair.first, pair.second):
        assert "/build" in await pair.ask(bot)
        assert await pair.speak(bot) == "ana"
    yield pair
    await second.stop()
    await many.close()


async def test_an_uninstall_that_one_is_told_of_holds_at_the_other_within_a_minute(pair: Pair) -> None:
    await pair.uninstall(told_to=pair.first)
    with pytest.raises(NotInstalled):
        await pair.speak(pair.first)
    pair.passes(WITHIN)
    asked_before = len(pair.many.slack.journal.named("users.info"))
    with pytest.raises(NotInstalled):
        await pair.speak(pair.second)
    assert len(pair.many.slack.journal.named("users.info")) == asked_before, "Slack is not even asked"
    pair.many.app.revoked = False  # Slack's client still shows the command for a moment
    await pair.ask(pair.second)
    assert "isn't installed in your Slack workspace" in pair.many.whispers()[-1]


async def test_a_replica_that_was_not_told_yet_gets_nowhere_with_what_it_remembers(pair: Pair) -> None:
    await pair.uninstall(told_to=pair.first)
    with pytest.raises(SlackRefused):
        await pair.speak(pair.second)


async def test_a_new_installation_is_known_to_both_within_a_minute(pair: Pair) -> None:
    await pair.uninstall(told_to=pair.first)
    pair.passes(WITHIN)
    await pair.install()
    pair.passes(WITHIN)
    assert [await pair.speak(bot) for bot in (pair.first, pair.second)] == ["ana", "ana"]


@pytest.mark.parametrize("delay", [0.0, 0.5], ids=["at once", "slowly"])
async def test_a_token_that_both_find_near_its_end_is_renewed_once(pair: Pair, delay: float) -> None:
    """A renewal token is good once: whoever comes second with it would be refused, and lose the installation."""
    pair.passes(timedelta(hours=10, minutes=30))
    if delay:
        pair.many.slack.faults.add(Fault("oauth.v2.access", "slow", delay=delay))
    before = pair.many.app.bot_token
    told = await asyncio.gather(*(pair.speak(bot) for bot in (pair.first, pair.second) * 10))
    assert told == ["ana"] * 20
    assert pair.renewals == 1
    assert pair.many.app.bot_token != before


async def test_the_other_one_speaks_with_what_was_renewed(pair: Pair) -> None:
    pair.passes(timedelta(hours=10, minutes=30))
    await pair.speak(pair.first)
    pair.passes(timedelta(hours=2))  # the token of the installation has ended
    assert await pair.speak(pair.second) == "ana"
    assert pair.renewals == 1
