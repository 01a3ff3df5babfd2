"""Find phrases in docstrings that plain English does without: ``python -m tests.voice [path...]`` lists them."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FORBIDDEN = re.compile(
    r"""
    \b(?:is|are)\s+no\b(?!\s+longer)    # isn't a
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
    | \A\s*(?:What|Who|Whose)\b         # an imperative or a noun phrase
    """,
    re.VERBOSE | re.IGNORECASE,
)


def list_docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and text of every docstring, including those below a constant or a field."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


def find_forbidden(paths: Iterable[Path]) -> list[str]:
    """Return one line for each forbidden phrase: where it is, the phrase and the text around it."""
    return [
        f"{path.relative_to(ROOT)}:{line}: {' '.join(match[0].split())!r} in {' '.join(text.split())[:80]!r}"
        for path in sorted(paths)
        for line, text in list_docstrings(ast.parse(path.read_text()))
        for match in FORBIDDEN.finditer(text)
    ]


def list_modules(paths: Iterable[str]) -> Iterator[Path]:
    for path in map(Path, paths):
        yield from path.resolve().rglob("*.py") if path.is_dir() else [path.resolve()]


if __name__ == "__main__":
    lines = find_forbidden(list_modules(sys.argv[1:] or ["bot", "commands", "storage"]))
    print("\n".join([*lines, f"{len(lines)} forbidden phrases"]))
