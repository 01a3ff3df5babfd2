"""SIGKILL at every labelled point, and a start on the same database: one build, one stop, and everybody hears of it."""

from __future__ import annotations

import pytest

from playground.wire import Phase
from tests.processes.scene import BotProcess, Scene

Label = tuple[str, str, Phase]
PHASES: tuple[Phase, ...] = ("before", "accepted", "answered")


def labels(side: str, name: str, phases: tuple[Phase, ...] = PHASES) -> list[Label]:
    return [(side, name, phase) for phase in phases]


def spoken(label: Label) -> str:
    return " ".join(label)


def kill_at(scene: Scene, bot: BotProcess, label: Label) -> None:
    """From now on: the first call that gets there is the last thing this process lives to see."""
    side, name, phase = label
    scene.once(scene.slack.hooks if side == "slack" else scene.bitrise.hooks, name, phase, bot.kill)


async def comes_back(scene: Scene, bot: BotProcess) -> None:
    """Wait until it was killed, and start it again."""
    await scene.until(lambda: not bot.is_alive, "the process is killed")
    await scene.run_bot()


def doubled(scene: Scene) -> int:
    """Messages too many: a post that Slack took and the process did not live to remember is made again."""
    return max(0, len(scene.cards) - 1) + max(0, len(scene.announcements) - 1)


async def ends(scene: Scene, word: str) -> None:
    """The newest card and an announcement under it say how it ended, and nothing more is on its way."""
    await scene.until(
        lambda: scene.cards and word in scene.read(scene.cards[-1]) and scene.announcements,
        f"a card that says {word}, and an announcement",
    )
    await scene.at_rest()
    assert word in scene.read(scene.announcements[-1])
    assert scene.announcements[-1].thread_ts == scene.cards[-1].ts
    assert len(scene.bitrise.triggers) == len(scene.bitrise.builds()) == 1
    assert doubled(scene) <= 1


START = [
    *labels("slack", "/build", ("answered",)),
    *labels("bitrise", "builds.trigger"),
    *labels("slack", "chat.postMessage"),
    *labels("bitrise", "builds.list-all", ("accepted",)),
]


@pytest.mark.parametrize("label", START, ids=spoken)
async def test_a_start_survives(scene: Scene, label: Label) -> None:
    bot = await scene.run_bot()
    kill_at(scene, bot, label)
    await scene.start_build()
    await comes_back(scene, bot)
    await scene.until(lambda: scene.cards, "a card")
    scene.bitrise.finish(scene.build, "success")
    await ends(scene, "Succeeded")


ABORT = [
    *labels("slack", "build.abort", ("answered",)),
    *labels("bitrise", "builds.abort"),
    *labels("slack", "chat.update"),
]


@pytest.mark.parametrize("label", ABORT, ids=spoken)
async def test_a_stop_survives(scene: Scene, label: Label) -> None:
    bot = await scene.run_bot()
    await scene.start_build()
    await scene.stop_build(then=lambda: kill_at(scene, bot, label))
    await comes_back(scene, bot)
    await ends(scene, "Aborted")
    assert len(scene.bitrise.aborts) == 1
    assert "wrong branch" in scene.read(scene.cards[-1])


ABORT_MANY = [
    *labels("slack", "build.abort-many", ("answered",)),
    *labels("bitrise", "builds.abort"),
    *labels("slack", "chat.postMessage"),
]


@pytest.mark.parametrize("label", ABORT_MANY, ids=spoken)
async def test_stopping_many_survives(scene: Scene, label: Label) -> None:
    bot = await scene.run_bot()
    builds = [scene.bitrise.start_build(scene.shop, workflow="deploy", branch="main") for _ in range(3)]
    await scene.slack.command(scene.ana, scene.ios, "/build abort shop branch:main")
    await scene.until(lambda: scene.slack.view(scene.ana).body.get("submit"), "what can be stopped")
    kill_at(scene, bot, label)
    await scene.slack.submit(scene.ana, scene.slack.view(scene.ana), {})
    await comes_back(scene, bot)
    await scene.until(lambda: scene.cards and "Stopped 3 builds" in scene.read(scene.cards[-1]), "all are stopped")
    await scene.at_rest()
    assert sorted(call.build.number for call in scene.bitrise.aborts) == [build.number for build in builds]
    assert not scene.announcements
    assert doubled(scene) <= 1


NOTIFY = [
    *labels("bitrise", "builds.list-all"),
    *labels("slack", "chat.update"),
    *labels("slack", "chat.postMessage"),
]


@pytest.mark.parametrize("label", NOTIFY, ids=spoken)
async def test_the_news_of_an_end_survives(scene: Scene, label: Label) -> None:
    bot = await scene.run_bot()
    await scene.start_build()
    await scene.until(lambda: scene.cards, "a card")
    kill_at(scene, bot, label)
    scene.bitrise.finish(scene.build, "failed")
    await comes_back(scene, bot)
    await ends(scene, "Failed")


async def test_a_start_survives_a_second_kill_while_it_is_looked_for(scene: Scene) -> None:
    first = await scene.run_bot()
    kill_at(scene, first, ("bitrise", "builds.trigger", "accepted"))
    await scene.start_build()
    await scene.until(lambda: not first.is_alive, "the process is killed")
    second = await scene.launch("run")
    kill_at(scene, second, ("bitrise", "builds.list", "answered"))
    await comes_back(scene, second)
    await scene.until(lambda: scene.cards, "a card")
    scene.bitrise.finish(scene.build, "success")
    await ends(scene, "Succeeded")


async def test_a_stop_survives_a_second_kill_while_the_build_is_looked_at(scene: Scene) -> None:
    first = await scene.run_bot()
    await scene.start_build()
    await scene.stop_build(then=lambda: kill_at(scene, first, ("bitrise", "builds.abort", "accepted")))
    await scene.until(lambda: not first.is_alive, "the process is killed")
    second = await scene.launch("run")
    kill_at(scene, second, ("bitrise", "builds.get", "answered"))
    await comes_back(scene, second)
    await ends(scene, "Aborted")
    assert len(scene.bitrise.aborts) == 1


async def test_a_token_that_was_being_verified_is_connected(bare_scene: Scene) -> None:
    scene = bare_scene
    bot = await scene.run_bot()
    kill_at(scene, bot, ("bitrise", "apps.list", "accepted"))
    await scene.slack.command(scene.ada, scene.ios, "/build connect")
    await scene.slack.submit(scene.ada, scene.slack.view(scene.ada), {"connect.token": scene.token})
    await comes_back(scene, bot)
    await scene.at_rest()
    await scene.start_build()
    await scene.until(lambda: scene.cards, "a card")
    assert scene.build.workflow == "deploy"


async def test_over_http_too(http_scene: Scene) -> None:
    bot = await http_scene.run_bot()
    kill_at(http_scene, bot, ("slack", "/build", "answered"))
    await http_scene.start_build()
    await comes_back(http_scene, bot)
    await http_scene.until(lambda: http_scene.cards, "a card")
    http_scene.bitrise.finish(http_scene.build, "success")
    await ends(http_scene, "Succeeded")
