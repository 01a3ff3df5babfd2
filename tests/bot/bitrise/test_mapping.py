"""Equal starts have equal parameter hashes."""

from __future__ import annotations

from typing import Any

import pytest

from bot.bitrise.mapping import hash_parameters, hash_requested
from bot.bitrise.models import EnvironmentVariable, RequestedParams


def parameters_hash(**changes: Any) -> str:
    fields: dict[str, Any] = {
        "workflow": "deploy", "pipeline": None, "branch": "main", "tag": None, "commit": None,
        "environment": [], "others": {},
    }  # fmt: skip
    return hash_parameters(**(fields | changes))


@pytest.mark.parametrize(
    "changes",
    [{"workflow": "test"}, {"workflow": None, "pipeline": "deploy"}, {"branch": "dev"}, {"branch": None, "tag": "main"},
     {"commit": "a1b2"}, {"environment": [("A", "1")]}, {"others": {"pull_request_id": 12}}],
)  # fmt: skip
def test_another_target_code_or_environment_changes_the_hash(changes: dict[str, Any]) -> None:
    assert parameters_hash(**changes) != parameters_hash()


def test_order_of_variables_does_not_change_the_hash() -> None:
    one, two = ("A", "1"), ("B", "2")
    assert parameters_hash(environment=[one, two]) == parameters_hash(environment=[two, one])


def test_our_own_variables_do_not_change_the_hash() -> None:
    def requested(*variables: EnvironmentVariable) -> RequestedParams:
        return RequestedParams("main", None, None, "deploy", None, variables)

    ours = EnvironmentVariable("BUILDBELL_REQUEST", "r1")
    assert hash_requested(requested(ours)) == hash_requested(requested()) == parameters_hash()
