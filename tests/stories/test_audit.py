"""The audit log: admins see who changed what, filtered and in pages, and export it."""

from __future__ import annotations

import csv
import io

import aiohttp

from tests.world import World


async def test_admin_sees_starts_stops_and_settings_newest_first(world: World) -> None:
    await world.say("/build shop endless main")
    await world.stop_build(world.card, by=world.bo)
    await world.passes(minutes=1)
    await world.say("/build settings")
    await world.submit({"settings.app": "iOS Shop"})
    await world.say("/build import shop 30d")
    await world.say("/build audit", by=world.ada)
    lines = world.whispers(world.ada)[-1].splitlines()
    assert lines[0] == "*Audit log, last 7 days*"
    actions = [[part.strip() for part in line.split(" · ")[1:3]] for line in lines[1:6]]
    assert actions == [
        ["ana", "import iOS Shop"],
        ["ana", "settings iOS Shop"],
        ["bo", f"abort iOS Shop #1 (endless) {world.builds()[0].slug}"],
        ["ana", "start iOS Shop endless main"],
        ["ada", "connect ci-bot"],
    ]


async def test_only_admins_see_the_audit_log(world: World) -> None:
    await world.say("/build audit", by=world.ana)
    assert "Only workspace admins can see the audit log" in world.whispers()[-1]


async def test_what_a_person_may_not_do_is_in_the_audit_log(world: World) -> None:
    await world.say("/build disconnect", by=world.ana)
    await world.say("/build audit @ana", by=world.ada)
    assert "refused" in world.whispers(world.ada)[-1]


async def test_entries_are_filtered_by_app_person_and_period(world: World) -> None:
    await world.say("/build shop test main")
    await world.passes(minutes=60 * 48)
    await world.say("/build shop-android test main", by=world.bo)
    await world.say("/build audit iOS Shop", by=world.ada)
    assert "Android Shop" not in world.whispers(world.ada)[-1]
    await world.say("/build audit @bo 1d", by=world.ada)
    assert "start Android Shop test main" in world.whispers(world.ada)[-1]
    assert "start iOS Shop" not in world.whispers(world.ada)[-1]
    await world.say("/build audit 1d", by=world.ada)
    assert "start iOS Shop" not in world.whispers(world.ada)[-1]


async def test_unknown_words_are_refused_in_a_sentence(world: World) -> None:
    await world.say("/build audit shop @nobody", by=world.ada)
    assert "isn't a person in this workspace" in world.whispers(world.ada)[-1]
    await world.say("/build audit nosuchapp", by=world.ada)
    assert "nosuchapp" in world.whispers(world.ada)[-1]


async def test_older_entries_are_a_button_away(world: World) -> None:
    for days in range(30, 54):
        await world.say(f"/build import shop {days}d")
        await world.passes(seconds=1)
    await world.say("/build audit", by=world.ada)
    first = world.whispers(world.ada)[-1]
    assert "53 days" in first
    assert "30 days" not in first
    await world.press(world.whisper(world.ada), "Older", by=world.ada)
    second = world.whispers(world.ada)[-1]
    assert "30 days" in second
    assert "53 days" not in second
    assert "connect ci-bot" in second


async def test_export_has_every_column_and_runs_no_formula(world: World) -> None:
    await world.say('/build subscribe shop branch:main"')
    await world.say("/build audit", by=world.ada)
    await world.press(world.whisper(world.ada), "Export CSV", by=world.ada)
    rows = list(csv.DictReader(io.StringIO(await read_file(world))))
    assert list(rows[0]) == ["created_at", "user_id", "user", "action", "app_slug", "subject", "result"]
    assert [(row["user_id"], row["user"], row["action"], row["app_slug"]) for row in rows] == [
        (world.ana.id, "ana", "subscribe", world.shop.slug),
        (world.ada.id, "ada", "connect", ""),
    ]
    assert "Audit log: 2 entries from the last 7 days." in world.letters(world.ada)


async def read_file(world: World) -> str:
    letters = world.slack.direct_messages(world.ada, world.app)
    [file] = [file for letter in letters for reply in world.slack.thread(letter) for file in reply.files]
    async with aiohttp.ClientSession() as session, session.get(file["url_private"]) as response:
        return (await response.read()).decode("utf-8-sig")


async def test_export_for_admins_only(world: World) -> None:
    await world.say("/build audit", by=world.ada)
    world.ada.is_admin = False
    await world.passes(minutes=15)
    await world.press(world.whisper(world.ada), "Export CSV", by=world.ada)
    assert "Only workspace admins" in world.whispers(world.ada)[-1]
