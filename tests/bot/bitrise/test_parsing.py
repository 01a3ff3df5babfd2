"""Parsing of Bitrise's JSON, right and wrong."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bitrise import downloads, logs, parsing
from bot.bitrise.logs import LogPart
from bot.bitrise.models import App, Artifact, Build, RequestedParams

AT = "2026-08-01T09:20:11Z"
APP: dict[str, Any] = {
    "slug": "a1b2c3d4e5f60718",
    "title": "iOS Shop",
    "project_type": "ios",
    "repo_owner": "acme",
    "repo_slug": "shop",
    "repo_url": "https://github.com/acme/shop.git",
    "is_disabled": True,
    "avatar_url": "https://example.com/a.png",
    "owner": {"account_type": "organization", "name": "Acme", "slug": "0011223344556677"},
}
BUILD: dict[str, Any] = {
    "slug": "b1b2c3d4e5f60718",
    "build_number": 812,
    "status": 2,
    "status_text": "error",
    "is_on_hold": True,
    "abort_reason": "why not",
    "branch": "release/3.2",
    "tag": "v3",
    "commit_hash": "a1b2c3d",
    "commit_message": "Fix login\n\nLonger.",
    "commit_view_url": "https://github.com/acme/shop/commit/a1b2c3d",
    "triggered_workflow": "deploy",
    "triggered_by": "manual-ana",
    "triggered_at": AT,
    "started_on_worker_at": "2026-08-01T09:20:41Z",
    "finished_at": "2026-08-01T09:27:41Z",
    "pull_request_id": 12,
    "pull_request_target_branch": "main",
    "pull_request_view_url": "https://github.com/acme/shop/pull/12",
    "machine_type_id": "g2-m1.8core",
    "stack_identifier": "osx-xcode-16.0.x",
    "credit_cost": 14,
    "pipeline_workflow_id": "p-1",
    "rebuildable": True,
    "original_build_params": {
        "branch": "release/3.2",
        "workflow_id": "deploy",
        "environments": [
            {"key": "FLAVOR", "value": "sesame", "is_expand": False},
            {"mapped_to": "OLD", "value": "way"},
            {"key": "BUILDBELL_REQUEST", "value": "r-1"},
            {"key": "BUILDBELL_MESSAGE", "value": "try the login"},
        ],
    },
    "repository": APP,
}
PIPELINE: dict[str, Any] = {
    "id": "9f8e7d6c-1111-4222-8333-444455556666",
    "name": "release",
    "status": "running",
    "number_in_app_scope": 813,
    "abort_reason": None,
    "triggered_at": AT,
    "started_at": "2026-08-01T09:20:41Z",
    "finished_at": None,
    "triggered_by": "manual-ana",
    "credit_cost": None,
    "rebuildable": False,
    "trigger_params": {
        "branch": "main",
        "commit_hash": "a1b2c3d",
        "commit_message": "Fix",
        "branch_dest": "next",
        "pull_request_id": "12",
        "environments": [{"key": "K", "value": "sesame"}],
    },
}
LISTED_PIPELINE: dict[str, Any] = {
    "slug": "9f8e7d6c-1111-4222-8333-444455556666",
    "is_pipeline": True,
    "build_number": 813,
    "status": 3,
    "is_on_hold": False,
    "triggered_workflow": "release",
    "branch": "main",
    "triggered_by": "manual-ana",
    "triggered_at": AT,
    "started_at": AT,
    "finished_at": AT,
    "trigger_params": {"environments": [{"key": "BUILDBELL_REQUEST", "value": "sesame"}]},
}
LOG: dict[str, Any] = {
    "log_chunks": [{"chunk": "b", "position": 2}, {"chunk": "a", "position": 1}, {"chunk": "b", "position": 2}],
    "is_archived": True,
    "expiring_raw_log_url": "https://example.com/raw?signature=sesame",
    "next_after_timestamp": "2026-08-01T09:27:41.123456789Z",
    "next_before_timestamp": "0001-01-01T00:00:00Z",
}
SUMMARY: dict[str, Any] = {
    "execution": {
        "workflows": [
            {
                "uuid": "w1",
                "steps": [
                    {"uuid": "u1", "title": "Git Clone", "step_id": "git-clone", "status": "success"},
                    {
                        "uuid": "u2",
                        "title": "",
                        "step_id": "xcode-test",
                        "status": "failed",
                        "status_reason": "",
                        "errors": [{"code": 65, "message": "exit status 65"}, {"message": ""}, None],
                    },
                ],
            },
            None,
            {"steps": [None, {"uuid": "u3", "title": "Deploy", "status": "aborted"}]},
        ]
    },
    "is_log_archived": True,
}
ARTIFACT: dict[str, Any] = {
    "artifact_meta": {
        "file_size_bytes": "3558274.000000",
        "app_info": {"app_title": "Shop", "bundle_id": "com.acme.shop", "version": "3.2.0", "build_number": "812"},
    },
    "slug": "c1",
    "title": "Shop.ipa",
    "artifact_type": "ios-ipa",
    "file_size_bytes": 3558274,
    "is_public_page_enabled": True,
    "public_install_page_url": "https://app.bitrise.io/artifact/c1/p/x",
    "expiring_download_url": "https://example.com/get?signature=sesame",
}

PARSERS: dict[str, tuple[Callable[[Any], Any], dict[str, Any]]] = {
    "app": (parsing.parse_app, APP),
    "build": (parsing.parse_build, BUILD),
    "build of an app": (lambda value: parsing.parse_build(value, "app-1"), BUILD),
    "pipeline": (lambda value: parsing.parse_pipeline(value, "app-1"), PIPELINE),
    "listed pipeline": (lambda value: parsing.parse_listed_pipeline(value, "app-1"), LISTED_PIPELINE),
    "log": (logs.parse_log, LOG),
    "log summary": (logs.parse_log_summary, SUMMARY),
    "artifact": (downloads.parse_artifact, ARTIFACT),
    "owner": (parsing.parse_owner, {"username": "ana", "slug": "u1"}),
    "page": (
        lambda value: parsing.parse_page(value, parsing.parse_build),
        {"data": [BUILD, {}, None], "paging": {"next": "x", "total_item_count": 3}},
    ),
    "names": (lambda value: parsing.parse_page(value, parsing.as_text), {"data": ["main", "", None, "dev"]}),
    "parameters": (parsing.parse_requested, BUILD["original_build_params"]),
    "data": (parsing.parse_data, {"data": APP}),
}
ODD: list[Any] = [
    None, "", " ", "text", "\ud83d", "\x00", 0, -1, 10**30, 1.5, float("nan"), float("inf"), True, False,
    [], [None], [[]], {}, {"slug": None}, "9" * 5_000, "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00",
]  # fmt: skip

names = st.sampled_from(
    sorted({key for value in (APP, BUILD, PIPELINE, LOG, SUMMARY, ARTIFACT) for key in value} | {"data"})
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([AT, *ODD[:7]])
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | st.text(), inner, max_size=8)
)


def everything_in(value: Any) -> Iterator[Any]:
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from everything_in(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from everything_in(item)
    else:
        yield value


def assert_fit_to_keep(value: Any) -> None:
    """Check that a database accepts it: no broken text, no huge number, no time without a zone."""
    for item in everything_in(value):
        if isinstance(item, str):
            assert "\x00" not in item
            assert item.encode()
        elif isinstance(item, datetime):
            assert item.tzinfo is UTC
        elif item is not None and not isinstance(item, dict):
            assert isinstance(item, int)
            assert abs(item) <= 2**53


@given(value=anything)
def test_any_json_parses(value: Any) -> None:
    for read, _ in PARSERS.values():
        assert_fit_to_keep(read(value))


@given(name=st.sampled_from(sorted(PARSERS)), data=st.data())
def test_any_wrong_fields_parse(name: str, data: st.DataObject) -> None:
    read, shape = PARSERS[name]
    spoilt = data.draw(st.dictionaries(st.sampled_from(sorted(shape)), anything | st.sampled_from(ODD), max_size=5))
    assert_fit_to_keep(read(shape | spoilt))


@pytest.mark.parametrize("name", PARSERS)
def test_each_field_may_be_wrong_or_missing(name: str) -> None:
    read, shape = PARSERS[name]
    for field in shape:
        assert_fit_to_keep(read({key: value for key, value in shape.items() if key != field}))
        for odd in ODD:
            assert_fit_to_keep(read(shape | {field: odd}))


def test_an_app() -> None:
    assert parsing.parse_app(APP) == App(
        slug="a1b2c3d4e5f60718",
        title="iOS Shop",
        project_type="ios",
        repo_owner="acme",
        repo_slug="shop",
        repo_url="https://github.com/acme/shop.git",
        is_disabled=True,
        owner_name="Acme",
    )


def test_a_build() -> None:
    build = parsing.parse_build(BUILD)
    assert build is not None
    assert dataclasses.replace(build, requested=None) == Build(
        slug="b1b2c3d4e5f60718",
        app_slug="a1b2c3d4e5f60718",
        app_title="iOS Shop",
        number=812,
        status=2,
        status_text="error",
        is_on_hold=True,
        abort_reason="why not",
        branch="release/3.2",
        tag="v3",
        commit_hash="a1b2c3d",
        commit_message="Fix login\n\nLonger.",
        commit_view_url="https://github.com/acme/shop/commit/a1b2c3d",
        workflow="deploy",
        pipeline_workflow_id="p-1",
        triggered_by="manual-ana",
        triggered_at=datetime(2026, 8, 1, 9, 20, 11, tzinfo=UTC),
        started_at=datetime(2026, 8, 1, 9, 20, 41, tzinfo=UTC),
        finished_at=datetime(2026, 8, 1, 9, 27, 41, tzinfo=UTC),
        pull_request_id=12,
        pull_request_view_url="https://github.com/acme/shop/pull/12",
        machine_type="g2-m1.8core",
        stack="osx-xcode-16.0.x",
        credit_cost=14,
    )


def test_parameters_of_a_build() -> None:
    requested = parsing.parse_requested(BUILD["original_build_params"])
    assert requested is not None
    assert [(item.key, item.value) for item in requested.environments] == [
        ("FLAVOR", "sesame"),
        ("OLD", "way"),
        ("BUILDBELL_REQUEST", "r-1"),
        ("BUILDBELL_MESSAGE", "try the login"),
    ]
    assert (requested.branch, requested.workflow_id, requested.tag) == ("release/3.2", "deploy", None)
    assert (requested.request_id, requested.message) == ("r-1", "try the login")


def test_last_of_two_variables_of_a_name_wins() -> None:
    listed = [{"key": "BUILDBELL_REQUEST", "value": value} for value in ("old", "new")]
    requested = parsing.parse_requested({"environments": listed})
    assert requested is not None
    assert requested.request_id == "new"


def test_build_without_our_variables_has_no_request_id() -> None:
    assert RequestedParams(branch="main").request_id is None
    assert RequestedParams(branch="main").message is None


@pytest.mark.parametrize("nothing", [None, {}, {"branch": None, "environments": []}, {"branch": ""}, "main", []])
def test_parameters_without_content_are_none(nothing: Any) -> None:
    assert parsing.parse_requested(nothing) is None


@pytest.mark.parametrize(
    ("sent", "kept"), [("x", "x"), ("", ""), (None, ""), (7, "7"), (1.5, "1.5"), (True, "true"), ({}, ""), (["x"], "")]
)
def test_values_of_variables_are_text(sent: Any, kept: str) -> None:
    requested = parsing.parse_requested({"environments": [{"key": "K", "value": sent}]})
    assert requested is not None
    assert requested.environments[0].value == kept


def test_pipeline_is_parsed_as_a_build() -> None:
    pipeline = parsing.parse_pipeline(PIPELINE, "app-1")
    assert pipeline is not None
    assert dataclasses.replace(pipeline, requested=None) == Build(
        slug="9f8e7d6c-1111-4222-8333-444455556666",
        app_slug="app-1",
        number=813,
        is_pipeline=True,
        status=0,
        status_text="running",
        branch="main",
        commit_hash="a1b2c3d",
        commit_message="Fix",
        pipeline="release",
        triggered_by="manual-ana",
        triggered_at=datetime(2026, 8, 1, 9, 20, 11, tzinfo=UTC),
        started_at=datetime(2026, 8, 1, 9, 20, 41, tzinfo=UTC),
        pull_request_id=12,
    )
    assert pipeline.requested is not None
    assert pipeline.requested.environments[0].value == "sesame"


@pytest.mark.parametrize(
    ("word", "status", "is_on_hold"),
    [
        ("initializing", 0, False),
        ("on_hold", 0, True),
        ("running", 0, False),
        ("", 0, False),
        ("brand_new", 0, False),
        ("succeeded", 1, False),
        ("failed", 2, False),
        ("aborted", 3, False),
        ("succeeded_with_abort", 4, False),
    ],
)
def test_pipeline_status_has_a_number(word: str, status: int, is_on_hold: bool) -> None:
    pipeline = parsing.parse_pipeline(PIPELINE | {"status": word}, "app-1")
    assert pipeline is not None
    assert (pipeline.status, pipeline.is_on_hold) == (status, is_on_hold)


def test_item_of_the_pipeline_list() -> None:
    listed = parsing.parse_listed_pipeline(LISTED_PIPELINE, "app-1")
    assert listed is not None
    assert (listed.slug, listed.number, listed.pipeline, listed.workflow) == (
        LISTED_PIPELINE["slug"],
        813,
        "release",
        None,
    )
    assert (listed.is_pipeline, listed.status, listed.branch, listed.triggered_by) == (True, 3, "main", "manual-ana")
    assert listed.requested is not None
    assert listed.requested.request_id == "sesame"
    assert parsing.parse_listed_pipeline(LISTED_PIPELINE | {"is_pipeline": False}, "app-1") is None


def test_a_log_is_in_order_and_has_each_chunk_once() -> None:
    part = logs.parse_log(LOG)
    assert [(chunk.position, chunk.text) for chunk in part.chunks] == [(1, "a"), (2, "b")]
    assert part.is_archived
    assert (part.next_after, part.next_before) == ("2026-08-01T09:27:41.123456789Z", None)
    assert logs.parse_log({}) == LogPart(is_archived=False)


def test_an_artifact() -> None:
    assert downloads.parse_artifact(ARTIFACT) == Artifact(
        "c1",
        "Shop.ipa",
        "ios-ipa",
        3558274,
        True,
        "https://app.bitrise.io/artifact/c1/p/x",
        "3.2.0",
        "812",
    )


@pytest.mark.parametrize(
    ("kind", "meta", "facts"),
    [
        (
            "android-apk",
            {"app_info": {"version_name": "3.2", "version_code": 812, "package_name": "com.acme.shop"}},
            ("3.2", "812"),
        ),
        ("ios-ipa", {"version": "3.2", "app_info": None}, ("3.2", None)),
        ("ios-ipa", {"app_info": {"version": {"odd": 1}}}, (None, None)),
        ("ios-ipa", {"app_info": {"version": "9" * 5_000}}, (None, None)),
        ("ios-ipa", ["app_info"], (None, None)),
        ("file", None, (None, None)),
        (None, None, (None, None)),
    ],
)
def test_version_of_an_artifact(kind: Any, meta: Any, facts: tuple[str | None, ...]) -> None:
    artifact = downloads.parse_artifact(ARTIFACT | {"artifact_type": kind, "artifact_meta": meta})
    assert artifact is not None
    assert (artifact.version, artifact.build_number) == facts


def test_a_summary_of_steps() -> None:
    summary = logs.parse_log_summary(SUMMARY)
    assert summary is not None
    assert [(step.uuid, step.title, step.status) for step in summary.steps] == [
        ("u1", "Git Clone", "success"),
        ("u2", "xcode-test", "failed"),
        (None, None, None),
        ("u3", "Deploy", "aborted"),
    ]
    assert summary.failed_step is not None
    assert summary.failed_step.error_messages == ("exit status 65",)
    assert "exit status 65" not in repr(summary)


@pytest.mark.parametrize(
    ("statuses", "failed"),
    [
        (["success", "failed_skippable", "failed", "failed"], 2),
        (["success", "aborted_with_no_output_timeout", "skipped"], 1),
        (["preparation_failed"], 0),
        (["success", "aborted", "skipped"], 1),
        (["aborted", "failed"], 1),
        (["success", "failed_skippable", "skipped_with_run_if", "", "FAILED?"], None),
    ],
)
def test_the_step_that_failed_the_build(statuses: list[str], failed: int | None) -> None:
    steps = [{"uuid": str(number), "status": status} for number, status in enumerate(statuses)]
    summary = logs.parse_log_summary({"execution": {"workflows": [{"steps": steps[:1]}, {"steps": steps[1:]}]}})
    assert summary is not None
    assert (summary.failed_step and summary.failed_step.uuid) == (None if failed is None else str(failed))


@pytest.mark.parametrize("odd", [None, [], "x", {}, {"execution": None}, {"execution": {"workflows": {"steps": []}}}])
def test_an_unknown_summary_is_none(odd: Any) -> None:
    assert logs.parse_log_summary(odd) is None


@pytest.mark.parametrize("kind", ["app", "build", "artifact", "pipeline"])
def test_item_without_a_slug_is_dropped_and_logged(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    read, shape = PARSERS[kind]
    with caplog.at_level(logging.WARNING):
        assert read(shape | {"slug": None, "id": ""}) is None
    assert [record.__dict__["kind"] for record in caplog.records] == [kind]
    assert "sesame" not in caplog.text


def test_build_without_an_app_is_dropped() -> None:
    nameless = {key: value for key, value in BUILD.items() if key != "repository"}
    assert parsing.parse_build(nameless) is None
    assert parsing.parse_build(nameless, "app-1") is not None


@pytest.mark.parametrize(
    ("body", "items", "next_", "total"),
    [
        ({"data": ["a", "b"], "paging": {"next": "c", "total_item_count": 3}}, ("a", "b"), "c", 3),
        ({"data": ["a", None, ""], "paging": {"next": ""}}, ("a",), None, None),
        ({"data": [], "paging": None}, (), None, None),
        ({"data": None}, (), None, None),
        ({"data": None, "paging": {"total_item_count": 0}}, (), None, 0),
    ],
)
def test_a_page(body: Any, items: tuple[str, ...], next_: str | None, total: int | None) -> None:
    page = parsing.parse_page(body, parsing.as_text)
    assert page is not None
    assert (page.items, page.next, page.total) == (items, next_, total)


@pytest.mark.parametrize(
    "body", [None, [], "x", {}, {"data": {}}, {"data": "x"}, {"data": None, "paging": {"total_item_count": 2}}]
)
def test_response_without_a_list_is_not_a_page(body: Any) -> None:
    assert parsing.parse_page(body, parsing.as_text) is None


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (AT, datetime(2026, 8, 1, 9, 20, 11, tzinfo=UTC)),
        ("2026-08-01T11:20:11+02:00", datetime(2026, 8, 1, 9, 20, 11, tzinfo=UTC)),
        ("2026-08-01T09:20:11", datetime(2026, 8, 1, 9, 20, 11, tzinfo=UTC)),
        ("2026-08-01T09:20:11.123456789Z", datetime(2026, 8, 1, 9, 20, 11, 123456, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("9999-12-31T23:59:59Z", None),
        ("yesterday", None),
        ("", None),
        (1785576011, None),
        (None, None),
    ],
)
def test_a_time(value: Any, read: datetime | None) -> None:
    assert parsing.as_time(value) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [(7, 7), ("7", 7), (7.0, 7), (0, 0), (7.5, None), ("7.5", None), ("", None), ("٧", None), (True, None),
     (2**60, None), ("9" * 5_000, None), (float("inf"), None), (None, None), ([], None)],
)  # fmt: skip
def test_a_whole_number(value: Any, read: int | None) -> None:
    assert parsing.as_integer(value) == read


def test_no_value_of_a_variable_and_no_signed_address_is_in_a_repr() -> None:
    reprs = [repr(read(shape)) for read, shape in PARSERS.values() if read is not parsing.parse_data]
    assert "deploy" in " ".join(reprs)
    assert not [text for text in reprs if "sesame" in text or "try the login" in text]
    assert repr(parsing.parse_requested(BUILD["original_build_params"])) == "RequestedParams(********)"


def test_sample_items_are_json() -> None:
    """The samples survive a round trip over HTTP."""
    assert [shape for _, shape in PARSERS.values() if json.loads(json.dumps(shape)) != shape] == []
