"""Encryption of stored secrets, their keys, and tokens in memory."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SealBroken, StartupFailed
from bot.vault import Token, Vault, new_key, parse_keys

OLD, NEW = b"o" * 32, b"n" * 32


@given(secret=st.text(), context=st.text(max_size=40))
def test_sealed_secret_opens_with_its_context(secret: str, context: str) -> None:
    vault = Vault([NEW])
    assert vault.open(vault.seal(secret, context=context), context=context).reveal() == secret


def test_same_secret_is_sealed_differently_each_time() -> None:
    vault = Vault([NEW])
    assert vault.seal("bitpat_1", context="T1") != vault.seal("bitpat_1", context="T1")


def test_secret_copied_to_another_workspace_does_not_open() -> None:
    vault = Vault([NEW])
    sealed = vault.seal("bitpat_1", context="bitrise:T1")
    with pytest.raises(SealBroken, match="copied from another workspace"):
        vault.open(sealed, context="bitrise:T2")


@given(position=st.integers(min_value=0), letter=st.sampled_from("ABCabc012-_"))
def test_altered_text_does_not_open(position: int, letter: str) -> None:
    vault = Vault([NEW])
    sealed = vault.seal("bitpat_1", context="T1")
    place = position % (len(sealed) - 1)  # the last letter of base64 holds unused bits
    altered = sealed[:place] + letter + sealed[place + 1 :]
    if altered == sealed:
        return
    with pytest.raises(SealBroken):
        vault.open(altered, context="T1")


@pytest.mark.parametrize("text", ["", "v1", "v1.", "v1.00000000.", "v2.00000000.AAAA", "v1.x.####", "bitpat_1"])
def test_malformed_text_does_not_open(text: str) -> None:
    with pytest.raises(SealBroken) as broken:
        Vault([NEW]).open(text, context="T1")
    assert "bitpat_1" not in broken.value.sentence


def test_older_key_still_opens_and_needs_rotation() -> None:
    sealed = Vault([OLD]).seal("bitpat_1", context="T1")
    vault = Vault([NEW, OLD])
    assert vault.open(sealed, context="T1") == Token("bitpat_1")
    assert vault.needs_rotation(sealed)
    assert not vault.needs_rotation(vault.seal("bitpat_1", context="T1"))


def test_missing_key_is_named_by_its_id() -> None:
    sealed = Vault([OLD]).seal("bitpat_1", context="T1")
    with pytest.raises(SealBroken, match=sealed.split(".")[1]):
        Vault([NEW]).open(sealed, context="T1")


def test_token_is_shown_as_stars() -> None:
    token = Token("bitpat_secret")
    assert "secret" not in f"{token} {token!r} {token!s} {[token]}"


def test_token_cannot_be_pickled_copied_or_written_as_json() -> None:
    token = Token("bitpat_secret")
    with pytest.raises(TypeError, match="does not leave"):
        pickle.dumps(token)
    with pytest.raises(TypeError, match="does not leave"):
        copy.copy(token)
    with pytest.raises(TypeError):
        json.dumps(token)


def test_tokens_compare_by_their_secret() -> None:
    assert Token("ä") == Token("ä")
    assert Token("a") != Token("b")
    assert Token("a") != "a"


def test_keys_are_parsed_newest_first_in_either_alphabet() -> None:
    raw = random.Random(1).randbytes(32)
    first, second = new_key(), new_key()
    assert parse_keys(f" {first}, {second},") == (*parse_keys(first), *parse_keys(second))
    assert parse_keys(f"{_plain(raw)}") == parse_keys(_plain(raw).translate(str.maketrans("+/", "-_")).rstrip("="))


def _plain(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize("text", ["", " , ", "AAAA", "not base64", "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="])
def test_invalid_keys_are_refused(text: str) -> None:
    with pytest.raises(StartupFailed, match="buildbell keys new"):
        parse_keys(text)


def test_duplicate_key_is_refused() -> None:
    key = new_key()
    with pytest.raises(StartupFailed, match="twice"):
        parse_keys(f"{key},{key}")


def test_signature_is_accepted_with_an_older_key_and_for_its_purpose_alone() -> None:
    """A restart with a new key in front must not break a visit under way."""
    old, new = b"o" * 32, b"n" * 32
    signature = Vault([old]).sign("visit", purpose="oauth state")
    assert Vault([new, old]).is_signed("visit", signature, purpose="oauth state")
    assert not Vault([new]).is_signed("visit", signature, purpose="oauth state")
    assert not Vault([old]).is_signed("visit", signature, purpose="another")
    assert not Vault([old]).is_signed("visits", signature, purpose="oauth state")
