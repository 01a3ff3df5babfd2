"""Help, and what is answered to what is not understood."""

from __future__ import annotations

import pytest

from commands import COMMANDS
from commands.abort import read_abort
from commands.build_reference import read_build
from commands.grammar import parse
from commands.history_import import read_import
from commands.list_builds import read_list
from commands.slash import verbs
from commands.start_syntax import read_start
from commands.stats import read_stats
from commands.subscription_syntax import read_subscription
from tests.world import World

READERS = {
    "list": read_list, "abort": read_abort, "again": read_build, "status": read_build, "show": read_build,
    "subscribe": read_subscription, "unsubscribe": read_subscription, "stats": read_stats,
    "import": read_import,
}  # fmt: skip


def usages() -> list[str]:
    return [entry.usage for each in COMMANDS for entry in each.help]


TOPICS = ("Start", "Track", "Stop", "Notifications", "Insights", "Admin")


async def test_topics_of_help_list_every_verb(world: World) -> None:
    await world.say("/build help")
    assert len([line for line in world.whispers()[-1].splitlines() if line.startswith("`/build")]) == 8
    told = ""
    for topic in TOPICS:
        await world.press(world.whisper(), topic)
        told += world.whispers()[-1]
    aliases = {"form", "stop", "cancel", "retry", "rebuild", "start", "show", "defaults", "presets"}
    assert [verb for verb in verbs() if verb not in aliases and f"/build {verb}" not in told] == []


async def test_help_is_private_and_whole(world: World) -> None:
    await world.say("/build help")
    assert not world.cards()
    assert world.whispers()[-1].splitlines()[-1] == " ".join(f"[{topic}]" for topic in TOPICS)
    assert "…" not in world.whispers()[-1].splitlines()[-2]


async def test_help_works_without_a_token(world: World) -> None:
    await world.say("/build disconnect", by=world.ada)
    await world.press(world.whisper(world.ada), "Disconnect", by=world.ada)
    await world.say("/build help admin")
    assert "/build connect" in world.whispers()[-1]


@pytest.mark.parametrize("typed", ["--help", "-h", "?", "HELP", "—help", "help shop"])
async def test_a_request_for_help_shows_the_topics(world: World, typed: str) -> None:
    await world.say(f"/build {typed}")
    assert "`/build stats shop`" in world.whispers()[-1]
    assert "[Insights] [Admin]" in world.whispers()[-1]


@pytest.mark.parametrize(
    ("typed", "usage"),
    [
        ("subscribe help", "/build subscribe shop"),
        ("help subscribe", "/build subscribe shop"),
        ("subscribe --help", "/build subscribe shop"),
        ("subscribe shop help", "/build subscribe shop"),
        ("list shop deploy --help", "/build list shop workflow:deploy"),
        ("stop -h", "/build abort shop #812"),
        ("help Stop", "/build abort shop #812"),
        ("status ?", "/build status shop #812"),
        ("help unsubscribe", "/build unsubscribe shop"),
        ("disconnect help", "/build disconnect"),
        ("help form", "open the form"),
        ("shop help", "/build shop deploy release/3.2"),
        ("shop ?", "/build shop deploy release/3.2"),
        ("iOS Shop help", "/build shop deploy release/3.2"),
        ("shop deploy --help", "/build shop deploy release/3.2"),
        ("start shop help", "/build shop deploy release/3.2"),
    ],
)
async def test_help_about_a_verb_lists_its_usages(world: World, typed: str, usage: str) -> None:
    await world.say(f"/build {typed}")
    await world.passes(seconds=10)
    answer = world.whispers()[-1]
    assert usage in answer
    assert "`/build help` shows all topics." in answer
    assert "/build doctor" not in answer
    assert not world.bitrise.journal.named("builds.trigger")
    assert not world.slack.views(world.ana)


@pytest.mark.parametrize("typed", ["shop workflow:help", "shop help main", 'shop "help"', "branch: help"])
async def test_a_workflow_or_branch_may_be_called_help(world: World, typed: str) -> None:
    await world.say(f"/build {typed}")
    await world.passes(seconds=10)
    assert "shows all topics" not in "\n".join(world.whispers())


async def test_a_reason_may_end_with_help(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="endless")
    await world.say("/build abort shop #1 ask ana for help")
    assert world.modal().title == "Stop #1"


@pytest.mark.parametrize("usage", usages())
def test_every_example_of_help_can_be_read(usage: str) -> None:
    asked = parse(usage, verbs())
    read = READERS.get(asked.verb, read_start)
    assert read(asked.words) is not None


@pytest.mark.parametrize(
    "usage", [usage for usage in usages() if "#812" in usage or usage.startswith(("list", "status"))]
)
async def test_every_example_about_builds_works(world: World, usage: str) -> None:
    world.shop.next_number = 812
    world.bitrise.start_build(world.shop, workflow="deploy")
    await world.say(f"/build {usage}")
    told = "\n".join([*world.whispers(), *map(world.read, world.cards())])
    if world.slack.views(world.ana):
        told += world.modal_text()
    assert "Couldn't" not in told
    assert "Unexpected" not in told


async def test_the_example_of_a_start_starts(world: World) -> None:
    (usage,) = [usage for usage in usages() if usage.startswith("shop") and "FLAVOR" in usage]
    await world.say(f"/build {usage}")
    assert len(world.builds()) == 1


@pytest.mark.parametrize(
    ("typed", "meant"), [("staus", "status"), ("halp", "help"), ("setings", "settings"), ("doctr", "doctor")]
)
async def test_a_misspelt_verb_is_answered_with_the_nearest(world: World, typed: str, meant: str) -> None:
    await world.say(f"/build {typed}")
    assert f"did you mean `/build {meant}`?" in world.whispers()[-1]


async def test_the_nearest_verb_can_be_pressed(world: World) -> None:
    await world.say("/build staus")
    await world.press(world.whisper(), "/build status")
    assert world.whispers()[-1] == "No builds are running."


async def test_the_nearest_verb_keeps_what_followed(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="test")
    await world.say("/build lsit shop workflow:test")
    await world.press(world.whisper(), "/build list")
    assert "iOS Shop · test" in world.whispers()[-1]


async def test_a_misspelt_verb_before_a_build_is_recognised(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="endless")
    await world.say("/build abrot shop #1")
    await world.press(world.whisper(), "/build abort")
    assert world.modal().title == "Stop #1"


async def test_a_misspelt_verb_is_recognised_before_anything_is_connected(world: World) -> None:
    await world.say("/build disconnect", by=world.ada)
    await world.press(world.whisper(world.ada), "Disconnect", by=world.ada)
    await world.say("/build conect", by=world.ada)
    await world.press(world.whisper(world.ada), "/build connect", by=world.ada)
    assert world.modal(world.ada).title == "Connect Bitrise"


async def test_nonsense_is_answered_with_the_way_to_help(world: World) -> None:
    await world.say("/build zzzzqqqq")
    assert "Run `/build help` to see all commands." in world.whispers()[-1]


async def test_an_app_in_quotes_is_no_misspelt_verb(world: World) -> None:
    await world.say('/build "staus"')
    assert "did you mean" not in world.whispers()[-1]


async def test_start_and_show_may_be_said(world: World) -> None:
    await world.say("/build start shop deploy main")
    await world.say("/build show shop #1")
    await world.passes(seconds=2)
    assert len(world.builds()) == 1
    assert len(world.cards()) == 2


async def test_the_case_of_a_verb_does_not_matter(world: World) -> None:
    await world.say("/build STATUS")
    assert world.whispers()[-1] == "No builds are running."
