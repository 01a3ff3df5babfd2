"""A fork's pull request from a branch called main is not our main."""

from __future__ import annotations

from typing import Any

from playground.bitrise import Build
from tests.world import World

PUSH = "webhook-github/octocat"


def fork(number: int = 12, branch: str = "main", owner: str = "mallory", commit: str = "f") -> dict[str, Any]:
    """``build_params`` as Bitrise's webhook service sends them for a pull request of a fork."""
    return {
        "pull_request_id": number,
        "branch": branch,
        "branch_dest": "main",
        "branch_repo_owner": owner,
        "branch_dest_repo_owner": "acme",
        "head_repository_url": f"https://github.com/{owner}/shop.git",
        "base_repository_url": "https://github.com/acme/shop.git",
        "pull_request_repository_url": f"https://github.com/{owner}/shop.git",
        "pull_request_head_branch": f"pull/{number}/head",
        "pull_request_merge_branch": f"pull/{number}/merge",
        "commit_hash": commit * 40,
        "commit_message": "from a fork",
    }


async def subscribe(world: World, text: str) -> None:
    await world.say(f"/build subscribe {text}")
    await world.passes(seconds=20)


async def ends(world: World, outcome: Any = "failed", **facts: Any) -> Build:
    build = world.bitrise.start_build(world.shop, workflow="endless", **{"triggered_by": PUSH, **facts})
    await world.passes(minutes=2)
    world.bitrise.finish(build, outcome)
    await world.passes(minutes=2)
    return build


def told(world: World) -> list[str]:
    return [world.read(each) for each in world.cards() if "subscribed this channel" not in each.text]


async def test_a_forks_main_does_not_break_our_main(world: World) -> None:
    """Reported as Submitty/Submitty#10134."""
    await subscribe(world, "shop branch:main cause:!pull-request style:changes")
    await ends(world, "success", branch="main", commit_hash="a" * 40)
    await ends(world, "failed", **fork())
    await ends(world, "success", branch="main", commit_hash="b" * 40)
    assert told(world) == []  # main was never red


async def test_a_failure_of_main_is_not_fixed_by_a_fork(world: World) -> None:
    """The fork's passed build must not end main's failing period."""
    await subscribe(world, "shop branch:main style:changes")
    await ends(world, "failed", branch="main", commit_hash="a" * 40)
    await ends(world, "success", **fork())
    assert not any("Fixed" in text for text in told(world))


async def test_figures_of_main_do_not_count_forks(world: World) -> None:
    await ends(world, "success", branch="main", commit_hash="a" * 40)
    await ends(world, "failed", **fork())
    await world.passes(minutes=10)
    await world.say("/build stats shop 7d branch:main")
    await world.passes(seconds=10)
    assert "*100% success* (1 of 1)" in world.whispers()[-1]


async def test_a_fork_is_not_followed_as_our_main(world: World) -> None:
    await subscribe(world, "shop branch:main style:line")
    await ends(world, "failed", **fork())
    assert told(world) == []
    await ends(world, "failed", branch="main", commit_hash="a" * 40)
    assert len(told(world)) == 1


async def test_two_pull_requests_from_branches_of_one_name_are_two(world: World) -> None:
    await subscribe(world, "shop style:changes")
    await ends(world, "success", **fork(12, commit="c"))
    await ends(world, "failed", **fork(13, owner="trudy", commit="d"))
    await ends(world, "success", **fork(12, commit="e"))
    assert not any("Fixed" in text for text in told(world))


async def test_a_pull_request_has_a_thread_of_its_own(world: World) -> None:
    await subscribe(world, "shop style:thread")
    await ends(world, "failed", branch="main", commit_hash="a" * 40)
    await ends(world, "failed", **fork())
    roots = [card for card in world.cards() if "subscribed this channel" not in card.text and not card.thread_ts]
    assert len(roots) == 2


async def test_a_list_of_main_does_not_show_forks(world: World) -> None:
    ours = await ends(world, "success", branch="main", commit_hash="a" * 40)
    theirs = await ends(world, "failed", **fork())
    await world.say("/build list shop branch:main")
    await world.passes(seconds=10)
    assert f"#{ours.number}" in world.whispers()[-1]
    assert f"#{theirs.number}" not in world.whispers()[-1]


async def test_builds_of_a_forks_main_are_not_older_builds_of_ours(world: World) -> None:
    """Neither the button of a card counts them, nor the command."""
    for params in (fork(), {"branch": "main", "commit_hash": "a" * 40}, fork(13, owner="trudy")):
        world.bitrise.start_build(world.shop, workflow="endless", triggered_by=PUSH, **params)
    await world.passes(minutes=1)
    newer = world.bitrise.start_build(
        world.shop, workflow="endless", triggered_by=PUSH, branch="main", commit_hash="b" * 40
    )
    await world.passes(seconds=30)
    await world.say(f"/build shop #{newer.number}")
    await world.passes(seconds=30)
    assert "[Stop 1 older build…]" in world.read(world.card)
    await world.say("/build abort shop older branch:main")
    await world.settled()
    assert "1 build of" in world.modal_text()
