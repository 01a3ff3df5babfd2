"""The table of Slack's error codes: complete, free of contradictions, and the same in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.slack.refusals import CODES, REMEDIES, Remedy, remedy_of
from playground.slack.documented_errors import DOCUMENTED_ERRORS

PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"
METHODS = (
    "chat.getPermalink", "chat.postEphemeral", "chat.postMessage", "chat.unfurl", "chat.update",
    "files.completeUploadExternal", "files.getUploadURLExternal", "views.open", "views.publish", "views.update",
)  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_every_documented_error_has_a_remedy(method: str) -> None:
    assert {code for code in DOCUMENTED_ERRORS[method] if remedy_of(code) is Remedy.UNKNOWN} == set()


def test_no_error_code_has_two_remedies() -> None:
    assert sum(len(codes.split()) for codes in CODES.values()) == len(REMEDIES)


def test_an_undocumented_error_is_unknown() -> None:
    assert remedy_of("a_code_of_next_year") is Remedy.UNKNOWN


def test_the_documentation_has_the_same_table() -> None:
    rows = [line.split(" | ")[0] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert [re.findall(r"`(\w+)`", row) for row in rows] == [codes.split() for codes in CODES.values()]
