"""A crash at every labelled point, and a start on the same database: one build, one stop, one notification."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from playground.wire import Phase
from tests.conftest import Complaints
from tests.crash import Crash, Label, label_text
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
CrashAt = Callable[[World, Label], Crash]
PHASES: tuple[Phase, ...] = ("before", "accepted", "answered")
TYPED = "/build shop endless main"


def labels(side: str, name: str, phases: tuple[Phase, ...] = PHASES) -> list[Label]:
    return [(side, name, phase) for phase in phases]


@pytest.fixture
async def world(open_world: OpenWorld) -> World:
    return await open_world(shutdown_seconds=0)


@pytest.fixture
def crash_at(tmp_path: Path, complaints: Complaints) -> CrashAt:
    return lambda world, label: Crash(world, label, tmp_path, complaints)


def announcements(world: World) -> list[str]:
    return [reply for card in world.cards() for reply in world.thread(card)]


def doubled(world: World) -> int:
    """Count messages too many: a post that the bot didn't live to remember is posted again."""
    return max(0, len(world.cards()) - 1) + max(0, len(announcements(world)) - 1)


async def ends(world: World, word: str) -> None:
    """The newest card and an announcement under it say how the build finished."""
    await world.passes(minutes=3)
    assert word in world.read(world.card)
    assert {"Aborted": "Stopped"}.get(word, word) in world.thread(world.card)[-1]
    assert len(world.bitrise.triggers) == len(world.builds()) == 1
    assert doubled(world) <= 1


START = [
    *labels("slack", "/build", ("answered",)),
    *labels("bitrise", "builds.trigger"),
    *labels("slack", "chat.postMessage"),
    *labels("bitrise", "builds.list-all", ("accepted",)),
]


@pytest.mark.parametrize("label", START, ids=label_text)
async def test_a_start_survives(world: World, crash_at: CrashAt, label: Label) -> None:
    await crash_at(world, label).during(world.say(TYPED))
    await world.passes(minutes=3)
    world.bitrise.finish(world.builds()[0], "success")
    await ends(world, "Succeeded")


ABORT = [
    *labels("slack", "build.abort", ("answered",)),
    *labels("bitrise", "builds.abort"),
    *labels("slack", "chat.update"),
]


@pytest.mark.parametrize("label", ABORT, ids=label_text)
async def test_a_stop_survives(world: World, crash_at: CrashAt, label: Label) -> None:
    await world.say(TYPED)
    await world.press(world.card, "Stop…")
    reason = {"abort.reason": "wrong-target", "abort.sentence": "wrong branch"}
    await crash_at(world, label).during(world.submit(reason))
    await ends(world, "Aborted")
    assert len(world.bitrise.aborts) == 1
    assert "wrong branch" in world.read(world.card)


ABORT_MANY = [
    *labels("slack", "build.abort-many", ("answered",)),
    *labels("bitrise", "builds.abort"),
    *labels("slack", "chat.postMessage"),
]


@pytest.mark.parametrize("label", ABORT_MANY, ids=label_text)
async def test_stopping_many_survives(world: World, crash_at: CrashAt, label: Label) -> None:
    builds = [world.bitrise.start_build(world.shop, workflow="endless", branch="main") for _ in range(3)]
    await world.passes(minutes=1)
    await world.say("/build abort shop branch:main")
    await crash_at(world, label).during(world.submit({}))
    await world.passes(minutes=3)
    assert "Stopped 3 builds" in world.read(world.card)
    assert sorted(call.build.number for call in world.bitrise.aborts) == [build.number for build in builds]
    assert not announcements(world)
    assert doubled(world) <= 1


NOTIFY = [
    *labels("bitrise", "builds.list-all"),
    *labels("slack", "chat.update"),
    *labels("slack", "chat.postMessage"),
]


@pytest.mark.parametrize("label", NOTIFY, ids=label_text)
async def test_the_notification_of_a_result_survives(world: World, crash_at: CrashAt, label: Label) -> None:
    await world.say(TYPED)
    crash = crash_at(world, label)
    world.bitrise.finish(world.builds()[0], "failed")
    await crash.during(world.passes(minutes=3))
    await ends(world, "Failed")


async def test_a_start_survives_a_second_crash_while_its_build_is_searched(world: World, crash_at: CrashAt) -> None:
    again = crash_at(world, ("bitrise", "builds.list", "answered"))  # the next bot may search as soon as it starts
    await crash_at(world, ("bitrise", "builds.trigger", "accepted")).during(world.say(TYPED))
    await again.during(world.passes(minutes=3))
    await world.passes(minutes=3)
    world.bitrise.finish(world.builds()[0], "success")
    await ends(world, "Succeeded")


async def test_a_stop_survives_a_second_crash_while_its_build_is_looked_up(world: World, crash_at: CrashAt) -> None:
    await world.say(TYPED)
    again = crash_at(world, ("bitrise", "builds.get", "answered"))
    await crash_at(world, ("bitrise", "builds.abort", "accepted")).during(world.stop_build(world.card))
    await again.during(world.passes(minutes=3))
    await ends(world, "Aborted")
    assert len(world.bitrise.aborts) == 1


async def test_a_token_that_was_being_verified_is_connected(open_world: OpenWorld, crash_at: CrashAt) -> None:
    world = await open_world(connected=False, shutdown_seconds=0)
    await crash_at(world, ("bitrise", "apps.list", "accepted")).during(world.connect())
    await world.passes(minutes=1)
    await world.say("/build shop deploy main")
    assert world.builds()[0].workflow == "deploy"
