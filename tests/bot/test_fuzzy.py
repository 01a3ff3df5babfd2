"""Fuzzy matching of names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.fuzzy import nearest, rank
from tests.commands.typed import VERBS

NAMES = ["iOS Shop", "android-shop", "Shop Admin", "shop", "release/3.2", "newLogin"]


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ("shop", ["shop", "Shop Admin", "iOS Shop", "android-shop"]),
        ("SHOP", ["shop", "Shop Admin", "iOS Shop", "android-shop"]),
        ("ios", ["iOS Shop"]),
        ("sh", ["Shop Admin", "shop", "iOS Shop", "android-shop"]),
        ("rel 3", ["release/3.2"]),
        ("login", ["newLogin"]),
        ("ogi", ["newLogin"]),
        ("relaese/3.2", ["release/3.2"]),
        ("nothing like it", []),
        ("", NAMES),
    ],
)
def test_names_are_ranked_best_first(query: str, matches: list[str]) -> None:
    assert rank(query, NAMES) == matches


ACCENTED = ["Café Zürich", "Łódź Ødegård", "München-Süd", "cafe zurich", "Straße", "が", "か"]


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ("cafe", ["Café Zürich", "cafe zurich"]),
        ("CAFÉ ZÜRICH", ["Café Zürich", "cafe zurich"]),
        ("Cafe Zurich", ["cafe zurich", "Café Zürich"]),
        ("Cafe\u0301 Zu\u0308rich", ["Café Zürich", "cafe zurich"]),
        ("lodz odegard", ["Łódź Ødegård"]),
        ("mun sud", ["München-Süd"]),
        ("STRASSE", ["Straße"]),
        ("strässe", ["Straße"]),
        ("か", ["か"]),
    ],
)
def test_accents_make_no_difference(query: str, matches: list[str]) -> None:
    assert rank(query, ACCENTED) == matches


def test_misspelled_accents_are_recognized() -> None:
    assert nearest("munchn-sud", ACCENTED) == "München-Süd"


def test_exact_name_wins_over_another_case() -> None:
    assert rank("Shop", ["shop", "Shop"]) == ["Shop", "shop"]


@given(st.lists(st.text(min_size=1, max_size=12), max_size=8), st.text(max_size=8), st.data())
def test_every_name_matches_itself_first(names: list[str], other: str, data: st.DataObject) -> None:
    assert set(rank(other, names)) <= set(names)
    if stripped := [name for name in names if name == name.strip()]:
        name = data.draw(st.sampled_from(stripped))
        assert rank(name, names)[0] == name


@pytest.mark.parametrize(
    ("typed", "meant"), [("statsu", "status"), ("ABORT", "abort"), ("abrot", "abort"), ("xyz", None), ("", None)]
)
def test_misspelled_verb_is_recognized(typed: str, meant: str | None) -> None:
    assert nearest(typed, VERBS) == meant
