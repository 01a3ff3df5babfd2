"""Skip requests of build steps: malformed ones are refused, and a secret works for its own app alone."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bitrise.mapping import build_row
from bot.bitrise.models import Build, EnvironmentVariable, RequestedParams
from bot.builds.skip_token import SkipRequest, app_secret, matches, parse_skip, verify
from bot.clock import SystemClock
from storage.builds import BuildRow

KEY, APP, COMMIT = "0" * 32, "aaaa000000000001", "a1b2c3d4" * 5
FIELDS = {"app": APP, "build": "bbbb000000000001", "number": "812", "commit": COMMIT}


def read(secret: str = "s", held_for: str = APP, **other: str) -> SkipRequest | None:
    carried = {"Authorization": f"Bearer {app_secret(KEY, secret, held_for)}"}
    return parse_skip(urlencode(FIELDS | other).encode(), carried)


def row(number: int | None = 812, commit: str | None = COMMIT, request: str = "", app: str = APP) -> BuildRow:
    variables = (EnvironmentVariable("BUILDBELL_REQUEST", request),) if request else ()
    build = Build(
        "bbbb000000000001", app, number=number, commit_hash=commit, requested=RequestedParams(environments=variables)
    )
    return build_row("T1", build, now=SystemClock().now())


@given(st.binary(max_size=300), st.text(max_size=150))
def test_any_request_is_parsed_or_refused(raw: bytes, header: str) -> None:
    skip = parse_skip(raw, {"Authorization": header})
    assert skip is None or skip.key in header


@given(st.dictionaries(st.sampled_from([*FIELDS, "request", "reason", "sentence"]), st.text(max_size=300)))
def test_sentence_is_one_short_line(other: dict[str, str]) -> None:
    skip = read(**other)
    if skip is None:
        assert {"app", "build", "number"} & set(other)
        return
    assert len(skip.sentence.splitlines()) <= 1
    assert len(skip.sentence) <= 200
    assert matches(skip, row()) in (True, False)


@given(st.text(min_size=1, max_size=40), st.from_regex(r"[a-z0-9]{4,20}", fullmatch=True))
def test_secret_is_valid_for_its_own_app_and_workspace_alone(secret: str, app: str) -> None:
    skip = read(secret, app, app=app)
    assert skip is not None
    assert verify(skip, secret)
    assert not verify(skip, secret + "x")
    other = read(secret, app, app=app + "x")
    assert other is not None
    assert not verify(other, secret)


def test_empty_secret_is_never_valid() -> None:
    skip = read("")
    assert skip is not None
    assert not verify(skip, "")


def test_proof_and_request_id_stay_out_of_the_repr() -> None:
    skip = read(request="0123456789abcdef")
    assert skip is not None
    assert skip.proof not in repr(skip)
    assert "0123456789abcdef" not in repr(skip)


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
def test_build_matches_the_description_of_its_step(other: dict[str, str], build: BuildRow, expected: bool) -> None:
    skip = read(**other)
    assert skip is not None
    assert matches(skip, build) is expected
