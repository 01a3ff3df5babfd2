"""A step of a build says that nothing has changed: its build is skipped, and nobody else's ever is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import pytest

from playground.bitrise import App, Build
from playground.bot_process import free_port
from playground.slack import User
from playground.wire import Fault
from tests.stored import stored_builds
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
SHOW = "builds.get"
SECRET = re.compile(r"bbskip_[0-9a-f]{32}_[0-9a-f]{64}")
COMMIT = "a1b2c3d4" * 5


async def reachable(open_world: OpenWorld, **settings: Any) -> World:
    port = free_port()
    return await open_world(port=port, public_url=f"http://127.0.0.1:{port}", **settings)


@pytest.fixture
async def world(open_world: OpenWorld) -> World:
    """Builds can reach the bot."""
    return await reachable(open_world)


async def secret_of(world: World, app: str = "shop", *, by: User | None = None) -> str:
    """What an admin is shown, once more where it is there already."""
    await world.say(f"/build skip-step {app}", by=by or world.ada)
    found = SECRET.search(world.whispers(by or world.ada)[-1])
    assert found
    return found.group()


async def running(world: World, app: App | None = None, **params: Any) -> Build:
    """A build that a push started, on its machine."""
    sent = {"branch": "main", "commit_hash": COMMIT} | params
    build = world.bitrise.start_build(app or world.shop, workflow="deploy", **sent)
    await world.passes(minutes=1)
    return build


def told(of: Build, **other: str) -> dict[str, str]:
    """What the step of a build says, as the script does."""
    return {
        "app": of.app.slug,
        "build": of.slug,
        "number": str(of.number),
        "commit": of.commit_hash or "",
        "request": of.environments.get("BUILDBELL_REQUEST", ""),
        "reason": "no-changes",
        "sentence": "nothing under apps/shop has changed",
    } | other


async def post(world: World, fields: Mapping[str, str] | bytes, secret: str | None) -> tuple[int, str, str | None]:
    """Status, sentence and Retry-After of the answer."""
    headers = {"Authorization": f"Bearer {secret}"} if secret is not None else {}
    url = f"http://127.0.0.1:{world.bot.port}/ci/skip"
    async with aiohttp.ClientSession() as session, session.post(url, data=fields, headers=headers) as response:
        return response.status, await response.text(), response.headers.get("Retry-After")


async def ask(world: World, of: Build, secret: str | None, **other: str) -> int:
    status, _, _ = await post(world, told(of, **other), secret)
    await world.settled()
    return status


def looks(world: World) -> int:
    return len(world.bitrise.journal.named(SHOW))


# What it does.


async def test_a_build_whose_step_says_so_is_skipped_and_the_card_says_why(world: World) -> None:
    secret = await secret_of(world)
    await world.say("/build shop deploy main")
    await world.passes(minutes=1)
    world.bitrise.faults.add(Fault("builds.abort", status=503))
    assert await ask(world, world.builds()[-1], secret) == 202
    assert "Stopping (requested by a step of the build" in world.read(world.card)
    await world.passes(seconds=30)
    drawn = " ".join(world.read(world.card).split())
    assert "Skipped by a step of the build – no changes: “nothing under apps/shop has changed”" in drawn


async def test_bitrise_is_told_once_and_to_report_it_green(world: World) -> None:
    secret = await secret_of(world)
    build = await running(world)
    assert await ask(world, build, secret) == 202
    [call] = world.bitrise.aborts
    assert (call.build, call.with_success, call.skip_git_status_report) == (build, True, False)
    step = f"step of #{build.number}"
    assert call.reason == f"[no-changes] nothing under apps/shop has changed ({step}, via Buildbell)"


async def test_what_bitrise_gives_back_is_read_as_what_was_said(world: World) -> None:
    secret = await secret_of(world)
    build = await running(world)
    await ask(world, build, secret)
    await world.passes(minutes=1)
    (row,) = await stored_builds(world.bot.ctx.db, world.team.id)
    assert (row.outcome, row.reason, row.reason_text) == ("skipped", "no-changes", told(build)["sentence"])


async def test_what_bitrise_no_longer_takes_is_told_nobody_and_the_build_can_be_stopped_again(world: World) -> None:
    secret = await secret_of(world)
    await world.say("/build shop deploy main")
    await world.passes(minutes=1)
    build = world.builds()[-1]
    before = len(world.whispers()), len(world.letters())
    world.bitrise.faults.add(Fault("builds.abort", status=503, times=None))
    assert await ask(world, build, secret) == 202
    await world.passes(minutes=3)
    assert not world.bitrise.aborts
    assert (len(world.whispers()), len(world.letters())) == before
    assert "[Stop…]" in world.read(world.card)


async def test_a_stop_that_the_step_no_longer_waits_for_does_not_come(world: World) -> None:
    secret = await secret_of(world)
    build = await running(world)
    world.bitrise.faults.add(Fault("builds.abort", status=503, times=None))
    assert await ask(world, build, secret) == 202
    await world.passes(seconds=110)
    world.bitrise.faults.clear()
    await world.passes(minutes=2)
    assert not world.bitrise.aborts


async def test_words_are_one_line_and_bounded_and_ping_nobody(world: World) -> None:
    secret = await secret_of(world)
    build = await running(world)
    assert await ask(world, build, secret, sentence="a\n<!channel>\u202e " + "x" * 900) == 202
    [call] = world.bitrise.aborts
    assert call.reason is not None
    assert call.reason.startswith("[no-changes] a <!channel> xxx")
    assert len(call.reason) < 300


# Lies.


async def test_a_wrong_secret_an_unknown_one_and_none_get_one_answer(world: World) -> None:
    secret = await secret_of(world)
    build = await running(world)
    wrong = secret[:-1] + ("0" if secret[-1] != "0" else "1")
    lies = [await post(world, told(build), each) for each in (wrong, f"bbskip_{'0' * 32}_{'0' * 64}", "x", "", None)]
    assert lies == [(404, "Not found.", None)] * 5
    await world.settled()
    assert not world.bitrise.aborts


async def test_bitrise_is_not_asked_for_who_has_no_secret(world: World) -> None:
    secret = await secret_of(world)
    build = await running(world)
    world.bitrise.journal.clear()
    assert await ask(world, build, secret[:-4] + "0000") == 404
    assert looks(world) == 0


async def test_the_secret_of_one_app_is_of_no_use_for_another(world: World) -> None:
    secret = await secret_of(world, "shop")
    other = await running(world, world.droid)
    assert await ask(world, other, secret) == 404
    assert await ask(world, other, secret, app=world.shop.slug) == 404
    assert not world.bitrise.aborts


async def test_another_build_of_the_app_that_does_not_fit_is_not_stopped(world: World) -> None:
    secret = await secret_of(world)
    mine, other = await running(world), await running(world, commit_hash="f" * 40)
    assert await ask(world, mine, secret, build=other.slug) == 404
    assert await ask(world, mine, secret, build=other.slug, number=str(other.number)) == 404
    assert await ask(world, mine, secret, build="0" * 16) == 404
    assert not world.bitrise.aborts


async def test_what_was_started_from_slack_is_stopped_only_with_the_id_of_its_start(world: World) -> None:
    secret = await secret_of(world)
    await world.say("/build shop deploy main")
    await world.passes(minutes=1)
    build = world.builds()[-1]
    assert await ask(world, build, secret, request="") == 404
    assert await ask(world, build, secret, request="0" * 16) == 404
    assert not world.bitrise.aborts
    assert await ask(world, build, secret) == 202


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "-1"},
        {"number": ""},
        {"number": "9" * 30},
        {"build": "../../x"},
        {"app": ""},
        {"commit": "main; rm"},
    ],
)
async def test_what_cannot_be_read_is_a_lie(world: World, wrong: dict[str, str]) -> None:
    secret = await secret_of(world)
    build = await running(world)
    assert await ask(world, build, secret, **wrong) == 404
    assert not world.bitrise.aborts


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe=1", b"&".join([b"a=1"] * 100), b'{"app": "x"}'])
async def test_nonsense_is_a_lie(world: World, raw: bytes) -> None:
    secret = await secret_of(world)
    assert (await post(world, raw, secret))[0] == 404


async def test_a_body_without_end_is_refused(world: World) -> None:
    secret = await secret_of(world)
    assert (await post(world, b"x" * 9_000, secret))[0] == 413


async def test_nothing_answers_before_an_admin_has_asked_for_it(world: World) -> None:
    build = await running(world)
    assert await ask(world, build, f"bbskip_{'0' * 32}_{'0' * 64}") == 404


async def test_another_workspaces_secret_does_not_open_this_one(world: World) -> None:
    """Its key is found by nobody, even with the same app's slug in it."""
    secret = await secret_of(world)
    build = await running(world)
    key = "f" * 32
    assert await ask(world, build, f"bbskip_{key}_{secret.rsplit('_', 1)[1]}") == 404


# Again, too late, too early.


async def test_a_replay_stops_nothing_more(world: World) -> None:
    secret = await secret_of(world)
    build = await running(world)
    statuses = await asyncio.gather(*(post(world, told(build), secret) for _ in range(10)))
    await world.settled()
    assert sorted(status for status, _, _ in statuses) == [200] * 9 + [202]
    await world.passes(minutes=1)
    assert await ask(world, build, secret) == 200
    assert len(world.bitrise.aborts) == 1


async def test_a_build_that_has_ended_by_itself_is_not_stopped(world: World) -> None:
    secret = await secret_of(world)
    build = await running(world)
    await world.passes(minutes=10)
    assert build.is_finished
    status, sentence, _ = await post(world, told(build), secret)
    assert (status, "has already finished (succeeded" in sentence) == (409, True)


async def test_a_build_that_waits_for_a_machine_cannot_have_asked(world: World) -> None:
    secret = await secret_of(world)
    build = world.bitrise.start_build(world.shop, workflow="deploy", branch="main")
    assert await ask(world, build, secret) == 409
    assert not world.bitrise.aborts


async def test_who_was_first_is_told(world: World) -> None:
    secret = await secret_of(world)
    await world.say("/build shop deploy main")
    await world.passes(minutes=1)
    build = world.builds()[-1]
    world.bitrise.faults.add(Fault("builds.abort", status=503, times=1))
    card = world.card
    await world.press(card, "Stop…")
    await ask(world, build, secret)
    await world.submit({"abort.reason": "stuck", "abort.sentence": "mine"})
    assert "A step of the build already stopped" in world.modal_text()


async def test_a_part_of_a_pipeline_is_not_stopped_alone(world: World) -> None:
    secret = await secret_of(world)
    await world.say("/build shop pipeline:release branch:main")
    await world.passes(minutes=1)
    build = world.builds()[-1]
    assert build.pipeline_workflow_id
    assert await ask(world, build, secret) == 409
    assert not world.bitrise.aborts


# Reasons.


async def test_other_reasons_are_refused_unless_a_setting_allows_them(world: World) -> None:
    secret = await secret_of(world)
    build = await running(world)
    status, sentence, _ = await post(world, told(build, reason="superseded"), secret)
    assert (status, sentence) == (403, "This reason isn't allowed. Allowed: no-changes.")
    await world.settled()
    assert not world.bitrise.aborts


async def test_another_reason_is_reported_as_failed(open_world: OpenWorld) -> None:
    world = await reachable(open_world, ci_reasons=("no-changes", "superseded"))
    secret = await secret_of(world)
    build = await running(world)
    assert await ask(world, build, secret, reason="superseded", sentence="#9 is newer") == 202
    [call] = world.bitrise.aborts
    assert (call.with_success, call.reason) == (
        False,
        f"[superseded] #9 is newer (step of #{build.number}, via Buildbell)",
    )


# Trouble.


async def test_a_flood_is_told_when_to_come_back_and_bitrise_is_spared(world: World) -> None:
    secret = await secret_of(world)
    build = world.bitrise.start_build(world.shop, workflow="deploy", branch="main")
    await world.settled()
    world.bitrise.journal.clear()
    answers = await asyncio.gather(*(post(world, told(build), secret) for _ in range(60)))
    busy = [wait for status, _, wait in answers if status == 429]
    assert busy == ["1"] * 30
    assert looks(world) <= 30


async def test_while_bitrise_is_away_the_step_is_told_so(world: World) -> None:
    secret = await secret_of(world)
    build = await running(world)
    world.bitrise.faults.add(Fault(SHOW, status=500, times=None))
    status, sentence, _ = await post(world, told(build), secret)
    assert (status, sentence.startswith("Couldn't check this build: ")) == (503, True)


async def test_while_nothing_is_connected_the_step_is_told_so(world: World) -> None:
    secret = await secret_of(world)
    build = await running(world)
    await world.say("/build disconnect", by=world.ada)
    await world.press(world.whisper(world.ada), "Disconnect", by=world.ada)
    assert (await post(world, told(build), secret))[0] == 503


async def test_while_the_bot_stops_the_step_is_told_to_come_back(world: World) -> None:
    secret = await secret_of(world)
    build = await running(world)
    world.bot._is_stopping = True
    assert (await post(world, told(build), secret))[:2] == (503, "Buildbell is waiting for shutdown.")
    world.bot._is_stopping = False


# Who may have it, and the secret.


async def test_only_those_who_may_connect_are_shown_the_secret(world: World) -> None:
    for typed in ("shop", "rotate", "off"):
        await world.say(f"/build skip-step {typed}", by=world.bo)
        assert "Only workspace admins can do that" in world.whispers(world.bo)[-1]


async def test_without_a_public_address_it_is_said_what_to_do(open_world: OpenWorld) -> None:
    world = await open_world()
    await world.say("/build skip-step shop", by=world.ada)
    assert "BUILDBELL_PUBLIC_URL" in world.whispers(world.ada)[-1]


async def test_asked_for_twice_it_is_the_same_and_each_app_has_its_own(world: World) -> None:
    shop, again, droid = [await secret_of(world, app) for app in ("shop", "shop", "android-shop")]
    assert shop == again
    assert shop != droid


async def test_the_message_has_the_script_with_this_address(world: World) -> None:
    await secret_of(world)
    shown = world.whispers(world.ada)[-1]
    assert f"http://127.0.0.1:{world.bot.port}/ci/skip" in shown
    assert "BUILDBELL_SKIP_SECRET" in shown
    assert "curl --disable" in shown


async def test_new_secrets_end_the_old_ones(world: World) -> None:
    old = await secret_of(world)
    build = await running(world)
    await world.say("/build skip-step rotate", by=world.ada)
    await world.press(world.whisper(world.ada), "Rotate secrets", by=world.ada)
    assert "Rotated all skip secrets" in world.whispers(world.ada)[-1]
    new = await secret_of(world)
    assert await ask(world, build, old) == 404
    assert await ask(world, build, new) == 202


async def test_rotating_asks_first_and_names_the_apps_that_have_a_secret(world: World) -> None:
    await secret_of(world, "android-shop")
    await world.passes(seconds=1)
    await world.say("/build skip-step rotate", by=world.ada)
    await world.press(world.whisper(world.ada), "Rotate secrets", by=world.ada)
    await world.passes(seconds=1)
    secret = await secret_of(world)
    await world.say("/build skip-step rotate", by=world.ada)
    assert "Rotate the skip secrets of 1 app (iOS Shop)?" in world.whispers(world.ada)[-1]
    await secret_of(world, "android-shop")
    await world.say("/build skip-step off", by=world.ada)
    asked = world.whispers(world.ada)[-1]
    assert "Turn off skip steps for 2 apps (" in asked
    assert "iOS Shop" in asked
    assert "Android Shop" in asked
    assert await ask(world, await running(world), secret) == 202


async def test_a_confirmation_does_not_revoke_secrets_that_are_newer_than_its_question(world: World) -> None:
    await secret_of(world)
    await world.say("/build skip-step rotate", by=world.ada)
    await world.say("/build skip-step off", by=world.ada)
    off, rotate = world.whisper(world.ada), world.slack.ephemerals(world.ada, world.ios)[-2]
    await world.press(rotate, "Rotate secrets", by=world.ada)
    secret = await secret_of(world)
    await world.press(off, "Turn off", by=world.ada)
    assert any("Nothing was changed" in text for text in world.whispers(world.ada))
    assert await ask(world, await running(world), secret) == 202


async def test_only_those_who_may_connect_can_confirm(world: World) -> None:
    secret = await secret_of(world)
    for typed, button in (("rotate", "Rotate secrets"), ("off", "Turn off")):
        await world.say(f"/build skip-step {typed}", by=world.ada)
        question = world.whisper(world.ada)
        world.ada.is_admin = False
        await world.press(question, button, by=world.ada)
        assert any("Only workspace admins can do that" in text for text in world.whispers(world.ada))
        world.ada.is_admin = True
    assert await ask(world, await running(world), secret) == 202


async def test_it_can_be_switched_off(world: World) -> None:
    secret = await secret_of(world)
    build = await running(world)
    await world.say("/build skip-step off", by=world.ada)
    await world.press(world.whisper(world.ada), "Turn off", by=world.ada)
    assert "Turned off skip steps." in world.whispers(world.ada)[-1]
    assert await ask(world, build, secret) == 404
    for typed in ("off", "rotate"):
        await world.say(f"/build skip-step {typed}", by=world.ada)
        assert "Skip steps are already off." in world.whispers(world.ada)[-1]


async def test_doctor_says_when_a_step_last_asked(world: World) -> None:
    await world.say("/build doctor")
    assert "skip" not in world.whispers()[-1]
    secret = await secret_of(world)
    await world.say("/build doctor")
    assert "Skip steps are on, not used yet." in world.whispers()[-1]
    await ask(world, await running(world), secret)
    await world.say("/build doctor")
    assert "Skip steps are on, last used 0 s ago." in world.whispers()[-1]


async def test_the_secret_is_in_no_log_and_no_table(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    secret = await secret_of(world)
    build = await running(world)
    await ask(world, build, secret[:-1] + "x")
    await ask(world, build, secret)
    logged = "\n".join(str(record.__dict__) for record in caplog.records if record.name.startswith(("bot", "commands")))
    proof = secret.rsplit("_", 1)[1]
    assert "a step skips its build" in logged
    assert proof not in logged
    stored = [await world.bot.ctx.db.fetch_all(f"select * from {table}") for table in ("workspaces", "outbox")]
    assert proof not in str([dict(row) for rows in stored for row in rows])


async def test_a_stop_by_a_step_is_in_the_audit(world: World) -> None:
    secret = await secret_of(world)
    await ask(world, await running(world), secret)
    rows = await world.bot.ctx.db.fetch_all("select user_id, action, result from audit order by created_at")
    kept = [(row["user_id"], row["action"], row["result"]) for row in rows]
    assert (world.ada.id, "skip-step", "secret shown") in kept
    assert ("a step of the build", "abort", "stopped: no-changes (report green)") in kept
