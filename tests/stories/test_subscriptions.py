"""Subscriptions: added by command or form, listed, changed, removed, paused when a channel is lost, resumed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from playground.bitrise.model import Outcome
from playground.slack import Channel, Message, User
from playground.wire import Fault
from storage import audit
from storage import subscriptions as subscription_rows
from storage.subscriptions import SubscriptionRow
from tests.stored import stored_builds
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
PUSH = "webhook-github/octocat"


async def stored(world: World, at: Channel | None = None) -> list[SubscriptionRow]:
    return await subscription_rows.list_of_channel(world.bot.ctx.db, world.team.id, (at or world.ios).id)


def last_week(world: World, count: int, *, every: timedelta = timedelta(hours=1), **facts: Any) -> None:
    """Run ``count`` builds that finished before now, the oldest first."""
    for number in range(count, 0, -1):
        at = world.clock.now() - timedelta(hours=1) - number * every
        world.bitrise.start_build(world.shop, triggered_by=PUSH, at=at, **facts)


# Command.


async def test_subscription_is_stored_with_its_creator_and_audited(world: World) -> None:
    await world.say("/build subscribe shop workflow:deploy,release-* branch:main outcome:failed style:line")
    (row,) = await stored(world)
    assert (row.app_slug, row.style, row.created_by, row.include_starts) == (
        world.shop.slug,
        "line",
        world.ana.id,
        False,
    )
    assert row.filters == {"workflow": ["deploy", "release-*"], "branch": ["main"], "outcome": ["failed"]}
    entries = await audit.list_entries(world.bot.ctx.db, world.team.id)
    assert [(entry.user_id, entry.result) for entry in entries if entry.action == "subscribe"] == [
        (world.ana.id, "new")
    ]


async def test_reply_describes_the_subscription_in_words(world: World) -> None:
    await world.say("/build subscribe shop workflow:deploy,release-* outcome:failed,aborted style:line")
    assert world.whispers()[0] == (
        "Subscribed to iOS Shop: workflow deploy or release-*, only failed or aborted; one line for each build."
    )


async def test_channel_sees_who_subscribed_it_without_a_mention(world: World) -> None:
    await world.say("/build subscribe shop by:@bo")
    (note,) = world.slack.messages(world.ios)
    told = world.read(note)
    assert told.startswith("@ana subscribed this channel to iOS Shop: by @bo; a card for each build.")
    assert "/build subscriptions" in told
    assert "<@" not in f"{note.text}{note.blocks}"
    assert '"user"' not in str(note.blocks).replace("'", '"')


async def test_people_are_stored_by_id_and_shown_by_name(world: World) -> None:
    await world.say("/build subscribe shop by:@bo,octocat")
    (row,) = await stored(world)
    assert row.filters["by"] == [world.bo.id, "octocat"]
    await world.say("/build subscriptions")
    assert "by @bo or octocat" in world.whispers()[-1]


@pytest.mark.parametrize("typed", ["shop style:changes starts", "shop failed starts"])
async def test_starts_that_filters_exclude_are_not_promised(world: World, typed: str) -> None:
    await world.say(f"/build subscribe {typed}")
    assert "Not notified of starts" in world.whispers()[0]
    assert "its start too" not in world.sees()


async def test_starts_are_promised_if_they_can_be_notified(world: World) -> None:
    await world.say("/build subscribe shop starts")
    assert "a card for each build, its start too." in world.whispers()[0]


async def test_subscribe_to_all_apps(world: World) -> None:
    await world.say("/build subscribe all failed")
    (row,) = await stored(world)
    assert row.app_slug is None
    assert "Subscribed to every app: only failed" in world.whispers()[0]


async def test_default_app_of_the_channel_is_subscribed(world: World) -> None:
    await world.say("/build settings")
    await world.submit({"settings.app": "Android Shop"})
    await world.say("/build subscribe outcome:failed")
    assert [row.app_slug for row in await stored(world)] == [world.droid.slug]


async def test_without_an_app_a_button_subscribes_to_all_apps(world: World) -> None:
    await world.say("/build subscribe outcome:failed")
    assert "Which app?" in world.whispers()[-1]
    assert await stored(world) == []
    await world.press(world.whisper(), "All apps")
    (row,) = await stored(world)
    assert (row.app_slug, row.filters) == (None, {"outcome": ["failed"]})


async def test_misspelt_app_is_offered_as_a_button(world: World) -> None:
    await world.say("/build subscribe shpo-android workflow:deploy")
    await world.press(world.whisper(), "Android Shop")
    (row,) = await stored(world)
    assert (row.app_slug, row.filters) == (world.droid.slug, {"workflow": ["deploy"]})


async def test_invalid_filter_is_explained_and_nothing_stored(world: World) -> None:
    await world.say("/build subscribe shop outcome:faild")
    assert "Did you mean `failed`?" in world.whispers()[-1]
    assert await stored(world) == []


async def test_same_app_and_filters_change_the_existing_subscription(world: World) -> None:
    await world.say("/build subscribe shop workflow:deploy,test starts")
    await world.say("/build subscribe shop workflow:test,deploy style:line", by=world.bo)
    (row,) = await stored(world)
    assert (row.style, row.include_starts, row.created_by) == ("line", True, world.bo.id)
    assert world.whispers(world.bo)[0].startswith("Updated: iOS Shop")
    await world.passes(seconds=5)
    assert "@bo updated this channel's subscription to iOS Shop" in world.sees()


async def test_other_filters_are_another_subscription(world: World) -> None:
    await world.say("/build subscribe shop workflow:deploy")
    await world.say("/build subscribe shop workflow:test")
    assert len(await stored(world)) == 2


async def test_channel_has_at_most_twenty_subscriptions(world: World) -> None:
    for number in range(21):
        await world.say(f"/build subscribe shop branch:b{number}")
    assert len(await stored(world)) == 20
    assert "20 subscriptions already" in world.whispers()[-1]


async def test_subscribe_in_direct_messages(world: World) -> None:
    await world.slack.command(world.ana, None, "/build subscribe shop style:line", dm=world.app)
    await world.settled()
    world.bitrise.finish(world.bitrise.start_build(world.shop, triggered_by=PUSH), "failed")
    await world.passes(minutes=2)
    assert "❌ *Failed*" in world.letters()[-1]


async def test_without_a_token_the_reply_explains_how_to_connect(open_world: OpenWorld) -> None:
    world = await open_world(connected=False)
    for text in ("subscribe", "subscribe shop"):
        await world.say(f"/build {text}")
        assert "Bitrise isn't connected yet" in world.whispers()[-1]
    assert await stored(world) == []


# Preview.


async def test_preview_counts_the_builds_that_match(world: World) -> None:
    last_week(world, 9, workflow="deploy")
    last_week(world, 55, workflow="test")
    await world.say("/build subscribe shop workflow:deploy")
    assert world.whispers()[-1] == "This would have matched 9 of 64 builds in the last 7 days."


async def test_preview_notifies_nothing_and_stores_the_builds(world: World) -> None:
    last_week(world, 70, workflow="deploy")
    other = world.slack.add_channel(world.team, "other", members=[world.ana, world.app.bot_user])
    await world.say("/build subscribe all starts", at=other)
    await world.say("/build subscribe shop starts")
    await world.passes(minutes=10)
    assert [len(world.slack.messages(each)) for each in (world.ios, other)] == [1, 1]
    assert len(await stored_builds(world.bot.ctx.db, world.team.id)) == 70


async def test_preview_skips_older_and_running_builds(world: World) -> None:
    last_week(world, 3, every=timedelta(days=3))
    world.bitrise.start_build(world.shop, workflow="endless")
    await world.say("/build subscribe all")
    assert world.whispers()[-1] == "This would have matched 2 of 2 builds in the last 7 days."


async def test_preview_of_changes_counts_only_changed_results(world: World) -> None:
    now = world.clock.now()
    ends: list[Outcome] = ["success", "failed", "failed", "success", "aborted"]
    for hours, outcome in enumerate(ends, start=1):
        world.clock.move_to(now + timedelta(hours=hours))
        build = world.bitrise.start_build(world.shop, workflow="endless", triggered_by=PUSH)
        world.bitrise.finish(build, outcome)
    await world.say("/build subscribe shop style:changes")
    assert world.whispers()[-1] == "This would have matched 2 of 5 builds in the last 7 days."


async def test_preview_says_that_only_the_last_builds_were_read(world: World) -> None:
    last_week(world, 510, every=timedelta(minutes=10), workflow="deploy")
    await world.say("/build subscribe shop workflow:!deploy")
    assert world.whispers()[-1] == "This would have matched 0 of the last 500 builds."
    assert len(world.bitrise.journal.named("builds.list")) == 10


async def test_preview_without_builds_says_so(world: World) -> None:
    await world.say("/build subscribe shop")
    assert world.whispers()[-1] == "No builds finished in the last 7 days."


async def test_subscription_is_stored_even_if_the_preview_fails(world: World) -> None:
    world.bitrise.faults.add(Fault("builds.list", status=500, times=None))
    await world.say("/build subscribe shop")
    assert world.whispers()[-1].startswith("Saved. Couldn't preview matching builds:")
    assert len(await stored(world)) == 1


# Form.


async def fill_form(world: World, *, who: User | None = None, **values: Any) -> dict[str, str]:
    fields = {f"subscribe.{name}": value for name, value in values.items()}
    return (await world.submit(fields, by=who)).errors


async def test_subscribe_without_arguments_opens_the_form(world: World) -> None:
    await world.say("/build subscribe")
    assert world.modal().title == "Channel notifications"
    errors = await fill_form(
        world, app="iOS Shop", workflow="deploy, release-*", branch='main, "odd, one"', outcome=["failed", "aborted"],
        cause=["push"], people=[world.bo.id], by="octocat", reason="stuck", style="thread",
    )  # fmt: skip
    assert errors == {}
    (row,) = await stored(world)
    assert (row.app_slug, row.style, row.include_starts) == (world.shop.slug, "thread", False)
    assert row.filters == {
        "workflow": ["deploy", "release-*"], "branch": ["main", "odd, one"], "outcome": ["failed", "aborted"],
        "cause": ["push"], "by": [world.bo.id, "octocat"], "reason": ["stuck"],
    }  # fmt: skip
    assert "Subscribed to iOS Shop" in world.whispers()[0]
    assert "in the last 7 days" in world.whispers()[-1]


async def test_app_menu_offers_all_apps_and_searches(world: World) -> None:
    await world.say("/build subscribe")
    offered = await world.slack.suggest(world.ana, world.modal(), "subscribe.app", "")
    assert [option["text"]["text"] for option in offered] == ["All apps", "Android Shop", "iOS Shop"]
    narrowed = await world.slack.suggest(world.ana, world.modal(), "subscribe.app", "droid")
    assert [option["text"]["text"] for option in narrowed] == ["Android Shop"]
    await fill_form(world, app="All apps")
    assert [row.app_slug for row in await stored(world)] == [None]


async def test_default_app_is_filled_in(world: World) -> None:
    await world.say("/build settings")
    await world.submit({"settings.app": "iOS Shop"})
    await world.say("/build subscribe")
    assert "‹iOS Shop›" in world.modal_text()


async def test_metadata_of_the_form_holds_ids_only(world: World) -> None:
    await world.say("/build subscribe shop workflow:secret-project")
    await world.say("/build subscriptions")
    await world.press(world.whisper(), "Edit…")
    metadata = str(world.modal().body["private_metadata"])
    assert world.ios.id in metadata
    assert "secret-project" not in metadata


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("reason", "stuk", "Did you mean stuck?"),
        ("branch", ", ".join(f"b{number}" for number in range(21)), "can have up to 20"),
        ("workflow", "w" * 201, "longer than the 200 characters"),
        ("by", "@", "isn't a valid value for by:"),
    ],
)
async def test_errors_are_shown_at_their_fields(world: World, field: str, typed: str, told: str) -> None:
    await world.say("/build subscribe")
    values: dict[str, Any] = {"app": "iOS Shop", field: typed}
    errors = await fill_form(world, **values)
    assert set(errors) == {f"subscribe.{field}"}
    assert told in errors[f"subscribe.{field}"]
    assert await stored(world) == []


async def test_edit_form_shows_the_subscription_and_keeps_untouched_fields(world: World) -> None:
    await world.say(
        '/build subscribe shop deploy,release-* branch:"odd, one" branch:!old tag:v* outcome:!aborted cause:!schedule '
        "by:@bo,octocat,!@ana reason:!stuck style:line starts"
    )
    (before,) = await stored(world)
    await world.say("/build subscriptions")
    await world.press(world.whisper(), "Edit…")
    told = world.modal_text()
    for part in ("‹iOS Shop›", "‹deploy, release-*›", '‹"odd, one", !old›', "‹v*›", "‹!stuck›"):
        assert part in told
    assert await fill_form(world) == {}
    assert await stored(world) == [before]


async def test_edit_form_changes_the_subscription(world: World) -> None:
    await world.say("/build subscribe shop workflow:deploy cause:push")
    await world.say("/build subscriptions", by=world.bo)
    await world.press(world.whisper(world.bo), "Edit…", by=world.bo)
    await fill_form(world, who=world.bo, app="All apps", workflow="test", cause=[], style="changes", starts=["starts"])
    (row,) = await stored(world)
    assert (row.app_slug, row.filters, row.style, row.created_by) == (
        None,
        {"workflow": ["test"]},
        "changes",
        world.bo.id,
    )
    await world.passes(seconds=5)
    assert "@bo updated this channel's subscription to every app: workflow test" in world.sees()


async def test_editing_cannot_make_two_subscriptions_identical(world: World) -> None:
    await world.say("/build subscribe shop workflow:deploy")
    await world.say("/build subscribe shop workflow:test")
    first, second = await stored(world)
    await world.say("/build subscriptions")
    await world.press(world.whisper(), "Edit…", value=first.subscription_id)
    await fill_form(world, workflow="test")
    assert "by another subscription" in world.modal_text()
    assert await stored(world) == [first, second]


async def test_edit_form_of_a_removed_subscription_does_not_restore_it(world: World) -> None:
    await world.say("/build subscribe shop workflow:deploy")
    await world.say("/build subscriptions")
    await world.press(world.whisper(), "Edit…")
    await world.say("/build unsubscribe shop", by=world.bo)
    await fill_form(world, workflow="test")
    assert "no longer exists" in world.modal_text()
    assert await stored(world) == []


# List.


async def test_list_shows_app_filters_style_creator_and_date(world: World) -> None:
    await world.say("/build subscribe shop failed style:line", by=world.bo)
    await world.say("/build subscriptions")
    told = world.whispers()[-1]
    assert "iOS Shop: only failed; one line for each build" in told
    assert "Set up by @bo, since 2" in told
    assert "[Edit…] [Remove]" in told
    assert "[Resume]" not in told


async def test_empty_list_shows_how_to_subscribe(world: World) -> None:
    await world.say("/build subscriptions")
    assert "This channel has no subscriptions." in world.whispers()[-1]
    assert "/build subscribe shop" in world.whispers()[-1]


async def test_each_channel_lists_its_own_subscriptions(world: World) -> None:
    other = world.slack.add_channel(world.team, "other", members=[world.ana, world.app.bot_user])
    await world.say("/build subscribe shop")
    await world.say("/build subscriptions", at=other)
    assert "has no subscriptions" in world.whispers(at=other)[-1]


async def test_list_of_all_shows_own_subscriptions_in_every_channel_and_no_others(world: World) -> None:
    hidden = world.slack.add_channel(
        world.team, "hidden", private=True, members=[world.ana, world.bo, world.app.bot_user]
    )
    await world.say("/build subscribe shop workflow:deploy", at=hidden)
    await world.say("/build subscribe shop workflow:test", at=hidden, by=world.bo)
    await world.say("/build subscriptions all")
    told = world.whispers()[-1]
    assert "workflow deploy" in told
    assert "workflow test" not in told
    assert hidden.id in str(world.whisper().blocks)
    await world.say("/build subscriptions all", by=world.ada)
    assert "You haven't set up any subscriptions." in world.whispers(world.ada)[-1]


async def test_remove_button_removes_and_shows_the_rest(world: World) -> None:
    await world.say("/build subscribe shop workflow:deploy")
    await world.say("/build subscribe shop workflow:test")
    first, second = await stored(world)
    await world.say("/build subscriptions", by=world.bo)
    await world.press(world.whisper(world.bo), "Remove", by=world.bo, value=first.subscription_id)
    assert await stored(world) == [second]
    told = world.whispers(world.bo)[-1]
    assert told.startswith("Removed: iOS Shop: workflow deploy")
    assert "workflow test" in told.split("This channel's subscriptions")[1]
    await world.passes(seconds=5)
    assert "@bo unsubscribed this channel from iOS Shop: workflow deploy" in world.sees()


async def test_buttons_of_a_removed_subscription_say_it_is_gone(world: World) -> None:
    await world.say("/build subscribe shop")
    await world.say("/build subscriptions")
    before = world.whisper().snapshot()
    await world.say("/build unsubscribe shop", by=world.bo)
    for pressed in ("Remove", "Edit…"):
        await world.press(before, pressed)
        assert "no longer exists" in world.whispers()[-1]


async def test_subscription_cannot_be_changed_from_another_channel(world: World) -> None:
    """Bo kept the buttons of a list. What counts is where he selects one, and who has created the subscription."""
    other = world.slack.add_channel(world.team, "other", members=[world.bo, world.app.bot_user])
    await world.say("/build subscribe shop")
    (row,) = await stored(world)
    await world.say("/build subscribe shop", by=world.bo, at=other)
    await world.say("/build subscriptions", by=world.bo, at=other)
    listed = world.whisper(world.bo, other)
    for block in listed.blocks:
        for element in block.get("elements", []):
            if element.get("action_id") == "subscription.remove":
                element["value"] = row.subscription_id
    await world.press(listed, "Remove", by=world.bo)
    assert "no longer exists" in world.whispers(world.bo, other)[-1]
    assert await stored(world) == [row]


# Unsubscribe.


async def test_unsubscribe_removes_the_subscription_of_an_app(world: World) -> None:
    await world.say("/build subscribe shop workflow:deploy")
    await world.say("/build subscribe shop-android")
    await world.say("/build unsubscribe shop")
    assert [row.app_slug for row in await stored(world)] == [world.droid.slug]
    assert world.whispers()[-1].startswith("Removed: iOS Shop")


async def test_unsubscribe_asks_if_several_match(world: World) -> None:
    await world.say("/build subscribe shop workflow:deploy")
    await world.say("/build subscribe shop workflow:test")
    await world.say("/build unsubscribe shop")
    assert len(await stored(world)) == 2
    await world.press(world.whisper(), "Remove all 2")
    assert await stored(world) == []
    assert "has no subscriptions" in world.whispers()[-1]


async def test_unsubscribe_with_filters_removes_the_one_that_has_them(world: World) -> None:
    await world.say("/build subscribe shop workflow:deploy")
    await world.say("/build subscribe shop workflow:test")
    await world.say("/build unsubscribe shop workflow:test")
    assert [row.filters for row in await stored(world)] == [{"workflow": ["deploy"]}]


async def test_unsubscribe_without_arguments_shows_the_list(world: World) -> None:
    await world.say("/build subscribe shop")
    await world.say("/build unsubscribe")
    assert "[Remove]" in world.whispers()[-1]
    assert len(await stored(world)) == 1


async def test_unsubscribe_without_a_match_says_so(world: World) -> None:
    await world.say("/build unsubscribe shop")
    assert "has no matching subscription" in world.whispers()[-1]


# Lost channels.


async def lose(world: World, channel: Channel, how: str) -> None:
    if how == "archived":
        world.slack.archive(channel)
    elif how == "made private":
        world.slack.remove(channel, world.app)
        world.slack.make_private(channel)
    else:
        world.slack.remove(channel, world.app)
    await world.settled()


async def run_failing_build(world: World) -> None:
    world.bitrise.finish(world.bitrise.start_build(world.shop, workflow="endless", triggered_by=PUSH), "failed")
    await world.passes(minutes=2)


def direct_message(world: World, to: User | None = None) -> Message:
    return world.slack.direct_messages(to or world.ana, world.app)[-1]


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("archived", "the channel is archived"),
        ("made private", "it is private and Buildbell isn't in it"),
        ("removed from a private one", "it is private and Buildbell isn't in it"),
    ],
)
async def test_creator_is_notified_once_of_a_pause_and_nothing_is_lost(world: World, how: str, why: str) -> None:
    channel = world.slack.add_channel(
        world.team, "ops", private=how.startswith("removed"), members=[world.ana, world.bo, world.app.bot_user]
    )
    await world.say("/build subscribe shop style:line", at=channel)
    await world.say("/build subscribe shop-android", at=channel)
    await lose(world, channel, how)
    for _ in range(3):
        await run_failing_build(world)
    assert len(world.letters()) == 1
    assert "are paused: " in world.letters()[0]
    assert why in world.letters()[0]
    assert [bool(row.paused_at) for row in await stored(world, channel)] == [True, True]


async def test_resumed_subscription_notifies_later_builds_only(world: World) -> None:
    channel = world.slack.add_channel(world.team, "ops", members=[world.ana, world.bo, world.app.bot_user])
    await world.say("/build subscribe shop style:line", at=channel)
    world.slack.archive(channel)
    await run_failing_build(world)
    world.slack.unarchive(channel)
    await run_failing_build(world)
    await world.press(direct_message(world), "Try again")
    assert "@ana resumed this channel's paused subscription" in world.sees(channel)
    assert "#1" not in world.sees(channel)
    await run_failing_build(world)
    told = world.sees(channel)
    assert "#3" in told
    assert "#2" not in told
    assert "Try again" not in world.letters()[-1]


async def test_resume_that_slack_refuses_pauses_again_and_explains(world: World) -> None:
    channel = world.slack.add_channel(world.team, "ops", members=[world.ana, world.bo, world.app.bot_user])
    await world.say("/build subscribe shop", at=channel)
    world.slack.archive(channel)
    await run_failing_build(world)
    await world.press(direct_message(world), "Try again")
    assert len(world.letters()) == 2
    assert "the channel is archived" in world.letters()[-1]
    assert all(row.paused_at for row in await stored(world, channel))


async def test_person_who_resumes_for_somebody_else_is_notified_too(world: World) -> None:
    channel = world.slack.add_channel(
        world.team, "ops", private=True, members=[world.ana, world.bo, world.app.bot_user]
    )
    await world.say("/build subscribe shop", at=channel)
    world.slack.remove(channel, world.app)
    await run_failing_build(world)
    await world.say("/build subscriptions", by=world.bo, at=channel)
    assert "Paused since" in world.whispers(world.bo, channel)[-1]
    assert "it is private and Buildbell isn't in it" in world.whispers(world.bo, channel)[-1]
    await world.press(world.whisper(world.bo, channel), "Resume", by=world.bo)
    assert "Buildbell still can't post in" in world.letters(world.bo)[-1]
    world.slack.invite(channel, world.app.bot_user)
    await world.press(direct_message(world, world.bo), "Try again", by=world.bo)
    await world.passes(seconds=5)
    assert "@bo resumed" in world.sees(channel)
    assert not any(row.paused_at for row in await stored(world, channel))


async def test_subscription_of_an_unreachable_channel_is_paused_until_it_is_resumed(world: World) -> None:
    channel = world.slack.add_channel(world.team, "ops", private=True, members=[world.ana])
    await world.say("/build subscribe shop style:line", at=channel)
    assert "`/invite @Buildbell`" in world.letters()[-1]
    (row,) = await stored(world, channel)
    assert row.paused_at is not None
    world.slack.invite(channel, world.app.bot_user)
    await world.press(direct_message(world), "Try again")
    await run_failing_build(world)
    assert "❌ *Failed*" in world.sees(channel)


async def test_subscribing_again_resumes_a_paused_subscription(world: World) -> None:
    channel = world.slack.add_channel(world.team, "ops", private=True, members=[world.ana])
    await world.say("/build subscribe shop style:line", at=channel)
    world.slack.invite(channel, world.app.bot_user)
    await world.say("/build subscribe shop", at=channel)
    (row,) = await stored(world, channel)
    assert (row.paused_at, row.style) == (None, "line")


async def test_resume_of_a_running_subscription_says_nothing_is_paused(world: World) -> None:
    channel = world.slack.add_channel(world.team, "ops", private=True, members=[world.ana])
    await world.say("/build subscribe shop", at=channel)
    pressed = direct_message(world).snapshot()
    world.slack.invite(channel, world.app.bot_user)
    await world.press(direct_message(world), "Try again")
    await world.press(pressed, "Try again")
    assert "Nothing is paused there." in world.letters()[-1]


async def test_renamed_channel_is_still_notified(world: World) -> None:
    await world.say("/build subscribe shop style:line")
    world.slack.rename(world.ios, "mobile")
    await run_failing_build(world)
    assert "❌ *Failed*" in world.sees()
    assert world.letters() == []


# People of other workspaces.


async def test_people_of_other_workspaces_cannot_subscribe(world: World) -> None:
    world.slack.share(world.ios, world.partner)
    world.slack.invite(world.ios, world.stranger)
    await world.say("/build subscribe shop")
    await world.say("/build subscriptions")
    listed = world.whisper()
    listed.seen_by = world.stranger  # as if the list had been shown to all
    for pressed in ("Remove", "Edit…"):
        await world.press(listed, pressed, by=world.stranger)
        assert "Only members of this Slack workspace" in world.whispers(world.stranger)[-1]
    assert len(await stored(world)) == 1
