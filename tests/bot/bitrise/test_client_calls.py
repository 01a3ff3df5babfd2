"""Every call, to a practice Bitrise without faults."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.bitrise.client import BitriseClient
from bot.bitrise.models import Build, BuildFilters, Page, TriggeredBuild, TriggerParams
from bot.errors import BitriseNotFound, BitriseRefused, BitriseUnauthorized
from playground.bitrise import App, Fault, PracticeBitrise, Workspace
from playground.clock import SteppedClock
from tests.bot.bitrise.conftest import MakeClient
from tests.playground.bitrise import openapi

# Account and apps.


async def test_a_personal_token_has_an_owner(client: BitriseClient) -> None:
    owner = await client.me()
    assert owner is not None
    assert owner.username == "bitrise-bot"


async def test_workspace_token_has_no_owner_and_lists_its_apps(
    bitrise: PracticeBitrise, acme: Workspace, shop: App, make_client: MakeClient
) -> None:
    bitrise.add_app("Elsewhere", bitrise.add_workspace("Other"))
    client = make_client(secret=bitrise.add_workspace_token(acme))
    assert await client.me() is None
    page = await client.list_apps(limit=1)
    assert ([app.slug for app in page.items], page.total) == ([shop.slug], 1)


async def test_page_of_one_app_has_the_total(bitrise: PracticeBitrise, acme: Workspace, client: BitriseClient) -> None:
    for number in range(3):
        bitrise.add_app(f"App {number}", acme)
    page = await client.list_apps(limit=1)
    assert (len(page.items), page.total) == (1, 3)


async def test_blanks_around_a_token_are_stripped(make_client: MakeClient, token: str) -> None:
    assert await make_client(secret=f" {token}\n").me() is not None


async def test_all_apps_are_read_page_by_page(bitrise: PracticeBitrise, acme: Workspace, client: BitriseClient) -> None:
    slugs = {bitrise.add_app(f"App {number}", acme).slug for number in range(120)}
    apps = await client.list_all_apps()
    assert sorted(app.slug for app in apps) == sorted(slugs)
    assert len(bitrise.journal.named("apps.list")) == 3


async def test_too_many_apps_are_cut_and_logged(
    bitrise: PracticeBitrise, acme: Workspace, client: BitriseClient, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(60):
        bitrise.add_app(f"App {number}", acme)
    assert len(await client.list_all_apps(max_pages=1)) == 50
    assert "more apps" in caplog.text


async def test_a_page_that_names_itself_as_the_next_ends_the_list(
    bitrise: PracticeBitrise, client: BitriseClient
) -> None:
    body = {"data": [{"slug": "a1"}], "paging": {"next": "a1"}}
    bitrise.faults.add(Fault("apps.list", "body", body=body, times=None))
    assert [app.slug for app in await client.list_all_apps()] == ["a1"]
    assert len(bitrise.journal) == 2


async def test_one_app(shop: App, client: BitriseClient) -> None:
    app = await client.get_app(shop.slug)
    assert (app.slug, app.title, app.owner_name) == (shop.slug, "iOS Shop", "Acme")
    assert (app.repo_owner, app.repo_slug, app.project_type, app.is_disabled) == ("acme", "ios-shop", "ios", False)


async def test_branches_and_workflows_that_have_run(bitrise: PracticeBitrise, shop: App, client: BitriseClient) -> None:
    assert await client.list_branches(shop.slug) == []
    bitrise.start_build(shop, workflow="deploy", branch="feature/ä+b")
    assert await client.list_branches(shop.slug) == ["feature/ä+b"]
    assert await client.list_workflows(shop.slug) == ["deploy"]


# Lists of builds.


@pytest.fixture
def past(bitrise: PracticeBitrise, shop: App, clock: SteppedClock) -> None:
    """Four builds, an hour between them, number 4 the newest."""
    start = clock.now() - timedelta(hours=4)
    sent: tuple[dict[str, Any], ...] = (
        {"branch": "main", "workflow": "primary", "commit_message": "Fix login"},
        {"branch": "a+b&c=d", "workflow": "deploy", "commit_message": "Rework checkout"},
        {"branch": "main", "workflow": "deploy", "pull_request_id": 7},
        {"branch": "main", "workflow": "endless", "tag": "v3"},
    )
    for hour, more in enumerate(sent):
        bitrise.start_build(shop, at=start + timedelta(hours=hour), **more)


def numbers(page: Page[Build]) -> list[int | None]:
    return [build.number for build in page.items]


@pytest.mark.usefixtures("past")
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (BuildFilters(), [4, 3, 2, 1]),
        (BuildFilters(branch="main"), [4, 3, 1]),
        (BuildFilters(branch="a+b&c=d"), [2]),
        (BuildFilters(workflow="deploy"), [3, 2]),
        (BuildFilters(workflow="deploy", branch="main"), [3]),
        (BuildFilters(status=0), [4]),
        (BuildFilters(status=1), [3, 2, 1]),
        (BuildFilters(build_number=2), [2]),
        (BuildFilters(commit_message="LOGIN"), [1]),
        (BuildFilters(trigger_event_type="pull-request"), [3]),
        (BuildFilters(trigger_event_type="tag"), [4]),
        (BuildFilters(sort_by="running_first", limit=2), [4, 3]),
        (BuildFilters(branch="nowhere"), []),
        (BuildFilters(commit_message="\ud83d"), []),
    ],
)
async def test_builds_can_be_filtered(
    shop: App, client: BitriseClient, filters: BuildFilters, expected: list[int]
) -> None:
    assert numbers(await client.list_builds(shop.slug, filters)) == expected


@pytest.mark.usefixtures("past")
async def test_both_ends_of_a_time_are_included(shop: App, client: BitriseClient, clock: SteppedClock) -> None:
    second, third = (clock.now() - timedelta(hours=hours) for hours in (3, 2))
    page = await client.list_builds(shop.slug, BuildFilters(after=second, before=third))
    assert numbers(page) == [3, 2]
    half = timedelta(seconds=0.5)
    page = await client.list_builds(shop.slug, BuildFilters(after=second + half, before=third - half))
    assert numbers(page) == [3, 2]


@pytest.mark.usefixtures("past")
async def test_builds_are_paged(shop: App, client: BitriseClient) -> None:
    first = await client.list_builds(shop.slug, BuildFilters(limit=3))
    second = await client.list_builds(shop.slug, BuildFilters(limit=3, next=first.next))
    assert (numbers(first), numbers(second)) == ([4, 3, 2], [1])
    assert (first.total, second.next) == (4, None)


@pytest.mark.usefixtures("past")
async def test_builds_of_all_apps_name_their_app(bitrise: PracticeBitrise, shop: App, client: BitriseClient) -> None:
    other = bitrise.add_app("Elsewhere", bitrise.add_workspace("Other"))
    bitrise.start_build(other)
    page = await client.list_all_builds(limit=2)
    assert [(build.app_slug, build.app_title) for build in page.items] == [
        (other.slug, "Elsewhere"),
        (shop.slug, "iOS Shop"),
    ]
    rest = await client.list_all_builds(next=page.next)
    assert numbers(rest) == [3, 2, 1]
    running = await client.list_all_builds(status=0)
    assert {build.app_slug for build in running.items} == {shop.slug, other.slug}


@pytest.mark.usefixtures("past")
async def test_lists_always_request_an_order(bitrise: PracticeBitrise, shop: App, client: BitriseClient) -> None:
    await client.list_builds(shop.slug)
    await client.list_apps()
    await client.list_all_apps()
    assert [entry.request["query"]["sort_by"] for entry in bitrise.journal] == [
        "created_at",
        "last_build_at",
        "created_at",
    ]


# One build, one pipeline.


async def test_a_build_from_hold_to_end(
    bitrise: PracticeBitrise, shop: App, client: BitriseClient, clock: SteppedClock, time: Callable[..., None]
) -> None:
    started = bitrise.start_build(shop, workflow="deploy", branch="main", triggered_by="manual-ana", commit_hash="a1b2")
    waiting = await client.get_build(shop.slug, started.slug)
    assert (waiting.slug, waiting.app_slug, waiting.number) == (started.slug, shop.slug, 1)
    assert (waiting.status, waiting.status_text, waiting.is_on_hold) == (0, "on-hold", True)
    assert (waiting.triggered_at, waiting.started_at, waiting.finished_at) == (clock.now(), None, None)
    assert (waiting.pull_request_id, waiting.pipeline, waiting.is_pipeline) == (None, None, False)
    time(minutes=8)
    finished = await client.get_build(shop.slug, started.slug)
    assert (finished.status, finished.status_text, finished.is_on_hold) == (1, "success", False)
    assert (finished.workflow, finished.branch, finished.triggered_by, finished.commit_hash) == (
        "deploy", "main", "manual-ana", "a1b2",
    )  # fmt: skip
    assert finished.started_at is not None
    assert finished.finished_at == finished.started_at + timedelta(minutes=7)
    assert finished.credit_cost == 14


async def test_a_pipeline_is_a_build_too(shop: App, client: BitriseClient, time: Callable[..., None]) -> None:
    answer = await client.trigger_build(
        TriggerParams(shop.slug, pipeline="release", branch="main", environment=(("BUILDBELL_REQUEST", "r-1"),))
    )
    [started] = answer.builds
    assert (started.pipeline, started.workflow) == ("release", None)
    pipeline = await client.get_pipeline(shop.slug, started.slug)
    assert (pipeline.slug, pipeline.app_slug, pipeline.number) == (started.slug, shop.slug, started.number)
    assert (pipeline.is_pipeline, pipeline.pipeline, pipeline.workflow) == (True, "release", None)
    assert (pipeline.status, pipeline.status_text, pipeline.is_on_hold) == (0, "on_hold", True)
    assert pipeline.branch == "main"
    assert pipeline.requested is not None
    assert pipeline.requested.request_id == "r-1"
    time(minutes=30)
    ended = await client.get_pipeline(shop.slug, started.slug)
    assert (ended.status, ended.status_text) == (1, "succeeded")
    assert ended.finished_at is not None


async def test_pipelines_have_a_list_of_their_own(
    bitrise: PracticeBitrise, shop: App, client: BitriseClient, clock: SteppedClock, time: Callable[..., None]
) -> None:
    old = await client.trigger_build(TriggerParams(shop.slug, pipeline="release"))
    time(hours=2)
    new = await client.trigger_build(
        TriggerParams(shop.slug, pipeline="release", environment=(("BUILDBELL_REQUEST", "r-2"),), triggered_by="me")
    )
    bitrise.start_build(shop, workflow="deploy")
    since_ever = await client.list_pipelines(shop.slug, after=clock.now() - timedelta(days=1))
    assert [run.slug for run in since_ever] == [new.builds[0].slug, old.builds[0].slug]
    [recent] = await client.list_pipelines(shop.slug, after=clock.now() - timedelta(hours=1))
    assert (recent.is_pipeline, recent.pipeline, recent.number) == (True, "release", new.builds[0].number)
    assert (recent.triggered_by, recent.status, recent.triggered_at) == ("me", 0, clock.now())
    assert recent.requested is not None
    assert recent.requested.request_id == "r-2"


async def test_missing_build_is_not_found(shop: App, client: BitriseClient) -> None:
    with pytest.raises(BitriseNotFound) as caught:
        await client.get_build(shop.slug, "0123456789abcdef")
    assert caught.value.sentence == "Not found in Bitrise (HTTP 404), or the token has no access"
    assert caught.value.status == 404


# Starting.


async def test_a_start(bitrise: PracticeBitrise, shop: App, client: BitriseClient) -> None:
    answer = await client.trigger_build(
        TriggerParams(
            shop.slug,
            workflow="deploy",
            branch="release/3.2",
            commit="a1b2c3d",
            commit_message="Fix",
            environment=(("FLAVOR", "$beta ä"), ("EMPTY", ""), ("BUILDBELL_REQUEST", "r-1")),
            triggered_by="buildbell-ana-r-1",
        )
    )
    [build] = bitrise.builds(shop)
    assert (answer.builds, answer.refusals) == ((TriggeredBuild(build.slug, 1, "deploy"),), ())
    assert bitrise.triggers[0].body == {
        "hook_info": {"type": "bitrise"},
        "build_params": {
            "workflow_id": "deploy",
            "branch": "release/3.2",
            "commit_hash": "a1b2c3d",
            "commit_message": "Fix",
            "environments": [
                {"key": "FLAVOR", "value": "$beta ä", "is_expand": False},
                {"key": "EMPTY", "value": "", "is_expand": False},
                {"key": "BUILDBELL_REQUEST", "value": "r-1", "is_expand": False},
            ],
        },
        "triggered_by": "buildbell-ana-r-1",
    }
    current = await client.get_build(shop.slug, build.slug)
    assert current.requested is not None
    assert (current.requested.request_id, current.triggered_by) == ("r-1", "buildbell-ana-r-1")
    assert current.requested.environments[0].value == "$beta ä"


async def test_a_start_by_tag_sends_nothing_that_was_not_given(
    bitrise: PracticeBitrise, shop: App, client: BitriseClient
) -> None:
    await client.trigger_build(TriggerParams(shop.slug, workflow="primary", tag="v3"))
    assert bitrise.triggers[0].body == {
        "hook_info": {"type": "bitrise"},
        "build_params": {"workflow_id": "primary", "tag": "v3"},
    }


async def test_a_trigger_map_may_start_several(bitrise: PracticeBitrise, shop: App, client: BitriseClient) -> None:
    answer = await client.trigger_build(TriggerParams(shop.slug, branch="release/3.2"))
    assert [item.workflow for item in answer.builds] == ["primary", "deploy"]
    assert [item.slug for item in answer.builds] == [build.slug for build in bitrise.builds(shop)]


async def test_some_may_be_started_and_some_refused(bitrise: PracticeBitrise, shop: App, client: BitriseClient) -> None:
    answer = await client.trigger_build(TriggerParams(shop.slug, branch="odd"))
    assert [item.workflow for item in answer.builds] == ["primary"]
    assert answer.refusals == ("workflow (removed) did not match any workflows defined in app config",)
    assert len(bitrise.builds(shop)) == 1


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        (
            {"workflow": "nope"},
            "workflow (nope) did not match any workflows defined in app config",
        ),
        (
            {"pipeline": "nope"},
            "pipeline (nope) did not match any pipelines defined in app config",
        ),
        (
            {"branch": "nope"},
            "no matching pipeline & workflow found with trigger params: push: nope",
        ),
    ],
)
async def test_a_start_that_is_refused(
    bitrise: PracticeBitrise, shop: App, client: BitriseClient, params: dict[str, str], sentence: str
) -> None:
    with pytest.raises(BitriseRefused) as caught:
        await client.trigger_build(TriggerParams(app_slug=shop.slug, **params))  # type: ignore[arg-type]
    assert caught.value.sentence == sentence
    assert bitrise.builds(shop) == []


async def test_tester_can_list_builds_but_not_start_one(
    bitrise: PracticeBitrise, shop: App, make_client: MakeClient
) -> None:
    client = make_client(secret=bitrise.add_token(bitrise.add_user("tester"), role="tester"))
    await client.list_builds(shop.slug)
    with pytest.raises(BitriseNotFound):
        await client.trigger_build(TriggerParams(shop.slug, workflow="deploy"))
    bitrise.refusal_status = 403
    with pytest.raises(BitriseNotFound) as caught:
        await client.trigger_build(TriggerParams(shop.slug, workflow="deploy"))
    assert caught.value.status == 403


# Aborting.


async def test_abort_sends_the_reason(bitrise: PracticeBitrise, shop: App, client: BitriseClient) -> None:
    build = bitrise.start_build(shop, workflow="endless")
    await client.abort_build(shop.slug, build.slug, reason="[stuck] hangs (Bo, @bo, via Buildbell)")
    assert bitrise.journal.named("builds.abort")[0].request["body"] == {
        "abort_reason": "[stuck] hangs (Bo, @bo, via Buildbell)",
        "abort_with_success": False,
        "skip_notifications": False,
        "skip_git_status_report": False,
    }
    current = await client.get_build(shop.slug, build.slug)
    assert current.status == 3
    assert current.abort_reason is not None
    assert current.abort_reason.endswith("with reason: [stuck] hangs (Bo, @bo, via Buildbell)")


async def test_abort_reported_as_passed_without_notifications(
    bitrise: PracticeBitrise, shop: App, client: BitriseClient
) -> None:
    build = bitrise.start_build(shop, workflow="endless")
    await client.abort_build(
        shop.slug, build.slug, reason="no changes", with_success=True, skip_notifications=True, skip_git_status=True
    )
    [accepted] = bitrise.aborts
    assert accepted.with_success
    assert accepted.skip_notifications
    assert accepted.skip_git_status_report
    assert (await client.get_build(shop.slug, build.slug)).status == 4


async def test_second_abort_is_refused(bitrise: PracticeBitrise, shop: App, client: BitriseClient) -> None:
    build = bitrise.start_build(shop, workflow="endless")
    await client.abort_build(shop.slug, build.slug, reason="once")
    with pytest.raises(BitriseRefused) as caught:
        await client.abort_build(shop.slug, build.slug, reason="twice")
    assert caught.value.sentence == "Build already finished, can't abort it."


async def test_pipeline_is_aborted_without_git_status(
    shop: App, bitrise: PracticeBitrise, client: BitriseClient
) -> None:
    answer = await client.trigger_build(TriggerParams(shop.slug, pipeline="release"))
    [run] = answer.builds
    await client.abort_build(shop.slug, run.slug, is_pipeline=True, reason="wrong branch", with_success=True)
    pipeline = await client.get_pipeline(shop.slug, run.slug)
    assert (pipeline.status, pipeline.status_text) == (4, "succeeded_with_abort")
    assert bitrise.journal.named("pipelines.abort")[0].request["body"] == {
        "abort_reason": "wrong branch",
        "abort_with_success": True,
        "skip_notifications": False,
    }
    with pytest.raises(BitriseRefused):
        await client.abort_build(shop.slug, run.slug, is_pipeline=True, reason="again")


# Logs and artifacts.


async def test_log_starts_late_grows_and_is_archived(
    bitrise: PracticeBitrise, shop: App, client: BitriseClient, time: Callable[..., None]
) -> None:
    build = bitrise.start_build(shop, workflow="deploy")
    with pytest.raises(BitriseNotFound):
        await client.get_log(shop.slug, build.slug)
    time(minutes=5)
    part = await client.get_log(shop.slug, build.slug)
    assert [chunk.position for chunk in part.chunks] == list(range(1, len(part.chunks) + 1))
    assert "git-clone" in "".join(chunk.text for chunk in part.chunks)
    assert not part.is_archived
    time(minutes=10)
    whole = await client.get_log(shop.slug, build.slug)
    assert whole.is_archived
    assert whole.expiring_raw_log_url is not None
    assert whole.expiring_raw_log_url not in repr(whole)


async def test_artifacts_one_by_one_and_all(
    bitrise: PracticeBitrise, shop: App, client: BitriseClient, time: Callable[..., None]
) -> None:
    build = bitrise.start_build(shop, workflow="deploy")
    time(minutes=10)
    page = await client.list_artifacts(shop.slug, build.slug, limit=1)
    rest = await client.list_artifacts(shop.slug, build.slug, next=page.next)
    assert [item.title for item in (*page.items, *rest.items)] == ["Shop.ipa", "log.txt"]
    assert (page.items[0].kind, page.items[0].size_bytes, page.items[0].is_public) == ("ios-ipa", 3_558_274, True)
    one = await client.get_artifact(shop.slug, build.slug, page.items[0].slug)
    assert one.install_page_url is not None
    other = await client.get_artifact(shop.slug, build.slug, rest.items[0].slug)
    assert other.install_page_url is None


# Every call.


@pytest.mark.skipif(not openapi.is_at_hand(), reason=openapi.WHY_SKIPPED)
async def test_every_call_fits_the_description(
    bitrise: PracticeBitrise, shop: App, client: BitriseClient, clock: SteppedClock, time: Callable[..., None]
) -> None:
    await client.me()
    await client.list_apps()
    await client.get_app(shop.slug)
    variables = (("FLAVOR", "beta"), ("EMPTY", ""))
    started = await client.trigger_build(
        TriggerParams(shop.slug, "deploy", None, "main", "v1", "a1", variables, "buildbell-ana-1", "Fix")
    )
    run = await client.trigger_build(TriggerParams(shop.slug, pipeline="release"))
    time(minutes=1)
    build, pipeline = started.builds[0].slug, run.builds[0].slug
    await client.get_build(shop.slug, build)
    await client.get_pipeline(shop.slug, pipeline)
    every = BuildFilters("main", "deploy", 0, 1, clock.now(), clock.now(), "Fix", "push", build, 10)
    await client.list_builds(shop.slug, every)
    await client.list_all_builds(status=0, next=build, limit=50)
    await client.list_pipelines(shop.slug, after=clock.now())
    await client.get_log(shop.slug, build)
    await client.list_artifacts(shop.slug, build)
    await client.list_branches(shop.slug)
    await client.list_workflows(shop.slug)
    await client.abort_build(shop.slug, build, reason="x")
    await client.abort_build(shop.slug, pipeline, is_pipeline=True, reason="x")
    assert len(bitrise.journal) == 16
    assert openapi.described().problems(bitrise.journal) == []


async def test_a_revoked_token_is_not_accepted(bitrise: PracticeBitrise, client: BitriseClient, token: str) -> None:
    bitrise.revoke(token)
    with pytest.raises(BitriseUnauthorized) as caught:
        await client.list_apps(limit=1)
    assert (caught.value.sentence, caught.value.status) == ("Bitrise rejected the token (HTTP 401)", 401)


async def test_every_call_is_logged_with_its_facts(
    shop: App, client: BitriseClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "bot.bitrise"):
        await client.get_app(shop.slug)
        with pytest.raises(BitriseNotFound):
            await client.get_build(shop.slug, "nowhere")
    facts = [
        (record.__dict__["method"], record.__dict__["path"], record.__dict__["status"]) for record in caplog.records
    ]
    assert facts == [("GET", "/apps/{app}", 200), ("GET", "/apps/{app}/builds/{build}", 404)]
    assert all(isinstance(record.__dict__["ms"], int) for record in caplog.records)
