"""Names of Bitrise apps: find an app by any of them, and tell apps of the same title apart. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from bot.errors import AppNotFound, Suggestion
from bot.fuzzy import fold
from storage.apps import AppRow

MAX_SUGGESTIONS = 5
MIN_LETTERS = 3
"""Of the beginning of a name that stands for all of it."""


class AppIndex:
    """The apps of a workspace by name, as of one ``version`` of the names.

    ``names`` has each in lower case, and folded. ``own_titles`` may be shared by several apps, ``titles`` are not.
    A slug is a name only as a whole: it is a random text, so that its beginning means nothing.
    """

    def __init__(self, version: int, apps: Sequence[AppRow], aliases: Mapping[str, str]) -> None:
        self.version, self.apps = version, apps
        self.titles = distinct_titles(apps)
        self.own_titles = {app.app_slug: app.title for app in apps}
        self.by_name: dict[str, list[AppRow]] = {}
        self._by_lower_name: dict[str, list[AppRow]] = {}
        self._by_folded_name: dict[str, list[AppRow]] = {}
        for app in apps:
            hyphenated = re.sub(r"[^\w]+", "-", app.title.lower()).strip("-")
            names = [app.title, hyphenated, app.repo_slug, repository_of(app), self.titles[app.app_slug]]
            names += [alias for alias, slug in aliases.items() if slug == app.app_slug]
            present = [" ".join(name.split()) for name in names if name and name != app.app_slug]
            for index, key in (
                (self.by_name, str),
                (self._by_lower_name, str.lower),
                (self._by_folded_name, fold),
            ):
                for name in dict.fromkeys(map(key, present)):
                    index.setdefault(name, []).append(app)
            if app not in (of_slug := self._by_lower_name.setdefault(app.app_slug.lower(), [])):
                of_slug.append(app)
        self.names = frozenset([*self._by_lower_name, *self._by_folded_name])

    def match(self, query: str) -> list[AppRow]:
        """Return the apps with that name, or else with that beginning of three letters or more."""
        if whole := self.match_whole(query):
            return whole
        folded = fold(" ".join(query.split()))
        if sum(map(str.isalpha, folded)) < MIN_LETTERS:
            return []
        matches = [app for name, apps in self._by_folded_name.items() if name.startswith(folded) for app in apps]
        return list({app.app_slug: app for app in matches}.values())

    def match_whole(self, query: str) -> list[AppRow]:
        """Return the apps with exactly that name, or else with that name except for accents."""
        name = " ".join(query.split())
        return self._by_lower_name.get(name.lower()) or self._by_folded_name.get(fold(name), [])


def repository_of(app: AppRow) -> str:
    """Return the repository as in ``acme/shop``; empty if Bitrise doesn't name it."""
    return "/".join(filter(None, (app.repo_owner, app.repo_slug)))


def distinct_titles(apps: Sequence[AppRow]) -> dict[str, str]:
    """Return titles by app slug. Apps of the same title have their repository behind it, or else their slug."""
    titles = {app.app_slug: app.title for app in apps}
    for mark in (repository_of, _slug_of):
        counts = Counter(map(fold, titles.values()))
        for app in apps:
            title = titles[app.app_slug]
            if counts[fold(title)] > 1 and mark(app):
                titles[app.app_slug] = f"{title} ({mark(app)})"
    return titles


def _slug_of(app: AppRow) -> str:
    return app.app_slug


def not_found(query: str, close: Sequence[AppRow], *, is_ambiguous: bool) -> AppNotFound:
    close = close[:MAX_SUGGESTIONS]
    titles = distinct_titles(close)
    suggestions = tuple(Suggestion(titles[app.app_slug], app.app_slug) for app in close)
    if is_ambiguous:
        sentence = f"Which app did you mean by “{query}”?"
    elif suggestions:
        sentence = f"No app is called “{query}”. Did you mean one of these?"
    else:
        sentence = (
            f"No app called “{query}” is available to the connected Bitrise token. "
            "Check the name or the token's access."
        )
    return AppNotFound(sentence, query=query, suggestions=suggestions)
