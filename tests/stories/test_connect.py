"""Connect the workspace to Bitrise with one token; notice when it is dead; forget it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot import apps
from bot.permissions import Actor
from bot.workspaces import connect
from playground.plain_text import view_text
from playground.wire import Fault
from storage import workspaces as workspace_rows
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]


@pytest.fixture
async def fresh(open_world: OpenWorld) -> World:
    """Not connected yet."""
    return await open_world(connected=False)


# Who, and what they read.


async def test_the_modal_says_what_is_stored_who_sees_it_and_which_token_to_take(fresh: World) -> None:
    await fresh.say("/build connect", by=fresh.ada)
    told = fresh.modal_text(fresh.ada)
    for part in ("Stored:", "encrypted", "Visible to:", "workspace API token", "Developer role"):
        assert part in told


async def test_the_answer_names_the_owner_and_counts_the_apps(fresh: World) -> None:
    await fresh.connect()
    assert "Connected as ci-bot, 2 apps." in fresh.modal_text(fresh.ada)


async def test_an_app_that_was_pasted_and_installed_without_optional_scopes_works(open_world: OpenWorld) -> None:
    world = await open_world(
        declined_scopes=("app_mentions:read", "chat:write.public", "files:write", "users:read.email")
    )
    assert set(world.app.scopes) == {"commands", "chat:write", "links:read", "links:write", "users:read"}
    await world.say("/build shop deploy main")
    await world.passes(minutes=10)
    assert "Succeeded" in world.sees()


async def test_only_admins_may_connect(fresh: World) -> None:
    await fresh.say("/build connect", by=fresh.ana)
    assert "Only workspace admins can do that" in fresh.whispers(fresh.ana)[-1]
    assert not fresh.slack.views(fresh.ana)


async def test_people_in_the_setting_may_connect_too(open_world: OpenWorld) -> None:
    settings: dict[str, tuple[str, ...]] = {"connect_users": ()}
    world = await open_world(connected=False, **settings)
    await world.stop_bot()
    world._settings["connect_users"] = (world.ana.id,)  # ids are known once people are there
    await world.start_bot()
    await world.connect(by=world.ana)
    assert "Connected as ci-bot" in world.modal_text(world.ana)


async def test_somebody_who_is_no_admin_any_more_cannot_submit_what_was_open(fresh: World) -> None:
    await fresh.say("/build connect", by=fresh.ada)
    fresh.ada.is_admin = False
    await fresh.submit({"connect.token": fresh.token}, by=fresh.ada)
    assert "Only workspace admins can do that" in fresh.modal_text(fresh.ada)
    assert (await workspace_rows.list_workspaces(fresh.bot.ctx.db))[0].bitrise_token_sealed is None


async def test_a_stranger_cannot_connect(fresh: World) -> None:
    fresh.slack.share(fresh.ios, fresh.partner)
    fresh.slack.invite(fresh.ios, fresh.stranger)
    with pytest.raises(LookupError):
        await fresh.say("/build connect", by=fresh.stranger)


async def test_a_workspace_token_which_has_no_me_is_connected(fresh: World) -> None:
    await fresh.connect(fresh.bitrise.add_workspace_token(fresh.acme))
    assert "Connected as workspace Acme, 2 apps." in fresh.modal_text(fresh.ada)


async def test_an_owner_with_an_ampersand_is_spelt_right_everywhere(fresh: World) -> None:
    salt = fresh.bitrise.add_workspace("Salt & Co")
    fresh.bitrise.add_app("Pepper", salt)
    await fresh.connect(fresh.bitrise.add_workspace_token(salt))
    await fresh.say("/build doctor", by=fresh.ada)
    assert "workspace Salt & Co" in fresh.modal_text(fresh.ada)
    assert "workspace Salt & Co" in fresh.whispers(fresh.ada)[-1]


async def test_a_token_that_reaches_no_app_says_so(fresh: World) -> None:
    await fresh.connect(fresh.bitrise.add_token(fresh.owner, role={}))
    assert "0 apps" in fresh.modal_text(fresh.ada)
    assert "can't access any app yet" in fresh.modal_text(fresh.ada)


# What goes wrong.


@pytest.mark.parametrize("typed", ["bitpat_x", "xoxb-123456789012-abcdefghijkl", "two words of some length here"])
async def test_what_cannot_be_a_token_is_told_at_the_field(fresh: World, typed: str) -> None:
    await fresh.say("/build connect", by=fresh.ada)
    told = await fresh.submit({"connect.token": typed}, by=fresh.ada)
    assert set(told.errors) == {"connect.token"}
    assert typed not in told.errors["connect.token"]


async def test_a_wrong_token_is_told_and_can_be_tried_again(fresh: World) -> None:
    await fresh.connect("bitpat_" + "x" * 40)
    assert "Bitrise rejected this token" in fresh.modal_text(fresh.ada)
    await fresh.submit({"connect.token": fresh.token}, by=fresh.ada)
    assert "Connected as ci-bot" in fresh.modal_text(fresh.ada)


async def test_an_expired_token_is_refused(fresh: World) -> None:
    await fresh.connect(fresh.bitrise.add_token(fresh.owner, expires_at=fresh.clock.now()))
    assert "Bitrise rejected this token" in fresh.modal_text(fresh.ada)


async def test_quotes_around_a_pasted_token_are_left_out(fresh: World) -> None:
    await fresh.connect(f" “{fresh.token}” ")
    assert "Connected as ci-bot" in fresh.modal_text(fresh.ada)


async def test_while_bitrise_is_away_the_check_is_repeated(fresh: World) -> None:
    fresh.bitrise.faults.add(Fault("apps.list", status=500, times=2))
    await fresh.connect()
    assert "Verifying the token" in fresh.modal_text(fresh.ada)
    await fresh.passes(seconds=10)
    assert "Connected as ci-bot" in fresh.modal_text(fresh.ada)


async def test_a_pause_that_bitrise_asks_for_does_not_end_the_check(fresh: World) -> None:
    fresh.bitrise.faults.add(Fault("apps.list", status=429, retry_after=5))
    await fresh.connect()
    await fresh.passes(seconds=10)
    assert "Connected as ci-bot" in fresh.modal_text(fresh.ada)


async def test_a_bitrise_that_stays_away_is_told(fresh: World) -> None:
    fresh.bitrise.faults.add(Fault("apps.list", status=500, times=None))
    await fresh.connect()
    await fresh.passes(minutes=2)
    assert "Couldn't verify the token. Bitrise returned HTTP 500" in fresh.modal_text(fresh.ada)


@pytest.mark.parametrize("kind", ["html", "broken_json", "cut_before", "nulls"])
async def test_a_spoilt_answer_is_no_bug(fresh: World, kind: str) -> None:
    fresh.bitrise.faults.add(Fault("me", kind=kind, times=4))
    await fresh.connect()
    await fresh.passes(minutes=2)
    assert "Connected as" in fresh.modal_text(fresh.ada)


async def test_a_modal_that_was_closed_changes_nothing_about_connecting(fresh: World) -> None:
    fresh.bitrise.faults.add(Fault("apps.list", status=500))
    await fresh.connect()
    await fresh.slack.close(fresh.ada, fresh.modal(fresh.ada))
    await fresh.passes(seconds=10)
    await fresh.say("/build shop deploy main")
    assert len(fresh.builds()) == 1


# Replacing.


async def test_a_wrong_new_token_leaves_the_old_one_at_work(world: World) -> None:
    await world.connect("bitpat_" + "x" * 40)
    await world.say("/build shop deploy main")
    assert len(world.builds()) == 1


async def test_replacing_says_that_the_old_one_stays_until_the_new_one_is_tested(world: World) -> None:
    await world.say("/build connect", by=world.ada)
    assert "Connected as ci-bot. That token is kept until the new one is verified." in world.modal_text(world.ada)


async def test_a_good_new_token_takes_the_place_of_the_old(world: World) -> None:
    other = world.bitrise.add_token(world.bitrise.add_user("other-bot"))
    await world.connect(other)
    world.bitrise.revoke(world.token)
    await world.say("/build shop deploy main")
    assert world.bitrise.triggers[-1].owner == "other-bot"


# The token is nowhere to be read.


async def test_the_token_is_in_nothing_that_slack_gets_and_not_in_the_log(
    open_world: OpenWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")  # what Slack's libraries say below a warning is dropped by bot.log
    world = await open_world()
    await world.connect("bitpat_" + "x" * 40)
    await world.say("/build shop deploy main")
    await world.say("/build doctor")
    world.bitrise.revoke(world.token)
    await world.passes(minutes=10)
    received = [entry.request for entry in world.slack.journal if entry.direction == "in"]
    answered = [entry.response for entry in world.slack.journal]
    logged = [record.getMessage() + str(record.__dict__) for record in caplog.records if "slack_" not in record.name]
    for secret in (world.token, "x" * 40):
        assert secret not in json.dumps([received, answered], default=str)
        assert secret not in "\n".join(logged)


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def test_the_token_is_sealed_on_disk(world: World, tmp_path: Path) -> None:
    await world.say("/build shop deploy main FLAVOR=very-own-value")
    written = all_bytes(tmp_path)
    assert world.token.encode() not in written
    assert b"very-own-value" not in written
    (workspace,) = await workspace_rows.list_workspaces(world.bot.ctx.db)
    assert workspace.bitrise_token_sealed


async def test_the_token_reaches_bitrise_in_the_header_only(world: World) -> None:
    await world.say("/build shop deploy main")
    for entry in world.bitrise.journal:
        asked = {key: value for key, value in entry.request.items() if key != "headers"}
        assert world.token not in json.dumps(asked, default=str)


# A dead token.


async def test_a_dead_token_is_told_once_to_whoever_connected_it(world: World) -> None:
    world.bitrise.revoke(world.token)
    await world.passes(minutes=60)
    assert len([letter for letter in world.letters(world.ada) if "rejecting this workspace's token" in letter]) == 1
    assert not world.letters(world.ana)


@pytest.mark.parametrize("verb", ["status", "doctor", "shop deploy main", "list shop"])
async def test_a_dead_token_shows_in_every_answer(world: World, verb: str) -> None:
    world.bitrise.revoke(world.token)
    await world.passes(minutes=6)
    await world.say(f"/build {verb}")
    assert "the connected token" in world.whispers()[-1]


async def test_with_a_dead_token_the_name_of_an_app_is_no_misspelt_stop(world: World) -> None:
    world.bitrise.revoke(world.token)
    await world.passes(minutes=6)
    await world.say("/build shop deploy main")
    assert "did you mean" not in world.whispers()[-1]


async def test_a_dead_token_shows_on_the_home_tab(world: World) -> None:
    world.bitrise.revoke(world.token)
    await world.passes(minutes=6)
    await world.slack.open_home(world.ana, world.app)
    await world.settled()
    home = world.slack.home(world.ana)
    assert home is not None
    assert "Bitrise rejects the connected token" in view_text(home.body)


async def test_a_start_with_a_token_that_has_just_died_says_so(world: World) -> None:
    world.bitrise.revoke(world.token)
    await world.say("/build shop deploy main")
    assert "the connected token" in world.whispers()[-1]
    assert len(world.letters(world.ada)) == 1


async def test_after_a_new_token_everything_works_again(world: World) -> None:
    world.bitrise.revoke(world.token)
    await world.passes(minutes=6)
    await world.connect(world.bitrise.add_token(world.owner))
    await world.say("/build shop deploy main")
    assert len(world.builds()) == 1


async def test_a_token_that_bitrise_takes_again_is_used_again(world: World) -> None:
    world.bitrise.faults.add(Fault("builds.list-all", status=401))
    await world.passes(minutes=6)
    await world.passes(minutes=15)
    assert "accepts the token again" in world.letters(world.ada)[-1]
    await world.say("/build shop deploy main")
    assert len(world.builds()) == 1


# Forgetting.


async def test_disconnect_asks_first(world: World) -> None:
    await world.say("/build disconnect", by=world.ada)
    assert "Disconnect Bitrise (ci-bot, 2 apps)?" in world.whispers(world.ada)[-1]
    await world.say("/build shop deploy main")
    assert len(world.builds()) == 1


async def test_a_confirmed_disconnect_forgets_the_token(world: World) -> None:
    await world.say("/build disconnect", by=world.ada)
    await world.press(world.whisper(world.ada), "Disconnect", by=world.ada)
    assert "Disconnected Bitrise" in world.whispers(world.ada)[-1]
    (workspace,) = await workspace_rows.list_workspaces(world.bot.ctx.db)
    assert workspace.bitrise_token_sealed is None
    await world.say("/build shop deploy main")
    assert "Bitrise isn't connected yet" in world.whispers()[-1]


async def test_only_admins_may_disconnect(world: World) -> None:
    await world.say("/build disconnect", by=world.ana)
    assert "Only workspace admins can do that" in world.whispers(world.ana)[-1]


async def test_nothing_to_disconnect_is_said(fresh: World) -> None:
    await fresh.say("/build disconnect", by=fresh.ada)
    assert "Bitrise isn't connected" in fresh.whispers(fresh.ada)[-1]


async def test_apps_that_are_on_their_way_when_the_token_is_forgotten_are_forgotten_too(world: World) -> None:
    ctx, team = world.bot.ctx, world.team.id

    async def disconnect(facts: Mapping[str, Any]) -> None:
        await connect.disconnect(ctx, Actor(team, team, world.ada.id, "ada", world.ios.id))

    undo = world.bitrise.hooks.on("apps.list", "before", disconnect)
    await apps.refresh(ctx, team)
    undo()
    assert await apps.search(ctx, team, "") == []


async def test_a_new_token_that_is_being_verified_when_the_old_is_forgotten_is_forgotten_too(world: World) -> None:
    ctx, team = world.bot.ctx, world.team.id

    async def disconnect(facts: Mapping[str, Any]) -> None:
        await connect.disconnect(ctx, Actor(team, team, world.ada.id, "ada", world.ios.id))

    undo = world.bitrise.hooks.on("apps.list", "before", disconnect)
    await world.connect(world.bitrise.add_token(world.owner))
    undo()
    (workspace,) = await workspace_rows.list_workspaces(ctx.db)
    assert workspace.bitrise_token_sealed is None


async def test_a_card_that_runs_when_the_token_is_forgotten_breaks_nothing(world: World) -> None:
    await world.say("/build shop deploy main")
    await world.say("/build disconnect", by=world.ada)
    await world.press(world.whisper(world.ada), "Disconnect", by=world.ada)
    await world.passes(minutes=20)
    await world.connect()
    await world.passes(minutes=1)
    assert "Succeeded" in world.read(world.card)


async def test_doctor_checks_a_rejected_token_again(world: World) -> None:
    """A 401 that lasted a moment must not keep a workspace out until the next sync."""
    world.bitrise.faults.add(Fault(status=401))
    await world.say("/build status")
    await world.say("/build doctor")
    assert "Connected to Bitrise* as" in world.whispers()[-1]
    await world.say("/build shop deploy main")
    assert len(world.builds()) == 1


@pytest.mark.parametrize("where", ["reply", "direct message"])
async def test_rejected_token_is_checked_again_with_a_button(world: World, where: str) -> None:
    world.bitrise.faults.add(Fault(status=401))
    await world.say("/build status", by=world.ada)
    letters = world.slack.direct_messages(world.ada, world.app)
    await world.press(world.whisper(world.ada) if where == "reply" else letters[-1], "Check again", by=world.ada)
    await world.say("/build shop deploy main")
    assert len(world.builds()) == 1


async def test_doctor_says_that_a_revoked_token_is_rejected(world: World) -> None:
    world.bitrise.revoke(world.token)
    await world.say("/build status")
    await world.say("/build doctor")
    assert "the connected token" in world.whispers()[-1]
