"""Personal preferences: which builds are mine, and direct messages about them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from commands.preferences import preferences_form
from playground.bitrise import Build
from playground.plain_text import view_text
from playground.slack import User
from playground.wire import Fault
from storage.users import UserRow
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
SIGNED = "Fix login crash\n\nSigned-off-by: Ana Diaz <ana@acme.dev>"


async def set_preferences(
    world: World, dm_level: str = "all", names: str = "octocat", *, by: User | None = None
) -> str:
    """Fill in the form, save it and return the view that replaces it."""
    person = by or world.ana
    await world.say("/build me", by=person)
    await world.submit({"me.tells": dm_level, "me.names": names}, by=person)
    return world.modal_text(person)


def push(world: World, who: str = "octocat", **params: Any) -> Build:
    return world.bitrise.start_build(world.shop, workflow="endless", triggered_by=f"webhook-github/{who}", **params)


async def run_build(world: World, outcome: str = "failed", **params: Any) -> Build:
    """Run a pushed build to its end."""
    build = push(world, **params)
    await world.passes(minutes=2)
    world.bitrise.finish(build, outcome)  # type: ignore[arg-type]
    await world.passes(seconds=30)
    return build


def direct_messages(world: World, to: User | None = None) -> list[str]:
    """Return the direct messages, without the replies in their threads."""
    sent = world.slack.direct_messages(to or world.ana, world.app)
    return [world.read(message) for message in sent if message.thread_ts in (None, message.ts)]


async def home(world: World, of: User | None = None) -> str:
    person = of or world.ana
    await world.slack.open_home(person, world.app)
    await world.settled()
    view = world.slack.home(person, world.app)
    assert view is not None
    return view_text(view.body, {world.bo.id: "bo"})


async def stored_dm_level(world: World, of: User) -> str:
    rows = await world.bot.ctx.db.fetch_all("select user_id, dm_level from users")
    return str({row["user_id"]: row["dm_level"] for row in rows}[of.id])


# Direct messages.


async def test_direct_messages_are_off_by_default(world: World) -> None:
    await set_preferences(world, "off")
    await run_build(world)
    assert direct_messages(world) == []


async def test_level_failures_sends_failures_only(world: World) -> None:
    await set_preferences(world, "failures")
    await run_build(world, "success")
    await run_build(world, "aborted")
    build = await run_build(world, "failed")
    (message,) = direct_messages(world)
    assert message.startswith(f"❌ Failed  iOS Shop · endless  #{build.number}")
    assert "Push by octocat" in message
    assert "[Rerun]" in message


async def test_level_all_sends_every_result(world: World) -> None:
    await set_preferences(world, "all")
    for outcome in ("success", "failed", "aborted"):
        await run_build(world, outcome)
    assert [text.split("  ")[0] for text in direct_messages(world)] == ["✅ Succeeded", "❌ Failed", "⏹️ Aborted"]


async def test_builds_of_others_are_not_sent(world: World) -> None:
    await set_preferences(world, "all")
    await run_build(world, who="bo-l")
    assert direct_messages(world) == []


async def test_card_that_mentions_the_user_replaces_the_direct_message(world: World) -> None:
    await set_preferences(world, "all")
    await world.say("/build shop deploy main")
    await world.passes(minutes=10)
    assert f"<@{world.ana.id}>" in world.slack.thread(world.card)[-1].text
    assert direct_messages(world) == []


async def test_slack_name_of_somebody_else_does_not_count_as_a_git_name(world: World) -> None:
    """Ana's name in Git is ana-d, which is somebody else's name in Slack."""
    namesake = world.slack.add_user(world.team, "ana-d")
    world.slack.invite(world.ios, namesake)
    await set_preferences(world, "all", "ana-d")
    await world.say("/build shop deploy main", by=namesake)
    await world.passes(minutes=10)
    assert direct_messages(world) == []
    assert "None of your builds is running." in await home(world)


async def test_switched_off_messages_stop(world: World) -> None:
    await set_preferences(world, "all")
    await run_build(world)
    await set_preferences(world, "off")
    await run_build(world)
    assert len(direct_messages(world)) == 1


# Email addresses.


async def test_signed_commit_belongs_to_its_author(world: World) -> None:
    world.ana.email = "Ana@Acme.dev"
    await world.say("/build me")
    assert "Commits signed with `ana@acme.dev` count as yours." in world.modal_text()
    await world.submit({"me.tells": "failures"})
    await run_build(world, who="merge-bot", commit_message=SIGNED)
    await run_build(world, who="merge-bot", commit_message="Fix")
    assert len(direct_messages(world)) == 1
    assert (await home(world)).count("❌ iOS Shop") == 1


async def test_build_gets_its_owner_when_the_commit_is_known_later(world: World) -> None:
    world.ana.email = "ana@acme.dev"
    await set_preferences(world, "off", "")
    build = push(world, who="merge-bot")
    await world.passes(minutes=2)
    assert "iOS Shop" not in await home(world)
    build.params = {**build.params, "commit_message": SIGNED}
    await world.passes(minutes=6)
    assert "iOS Shop · endless" in await home(world)


async def test_scheduled_build_belongs_to_nobody(world: World) -> None:
    world.ana.email = "ana@acme.dev"
    await set_preferences(world, "all")
    build = world.bitrise.start_build(
        world.shop, workflow="test", triggered_by="scheduled-nightly", commit_message=SIGNED
    )
    await world.passes(minutes=12)
    assert build.is_finished
    assert direct_messages(world) == []


async def test_form_says_that_addresses_are_not_read_without_the_scope(world: World) -> None:
    world.ana.email = "ana@acme.dev"
    world.app.scopes = tuple(scope for scope in world.app.scopes if scope != "users:read.email")
    await world.restart_bot()
    await world.say("/build me")
    assert "(the optional scope users:read.email was declined)" in world.modal_text()
    assert "ana@acme.dev" not in world.modal_text()
    await world.submit({"me.tells": "all"})
    await run_build(world, who="merge-bot", commit_message=SIGNED)
    assert direct_messages(world) == []


async def test_email_address_is_refused_in_the_form(world: World) -> None:
    world.bo.email = "bo@acme.dev"
    assert "looks like an email address" in await refused(world, "me.names", {"me.names": "octocat, bo@acme.dev"})


# After an outage.


async def test_many_late_results_become_one_summary(world: World) -> None:
    await set_preferences(world)
    await world.stop_bot()
    for _ in range(4):
        world.bitrise.finish(push(world))
    world.clock.move_to(world.clock.now() + timedelta(hours=1))
    await world.start_bot()
    await world.passes(seconds=30)
    (message,) = direct_messages(world)
    assert "4 of your builds finished while Buildbell was offline: 4 succeeded." in message


# Unreachable people.


async def test_messages_to_somebody_who_left_are_switched_off(world: World) -> None:
    await set_preferences(world)
    world.ana.deleted = True
    await run_build(world)
    assert await stored_dm_level(world, world.ana) == "off"
    world.slack.journal.clear()
    await run_build(world)
    assert not world.slack.journal.named("chat.postMessage")


@pytest.mark.parametrize("error", ["messages_tab_disabled", "cannot_dm_bot", "channel_not_found", "user_disabled"])
async def test_messages_that_slack_refuses_are_switched_off(world: World, error: str) -> None:
    await set_preferences(world)
    world.slack.faults.add(Fault("chat.postMessage", kind="error", error=error))
    await run_build(world)
    assert direct_messages(world) == []
    assert "*Direct messages:* off." in await home(world)
    await set_preferences(world)  # it can be switched on again
    await run_build(world)
    assert len(direct_messages(world)) == 1


async def test_unreachable_channel_switches_nobody_off(world: World) -> None:
    await set_preferences(world)
    world.slack.faults.add(Fault("chat.postMessage", kind="error", error="channel_not_found"))
    await world.say("/build shop deploy main")
    await world.passes(minutes=1)
    assert await stored_dm_level(world, world.ana) == "all"


async def test_unavailable_slack_only_delays_messages(world: World) -> None:
    await set_preferences(world)
    world.slack.faults.add(Fault("chat.postMessage", kind="status", status=500))
    await run_build(world)
    await world.passes(minutes=1)
    assert len(direct_messages(world)) == 1
    assert await stored_dm_level(world, world.ana) == "all"


# Form.


async def refused(world: World, field: str, values: dict[str, Any]) -> str:
    await world.say("/build me")
    delivery = await world.submit(values)
    return str(delivery.errors[field])


async def test_form_starts_with_messages_off(world: World) -> None:
    await world.say("/build me")
    await world.submit({})
    assert "*Direct messages:* off. Your builds are the ones you start from Slack" in world.modal_text()


async def test_form_shows_the_stored_preferences(world: World) -> None:
    await set_preferences(world, "failures", "Octocat, @ana-d,, octocat")
    await world.say("/build me")
    fields: dict[str, Any] = {
        field: held.get("value") or held.get("selected_option")
        for block in world.modal().state.values()
        for field, held in block.items()
    }
    assert fields["me.names"] == "octocat, ana-d"
    assert fields["me.tells"]["value"] == "failures"


@pytest.mark.parametrize(
    ("field", "values", "sentence"),
    [
        ("me.names", {"me.names": "octocat, a/b"}, "“a/b” isn't a Git name"),
        ("me.names", {"me.names": "<!channel>"}, "isn't a Git name"),
        ("me.names", {"me.names": "x" * 101}, "isn't a Git name"),
        ("me.names", {"me.names": ", ".join(f"n{number}" for number in range(11))}, "can link up to 10"),
    ],
)
async def test_invalid_names_are_explained_at_the_field(
    world: World, field: str, values: dict[str, Any], sentence: str
) -> None:
    assert sentence in await refused(world, field, values)
    assert await world.bot.ctx.db.fetch_all("select 1 from users") == []


async def test_failed_lookup_in_slack_keeps_the_email_address(world: World) -> None:
    world.ana.email = "ana@acme.dev"
    await set_preferences(world)
    world.slack.faults.add(Fault("users.info", kind="status", status=500, times=2))
    told = await set_preferences(world, "failures")
    assert "is signed with `ana@acme.dev`" in told


# Shared names.


async def test_name_linked_by_several_people_is_shown_to_each(world: World) -> None:
    await set_preferences(world, "all", "octocat", by=world.bo)
    told = await set_preferences(world, "all", "octocat, ana-d")
    assert f"`octocat` is also linked by <@{world.bo.id}>." in told
    await world.say("/build me", by=world.bo)
    assert f"`octocat` is also linked by <@{world.ana.id}>." in world.modal_text(world.bo)
    await run_build(world)
    assert (len(direct_messages(world, world.ana)), len(direct_messages(world, world.bo))) == (1, 1)


async def test_preferences_are_audited(world: World) -> None:
    await set_preferences(world, "failures", "octocat, ana-d")
    rows = await world.bot.ctx.db.fetch_all("select user_id, subject, result from audit where action = 'me'")
    assert [tuple(dict(row).values()) for row in rows] == [
        (world.ana.id, "octocat, ana-d", "direct messages: failures")
    ]


# App Home.


async def test_saving_links_recent_builds(world: World) -> None:
    world.ana.email = "ana@acme.dev"
    await run_build(world)
    await run_build(world, who="merge-bot", commit_message=SIGNED)
    await run_build(world, who="bo-l")
    push(world)
    await world.passes(minutes=6)
    assert "iOS Shop" not in await home(world)
    assert "Found 3 builds of yours in the last 30 days." in await set_preferences(world, "off")
    told = await home(world)
    assert (told.count("❌ iOS Shop"), told.count("[Stop…]")) == (2, 1)


async def test_removing_a_name_unlinks_its_builds(world: World) -> None:
    await world.say("/build shop deploy main")
    await run_build(world)
    await world.passes(minutes=10)
    await set_preferences(world, "off", "octocat")
    assert "❌ iOS Shop" in await home(world)
    assert "Add your Git name to include your pushes" in await set_preferences(world, "off", "")
    told = await home(world)
    assert "Failed  iOS Shop" not in told
    assert "✅ iOS Shop · #" in told


async def test_home_shows_the_preferences_and_opens_the_form(world: World) -> None:
    assert "*Direct messages:* off." in await home(world)
    view = world.slack.home(world.ana)
    assert view is not None
    await world.slack.press_in_view(world.ana, view, "Notifications…")
    await world.settled()
    await world.submit({"me.tells": "failures", "me.names": "octocat"})
    view = world.slack.home(world.ana)
    assert view is not None
    told = view_text(view.body)  # nobody has opened it again
    assert (
        "*Direct messages:* when one of your builds fails. "
        "Your builds are the ones you start from Slack, and what comes from `octocat`." in told
    )


async def test_home_of_somebody_with_many_builds_stays_within_slacks_limits(world: World) -> None:
    await set_preferences(world, "off")
    for number in range(40):
        push(world, branch=f"branch-{number}")
    await world.passes(minutes=6)
    view_told = await home(world)
    view = world.slack.home(world.ana)
    assert view is not None
    assert len(view.body["blocks"]) <= 100
    assert view_told.count("[Stop…]") == 15


async def test_people_of_other_workspaces_cannot_save_preferences(world: World) -> None:
    world.slack.share(world.ios, world.partner)
    world.slack.invite(world.ios, world.stranger)
    told = await home(world, world.stranger)
    assert "You are here through Slack Connect" in told
    assert "[" not in told
    trigger = world.slack.triggers.issue(world.app, world.stranger)
    form = preferences_form(UserRow(world.team.id, world.stranger.id), may_read_email=True, namesakes={})
    await world.bot.ctx.slack(world.team.id).open_view(trigger, form)
    await world.submit({"me.tells": "all", "me.names": "octocat"}, by=world.stranger)
    assert "Only members of this Slack workspace can do that" in world.modal_text(world.stranger)
    assert await world.bot.ctx.db.fetch_all("select 1 from users") == []
