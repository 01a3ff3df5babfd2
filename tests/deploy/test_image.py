"""The Dockerfile: read as a builder reads it, and its healthcheck run as it stands."""

from __future__ import annotations

import asyncio
import fnmatch
import json
import shlex
import sys
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest
from aiohttp import web

from bot.settings import Settings
from bot.web.server import web_app
from tests.contexts import make_context
from tests.deploy.files import ROOT, instructions, last_stage, manifests, unknown_settings, variables

TEXT = (ROOT / "Dockerfile").read_text()
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
IMAGE = last_stage(TEXT)
ENVIRONMENT = variables(IMAGE)


def given(name: str) -> str:
    """What the one instruction of that name in the image is given."""
    (found,) = [given for each, given in IMAGE if each == name]
    return found


def uid() -> int:
    return int(given("USER").partition(":")[0])


# How it is made.


def test_two_stages_on_a_slim_python_that_we_know() -> None:
    (default,) = [given for name, given in instructions(TEXT) if name == "ARG"]
    assert [given for name, given in instructions(TEXT) if name == "FROM"] == [
        "python:${PYTHON}-slim AS build",
        "python:${PYTHON}-slim",
    ]
    named = f"Programming Language :: Python :: {default.removeprefix('PYTHON=')}"
    assert named in PROJECT["project"]["classifiers"]


def test_all_that_the_package_is_made_of_is_copied() -> None:
    copied = {source for name, given in instructions(TEXT) if name == "COPY" for source in sources(given)}
    needed = {*PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"], "pyproject.toml"}
    assert copied == needed | {PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]}
    assert all((ROOT / source).exists() for source in copied)
    assert [source for source in copied if not reaches_the_builder(source)] == []


def sources(given: str) -> list[str]:
    """What is copied from the folder, not from another stage."""
    words = given.split()
    return [] if words[0].startswith("--from=") else words[:-1]


def reaches_the_builder(path: str) -> bool:
    """What .dockerignore lets through: its last line that fits decides."""
    lets = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#") and fnmatch.fnmatch(path, pattern):
            lets = line.startswith("!")
    return lets


@pytest.mark.parametrize("path", [".env", "buildbell.db", "buildbell.db-wal", ".git", ".venv", "secret.env", "tests"])
def test_nothing_else_reaches_the_builder(path: str) -> None:
    assert not reaches_the_builder(path)


def test_postgresql_is_in_it() -> None:
    (install,) = [given for name, given in instructions(TEXT) if "pip" in given and name == "RUN"]
    assert "'.[postgres]'" in install
    assert "postgres" in PROJECT["project"]["optional-dependencies"]


# What it is.


def test_commands_are_lists_so_that_sigterm_reaches_the_bot() -> None:
    assert [*json.loads(given("ENTRYPOINT")), *json.loads(given("CMD"))] == ["buildbell", "run"]
    assert "buildbell" in PROJECT["project"]["scripts"]
    assert given("STOPSIGNAL") == "SIGTERM"


def test_it_runs_as_somebody_who_is_not_root_everywhere() -> None:
    assert uid() > 0
    assert [name for name, _ in IMAGE if name in ("RUN", "USER")][-1] == "USER"
    deployments = [each for each in manifests().values() if each["kind"] == "Deployment"]
    assert {each["spec"]["template"]["spec"]["securityContext"]["runAsUser"] for each in deployments} == {uid()}


def test_the_database_lies_in_a_volume_that_is_theirs() -> None:
    assert (given("VOLUME"), given("WORKDIR")) == ("/data", "/data")
    assert ENVIRONMENT["BUILDBELL_DATABASE_URL"].startswith("sqlite:////data/")
    assert f"--owner {uid()} --group {uid()} --mode 0700 /data" in given("RUN")


def test_every_setting_is_one_and_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert unknown_settings(TEXT) == []
    for name in ENVIRONMENT.keys() - {"PATH"}:
        monkeypatch.setenv(name, ENVIRONMENT[name])
    settings = Settings(_env_file=None)
    assert (settings.host, settings.port) == ("0.0.0.0", int(given("EXPOSE")))


# Its healthcheck.


def healthcheck() -> list[str]:
    options, _, command = given("HEALTHCHECK").partition(" CMD ")
    assert "--interval=" in options
    found: list[str] = json.loads(command)
    return found


async def exit_code(port: int, **environment: str) -> int:
    python, *arguments = healthcheck()
    assert python == "python"
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env={"BUILDBELL_PORT": str(port), **environment},
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    return await process.wait()


Serve = Callable[[str | None], Awaitable[int]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Open a bot's doors, which wait for something or for nothing; returns the port."""
    runners: list[web.AppRunner] = []

    async def nothing() -> bytes:
        return b""

    async def open_doors(missing: str | None) -> int:
        app = web_app(
            ctx=make_context(cast(Any, None), settings=Settings(_env_file=None, role="worker")),
            slack=None,
            is_ready=lambda: missing,
            exposition=nothing,
        )
        runners.append(runner := web.AppRunner(app))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return cast(int, runner.addresses[0][1])

    yield open_doors
    for runner in runners:
        await runner.cleanup()


async def test_it_is_healthy_when_the_bot_is_ready(serve: Serve) -> None:
    assert await exit_code(await serve(None)) == 0


async def test_a_proxy_is_not_asked(serve: Serve) -> None:
    assert await exit_code(await serve(None), http_proxy="http://127.0.0.1:1", HTTP_PROXY="http://127.0.0.1:1") == 0


async def test_it_is_not_while_the_bot_waits_or_is_gone(serve: Serve) -> None:
    port = await serve("Slack")
    assert await exit_code(port) == 1
    assert await exit_code(1) == 1


def test_it_is_short_enough_for_its_time() -> None:
    assert "timeout=4" in shlex.join(healthcheck())
    assert "--timeout=5s" in given("HEALTHCHECK")
