"""SIGKILL, and a start on the same database: one build, one stop, and a notification of the result.

`tests/stories/test_crash.py` crashes at every point of these journeys, without a process.
"""

from __future__ import annotations

from playground.wire import Phase
from tests.processes.scene import BotProcess, Scene


def kill_at(scene: Scene, bot: BotProcess, side: str, name: str, phase: Phase) -> None:
    """Kill the process at the first such call."""
    scene.once(scene.slack.hooks if side == "slack" else scene.bitrise.hooks, name, phase, bot.kill)


async def comes_back(scene: Scene, bot: BotProcess) -> None:
    """Wait for the kill, and start the bot again."""
    await scene.until(lambda: not bot.is_alive, "the process is killed")
    await scene.run_bot()


async def ends(scene: Scene, word: str) -> None:
    """The newest card and an announcement under it say how the build finished, and nothing more is on its way."""
    await scene.until(
        lambda: scene.cards and word in scene.read(scene.cards[-1]) and scene.announcements,
        f"a card that says {word}, and an announcement",
    )
    await scene.at_rest()
    assert {"Aborted": "Stopped"}.get(word, word) in scene.read(scene.announcements[-1])
    assert scene.announcements[-1].thread_ts == scene.cards[-1].ts
    assert len(scene.bitrise.triggers) == len(scene.bitrise.builds()) == 1
    doubled = max(0, len(scene.cards) - 1) + max(0, len(scene.announcements) - 1)
    assert doubled <= 1, "only a post that the process didn't live to remember is posted again"


async def test_a_start_survives(scene: Scene) -> None:
    bot = await scene.run_bot()
    kill_at(scene, bot, "bitrise", "builds.trigger", "accepted")
    await scene.start_build()
    await comes_back(scene, bot)
    await scene.until(lambda: scene.cards, "a card")
    scene.bitrise.finish(scene.build, "success")
    await ends(scene, "Succeeded")


async def test_a_stop_survives(scene: Scene) -> None:
    bot = await scene.run_bot()
    await scene.start_build()
    await scene.stop_build(then=lambda: kill_at(scene, bot, "bitrise", "builds.abort", "accepted"))
    await comes_back(scene, bot)
    await ends(scene, "Aborted")
    assert len(scene.bitrise.aborts) == 1
    assert "wrong branch" in scene.read(scene.cards[-1])


async def test_the_notification_of_a_result_survives(scene: Scene) -> None:
    bot = await scene.run_bot()
    await scene.start_build()
    await scene.until(lambda: scene.cards, "a card")
    kill_at(scene, bot, "slack", "chat.postMessage", "answered")
    scene.bitrise.finish(scene.build, "failed")
    await comes_back(scene, bot)
    await ends(scene, "Failed")


async def test_over_http_too(http_scene: Scene) -> None:
    bot = await http_scene.run_bot()
    kill_at(http_scene, bot, "slack", "/build", "answered")
    await http_scene.start_build()
    await comes_back(http_scene, bot)
    await http_scene.until(lambda: http_scene.cards, "a card")
    http_scene.bitrise.finish(http_scene.build, "success")
    await ends(http_scene, "Succeeded")
