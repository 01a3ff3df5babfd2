"""Slack's tokens live for twelve hours: each is renewed before its end, by one process, with nobody noticing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import NotInstalled, SlackRefused, SlackUnavailable
from playground.slack import Installation
from playground.wire import Fault
from tests.many_workspaces import Many


@pytest.fixture
async def acme(open_many: Callable[..., Awaitable[Many]]) -> Many:
    many = await open_many(idle_sweep_seconds=3600)  # days pass here
    many.app = await many.install(many.ada, into=many.ios)
    await many.connect()
    return many


def renewals(many: Many) -> int:
    return sum(entry.request.get("grant_type") == "refresh_token" for entry in many.slack.journal.named("oauth.v2.*"))


async def speaks(many: Many) -> bool:
    """Whether the bot can say something in #ios now."""
    await many.say("/build shop deploy main")
    await many.settled()
    return many.sees().count("iOS Shop") > 0


async def test_it_is_renewed_two_hours_before_its_end_though_nobody_asks(acme: Many) -> None:
    before = acme.app.bot_token
    await acme.passes(minutes=10 * 60 - 1)
    assert acme.app.bot_token == before
    await acme.passes(minutes=2)
    assert acme.app.bot_token != before
    assert renewals(acme) == 1


async def test_days_later_it_still_speaks(acme: Many) -> None:
    await acme.passes(minutes=3 * 24 * 60)
    assert await speaks(acme)
    assert renewals(acme) == 7


async def test_a_bot_that_was_down_for_a_day_renews_when_it_is_back(acme: Many) -> None:
    await acme.stop_bot()
    acme.clock.move_to(acme.clock.now().replace(day=acme.clock.now().day + 1))
    await acme.start_bot()
    assert await speaks(acme)


async def test_many_that_ask_at_once_renew_once(acme: Many) -> None:
    await near_the_end(acme)
    slack = acme.bot.ctx.slack(acme.team.id)
    await asyncio.gather(*(slack.get_user(acme.ana.id) for _ in range(20)))
    assert renewals(acme) == 1


async def near_the_end(many: Many) -> None:
    """Half an hour before the token ends, and no job has renewed it."""
    await many.bot.ctx.db.execute("delete from jobs where kind = 'renew-token'")
    many.clock.move_to(many.clock.now().replace(hour=20, minute=30))


async def test_another_process_that_renews_is_waited_for_without_a_second_renewal(acme: Many) -> None:
    await near_the_end(acme)
    await claimed_elsewhere(acme)
    await acme.bot.ctx.slack(acme.team.id).get_user(acme.ana.id)  # with the token that has not ended yet
    assert renewals(acme) == 0


async def claimed_elsewhere(many: Many) -> None:
    later = many.clock.now().replace(minute=many.clock.now().minute + 1)
    await many.bot.ctx.db.execute("update installations set renewing_until = :until", until=later)


async def test_after_its_end_nothing_is_sent_with_a_dead_token_meanwhile(acme: Many) -> None:
    await near_the_end(acme)
    acme.clock.move_to(acme.clock.now().replace(hour=22))
    await claimed_elsewhere(acme)
    acme.slack.journal.clear()
    with pytest.raises(SlackUnavailable):
        await acme.bot.ctx.slack(acme.team.id).get_user(acme.ana.id)
    assert acme.slack.journal.named("users.info") == []


async def test_a_process_that_died_while_renewing_is_taken_over_from(acme: Many) -> None:
    await near_the_end(acme)
    await claimed_elsewhere(acme)
    await acme.passes(minutes=2)
    await acme.bot.ctx.slack(acme.team.id).get_user(acme.ana.id)
    assert renewals(acme) == 1


async def test_an_answer_that_was_lost_is_asked_for_again(acme: Many) -> None:
    acme.slack.faults.add(Fault("oauth.v2.access", "cut_after"))
    await acme.passes(minutes=10 * 60 + 2)
    assert renewals(acme) == 2
    assert await speaks(acme)


async def test_slack_away_for_an_hour_is_no_harm(acme: Many) -> None:
    await acme.passes(minutes=9 * 60 + 59)
    acme.slack.faults.add(Fault("oauth.v2.access", times=None))
    await acme.passes(minutes=60)
    acme.slack.faults.clear()
    await acme.passes(minutes=6)
    assert acme.app.refresh_token
    assert await speaks(acme)


async def test_a_renewal_that_slack_refuses_is_told_and_not_repeated_at_every_message(acme: Many) -> None:
    acme.expects_errors = True
    acme.slack.refreshes.clear()
    await acme.passes(minutes=12 * 60 + 1)
    asked = renewals(acme)
    assert asked <= 4  # once an hour
    for _ in range(10):
        with pytest.raises((SlackRefused, SlackUnavailable)):
            await acme.bot.ctx.slack(acme.team.id).get_user(acme.ana.id)
    assert renewals(acme) == asked


async def test_installing_again_mends_it(acme: Many) -> None:
    acme.expects_errors = True
    acme.slack.refreshes.clear()
    await acme.passes(minutes=13 * 60)
    await acme.install(acme.ada)
    assert await speaks(acme)


async def test_where_tokens_do_not_rotate_nothing_is_renewed(tmp_path: Path) -> None:
    many = Many(tmp_path, rotates=False, idle_sweep_seconds=3600)
    await many.open()
    many.app = await many.install(many.ada, into=many.ios)
    await many.connect()
    await many.passes(minutes=24 * 60)
    assert await speaks(many)
    assert renewals(many) == 0
    await many.close()


async def test_nobody_is_spoken_to_where_nothing_is_installed(acme: Many) -> None:
    with pytest.raises(NotInstalled):
        await acme.bot.ctx.slack("T0NOBODY").get_user("U1")


async def test_a_request_costs_no_call_to_slack_and_no_opening(acme: Many, monkeypatch: pytest.MonkeyPatch) -> None:
    await acme.say("/build help")
    acme.slack.journal.clear()
    await acme.say("/build help")
    assert [entry.name for entry in acme.slack.journal if entry.kind == "api"] == []


async def test_a_token_that_ended_is_refused_by_the_practice_slack(acme: Many) -> None:
    token, installation = acme.app.bot_token, acme.app
    assert isinstance(installation, Installation)
    await acme.passes(minutes=12 * 60)
    answer = await raw(acme, token)
    assert answer == "token_expired"


async def raw(many: Many, token: str) -> str:
    from slack_sdk.errors import SlackApiError

    client = AsyncWebClient(token=token, base_url=many.slack.api_url, retry_handlers=[])
    try:
        await client.auth_test()
    except SlackApiError as error:
        return str(error.response["error"])
    return "ok"
