"""An organisation of several workspaces installs Buildbell once for all: each is still a workspace of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

import pytest

from playground.slack import Team
from storage import workspaces as workspace_rows
from tests.many_workspaces import Many
from tests.world import World

OpenMany = Callable[..., Awaitable[Many]]


@pytest.fixture(params=["socket", "http"])
async def initech(open_many: OpenMany, request: pytest.FixtureRequest) -> Many:
    """Eve of East has installed it for Initech; the bot is in #builds of East and of West."""
    many = await open_many(grid=True, socket_mode=request.param == "socket")
    many.app = await many.install(many.eve, to=many.org, into=many.east_channel)
    many.slack.invite(many.west_channel, many.app.bot_user)
    return many


async def connect_east(many: Many) -> None:
    await many.say("/build connect", by=many.eve, at=many.east_channel)
    await many.submit({"connect.token": many.token}, by=many.eve)


async def workspaces(world: World) -> dict[str, str | None]:
    rows = await workspace_rows.list_workspaces(world.bot.ctx.db)
    return {row.workspace_id: row.enterprise_id for row in rows}


async def test_a_workspace_is_known_once_somebody_there_asks(initech: Many) -> None:
    assert await workspaces(initech) == {}
    await initech.say("/build help", by=initech.eve, at=initech.east_channel)
    assert await workspaces(initech) == {initech.east.id: initech.org.id}


async def test_a_build_starts_and_its_card_is_live(initech: Many) -> None:
    await connect_east(initech)
    await initech.say("/build shop deploy main", by=initech.eve, at=initech.east_channel)
    await initech.passes(minutes=15)
    assert "Succeeded" in initech.sees(initech.east_channel)


async def test_a_press_and_a_form_name_no_team_and_are_understood(initech: Many) -> None:
    await connect_east(initech)
    await initech.say("/build shop endless main", by=initech.eve, at=initech.east_channel)
    await initech.passes(minutes=1)
    await initech.stop_build(initech.cards(initech.east_channel)[0], by=initech.eve)
    assert initech.builds()[0].is_finished


async def test_home_and_links_are_the_workspaces_own(initech: Many) -> None:
    await connect_east(initech)
    await initech.say("/build shop endless main", by=initech.eve, at=initech.east_channel)
    await initech.slack.open_home(initech.eve, initech.app)
    await initech.settled()
    home = initech.slack.home(initech.eve, initech.app)
    assert home is not None
    assert "iOS Shop" in str(home.blocks)
    url = f"{initech.bitrise.site_url}/build/{initech.builds()[0].slug}"
    message = await initech.slack.post(initech.eve, initech.east_channel, url)
    await initech.settled()
    assert message.unfurls


async def test_what_one_workspace_connects_the_other_does_not_have(initech: Many) -> None:
    await connect_east(initech)
    await initech.say("/build shop deploy main", by=initech.wes, at=initech.west_channel)
    assert "Bitrise isn't connected yet" in initech.whispers(initech.wes, initech.west_channel)[-1]
    assert initech.builds() == []


async def test_a_workspace_of_its_own_mind_has_its_own_bot(initech: Many) -> None:
    own = await initech.install(initech.wes, into=initech.west_channel)
    await initech.say("/build connect", by=initech.wes, at=initech.west_channel)
    await initech.submit({"connect.token": initech.token}, by=initech.wes)
    initech.slack.journal.clear()
    await initech.say("/build shop deploy main", by=initech.wes, at=initech.west_channel)
    assert {entry.request["team"] for entry in initech.slack.journal.named("chat.*")} == {initech.west.id}
    assert own.team is initech.west


async def test_its_removal_leaves_the_others_to_the_organisation(initech: Many) -> None:
    own = await initech.install(initech.wes, into=initech.west_channel)
    await connect_east(initech)
    await initech.uninstall(own)
    await initech.say("/build help", by=initech.wes, at=initech.west_channel)
    await initech.say("/build shop deploy main", by=initech.eve, at=initech.east_channel)
    assert len(initech.builds()) == 1


async def test_the_removal_of_the_whole_forgets_every_workspace_of_it(initech: Many) -> None:
    await connect_east(initech)
    await initech.say("/build help", by=initech.wes, at=initech.west_channel)
    await initech.uninstall(initech.app)
    rows = await workspace_rows.list_workspaces(initech.bot.ctx.db)
    assert len(rows) == 2
    assert all(row.uninstalled_at and row.bitrise_token_sealed is None for row in rows)


def withdraw(many: Many, *teams: Team, at: datetime | None = None) -> None:
    """Somebody at Initech takes Buildbell away from these workspaces."""
    happened = {"type": "team_access_revoked", "team_ids": [team.id for team in teams]}
    assert many.slack.tell_removal(many.app, happened, at=at) is not None, "Buildbell has subscribed to that"


async def test_a_workspace_that_it_is_taken_from_is_forgotten_and_the_others_are_not(initech: Many) -> None:
    await connect_east(initech)
    await initech.say("/build connect", by=initech.wes, at=initech.west_channel)
    await initech.submit({"connect.token": initech.token}, by=initech.wes)
    withdraw(initech, initech.west, initech.globex)
    await initech.settled()
    rows = {row.workspace_id: row for row in await workspace_rows.list_workspaces(initech.bot.ctx.db)}
    assert rows[initech.west.id].bitrise_token_sealed is None
    assert rows[initech.west.id].uninstalled_at is not None
    await initech.say("/build shop deploy main", by=initech.eve, at=initech.east_channel)
    assert len(initech.builds()) == 1


async def test_a_workspace_of_its_own_mind_keeps_its_bot_when_it_is_taken_from_it(initech: Many) -> None:
    await initech.install(initech.wes, into=initech.west_channel)
    await initech.say("/build connect", by=initech.wes, at=initech.west_channel)
    await initech.submit({"connect.token": initech.token}, by=initech.wes)
    withdraw(initech, initech.west)
    await initech.settled()
    workspace = await workspace_rows.find_workspace(initech.bot.ctx.db, initech.west.id)
    assert workspace is not None
    assert workspace.bitrise_token_sealed is not None


async def test_a_late_word_of_it_does_not_undo_a_new_installation(initech: Many) -> None:
    taken_at = initech.clock.now()
    await initech.passes(minutes=2)
    await initech.install(initech.eve, to=initech.org)
    await connect_east(initech)
    withdraw(initech, initech.east, at=taken_at)
    await initech.settled()
    workspace = await workspace_rows.find_workspace(initech.bot.ctx.db, initech.east.id)
    assert workspace is not None
    assert workspace.bitrise_token_sealed is not None


async def test_a_workspace_outside_is_no_part_of_it(initech: Many) -> None:
    initech.expects_errors = True
    initech.app.team = initech.org
    assert await initech.bot.workspaces.authorize(initech.globex.id, None) is None
    assert await initech.bot.workspaces.authorize(initech.org.id, None) is not None
    assert await workspaces(initech) == {}


async def test_what_is_known_of_a_workspace_wins_over_what_a_delivery_says(initech: Many) -> None:
    """In a shared channel Slack may name the organisation of the person who presses."""
    await workspace_rows.save_workspace(
        initech.bot.ctx.db, workspace_id=initech.globex.id, name="Globex", bot_user_id="U1", enterprise_id="E0OTHER"
    )
    assert await initech.bot.workspaces.authorize(initech.globex.id, initech.org.id) is None


async def test_its_token_is_renewed_too(initech: Many) -> None:
    await connect_east(initech)
    before = initech.app.bot_token
    await initech.passes(minutes=11 * 60)
    assert initech.app.bot_token != before
    await initech.say("/build shop deploy main", by=initech.eve, at=initech.east_channel)
    assert "iOS Shop" in initech.sees(initech.east_channel)
