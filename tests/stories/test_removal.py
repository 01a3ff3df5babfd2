"""Buildbell is removed from a workspace, and comes back: what is forgotten, what falls silent, what is kept."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest

from bot.permissions import Actor
from bot.sync import webhooks
from bot.workspaces.uninstall import PAUSED
from playground.wire import Fault
from storage import audit
from storage import subscriptions as subscription_rows
from storage import workspaces as workspace_rows
from storage.subscriptions import SubscriptionRow
from tests.many_workspaces import Many
from tests.world import World


@pytest.fixture
async def both(many: Many) -> Many:
    """Acme and Globex, each with a build that runs; Acme's #ios hears of everything."""
    await many.both_install()
    row = SubscriptionRow("s1", many.team.id, many.ios.id, None, {}, "card", False, many.ana.id, many.clock.now())
    await many.bot.ctx.db.transaction(lambda tx: subscription_rows.save_subscription(tx, row))
    await many.say("/build shop endless main")
    await many.say("/build game endless main", by=many.gil, at=many.droid_channel)
    await many.passes(minutes=1)
    return many


async def rows(world: World, table: str) -> int:
    [row] = await world.bot.ctx.db.fetch_all(
        f"select count(*) as n from {table} where {'team_id' if table == 'installations' else 'workspace_id'} = :id",
        id=world.team.id,
    )
    return int(row["n"])


async def test_the_tokens_are_forgotten(both: Many) -> None:
    await both.uninstall(both.app)
    workspace = await workspace_rows.find_workspace(both.bot.ctx.db, both.team.id)
    assert await rows(both, "installations") == 0
    assert workspace is not None
    assert workspace.bitrise_token_sealed is None
    assert workspace.uninstalled_at == both.clock.now()


async def test_nothing_is_asked_or_said_for_it_any_more(both: Many) -> None:
    await both.uninstall(both.app)
    both.slack.journal.clear()
    both.bitrise.journal.clear()
    await both.passes(minutes=30)
    asked = {entry.request["team"] for entry in both.slack.journal if entry.kind == "api"}
    assert asked == {both.globex.id}
    assert {entry.request["token"] for entry in both.bitrise.journal if "token" in entry.request} <= {both.their_token}
    assert await rows(both, "outbox") == 0


async def test_its_webhooks_are_deleted_at_bitrise(both: Many) -> None:
    both.bitrise.set_role(both.token, "admin")
    actor = Actor(both.team.id, both.team.id, both.ada.id, both.ada.name, both.ios.id)
    await webhooks.register(both.bot.ctx, actor, both.shop.slug)
    assert len(both.bitrise.webhooks.of(both.shop)) == 1
    await both.uninstall(both.app)
    await both.passes(seconds=5)
    assert both.bitrise.webhooks.of(both.shop) == []


async def test_messages_that_wait_are_dropped(both: Many) -> None:
    both.slack.limits.posts_per_second, both.slack.limits.post_burst = 0.001, 1
    for number in range(4):
        await both.say(f"/build shop deploy branch-{number}")
    await both.passes(seconds=20)
    assert await rows(both, "outbox") > 0
    await both.uninstall(both.app)
    assert await rows(both, "outbox") == 0


async def test_a_token_that_is_still_being_verified_is_forgotten_too(many: Many) -> None:
    many.app = await many.install(many.ada, into=many.ios)
    many.bitrise.faults.add(Fault("apps.list", status=500, times=2))
    await many.connect()
    await many.uninstall(many.app)
    await many.passes(seconds=20)
    workspace = await workspace_rows.find_workspace(many.bot.ctx.db, many.team.id)
    assert workspace is not None
    assert workspace.bitrise_token_sealed is None
    kept = await many.bot.ctx.db.fetch_all("select parameters_sealed from requests where kind = 'connect'")
    assert [row["parameters_sealed"] for row in kept] == [""]


async def test_the_other_workspace_notices_nothing(both: Many) -> None:
    await both.uninstall(both.app)
    await both.say("/build game deploy main", by=both.gil, at=both.droid_channel)
    await both.passes(minutes=10)
    assert "Succeeded" in both.sees(both.droid_channel)


async def test_subscriptions_are_paused_until_a_person_resumes_them(both: Many) -> None:
    await both.uninstall(both.app)
    row = await subscription_rows.find_subscription(both.bot.ctx.db, both.team.id, "s1")
    assert row is not None
    assert row.pause_reason == PAUSED
    both.app = await both.install(both.ada, into=both.ios)
    await both.connect()
    still = await subscription_rows.find_subscription(both.bot.ctx.db, both.team.id, "s1")
    assert still is not None
    assert still.paused_at == row.paused_at


async def test_it_is_written_down(both: Many) -> None:
    await both.uninstall(both.app)
    entries = await audit.list_entries(both.bot.ctx.db, both.team.id)
    [entry] = [entry for entry in entries if entry.action == "uninstall"]
    assert entry.result.startswith("Bitrise token deleted, 1 subscription paused")
    assert [entry.user_id for entry in entries if entry.action == "install"] == [both.ada.id]


async def test_back_again_it_is_new_but_remembers_the_settings(both: Many) -> None:
    await both.say("/build settings")
    await both.submit({"settings.aliases": "store = Android Shop"})
    await both.uninstall(both.app)
    await both.passes(minutes=5)
    both.app = await both.install(both.bo, into=both.ios)
    await both.say("/build shop deploy main")
    assert "Bitrise isn't connected yet" in both.whispers()[-1]
    await both.connect()
    await both.say("/build store deploy main")
    assert both.builds()[-1].app is both.droid


@pytest.mark.parametrize("kind", ["app_uninstalled", "tokens_revoked"])
async def test_either_of_the_two_events_is_enough(both: Many, kind: str) -> None:
    told = {"tokens": {"bot": [both.app.bot_user.id]}} if kind == "tokens_revoked" else {}
    both.slack.revoke(both.app)
    both.slack.tell_removal(both.app, {"type": kind, **told})
    await both.settled()
    assert await rows(both, "installations") == 0


async def test_a_removal_that_could_not_be_stored_is_told_again(both: Many) -> None:
    """A backup holds the database for longer than Slack waits."""
    both.expects_errors = True
    backup = sqlite3.connect(both.settings().database_url.get_secret_value().removeprefix("sqlite:///"))
    backup.execute("begin immediate")
    await both.uninstall(both.app)
    assert await rows(both, "installations") > 0
    backup.rollback()
    backup.close()
    await both.passes(minutes=2)
    assert await rows(both, "installations") == 0


@pytest.mark.parametrize("kind", ["app_uninstalled", "tokens_revoked"])
async def test_a_late_event_does_not_undo_a_new_installation(both: Many, kind: str) -> None:
    both.expects_errors = True  # nobody has told yet why Slack refuses
    removed_at = both.clock.now()
    both.slack.revoke(both.app)
    await both.passes(minutes=2)
    await both.install(both.ada, into=both.ios)
    told = {"tokens": {"bot": [both.app.bot_user.id]}} if kind == "tokens_revoked" else {}
    both.slack.tell_removal(both.app, {"type": kind, **told}, at=removed_at)
    await both.settled()
    await both.say("/build shop deploy main")
    assert "iOS Shop" in both.read(both.card)


async def test_a_persons_token_that_ends_is_nothing_to_buildbell(both: Many) -> None:
    both.slack.tell_removal(both.app, {"type": "tokens_revoked", "tokens": {"oauth": [both.ada.id]}})
    await both.settled()
    await both.say("/build shop deploy main")
    assert "iOS Shop" in both.read(both.card)


async def test_a_command_right_after_it_finds_nobody(both: Many) -> None:
    both.expects_errors = True
    await both.uninstall(both.app)
    both.app.revoked = False  # Slack's client still shows the command for a moment
    before = len(both.builds())
    await both.slack.command(both.ana, both.ios, "/build shop deploy main")
    await both.settled()
    assert len(both.builds()) == before


async def test_what_another_process_removed_is_noticed_within_a_minute(both: Many) -> None:
    database = both.bot.ctx.db
    await both.say("/build status shop")
    await database.execute("delete from installations where team_id = :id", id=both.team.id)
    both.expects_errors = True
    await both.passes(seconds=60)
    asked_before = len(both.slack.journal.named("chat.*"))
    await both.slack.command(both.ana, both.ios, "/build shop deploy main")
    await both.settled()
    assert "isn't installed in your Slack workspace" in both.whispers()[-1]
    assert len(both.slack.journal.named("chat.*")) == asked_before


# One workspace, whose bot token is a setting.


async def test_one_workspace_forgets_its_bitrise_token_too(world: World) -> None:
    happened = {"type": "app_uninstalled"}
    world.slack.tell_removal(world.app, happened)
    await world.settled()
    workspace = await workspace_rows.find_workspace(world.bot.ctx.db, world.team.id)
    assert workspace is not None
    assert workspace.bitrise_token_sealed is None


async def test_one_workspace_whose_token_is_being_changed_keeps_it(world: World) -> None:
    world.slack.tell_removal(world.app, {"type": "tokens_revoked", "tokens": {"bot": [world.app.bot_user.id]}})
    await world.settled()
    workspace = await workspace_rows.find_workspace(world.bot.ctx.db, world.team.id)
    assert workspace is not None
    assert workspace.bitrise_token_sealed is not None


async def test_one_workspace_that_starts_again_is_installed_again(world: World) -> None:
    world.slack.tell_removal(world.app, {"type": "app_uninstalled"})
    await world.settled()
    world.clock.move_to(world.clock.now() + timedelta(minutes=1))
    await world.restart_bot()
    workspace = await workspace_rows.find_workspace(world.bot.ctx.db, world.team.id)
    assert workspace is not None
    assert workspace.uninstalled_at is None
