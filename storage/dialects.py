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
TYPE = re.compile(r"(?<=\w)(\s+)(text|integer|real)\b", re.IGNORECASE)
TYPES = {"text": 'text collate "C"', "integer": "bigint", "real": "double precision"}
"""As wide as SQLite's, and sorted by their bytes."""


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


def storable(value: object) -> object:
    """A column's value without the one character that PostgreSQL cannot store."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _value(value: object) -> object:
    column = storable(to_column(value))
    return Text(column) if isinstance(column, str) else column


@functools.lru_cache(maxsize=1000)
def translate(sql: str) -> Statement:
    """``:name`` becomes ``%(name)s``; text in quotes, comments and ``::casts`` stay as they are.

    ``:name is null`` becomes a parameter of its own, true or false: PostgreSQL refuses to guess the type of one that
    may be null everywhere. The columns of a table get the types that hold and sort what SQLite's do.
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
        translated = TYPE.sub(lambda match: match[1] + TYPES[match[2].lower()], translated)
    return Statement(translated, frozenset(asked))
