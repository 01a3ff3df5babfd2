"""Redact the values of secrets in a line of a log, in any notation: assignments, arguments, tables, flags. Pure.

A pattern finds the name of a secret and where its value begins; where the value ends depends on quotation marks.
Repetitions are possessive or bounded, so that the time grows with the length of a line and no faster.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.logs import STARS
from bot.results.secret_names import HINT, NameKind, classify_name

Span = tuple[int, int]

QUOTE = r"""(?:\\{0,15}+(?:\"\"\"|'''|["'`])|&(?:quot|apos|\#3[49]);)"""
"""A quotation mark; one within a quoted text has backslashes before it."""
NAME = r"(?:[^\W\d]\w*+(?:[.-]\w++)*+)"
_WORD = rf"(?<![\w.-])(?P<name>{NAME})"
_QUOTABLE = rf"(?P<outer>{QUOTE})?(?<![\w.-])(?P<name>-{{0,2}}{NAME})(?P<closer>{QUOTE}?)"
"""A name in quotation marks of its own (``closer``), or in the same as its value (only ``outer``)."""

_GAP = rf"(?:{QUOTE}?[ \t]++{QUOTE}?)"

# Where a value begins.

_ASSIGNED = re.compile(
    rf"{_QUOTABLE}(?P<bracket>[\])]{{0,2}})(?P<separator>[ \t]*+"
    r"(?::[ \t]*+(?:\w{0,12}[Ss]tring|Data|Any|Object|[Ss]tr|bytes)[?!]?[ \t]*+="
    r"|[:?+]?={1,3}>?|->|→|%3[ADad]|\\u003[Dd]|:(?![:/]))[ \t]*+)"
)
_CALLED = re.compile(rf"{_WORD}\((?={QUOTE})")
"""``storePassword("…")``"""
_LAST = r"""(?:"(?:[^"\\]|\\.)*+"|'[^']*+')[)\]};,\s]*+$"""
_PAIRED = re.compile(
    rf"(?:[(\[]|,[ \t]*+(?={QUOTE}{NAME}{QUOTE}[ \t]*+,[ \t]*+{_LAST}))"
    rf"{QUOTE}(?P<name>{NAME}){QUOTE}[ \t]*+,[ \t]*+(?={QUOTE})"
)
"""``("password", "…")`` and the last two of more arguments."""
_SPACED = re.compile(rf"(?<!['\"]){_WORD}[ \t]++(?=[bruf@$]?{QUOTE})")
"""``storePassword '…'``"""
_SPOKEN = re.compile(
    rf"{_WORD}[ \t]++(?:is:?[ \t]++)?(?={QUOTE}?(?=\S*?\d)(?=\S*?[A-Za-z])[\w!@#$%^&*+=~-]{{8,}}+(?![\w./:]))"
)
"""``wrong password a1b2c3d4``"""
_SET = re.compile(
    rf"\b(?:setenv|ENV|define|config(?:ure)?(?::set|{_GAP}set)?|set{_GAP}-\w+){_GAP}(?:-[^\s\"']++{_GAP})*+"
    rf"(?:[^\s\"']{{0,200}}[^\w\s.-])?{_WORD}{QUOTE}?[ \t]++"
)
"""``npm config set //npm.example.com/:_authToken …``"""
_LOGIN = re.compile(
    rf"(?:\b(?:login|user(?:name)?){_GAP}\S++[ \t]++{QUOTE}?|^[ \t]*+(?=password \S+$))"
    rf"(?P<name>pass(?:word)?){QUOTE}?[ \t]++"
)
"""``machine example.com login ana password …``"""
_CELL = re.compile(rf"(?:^|[|│┃])[ \t]*+{QUOTE}?(?P<name>{NAME}(?:[ ]{NAME}){{0,2}}){QUOTE}?[ \t]*+[|│┃][ \t]*+")
_COLUMN = re.compile(rf"^\W*+(?P<name>{NAME})(?:\t|[ ]{{2}})[ \t]*+(?=\S+$)")
_FLAG = re.compile(
    rf"(?P<outer>{QUOTE})?(?<![\w.-])(?P<name>--?{NAME})(?P<closer>{QUOTE}?)(?:[ \t]*+,[ \t]*+|[ \t]++)(?![<>|&;])"
)

# Where it ends.

_QUOTED = re.compile(
    rf"(?:[bruf@$]{{1,2}}\#?)?(?P<quote>{QUOTE})(?P<inner>.*?)(?:(?<!\\)(?P=quote)|(?=\n)|\Z)"
    r"|“[^”\n]*+”?|‘[^’\n]*+’?|«[^»\n]*+»?"
)
_BRACKETED = re.compile(r"\[[^\]\n]*+\]?|\{[^}\n]*+\}?|\([^)\n]*+\)?")
_BARE = re.compile(r"""(?:\\.|(?<=[(=:\[{,@])(["']).+?\1|(["'])(?=\w).+?\2|\S)*""")
"""A word of a shell, which may have quoted parts."""
_ENDED = re.compile(r"[\s,;:)\]}>|&<]|\\|\Z")
_CELL_END = re.compile(r"[^|│┃]*(?<!\s)")
_AROUND = "\\\"'`“”‘’«» \t\n"

# Which value is a secret.

_HARMLESS = re.compile(
    r"(?ix) [\W_]?\*+[\W_]? | \W? | (?-i:\$\{?[A-Z_][A-Z0-9_]+\}?) | <[\w\ -]{1,40}> | \[?redacted\]? | <nil>"
    r" | \(?(?:null|nil|none|undefined|true|false|yes|no|ok|empty|missing|unset|required|optional|invalid|expired"
    r"|String|Data|Str|Any|Int|Bool)[?!]?[,.;)}\]=]*"
    r" | to | for | is | and | or | with | in | not | was | as | if | when | must | has | option | flag | argument"
)
"""Placeholders, references, types and what follows a name in a sentence."""
_PLAIN = re.compile(r"[A-Za-z]?(?:[a-z']*|[A-Z]*)[.,;:!?)]*|[\d.,:%]+(?:ms|s|kB|MB)?[.,;)]*")
"""An ordinary word or a number."""
_RANDOM = re.compile(rf"{QUOTE}?(?=\D{{0,40}}\d)(?=[^A-Za-z]{{0,40}}[A-Za-z])[\w+=-][\w+/.=-]{{19}}")
FLAG_LIKE = re.compile(r"""[\\"'`,\[(]*--?[A-Za-z][\w-]*+[\\"'`,\])]*""")

_HEADER = re.compile(r"(?i)(?:proxy-)?authorization|(?:set-)?cookie|passphrase|x-[\w-]*(?:key|token|auth|secret)[\w-]*")
_OF_WORDS = re.compile(r"(?i)pass(?!ed|es|ing)|secret|session|cred")
_LINE_HEAD = re.compile(r"\W*(?:(?:export|declare -x|set)[ \t]+)?[\W_]*")
_PARSED = re.compile(r"(?i)(?:expected|unknown|illegal|unterminated|undefined|reserved) (?:token|key)$")
_COORDINATES = re.compile(r":[\w.-]++:\d+\.\d")
"""``com.acme:auth-token:1.2.3``"""
_KEY_KIND = re.compile(r"[A-Za-z]+ $")


def redact_values(line: str) -> str:
    """Replace the values of secrets by stars."""
    for pattern, find in _NOTATIONS if HINT.search(line.lower()) else ():
        line = replace_values(pattern, find, line)
    return line


def replace_values(pattern: re.Pattern[str], find: Callable[[re.Match[str]], Span | None], text: str) -> str:
    """Replace by stars what ``find`` returns for each match; go on behind the value, or behind the name if none."""
    pieces, copied, position = [], 0, 0
    while head := pattern.search(text, position):
        if span := find(head):
            pieces += [text[copied : span[0]], STARS]
            copied = position = span[1]
        else:
            position = head.end("name")
    return "".join([*pieces, text[copied:]])


def is_harmless(value: str) -> bool:
    return _HARMLESS.fullmatch(value.strip(_AROUND)) is not None


def find_value(
    head: re.Match[str], kind: NameKind | None, *, is_colon: bool = False, to_end: bool = False
) -> Span | None:
    """Return the value that begins where ``head`` ends; None if it can't be a secret."""
    text, start, limit = head.string, head.end(), len(head.string)
    if kind is None or start == limit or (kind is NameKind.SERVICE and not _RANDOM.match(text, start)):
        return None
    marks = head.groupdict()
    outer = marks.get("outer") if not marks.get("closer") else None
    if outer and (closing := re.compile(rf"(?<!\\){re.escape(outer)}").search(text, start)):
        limit = closing.start()
    value = _QUOTED.match(text, start, limit)
    if not value and (outer or (to_end and not text.startswith(STARS, start))):
        return checked_value(text, (start, limit), kind, is_colon=is_colon)
    value = value or _BRACKETED.match(text, start, limit)
    end = value.end() if value else start
    if (not value or not _ENDED.match(text, end)) and (word := _BARE.match(text, end, limit)):
        end = word.end()
    return checked_value(text, (start, end), kind, is_colon=is_colon)


def checked_value(text: str, span: Span, kind: NameKind | None, *, is_colon: bool = False) -> Span | None:
    value = text[slice(*span)].strip(_AROUND)
    if kind is None or is_harmless(value) or (is_colon and len(value) < 3):
        return None
    is_plain = kind is NameKind.WEAK and _PLAIN.fullmatch(value) and (is_colon or not value[0].isalpha())
    return None if is_plain else span


def _kind(head: re.Match[str]) -> NameKind | None:
    name = head["name"]
    if name.lower() in ("key", "keys") and (before := _KEY_KIND.search(head.string[: head.start("name")][-20:])):
        name = before[0] + name  # API key: …
    if len(name) > 100:
        return None
    return classify_name(name) or (classify_name(name[2:]) if name.startswith(("-D", "-P")) else None)


def _assigned(head: re.Match[str]) -> Span | None:
    line, name, kind = head.string, head["name"], _kind(head)
    is_colon = head["separator"].strip() == ":"
    if (
        is_colon
        and (
            (head["bracket"] and head["separator"][0] != ":")  # -[LoginTests testToken] : the form is not shown
            or _PARSED.search(line[max(0, head.start("name") - 20) : head.end("name")])
        )
    ):
        return None
    if (name in ("PWD", "OLDPWD") and line.startswith("/", head.end())) or _COORDINATES.match(line, head.start() - 1):
        return None
    is_line = _HEADER.fullmatch(name) or (_OF_WORDS.search(name) and _LINE_HEAD.fullmatch(line, 0, head.start("name")))
    return find_value(head, kind, is_colon=is_colon, to_end=bool(is_line))


def _argument(head: re.Match[str]) -> Span | None:
    return find_value(head, NameKind.SECRET) if _kind(head) is NameKind.SECRET else None


def _spaced(head: re.Match[str]) -> Span | None:
    """Leave out "unknown token 'x'", which is about a parser."""
    return _argument(head) if re.search("(?<=.)[A-Z_.-]|(?i:pass|secret)", head["name"]) else None


def _cell(head: re.Match[str]) -> Span | None:
    end = _CELL_END.match(head.string, head.end())
    return checked_value(head.string, end.span(), _kind(head)) if end else None


def _flag(head: re.Match[str]) -> Span | None:
    span = find_value(head, _kind(head))
    return None if span is None or FLAG_LIKE.fullmatch(head.string, *span) else span


_NOTATIONS = (
    (_ASSIGNED, _assigned),
    (_CALLED, _argument),
    (_PAIRED, _argument),
    (_SPACED, _spaced),
    (_SPOKEN, _argument),
    (_SET, _argument),
    (_LOGIN, _argument),
    (_CELL, _cell),
    (_COLUMN, _argument),
    (_FLAG, _flag),
)
