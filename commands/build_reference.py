"""References in typed text, to an app and to a build (``shop #812``, a slug, an address of Bitrise). Pure."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import replace

from bot.builds.queries import BuildRef
from bot.fuzzy import fold
from commands.tokenizer import ArgumentsUnclear, Word, Words, quote_input

KEY = "app:"
MAX_NAME_WORDS = 12

# By the shape of the path, on any host: the slug is looked up with the workspace's own token.
_PAGE = re.compile(
    r"(?P<page>(?:https?://[^/\s]+|(?:app|www)\.bitrise\.io)(?=/(?:app|builds?|pipelines?)/)"
    r"(?:/app/(?P<app>[\w-]{4,64}))?(?:/builds?/(?P<build>[\w-]{4,64})|/pipelines?/(?P<pipeline>[\w-]{4,64}))?"
    r"/?(?:[?#]\S*)?[.,;]?)",
    re.ASCII,
)
_REFERENCE = re.compile(
    rf"{_PAGE.pattern}|(?P<address>https?://.*)"
    r"|(?P<joined_app>[^\s#:=/|]+)#(?P<joined>[0-9]+)[.,:;]?|#(?P<hash>[0-9]+)[.,:;]?"
    r"|(?P<number>[0-9]{1,9})|(?P<slug>[0-9a-f]{16}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
    re.ASCII | re.DOTALL,
)
# Which kind of reference wins at which word: `2048 #3` and `2048 3` name builds of the app 2048, `812 hangs` a build.
_PRECEDENCE = (
    *(("page", 0), ("page", 1), ("address", 0), ("joined", 0), ("hash", 0), ("hash", 1)),
    *(("number", 1), ("number", 0), ("slug", 1), ("slug", 0), ("hash", 2), ("hash", 3)),
)
_MAX_DIGITS = 9
_KEYED = re.compile(r"[A-Za-z_][\w-]*[:=]")
_APP_KEY = re.compile(r"app:(?P<app>.+)", re.IGNORECASE | re.DOTALL)


def join_app_name(words: Words, app_names: Container[str]) -> Words:
    """Join the words that are exactly an app's name, at the beginning or after ``app:``, into one.

    The longest name wins. A name of one word stays as it is. ``app_names`` are those of `AppIndex.names`.
    """
    items, place, key = words.words, 0, ""
    if KEY in words.text.lower():
        keyed = [at for at, word in enumerate(items) if word.is_open and word.text.lower().startswith(KEY)]
        place, key = (keyed[0], KEY) if keyed else (0, "")
    for count in range(min(len(items) - place, MAX_NAME_WORDS), 1, -1):
        run = items[place : place + count]
        text = " ".join([word.text for word in run])[len(key) :].strip()
        name, _, number = text.rpartition("#")
        if text.lower() in app_names or (not text.isascii() and fold(text) in app_names):
            name, number = text, ""
        elif not number.isdecimal() or fold(name.strip()) not in app_names:
            continue
        if all(word.is_open for word in run):
            joined = [Word(key + name.strip(), run[0].start, quoted=not key, value_quoted=bool(key))]
            joined += [Word(f"#{number}", run[-1].start)] if number else []
            return replace(words, words=(*items[:place], *joined, *items[place + count :]))
    return words


def read_build(words: Words) -> tuple[BuildRef, Words]:
    """Return the build, or at least the app, at the beginning, and the words after it. Raises ArgumentsUnclear.

    A bare word of 16 hexadecimal digits is in ``slug``; it may be the slug of an app as well.
    """
    items = words.words
    matches = [_REFERENCE.fullmatch(word.text) for word in items[:4]]
    for kind, place in _PRECEDENCE:
        match = matches[place] if place < len(matches) else None
        if match is None or match.lastgroup != kind or not _may_be_app(items[:place]):
            continue
        if kind in ("page", "address") or items[place].is_open:
            return _named(kind, match, items[:place]), words.after(place + 1)
    return BuildRef(app=_app_of(items[:1])), words.after(1)


def refers_to_build(words: Words) -> bool:
    """Whether text without a verb names a build to show, rather than something to start."""
    build, rest = read_build(words)
    used = words.words[: len(words.words) - len(rest.words)]
    is_marked = "/" in used[-1].text or any(word.is_open and "#" in word.text for word in used)
    return build.names_build and (is_marked or not rest)


def read_page(text: str) -> BuildRef | None:
    """Return the build, pipeline or app that an address copied from Bitrise points at."""
    match = _PAGE.fullmatch(text)
    return _named("page", match, ()) if match else None


def _named(kind: str, match: re.Match[str], before: tuple[Word, ...]) -> BuildRef:
    app = _app_of(before)
    if kind == "address":
        raise ArgumentsUnclear(
            f"{quote_input(match['address'])} is no page of Bitrise that I know.",
            "Paste the address of a build, or write `app #812`.",
        )
    if kind == "page":
        slug = match["pipeline"] or match["build"]
        return BuildRef(match["app"] or app, slug=slug, is_pipeline=match["pipeline"] is not None)
    if kind == "slug":
        return BuildRef(app, slug=match["slug"])
    if len(match[kind]) > _MAX_DIGITS:
        raise ArgumentsUnclear(f"{quote_input('#' + match[kind])} is no build number.", "Write it as in `app #812`.")
    return BuildRef(match["joined_app"] if kind == "joined" else app, int(match[kind]))


def _may_be_app(words: tuple[Word, ...]) -> bool:
    """Whether the words before a reference can be its app: none, one other than ``branch:x``, or a title of several."""
    if len(words) > 1:
        return all(word.is_open and not _KEYED.match(word.text) for word in words)
    return all(word.quoted or _APP_KEY.fullmatch(word.text) or not _KEYED.match(word.text) for word in words)


def _app_of(words: tuple[Word, ...]) -> str | None:
    keyed = _APP_KEY.fullmatch(words[0].text) if len(words) == 1 and not words[0].quoted else None
    return keyed["app"] if keyed else " ".join(word.text for word in words) or None
