"""References to builds."""

from __future__ import annotations

import pytest

from bot.builds.queries import Named
from commands.build_reference import read_build
from commands.tokenizer import ArgumentsUnclear, tokenize
from tests.commands.typed import PAGE, SLUG, UUID

APP_PAGE = "https://app.bitrise.io/app/0f3e1d2c4b5a6978"
BARE_PAGE = f"app.bitrise.io/build/{SLUG}"
PIPELINE_PAGE = f"https://app.bitrise.io/app/0f3e1d2c4b5a6978/pipelines/{UUID}"


@pytest.mark.parametrize(
    ("text", "build", "rest"),
    [
        ("", Named(), ""),
        ("shop", Named("shop"), ""),
        ("app:shop", Named("shop"), ""),
        ('"iOS Shop"', Named("iOS Shop"), ""),
        ("shop #812", Named("shop", 812), ""),
        ("shop 812", Named("shop", 812), ""),
        ("shop#812", Named("shop", 812), ""),
        ("shop #812: because", Named("shop", 812), "because"),
        ("shop <#C1|812>", Named("shop", 812), ""),
        ('"iOS Shop" #812', Named("iOS Shop", 812), ""),
        ("iOS Shop Beta #812 x", Named("iOS Shop Beta", 812), "x"),
        ("app:shop #812", Named("shop", 812), ""),
        ('app:"iOS Shop" 812', Named("iOS Shop", 812), ""),
        ("#812", Named(number=812), ""),
        ("812", Named(number=812), ""),
        ("812 hangs", Named(number=812), "hangs"),
        ("2048 #3", Named("2048", 3), ""),
        ("2048 3", Named("2048", 3), ""),
        ("shop 812 like #811", Named("shop", 812), "like #811"),
        ('#812 "two  words"', Named(number=812), "two  words"),
        ('#812 say "two  words"', Named(number=812), 'say "two  words"'),
        ("shop hangs", Named("shop"), "hangs"),
        (SLUG, Named(slug=SLUG), ""),
        (f"shop {UUID}", Named("shop", slug=UUID), ""),
        (PAGE, Named(slug=SLUG), ""),
        (f"<{PAGE}|this build> why", Named(slug=SLUG), "why"),
        (f"{PAGE}?tab=log#x", Named(slug=SLUG), ""),
        (f"{PAGE}/.", Named(slug=SLUG), ""),
        (f"shop {PAGE}", Named("shop", slug=SLUG), ""),
        (PIPELINE_PAGE, Named("0f3e1d2c4b5a6978", slug=UUID, is_pipeline=True), ""),
        (APP_PAGE, Named("0f3e1d2c4b5a6978"), ""),
        (f"<http://{BARE_PAGE}|{BARE_PAGE}>", Named(slug=SLUG), ""),
        (f"http://127.0.0.1:8080/build/{SLUG}", Named(slug=SLUG), ""),
    ],
)
def test_a_build_is_named_in_many_ways(text: str, build: Named, rest: str) -> None:
    reference, left = read_build(tokenize(text))
    assert (reference, left.tail()) == (build, rest)


@pytest.mark.parametrize("text", ["https://ci.example.com/job/7", "https://app.bitrise.io", "#99999999999"])
def test_what_is_no_build_is_said(text: str) -> None:
    with pytest.raises(ArgumentsUnclear, match="is no"):
        read_build(tokenize(text))
