"""Bitrise's numbers and texts, and the words they become."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.builds import (
    REASONS_TO_CHOOSE,
    AbortReason,
    Cause,
    CauseOf,
    Outcome,
    Reason,
    State,
    abort_reason_text,
    cause_of,
    parse_abort_reason,
    pipeline_state_of,
    spoken_duration,
    state_of,
    triggered_by_text,
)

T0 = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
A_TIME = st.one_of(st.none(), st.just(T0))


# State and outcome.


@pytest.mark.parametrize(
    ("status", "is_on_hold", "started_at", "stands"),
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
def test_the_number_decides(
    status: int, is_on_hold: bool | None, started_at: datetime | None, stands: tuple[State, Outcome | None]
) -> None:
    assert state_of(status, is_on_hold, started_at) == stands


def test_an_unknown_number_is_followed_until_it_ends_and_then_failed() -> None:
    assert state_of(7, False, T0) == (State.RUNNING, None)
    assert state_of(7, False, T0, T0) == (State.FINISHED, Outcome.FAILED)


def test_an_answer_without_a_number_ends_nothing() -> None:
    assert state_of(None, None, None, T0) == (State.QUEUED, None)
    assert state_of(None, None, T0, T0) == (State.RUNNING, None)


@given(st.integers() | st.none(), st.booleans() | st.none(), A_TIME, A_TIME)
def test_only_one_is_a_success_and_only_the_finished_have_an_outcome(
    status: int | None, is_on_hold: bool | None, started_at: datetime | None, finished_at: datetime | None
) -> None:
    state, outcome = state_of(status, is_on_hold, started_at, finished_at)
    assert (outcome is Outcome.SUCCEEDED) == (status == 1)
    assert (outcome is Outcome.SKIPPED) == (status == 4)
    assert (outcome is None) == (state is not State.FINISHED)


@pytest.mark.parametrize(
    ("status", "stands"),
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
def test_a_pipeline_says_it_in_words(status: str | None, stands: tuple[State, Outcome | None]) -> None:
    assert pipeline_state_of(status) == stands


def test_an_unknown_word_of_an_ended_pipeline_is_failed() -> None:
    assert pipeline_state_of("napping", T0) == (State.FINISHED, Outcome.FAILED)
    assert pipeline_state_of("", T0) == (State.RUNNING, None)


@pytest.mark.parametrize("kind", [State, Outcome, Reason, Cause])
def test_every_word_has_a_label_of_its_own(kind: type[State | Outcome | Reason | Cause]) -> None:
    labels = [member.label for member in kind]
    assert all(labels)
    assert len(set(labels)) == len(labels)


def test_a_person_chooses_what_bitrise_does_not_say_itself() -> None:
    own = {Reason.ROLLING_BUILD, Reason.IN_BITRISE, Reason.LOST_AGENT, Reason.ON_HOLD_EXPIRED, Reason.TIME_OUT}
    assert set(REASONS_TO_CHOOSE) == set(Reason) - own


# Why a build was stopped.


def test_the_reason_names_category_sentence_and_person() -> None:
    text = abort_reason_text(Reason.WRONG_TARGET, "wrong branch", "Bo Li", "bo")
    assert text == "[wrong-target] wrong branch (Bo Li, @bo, via Buildbell)"


@pytest.mark.parametrize(
    ("sentence", "name", "handle", "text"),
    [
        ("", "Bo Li", "bo", "[stuck] (Bo Li, @bo, via Buildbell)"),
        ("hangs", "Bo Li", "", "[stuck] hangs (Bo Li, via Buildbell)"),
        ("hangs", "", "@bo", "[stuck] hangs (@bo, via Buildbell)"),
        ("hangs", "", "", "[stuck] hangs (via Buildbell)"),
        (
            "hangs\r\n\tfor\x00 ever\u2028",
            "Bo (QA) Li",
            "b o,",
            "[stuck] hangs for ever (Bo [QA] Li, @bo, via Buildbell)",
        ),
        ("\u202eabc\ud800", "Bo\n@Li", "", "[stuck] abc (Bo Li, via Buildbell)"),
    ],
)
def test_odd_reasons_stay_one_readable_line(sentence: str, name: str, handle: str, text: str) -> None:
    assert abort_reason_text(Reason.STUCK, sentence, name, handle) == text


def test_a_long_reason_is_cut_before_the_person() -> None:
    text = abort_reason_text(Reason.OTHER, "x" * 5_000, "B" * 5_000, "b" * 5_000)
    assert len(text) == 500
    assert text.endswith(", via Buildbell)")
    assert parse_abort_reason(text).via_us


ONE_LINE = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="@()"), max_size=20)
SENTENCE = st.lists(
    st.one_of(
        ONE_LINE, st.sampled_from(["(a)", "[b]", "(Bo, via Buildbell)", ")", "[stuck]", ", @bo", "via Buildbell"])
    )
).map(lambda parts: " ".join(" ".join(parts).split())[:300].strip())


@given(
    st.sampled_from(Reason),
    SENTENCE,
    ONE_LINE.filter(bool),
    ONE_LINE.map(lambda handle: handle.replace(",", "")),
    st.sampled_from(["{}", "User bitrise-bot requested to abort this build with reason: {}", "  {}. "]),
)
def test_what_we_wrote_can_be_read_back(category: Reason, sentence: str, name: str, handle: str, wrapped: str) -> None:
    text = wrapped.format("{}").replace("{}", abort_reason_text(category, sentence, name, handle))
    assert parse_abort_reason(text) == AbortReason(category, sentence, name, handle or None, via_us=True)


@given(st.sampled_from(Reason), st.text(), st.text(), st.text())
def test_any_text_gives_a_bounded_line_of_ours(category: Reason, sentence: str, name: str, handle: str) -> None:
    text = abort_reason_text(category, sentence, name, handle)
    read = parse_abort_reason(text)
    assert len(text) <= 500
    assert text.isprintable() or not any(ch < " " for ch in text)
    assert (read.category, read.via_us) == (category, True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Automatically aborted via Rolling Builds.", Reason.ROLLING_BUILD),
        ("Lost connection to build agent", Reason.LOST_AGENT),
        ("The build was on hold for more than 30 days.", Reason.ON_HOLD_EXPIRED),
        ("This build timed out.", Reason.TIME_OUT),
        ("The build was aborted because it reached the time limit", Reason.TIME_OUT),
    ],
)
def test_bitrise_says_why_itself(text: str, reason: Reason) -> None:
    assert parse_abort_reason(text) == AbortReason(reason, text)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("User octocat requested to abort this build.", AbortReason(Reason.IN_BITRISE, "", "octocat")),
        ("User Bo Li requested to abort this build", AbortReason(Reason.IN_BITRISE, "", "Bo Li")),
        (
            "User ci requested to abort this build with reason: aborted via MCP",
            AbortReason(Reason.OTHER, "aborted via MCP", "ci"),
        ),
        (
            "User ci requested to abort this build with reason: Automatically aborted via Rolling Builds.",
            AbortReason(Reason.ROLLING_BUILD, "Automatically aborted via Rolling Builds.", "ci"),
        ),
        (
            "User ci requested to abort this build with reason: [no-changes] only docs",
            AbortReason(Reason.NO_CHANGES, "only docs", "ci"),
        ),
        ("[no-changes] only docs", AbortReason(Reason.NO_CHANGES, "only docs")),
        ("[JIRA-12] not needed", AbortReason(Reason.OTHER, "[JIRA-12] not needed")),
        ("[nonsense] x (Bo, via Buildbell)", AbortReason(Reason.OTHER, "[nonsense] x (Bo, via Buildbell)")),
        ("the release is on hold", AbortReason(Reason.OTHER, "the release is on hold")),
        ("  why not  ", AbortReason(Reason.OTHER, "why not")),
        ("", AbortReason(Reason.OTHER, "")),
        (None, AbortReason(Reason.OTHER, "")),
    ],
)
def test_other_texts_are_kept_as_they_are(text: str | None, read: AbortReason) -> None:
    assert parse_abort_reason(text) == read


@given(st.text())
def test_any_abort_text_is_read_and_none_is_lost(text: str) -> None:
    read = parse_abort_reason(text)
    assert read.sentence == text.strip() or read.category is not Reason.OTHER


# What started it.


@pytest.mark.parametrize(
    ("triggered_by", "cause"),
    [
        (None, CauseOf(Cause.API)),
        ("", CauseOf(Cause.API)),
        ("webhook", CauseOf(Cause.PUSH)),
        ("webhook-github/octocat", CauseOf(Cause.PUSH, "octocat", "github")),
        ("webhook-bitbucket-v2/Bo Li", CauseOf(Cause.PUSH, "Bo Li", "bitbucket-v2")),
        ("webhook-slack/ana", CauseOf(Cause.SLACK, "ana")),
        ("manual-octocat", CauseOf(Cause.MANUAL, "octocat")),
        ("manual", CauseOf(Cause.MANUAL)),
        ("schedule", CauseOf(Cause.SCHEDULE, detail="schedule")),
        ("scheduler", CauseOf(Cause.SCHEDULE, detail="scheduler")),
        ("scheduled-nightly", CauseOf(Cause.SCHEDULE, detail="scheduled-nightly")),
        ("rebuild-octocat", CauseOf(Cause.REBUILD, "octocat")),
        ("actions-github/octocat", CauseOf(Cause.OTHER, detail="actions-github/octocat")),
        ("slack-ana", CauseOf(Cause.OTHER, detail="slack-ana")),
        ("scheduling assistant", CauseOf(Cause.OTHER, detail="scheduling assistant")),
        ("buildbell-ana-r7", CauseOf(Cause.SLACK, "ana", request_id="r7")),
        ("buildbell-ana", CauseOf(Cause.OTHER, detail="buildbell-ana")),
        (
            "buildbell-ana-maria-0b0f8f9c-6f4e-4a53-9a0e-3e1c3c1d2f4a",
            CauseOf(Cause.SLACK, "ana-maria", request_id="0b0f8f9c-6f4e-4a53-9a0e-3e1c3c1d2f4a"),
        ),
    ],
)
def test_who_or_what_started_it(triggered_by: str | None, cause: CauseOf) -> None:
    assert cause_of(triggered_by) == cause


def test_git_events_are_told_apart() -> None:
    def event(pull_request_id: int | None, tag: str | None) -> CauseOf:
        return cause_of("webhook-github/ana", pull_request_id=pull_request_id, tag=tag)

    assert event(12, None) == CauseOf(Cause.PULL_REQUEST, "ana", "#12")
    assert event(0, "v1.2") == CauseOf(Cause.TAG, "ana", "v1.2")
    assert event(0, "") == CauseOf(Cause.PUSH, "ana", "github")
    assert event(None, None) == CauseOf(Cause.PUSH, "ana", "github")


def test_our_variable_tells_when_bitrise_dropped_triggered_by() -> None:
    assert cause_of(None, request_id="r7") == CauseOf(Cause.SLACK, request_id="r7")


def test_a_rebuild_in_the_web_page_is_not_ours_any_more() -> None:
    assert cause_of("manual-octocat", request_id="r7") == CauseOf(Cause.REBUILD, "octocat")


def test_a_pipeline_is_the_cause_only_when_nothing_better_is_known() -> None:
    assert cause_of(None, pipeline="p1") == CauseOf(Cause.PIPELINE)
    assert cause_of("stage 2", pipeline="p1") == CauseOf(Cause.PIPELINE, detail="stage 2")
    assert cause_of("webhook-github/ana", pipeline="p1") == CauseOf(Cause.PUSH, "ana", "github")


@given(st.text(), st.one_of(st.uuids().map(str), st.uuids().map(lambda uuid: uuid.hex)))
def test_our_own_starts_are_known_again(user_name: str, request_id: str) -> None:
    cause = cause_of(triggered_by_text(user_name, request_id))
    assert (cause.kind, cause.request_id) == (Cause.SLACK, request_id)


@given(st.from_regex(r"[a-z0-9._-]{1,30}", fullmatch=True), st.uuids().map(str))
def test_a_slack_name_comes_back_as_it_was(user_name: str, request_id: str) -> None:
    assert cause_of(triggered_by_text(user_name, request_id)).who == user_name


@given(st.text())
def test_no_text_is_lost_when_the_cause_is_unknown(text: str) -> None:
    cause = cause_of(text)
    assert cause.detail == text.strip() or cause.kind is not Cause.OTHER


# How long it took.


@pytest.mark.parametrize(
    ("seconds", "spoken"),
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
def test_durations_are_spoken(seconds: float, spoken: str) -> None:
    assert spoken_duration(seconds) == spoken
