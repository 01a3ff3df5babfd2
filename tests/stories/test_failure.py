"""Why a build failed, in the thread and on request: step, tests and relevant lines, with secrets redacted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from playground.bitrise import Workflow
from playground.bitrise.model import Outcome
from playground.bitrise.sample_logs import GRADLE, XCODEBUILD
from playground.slack import Message
from playground.wire import Fault
from tests.world import World


def failing(world: World, log: str = XCODEBUILD, **more: Any) -> None:
    """Let the workflow ``broken`` of iOS Shop fail after two minutes in the step xcode-test."""
    world.shop.workflows["broken"] = Workflow(
        timedelta(minutes=2), steps=("git-clone", "xcode-test", "deploy-to-bitrise-io"), failed_step="xcode-test",
        log=log, **more,
    )  # fmt: skip


async def fail(world: World) -> Message:
    await world.say("/build shop broken main")
    await world.passes(minutes=7)
    return world.card


async def test_thread_shows_step_tests_and_lines(world: World) -> None:
    failing(world)
    card = await fail(world)
    _, why = world.thread(card)
    assert "Failed in step xcode-test" in why
    assert "testExpiredSessionAsksAgain" in why
    assert "XCTAssertTrue failed - the login form is not shown" in why


async def test_at_most_fifteen_lines_without_colors(world: World) -> None:
    failing(world, "\n".join(f"\x1b[31merror: number {number} is wrong\x1b[0m" for number in range(200)))
    card = await fail(world)
    why = world.thread(card)[-1]
    assert 1 <= why.count("is wrong") <= 15
    assert "\x1b" not in why


async def test_secret_in_the_log_is_redacted(world: World) -> None:
    secret = "ghp_" + "a1B2" * 9
    failing(
        world,
        f"error: could not push with token {secret}\nAWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfi",
    )
    card = await fail(world)
    told = str(world.slack.journal.named("chat.postMessage")) + str(world.thread(card))
    assert "could not push" in told
    assert secret not in told
    assert "wJalrXUtnFEMI" not in told


def files_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_secret_of_a_log_is_stored_nowhere(world: World, tmp_path: Path) -> None:
    """Neither in the results nor in the outbox, the audit or a page of the database that was freed."""
    failing(
        world,
        'error: (bundle "exec" "ruby" "main.rb" "--password" "open-sesame-1")\n'
        "Test Case '-[ShopTests.LoginTests test token=open-sesame-2]' failed (0.1 seconds).\n"
        "error: it printed\n<key>password</key>\n<string>\nopen-sesame-3\n</string>\nerror: and failed",
    )
    card = await fail(world)
    await world.say(f"/build log shop #{world.builds()[-1].number}", by=world.bo)
    assert "error: it printed" in world.thread(card)[-1]
    await world.stop_bot()
    stored = files_in(tmp_path)
    assert b"error: it printed" in stored
    assert b"open-sesame" not in stored
    assert "open-sesame" not in str(world.slack.journal.named("chat.postMessage")) + str(world.whispers(world.bo))


async def test_late_log_is_waited_for(world: World) -> None:
    failing(world)
    world.bitrise.archive_takes = timedelta(seconds=60)
    world.bitrise.faults.add(Fault("builds.log-summary", status=404, times=None))
    world.bitrise.faults.add(Fault("builds.log", status=404, times=5))
    card = await fail(world)
    assert "XCTAssertTrue failed" in world.thread(card)[-1]


async def test_outage_of_bitrise_after_the_result_delays_only_the_reason(world: World) -> None:
    failing(world)
    for operation in ("builds.log-summary", "builds.log"):
        world.bitrise.faults.add(Fault(operation, status=503, times=6))
    card = await fail(world)
    thread = world.thread(card)
    assert thread[0].startswith("❌ *Failed*")
    assert "XCTAssertTrue failed" in thread[1]


@pytest.mark.parametrize("quirk", ["never", "no-url"])
async def test_without_a_log_the_thread_shows_only_the_step(world: World, quirk: str) -> None:
    failing(world, log_quirks=(quirk,))
    card = await fail(world)
    assert all("```" not in told for told in world.thread(card))


async def test_reason_is_posted_once_across_a_restart(world: World) -> None:
    failing(world)
    card = await fail(world)
    await world.restart_bot()
    await world.passes(minutes=5)
    assert sum("Failed in step" in told for told in world.thread(card)) == 1


async def test_build_stopped_by_a_person_is_not_explained(world: World) -> None:
    await world.say("/build shop endless main")
    await world.passes(minutes=1)
    await world.stop_build(world.card)
    await world.passes(minutes=3)
    assert len(world.thread(world.card)) == 1


# On request.


async def test_requested_log_is_private(world: World) -> None:
    failing(world, GRADLE)
    await fail(world)
    number = world.builds()[-1].number
    await world.say(f"/build log shop #{number}", by=world.bo)
    told = world.whispers(world.bo)[-1]
    assert "emptyCartHasNoTotal" in told
    assert "Failed in step xcode-test" in told
    assert not world.whispers(world.ana)[1:]


async def test_log_button_shows_the_same(world: World) -> None:
    failing(world)
    card = await fail(world)
    await world.press(card, "Log", by=world.bo)
    assert "XCTAssertTrue failed" in world.whispers(world.bo)[-1]


async def test_log_of_a_running_build_shows_its_output_so_far(world: World) -> None:
    await world.say("/build shop endless main")
    await world.passes(minutes=2)
    await world.say(f"/build log shop #{world.builds()[-1].number}")
    assert "Running" in world.whispers()[-1]


@pytest.mark.parametrize("outcome", ["aborted", "aborted-with-success"])
async def test_log_of_a_stopped_build_mentions_no_failure(world: World, outcome: Outcome) -> None:
    await world.say("/build shop endless main")
    await world.passes(minutes=2)
    world.bitrise.finish(world.builds()[-1], outcome)
    await world.passes(minutes=4)
    await world.say(f"/build log shop #{world.builds()[-1].number}")
    told = world.whispers()[-1]
    assert "Stopped in step " in told
    assert "Failed" not in told


async def test_build_that_never_reached_a_machine_has_no_log(world: World) -> None:
    await world.say("/build shop endless main")
    world.bitrise.hold(world.builds()[-1])
    world.bitrise.abort_in_web(world.builds()[-1], "octocat")
    await world.passes(seconds=30)
    await world.say(f"/build log shop #{world.builds()[-1].number}")
    assert "before it reached a machine" in world.whispers()[-1]


async def test_token_of_a_tester_names_the_missing_role(world: World) -> None:
    failing(world)
    await fail(world)
    await world.connect(world.bitrise.add_token(world.owner, role="tester"))
    build = world.bitrise.start_build(world.shop, workflow="broken")
    await world.passes(minutes=5)
    await world.say(f"/build log shop #{build.number}")
    assert "needs the Developer role" in world.whispers()[-1]


async def test_log_without_a_build_shows_an_example(world: World) -> None:
    await world.say("/build log shop")
    assert "/build log shop #812" in world.whispers()[-1]


async def test_log_requested_too_early_is_announced(world: World) -> None:
    build = world.bitrise.start_build(world.shop, workflow="endless")
    world.bitrise.run(build)
    await world.passes(seconds=1)
    world.bitrise.finish(build, "failed")
    await world.say(f"/build log shop #{build.number}")
    assert "no log of this build yet" in world.whispers()[-1]
