"""Apps with the same title, and with accents in it: people find and tell apart what they mean."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from playground.bitrise import Workflow
from tests.world import World

FIRST, SECOND = "iOS Shop (acme/shop)", "iOS Shop (globex/shop-ios)"


@pytest.fixture
async def twins(open_world: Callable[..., Awaitable[World]]) -> World:
    """Connect two apps called iOS Shop, and one called Café Zürich."""
    world = await open_world(connected=False)
    flows = {"deploy": Workflow()}
    world.bitrise.add_app("iOS Shop", world.acme, repo_owner="globex", repo_slug="shop-ios", workflows=flows)
    world.bitrise.add_app("Café Zürich", world.acme, repo_owner="acme", repo_slug="cafe", workflows=flows)
    await world.connect()
    return world


@pytest.mark.parametrize(
    "typed", ["cafe", '"CAFE ZURICH"', '"Cafe\u0301 Zu\u0308rich"', "Café", "cafe zurich", "CAFÉ Zürich"]
)
async def test_accents_need_not_be_typed(twins: World, typed: str) -> None:
    await twins.say(f"/build {typed} deploy main")
    assert [build.app.title for build in twins.builds()] == ["Café Zürich"]


async def test_a_misspelled_title_suggests_both_by_repository(twins: World) -> None:
    await twins.say('/build "iOS Shpo" deploy main')
    assert f"[{FIRST}]" in twins.whispers()[-1]
    await twins.press(twins.whisper(), SECOND)
    assert [build.app.repo_slug for build in twins.builds()] == ["shop-ios"]


@pytest.mark.parametrize("typed", ["globex/shop-ios", f'"{SECOND}"', "shop-ios"])
async def test_the_repository_is_a_name(twins: World, typed: str) -> None:
    await twins.say(f"/build {typed} deploy main")
    assert [build.app.repo_slug for build in twins.builds()] == ["shop-ios"]


async def test_lists_and_menus_tell_them_apart(twins: World) -> None:
    for repository in ("acme/shop", "globex/shop-ios"):
        await twins.say(f"/build subscribe {repository} style:line")
        await twins.say(f"/build {repository} deploy main")
    await twins.passes(minutes=10)
    await twins.say("/build subscriptions")
    assert FIRST in twins.whispers()[-1]
    assert SECOND in twins.whispers()[-1]
    await twins.say("/build stats")
    await twins.press(twins.whisper(), "Details")
    assert f"[{FIRST}]" in twins.whispers()[-1]
    assert f"[{SECOND}]" in twins.whispers()[-1]
    await twins.say("/build form globex/shop-ios")
    assert SECOND in twins.modal_text()
    offered = await twins.slack.suggest(twins.ana, twins.modal(), "start.app", "shop")
    assert {each["description"]["text"] for each in offered} >= {"acme/shop", "globex/shop-ios"}


async def test_a_menu_finds_titles_without_their_accents(twins: World) -> None:
    await twins.say("/build form")
    offered = await twins.slack.suggest(twins.ana, twins.modal(), "start.app", "zurich")
    assert [each["text"]["text"] for each in offered] == ["Café Zürich"]


async def test_a_short_name_keeps_its_app_when_the_settings_are_saved_again(twins: World) -> None:
    await twins.say("/build settings")
    await twins.submit({"settings.aliases": "gs = globex/shop-ios"})
    await twins.say("/build settings")
    assert f"gs = {SECOND}" in twins.modal_text()
    await twins.submit({})
    await twins.say("/build gs deploy main")
    assert [build.app.repo_slug for build in twins.builds()] == ["shop-ios"]
