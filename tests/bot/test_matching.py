"""Which name a person meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.matching import nearest, only_match, rank
from tests.commands.typed import VERBS

NAMES_KNOWN = ["iOS Shop", "android-shop", "Shop Admin", "shop", "release/3.2", "newLogin"]


@pytest.mark.parametrize(
    ("query", "found", "only"),
    [
        ("shop", ["shop", "Shop Admin", "iOS Shop", "android-shop"], "shop"),
        ("SHOP", ["shop", "Shop Admin", "iOS Shop", "android-shop"], "shop"),
        ("ios", ["iOS Shop"], "iOS Shop"),
        ("sh", ["Shop Admin", "shop", "iOS Shop", "android-shop"], None),
        ("rel 3", ["release/3.2"], "release/3.2"),
        ("login", ["newLogin"], "newLogin"),
        ("ogi", ["newLogin"], None),
        ("relaese/3.2", ["release/3.2"], None),
        ("nothing like it", [], None),
        ("", NAMES_KNOWN, None),
    ],
)
def test_names_are_found_best_first(query: str, found: list[str], only: str | None) -> None:
    assert rank(query, NAMES_KNOWN) == found
    assert only_match(query, NAMES_KNOWN) == only


def test_an_exact_name_wins_over_one_in_other_letters() -> None:
    assert rank("Shop", ["shop", "Shop"]) == ["Shop", "shop"]
    assert only_match("Shop", ["shop", "Shop"]) == "Shop"
    assert only_match("SHOP", ["shop", "Shop"]) is None


@given(st.lists(st.text(min_size=1, max_size=12), max_size=8), st.text(max_size=8), st.data())
def test_every_name_answers_to_itself_first(names: list[str], other: str, data: st.DataObject) -> None:
    assert set(rank(other, names)) <= set(names)
    if known := [name for name in names if name == name.strip()]:
        name = data.draw(st.sampled_from(known))
        assert rank(name, names)[0] == name
        assert only_match(name, names) == name


@pytest.mark.parametrize(
    ("typed", "meant"), [("statsu", "status"), ("ABORT", "abort"), ("abrot", "abort"), ("xyz", None), ("", None)]
)
def test_a_misspelt_verb_is_recognised(typed: str, meant: str | None) -> None:
    assert nearest(typed, VERBS) == meant
