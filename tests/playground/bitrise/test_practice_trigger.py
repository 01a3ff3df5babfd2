"""Start builds through the API: accepted and refused requests, and their responses."""

from __future__ import annotations

from typing import Any

import pytest

from playground.bitrise import App, PracticeBitrise
from tests.playground.bitrise import openapi
from tests.playground.bitrise.conftest import Caller

HOOK = {"type": "bitrise"}


async def test_one_workflow_starts_one_build(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    reply = await bot.trigger(shop, workflow_id="deploy", branch="main")
    [build] = bitrise.builds(shop)
    started = {
        "build_slug": build.slug,
        "build_number": 1,
        "build_url": f"{bitrise.site_url}/build/{build.slug}",
        "triggered_workflow": "deploy",
        "message": "webhook processed",
        "status": "ok",
    }
    assert reply.status == 201
    assert reply.body == {**started, "slug": shop.slug, "service": "bitrise", "results": [started]}


async def test_what_was_sent_is_kept(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    params = {
        "workflow_id": "deploy",
        "branch": "main",
        "commit_message": "Fix <!channel> & more",
        "priority": 5,
        "environments": [{"key": "BUILDBELL_REQUEST", "value": "r1", "is_expand": False}],
    }
    reply = await bot.trigger(shop, {"triggered_by": "buildbell-ana-r1"}, **params)
    shown = (await bot.get(f"/apps/{shop.slug}/builds/{reply.body['build_slug']}")).data
    assert shown["original_build_params"] == params
    assert (shown["triggered_by"], shown["commit_message"]) == ("buildbell-ana-r1", "Fix <!channel> & more")
    [call] = bitrise.triggers
    assert (call.owner, call.app) == ("bitrise-bot", shop)
    assert [build.environments for build in call.builds] == [{"BUILDBELL_REQUEST": "r1"}]


async def test_nobody_is_named_without_triggered_by(shop: App, bot: Caller) -> None:
    reply = await bot.trigger(shop, branch="main", workflow_id="primary")
    shown = (await bot.get(f"/apps/{shop.slug}/builds/{reply.body['build_slug']}")).data
    unset = ("triggered_by", "tag", "commit_hash", "commit_view_url", "finished_at", "abort_reason", "credit_cost")
    assert [shown[name] for name in unset] == [None] * len(unset)
    assert shown["pull_request_id"] == 0


async def test_the_trigger_map_may_start_several(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    reply = await bot.trigger(shop, branch="release/3.2")
    assert [each["triggered_workflow"] for each in reply.body["results"]] == ["primary", "deploy"]
    assert [build.number for build in bitrise.builds()] == [1, 2]
    assert len(bitrise.triggers) == 1


async def test_results_may_be_mixed(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    reply = await bot.trigger(shop, branch="odd")
    bad, good = reply.body["results"]
    assert reply.status == 201
    assert bad == {
        "status": "error",
        "message": "workflow (removed) did not match any workflows defined in app config",
    }
    assert (good["status"], reply.body["build_slug"]) == ("ok", good["build_slug"])


async def test_a_tag_takes_its_own_rules(shop: App, bot: Caller) -> None:
    reply = await bot.trigger(shop, tag="v1.0")
    assert [each["triggered_workflow"] for each in reply.body["results"]] == ["deploy"]


async def test_no_rule_no_build(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    reply = await bot.trigger(shop, branch="unheard-of")
    assert (reply.status, reply.body["status"], bitrise.builds()) == (400, "error", [])


async def test_an_unknown_workflow_is_told_in_the_shape_of_a_trigger(shop: App, bot: Caller) -> None:
    reply = await bot.trigger(shop, workflow_id="nope", branch="main")
    assert reply.status == 400
    assert reply.body == {
        "status": "error",
        "message": "workflow (nope) did not match any workflows defined in app config",
        "service": "bitrise",
        "slug": shop.slug,
    }


async def test_there_is_no_idempotency(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    for _ in range(2):
        await bot.trigger(shop, {"triggered_by": "same"}, workflow_id="primary", branch="main")
    assert len(bitrise.builds()) == 2


async def test_the_body_may_be_wrapped_in_payload(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    body = {"payload": {"hook_info": HOOK, "build_params": {"branch": "main"}}}
    assert (await bot.post(f"/apps/{shop.slug}/builds", body)).status == 201
    assert len(bitrise.builds()) == 1


async def test_a_content_type_is_needed(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    reply = await bot.send("POST", f"/apps/{shop.slug}/builds", data=b'{"hook_info": {"type": "bitrise"}}')
    assert (reply.status, bitrise.builds()) == (400, [])
    assert "not a valid JSON request" in reply.body["error_msg"]


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"build_params": {"branch": "main"}},
        {"hook_info": {"type": "github"}, "build_params": {"branch": "main"}},
        {"hook_info": HOOK},
        {"hook_info": HOOK, "build_params": {}},
        {"hook_info": HOOK, "build_params": {"commit_message": "only this"}},
        {"hook_info": HOOK, "build_params": {"branch": "main", "workflow_id": 7}},
        {"hook_info": HOOK, "build_params": {"branch": "main", "priority": 101}},
        {"hook_info": HOOK, "build_params": {"branch": "main", "priority": "1"}},
        {"hook_info": HOOK, "build_params": {"branch": "main", "environments": {"A": "b"}}},
        {"hook_info": HOOK, "build_params": {"branch": "main", "environments": [{"value": "b"}]}},
        {"hook_info": HOOK, "build_params": {"branch": "main", "environments": [{"key": "A", "value": 1}]}},
        {"hook_info": HOOK, "build_params": {"branch": "main", "skip_git_status_report": "yes"}},
        {"hook_info": HOOK, "build_params": {"workflow_id": "primary", "pipeline_id": "release"}},
        {"hook_info": HOOK, "build_params": {"branch": "main"}, "triggered_by": 7},
    ],
)
async def test_what_is_not_right_starts_nothing(bitrise: PracticeBitrise, shop: App, bot: Caller, body: Any) -> None:
    reply = await bot.post(f"/apps/{shop.slug}/builds", body)
    assert (reply.status, bitrise.builds(), bitrise.triggers) == (400, [], [])


async def test_the_requests_fit_the_description(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    if not openapi.is_at_hand():
        pytest.skip(openapi.WHY_SKIPPED)
    variables = [{"key": "A", "value": "b", "is_expand": False}]
    reply = await bot.trigger(
        shop, {"triggered_by": "x"}, branch="main", workflow_id="primary", pull_request_id=3, environments=variables
    )
    abort = {
        "abort_reason": "why",
        "abort_with_success": False,
        "skip_notifications": False,
        "skip_git_status_report": False,
    }
    await bot.post(f"/apps/{shop.slug}/builds/{reply.body['build_slug']}/abort", abort)
    await bot.get(f"/apps/{shop.slug}/builds", status=0, sort_by="created_at", limit=50)
    assert openapi.described().problems(bitrise.journal) == []


async def test_a_request_that_does_not_fit_is_noticed(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    if not openapi.is_at_hand():
        pytest.skip(openapi.WHY_SKIPPED)
    await bot.trigger(shop, branch="main", workflw_id="primary")
    await bot.get(f"/apps/{shop.slug}/builds", workflow_id="primary", limit=51)
    problems = openapi.described().problems(bitrise.journal)
    assert len(problems) == 3
    assert "workflw_id" in problems[0]
