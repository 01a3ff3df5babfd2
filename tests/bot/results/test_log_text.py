"""Readable log text without escapes, progress bars and boxes; the failed step by the boxes."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.results.log_text import find_failed_section, find_failed_step, has_summary, plain_lines, strip_escapes

RULE = "+" + "-" * 78 + "+"
EMPTY = "|" + " " * 78 + "|"
COLUMNS = "+---+" + "-" * 63 + "+" + "-" * 10 + "+"


def header(index: int, title: str) -> str:
    rows = [f"({index}) {title}", "id: script", "version: 1.1.5", "toolkit: bash", "time: 2026-03-02T09:00:00Z"]
    boxed = [f"| {row:<76} |" for row in rows]
    return "\n".join([RULE, boxed[0], RULE, *boxed[1:], RULE, EMPTY])


def result(mark: str, title: str, ran: str = "27 sec") -> str:
    return f"| {mark} | {title:<61} | {ran:<8} |"


def footer(mark: str, title: str) -> str:
    return "\n".join([EMPTY, COLUMNS, result(mark, title), COLUMNS, "", " " * 42 + "▼", ""])


def summary(*rows: str) -> str:
    body = [each for row in rows for each in (row, COLUMNS)]
    total = f"| {'Total runtime: 27 sec':<76} |"
    return "\n".join(
        [RULE, f"|{'bitrise summary':^78}|", COLUMNS, result(" ", "title", "time (s)"), *body, total, RULE]
    )


RED_X = "\x1b[31;1mx\x1b[0m"
LOG = "\n".join(
    [
        "  ██████╗ ██╗████████╗",
        "  ╚═════╝ ╚═╝   ╚═╝",
        header(0, "Git Clone Repository"),
        "HEAD is now at a1b2c3d",
        footer("\x1b[32;1m✓\x1b[0m", "Git Clone Repository"),
        header(1, "Xcode Test for iOS"),
        "\x1b[31mLogin.swift:12:5: error: no\x1b[0m",
        "** TEST FAILED **",
        footer(RED_X, "Xcode Test for iOS (exit code: 65)"),
        header(2, "Deploy to Bitrise.io"),
        "Deployed 0 files",
        footer("✓", "Deploy to Bitrise.io"),
        summary(
            result("✓", "Git Clone Repository"),
            result(RED_X, "Xcode Test for iOS (exit code: 65)"),
            f"| {'Issue tracker: https://github.com/bitrise-steplib/steps-xcode-test/issues':<76} |",
            result("✓", "Deploy to Bitrise.io"),
        ),
    ]
)


def test_output_of_the_steps_is_kept_and_boxes_are_removed() -> None:
    assert plain_lines(LOG) == (
        "HEAD is now at a1b2c3d",
        "Login.swift:12:5: error: no",
        "** TEST FAILED **",
        "Deployed 0 files",
    )


@pytest.mark.parametrize(
    ("raw", "lines"),
    [
        ("\x1b[1;31merror\x1b[0m: x", ("error: x",)),
        ("\x1b[38;5;196mred\x1b[K\x1b[2J", ("red",)),
        ("\x1b]0;window title\x07text", ("text",)),
        ("\x1b]8;;https://evil\x1b\\link\x1b]8;;\x1b\\", ("link",)),
        ("\x1bP1$r\x1b\\text\x1b(B\x1b7", ("text",)),
        ("\x9b31mred", ("red",)),
        ("lost [31;1mcolour[0m", ("lost colour",)),
        ("10 %\r50 %\r100 %\r\nnext", ("100 %", "next")),
        ("a\r\n\r\n\nb\r\n", ("a", "b")),
        ("a\x00\x08b\tc\u202ed\u2066\u200be\ud83d", ("ab cde",)),
        ("a\u2028b\x0bc\xa0d", ("a b c d",)),
        ("[09:12:33]: [!] No Podfile", ("[!] No Podfile",)),
        ("| a | b |\n+---+\n| 1 | 2 |", ("| a | b |", "+---+", "| 1 | 2 |")),
        ("}\n^~~~", ("}", "^~~~")),
        ("", ()),
    ],
)
def test_escapes_and_redrawn_lines_are_removed(raw: str, lines: tuple[str, ...]) -> None:
    assert plain_lines(raw) == lines


ESCAPES = [
    "\x1b",
    "[",
    "]",
    "31m",
    ";",
    "\x07",
    "\\",
    "\x9b",
    "P",
    "\r",
    "\n",
    "\u202e",
    "x",
    "\x1b[0m",
    "|",
    "+-",
    " ",
]


@given(st.text() | st.lists(st.sampled_from(ESCAPES), max_size=40).map("".join))
def test_no_control_or_invisible_character_is_left(raw: str) -> None:
    for line in plain_lines(raw):
        assert line.strip()
        assert not {unicodedata.category(char) for char in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        assert "\x1b" not in line


@given(st.text(alphabet=st.characters(categories=["L", "N", "P"]), min_size=1))
def test_plain_words_are_kept(word: str) -> None:
    line = f"told: {word}."
    assert plain_lines(f"\x1b[1m{line}\x1b[0m\n") == (re.sub(r"\[\d{1,3}(?:;\d{1,3})*m", "", line),)


@pytest.mark.parametrize(
    ("row", "title"),
    [
        (result("x", "Xcode Test for iOS (exit code: 65)"), "Xcode Test for iOS"),
        (result("🚫", "Running project scanner (exit code: 1)", "10 sec"), "Running project scanner"),
        (result(RED_X, "cocoapods-install@1.7.2 (exit code: 1)", "1.5 min"), "cocoapods-install@1.7.2"),
        (result("x", "A very long title of a step that does not fit (exit code: 1)..."),
         "A very long title of a step that does not fit"),
        ("| 🚫  | script (Failed)                                              | 0.47 sec |", "script"),
        (result("✓", "Git Clone"), None),
        (result("!", "Skippable (exit code: 1)"), None),
        (result("-", "Not run"), None),
        ("| x | y |", None),
        ("", None),
    ],
)  # fmt: skip
def test_failed_step_is_found_by_its_box(row: str, title: str | None) -> None:
    assert find_failed_step(f"before\n{COLUMNS}\n{row}\n{COLUMNS}\n") == title


def test_failed_section_is_the_output_of_the_failed_step() -> None:
    assert find_failed_step(LOG) == "Xcode Test for iOS"
    section = find_failed_section(LOG)
    assert section is not None
    assert plain_lines(section) == ("Login.swift:12:5: error: no", "** TEST FAILED **")
    assert has_summary(LOG)


def test_failed_section_of_an_incomplete_log() -> None:
    unfinished, cut = LOG.partition(header(2, "Deploy to Bitrise.io"))[0], LOG.partition("error: ")[2]
    assert not has_summary(unfinished)
    assert find_failed_step(unfinished) == "Xcode Test for iOS"
    assert plain_lines(find_failed_section(cut) or "") == ("no", "** TEST FAILED **")
    only_summary = LOG.partition(footer("✓", "Deploy to Bitrise.io"))[2]
    assert (find_failed_step(only_summary), find_failed_section(only_summary)) == ("Xcode Test for iOS", None)


@given(st.text() | st.lists(st.sampled_from([*LOG.split("\n"), "\r", "\x1b[0m"]), max_size=30).map("\n".join))
def test_any_text_is_parsed(text: str) -> None:
    step, section = find_failed_step(text), find_failed_section(text)
    assert step is None or "\n" not in step
    assert section is None or section in strip_escapes(text)


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["\x1b]", "\x1b[", "\x1bP", "\r", "| x | ", "[1;", "| (0) ", "█", "+-", "\u202e"])
def test_long_line_is_parsed_quickly(piece: str) -> None:
    """A slow pattern would run into the time limit of tests."""
    text = piece * (256 * 1024 // len(piece))
    assert len(plain_lines(text)) <= 1
    assert (find_failed_step(text), has_summary(text)) == (None, False)


@pytest.mark.slow
def test_long_summary_of_failures_is_parsed_quickly() -> None:
    """A slow pattern would run into the time limit of tests."""
    text = "a\n" * (64 * 1024) + summary(*[result("x", "Test")] * 5_000)
    assert (find_failed_step(text), find_failed_section(text)) == ("Test", None)
