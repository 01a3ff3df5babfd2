"""Verify and parse deliveries: tables, and properties over any input."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from multidict import CIMultiDict

from bot.bitrise.webhook import SECRET_HEADER, SIGNATURE_HEADER, WebhookHint, parse_hint, verify_delivery

SECRET = "our-secret"
RAW = b'{"app_slug":"a1","build_slug":"b1","build_status":1}'
HEADERS = st.dictionaries(
    st.sampled_from([SIGNATURE_HEADER, SECRET_HEADER, "Bitrise-Event-Type", "bitrise-app-id", "X-Other"]) | st.text(),
    st.text() | st.sampled_from(["build/finished", "sha256=", "a1"]),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["app_slug", "build_slug", "git"]), inner),
)
BODIES = st.binary() | JSON.map(lambda value: json.dumps(value).encode())


def signature(raw: bytes, secret: str, algorithm: str = "sha256") -> str:
    return f"{algorithm}={hmac.new(secret.encode(), raw, getattr(hashlib, algorithm)).hexdigest()}"


GOOD = signature(RAW, SECRET)


@pytest.mark.parametrize(
    ("headers", "is_true"),
    [
        ({SIGNATURE_HEADER: GOOD}, True),
        ({SIGNATURE_HEADER.lower(): GOOD}, True),
        ({SECRET_HEADER: SECRET}, True),
        ({SECRET_HEADER.upper(): SECRET}, True),
        ({SIGNATURE_HEADER: GOOD, SECRET_HEADER: "other"}, True),
        ({}, False),
        ({SECRET_HEADER: ""}, False),
        ({SECRET_HEADER: "other"}, False),
        ({SECRET_HEADER: "oür-secret"}, False),
        ({SECRET_HEADER: "our-secret\udcff"}, False),
        ({SIGNATURE_HEADER: ""}, False),
        ({SIGNATURE_HEADER: signature(RAW, "other")}, False),
        ({SIGNATURE_HEADER: signature(RAW + b" ", SECRET)}, False),
        ({SIGNATURE_HEADER: GOOD.removeprefix("sha256=")}, False),
        ({SIGNATURE_HEADER: signature(RAW, SECRET, "sha1")}, False),
        ({SIGNATURE_HEADER: signature(RAW, SECRET, "sha512")}, False),
        # A wrong signature is not made good by the other header.
        ({SIGNATURE_HEADER: "", SECRET_HEADER: SECRET}, False),
        ({SIGNATURE_HEADER: signature(RAW, "other"), SECRET_HEADER: SECRET}, False),
    ],
)
def test_only_deliveries_with_the_secret_verify(headers: dict[str, str], is_true: bool) -> None:
    assert verify_delivery(raw=RAW, headers=headers, secret=SECRET) is is_true


@pytest.mark.parametrize("name", [SIGNATURE_HEADER, SECRET_HEADER])
def test_repeated_header_must_match_each_time(name: str) -> None:
    good = GOOD if name == SIGNATURE_HEADER else SECRET
    assert verify_delivery(raw=RAW, headers=CIMultiDict([(name, good), (name, good)]), secret=SECRET)
    assert not verify_delivery(raw=RAW, headers=CIMultiDict([(name, good), (name, "other")]), secret=SECRET)


def test_nothing_verifies_without_a_secret() -> None:
    assert not verify_delivery(raw=RAW, headers={SIGNATURE_HEADER: signature(RAW, "")}, secret="")
    assert not verify_delivery(raw=RAW, headers={SECRET_HEADER: ""}, secret="")


@given(raw=st.binary(), secret=st.text(min_size=1))
def test_any_signed_body_verifies(raw: bytes, secret: str) -> None:
    assert verify_delivery(raw=raw, headers={SIGNATURE_HEADER: signature(raw, secret)}, secret=secret)


@given(raw=st.binary(), other=st.binary(), secret=st.text(min_size=1))
def test_signature_verifies_only_its_own_body(raw: bytes, other: bytes, secret: str) -> None:
    assume(raw != other)
    assert not verify_delivery(raw=other, headers={SIGNATURE_HEADER: signature(raw, secret)}, secret=secret)


@given(raw=BODIES, headers=HEADERS, secret=st.text(min_size=1))
def test_forged_deliveries_do_not_verify(raw: bytes, headers: dict[str, str], secret: str) -> None:
    assume(secret.strip() and all(secret not in value for value in headers.values()))
    assert not verify_delivery(raw=raw, headers=headers, secret=secret)


@pytest.mark.parametrize(
    ("raw", "headers", "hint"),
    [
        (RAW, {"Bitrise-Event-Type": "build/finished"}, WebhookHint("build/finished", "a1", "b1")),
        (RAW, {"bitrise-event-type": "build/begun", "Bitrise-App-Id": "a2"}, WebhookHint("build/begun", "a1", "b1")),
        (b"{}", {"Bitrise-App-Id": "a2"}, WebhookHint(None, "a2", None)),
        (b'{"app_slug": 7, "build_slug": null}', {}, WebhookHint()),
        (b'{"app_slug": "../me", "build_slug": "b 1"}', {"Bitrise-App-Id": "a/2"}, WebhookHint()),
        (b'{"build_slug": "b1"', {"Bitrise-Event-Type": "build/finished\n<!channel>"}, WebhookHint()),
        (b"\xff\xfe", {"Bitrise-Event-Type": "x" * 1000 + "/y"}, WebhookHint()),
        (b"[" * 100_000, {}, WebhookHint()),
        (b"9" * 10_000, {}, WebhookHint()),
        (b"", {}, WebhookHint()),
    ],
)  # fmt: skip
def test_hint_holds_what_can_be_parsed(raw: bytes, headers: dict[str, str], hint: WebhookHint) -> None:
    assert parse_hint(raw, headers) == hint


@given(raw=BODIES, headers=HEADERS)
def test_any_delivery_parses_to_a_safe_hint(raw: bytes, headers: dict[str, str]) -> None:
    hint = parse_hint(raw, headers)
    for slug in (hint.app_slug, hint.build_slug):
        assert slug is None or (0 < len(slug) <= 200 and "/" not in slug and slug.isprintable())
    assert hint.event is None or hint.event.count("/") == 1
