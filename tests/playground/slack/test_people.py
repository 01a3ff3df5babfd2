"""People as real workspaces have them: guests, empty display names, names that differ from the handle."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from playground.slack import Guest
from tests.playground.slack.conftest import MANIFEST, Scene


@pytest.mark.parametrize(
    ("guest", "flags"), [(None, (False, False)), ("multi_channel", (True, False)), ("single_channel", (True, True))]
)
async def test_a_guest_is_restricted(scene: Scene, guest: Guest | None, flags: tuple[bool, bool]) -> None:
    user = scene.slack.add_user(scene.team, "gil", guest=guest)

    shown = (await scene.client.users_info(user=user.id))["user"]

    assert (shown["is_restricted"], shown["is_ultra_restricted"]) == flags


async def test_a_guest_sees_only_channels_they_are_in(scene: Scene) -> None:
    gil = scene.slack.add_user(scene.team, "gil", guest="multi_channel")
    await scene.client.chat_postMessage(channel=scene.ios.id, text="x", blocks=[BUTTON])
    (message,) = scene.slack.messages(scene.ios)

    with pytest.raises(LookupError, match="not in #ios"):
        await scene.slack.press(gil, message, "go")
    with pytest.raises(LookupError, match="not in that channel"):
        await scene.slack.command(gil, scene.ios, "/help")


async def test_a_guest_of_one_channel_is_in_no_other(scene: Scene) -> None:
    gil = scene.slack.add_user(scene.team, "gil", guest="single_channel")
    scene.slack.invite(scene.ios, gil)

    with pytest.raises(ValueError, match="guest of one channel"):
        scene.slack.invite(scene.slack.add_channel(scene.team, "android"), gil)


async def test_a_guest_installs_no_app(scene: Scene) -> None:
    gil = scene.slack.add_user(scene.team, "gil", guest="multi_channel")
    manifest: dict[str, Any] = deepcopy(MANIFEST)
    manifest["oauth_config"]["redirect_urls"] = ["https://bot.example/oauth"]
    app = scene.slack.register(manifest)

    with pytest.raises(ValueError, match="guest"):
        scene.slack.consent(gil, f"https://slack.example/?client_id={app.client_id}&scope=commands")


async def test_the_chosen_name_may_be_empty_or_differ_from_the_handle(scene: Scene) -> None:
    zoe = scene.slack.add_user(scene.team, "zoe.h", real_name="Zoë Hübner", display_name="Zoë 🚀")
    max_ = scene.slack.add_user(scene.team, "mm1987", real_name="Max Muster", display_name="")

    first = (await scene.client.users_info(user=zoe.id))["user"]
    second = (await scene.client.users_info(user=max_.id))["user"]

    assert (first["name"], first["profile"]["display_name"]) == ("zoe.h", "Zoë 🚀")
    assert first["profile"]["real_name_normalized"] == "Zoe Hubner"
    assert (second["name"], second["profile"]["display_name"]) == ("mm1987", "")
    assert second["profile"]["real_name"] == "Max Muster"


BUTTON = {
    "type": "actions",
    "elements": [{"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}],
}
