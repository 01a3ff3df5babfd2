"""State, outcome and cause parsed from Bitrise's statuses and ``triggered_by`` texts; formatted durations."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.abort_reasons import Reason
from bot.domain.builds import (
    Cause,
    Outcome,
    State,
    Trigger,
    format_duration,
    parse_build_state,
    parse_pipeline_state,
    parse_trigger,
    triggered_by_text,
)

T0 = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
A_TIME = st.one_of(st.none(), st.just(T0))


# State and outcome.


@pytest.mark.parametrize(
    ("status", "is_on_hold", "started_at", "state"),
    [
        (0, True, None, (State.QUEUED, None)),
        (0, False, None, (State.QUEUED, None)),
        (0, None, None, (State.QUEUED, None)),
        (0, False, T0, (State.RUNNING, None)),
        (0, None, T0, (State.RUNNING, None)),
        (1, False, T0, (State.FINISHED, Outcome.SUCCEEDED)),
        (2, False, T0, (State.FINISHED, Outcome.FAILED)),
        (3, False, None, (State.FINISHED, Outcome.ABORTED)),
        (3, True, None, (State.FINISHED, Outcome.ABORTED)),
        (4, False, T0, (State.FINISHED, Outcome.SKIPPED)),
    ],
)
def test_status_number_decides_the_state(
    status: int, is_on_hold: bool | None, started_at: datetime | None, state: tuple[State, Outcome | None]
) -> None:
    assert parse_build_state(status, is_on_hold, started_at) == state


def test_unknown_status_number_counts_as_running_until_finished_and_then_as_failed() -> None:
    assert parse_build_state(7, False, T0) == (State.RUNNING, None)
    assert parse_build_state(7, False, T0, T0) == (State.FINISHED, Outcome.FAILED)


def test_response_without_a_status_number_does_not_finish_a_build() -> None:
    assert parse_build_state(None, None, None, T0) == (State.QUEUED, None)
    assert parse_build_state(None, None, T0, T0) == (State.RUNNING, None)


@given(st.integers() | st.none(), st.booleans() | st.none(), A_TIME, A_TIME)
def test_only_status_1_is_a_success_and_only_finished_builds_have_an_outcome(
    status: int | None, is_on_hold: bool | None, started_at: datetime | None, finished_at: datetime | None
) -> None:
    state, outcome = parse_build_state(status, is_on_hold, started_at, finished_at)
    assert (outcome is Outcome.SUCCEEDED) == (status == 1)
    assert (outcome is Outcome.SKIPPED) == (status == 4)
    assert (outcome is None) == (state is not State.FINISHED)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("initializing", (State.QUEUED, None)),
        ("on_hold", (State.QUEUED, None)),
        ("running", (State.RUNNING, None)),
        ("", (State.RUNNING, None)),
        (None, (State.RUNNING, None)),
        ("succeeded", (State.FINISHED, Outcome.SUCCEEDED)),
        ("failed", (State.FINISHED, Outcome.FAILED)),
        ("aborted", (State.FINISHED, Outcome.ABORTED)),
        ("succeeded_with_abort", (State.FINISHED, Outcome.SKIPPED)),
        ("napping", (State.RUNNING, None)),
    ],
)
def test_status_word_decides_the_state_of_a_pipeline(status: str | None, state: tuple[State, Outcome | None]) -> None:
    assert parse_pipeline_state(status) == state


def test_unknown_status_word_of_a_finished_pipeline_counts_as_failed() -> None:
    assert parse_pipeline_state("napping", T0) == (State.FINISHED, Outcome.FAILED)
    assert parse_pipeline_state("", T0) == (State.RUNNING, None)


@pytest.mark.parametrize("kind", [State, Outcome, Reason, Cause])
def test_every_member_has_a_label_of_its_own(kind: type[State | Outcome | Reason | Cause]) -> None:
    labels = [member.label for member in kind]
    assert all(labels)
    assert len(set(labels)) == len(labels)


# Cause.


@pytest.mark.parametrize(
    ("triggered_by", "trigger"),
    [
        (None, Trigger(Cause.API)),
        ("", Trigger(Cause.API)),
        ("webhook", Trigger(Cause.PUSH)),
        ("webhook-github/octocat", Trigger(Cause.PUSH, "octocat", "github")),
        ("webhook-bitbucket-v2/Bo Li", Trigger(Cause.PUSH, "Bo Li", "bitbucket-v2")),
        ("webhook-slack/ana", Trigger(Cause.SLACK, "ana")),
        ("manual-octocat", Trigger(Cause.MANUAL, "octocat")),
        ("manual", Trigger(Cause.MANUAL)),
        ("schedule", Trigger(Cause.SCHEDULE, detail="schedule")),
        ("scheduler", Trigger(Cause.SCHEDULE, detail="scheduler")),
        ("scheduled-nightly", Trigger(Cause.SCHEDULE, detail="scheduled-nightly")),
        ("rebuild-octocat", Trigger(Cause.REBUILD, "octocat")),
        ("actions-github/octocat", Trigger(Cause.API, "octocat", "actions-github/octocat")),
        ("deploy-tool/", Trigger(Cause.API, detail="deploy-tool/")),
        ("webhook-github/", Trigger(Cause.PUSH, None, "github")),
        ("manual-", Trigger(Cause.MANUAL)),
        ("slack-ana", Trigger(Cause.API, detail="slack-ana")),
        ("scheduling assistant", Trigger(Cause.API, detail="scheduling assistant")),
        ("buildbell-ana-r7", Trigger(Cause.SLACK, "ana", request_id="r7")),
        ("buildbell-ana", Trigger(Cause.API, detail="buildbell-ana")),
        (
            "buildbell-ana-maria-0b0f8f9c-6f4e-4a53-9a0e-3e1c3c1d2f4a",
            Trigger(Cause.SLACK, "ana-maria", request_id="0b0f8f9c-6f4e-4a53-9a0e-3e1c3c1d2f4a"),
        ),
    ],
)
def test_triggered_by_is_parsed(triggered_by: str | None, trigger: Trigger) -> None:
    assert parse_trigger(triggered_by) == trigger


def test_pull_requests_tags_and_pushes_are_different_causes() -> None:
    def event(pull_request_id: int | None, tag: str | None) -> Trigger:
        return parse_trigger("webhook-github/ana", pull_request_id=pull_request_id, tag=tag)

    assert event(12, None) == Trigger(Cause.PULL_REQUEST, "ana", "#12")
    assert event(0, "v1.2") == Trigger(Cause.TAG, "ana", "v1.2")
    assert event(0, "") == Trigger(Cause.PUSH, "ana", "github")
    assert event(None, None) == Trigger(Cause.PUSH, "ana", "github")


@pytest.mark.parametrize(
    ("triggered_by", "name"),
    [
        (None, None),
        ("", None),
        ("renovate", None),
        ("renovate/bot", "bot"),
        ("webhook-github/ana", "ana"),
        ("webhook-github/", None),
        ("manual-ana", "ana"),
        ("a free text", None),
        ("schedule", None),
    ],
)
def test_build_with_a_pull_request_number_is_the_pull_requests(triggered_by: str | None, name: str | None) -> None:
    assert parse_trigger(triggered_by, pull_request_id=12) == Trigger(Cause.PULL_REQUEST, name, "#12")


def test_our_start_for_a_pull_request_stays_ours() -> None:
    trigger = parse_trigger("buildbell-ana-r7", pull_request_id=12, request_id="r7")
    assert trigger == Trigger(Cause.SLACK, "ana", request_id="r7")


def test_our_variable_identifies_a_start_whose_triggered_by_was_dropped() -> None:
    assert parse_trigger(None, request_id="r7") == Trigger(Cause.SLACK, request_id="r7")


def test_rebuild_in_the_web_page_is_not_our_start() -> None:
    assert parse_trigger("manual-octocat", request_id="r7") == Trigger(Cause.REBUILD, "octocat")


def test_pipeline_is_the_cause_only_without_a_better_one() -> None:
    assert parse_trigger(None, pipeline="p1") == Trigger(Cause.PIPELINE)
    assert parse_trigger("stage 2", pipeline="p1") == Trigger(Cause.PIPELINE, detail="stage 2")
    assert parse_trigger("webhook-github/ana", pipeline="p1") == Trigger(Cause.PUSH, "ana", "github")


@given(st.text(), st.one_of(st.uuids().map(str), st.uuids().map(lambda uuid: uuid.hex)))
def test_our_own_starts_are_recognized(user_name: str, request_id: str) -> None:
    trigger = parse_trigger(triggered_by_text(user_name, request_id))
    assert (trigger.cause, trigger.request_id) == (Cause.SLACK, request_id)


@given(st.from_regex(r"[a-z0-9._-]{1,30}", fullmatch=True), st.uuids().map(str))
def test_slack_name_survives_the_round_trip(user_name: str, request_id: str) -> None:
    assert parse_trigger(triggered_by_text(user_name, request_id)).name == user_name


@given(st.text())
def test_text_of_an_unknown_cause_is_kept(text: str) -> None:
    trigger = parse_trigger(text)
    assert trigger.detail == (text.strip() or None) or trigger.cause is not Cause.API


# Durations.


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (39.6, "40 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (420, "7 min"),
        (3_599, "1 h"),
        (7_800, "2 h 10 min"),
        (86_399, "1 d"),
        (90_000, "1 d 1 h"),
        (2_592_000, "30 d"),
    ],
)
def test_durations_are_formatted_with_at_most_two_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
