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


async def wish(world: World, tells: str = "all", names: str = "octocat", *, by: User | None = None) -> str:
    """Fill in the form and save; returns what stands in its place."""
    person = by or world.ana
    await world.say("/build me", by=person)
    await world.submit({"me.tells": tells, "me.names": names}, by=person)
    return world.modal_text(person)


def push(world: World, who: str = "octocat", **params: Any) -> Build:
    return world.bitrise.start_build(world.shop, workflow="endless", triggered_by=f"webhook-github/{who}", **params)


async def ended(world: World, outcome: str = "failed", **params: Any) -> Build:
    """A push that is seen and then ends."""
    build = push(world, **params)
    await world.passes(minutes=2)
    world.bitrise.finish(build, outcome)  # type: ignore[arg-type]
    await world.passes(seconds=30)
    return build


def letters(world: World, to: User | None = None) -> list[str]:
    """Direct messages; the reasons in their threads are stories of their own."""
    sent = world.slack.direct_messages(to or world.ana, world.app)
    return [world.read(message) for message in sent if message.thread_ts in (None, message.ts)]


async def home(world: World, of: User | None = None) -> str:
    person = of or world.ana
    await world.slack.open_home(person, world.app)
    await world.settled()
    view = world.slack.home(person, world.app)
    assert view is not None
    return view_text(view.body, {world.bo.id: "bo"})


async def tells(world: World, of: User) -> str:
    rows = await world.bot.ctx.db.fetch_all("select user_id, dm_level from users")
    return str({row["user_id"]: row["dm_level"] for row in rows}[of.id])


# What is told.


async def test_nobody_is_told_anything_unasked(world: World) -> None:
    await wish(world, "off")
    await ended(world)
    assert letters(world) == []


async def test_who_wants_failures_hears_of_failures(world: World) -> None:
    await wish(world, "failures")
    await ended(world, "success")
    await ended(world, "aborted")
    build = await ended(world, "failed")
    (letter,) = letters(world)
    assert letter.startswith(f"❌ Failed  iOS Shop · endless  #{build.number}")
    assert "Push by octocat" in letter
    assert "[Run again]" in letter


async def test_who_wants_everything_hears_every_end(world: World) -> None:
    await wish(world, "all")
    for outcome in ("success", "failed", "aborted"):
        await ended(world, outcome)
    assert [letter.split("  ")[0] for letter in letters(world)] == ["✅ Succeeded", "❌ Failed", "⏹️ Aborted"]


async def test_builds_of_others_are_not_told(world: World) -> None:
    await wish(world, "all")
    await ended(world, who="bo-l")
    assert letters(world) == []


async def test_a_card_that_mentions_me_is_enough(world: World) -> None:
    await wish(world, "all")
    await world.say("/build shop deploy main")
    await world.passes(minutes=10)
    assert f"<@{world.ana.id}>" in world.slack.thread(world.card)[-1].text
    assert letters(world) == []


async def test_a_name_in_slack_is_none_in_git(world: World) -> None:
    """Ana is called ana-d in Git; somebody else is called so in Slack."""
    namesake = world.slack.add_user(world.team, "ana-d")
    world.slack.invite(world.ios, namesake)
    await wish(world, "all", "ana-d")
    await world.say("/build shop deploy main", by=namesake)
    await world.passes(minutes=10)
    assert letters(world) == []
    assert "None of your builds is running." in await home(world)


async def test_what_i_switch_off_is_not_told_any_more(world: World) -> None:
    await wish(world, "all")
    await ended(world)
    await wish(world, "off")
    await ended(world)
    assert len(letters(world)) == 1


# By e-mail.


async def test_a_signed_commit_is_mine(world: World) -> None:
    world.ana.email = "Ana@Acme.dev"
    await world.say("/build me")
    assert "Commits signed with `ana@acme.dev` count as yours." in world.modal_text()
    await world.submit({"me.tells": "failures"})
    await ended(world, who="merge-bot", commit_message=SIGNED)
    await ended(world, who="merge-bot", commit_message="Fix")
    assert len(letters(world)) == 1
    assert (await home(world)).count("Failed  iOS Shop") == 1


async def test_a_commit_that_is_known_later_is_mine_later(world: World) -> None:
    world.ana.email = "ana@acme.dev"
    await wish(world, "off", "")
    build = push(world, who="merge-bot")
    await world.passes(minutes=2)
    assert "iOS Shop" not in await home(world)
    build.params = {**build.params, "commit_message": SIGNED}
    await world.passes(minutes=6)
    assert "iOS Shop · endless" in await home(world)


async def test_a_scheduled_build_is_nobodys(world: World) -> None:
    world.ana.email = "ana@acme.dev"
    await wish(world, "all")
    build = world.bitrise.start_build(
        world.shop, workflow="test", triggered_by="scheduled-nightly", commit_message=SIGNED
    )
    await world.passes(minutes=12)
    assert build.is_finished
    assert letters(world) == []


async def test_without_the_scope_it_says_that_addresses_are_not_read(world: World) -> None:
    world.ana.email = "ana@acme.dev"
    world.app.scopes = tuple(scope for scope in world.app.scopes if scope != "users:read.email")
    await world.restart_bot()
    await world.say("/build me")
    assert "(the optional scope users:read.email was declined)" in world.modal_text()
    assert "ana@acme.dev" not in world.modal_text()
    await world.submit({"me.tells": "all"})
    await ended(world, who="merge-bot", commit_message=SIGNED)
    assert letters(world) == []


async def test_an_address_in_a_form_is_not_believed(world: World) -> None:
    world.bo.email = "bo@acme.dev"
    assert "looks like an e-mail address" in await refused(world, "me.names", {"me.names": "octocat, bo@acme.dev"})


# After an outage.


async def test_after_an_outage_many_are_folded_and_it_is_said_why(world: World) -> None:
    await wish(world)
    await world.stop_bot()
    for _ in range(4):
        world.bitrise.finish(push(world))
    world.clock.move_to(world.clock.now() + timedelta(hours=1))
    await world.start_bot()
    await world.passes(seconds=30)
    (letter,) = letters(world)
    assert "4 of your builds ended while I was away: 4 succeeded." in letter


# Who cannot be written to.


async def test_who_has_left_is_not_written_to_for_ever(world: World) -> None:
    await wish(world)
    world.ana.deleted = True
    await ended(world)
    assert await tells(world, world.ana) == "off"
    world.slack.journal.clear()
    await ended(world)
    assert not world.slack.journal.named("chat.postMessage")


@pytest.mark.parametrize("error", ["messages_tab_disabled", "cannot_dm_bot", "channel_not_found", "user_disabled"])
async def test_who_takes_no_direct_messages_is_told_no_more(world: World, error: str) -> None:
    await wish(world)
    world.slack.faults.add(Fault("chat.postMessage", kind="error", error=error))
    await ended(world)
    assert letters(world) == []
    assert "*Direct messages:* none." in await home(world)
    await wish(world)  # it can be switched on again
    await ended(world)
    assert len(letters(world)) == 1


async def test_a_channel_that_cannot_be_written_to_switches_nobody_off(world: World) -> None:
    await wish(world)
    world.slack.faults.add(Fault("chat.postMessage", kind="error", error="channel_not_found"))
    await world.say("/build shop deploy main")
    await world.passes(minutes=1)
    assert await tells(world, world.ana) == "all"


async def test_slack_in_trouble_only_delays(world: World) -> None:
    await wish(world)
    world.slack.faults.add(Fault("chat.postMessage", kind="status", status=500))
    await ended(world)
    await world.passes(minutes=1)
    assert len(letters(world)) == 1
    assert await tells(world, world.ana) == "all"


# The form.


async def refused(world: World, field: str, values: dict[str, Any]) -> str:
    await world.say("/build me")
    delivery = await world.submit(values)
    return str(delivery.errors[field])


async def test_the_form_begins_with_nothing(world: World) -> None:
    await world.say("/build me")
    await world.submit({})
    assert "*Direct messages:* none. Yours is what you start from Slack" in world.modal_text()


async def test_the_form_remembers(world: World) -> None:
    await wish(world, "failures", "Octocat, @ana-d,, octocat")
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
        ("me.names", {"me.names": "octocat, a/b"}, "“a/b” is no name in Git"),
        ("me.names", {"me.names": "<!channel>"}, "is no name in Git"),
        ("me.names", {"me.names": "x" * 101}, "is no name in Git"),
        ("me.names", {"me.names": ", ".join(f"n{number}" for number in range(11))}, "11 names; 10 can be linked"),
    ],
)
async def test_what_cannot_be_saved_is_said_on_the_field(
    world: World, field: str, values: dict[str, Any], sentence: str
) -> None:
    assert sentence in await refused(world, field, values)
    assert await world.bot.ctx.db.fetch_all("select 1 from users") == []


async def test_slack_that_cannot_say_who_i_am_changes_no_address(world: World) -> None:
    world.ana.email = "ana@acme.dev"
    await wish(world)
    world.slack.faults.add(Fault("users.info", kind="status", status=500, times=2))
    told = await wish(world, "failures")
    assert "is signed with `ana@acme.dev`" in told


# One name, several people.


async def test_a_name_may_be_several_peoples_and_each_is_told(world: World) -> None:
    await wish(world, "all", "octocat", by=world.bo)
    told = await wish(world, "all", "octocat, ana-d")
    assert f"`octocat` is linked by <@{world.bo.id}>, too." in told
    await world.say("/build me", by=world.bo)
    assert f"`octocat` is linked by <@{world.ana.id}>, too." in world.modal_text(world.bo)
    await ended(world)
    assert (len(letters(world, world.ana)), len(letters(world, world.bo))) == (1, 1)


async def test_a_link_is_in_the_audit(world: World) -> None:
    await wish(world, "failures", "octocat, ana-d")
    rows = await world.bot.ctx.db.fetch_all("select user_id, subject, result from audit where action = 'me'")
    assert [tuple(dict(row).values()) for row in rows] == [
        (world.ana.id, "octocat, ana-d", "direct messages: failures")
    ]


# App Home.


async def test_known_builds_become_mine_when_the_form_is_saved(world: World) -> None:
    world.ana.email = "ana@acme.dev"
    await ended(world)
    await ended(world, who="merge-bot", commit_message=SIGNED)
    await ended(world, who="bo-l")
    push(world)
    await world.passes(minutes=6)
    assert "iOS Shop" not in await home(world)
    assert "By that I know 3 builds of yours from the last 30 days." in await wish(world, "off")
    told = await home(world)
    assert (told.count("Failed  iOS Shop"), told.count("[Stop…]")) == (2, 1)


async def test_a_name_taken_back_takes_its_builds_with_it(world: World) -> None:
    await world.say("/build shop deploy main")
    await ended(world)
    await world.passes(minutes=10)
    await wish(world, "off", "octocat")
    assert "Failed  iOS Shop" in await home(world)
    assert "I know no name of yours in Git yet" in await wish(world, "off", "")
    told = await home(world)
    assert "Failed  iOS Shop" not in told
    assert "Succeeded  iOS Shop · deploy" in told


async def test_home_shows_the_wishes_and_opens_the_form(world: World) -> None:
    assert "*Direct messages:* none." in await home(world)
    view = world.slack.home(world.ana)
    assert view is not None
    await world.slack.press_in_view(world.ana, view, "Notifications…")
    await world.settled()
    await world.submit({"me.tells": "failures", "me.names": "octocat"})
    view = world.slack.home(world.ana)
    assert view is not None
    told = view_text(view.body)  # nobody has opened it again
    assert (
        "*Direct messages:* when a build of yours fails. "
        "Yours is what you start from Slack, and what comes from `octocat`." in told
    )


async def test_home_holds_whoever_pushes_a_lot(world: World) -> None:
    await wish(world, "off")
    for number in range(40):
        push(world, branch=f"branch-{number}")
    await world.passes(minutes=6)
    view_told = await home(world)
    view = world.slack.home(world.ana)
    assert view is not None
    assert len(view.body["blocks"]) <= 100
    assert view_told.count("[Stop…]") == 15


async def test_a_stranger_has_nothing_to_save_here(world: World) -> None:
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
