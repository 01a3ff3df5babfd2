"""Find phrases that plain English does without: ``python -m tests.voice [path...]`` lists them.

Docstrings, the strings that people read, the playground's page and the documents are checked alike.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
CHECKED = ("bot", "commands", "storage", "playground", "docs", "deploy", "README.md", "CHANGELOG.md", ".env.example")
SUFFIXES = {".py", ".md", ".js", ".html", ".yaml", ".sh", ".example"}
FORBIDDEN = re.compile(
    r"""
    \b(?:is|are)\s+no\b(?!\s+(?:longer|more|fewer|less)\b)    # isn't a
    | \b(?:is|are)\s+told\b             # is notified
    | \bshall\b
    | \bhears?\s+of\b                   # is notified about
    | \b(?:who|what)ever\b
    | \bany\s+more\b
    | \bunticks?\b                      # clear
    | \bby\s+(?:it|my)self\b            # automatically
    | \bspans?\b                        # period
    | \bfigures\b                       # statistics
    | \bthe\s+stored\s+token\s+reaches\b
    | \bin\s+vain\b
    | \basked\s+for\s+by\b              # started by
    | \breport(?:s|ed|ing)?\s+(?:\w+\s+){0,4}(?:as\s+)?green\b    # reported as passed
    """,
    re.VERBOSE | re.IGNORECASE,
)
OPENING = re.compile(r"\A\s*(?:What|Who|Whose)\b", re.IGNORECASE)
"""The opening of a docstring; an imperative or a noun phrase is better."""
FIRST_PERSON = re.compile(r"(?<![\w-])(?:I|I'(?:m|ll|ve|d)|[Ww]e|[Ww]e'(?:re|ll|ve)|[Mm]yself|[Oo]ur|us|my)(?![\w/-])")
"""Buildbell is neither "I" nor "we". The word *me* is also a verb (``/build me``) and a value (``by:me``)."""
ME = re.compile(r"(?<=\s)me(?=[\s,.;:!?)]|\Z)(?<!/build me)")
SPOKEN = ("bot/", "commands/")
"""The packages whose strings go to Slack or to a terminal."""
CODE = re.compile(r"```.*?```|`[^`]*`|<[^<>]*>|\$\{[^{}]*\}|https?://\S+|\bh\(\"\w+\"|\A[a-z_]+\Z", re.DOTALL)
"""Code inside a text: fenced and quoted code, tags, what a template fills in, addresses; and a text that is an id."""


class Finding(NamedTuple):
    """A phrase with its place."""

    path: Path
    line: int
    phrase: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {' '.join(self.phrase.split())!r} in {' '.join(self.text.split())[:90]!r}"


def find_phrases(paths: Iterable[Path]) -> list[Finding]:
    """Return every phrase to avoid in docstrings, strings and documents."""
    return [finding for path in sorted(paths) for finding in check_file(path)]


def check_file(path: Path) -> Iterator[Finding]:
    source, place = path.read_text(), path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    if path.suffix == ".py":
        yield from check_python(source, place)
    else:
        for line, text in list_strings_of_page(source) if path.suffix == ".js" else [(1, source)]:
            yield from _find(FORBIDDEN, place, line, text)


def check_python(source: str, place: Path) -> Iterator[Finding]:
    """Check the docstrings and strings of a module. Only its strings may not speak as "I" or "we"."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    patterns = (FORBIDDEN, FIRST_PERSON, ME) if place.as_posix().startswith(SPOKEN) else (FORBIDDEN,)
    for node, text in list_strings(tree):
        is_docstring = id(node) in docstrings
        for pattern in (FORBIDDEN, OPENING) if is_docstring else patterns:
            yield from _find(pattern, place, node.lineno, text)


def _find(pattern: re.Pattern[str], place: Path, line: int, text: str) -> Iterator[Finding]:
    prose = CODE.sub(lambda code: "\N{OBJECT REPLACEMENT CHARACTER}" + "\n" * code[0].count("\n"), text)
    for match in pattern.finditer(prose):
        around = prose[max(0, match.start() - 40) : match.end() + 40]
        yield Finding(place, line + prose.count("\n", 0, match.start()), match[0], around)


def list_strings(tree: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Yield every string literal once; ``{}`` stands for what an f-string fills in."""
    parts: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts |= {id(part) for part in node.values}
            yield node, "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node, node.value


def list_strings_of_page(source: str) -> Iterator[tuple[int, str]]:
    """Yield the strings of a JavaScript file with their lines."""
    code = re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", lambda comment: "\n" * comment[0].count("\n"), source, flags=re.DOTALL)
    for match in re.finditer(r"""(["'`])((?:\\.|(?!\1)[^\n]|(?!["'])(?!\1)\n)*)\1""", code):
        yield code.count("\n", 0, match.start()) + 1, match[2]


def list_files(paths: Iterable[str]) -> list[Path]:
    files: list[Path] = []
    for path in (ROOT / name for name in paths):
        files += path.rglob("*") if path.is_dir() else [path]
    return [file for file in files if file.suffix in SUFFIXES]


if __name__ == "__main__":
    lines = [str(finding) for finding in find_phrases(list_files(sys.argv[1:] or CHECKED))]
    print("\n".join([*lines, f"{len(lines)} phrases to avoid"]))
