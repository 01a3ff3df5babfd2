"""Ordinary lines survive redaction: paths, names of tests, numbers, commits, addresses, compilers' tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.results.log_text import plain_lines
from bot.results.redaction import redact_secrets
from playground.bitrise.sample_logs import LEAKY, SAMPLE_LOGS
from tests.bot.results import test_excerpts
from tests.bot.results.ordinary_lines import ORDINARY

LOGS = [log for name, log in SAMPLE_LOGS.items() if log is not LEAKY]
LOGS += [value for name, value in vars(test_excerpts).items() if name.isupper() and isinstance(value, str)]


@pytest.mark.parametrize("line", ORDINARY.split("\n"))
def test_line_without_a_secret_is_kept(line: str) -> None:
    assert redact_secrets(line) == line


def test_lines_without_a_secret_are_kept_together() -> None:
    assert redact_secrets(ORDINARY) == ORDINARY


@pytest.mark.parametrize("log", LOGS)
def test_sample_log_is_kept(log: str) -> None:
    lines = "\n".join(plain_lines(log))
    assert redact_secrets(lines) == lines


def test_sample_log_with_secrets_keeps_the_rest() -> None:
    assert redact_secrets(LEAKY).splitlines() == [
        "+ export API_KEY=[REDACTED]",
        "+ fastlane deliver --api_key [REDACTED]",
        "Authorization: ********",
        "AWS_ACCESS_KEY_ID=********",
        "SLACK_TOKEN=********",
        "BITRISE_TOKEN=********",
        "git clone https://********@git.example.com/acme/shop.git",
        "fatal: Authentication failed",
    ]


words = st.sampled_from(
    ["Password", "Token", "Session", "Key", "Secret", "Auth", "Login", "Cart", "Refresh", "Expired"]
)
names = st.lists(words, min_size=1, max_size=4).map("".join)
numbers = st.integers(1, 99_999)
commits = st.text("0123456789abcdef", min_size=40, max_size=40)


@given(names, st.sampled_from(["swift", "kt", "ts", "dart", "m", "py"]), numbers, numbers)
def test_path_and_place_are_kept(name: str, extension: str, line: int, column: int) -> None:
    for path in (f"/Users/vagrant/git/Shop/{name}.{extension}", f"src/{name}.{extension}", f"{name}.{extension}"):
        for text in (
            f"{path}:{line}:{column}: error: no such module",
            f"{path}:{line}: warning: unused",
            f"at {path}:{line}",
        ):
            assert redact_secrets(text) == text


@given(names, names, numbers)
def test_name_of_a_test_is_kept(suite: str, name: str, number: int) -> None:
    for text in (
        f"Test Case '-[ShopTests.{suite}Tests test{name}]' failed (0.{number} seconds).",
        f"{suite}Tests.swift:{number}: error: -[ShopTests.{suite}Tests test{name}] : XCTAssertTrue failed",
        f"com.acme.{suite}Test > {name} FAILED",
        f"FAILED tests/test_login.py::Test{suite}::test_{name.lower()} - AssertionError: assert 1 == {number}",
        f"    at com.acme.{suite}.{name}({suite}.kt:{number})",
        f"--- FAIL: Test{suite}/{name} (0.{number}s)",
    ):
        assert redact_secrets(text) == text


@given(commits, numbers, names)
def test_number_commit_and_address_are_kept(commit: str, number: int, name: str) -> None:
    for text in (
        f"HEAD is now at {commit}",
        f"Checking out {commit} ({number} files)",
        f"https://github.com/acme/shop/commit/{commit}",
        f"https://example.com/{name}?page={number}&sort=name",
        f"Downloading https://repo.example.com:8443/com/acme/{name}/1.{number}/{name}-1.{number}.aar",
        f"Executed {number} tests, with 1 failure in {number}.5 (0.3) seconds",
        f"com.acme:{name.lower()}:1.{number}.0",
    ):
        assert redact_secrets(text) == text
