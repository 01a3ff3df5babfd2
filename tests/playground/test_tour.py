"""The tour plays to its end, and the README has its output and other copies up to date."""

from __future__ import annotations

import asyncio
import itertools
import re
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.settings import Settings, env_name
from commands import COMMANDS
from playground.tour import BLOCK, LIMIT_SECONDS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def readme() -> str:
    return (ROOT / "README.md").read_text()


async def play_tour() -> tuple[int | None, str]:
    """Run the tour and return its exit code and output."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "playground", "tour",
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(LIMIT_SECONDS + 10):
            printed, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return process.returncode, printed.decode()


async def test_the_tour_goes_as_expected_and_is_in_the_readme(readme: str) -> None:
    code, printed = await play_tour()
    assert code == 0, printed
    shown = BLOCK.search(readme)
    assert shown is not None
    assert shown[0] == printed.lstrip(), "python -m playground tour --readme renews it"


def test_the_readme_has_every_usage_of_the_help(readme: str) -> None:
    table = readme.replace(r"\|", "|")  # a pipe in a cell
    entries = itertools.chain(*(each.help for each in COMMANDS))
    assert [entry.usage for entry in entries if f"`{f'/build {entry.usage}'.strip()}`" not in table] == []


def written(default: object) -> object:
    """Return a default as it is written in a settings file."""
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    return ",".join(default) if isinstance(default, tuple) else default


def test_the_readme_says_of_each_setting_what_the_code_says(readme: str) -> None:
    rows = dict(re.findall(r"^\| `(BUILDBELL_\w+)` \| (.*) \|$", readme, re.MULTILINE))
    expected = {
        env_name(name): f"{f'`{written(field.default)}`' if field.default else ''} | {field.description}"
        for name, field in Settings.model_fields.items()
    }
    assert rows == expected
