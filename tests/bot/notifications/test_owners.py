"""The authors of a commit, read from its trailers, and the owners of its build."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.notifications.owners import MAX_CHARACTERS_READ, author_emails, is_owned_by
from storage.builds import BuildRow
from storage.users import UserRow
from tests.storage.test_stores import build

ANA = UserRow("T1", "U1", git_names=("octocat", "ana-d"), email="ana@acme.dev")


@pytest.mark.parametrize(
    ("message", "emails"),
    [
        ("Fix login crash\n\nSigned-off-by: Ana Diaz <ana@acme.dev>", {"ana@acme.dev"}),
        ("Fix\n\nsigned-off-by: Ana <ANA@Acme.dev>  \nCo-Authored-By: Bo Li <bo@acme.dev>\n",
         {"ana@acme.dev", "bo@acme.dev"}),
        ("Author: Ana <ana@acme.dev>", {"ana@acme.dev"}),
        ("Authored-by: <ana@acme.dev>", {"ana@acme.dev"}),
        ("Reviewed-by: Bo <bo@acme.dev>", set()),
        ("Cc: <ana@acme.dev>\nReported-by: Ana <ana@acme.dev>", set()),
        ("Mail ana@acme.dev, or Signed-off-by: Ana <ana@acme.dev>", set()),
        ("> Signed-off-by: Ana <ana@acme.dev>", set()),
        ("Signed-off-by: Ana <ana@acme.dev> and more", set()),
        ("Signed-off-by: Ana <ana>", set()),
        ("Signed-off-by: Ana\n<ana@acme.dev>", set()),
        ("", set()),
    ],
)  # fmt: skip
def test_emails_of_authors(message: str, emails: set[str]) -> None:
    assert author_emails(message) == emails


@given(st.text())
def test_any_commit_message_can_be_read(message: str) -> None:
    signed = f"{message}\nSigned-off-by: Ana <ana@acme.dev>"
    assert "ana@acme.dev" in author_emails(signed)


def test_only_the_beginning_of_an_enormous_message_is_read() -> None:
    assert author_emails("x" * MAX_CHARACTERS_READ + "\nSigned-off-by: Ana <ana@acme.dev>") == frozenset()
    assert author_emails("Signed-off-by: <" * MAX_CHARACTERS_READ) == frozenset()


def made(**facts: Any) -> BuildRow:
    return build(
        "b1", **({"cause": "push", "triggered_by_name": None, "requested_by": None, "commit_message": None} | facts)
    )


SIGNED = "Fix\n\nSigned-off-by: Ana Diaz <Ana@acme.dev>"


@pytest.mark.parametrize(
    ("facts", "is_hers"),
    [
        ({"requested_by": "U1", "cause": "slack"}, True),
        ({"requested_by": "U2", "cause": "slack"}, False),
        ({"triggered_by_name": "octocat"}, True),
        ({"triggered_by_name": "Ana-D", "cause": "pull-request"}, True),
        ({"triggered_by_name": "ana-d", "cause": "manual"}, True),
        ({"triggered_by_name": "ana@acme.dev"}, True),
        ({"triggered_by_name": "octocat2"}, False),
        ({"triggered_by_name": "octocat", "cause": "slack", "requested_by": "U2"}, False),  # a name in Slack
        ({"commit_message": SIGNED}, True),
        ({"commit_message": SIGNED, "triggered_by_name": "merge-bot"}, True),
        ({"commit_message": SIGNED, "cause": "schedule"}, False),
        ({"commit_message": "Fix\n\nReviewed-by: Ana <ana@acme.dev>"}, False),
        ({}, False),
    ],
)
def test_owner_of_a_build(facts: dict[str, Any], is_hers: bool) -> None:
    assert is_owned_by(made(**facts), ANA) is is_hers


def test_user_without_names_owns_what_they_started() -> None:
    nobody = UserRow("T1", "U3")
    assert not is_owned_by(made(triggered_by_name="octocat", commit_message=SIGNED), nobody)
    assert is_owned_by(made(requested_by="U3", cause="slack"), nobody)
