"""A build, named in many ways."""

from __future__ import annotations

import pytest

from commands.build_reference import BuildArguments, parse_build
from commands.tokenizer import ArgumentsUnclear
from tests.commands.typed import PAGE, SLUG, UUID

APP_PAGE = "https://app.bitrise.io/app/0f3e1d2c4b5a6978"
BARE_PAGE = f"app.bitrise.io/build/{SLUG}"
PIPELINE_PAGE = f"https://app.bitrise.io/app/0f3e1d2c4b5a6978/pipelines/{UUID}"


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("", BuildArguments()),
        ("shop", BuildArguments("shop")),
        ("app:shop", BuildArguments("shop")),
        ('"iOS Shop"', BuildArguments("iOS Shop")),
        ("shop #812", BuildArguments("shop", 812)),
        ("shop 812", BuildArguments("shop", 812)),
        ("shop#812", BuildArguments("shop", 812)),
        ("shop #812: because", BuildArguments("shop", 812, rest="because")),
        ("shop <#C1|812>", BuildArguments("shop", 812)),
        ('"iOS Shop" #812', BuildArguments("iOS Shop", 812)),
        ("iOS Shop Beta #812 x", BuildArguments("iOS Shop Beta", 812, rest="x")),
        ("app:shop #812", BuildArguments("shop", 812)),
        ('app:"iOS Shop" 812', BuildArguments("iOS Shop", 812)),
        ("#812", BuildArguments(number=812)),
        ("812", BuildArguments(number=812)),
        ("812 hangs", BuildArguments(number=812, rest="hangs")),
        ("2048 #3", BuildArguments("2048", 3)),
        ("2048 3", BuildArguments("2048", 3)),
        ("shop 812 like #811", BuildArguments("shop", 812, rest="like #811")),
        ('#812 "two  words"', BuildArguments(number=812, rest="two  words")),
        ('#812 say "two  words"', BuildArguments(number=812, rest='say "two  words"')),
        ("shop hangs", BuildArguments("shop", rest="hangs")),
        (SLUG, BuildArguments(slug=SLUG)),
        (f"shop {UUID}", BuildArguments("shop", slug=UUID)),
        (PAGE, BuildArguments(slug=SLUG, url=PAGE)),
        (f"<{PAGE}|this build> why", BuildArguments(slug=SLUG, url=PAGE, rest="why")),
        (f"{PAGE}?tab=log#x", BuildArguments(slug=SLUG, url=f"{PAGE}?tab=log#x")),
        (f"{PAGE}/.", BuildArguments(slug=SLUG, url=f"{PAGE}/")),
        (f"shop {PAGE}", BuildArguments("shop", slug=SLUG, url=PAGE)),
        (PIPELINE_PAGE, BuildArguments("0f3e1d2c4b5a6978", pipeline=UUID, url=PIPELINE_PAGE)),
        (APP_PAGE, BuildArguments("0f3e1d2c4b5a6978", url=APP_PAGE)),
        (f"<http://{BARE_PAGE}|{BARE_PAGE}>", BuildArguments(slug=SLUG, url=BARE_PAGE)),
        (f"http://127.0.0.1:8080/build/{SLUG}", BuildArguments(slug=SLUG, url=f"http://127.0.0.1:8080/build/{SLUG}")),
    ],
)
def test_a_build_is_named_in_many_ways(text: str, build: BuildArguments) -> None:
    assert parse_build(text) == build


@pytest.mark.parametrize("text", ["https://ci.example.com/job/7", "https://app.bitrise.io", "#99999999999"])
def test_what_is_no_build_is_said(text: str) -> None:
    with pytest.raises(ArgumentsUnclear, match="is no"):
        parse_build(text)
