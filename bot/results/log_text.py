"""The text of a build's log as a person can read it: no colours, no progress bars, no boxes. Pure.

The boxes are those that Bitrise's command line tool draws around every step, and its summary at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_OPERATING = r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
_STRINGS = r"(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c\n]*(?:\x1b\\|\x9c)?"
_CONTROL = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
_ESCAPES = re.compile(rf"{_OPERATING}|{_STRINGS}|{_CONTROL}|\x1b[ -/]*[0-~]?")
_LEFTOVERS = re.compile(r"\[\d{1,3}(?:;\d{1,3})*m")
"""Colours whose first character was lost on the way."""

_TIME = re.compile(r"^\[\d\d:\d\d:\d\d\]:? ?")
_RULE = re.compile(r"\+-[-+]{10,}\+?$")
_BOX_WIDTHS = range(76, 85)  # 80, but for emoji, which count as one or two
_ART = re.compile(r"[\s█╗╔═╝║╚▼▲]+")
_HEADER = re.compile(r"^\| \(\d+\) (?P<title>.*?) *\|$")
_RESULT = re.compile(r"^\| {0,2}(?P<mark>\S{1,2}) {1,3}\| (?P<title>.*?) *\| *[\d.]+ ?(?:sec|min|hour|h|m|s)\w* *\|$")
_FAILED_MARKS = frozenset("xX✗✘⨯🚫❌")
_EXIT = re.compile(r" *\((?:exit code: -?\d+|[Ff]ailed|[Tt]imed out)\)?(?:\.\.\.)?$")
_SUMMARY = re.compile(r"^\| +bitrise summary +\|$")


def without_escapes(text: str) -> str:
    """No colours, no cursor, no titles of windows, and of a line that was drawn again and again only the last one."""
    text = _LEFTOVERS.sub("", _ESCAPES.sub("", text))
    return "\n".join(_printable(_last_drawn(line)) for line in text.split("\n"))


def _last_drawn(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2]


def _printable(line: str) -> str:
    """Without control characters, and without those that turn the direction of writing or cannot be seen at all."""
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else " " if char.isspace() else "" for char in line)


def plain_lines(text: str) -> tuple[str, ...]:
    """What the steps printed, without empty lines and without what Bitrise draws around it."""
    lines = (_TIME.sub("", line.rstrip()) for line in without_escapes(text).split("\n"))
    return tuple(line for line in lines if line.strip() and not _is_drawn(line))


def _is_drawn(line: str) -> bool:
    is_row = line.startswith("|") and line.endswith("|") and bool(_row(line))
    return is_row or bool(_RULE.match(line) or _ART.fullmatch(line))


# The steps in it.


def failed_step_of(text: str) -> str | None:
    """The title of the first step that failed, as the boxes tell; None where no box says so."""
    return next((title for _, title in _failures(without_escapes(text).split("\n"))), None)


def failed_section_of(text: str) -> str | None:
    """What the first failed step printed: from the box that opens it to the one that says that it failed."""
    lines = without_escapes(text).split("\n")
    summary = next((number for number, line in enumerate(lines) if _SUMMARY.match(line.rstrip())), len(lines))
    end = next((number for number, _ in _failures(lines[:summary])), None)
    if end is None:
        return None
    begin = next((number for number in range(end - 1, -1, -1) if _opens_or_ends(lines[number])), -1)
    return "\n".join(lines[begin + 1 : end])


def has_ended(text: str) -> bool:
    """The summary of a build that went through all its steps, one way or the other, is there."""
    return any(_SUMMARY.match(line.rstrip()) for line in without_escapes(text).split("\n"))


def _failures(lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines):
        row = _RESULT.match(_row(line))
        if row and row["mark"] in _FAILED_MARKS:
            yield number, _EXIT.sub("", row["title"]) or row["title"]


def _opens_or_ends(line: str) -> bool:
    return bool(_HEADER.match(_row(line)) or _RESULT.match(_row(line)))


def _row(line: str) -> str:
    """A line as a row of a box; empty when it is none."""
    row = _TIME.sub("", line.rstrip())
    return row if len(row) in _BOX_WIDTHS else ""
