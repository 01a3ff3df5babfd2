"""Whatever Bitrise sends, reading it never raises."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bitrise import reading
from bot.bitrise.failures import retry_seconds, said
from bot.bitrise.models import BuildFilters

json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
FIELDS = (
    *(
        "slug",
        "id",
        "name",
        "build_number",
        "number_in_app_scope",
        "status",
        "status_text",
        "is_on_hold",
        "is_pipeline",
    ),
    *("branch", "tag", "commit_hash", "triggered_at", "started_on_worker_at", "finished_at", "pull_request_id"),
    *("original_build_params", "trigger_params", "environments", "key", "value", "repository", "owner"),
    *("data", "paging", "next", "results", "build_slug", "message"),
)
answers = st.recursive(json, lambda inner: st.dictionaries(st.sampled_from(FIELDS), inner | json), max_leaves=30)


@given(answers)
def test_any_json_is_read_without_a_crash(body: Any) -> None:
    for read in (
        reading.read_owner, reading.read_app, reading.read_build, reading.read_names, reading.read_requested,
        reading.read_trigger, lambda body: reading.read_pipeline(body, "app"),
        lambda body: reading.read_listed_pipeline(body, "app"), lambda body: reading.read_build(body, "app"),
        lambda body: reading.read_page(body, reading.read_build), said,
    ):  # fmt: skip
        read(body)


@given(st.text())
def test_any_retry_after_is_a_bounded_number(text: str) -> None:
    assert 1 <= retry_seconds(text) <= 600


def test_a_build_without_a_slug_is_left_out() -> None:
    page = reading.read_page({"data": [{"slug": None}, {"slug": "b1"}], "paging": {"next": ""}}, _build)
    assert [build.slug for build in page.items] == ["b1"]
    assert page.next is None


def _build(item: Any) -> Any:
    return reading.read_build(item, "app")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2022-08-01T09:20:11Z", datetime(2022, 8, 1, 9, 20, 11, tzinfo=UTC)),
        ("2022-08-01T11:20:11.5+02:00", datetime(2022, 8, 1, 9, 20, 11, 500_000, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_times(text: Any, at: datetime | None) -> None:
    assert _build({"slug": "b1", "triggered_at": text}).triggered_at == at


def test_empty_texts_and_the_zero_of_no_pull_request_mean_nothing() -> None:
    build = _build({"slug": "b1", "branch": "", "pull_request_id": 0, "tag": None, "build_number": True})
    assert (build.branch, build.pull_request_id, build.tag, build.number) == (None, None, None, None)


def test_a_pipeline_is_read_with_and_without_its_envelope() -> None:
    page = {"id": "p1", "name": "release", "status": "running", "trigger_params": {"branch": "main"}}
    assert reading.read_pipeline(page, "app") == reading.read_pipeline({"data": page}, "app")


def test_results_win_over_the_older_fields_and_the_slug_beside_them_is_the_app() -> None:
    old = {"status": "ok", "slug": "app", "build_slug": "b1", "build_number": 7, "triggered_workflow": "deploy"}
    assert [item.slug for item in reading.read_trigger(old).results] == ["b1"]
    new = old | {"results": [{"status": "ok", "build_slug": "b2"}, {"status": "error", "message": "no"}]}
    answer = reading.read_trigger(new)
    assert ([item.slug for item in answer.results], answer.refused) == (["b2"], ("no",))


def test_unset_filters_are_not_sent() -> None:
    assert BuildFilters(branch="main").to_query() == {"sort_by": "created_at", "branch": "main", "limit": "50"}
