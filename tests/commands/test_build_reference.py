"""References to builds."""

from __future__ import annotations

import pytest

from bot.builds.queries import BuildRef
from commands.build_reference import read_build
from commands.tokenizer import ArgumentsUnclear, tokenize
from tests.commands.typed import PAGE, SLUG, UUID

APP_PAGE = "https://app.bitrise.io/app/0f3e1d2c4b5a6978"
BARE_PAGE = f"app.bitrise.io/build/{SLUG}"
PIPELINE_PAGE = f"https://app.bitrise.io/app/0f3e1d2c4b5a6978/pipelines/{UUID}"


@pytest.mark.parametrize(
    ("text", "build", "rest"),
    [
        ("", BuildRef(), ""),
        ("shop", BuildRef("shop"), ""),
        ("app:shop", BuildRef("shop"), ""),
        ('"iOS Shop"', BuildRef("iOS Shop"), ""),
        ("shop #812", BuildRef("shop", 812), ""),
        ("shop 812", BuildRef("shop", 812), ""),
        ("shop#812", BuildRef("shop", 812), ""),
        ("shop #812: because", BuildRef("shop", 812), "because"),
        ("shop <#C1|812>", BuildRef("shop", 812), ""),
        ('"iOS Shop" #812', BuildRef("iOS Shop", 812), ""),
        ("iOS Shop Beta #812 x", BuildRef("iOS Shop Beta", 812), "x"),
        ("app:shop #812", BuildRef("shop", 812), ""),
        ('app:"iOS Shop" 812', BuildRef("iOS Shop", 812), ""),
        ("#812", BuildRef(number=812), ""),
        ("812", BuildRef(number=812), ""),
        ("812 hangs", BuildRef(number=812), "hangs"),
        ("2048 #3", BuildRef("2048", 3), ""),
        ("2048 3", BuildRef("2048", 3), ""),
        ("shop 812 like #811", BuildRef("shop", 812), "like #811"),
        ('#812 "two  words"', BuildRef(number=812), "two  words"),
        ('#812 say "two  words"', BuildRef(number=812), 'say "two  words"'),
        ("shop hangs", BuildRef("shop"), "hangs"),
        (SLUG, BuildRef(slug=SLUG), ""),
        (f"shop {UUID}", BuildRef("shop", slug=UUID), ""),
        (PAGE, BuildRef(slug=SLUG), ""),
        (f"<{PAGE}|this build> why", BuildRef(slug=SLUG), "why"),
        (f"{PAGE}?tab=log#x", BuildRef(slug=SLUG), ""),
        (f"{PAGE}/.", BuildRef(slug=SLUG), ""),
        (f"shop {PAGE}", BuildRef("shop", slug=SLUG), ""),
        (PIPELINE_PAGE, BuildRef("0f3e1d2c4b5a6978", slug=UUID, is_pipeline=True), ""),
        (APP_PAGE, BuildRef("0f3e1d2c4b5a6978"), ""),
        (f"<http://{BARE_PAGE}|{BARE_PAGE}>", BuildRef(slug=SLUG), ""),
        (f"http://127.0.0.1:8080/build/{SLUG}", BuildRef(slug=SLUG), ""),
    ],
)
def test_reference_is_read_in_every_form(text: str, build: BuildRef, rest: str) -> None:
    reference, left = read_build(tokenize(text))
    assert (reference, left.tail()) == (build, rest)


@pytest.mark.parametrize("text", ["https://ci.example.com/job/7", "https://app.bitrise.io", "#99999999999"])
def test_address_or_number_of_no_build_is_refused(text: str) -> None:
    with pytest.raises(ArgumentsUnclear, match="isn't a"):
        read_build(tokenize(text))
