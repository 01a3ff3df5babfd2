"""The life of a process: ready, at work, asked to stop, refused; and the exit code that tells which."""

from __future__ import annotations

import asyncio
import signal
import sqlite3

import pytest

from playground.bitrise import Fault
from tests.postgres_server import LocalServer
from tests.processes.scene import BotProcess, Scene

HANGS = "the shutdown hangs, so it ends here; what was not finished is done by the next process"
MOST_SECONDS = 10.0
"""How long an orchestrator waits after SIGTERM before it takes the big hammer."""


async def drained(bot: BotProcess) -> int:
    """SIGTERM; the exit code, which comes in time or not at all."""
    bot.terminate()
    async with asyncio.timeout(MOST_SECONDS):
        return await bot.ended()


# Stopping.


async def test_a_database_that_is_frozen_holds_it_for_a_moment_only(
    bare_scene: Scene, own_postgres: LocalServer
) -> None:
    bare_scene.settings["database_url"] = f"{own_postgres.url}/postgres"
    bot = await bare_scene.run_bot(shutdown_seconds="1")
    own_postgres.freeze()
    try:
        assert await drained(bot) == 1
    finally:
        own_postgres.freeze(signal.SIGCONT)
    assert [line["level"] for line in bot.events(HANGS)] == ["warning"]


async def test_idle_it_ends_at_once_and_in_order(scene: Scene) -> None:
    bot = await scene.run_bot()
    assert await drained(bot) == 0
    assert [line["level"] for line in bot.events("stopped")] == ["info"]


async def test_over_http_too(http_scene: Scene) -> None:
    bot = await http_scene.run_bot()
    await http_scene.start_build()
    await http_scene.until(lambda: http_scene.cards, "a card")
    assert await drained(bot) == 0


async def test_ctrl_c_is_as_good_as_sigterm(scene: Scene) -> None:
    bot = await scene.run_bot()
    bot.send(signal.SIGINT)
    async with asyncio.timeout(MOST_SECONDS):
        assert await bot.ended() == 0


async def test_a_second_sigterm_changes_nothing(scene: Scene) -> None:
    arrived, released = scene.hold(scene.bitrise.hooks, "builds.trigger", "accepted")
    bot = await scene.run_bot()
    await scene.start_build()
    await arrived.wait()
    bot.terminate()
    await until_stopping(scene)
    bot.terminate()
    released.set()
    assert await bot.ended() == 0


async def test_a_start_that_is_under_way_is_finished_first(scene: Scene) -> None:
    arrived, released = scene.hold(scene.bitrise.hooks, "builds.trigger", "accepted")
    bot = await scene.run_bot(shutdown_seconds="8")
    await scene.start_build()
    await arrived.wait()
    bot.terminate()
    await until_stopping(scene)
    released.set()
    assert await bot.ended() == 0
    await scene.run_bot()
    await scene.until(lambda: scene.cards, "a card")
    assert len(scene.bitrise.triggers) == 1
    assert scene.bitrise.journal.named("builds.list") == [], (
        "the answer was stored, so nobody had to look for the build"
    )


async def test_a_start_that_hangs_is_taken_up_by_the_next_process(scene: Scene) -> None:
    arrived, _ = scene.hold(scene.bitrise.hooks, "builds.trigger", "accepted")
    bot = await scene.run_bot(shutdown_seconds="8")  # as it is by default
    await scene.start_build()
    await arrived.wait()
    assert await drained(bot) == 0
    await scene.run_bot()
    await scene.until(lambda: scene.cards, "a card")
    scene.bitrise.finish(scene.build, "success")
    await scene.until(lambda: "Succeeded" in scene.sees(), "the end of the build")


async def test_a_start_that_never_got_there_is_sent_by_the_next_process(scene: Scene) -> None:
    arrived, _ = scene.hold(scene.bitrise.hooks, "builds.trigger", "before")
    bot = await scene.run_bot()
    await scene.start_build()
    await arrived.wait()
    assert await drained(bot) == 0
    assert scene.bitrise.builds() == []
    await scene.run_bot()
    await scene.until(lambda: scene.cards, "a card")
    assert scene.build.workflow == "deploy"


async def test_a_message_that_slack_does_not_take_is_sent_by_the_next_process(scene: Scene) -> None:
    arrived, _ = scene.hold(scene.slack.hooks, "chat.postMessage", "before")
    bot = await scene.run_bot()
    await scene.start_build()
    await arrived.wait()
    assert await drained(bot) == 0
    assert scene.cards == []
    await scene.run_bot()
    await scene.until(lambda: scene.cards, "a card")
    assert len(scene.cards) == 1


async def test_slack_is_away_when_it_stops(scene: Scene) -> None:
    bot = await scene.run_bot()
    await scene.slack.stop()
    assert await drained(bot) == 0


async def test_bitrise_is_away_when_it_stops(scene: Scene) -> None:
    bot = await scene.run_bot()
    await scene.bitrise.stop()
    await scene.start_build()
    assert await drained(bot) == 0
    await scene.bitrise.start()
    await scene.run_bot()
    await scene.until(lambda: scene.cards, "a card")
    assert len(scene.bitrise.triggers) == 1


async def test_the_socket_is_dead_without_knowing_when_it_stops(scene: Scene) -> None:
    bot = await scene.run_bot(shutdown_seconds="8")
    for connection in scene.slack.sockets.of():
        assert connection.request.transport is not None
        connection.request.transport.pause_reading()
    await scene.start_build()
    assert await drained(bot) == 0


@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
async def test_it_may_be_stopped_while_it_waits_for_slack_to_start(scene: Scene, method: str) -> None:
    arrived, _ = scene.hold(scene.slack.hooks, method, "before")
    bot = await scene.launch("run")
    await arrived.wait()
    assert await drained(bot) == 0


# What monitors see.


async def test_it_is_healthy_before_it_is_ready_and_ready_once_slack_answers(scene: Scene) -> None:
    arrived, released = scene.hold(scene.slack.hooks, "auth.test", "before")
    bot = await scene.launch("run")
    await arrived.wait()
    assert [(await scene.get(path))[0] for path in ("/healthz", "/readyz")] == [200, 503]
    released.set()
    await bot.until_ready()
    assert [(await scene.get(path))[0] for path in ("/healthz", "/readyz")] == [200, 200]


async def test_while_it_stops_it_is_healthy_and_not_ready(scene: Scene) -> None:
    arrived, released = scene.hold(scene.bitrise.hooks, "builds.trigger", "before")
    bot = await scene.run_bot(shutdown_seconds="8")
    await scene.start_build()
    await arrived.wait()
    bot.terminate()
    await until_stopping(scene)
    assert (await scene.get("/healthz"))[0] == 200
    assert "shutdown" in (await scene.get("/readyz"))[1]
    released.set()
    assert await bot.ended() == 0


async def test_a_command_that_comes_while_it_stops_is_not_taken(scene: Scene) -> None:
    arrived, released = scene.hold(scene.bitrise.hooks, "builds.trigger", "before")
    scene.slack.limits.ack_seconds = 0.2
    bot = await scene.run_bot(shutdown_seconds="8")
    await scene.start_build()
    await arrived.wait()
    bot.terminate()
    await until_stopping(scene)
    late = await scene.slack.command(scene.ana, scene.ios, "/build shop deploy develop")
    assert not late.ok
    released.set()
    assert await bot.ended() == 0


async def test_metrics_count_what_happened(scene: Scene) -> None:
    await scene.run_bot()
    await scene.start_build()
    await scene.until(lambda: scene.cards, "a card")
    await scene.at_rest()
    metrics = await scene.metrics()
    assert 'buildbell_slack_requests_total{kind="command",result="answered"} 1.0' in metrics
    assert 'buildbell_jobs{state="failed"} 0.0' in metrics


async def until_stopping(scene: Scene) -> None:
    """Ask until it says so: nothing else tells that the signal has arrived."""
    while (await scene.get("/readyz"))[0] != 503:
        pass


# Not starting.


async def test_a_second_process_on_the_same_database_is_refused(scene: Scene) -> None:
    first = await scene.run_bot()
    code, second = await scene.command_line("run", port="0")
    assert (code, len(second.said)) == (2, 1), second.log
    assert second.said[0].startswith(f"buildbell: Another process already works with {scene.database_path}")
    assert first.is_alive


async def test_the_database_is_free_once_the_first_is_killed(scene: Scene) -> None:
    first = await scene.run_bot()
    await first.kill()
    second = await scene.run_bot()
    assert second.is_alive


async def test_a_newer_database_is_refused(scene: Scene) -> None:
    connection = sqlite3.connect(scene.database_path)
    with connection:
        connection.execute("insert into schema_version (version) values (99)")
    connection.close()
    code, bot = await scene.command_line("run")
    assert (code, len(bot.said)) == (2, 1), bot.log
    assert "The database is at version 99" in bot.said[0]


async def test_a_port_that_is_taken_is_refused(scene: Scene) -> None:
    code, bot = await scene.command_line("run", port=str(scene.bitrise.port))
    assert (code, len(bot.said)) == (2, 1), bot.log
    assert f"Nothing can listen on 127.0.0.1:{scene.bitrise.port}" in bot.said[0]
    assert bot.said[0].endswith("Set BUILDBELL_PORT to a free port.")


async def test_an_address_of_another_machine_is_refused(scene: Scene) -> None:
    code, bot = await scene.command_line("run", host="192.0.2.1", port="0")
    assert (code, len(bot.said)) == (2, 1), bot.log
    assert "Nothing can listen on 192.0.2.1:0" in bot.said[0]
    assert "BUILDBELL_HOST is an address of this machine" in bot.said[0]


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"slack_bot_token": "xoxb-1-wrong"}, "BUILDBELL_SLACK_BOT_TOKEN (invalid_auth)"),
        ({"slack_app_token": "xapp-1-wrong"}, "BUILDBELL_SLACK_APP_TOKEN (invalid_auth)"),
    ],
    ids=["bot token", "app token"],
)
async def test_a_token_slack_refuses_is_told_in_one_sentence(scene: Scene, wrong: dict[str, str], name: str) -> None:
    code, bot = await scene.command_line("run", **wrong)
    assert (code, len(bot.said)) == (2, 1), bot.log
    assert bot.said[0].startswith(f"buildbell: Slack refuses {name}")
    assert not any(value in bot.printed for value in wrong.values())


async def test_a_revoked_installation_is_refused(scene: Scene) -> None:
    scene.slack.revoke(scene.app)
    code, bot = await scene.command_line("run")
    assert (code, len(bot.said)) == (2, 1), bot.log
    assert "BUILDBELL_SLACK_BOT_TOKEN" in bot.said[0]


async def test_slack_that_is_in_trouble_is_waited_for(scene: Scene) -> None:
    scene.slack.faults.add(Fault("apps.connections.open", kind="status", status=503))
    bot = await scene.run_bot()
    assert bot.events("Slack gives no socket yet; trying again") or bot.events("Slack does not answer; trying again")
