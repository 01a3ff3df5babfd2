"""The stores' SQL as PostgreSQL reads it: parameters, sorted text, and questions about a parameter itself."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from storage.database import to_column

TOKEN = re.compile(
    r"""
    (?P<kept> '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | ::\s*\w+ )
    | (?<![:\w]) : (?P<asked>[a-z_]\w*) \s+ is \s+ (?P<no>not\s+)? null \b
    | (?<![:\w]) : (?P<name>[a-z_]\w*)
    | (?P<percent>%)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
DEFINES = re.compile(r"\s*(create\s+table|alter\s+table)\b", re.IGNORECASE)
TEXT_COLUMN = re.compile(r"(\w+\s+text)\b(?!\s+collate)", re.IGNORECASE)


class Text(str):
    """A text that is sent as one. A plain ``str`` has no type of its own in PostgreSQL, and `lower(:x)` needs one."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """``asked`` are the parameters of which the statement wants to know whether they are null."""

    sql: str
    asked: frozenset[str]

    def values(self, parameters: Mapping[str, object]) -> dict[str, object]:
        values = {name: _value(value) for name, value in parameters.items()}
        return values | {f"{name} is null": parameters[name] is None for name in self.asked}


def _value(value: object) -> object:
    column = to_column(value)
    if isinstance(column, str):
        return Text(column.replace("\0", "\ufffd"))  # the one character that PostgreSQL cannot store
    return column


@functools.lru_cache(maxsize=1000)
def translate(sql: str) -> Statement:
    """``:name`` becomes ``%(name)s``; text in quotes, comments and ``::casts`` stay as they are.

    ``:name is null`` becomes a parameter of its own, true or false: PostgreSQL refuses to guess the type of one that
    may be null everywhere. Columns of text sort by their bytes, as they do in SQLite.
    """
    asked: set[str] = set()

    def replace(match: re.Match[str]) -> str:
        if match["asked"]:
            asked.add(match["asked"])
            return f"{'not ' if match['no'] else ''}%({match['asked']} is null)s"
        if match["name"]:
            return f"%({match['name']})s"
        return (match["kept"] or match["percent"]).replace("%", "%%")

    translated = TOKEN.sub(replace, sql)
    if DEFINES.match(sql):
        translated = TEXT_COLUMN.sub(r'\1 collate "C"', translated)
    return Statement(translated, frozenset(asked))
