"""People of another workspace, in a channel shared by Slack Connect: they see everything and may do nothing."""

from __future__ import annotations

import pytest

from bot.slack.connect_form import connect_form
from bot.slack.start_form import StartDraft, start_form
from bot.slack.text import Message as Told
from playground.slack import Message, View
from tests.world import World

REFUSED = "Only members of this Slack workspace can do that"


@pytest.fixture
async def shared(world: World) -> World:
    """#ios is shared with Partner, and Sly of Partner is in it; Ana's build runs there."""
    world.slack.share(world.ios, world.partner)
    world.slack.invite(world.ios, world.stranger)
    await world.say("/build shop endless main")
    await world.passes(minutes=1)
    world.bitrise.journal.clear()
    return world


def written_to_bitrise(world: World) -> list[str]:
    return [entry.name for entry in world.bitrise.journal if entry.request["method"] == "POST"]


async def refused_privately(world: World, message: Message, button: str) -> None:
    """Press as a stranger: told so, only to them, and nothing else happens."""
    seen = world.sees()
    await world.press(message, button, by=world.stranger)
    assert REFUSED in world.whispers(world.stranger)[-1]
    assert world.sees() == seen
    assert not world.slack.views(world.stranger)
    assert not written_to_bitrise(world)


async def test_stop_is_refused(shared: World) -> None:
    await refused_privately(shared, shared.card, "Stop…")
    assert not shared.builds()[0].is_finished


async def test_open_leads_to_bitrise_and_asks_nothing_of_us(shared: World) -> None:
    before = shared.whispers(shared.stranger)
    delivery = await shared.press(shared.card, "Open", by=shared.stranger)
    assert delivery.ok
    assert shared.whispers(shared.stranger) == before


async def test_run_again_is_refused(shared: World) -> None:
    shared.bitrise.finish(shared.builds()[0])
    await shared.passes(minutes=1)
    await refused_privately(shared, shared.card, "Run again")
    assert len(shared.builds()) == 1


async def shown_to_all(world: World, private: Message) -> Message:
    """A private answer as it would stand in the channel: a client that forges a press knows its buttons."""
    slack = world.bot.services.slack(world.team.id)
    await slack.post(world.ios.id, Told(private.text, tuple(private.blocks)))
    return world.slack.messages(world.ios)[-1]


async def test_start_anyway_is_refused(shared: World) -> None:
    await shared.say("/build shop endless main", by=shared.bo)
    await refused_privately(shared, await shown_to_all(shared, shared.whisper(shared.bo)), "Start anyway")
    assert len(shared.builds()) == 1


async def test_join_is_refused(shared: World) -> None:
    await shared.say("/build shop endless main", by=shared.bo)
    question = await shown_to_all(shared, shared.whisper(shared.bo))
    await refused_privately(shared, question, f"Join #{shared.builds()[0].number}")


async def test_choosing_an_app_is_refused(shared: World) -> None:
    await shared.say("/build shap deploy main", by=shared.bo)
    question = await shown_to_all(shared, shared.whisper(shared.bo))
    await shared.press(question, "iOS Shop", by=shared.stranger)
    assert REFUSED in shared.read(question)
    assert not written_to_bitrise(shared)


async def test_forgetting_the_token_is_refused(shared: World) -> None:
    await shared.say("/build disconnect", by=shared.ada)
    question = await shown_to_all(shared, shared.whisper(shared.ada))
    await refused_privately(shared, question, "Forget the token")
    assert (await shared.bot.services.connections.get_connected(shared.team.id)).bitrise_owner


async def test_the_next_page_of_a_list_is_refused(shared: World) -> None:
    for _ in range(12):
        shared.bitrise.start_build(shared.shop, workflow="test")
    await shared.say("/build list shop", by=shared.bo)
    page = await shown_to_all(shared, shared.whisper(shared.bo))
    await refused_privately(shared, page, "Older")


# Forms, which a stranger never gets; were one submitted all the same, it would do nothing.


async def opened(world: World, form: dict[str, object]) -> View:
    trigger = world.slack.triggers.issue(world.app, world.stranger)
    await world.bot.services.slack(world.team.id).open_view(trigger, form)
    return world.slack.view(world.stranger)


async def test_a_stop_form_in_a_strangers_hands_stops_nothing(shared: World) -> None:
    await shared.press(shared.card, "Stop…", by=shared.bo)
    await opened(shared, form_of(shared.slack.view(shared.bo)))
    await shared.submit({"abort.reason": "stuck"}, by=shared.stranger)
    assert REFUSED in shared.modal_text(shared.stranger)
    assert not written_to_bitrise(shared)


async def test_a_start_form_in_a_strangers_hands_starts_nothing(shared: World) -> None:
    app = StartDraft(app_slug=shared.shop.slug, app_title="iOS Shop", branch="main")
    await opened(shared, start_form(app, channel_id=shared.ios.id))
    await shared.submit({}, by=shared.stranger)
    assert REFUSED in shared.modal_text(shared.stranger)
    assert not written_to_bitrise(shared)


async def test_a_connect_form_in_a_strangers_hands_stores_nothing(shared: World) -> None:
    await opened(shared, connect_form(channel_id=shared.ios.id))
    await shared.submit({"connect.token": shared.bitrise.add_token(shared.owner)}, by=shared.stranger)
    assert REFUSED in shared.modal_text(shared.stranger)
    assert not shared.bitrise.journal.named("apps.list")


async def test_settings_in_a_strangers_hands_change_nothing(shared: World) -> None:
    await shared.say("/build settings", by=shared.bo)
    await opened(shared, form_of(shared.slack.view(shared.bo)))
    await shared.submit({"settings.aliases": "store = Android Shop"}, by=shared.stranger)
    assert REFUSED in shared.modal_text(shared.stranger)
    assert await shared.bot.services.app_rows.list_aliases(shared.team.id) == {}


async def test_a_form_in_a_strangers_hands_suggests_no_names(shared: World) -> None:
    view = await opened(shared, start_form(StartDraft(), channel_id=shared.ios.id))
    assert await shared.slack.suggest(shared.stranger, view, "start.app", "shop") == []


def form_of(view: View) -> dict[str, object]:
    """The same form once more, for somebody else."""
    kept = ("type", "callback_id", "title", "submit", "close", "blocks", "private_metadata", "notify_on_close")
    return {name: view.body[name] for name in kept if view.body.get(name) is not None}


# Commands: Slack runs those of a person's own workspace only.


@pytest.mark.parametrize("typed", ["shop deploy main", "abort shop #1", "", "status", "connect", "again shop #1"])
async def test_a_command_of_a_stranger_does_nothing(shared: World, typed: str) -> None:
    shared.expects_errors = True  # whoever runs the bot shall hear that it is installed where it has no token
    shared.slack.install(shared.app.app.manifest, shared.partner, of=shared.app)
    await shared.slack.command(shared.stranger, shared.ios, f"/build {typed}")
    await shared.settled()
    assert "not installed in your Slack workspace" in shared.whispers(shared.stranger)[-1]
    assert not written_to_bitrise(shared)
