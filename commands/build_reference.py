"""Which build is meant: ``shop #812``, ``812``, a slug, or an address copied from Bitrise. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from commands.tokenizer import ArgumentsUnclear, Word, Words, read, shown

# By the shape of the path, on any host: the slug is looked up with our own token, whoever's page it was.
_PAGE = re.compile(
    r"(?:https?://[^/\s]+|(?:app|www)\.bitrise\.io)"
    r"(?:/app/(?P<app>[\w-]{4,64}))?(?:/builds?/(?P<slug>[\w-]{4,64})|/pipelines?/(?P<pipeline>[\w-]{4,64}))?"
    r"/?(?:[?#]\S*)?[.,;]?",
    re.ASCII,
)
_SLUG = re.compile(r"[0-9a-f]{16}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HASHED = re.compile(r"#(?P<number>[0-9]+)[.,:;]?")
_JOINED = re.compile(r"(?P<app>[^\s#:=/|]+)#(?P<number>[0-9]+)[.,:;]?")
_NUMBER = re.compile(r"[0-9]{1,9}")
_NUMBER_DIGITS = 9
_KEYED = re.compile(r"[A-Za-z_][\w-]*[:=]")
_APP_KEY = re.compile(r"app:(?P<app>.+)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class BuildArguments:
    """A build as it was named, not yet looked up. ``app`` is a title, a slug or a part of one.

    A bare word of 16 hexadecimal digits is in ``slug``; it may be the slug of an app as well. ``pipeline`` is the id in
    a pipeline's address. ``rest`` is what was typed after it.
    """

    app: str | None = None
    number: int | None = None
    slug: str | None = None
    pipeline: str | None = None
    url: str | None = None
    rest: str = ""

    @property
    def names_build(self) -> bool:
        """Whether one build is named, not only an app."""
        return not (self.number is None and self.slug is None and self.pipeline is None)


def parse_build(text: str | Words) -> BuildArguments:
    """Read the build, or at least the app, at the beginning of a text. Raises ArgumentsUnclear."""
    words = read(text)
    build, used = find_build(words)
    return replace(build, rest=words.tail(used))


def find_build(words: Words) -> tuple[BuildArguments, int]:
    """The build at the beginning, without its rest, and how many words it took."""
    items = words.words
    found = _by_page(items) or _by_hash(items) or _by_bare_number(items) or _by_slug(items) or _by_long_title(items)
    if found:
        return found
    return (BuildArguments(app=_app_of(items)), 1) if items else (BuildArguments(), 0)


def stands_for_build(words: Words) -> bool:
    """Whether a text without a verb is a build to show, rather than something to start."""
    if len(words.words) > 2 and not any("#" in word.text or "/" in word.text for word in words.words):
        return False  # a bare number or slug stands alone, or after the app
    build, used = find_build(words)
    is_marked = build.url is not None or any(word.is_open and "#" in word.text for word in words.words[:used])
    return build.names_build and (is_marked or used == len(words.words))


def is_slug(word: str) -> bool:
    return bool(_SLUG.fullmatch(word))


def bitrise_page(text: str) -> BuildArguments | None:
    """What an address copied from Bitrise points at: a build, a pipeline or an app."""
    page = _PAGE.fullmatch(text) if "/" in text else None
    if page is None or not any(page.group("app", "slug", "pipeline")):
        return None
    return BuildArguments(app=page["app"], slug=page["slug"], pipeline=page["pipeline"], url=text.rstrip(".,;"))


def _by_page(items: tuple[Word, ...]) -> tuple[BuildArguments, int] | None:
    for place, word in enumerate(items[:2]):
        if (page := bitrise_page(word.text)) and _is_app(items[:place]):
            return replace(page, app=page.app or _app_of(items[:place])), place + 1
    if items and re.match(r"https?://", items[0].text):
        raise ArgumentsUnclear(
            f"{shown(items[0].text)} is no page of Bitrise that I know.",
            "Paste the address of a build, or write `app #812`.",
        )
    return None


def _by_hash(items: tuple[Word, ...]) -> tuple[BuildArguments, int] | None:
    """``#812``, ``shop #812``, ``shop#812``."""
    if not any("#" in word.text for word in items[:2]):
        return None
    if items and items[0].is_open and (joined := _JOINED.fullmatch(items[0].text)):
        return BuildArguments(app=joined["app"], number=_number(joined["number"])), 1
    for place, word in enumerate(items[:2]):
        if word.is_open and _is_app(items[:place]) and (hashed := _HASHED.fullmatch(word.text)):
            return BuildArguments(app=_app_of(items[:place]), number=_number(hashed["number"])), place + 1
    return None


def _by_bare_number(items: tuple[Word, ...]) -> tuple[BuildArguments, int] | None:
    """``shop 812``, else ``812``."""
    for place in (1, 0):
        word = items[place] if place < len(items) else None
        if word and word.is_open and _is_app(items[:place]) and _NUMBER.fullmatch(word.text):
            return BuildArguments(app=_app_of(items[:place]), number=int(word.text)), place + 1
    return None


def _by_slug(items: tuple[Word, ...]) -> tuple[BuildArguments, int] | None:
    for place in (1, 0):
        word = items[place] if place < len(items) else None
        if word and word.is_open and _is_app(items[:place]) and is_slug(word.text):
            return BuildArguments(app=_app_of(items[:place]), slug=word.text), place + 1
    return None


def _by_long_title(items: tuple[Word, ...]) -> tuple[BuildArguments, int] | None:
    """``iOS Shop Beta #812``: a title without quotes, of up to three words."""
    for place in range(2, min(4, len(items))):
        word = items[place]
        if word.is_open and (hashed := _HASHED.fullmatch(word.text)) and _is_title(items[:place]):
            app = " ".join(part.text for part in items[:place])
            return BuildArguments(app=app, number=_number(hashed["number"])), place + 1
    return None


def _is_title(words: tuple[Word, ...]) -> bool:
    return all(word.is_open and not _KEYED.match(word.text) for word in words)


def _is_app(words: tuple[Word, ...]) -> bool:
    """Whether what stands before the build may be its app: nothing, or one word that is no ``branch:x``."""
    return all(word.quoted or _APP_KEY.fullmatch(word.text) or not _KEYED.match(word.text) for word in words)


def _app_of(words: tuple[Word, ...]) -> str | None:
    if not words:
        return None
    keyed = None if words[0].quoted else _APP_KEY.fullmatch(words[0].text)
    return keyed["app"] if keyed else words[0].text


def _number(digits: str) -> int:
    if len(digits) > _NUMBER_DIGITS:
        raise ArgumentsUnclear(f"{shown('#' + digits)} is no build number.", "Write it as in `app #812`.")
    return int(digits)
