"""State changes of builds: by the clock, by a test, by other builds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from playground.bitrise import App, Build, PracticeBitrise, Stage, Status, Workflow
from playground.bitrise.model import Outcome
from playground.clock import SteppedClock
from tests.playground.bitrise.conftest import Caller, Time


async def test_the_clock_takes_a_build_from_hold_to_end(bot: Caller, shop: App, time: Time) -> None:
    slug = (await bot.trigger(shop, workflow_id="deploy", branch="main")).body["build_slug"]
    seen = []
    for seconds in (0, 20, 5, 420):
        time.passes(seconds=seconds)
        build = (await bot.get(f"/apps/{shop.slug}/builds/{slug}")).data
        seen.append((build["status_text"], build["is_on_hold"], build["started_on_worker_at"], build["finished_at"]))
    assert seen == [
        ("on-hold", True, None, None),
        ("in-progress", False, None, None),
        ("in-progress", False, "2026-03-02T09:00:25Z", None),
        ("success", False, "2026-03-02T09:00:25Z", "2026-03-02T09:07:25Z"),
    ]
    assert (build["status"], build["credit_cost"], build["is_processed"]) == (1, 14, True)


async def test_a_day_in_one_step_leaves_the_same_times(bitrise: PracticeBitrise, shop: App, time: Time) -> None:
    build = bitrise.start_build(shop, workflow="deploy")
    time.passes(days=1)
    bitrise.now()
    assert build.finished_at == build.triggered_at + timedelta(seconds=445)


async def test_a_failed_step_fails_the_build(bitrise: PracticeBitrise, shop: App, time: Time) -> None:
    build = bitrise.start_build(shop, workflow="test")
    time.passes(minutes=10)
    bitrise.now()
    assert (build.status, build.failed_step, build.abort_reason) == (Status.FAILED, "xcode-test", None)


async def test_a_workflow_may_abort_itself_with_success(
    bitrise: PracticeBitrise, shop: App, bot: Caller, time: Time
) -> None:
    shop.workflows["maybe"] = Workflow(timedelta(seconds=30), outcome="aborted-with-success", reason="no changes")
    build = bitrise.start_build(shop, workflow="maybe")
    time.passes(minutes=1)
    shown = (await bot.get(f"/apps/{shop.slug}/builds/{build.slug}")).data
    assert shown["status"] == 4
    assert shown["abort_reason"] == "User bitrise-bot requested to abort this build with reason: no changes"


async def test_a_workflow_may_lose_its_machine(bitrise: PracticeBitrise, shop: App, time: Time) -> None:
    shop.workflows["lost"] = Workflow(outcome="aborted", reason="Lost connection to build agent")
    build = bitrise.start_build(shop, workflow="lost")
    time.passes(hours=1)
    bitrise.now()
    assert (build.status, build.abort_reason) == (Status.ABORTED, "Lost connection to build agent")


async def test_an_endless_one_waits_for_a_word(bitrise: PracticeBitrise, shop: App, time: Time) -> None:
    build = bitrise.start_build(shop, workflow="endless")
    time.passes(days=3)
    bitrise.now()
    assert build.stage is Stage.RUNNING
    bitrise.finish(build, "failed", failed_step="script")
    assert (build.status, build.finished_at) == (Status.FAILED, bitrise.now())


async def test_held_it_stays_until_it_may_run(bitrise: PracticeBitrise, shop: App, time: Time) -> None:
    build = bitrise.start_build(shop, workflow="primary")
    bitrise.hold(build)
    time.passes(days=1)
    bitrise.now()
    assert build.is_on_hold
    bitrise.run(build)
    time.passes(minutes=3)
    bitrise.now()
    assert build.status is Status.SUCCESS


@pytest.mark.parametrize(
    ("outcome", "number"), [("success", 1), ("failed", 2), ("aborted", 3), ("aborted-with-success", 4)]
)
async def test_all_four_ends_by_word(
    bitrise: PracticeBitrise, shop: App, bot: Caller, outcome: Outcome, number: int
) -> None:
    build = bitrise.start_build(shop)
    bitrise.finish(build, outcome, reason="so it is")
    shown = (await bot.get(f"/apps/{shop.slug}/builds/{build.slug}")).data
    assert (shown["status"], shown["abort_reason"]) == (number, "so it is" if number > 2 else None)


async def test_what_has_ended_moves_no_more(bitrise: PracticeBitrise, shop: App) -> None:
    build = bitrise.start_build(shop)
    bitrise.finish(build)
    with pytest.raises(ValueError, match="has already ended: success"):
        bitrise.run(build)


async def test_only_so_many_run_at_a_time(bitrise: PracticeBitrise, time: Time) -> None:
    app = bitrise.add_app("Shop", bitrise.add_workspace("Small", concurrency=1))
    first, second, urgent = bitrise.start_build(app), bitrise.start_build(app), bitrise.start_build(app, priority=10)
    time.passes(minutes=1)
    bitrise.now()
    assert [build.stage for build in (first, second, urgent)] == [Stage.RUNNING, Stage.ON_HOLD, Stage.ON_HOLD]
    bitrise.finish(first)
    assert [second.stage, urgent.stage] == [Stage.ON_HOLD, Stage.STARTING]
    time.passes(hours=1)
    bitrise.now()
    assert second.started_at == (urgent.finished_at or bitrise.now()) + second.boot


async def test_a_machine_is_free_when_a_waiting_build_is_aborted(bitrise: PracticeBitrise, time: Time) -> None:
    app = bitrise.add_app("Shop", bitrise.add_workspace("Small", concurrency=1))
    first, second, third = (bitrise.start_build(app) for _ in range(3))
    time.passes(minutes=1)
    bitrise.abort_in_web(second, "ana")
    bitrise.finish(first)
    assert [second.stage, third.stage] == [Stage.ENDED, Stage.STARTING]


async def test_rolling_builds_abort_the_older_of_the_same_branch(bitrise: PracticeBitrise, shop: App) -> None:
    shop.rolling_builds = True
    older, elsewhere = bitrise.start_build(shop), bitrise.start_build(shop, branch="dev")
    newer = bitrise.start_build(shop)
    assert (older.status, older.abort_reason) == (Status.ABORTED, "Automatically aborted via Rolling Builds.")
    assert [elsewhere.is_finished, newer.is_finished] == [False, False]


def history_of(seed: int) -> list[tuple[str, timedelta | None, Status]]:
    bitrise = PracticeBitrise(SteppedClock(), seed=seed)
    app = bitrise.add_app("Shop", bitrise.add_workspace("Acme"))
    app.workflows["primary"] = Workflow(jitter=0.5, failure_rate=0.5)
    builds: list[Build] = [bitrise.start_build(app) for _ in range(20)]
    return [(build.slug, build.duration, build.planned) for build in builds]


async def test_a_seed_repeats_and_another_differs() -> None:
    assert history_of(1) == history_of(1)
    assert history_of(1) != history_of(2)
    assert {planned for _, _, planned in history_of(1)} == {Status.SUCCESS, Status.FAILED}
