"""Redaction of secrets in build logs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.logs import STARS
from bot.results.redaction import redact_secrets

HEX = "0123456789abcdef" * 3
MIXED = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3gH6jK9m"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nq8Zx+/==\n-----END RSA PRIVATE KEY-----"

SECRETS = [
    ("PASSWORD=sesame", "PASSWORD=********"),
    ("MATCH_PASSWORD: sesame", "MATCH_PASSWORD: ********"),
    ('"keystore_password" : "open sesame"', '"keystore_password" : ********'),
    ("export API_KEY='se\\'same x'", "export API_KEY=********"),
    ("storePassword = sesame", "storePassword = ********"),
    ("FASTLANE_SESSION=--- sesame", "FASTLANE_SESSION=******** sesame"),
    ("apiKey=>sesame", "apiKey=>********"),
    ("passphrase: correct horse battery", "passphrase: ********"),
    ("client_secret=sesame&grant=x", "client_secret=********"),
    ("ENV['SENTRY_AUTH_TOKEN'] = 'sesame'", "ENV['SENTRY_AUTH_TOKEN'] = ********"),
    ("$ altool --password sesame --file x", "$ altool --password ******** --file x"),
    ("$ sign -storepass-token sesame", "$ sign -storepass-token ********"),
    ("Authorization: Bearer abc.def", "Authorization: ********"),
    ("> authorization: Basic dXNlcjpwYXNz", "> authorization: ********"),
    ("Set-Cookie: id=1; Path=/", "Set-Cookie: ********"),
    ("x-api-key: sesame", "x-api-key: ********"),
    ("sent Bearer dXNlcjpwYXNz ok", "sent Bearer ******** ok"),
    ("id AKIAIOSFODNN7EXAMPLE", "id ********"),
    ("got ghp_0123456789abcdefghij0123456789abcdef", "got ********"),
    ("got github_pat_11ABCDEFG0123456789_abcdef", "got ********"),
    ("got glpat-0123456789abcdefghij", "got ********"),
    ("got xoxb-123456789012-abcdef", "got ********"),
    ("got bitpat_0123456789abcdef", "got ********"),
    ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "got ********"),
    ("AIzaSyA0123456789abcdefghijklmnopqrstuv", "********"),
    ("npm_0123456789abcdefghijklmnopqrstuvwxyz", "********"),
    (f"before\n{KEY}\nafter", "before\n********\nafter"),
    (KEY.partition("\n")[2], "********"),
    (f"{KEY.partition(chr(10))[0]}\n{MIXED}\n{MIXED}\nerror: no", "********\nerror: no"),
    (f'"{KEY.replace(chr(10), chr(92) + "n")}"', '"********"'),
    ("clone https://ana:s%40same@git.acme.com/shop.git", "clone https://********@git.acme.com/shop.git"),
    ("clone https://ana:s@same@git.acme.com/x", "clone https://********@git.acme.com/x"),
    ("get https://s3.eu/a/log?X-Amz-Expires=600&X-Amz-Signature=ab", "get https://s3.eu/a/log?********"),
    ("posting to https://hooks.slack.com/services/T0/B0/sesame", "posting to https://hooks.slack.com/********"),
    (f"signing key {HEX}", "signing key ********"),
    (f"secret {MIXED}", "secret ********"),
]  # fmt: skip

HARMLESS = [
    "LoginTests.swift:42: error: -[ShopTests.LoginTests testExpiredSession] : XCTAssertTrue failed",
    "error: cannot find 'token' in scope",
    "/Users/vagrant/git/Shop/KeyboardViewController2.swift:12:5: error: no such key",
    "SyntaxError: Unexpected token } in JSON at position 4",
    f"HEAD is now at {HEX[:40]}",
    "git@github.com:acme/shop.git",
    "ssh://git@github.com/acme/shop.git",
    "https://example.com/search?q=login&page=2",
    "Basic authentication failed",
    "Test Case '-[ShopTests.TokenTests testRefresh]' failed (0.101 seconds).",
    "passwords do not match",
    "looking for -----BEGIN PRIVATE KEY-----\nerror: there is none",
]


@pytest.mark.parametrize(("text", "redacted"), SECRETS)
def test_secret_is_redacted(text: str, redacted: str) -> None:
    assert redact_secrets(text) == redacted


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_is_kept(text: str) -> None:
    assert redact_secrets(text) == text


PIECES = [piece for text, _ in SECRETS for piece in re.split(r"(\W)", text)] + [KEY, HEX, MIXED, STARS, "*", "\n", " "]


@given(st.text() | st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_redacting_again_changes_nothing(text: str) -> None:
    redacted = redact_secrets(text)
    assert redact_secrets(redacted) == redacted


@given(st.sampled_from(SECRETS), st.text(alphabet="ab \n|:=", max_size=20), st.text(alphabet="ab \n|", max_size=20))
def test_secret_is_redacted_in_any_context(secret: tuple[str, str], before: str, after: str) -> None:
    assert secret[0] not in redact_secrets(f"{before}\n{secret[0]}\n{after}")


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "A1b2",
        "password",
        "token=",
        "--",
        "-----BEGIN PRIVATE KEY-----",
        "eyJ-",
        "http://",
        "Bearer ",
        "a\n",
        "://",
        "x@",
        '"',
    ],
)
def test_long_line_is_redacted_quickly(piece: str) -> None:
    """A slow pattern would run into the time limit of tests."""
    assert len(redact_secrets(piece * (256 * 1024 // len(piece)))) > 0
