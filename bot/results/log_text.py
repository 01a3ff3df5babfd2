"""Turn a build's log into readable text, and find its failed step by the boxes that Bitrise draws. Pure.

Bitrise's command line tool draws a box around the title of every step, and a summary at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_OPERATING = r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
_STRINGS = r"(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c\n]*(?:\x1b\\|\x9c)?"
_CONTROL = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
_ESCAPES = re.compile(rf"{_OPERATING}|{_STRINGS}|{_CONTROL}|\x1b[ -/]*[0-~]?")
_LEFTOVERS = re.compile(r"\[\d{1,3}(?:;\d{1,3})*m")
"""Color codes whose first character is missing."""

_TIMESTAMP = re.compile(r"^\[\d\d:\d\d:\d\d\]:? ?")
_RULE = re.compile(r"\+-[-+]{10,}\+?$")
_BOX_WIDTHS = range(76, 85)  # 80, except for emoji, which count as one or two
_ART = re.compile(r"[\s█╗╔═╝║╚▼▲]+")
_HEADER = re.compile(r"^\| \(\d+\) (?P<title>.*?) *\|$")
_RESULT = re.compile(r"^\| {0,2}(?P<mark>\S{1,2}) {1,3}\| (?P<title>.*?) *\| *[\d.]+ ?(?:sec|min|hour|h|m|s)\w* *\|$")
_FAILED_MARKS = frozenset("xX✗✘⨯🚫❌")
_EXIT = re.compile(r" *\((?:exit code: -?\d+|[Ff]ailed|[Tt]imed out)\)?(?:\.\.\.)?$")
_SUMMARY = re.compile(r"^\| +bitrise summary +\|$")


def strip_escapes(text: str) -> str:
    """Remove colors and other terminal escapes; of a line that was redrawn (a progress bar) keep the last version."""
    text = _LEFTOVERS.sub("", _ESCAPES.sub("", text))
    return "\n".join(_printable(line.rstrip("\r").rpartition("\r")[2]) for line in text.split("\n"))


def _printable(line: str) -> str:
    """Remove control characters, and those that are invisible or change the writing direction."""
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else " " if char.isspace() else "" for char in line)


def plain_lines(text: str) -> tuple[str, ...]:
    """Return what the steps printed, without empty lines and Bitrise's boxes."""
    lines = (_TIMESTAMP.sub("", line.rstrip()) for line in strip_escapes(text).split("\n"))
    return tuple(line for line in lines if line.strip() and not _is_decoration(line))


def _is_decoration(line: str) -> bool:
    is_row = line.startswith("|") and line.endswith("|") and bool(_row(line))
    return is_row or bool(_RULE.match(line) or _ART.fullmatch(line))


# Steps.


def find_failed_step(text: str) -> str | None:
    """Return the title of the first step whose box says that it failed."""
    return next((title for _, title in _failures(strip_escapes(text).split("\n"))), None)


def find_failed_section(text: str) -> str | None:
    """Return what the first failed step printed: from its title box to the box that says that it failed."""
    lines = strip_escapes(text).split("\n")
    summary = next((number for number, line in enumerate(lines) if _SUMMARY.match(line.rstrip())), len(lines))
    end = next((number for number, _ in _failures(lines[:summary])), None)
    if end is None:
        return None
    begin = next((number for number in range(end - 1, -1, -1) if _is_step_box(lines[number])), -1)
    return "\n".join(lines[begin + 1 : end])


def has_summary(text: str) -> bool:
    """Whether the log ends with the summary of a build that went through all its steps."""
    return any(_SUMMARY.match(line.rstrip()) for line in strip_escapes(text).split("\n"))


def _failures(lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines):
        row = _RESULT.match(_row(line))
        if row and row["mark"] in _FAILED_MARKS:
            yield number, _EXIT.sub("", row["title"]) or row["title"]


def _is_step_box(line: str) -> bool:
    return bool(_HEADER.match(_row(line)) or _RESULT.match(_row(line)))


def _row(line: str) -> str:
    """Return the line without its timestamp if it is as wide as a box, else an empty string."""
    row = _TIMESTAMP.sub("", line.rstrip())
    return row if len(row) in _BOX_WIDTHS else ""
