"""Builds started by pushes through the trigger map, with plausible commits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from playground.bitrise import App, PracticeBitrise, TriggerRule
from playground.bitrise.commits import signed_off
from playground.clock import SteppedClock
from tests.playground.bitrise.conftest import Caller


@pytest.mark.parametrize(
    ("branch", "workflows"),
    [("main", ["primary"]), ("release/3.2", ["primary", "deploy"]), ("odd", ["primary"]), ("feature/x", [])],
)
async def test_a_push_starts_what_the_trigger_map_says(
    bitrise: PracticeBitrise, shop: App, branch: str, workflows: list[str]
) -> None:
    builds = bitrise.push(shop, branch=branch)
    assert [build.workflow for build in builds] == workflows
    assert bitrise.builds(shop) == builds
    assert len({build.commit_hash for build in builds}) == min(1, len(builds))


async def test_a_push_may_start_a_pipeline(bitrise: PracticeBitrise, shop: App) -> None:
    shop.trigger_map = (TriggerRule(pattern="main", pipeline="release"),)
    at = bitrise.now() - timedelta(hours=1)
    [build] = bitrise.push(shop, at=at)
    assert build.pipeline is shop.pipeline_runs[0]
    assert (build.triggered_at, build.pipeline.triggered_at) == (at, at)


async def test_a_pushed_build_shows_its_commit(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    message = signed_off("Fix login", "Ana Diaz", "ana@acme.dev")
    [build] = bitrise.push(shop, by="ana", message=message, commit_hash="c0ffee" * 6 + "c0ff")
    shown = (await bot.get(f"/apps/{shop.slug}/builds/{build.slug}")).data
    assert shown["triggered_by"] == "webhook-github/ana"
    assert shown["commit_message"] == "Fix login\n\nSigned-off-by: Ana Diaz <ana@acme.dev>"
    assert shown["commit_view_url"] == f"{shop.repo_url}/commit/{shown['commit_hash']}"
    assert shown["original_build_params"]["branch"] == "main"


async def test_what_a_git_host_started_has_a_commit(bitrise: PracticeBitrise, shop: App) -> None:
    pushed = bitrise.start_build(shop, triggered_by="webhook-github/octocat")
    assert pushed.commit_hash is not None
    assert len(pushed.commit_hash) == 40
    assert pushed.commit_message
    given = bitrise.start_build(shop, triggered_by="webhook", commit_hash="a" * 40, commit_message="Mine")
    assert (given.commit_hash, given.commit_message) == ("a" * 40, "Mine")
    assert bitrise.start_build(shop, triggered_by="manual-ana").commit_hash is None


async def test_commits_have_no_influence_on_how_builds_go() -> None:
    slugs = []
    for triggered_by in ("webhook-github/octocat", "manual-ana"):
        bitrise = PracticeBitrise(SteppedClock(), seed=7)
        app = bitrise.add_app("Shop", bitrise.add_workspace("Acme"))
        slugs.append([bitrise.start_build(app, triggered_by=triggered_by).slug for _ in range(3)])
    assert slugs[0] == slugs[1]
