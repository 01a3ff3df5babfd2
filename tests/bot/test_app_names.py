"""Apps are found by any of their names, and apps of the same title are told apart."""

from __future__ import annotations

import pytest

from bot.app_names import AppIndex, distinct_titles, not_found
from storage.apps import AppRow


def app(slug: str, title: str, repository: str = "") -> AppRow:
    owner, _, name = repository.partition("/")
    return AppRow("T1", slug, title, owner or None, name or None, repo_url=None, project_type=None, is_disabled=False)


APPS = [
    app("a1", "iOS Shop", "acme/shop"),
    app("a2", "iOS Shop", "globex/shop-ios"),
    app("a3", "Café", "acme/cafe-app"),
    app("a4", "Cafe Admin", "acme/admin"),
    app("a5", "Twins", "acme/twins"),
    app("a6", "twins", "acme/twins"),
    app("a7", "No repository"),
    app("a8", "no repository"),
]
INDEX = AppIndex(1, APPS, {"käse": "a4"})


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ("iOS Shop", ["a1", "a2"]),
        ("acme/shop", ["a1"]),
        ("GLOBEX/shop-ios", ["a2"]),
        ("iOS Shop (acme/shop)", ["a1"]),
        ("cafe", ["a3"]),
        ("CAFÉ", ["a3"]),
        ("Cafe\u0301", ["a3"]),
        ("cafe a", ["a4"]),
        ("kase", ["a4"]),
        ("caf", ["a3", "a4"]),
        ("acme/tw", ["a5", "a6"]),
        ("ca", []),
        ("a1", ["a1"]),
        ("a", []),
        ("1", []),
        ("\u0301", []),
        ("", []),
    ],
)
def test_an_app_is_found_by_any_name(query: str, slugs: list[str]) -> None:
    assert [each.app_slug for each in INDEX.match(query)] == slugs


def test_the_name_with_its_accents_wins() -> None:
    index = AppIndex(1, [app("a1", "Café"), app("a2", "Cafe")], {})
    assert [each.app_slug for each in index.match("café")] == ["a1"]
    assert [each.app_slug for each in index.match("cafe")] == ["a2"]
    assert [each.app_slug for each in index.match("càfe")] == ["a1", "a2"]
    assert len(index.match_whole("CAFE")) == 1
    assert len(index.match_whole("càfe")) == 2


def test_apps_of_the_same_title_are_told_apart_by_repository() -> None:
    assert distinct_titles(APPS) == {
        "a1": "iOS Shop (acme/shop)",
        "a2": "iOS Shop (globex/shop-ios)",
        "a3": "Café",
        "a4": "Cafe Admin",
        "a5": "Twins (acme/twins) (a5)",
        "a6": "twins (acme/twins) (a6)",
        "a7": "No repository (a7)",
        "a8": "no repository (a8)",
    }


def test_every_distinct_title_finds_its_app() -> None:
    for slug, title in INDEX.titles.items():
        assert [each.app_slug for each in INDEX.match(title)] == [slug]


def test_suggestions_name_the_repository() -> None:
    error = not_found("ios shop", APPS[:2], is_ambiguous=True)
    assert [(each.label, each.text) for each in error.suggestions] == [
        ("iOS Shop (acme/shop)", "a1"),
        ("iOS Shop (globex/shop-ios)", "a2"),
    ]
