"""Redact values of secrets that may stand on other lines than their names: documents, lists, tables. Pure."""

from __future__ import annotations

import re

from bot.logs import STARS
from bot.results.secret_names import NameKind, classify_name
from bot.results.secret_values import FLAG_LIKE, NAME, QUOTE, Span, find_value, is_harmless, replace_values

_OPEN, _CLOSE = r"(?:<|&lt;)", r"(?:>|&gt;)"
_CONTENT = r"(?P<value>(?:<!\[CDATA\[)?(?:[^<&]|&(?!lt;)){0,20000}+)"
_ELEMENT = re.compile(
    rf"{_OPEN}(?P<name>[\w:.-]{{1,80}}+)(?P<attributes>[^<>&\n]{{0,300}}+){_CLOSE}{_CONTENT}(?={_OPEN}/(?P=name))"
)
_ENTRY = re.compile(
    rf"{_OPEN}(?P<tag>key|name|string){_CLOSE}\s*+(?P<name>{NAME})\s*+{_OPEN}/(?P=tag){_CLOSE}"
    rf"\s*+{_OPEN}\w++{_CLOSE}{_CONTENT}"
)
"""``<key>password</key><string>…</string>``"""
_ATTRIBUTE = re.compile(rf"\b(?:name|key|id)={QUOTE}(?P<name>{NAME})")
_DECLARED = re.compile(rf"(?P<name>[Vv]alue){QUOTE}?(?:\s*+[:=]\s*+|\s++)")
_DECLARATION = re.compile(
    rf"(?i)\b(?:name|key|id|env|variable|mapped_to|field|property|header){QUOTE}?(?:\s*+[:=]\s*+|\s++)"
    rf"{QUOTE}?(?P<name>{NAME}){QUOTE}?[\s,;]++"
    rf"(?:{QUOTE}?\w++{QUOTE}?\s*+[:=]\s*+{QUOTE}?[\w.-]*+{QUOTE}?[\s,;]++){{0,2}}{QUOTE}?-{{0,2}}$"
)
"""``{"name": "API_TOKEN", "value": "…"}`` and ``--key API_TOKEN --value …``"""
_DECLARED_LATER = re.compile(
    rf"""[Vv]alue{QUOTE}?[ \t]*+[:=][ \t]*+(?P<value>"[^"\n]++"|'[^'\n]++')[\s,;]++{QUOTE}?(?:name|key|id){QUOTE}?"""
    rf"[ \t]*+[:=][ \t]*+{QUOTE}?(?P<name>{NAME})"
)
_HANGING = re.compile(
    rf"(?m)^(?P<indent>[ \t]*+)(?:- )?{QUOTE}?(?P<name>{NAME}){QUOTE}?[ \t]*+[:=][ \t]*+"
    r"(?:[|>][+-]?\d?|[\[{(\\])?[ \t]*+\n(?P<value>(?P=indent)[ \t][^\n]*+(?:\n(?P=indent)[ \t][^\n]*+)*+)"
)
"""``password: |`` or ``"tokens": [``, and all lines below that are further in."""
_LISTED = re.compile(
    rf"(?m)(?:^[ \t]*+(?:- )?(?P<alone>{QUOTE}?)|[ \t\[(,]{QUOTE}?)(?P<name>--?{NAME}){QUOTE}?[ \t]*+"
    r"(?(alone)[,\\]?|[,\\])\n[ \t]*+(?:- )?(?P<value>[^\n]++)"
)
"""A flag alone on its line or before a comma or backslash, and its value on the next line."""
_OPENED = re.compile(
    r"""(?P<name>[:=]>?)[ \t]*+(?P<value>"(?:[^"\\\n]|\\.)*+\n(?:[^"\\]|\\.){0,4000}+"|'[^'\n]*+\n[^']{0,4000}+')"""
)
"""A quoted value of several lines."""
_NAME_BEFORE = re.compile(rf"(?<![\w.-])(?P<name>{NAME}){QUOTE}?[ \t]*+$")
_DELIMITER = re.compile(r"([|│┃])")
_RULE = re.compile(r"(?=.*[-─━═]{3})[\s|+:=│┃┼╪├┤┝┥─━═-]+")
_HEADING = re.compile(rf"\s*{NAME}(?: {NAME}){{0,2}}\s*")


def redact_blocks(text: str) -> str:
    """Replace values that may stand on other lines than their names by stars."""
    if "<" in text or "&lt;" in text:
        text = replace_values(_ENTRY, _named, replace_values(_ELEMENT, _element, text))
    text = replace_values(_DECLARED_LATER, _named, replace_values(_DECLARED, _declared, text))
    if "\n" not in text:
        return text
    text = replace_values(_LISTED, _named, replace_values(_HANGING, _named, text))
    text = replace_values(_OPENED, _opened, text)
    return "\n".join(_redact_columns(text.split("\n")))


def _is_secret(name: str) -> bool:
    return classify_name(name) is NameKind.SECRET


def _named(head: re.Match[str]) -> Span | None:
    is_value = not FLAG_LIKE.fullmatch(head["value"]) and not is_harmless(head["value"])
    return head.span("value") if is_value and _is_secret(head["name"]) else None


def _element(head: re.Match[str]) -> Span | None:
    attribute = _ATTRIBUTE.search(head["attributes"])
    is_secret = _is_secret(head["name"].rpartition(":")[2]) or (attribute and _is_secret(attribute["name"]))
    return head.span("value") if is_secret and not is_harmless(head["value"]) else None


def _declared(head: re.Match[str]) -> Span | None:
    before = _DECLARATION.search(head.string[max(0, head.start() - 200) : head.start()])
    return find_value(head, NameKind.SECRET) if before and _is_secret(before["name"]) else None


def _opened(head: re.Match[str]) -> Span | None:
    before = _NAME_BEFORE.search(head.string[max(0, head.start() - 100) : head.start()])
    return head.span("value") if before and _is_secret(before["name"]) else None


def _redact_columns(lines: list[str]) -> list[str]:
    """Redact the cells below a heading that names a secret. A heading is the first row, with a rule below it."""
    columns: list[int] = []
    was_row = False
    for number, line in enumerate(lines):
        cells = _DELIMITER.split(line)
        is_row = len(cells) > 1 and not _RULE.fullmatch(line)
        if is_row and not was_row and number + 1 < len(lines) and _RULE.fullmatch(lines[number + 1]):
            columns = [i for i, cell in enumerate(cells) if _HEADING.fullmatch(cell) and _is_secret(cell.strip())]
        elif is_row and columns:
            cells = [f" {STARS} " if i in columns and not is_harmless(cell) else cell for i, cell in enumerate(cells)]
            lines[number] = "".join(cells)
        elif not is_row and not _RULE.fullmatch(line):
            columns = []
        was_row = is_row
    return lines
