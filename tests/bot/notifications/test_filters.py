"""The builds that match the filters of a subscription."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.abort_reasons import Reason
from bot.domain.builds import Cause, Outcome
from bot.notifications.filters import (
    KEYS,
    Filters,
    from_json,
    matches,
    matches_result,
    matches_start,
    to_json,
    to_sentence,
    to_text,
)
from storage.builds import BuildRow

PEOPLE = {"U012AB": ("octocat", "ana-d"), "U7": ()}


def ended(**changes: Any) -> BuildRow:
    """Return a failed build of deploy, pushed to main by octocat."""
    given: dict[str, Any] = {field.name: None for field in fields(BuildRow)}
    given |= {"workspace_id": "T1", "build_slug": "b1", "app_slug": "a1", "number": 7, "is_pipeline": False}
    given |= {
        "workflow": "deploy",
        "branch": "main",
        "cause": "push",
        "triggered_by_name": "OctoCat",
        "state": "finished",
    }
    given |= {"outcome": "failed", "last_synced_at": datetime(2026, 3, 2, tzinfo=UTC)}
    return BuildRow(**(given | changes))


FAILED = ended()
STOPPED = ended(outcome="aborted", reason="superseded")
TAGGED = ended(branch=None, tag="v3.2.0", cause="tag")
BY_ANA = ended(cause="slack", triggered_by_name="ana", requested_by="U012AB")
PIPELINE = ended(is_pipeline=True, workflow=None, pipeline="nightly")


@pytest.mark.parametrize(
    ("filters", "build"),
    [
        (Filters(), FAILED),
        (Filters(workflow=("deploy",)), FAILED),
        (Filters(workflow=("lint", "dep*")), FAILED),
        (Filters(workflow=("*", "!lint")), FAILED),
        (Filters(workflow=("night*",)), PIPELINE),
        (Filters(branch=("release/*",)), ended(branch="release/3/hotfix")),
        (Filters(branch=("feature[1]",)), ended(branch="feature[1]")),
        (Filters(branch=("!dependabot/*",)), FAILED),
        (Filters(branch=("!dependabot/*",)), TAGGED),
        (Filters(tag=("v?.*",)), TAGGED),
        (Filters(outcome=("FAILED", "aborted")), FAILED),
        (Filters(outcome=("!succeeded",)), FAILED),
        (Filters(reason=("super*",)), STOPPED),
        (Filters(reason=("!superseded",)), FAILED),
        (Filters(cause=("schedule", "push")), FAILED),
        (Filters(by=("octo*",)), FAILED),
        (Filters(by=("Octo*",)), FAILED),
        (Filters(by=("U012AB",)), FAILED),
        (Filters(by=("U012AB",)), BY_ANA),
        (Filters(by=("!U7",)), BY_ANA),
        (Filters(by=("!octocat",)), ended(triggered_by_name=None)),
        (Filters(workflow=("deploy",), branch=("main",), outcome=("failed",)), FAILED),
    ],
)
def test_build_matches(filters: Filters, build: BuildRow) -> None:
    assert matches_result(filters, build, PEOPLE)


@pytest.mark.parametrize(
    ("filters", "build"),
    [
        (Filters(workflow=("Deploy",)), FAILED),
        (Filters(workflow=("dep",)), FAILED),
        (Filters(workflow=("*", "!deploy")), FAILED),
        (Filters(workflow=("!night*",)), ended(is_pipeline=True, pipeline="nightly")),
        (Filters(branch=("Main",)), FAILED),
        (Filters(branch=("release/*",)), ended(branch="release")),
        (Filters(branch=("feature[1]",)), ended(branch="feature1")),
        (Filters(branch=("*",)), TAGGED),
        (Filters(branch=("*",)), replace(TAGGED, branch="")),
        (Filters(tag=("*",)), FAILED),
        (Filters(outcome=("succeeded",)), FAILED),
        (Filters(outcome=("*",)), ended(outcome=None, state="running")),
        (Filters(reason=("*",)), FAILED),
        (Filters(cause=("!push",)), FAILED),
        (Filters(by=("ana",)), FAILED),
        (Filters(by=("U7",)), FAILED),
        (Filters(by=("U9STRANGER",)), FAILED),
        (Filters(by=("*",)), ended(triggered_by_name=None)),
        (Filters(workflow=("deploy",), branch=("dev",)), FAILED),
    ],
)
def test_build_does_not_match(filters: Filters, build: BuildRow) -> None:
    assert not matches_result(filters, build, PEOPLE)


def test_git_namesake_does_not_match_a_start_from_slack() -> None:
    started_by_another = ended(cause="slack", triggered_by_name="octocat", requested_by="U7")
    assert not matches_result(Filters(by=("U012AB",)), started_by_another, PEOPLE)


def test_start_does_not_match_filters_by_outcome_or_reason() -> None:
    running = ended(state="running", outcome=None)
    assert matches_start(Filters(workflow=("deploy",), by=("U012AB",)), running, PEOPLE)
    assert not matches_start(Filters(workflow=("lint",)), running, PEOPLE)
    assert not matches_start(Filters(outcome=("!succeeded",)), running, PEOPLE)
    assert not matches_start(Filters(reason=("superseded",)), running, PEOPLE)


# Properties. Few letters, so that patterns and names meet.

NAMES = st.text("ab/[.\n", max_size=6)
GLOBS = st.text("ab/[.*?", min_size=1, max_size=6)
PATTERNS = st.builds(str.__add__, st.sampled_from(["", "!"]), GLOBS)
LISTS = st.lists(PATTERNS, max_size=4).map(tuple)
FILTERS = st.builds(Filters, **dict.fromkeys(KEYS, LISTS))
BUILDS = st.builds(
    ended,
    workflow=NAMES,
    pipeline=st.none() | NAMES,
    branch=st.none() | NAMES,
    tag=st.none() | NAMES,
    cause=st.sampled_from(Cause),
    triggered_by_name=st.none() | NAMES,
    outcome=st.sampled_from(Outcome),
    reason=st.none() | st.sampled_from(Reason),
)


def slowly_matches(pattern: str, name: str) -> bool:
    """The same by trying every way."""
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(slowly_matches(pattern[1:], name[cut:]) for cut in range(len(name) + 1))
    return bool(name) and pattern[0] in ("?", name[0]) and slowly_matches(pattern[1:], name[1:])


@given(GLOBS, NAMES)
def test_matching_agrees_with_backtracking(pattern: str, name: str) -> None:
    assert matches(pattern, name) == slowly_matches(pattern, name)


def matches_slowly(patterns: tuple[str, ...], name: str) -> bool:
    asked = [slowly_matches(pattern, name) for pattern in patterns if pattern[0] != "!"]
    excluded = [slowly_matches(pattern[1:], name) for pattern in patterns if pattern[0] == "!"]
    return (any(asked) or not asked) and not any(excluded)


@given(LISTS, LISTS, NAMES.filter(bool), NAMES.filter(bool))
def test_all_keys_have_to_match(
    branches: tuple[str, ...], workflows: tuple[str, ...], branch: str, workflow: str
) -> None:
    build = ended(branch=branch, workflow=workflow)
    expected = matches_slowly(branches, branch) and matches_slowly(workflows, workflow)
    assert matches_result(Filters(branch=branches, workflow=workflows), build, {}) == expected


@given(BUILDS)
def test_every_build_matches_without_filters(build: BuildRow) -> None:
    assert matches_start(Filters(), build, {})
    assert matches_result(Filters(), build, {})


@given(st.sampled_from(KEYS), st.lists(GLOBS, min_size=1, max_size=3), BUILDS)
def test_nothing_matches_a_pattern_that_is_included_and_excluded(key: str, globs: list[str], build: BuildRow) -> None:
    assert not matches_result(Filters(**{key: (*globs, *(f"!{glob}" for glob in globs))}), build, {})


@given(FILTERS, BUILDS)
def test_start_matches_only_if_its_result_will(filters: Filters, build: BuildRow) -> None:
    assert matches_result(filters, build, {}) or not matches_start(filters, build, {})


def test_pattern_with_many_stars_is_fast() -> None:
    """Trying every way would take longer than the universe has."""
    assert not matches("*a" * 100, "a" * 5_000 + "b")
    assert not matches("*" * 200 + "b", "a" * 5_000)


@given(FILTERS)
def test_filters_survive_storing(filters: Filters) -> None:
    assert from_json(json.loads(json.dumps(to_json(filters)))) == filters


@pytest.mark.parametrize(
    ("stored", "filters"),
    [
        ({}, Filters()),
        ({"branch": ["main"], "moon": ["full"]}, Filters(branch=("main",))),
        ({"branch": "main", "tag": None, "by": 7, "cause": {"push": 1}}, Filters()),
        ({"branch": ["main", 7, None, "", ["x"]]}, Filters(branch=("main",))),
    ],
)
def test_unreadable_values_are_left_out(stored: dict[str, object], filters: Filters) -> None:
    assert from_json(stored) == filters


@pytest.mark.parametrize(
    ("filters", "typed", "said"),
    [
        (Filters(), "", "every build"),
        (
            Filters(workflow=("deploy", "release-*"), branch=("!dependabot/*",), outcome=("failed", "aborted")),
            "workflow:deploy,release-* branch:!dependabot/* outcome:failed,aborted",
            "workflow deploy or release-*, not branch dependabot/*, only failed or aborted",
        ),
        (
            Filters(outcome=("!succeeded",), cause=("schedule", "!push"), reason=("stuck",)),
            "outcome:!succeeded cause:schedule,!push reason:stuck",
            "not succeeded, caused by a schedule, not caused by a push, reason stuck",
        ),
        (
            Filters(by=("U012AB", "!U7", "octocat")),
            "by:@U012AB,!@U7,octocat",
            "by @ana or octocat, not by @U7",
        ),
        (
            Filters(branch=("main", "my branch", "!a,b", '"x"', "dev")),
            'branch:main branch:"my branch" branch:"!a,b" branch:\'"x"\' branch:dev',
            'branch main or my branch or "x" or dev, not branch a,b',
        ),
    ],
)
def test_filters_as_typed_and_as_a_sentence(filters: Filters, typed: str, said: str) -> None:
    assert to_text(filters) == typed
    assert to_sentence(filters, {"U012AB": "ana"}) == said
