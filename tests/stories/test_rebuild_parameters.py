"""A rebuild sends every parameter of the build again, so that Bitrise builds the same code for the same check."""

from __future__ import annotations

from typing import Any

import pytest

from playground.bitrise import Build
from playground.bitrise.approvals import start_approved
from playground.bitrise.model import Status
from playground.wire import Fault
from tests.world import World

PULL_REQUEST: dict[str, Any] = {
    "pull_request_id": 12,
    "branch": "feature/x",
    "branch_dest": "main",
    "branch_repo_owner": "mallory",
    "branch_dest_repo_owner": "acme",
    "head_repository_url": "https://github.com/mallory/shop.git",
    "base_repository_url": "https://github.com/acme/shop.git",
    "pull_request_repository_url": "https://github.com/mallory/shop.git",
    "pull_request_head_branch": "pull/12/head",
    "pull_request_merge_branch": "pull/12/merge",
    "commit_hash": "f" * 40,
}


async def again(world: World, **params: Any) -> dict[str, Any]:
    """What is sent when somebody runs a build with these parameters again."""
    triggered_by = "webhook-github/octocat" if "pull_request_id" in params else None
    build = world.bitrise.start_build(world.shop, workflow="test", triggered_by=triggered_by, **params)
    await world.passes(minutes=6)
    await world.say(f"/build again shop #{build.number}")
    await world.passes(seconds=20)
    return dict(world.bitrise.triggers[-1].body["build_params"])


@pytest.mark.parametrize("name", [name for name in PULL_REQUEST if name not in ("branch", "commit_hash")])
async def test_a_pull_requests_build_is_that_of_the_pull_request_again(world: World, name: str) -> None:
    """Case 5. janinko/ghprb#193, Shippable/support#583, jenkinsci/ghprb-plugin#328."""
    assert (await again(world, **PULL_REQUEST)).get(name) == PULL_REQUEST[name]


async def test_what_was_expanded_is_expanded_again(world: World) -> None:
    """Case 6. The web page of Bitrise and its old trigger API send is_expand true, or nothing, which means true."""
    sent = await again(
        world, environments=[{"key": "VERSION", "value": "1.0.$BITRISE_BUILD_NUMBER", "is_expand": True}]
    )
    (version,) = [each for each in sent["environments"] if each["key"] == "VERSION"]
    assert version["is_expand"] is True


async def test_rebuild_of_a_forks_pull_request_clones_the_forks_commit(world: World) -> None:
    """In our repository there is no such commit: without the fork's address the clone fails."""
    first = world.bitrise.start_build(
        world.shop, workflow="test", triggered_by="webhook-github/mallory", **PULL_REQUEST
    )
    await world.passes(minutes=6)
    await world.say(f"/build again shop #{first.number}")
    await world.passes(minutes=6)
    assert [build.status for build in world.builds()] == [Status.SUCCESS, Status.SUCCESS]


async def test_rebuild_expands_its_variables_anew(world: World) -> None:
    version = {"key": "VERSION", "value": "1.0.$BITRISE_BUILD_NUMBER", "is_expand": True}
    plain = {"key": "PRICE", "value": "$5", "is_expand": False}
    await again(world, environments=[version, plain])
    seen = [(build.variables["VERSION"], build.variables["PRICE"]) for build in world.builds()]
    assert seen == [("1.0.1", "$5"), ("1.0.2", "$5")]


async def test_branch_of_a_fork_alone_cannot_be_built(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="test", triggered_by="webhook-github/mallory", **PULL_REQUEST)
    await world.say(f"/build shop test branch:{PULL_REQUEST['branch']}")
    await world.passes(minutes=6)
    assert world.builds()[-1].status is Status.FAILED
    assert "couldn't find remote ref refs/heads/feature/x" in "".join(world.thread(world.card))


async def rebuild_that_waits(world: World) -> Build:
    """A fork's pull request is built again in an app whose forks somebody has to approve."""
    first = world.bitrise.start_build(
        world.shop, workflow="test", triggered_by="webhook-github/mallory", **PULL_REQUEST
    )
    await world.passes(minutes=6)
    world.shop.approves_forks = True
    await world.say(f"/build again shop #{first.number}")
    await world.passes(minutes=1)
    return first


@pytest.mark.parametrize("fault", [None, "cut_after"], ids=["answered", "answer lost"])
async def test_rebuild_that_waits_for_approval_is_sent_once_and_gets_its_card(world: World, fault: str | None) -> None:
    if fault:
        world.bitrise.faults.add(Fault("builds.trigger", fault))
    first = await rebuild_that_waits(world)
    await world.passes(minutes=30)
    (request,) = world.shop.build_requests
    assert sum("somebody approves them in Bitrise" in each for each in world.whispers()) == 1
    start_approved(world.bitrise, world.shop, request)
    world.shop.build_requests.clear()
    await world.passes(minutes=6)
    assert [build.status for build in world.builds()] == [Status.SUCCESS, Status.SUCCESS]
    assert f"#{first.number + 1}" in world.read(world.card)


async def test_restart_while_a_build_waits_for_approval_sends_nothing_again(world: World) -> None:
    await rebuild_that_waits(world)
    await world.stop_bot()
    await world.start_bot()
    await world.passes(minutes=10)
    assert len(world.shop.build_requests) == 1


async def test_build_that_nobody_approves_is_reported_after_a_day(world: World) -> None:
    await rebuild_that_waits(world)
    world.shop.build_requests.clear()
    await world.passes(minutes=25 * 60)
    assert "Not started: nobody approved the build in Bitrise within a day." in world.whispers()[-1]
    assert len(world.builds()) == 1


async def test_commit_of_a_fork_alone_cannot_be_built(world: World) -> None:
    world.bitrise.start_build(world.shop, workflow="test", triggered_by="webhook-github/mallory", **PULL_REQUEST)
    await world.say(f"/build shop test commit:{PULL_REQUEST['commit_hash']} branch:main")
    await world.passes(minutes=6)
    assert world.builds()[-1].status is Status.FAILED
    assert "Failed in step git-clone" in "".join(world.thread(world.card))
    assert "not our ref" in "".join(world.thread(world.card))
