"""References in typed text to a build (``shop #812``, a slug, an address of Bitrise). Pure."""

from __future__ import annotations

import re

from bot.builds.queries import BuildRef
from commands.tokenizer import ArgumentsUnclear, Word, Words, quote_input

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
            f"{quote_input(match['address'])} isn't a Bitrise build link.",
            "Paste one, or enter the app and the number: `shop #812`.",
        )
    if kind == "page":
        slug = match["pipeline"] or match["build"]
        return BuildRef(match["app"] or app, slug=slug, is_pipeline=match["pipeline"] is not None)
    if kind == "slug":
        return BuildRef(app, slug=match["slug"])
    if len(match[kind]) > _MAX_DIGITS:
        raise ArgumentsUnclear(f"{quote_input('#' + match[kind])} isn't a build number.", "Use one like `shop #812`.")
    return BuildRef(match["joined_app"] if kind == "joined" else app, int(match[kind]))


def _may_be_app(words: tuple[Word, ...]) -> bool:
    """Whether the words before a reference can be its app: none, one other than ``branch:x``, or a title of several."""
    if len(words) > 1:
        return all(word.is_open and not _KEYED.match(word.text) for word in words)
    return all(word.quoted or _APP_KEY.fullmatch(word.text) or not _KEYED.match(word.text) for word in words)


def _app_of(words: tuple[Word, ...]) -> str | None:
    keyed = _APP_KEY.fullmatch(words[0].text) if len(words) == 1 and not words[0].quoted else None
    return keyed["app"] if keyed else " ".join(word.text for word in words) or None
