"""Builds of forks that wait for approval, and apps whose builds are disabled."""

from __future__ import annotations

from typing import Any

import pytest

from playground.bitrise import App, PracticeBitrise
from tests.playground.bitrise import openapi
from tests.playground.bitrise.conftest import Caller

OWN = {"branch_repo_owner": "acme", "branch_dest_repo_owner": "acme"}
FORK = {"branch_repo_owner": "mallory", "branch_dest_repo_owner": "acme"}


@pytest.mark.parametrize(
    ("owners", "setting", "waits"),
    [
        (FORK, {"approves_forks": True}, True),
        (FORK, {"is_public": True}, True),
        (FORK, {}, False),
        (OWN, {"approves_forks": True}, False),
        ({}, {"approves_forks": True}, True),
    ],
    ids=["fork", "public app", "without approval", "own repository", "owners left out"],
)
async def test_builds_of_forks_wait_for_approval(
    bitrise: PracticeBitrise, shop: App, bot: Caller, owners: dict[str, str], setting: dict[str, bool], waits: bool
) -> None:
    for name, value in setting.items():
        setattr(shop, name, value)
    params: dict[str, Any] = {"workflow_id": "deploy", "branch": "fix", "branch_dest": "main", **owners}
    reply = await bot.trigger(shop, pull_request_id=12, **params)
    assert (reply.status, reply.body["results"] == [], bitrise.builds() == []) == (201, waits, waits)
    listed = (await bot.get(f"/apps/{shop.slug}/build-requests")).body["data"]
    assert [each["build_params"]["branch"] for each in listed] == (["fix"] if waits else [])


@pytest.mark.parametrize("is_approved", [True, False])
async def test_an_answer_ends_the_wait(bitrise: PracticeBitrise, shop: App, bot: Caller, is_approved: bool) -> None:
    shop.approves_forks = True
    await bot.trigger(shop, workflow_id="deploy", branch="fix", branch_dest="main")
    [request] = shop.build_requests
    path = f"/apps/{shop.slug}/build-requests/{request.slug}"
    assert (await bot.send("PATCH", path, json={"is_approved": "yes"})).status == 400
    assert (await bot.send("PATCH", path, json={"is_approved": is_approved})).status == 200
    assert [build.params["build_request_slug"] for build in bitrise.builds()] == [request.slug] * is_approved
    assert (await bot.send("PATCH", path, json={"is_approved": True})).status == 404


async def test_disabled_app_starts_nothing(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    shop.is_disabled = True
    reply = await bot.trigger(shop, workflow_id="deploy", branch="main")
    assert (reply.status, reply.body["status"]) == (400, "error")
    assert bitrise.push(shop) == []
    assert (await bot.get(f"/apps/{shop.slug}")).data["is_disabled"] is True


@pytest.mark.skipif(not openapi.is_at_hand(), reason=openapi.WHY_SKIPPED)
async def test_requests_are_as_described(bitrise: PracticeBitrise, shop: App, bot: Caller) -> None:
    shop.approves_forks = True
    await bot.trigger(shop, workflow_id="deploy", branch="fix", branch_dest="main", pull_request_id=12)
    await bot.get(f"/apps/{shop.slug}/build-requests")
    await bot.send(
        "PATCH", f"/apps/{shop.slug}/build-requests/{shop.build_requests[0].slug}", json={"is_approved": True}
    )
    assert openapi.described().problems(bitrise.journal) == []
