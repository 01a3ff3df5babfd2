"""What a build left: install pages first, one a platform, QR codes, and a word on who can open them."""

from __future__ import annotations

import dataclasses

import pytest

from playground.bitrise import Artifact
from playground.bitrise.artifacts import aab, apk, ipa
from playground.wire import Fault
from tests.world import World


def leaves(world: World, *artifacts: Artifact) -> None:
    """What builds of deploy leave behind from now on."""
    world.shop.workflows["deploy"] = dataclasses.replace(world.shop.workflows["deploy"], artifacts=artifacts)


async def deploy(world: World) -> str:
    await world.say("/build shop deploy main")
    await world.passes(minutes=9)
    return f"shop #{world.builds()[-1].number}"


async def test_install_pages_come_first_one_a_platform(world: World) -> None:
    leaves(world, Artifact("report.html"), apk(title="app-x86.apk"), apk(title="app-universal.apk"), ipa(), aab())
    build = await deploy(world)
    await world.say(f"/build artifacts {build}")
    told = world.whispers()[-1]
    assert told.index("iOS") < told.index("Android") < told.index("report.html")
    assert "Shop.ipa · 48 MB · version 3.2.0 (412)" in told
    assert "app-universal.apk" in told
    assert told.count("[Install page]") == 2


async def test_it_is_said_that_a_page_is_public(world: World) -> None:
    leaves(world, ipa())
    await world.say(f"/build artifacts {await deploy(world)}")
    assert "without a login" in world.whispers()[-1]


async def test_a_page_that_is_off_is_named_and_not_linked(world: World) -> None:
    leaves(world, ipa(is_public=False))
    await world.say(f"/build artifacts {await deploy(world)}")
    told = world.whispers()[-1]
    assert "install page is off" in told
    assert "[QR code]" not in told


async def test_no_address_that_downloads_is_told(world: World) -> None:
    leaves(world, ipa(), Artifact("report.html"))
    await world.say(f"/build artifacts {await deploy(world)}")
    assert "expires" not in world.whispers()[-1].lower()
    assert "/files/" not in str(world.slack.journal)


async def test_install_is_on_the_card_when_there_is_something_to_install(world: World) -> None:
    leaves(world, ipa())
    await deploy(world)
    assert "[Install]" in world.read(world.card)
    await world.press(world.card, "Install", by=world.bo)
    assert "[Install page]" in world.whispers(world.bo)[-1]


@pytest.mark.parametrize("artifacts", [(), (Artifact("report.html"),)])
async def test_install_is_not_there_otherwise(world: World, artifacts: tuple[Artifact, ...]) -> None:
    leaves(world, *artifacts)
    await deploy(world)
    assert "[Install]" not in world.read(world.card)


async def test_the_qr_code_is_a_picture_in_a_form(world: World) -> None:
    leaves(world, ipa())
    await world.say(f"/build artifacts {await deploy(world)}")
    await world.press(world.whisper(), "QR code")
    [picture] = [block for block in world.modal().body["blocks"] if block["type"] == "image"]
    assert picture["slack_file"]["id"]
    assert "iOS" in picture["alt_text"]


async def test_without_the_scope_the_address_is_there_all_the_same(world: World) -> None:
    world.app.scopes = tuple(scope for scope in world.app.scopes if scope != "files:write")
    leaves(world, ipa())
    await world.say(f"/build artifacts {await deploy(world)}")
    await world.press(world.whisper(), "QR code")
    assert "files:write" in world.modal_text()
    assert "/artifact/" in world.modal_text()


async def test_a_page_that_was_switched_off_meanwhile_is_not_drawn(world: World) -> None:
    leaves(world, ipa())
    await world.say(f"/build artifacts {await deploy(world)}")
    for stored in world.builds()[-1].artifacts:
        stored.is_public = False
    await world.press(world.whisper(), "QR code")
    assert "turned off" in world.whispers()[-1]


async def test_a_build_that_left_nothing_says_so(world: World) -> None:
    await world.say(f"/build artifacts {await deploy(world)}")
    assert "has no artifacts" in world.whispers()[-1]


async def test_more_than_a_page_of_files_is_counted(world: World) -> None:
    leaves(world, *(Artifact(f"shot-{number}.png") for number in range(70)), ipa())
    await world.say(f"/build artifacts {await deploy(world)}")
    told = world.whispers()[-1]
    assert "Shop.ipa" in told
    assert "and 55 more" in told


async def test_bitrise_away_is_said(world: World) -> None:
    leaves(world, ipa())
    build = await deploy(world)
    world.bitrise.faults.add(Fault("builds.artifacts", status=500, times=None))
    await world.say(f"/build artifacts {build}")
    assert "Bitrise" in world.whispers()[-1]
    assert "[Install page]" not in world.whispers()[-1]


async def test_artifacts_without_a_build_says_how(world: World) -> None:
    await world.say("/build artifacts shop")
    assert "/build artifacts shop #812" in world.whispers()[-1]
