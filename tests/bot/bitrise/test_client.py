"""Calls to Bitrise on real sockets: requests, results and failures."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bot.bitrise.client import BitriseClient
from bot.bitrise.http import HttpTransport
from bot.bitrise.models import BuildFilters, TriggerParams
from bot.errors import (
    BitriseBusy,
    BitriseError,
    BitriseNotFound,
    BitriseRefused,
    BitriseUnauthorized,
    BitriseUnavailable,
)
from bot.vault import Token
from playground.bitrise import App, PracticeBitrise, TriggerRule, Workflow
from playground.clock import SteppedClock
from playground.wire import Fault
from tests.playground.bitrise import openapi


class Desk:
    """A practice Bitrise with one app, and a client with a developer's token."""

    def __init__(self, bitrise: PracticeBitrise, session: aiohttp.ClientSession, clock: SteppedClock) -> None:
        self.bitrise, self.session, self.clock = bitrise, session, clock
        self.acme = bitrise.add_workspace("Acme")
        self.shop: App = bitrise.add_app(
            "iOS Shop", self.acme,
            workflows={"deploy": Workflow(timedelta(minutes=7)), "test": Workflow(timedelta(minutes=4))},
            pipelines={"release": [["test"], ["deploy"]]},
            trigger_map=(
                TriggerRule(pattern="both", workflow="deploy"), TriggerRule(pattern="both", workflow="test"),
                TriggerRule(pattern="odd", workflow="removed"), TriggerRule(pattern="odd", workflow="test"),
            ),
        )  # fmt: skip
        self.token = bitrise.add_token(bitrise.add_user("ci-bot"))
        self.client = self.new_client(self.token)

    def new_client(self, token: str, **settings: Any) -> BitriseClient:
        settings = {"retry_delays_seconds": ()} | settings
        return BitriseClient(HttpTransport(self.session, self.bitrise.api_url, Token(token), **settings))

    def params(self, **given: Any) -> TriggerParams:
        empty = {"workflow": None, "pipeline": None, "branch": None, "tag": None, "commit": None}
        return TriggerParams(app_slug=self.shop.slug, triggered_by="buildbell-ana-1", **(empty | given))

    def spoil(self, operation: str, kind: str, **facts: Any) -> None:
        self.bitrise.faults.add(Fault(operation, kind, **facts))


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    clock = SteppedClock()
    bitrise = PracticeBitrise(clock)
    await bitrise.start()
    async with aiohttp.ClientSession() as session:
        yield Desk(bitrise, session, clock)
    await bitrise.stop()
    if openapi.is_at_hand():
        assert openapi.described().problems(bitrise.journal) == []


# Reads.


async def test_a_personal_token_has_a_name_and_a_workspace_token_has_none(desk: Desk) -> None:
    owner = await desk.client.me()
    assert owner is not None
    assert owner.username == "ci-bot"
    workspace_token = desk.bitrise.add_workspace_token(desk.acme, role="developer")
    client = desk.new_client(workspace_token)
    assert await client.me() is None
    assert [app.title for app in await client.list_all_apps()] == ["iOS Shop"]


async def test_all_apps_are_listed_page_by_page(desk: Desk) -> None:
    for number in range(120):
        desk.bitrise.add_app(f"App {number}", desk.acme)
    apps = await desk.client.list_all_apps()
    assert len({app.slug for app in apps}) == 121
    assert len(desk.bitrise.journal.named("apps.list")) == 3


async def test_a_build_is_read_as_bitrise_shows_it(desk: Desk) -> None:
    started = desk.bitrise.start_build(
        desk.shop, workflow="deploy", branch="main", triggered_by="webhook-github/octocat", pull_request_id=12
    )
    desk.clock.move_to(desk.clock.now() + timedelta(minutes=2))
    build = await desk.client.get_build(desk.shop.slug, started.slug)
    assert (build.slug, build.number, build.workflow, build.branch) == (started.slug, 1, "deploy", "main")
    assert (build.status, build.pull_request_id, build.triggered_by) == (0, 12, "webhook-github/octocat")
    assert build.started_at is not None
    assert build.triggered_at is not None
    assert build.started_at > build.triggered_at
    assert build.finished_at is None


async def test_filters_and_paging_of_an_apps_builds(desk: Desk) -> None:
    for number in range(7):
        desk.bitrise.start_build(desk.shop, workflow="deploy", branch="main" if number % 2 else "dev")
        desk.clock.move_to(desk.clock.now() + timedelta(seconds=5))
    first = await desk.client.list_builds(desk.shop.slug, BuildFilters(branch="dev", limit=3))
    assert [build.number for build in first.items] == [7, 5, 3]
    second = await desk.client.list_builds(desk.shop.slug, BuildFilters(branch="dev", limit=3, next=first.next))
    assert [build.number for build in second.items] == [1]
    assert second.next is None
    since = desk.clock.now() - timedelta(seconds=12)
    late = await desk.client.list_builds(desk.shop.slug, BuildFilters(after=since))
    assert [build.number for build in late.items] == [7, 6]


async def test_builds_of_all_apps_name_their_app(desk: Desk) -> None:
    droid = desk.bitrise.add_app("Android Shop", desk.acme, workflows={"test": Workflow(timedelta(minutes=4))})
    desk.bitrise.start_build(desk.shop, workflow="deploy", branch="main")
    desk.bitrise.start_build(droid, workflow="test", branch="main")
    page = await desk.client.list_all_builds(status=0)
    assert {build.app_slug for build in page.items} == {desk.shop.slug, droid.slug}


async def test_lists_hold_workflows_and_branches_that_have_run(desk: Desk) -> None:
    desk.bitrise.start_build(desk.shop, workflow="deploy", branch="release/1")
    assert await desk.client.list_workflows(desk.shop.slug) == ["deploy"]
    assert await desk.client.list_branches(desk.shop.slug) == ["release/1"]


YML = """\
---
format_version: "13"   # of the file
app:
  envs:
  - FLAVOR: beta
pipelines:
  release: {}
  "night build":
    workflows:
      test: {}
workflows:
  deploy:
    steps:
    - script:
        inputs:
        - content: |
            workflows:
              not-one:
  _setup: {}
  # commented: out
  'test all' :
    after_run: [deploy]
  ui-test_2.0:
step_bundles:
  other: {}
"""


@pytest.mark.parametrize(
    ("text", "workflows", "pipelines"),
    [
        (YML, ("deploy", "test all", "ui-test_2.0"), ("release", "night build")),
        (YML.replace("\n", "\r\n"), ("deploy", "test all", "ui-test_2.0"), ("release", "night build")),
        ("workflows: {}", (), ()),
        ("no yaml at all", (), ()),
        ("workflows:\n    a:\n  b:\n", ("a",), ()),
    ],
)
async def test_the_bitrise_yml_names_workflows_and_pipelines(
    desk: Desk, text: str, workflows: tuple[str, ...], pipelines: tuple[str, ...]
) -> None:
    desk.bitrise.set_role(desk.token, "admin")
    desk.shop.bitrise_yml = text
    assert await desk.client.list_configured(desk.shop.slug) == (workflows, pipelines)


async def test_the_bitrise_yml_takes_an_admin(desk: Desk) -> None:
    desk.bitrise.set_role(desk.token, "developer")
    with pytest.raises(BitriseNotFound):
        await desk.client.list_configured(desk.shop.slug)


# Writes.


async def test_start_sends_values_as_they_are_and_returns_the_build(desk: Desk) -> None:
    params = desk.params(workflow="deploy", branch="main", environment=(("FLAVOR", "$HOME|a=b"),))
    answer = await desk.client.trigger_build(params)
    assert [(build.number, build.workflow) for build in answer.builds] == [(1, "deploy")]
    assert answer.refusals == ()
    (sent,) = desk.bitrise.journal.named("builds.trigger")
    assert sent.request["body"]["build_params"]["environments"] == [
        {"key": "FLAVOR", "value": "$HOME|a=b", "is_expand": False}
    ]


async def test_the_trigger_map_may_start_several_builds(desk: Desk) -> None:
    answer = await desk.client.trigger_build(desk.params(branch="both", environment=()))
    assert [build.workflow for build in answer.builds] == ["deploy", "test"]


async def test_refused_workflows_are_returned_beside_started_ones(desk: Desk) -> None:
    answer = await desk.client.trigger_build(desk.params(branch="odd", environment=()))
    assert [build.workflow for build in answer.builds] == ["test"]
    assert len(answer.refusals) == 1
    assert "removed" in answer.refusals[0]


async def test_unknown_workflow_is_refused_with_bitrises_message(desk: Desk) -> None:
    with pytest.raises(BitriseRefused, match="workflow"):
        await desk.client.trigger_build(desk.params(workflow="deplyo", branch="main", environment=()))


async def test_a_pipeline_is_started_read_listed_and_stopped(desk: Desk) -> None:
    since = desk.clock.now() - timedelta(minutes=1)
    answer = await desk.client.trigger_build(desk.params(pipeline="release", branch="main", environment=()))
    run = answer.builds[0]
    build = await desk.client.get_pipeline(desk.shop.slug, run.slug)
    assert (build.is_pipeline, build.pipeline, build.branch) == (True, "release", "main")
    listed = await desk.client.list_pipelines(desk.shop.slug, after=since)
    assert [each.slug for each in listed] == [run.slug]
    await desk.client.abort_build(desk.shop.slug, run.slug, is_pipeline=True, reason="wrong")
    assert (await desk.client.get_pipeline(desk.shop.slug, run.slug)).status_text == "aborted"


async def stop(desk: Desk, slug: str, **how: Any) -> None:
    usual = {"with_success": False, "skip_notifications": False, "skip_git_status": False}
    await desk.client.abort_build(desk.shop.slug, slug, reason="[stuck] hangs", **(usual | how))


@pytest.mark.parametrize(("green", "status"), [(False, 3), (True, 4)])
async def test_abort_reports_the_chosen_status(desk: Desk, green: bool, status: int) -> None:
    build = desk.bitrise.start_build(desk.shop, workflow="deploy", branch="main")
    await stop(desk, build.slug, with_success=green, skip_git_status=True)
    ended = await desk.client.get_build(desk.shop.slug, build.slug)
    assert ended.status == status
    assert "[stuck] hangs" in (ended.abort_reason or "")
    (sent,) = desk.bitrise.journal.named("builds.abort")
    assert sent.request["body"] == {
        "abort_reason": "[stuck] hangs", "abort_with_success": green, "skip_notifications": False,
        "skip_git_status_report": True,
    }  # fmt: skip


async def test_aborting_a_finished_build_is_refused(desk: Desk) -> None:
    build = desk.bitrise.start_build(desk.shop, workflow="deploy", branch="main")
    desk.bitrise.finish(build, "success")
    with pytest.raises(BitriseRefused):
        await stop(desk, build.slug)


# Failures.


async def test_a_dead_token_is_unauthorized(desk: Desk) -> None:
    desk.bitrise.revoke(desk.token)
    with pytest.raises(BitriseUnauthorized):
        await desk.client.list_all_apps()


async def test_a_tester_may_not_start(desk: Desk) -> None:
    client = desk.new_client(desk.bitrise.add_token(desk.bitrise.add_user("qa"), role="tester"))
    with pytest.raises(BitriseNotFound):
        await client.trigger_build(desk.params(workflow="deploy", branch="main", environment=()))
    assert desk.bitrise.builds() == []


@pytest.mark.parametrize("form", ["message", "error_msg", "error", "errors", "errors_object"])
async def test_every_form_of_an_error_is_quoted(desk: Desk, form: str) -> None:
    desk.spoil("builds.list", "status", status=400, form=form, error="the branch is odd\nand long")
    with pytest.raises(BitriseRefused) as refused:
        await desk.client.list_builds(desk.shop.slug, BuildFilters())
    assert "the branch is odd and long" in refused.value.sentence
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, BitriseUnauthorized), (403, BitriseNotFound), (404, BitriseNotFound), (422, BitriseRefused),
     (500, BitriseUnavailable), (502, BitriseUnavailable), (302, BitriseUnavailable)],
)  # fmt: skip
async def test_each_status_raises_its_error(desk: Desk, status: int, error: type[BitriseError]) -> None:
    desk.spoil("builds.list", "status", status=status)
    with pytest.raises(error):
        await desk.client.list_builds(desk.shop.slug, BuildFilters())


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), (None, 30), ("0", 1), ("99999", 600), ("soon", 30)])
async def test_busy_bitrise_gives_the_time_to_retry(desk: Desk, header: Any, seconds: float) -> None:
    desk.spoil("builds.abort", "status", status=429, retry_after=header)
    build = desk.bitrise.start_build(desk.shop, workflow="deploy", branch="main")
    with pytest.raises(BitriseBusy) as busy:
        await stop(desk, build.slug)
    assert busy.value.retry_after == seconds
    assert desk.bitrise.aborts == []


@pytest.mark.parametrize("kind", ["html", "broken_json", "cut_before", "cut_after"])
async def test_unreadable_response_to_a_start_leaves_it_unknown(desk: Desk, kind: str) -> None:
    desk.spoil("builds.trigger", kind)
    with pytest.raises(BitriseUnavailable):
        await desk.client.trigger_build(desk.params(workflow="deploy", branch="main", environment=()))


async def test_start_is_sent_once(desk: Desk) -> None:
    client = desk.new_client(desk.token, retry_delays_seconds=(0.0, 0.0))
    desk.spoil("builds.trigger", "status", status=503, times=9)
    with pytest.raises(BitriseUnavailable):
        await client.trigger_build(desk.params(workflow="deploy", branch="main", environment=()))
    assert len(desk.bitrise.journal.named("builds.trigger")) == 1


async def test_read_is_retried_after_a_gateway_error(desk: Desk) -> None:
    client = desk.new_client(desk.token, retry_delays_seconds=(0.0, 0.0))
    desk.spoil("apps.list", "status", status=503, times=2)
    assert [app.title for app in await client.list_all_apps()] == ["iOS Shop"]
    desk.spoil("apps.list", "status", status=503, times=3)
    with pytest.raises(BitriseUnavailable):
        await client.list_all_apps()


async def test_slow_response_times_out(desk: Desk) -> None:
    desk.spoil("apps.list", "slow", delay=5)
    client = desk.new_client(desk.token, read_timeout_seconds=0.05)
    with pytest.raises(BitriseUnavailable, match=r"within 0\.05 s"):
        await client.list_all_apps()


async def test_unreachable_server_is_unavailable(desk: Desk) -> None:
    await desk.bitrise.stop()
    with pytest.raises(BitriseUnavailable, match="Couldn't reach Bitrise"):
        await desk.client.list_all_apps()


@pytest.mark.parametrize("kind", ["nulls", "all_nulls"])
async def test_null_in_every_field_is_accepted(desk: Desk, kind: str) -> None:
    build = desk.bitrise.start_build(desk.shop, workflow="deploy", branch="main")
    for operation in ("builds.list", "builds.list-all", "apps.list", "me"):
        desk.spoil(operation, kind)
    await desk.client.list_builds(desk.shop.slug, BuildFilters())
    await desk.client.list_all_builds()
    await desk.client.list_apps()
    await desk.client.me()
    assert (await desk.client.get_build(desk.shop.slug, build.slug)).slug == build.slug


# Secrets.


async def test_token_is_in_the_header_and_nowhere_else(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    desk.spoil("apps.list", "status", status=400, error=f"no such token: {desk.token}")
    with pytest.raises(BitriseRefused) as refused:
        await desk.client.list_apps()
    assert desk.token not in f"{refused.value!r} {refused.value.sentence} {desk.client!r} {caplog.text}"
    assert "no such token: …" in refused.value.sentence


async def test_values_of_variables_are_in_no_repr(desk: Desk) -> None:
    params = desk.params(workflow="deploy", branch="main", environment=(("KEY", "hunter2-secret"),))
    [run] = (await desk.client.trigger_build(params)).builds
    build = await desk.client.get_build(desk.shop.slug, run.slug)
    assert build.requested is not None
    assert build.requested.environments[0].value == "hunter2-secret"
    assert "hunter2" not in f"{params!r} {build!r}"


async def test_slug_cannot_lead_to_another_path(desk: Desk) -> None:
    with pytest.raises(BitriseError):
        await desk.client.get_build(desk.shop.slug, "../../../me?x=")
    assert desk.bitrise.journal.named("me") == []
    desk.bitrise.journal.clear()  # no description knows such a path
