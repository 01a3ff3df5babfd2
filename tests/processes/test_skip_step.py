"""The script that is pasted at Bitrise, run by bash as it is: against the bot, nobody, and one who only listens."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from commands import skip_step
from playground.bitrise import Build
from playground.bot_process import free_port
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
ROOT = Path(__file__).parents[2]
SECRET = re.compile(r"bbskip_[0-9a-f]{32}_[0-9a-f]{64}")
COMMIT = "a1b2c3d4" * 5
pytestmark = pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl")


@pytest.fixture
async def world(open_world: OpenWorld) -> World:
    port = free_port()
    return await open_world(port=port, public_url=f"http://127.0.0.1:{port}")


async def build_and_secret(world: World) -> tuple[Build, str]:
    await world.say("/build skip-step shop", by=world.ada)
    found = SECRET.search(world.whispers(world.ada)[-1])
    assert found
    build = world.bitrise.start_build(world.shop, workflow="deploy", commit_hash=COMMIT)
    await world.passes(minutes=1)
    return build, found.group()


def inside(build: Build, secret: str | None) -> dict[str, str]:
    """The variables of a step, with a wait that is no wait."""
    variables = {
        "BITRISE_APP_SLUG": build.app.slug,
        "BITRISE_BUILD_SLUG": build.slug,
        "BITRISE_BUILD_NUMBER": str(build.number),
        "BITRISE_GIT_COMMIT": COMMIT,
        "SKIP_WAIT": "0",
        "SKIP_PAUSES": "0 0",
    }
    return variables | ({} if secret is None else {"BUILDBELL_SKIP_SECRET": secret})


async def run(url: str, variables: dict[str, str]) -> tuple[int, str]:
    """Exit code, and what is in the build's log."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", skip_step.script(url), env={"PATH": "/usr/local/bin:/usr/bin:/bin"} | variables,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await process.communicate()
    return process.returncode or 0, told.decode()


def address(world: World) -> str:
    return f"http://127.0.0.1:{world.bot.port}/ci/skip"


def nobody_listens() -> str:
    return f"http://127.0.0.1:{free_port()}/ci/skip"


async def test_the_build_is_stopped_with_the_words_it_gave(world: World) -> None:
    build, secret = await build_and_secret(world)
    words = {"SKIP_SENTENCE": 'nothing in "apps/shop" & 100% of ünits\nhas changed'}
    code, told = await run(address(world), inside(build, secret) | words)
    await world.settled()
    assert code == 0
    assert "and reporting it as passed (no changes)." in told
    [call] = world.bitrise.aborts
    said = '[no-changes] nothing in "apps/shop" & 100% of ünits has changed'
    assert (call.build, call.reason) == (build, f"{said} (step of #{build.number}, via Buildbell)")


async def test_a_second_run_is_told_that_it_is_done(world: World) -> None:
    build, secret = await build_and_secret(world)
    await run(address(world), inside(build, secret))
    await world.settled()
    _, told = await run(address(world), inside(build, secret))
    assert "has already finished (skipped" in told or "is already stopping" in told
    assert len(world.bitrise.aborts) == 1


async def test_a_start_from_slack_carries_its_id(world: World) -> None:
    _, secret = await build_and_secret(world)
    await world.say("/build shop deploy release")
    await world.passes(minutes=1)
    build = world.builds()[-1]
    own = {"BITRISE_GIT_COMMIT": "", "BUILDBELL_REQUEST": build.environments["BUILDBELL_REQUEST"]}
    await run(address(world), inside(build, secret) | own)
    await world.settled()
    assert [call.build for call in world.bitrise.aborts] == [build]


@pytest.mark.parametrize(("strict", "code"), [("0", 0), ("1", 77)])
async def test_with_a_wrong_secret_the_build_goes_on(world: World, strict: str, code: int) -> None:
    build, secret = await build_and_secret(world)
    wrong = inside(build, secret[:-4] + "0000") | {"SKIP_STRICT": strict}
    ended, told = await run(address(world), wrong)
    assert (ended, "Unknown build" in told, "Continuing the build." in told) == (code, True, True)
    assert not world.bitrise.aborts


@pytest.mark.parametrize(("strict", "code"), [("0", 0), ("1", 77)])
async def test_without_a_secret_the_build_goes_on(world: World, strict: str, code: int) -> None:
    build, _ = await build_and_secret(world)
    ended, told = await run(address(world), inside(build, None) | {"SKIP_STRICT": strict})
    assert (ended, "BUILDBELL_SKIP_SECRET is not set." in told) == (code, True)


@pytest.mark.parametrize(("strict", "code"), [("0", 0), ("1", 75)])
async def test_while_the_bot_is_away_the_build_goes_on(world: World, strict: str, code: int) -> None:
    build, secret = await build_and_secret(world)
    ended, told = await run(nobody_listens(), inside(build, secret) | {"SKIP_STRICT": strict})
    assert (ended, "No response. Continuing the build." in told) == (code, True)


@pytest.mark.parametrize(("strict", "code"), [("0", 0), ("1", 75)])
async def test_a_bot_that_does_not_answer_is_not_waited_for(world: World, strict: str, code: int) -> None:
    build, secret = await build_and_secret(world)
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())  # until the other side has had enough
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ci/skip"
    quick = {"SKIP_SECONDS": "0.3", "SKIP_PAUSES": "0", "SKIP_STRICT": strict}
    ended, told = await run(url, inside(build, secret) | quick)
    server.close()
    await server.wait_closed()
    assert (ended, "No response. Continuing the build." in told) == (code, True)
    assert heard[0].startswith(b"POST /ci/skip HTTP/1.1")


async def test_a_stop_that_does_not_come_is_said(world: World) -> None:
    build, secret = await build_and_secret(world)
    ended, told = await run(address(world), inside(build, secret) | {"SKIP_STRICT": "1"})
    assert (ended, "The build was not stopped within 0 s. Continuing the build." in told) == (75, True)


async def test_the_secret_is_not_in_the_builds_log(world: World) -> None:
    build, secret = await build_and_secret(world)
    for url in (address(world), nobody_listens()):
        _, told = await run(url, inside(build, secret))
        assert "Buildbell: " in told
        assert secret not in told


async def test_outside_of_bitrise_nothing_is_asked(world: World) -> None:
    build, secret = await build_and_secret(world)
    _, told = await run(address(world), inside(build, secret) | {"BITRISE_BUILD_SLUG": ""})
    assert "This isn't a Bitrise build." in told


def test_the_script_on_the_page_is_the_one_that_is_shown() -> None:
    page = (ROOT / "docs" / "skip-step.md").read_text()
    shown = re.search(r"<!-- script -->\n```bash\n(.*)```\n<!-- /script -->", page, re.DOTALL)
    assert shown
    assert shown[1] == skip_step.script(skip_step.EXAMPLE_URL)
    assert shown[1].count(skip_step.EXAMPLE_URL) == 1


def test_the_page_names_every_variable_of_the_script() -> None:
    page = (ROOT / "docs" / "skip-step.md").read_text()
    used = set(re.findall(r"\bSKIP_[A-Z]+", skip_step.script("")))
    assert {name for name in used if f"| `{name}`" not in page} == set()
