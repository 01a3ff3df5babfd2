"""What a step says is read or it is not; nothing that comes breaks the reader, and no secret opens another app."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bitrise.mapping import build_row
from bot.bitrise.models import Build, EnvironmentVariable, RequestedParams
from bot.builds.skip_token import Claim, app_secret, fits, is_true, read_claim
from bot.clock import SystemClock
from storage.builds import BuildRow

KEY, APP, COMMIT = "0" * 32, "aaaa000000000001", "a1b2c3d4" * 5
FIELDS = {"app": APP, "build": "bbbb000000000001", "number": "812", "commit": COMMIT}


def read(secret: str = "s", held_for: str = APP, **other: str) -> Claim | None:
    carried = {"Authorization": f"Bearer {app_secret(KEY, secret, held_for)}"}
    return read_claim(urlencode(FIELDS | other).encode(), carried)


def row(number: int | None = 812, commit: str | None = COMMIT, request: str = "", app: str = APP) -> BuildRow:
    variables = (EnvironmentVariable("BUILDBELL_REQUEST", request),) if request else ()
    build = Build(
        "bbbb000000000001", app, number=number, commit_hash=commit, requested=RequestedParams(environments=variables)
    )
    return build_row("T1", build, now=SystemClock().now())


@given(st.binary(max_size=300), st.text(max_size=150))
def test_nothing_that_comes_breaks_the_reader(raw: bytes, header: str) -> None:
    found = read_claim(raw, {"Authorization": header})
    assert found is None or found.key in header


@given(st.dictionaries(st.sampled_from([*FIELDS, "request", "reason", "sentence"]), st.text(max_size=300)))
def test_what_was_read_is_one_line_and_fits_or_does_not(other: dict[str, str]) -> None:
    claim = read(**other)
    if claim is None:
        assert {"app", "build", "number"} & set(other)
        return
    assert len(claim.sentence.splitlines()) <= 1
    assert len(claim.sentence) <= 200
    assert fits(claim, row()) in (True, False)


@given(st.text(min_size=1, max_size=40), st.from_regex(r"[a-z0-9]{4,20}", fullmatch=True))
def test_a_secret_is_true_for_its_own_app_and_workspace_alone(secret: str, app: str) -> None:
    claim = read(secret, app, app=app)
    assert claim is not None
    assert is_true(claim, secret)
    assert not is_true(claim, secret + "x")
    other = read(secret, app, app=app + "x")
    assert other is not None
    assert not is_true(other, secret)


def test_an_empty_secret_is_never_true() -> None:
    claim = read("")
    assert claim is not None
    assert not is_true(claim, "")


def test_the_proof_is_in_no_repr() -> None:
    claim = read(request="0123456789abcdef")
    assert claim is not None
    assert claim.proof not in repr(claim)
    assert "0123456789abcdef" not in repr(claim)


@pytest.mark.parametrize(
    ("other", "build", "expected"),
    [
        ({}, row(), True),
        ({"commit": COMMIT[:10]}, row(), True),
        ({"commit": COMMIT.upper()}, row(), True),
        ({"commit": COMMIT}, row(commit=COMMIT[:8]), True),
        ({"commit": "a"}, row(), False),
        ({"commit": ""}, row(), True),
        ({}, row(commit=None), True),
        ({"commit": "f" * 40}, row(), False),
        ({"number": "813"}, row(), False),
        ({}, row(number=None), False),
        ({}, row(app="cccc000000000001"), False),
        ({"request": "r1"}, row(request="r1"), True),
        ({"request": "r2"}, row(request="r1"), False),
        ({}, row(request="r1"), False),
        ({"request": "r1"}, row(), False),
        ({"request": "ü"}, row(request="r1"), False),
    ],
)
def test_a_build_is_as_its_step_says_or_not(other: dict[str, str], build: BuildRow, expected: bool) -> None:
    claim = read(**other)
    assert claim is not None
    assert fits(claim, build) is expected
