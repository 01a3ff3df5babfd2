"""Translate the SQL of the stores to PostgreSQL: parameters, column types, and null checks of parameters."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from storage.database import to_column

TOKEN = re.compile(
    r"""
    (?P<kept> '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | ::\s*\w+ )
    | (?<![:\w]) : (?P<checked>[a-z_]\w*) \s+ is \s+ (?P<negation>not\s+)? null \b
    | (?<![:\w]) : (?P<name>[a-z_]\w*)
    | (?P<percent>%)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
TABLE_DEFINITION = re.compile(r"\s*(create\s+table|alter\s+table)\b", re.IGNORECASE)
COLUMN_TYPE = re.compile(r"(?<=\w)(\s+)(text|integer|real)\b", re.IGNORECASE)
POSTGRES_TYPES = {"text": 'text collate "C"', "integer": "bigint", "real": "double precision"}
"""As wide as the types of SQLite; text sorts by bytes, as there."""


class Text(str):
    """A parameter sent with the type text. A plain ``str`` is sent without a type, which ``lower(:x)`` needs."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """A translated statement. ``null_checks`` are the parameters it compares with null."""

    sql: str
    null_checks: frozenset[str]

    def values(self, parameters: Mapping[str, object]) -> dict[str, object]:
        values = {name: _value(value) for name, value in parameters.items()}
        return values | {f"{name} is null": parameters[name] is None for name in self.null_checks}


def storable(value: object) -> object:
    """Replace the one character that PostgreSQL can't store in a text."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _value(value: object) -> object:
    column = storable(to_column(value))
    return Text(column) if isinstance(column, str) else column


@functools.lru_cache(maxsize=1000)
def translate(sql: str) -> Statement:
    """Translate ``:name`` to ``%(name)s``, except in quoted text, comments and ``::casts``.

    ``:name is null`` becomes a boolean parameter of its own, because PostgreSQL can't infer the type of a parameter
    that is only compared with null. Column types in a table definition become those of `POSTGRES_TYPES`.
    """
    null_checks: set[str] = set()

    def replace(match: re.Match[str]) -> str:
        if match["checked"]:
            null_checks.add(match["checked"])
            return f"{'not ' if match['negation'] else ''}%({match['checked']} is null)s"
        if match["name"]:
            return f"%({match['name']})s"
        return (match["kept"] or match["percent"]).replace("%", "%%")

    translated = TOKEN.sub(replace, sql)
    if TABLE_DEFINITION.match(sql):
        translated = COLUMN_TYPE.sub(lambda match: match[1] + POSTGRES_TYPES[match[2].lower()], translated)
    return Statement(translated, frozenset(null_checks))
