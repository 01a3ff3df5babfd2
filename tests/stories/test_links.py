"""A pasted link to a build becomes its card: live, pressable, and only where it gives nothing away."""

from __future__ import annotations

from playground.bitrise import Build
from playground.slack import Channel, Message, User
from tests.world import World


async def paste(world: World, text: str, *, by: User | None = None, at: Channel | None = None) -> Message:
    message = await world.slack.post(by or world.ana, at or world.ios, text)
    await world.settled()
    return message


def url_of(world: World, build: Build) -> str:
    return f"{world.bitrise.site_url}/build/{build.slug}"


def shown(message: Message) -> str:
    """What hangs under a message."""
    return str(list(message.unfurls.values()))


async def running(world: World) -> Build:
    build = world.bitrise.start_build(world.shop, workflow="deploy", branch="main", triggered_by="webhook-github/octo")
    world.bitrise.run(build)
    await world.passes(minutes=5)
    return build


async def test_a_link_shows_the_card(world: World) -> None:
    build = await running(world)
    message = await paste(world, f"is this one stuck? {url_of(world, build)}")
    assert "iOS Shop" in shown(message)
    assert f"#{build.number}" in shown(message)
    assert "Running" in shown(message)


async def test_the_card_below_a_link_goes_on(world: World) -> None:
    build = await running(world)
    message = await paste(world, url_of(world, build))
    world.bitrise.finish(build, "failed")
    await world.passes(seconds=20)
    assert "Failed" in shown(message)


async def test_a_build_can_be_stopped_from_below_a_link(world: World) -> None:
    build = await running(world)
    message = await paste(world, url_of(world, build))
    await world.press(message, "Stop…", by=world.bo)
    await world.submit({"abort.reason": "stuck", "abort.sentence": "no log for long"}, by=world.bo)
    await world.passes(seconds=20)
    assert build.status_text == "aborted"
    assert "Aborted" in shown(message)


async def test_a_link_that_slack_tells_of_twice_is_shown_once(world: World) -> None:
    build = await running(world)
    await paste(world, url_of(world, build))
    [told] = world.slack.journal.named("link_shared")
    again = world.slack.courier.prepare("events_api", "link_shared", world.app, told.request["payload"])
    await world.slack.courier.deliver(again)
    await world.settled()
    assert len(world.slack.journal.named("chat.unfurl")) == 1


async def test_a_link_being_written_is_not_shown_yet(world: World) -> None:
    build = await running(world)
    await world.slack.compose(world.ana, world.ios, url_of(world, build))
    await world.settled()
    assert not world.slack.journal.named("chat.unfurl")


async def test_a_link_to_a_build_nobody_knows_stays_a_link(world: World) -> None:
    message = await paste(world, f"{world.bitrise.site_url}/build/0123456789abcdef")
    assert not message.unfurls
    assert not world.whispers()


async def test_a_link_to_an_app_stays_a_link(world: World) -> None:
    message = await paste(world, f"{world.bitrise.site_url}/app/{world.shop.slug}")
    assert not message.unfurls


async def test_in_a_channel_shared_with_others_only_what_the_channel_follows_is_shown(world: World) -> None:
    build = await running(world)
    world.slack.share(world.ios, world.partner)
    message = await paste(world, url_of(world, build))
    assert not message.unfurls
    await world.say("/build settings")
    await world.slack.select(world.ana, world.modal(), "settings.app", "iOS Shop")
    await world.submit({})
    message = await paste(world, url_of(world, build))
    assert "iOS Shop" in shown(message)


async def test_a_commit_message_below_a_link_pings_nobody(world: World) -> None:
    build = world.bitrise.start_build(
        world.shop, workflow="deploy", commit_message="<!channel> look", commit_hash="a" * 40
    )
    await world.passes(minutes=5)
    message = await paste(world, url_of(world, build))
    assert "<!channel>" not in shown(message).replace("'text': '<!channel> look'", "")


async def test_a_declined_scope_is_no_trouble(world: World) -> None:
    build = await running(world)
    world.app.scopes = tuple(scope for scope in world.app.scopes if scope != "links:write")
    message = await paste(world, url_of(world, build))
    assert not message.unfurls
    await world.say("/build shop deploy main")
    assert "Queued" in world.read(world.card)


async def test_where_the_bot_is_not_invited_a_link_stays_a_link(world: World) -> None:
    build = await running(world)
    other = world.slack.add_channel(world.team, "elsewhere", members=[world.ana])
    message = await paste(world, url_of(world, build), at=other)
    assert not message.unfurls
    assert not world.slack.journal.named("chat.unfurl")
