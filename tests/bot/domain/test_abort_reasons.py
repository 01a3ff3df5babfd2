"""Abort reasons: the text sent to Bitrise, and the texts read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.abort_reasons import (
    REASONS_TO_CHOOSE,
    AbortReason,
    Reason,
    abort_reason_text,
    parse_abort_reason,
)


def test_people_choose_reasons_that_bitrise_does_not_give_itself() -> None:
    own = {Reason.ROLLING_BUILD, Reason.IN_BITRISE, Reason.LOST_AGENT, Reason.ON_HOLD_EXPIRED, Reason.TIME_OUT}
    assert set(REASONS_TO_CHOOSE) == set(Reason) - own


def test_text_names_category_sentence_and_person() -> None:
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
def test_text_stays_one_readable_line(sentence: str, name: str, handle: str, text: str) -> None:
    assert abort_reason_text(Reason.STUCK, sentence, name, handle) == text


def test_long_sentence_is_shortened_and_the_person_kept() -> None:
    text = abort_reason_text(Reason.OTHER, "x" * 5_000, "B" * 5_000, "b" * 5_000)
    assert len(text) == 500
    assert text.endswith(", via Buildbell)")
    assert parse_abort_reason(text).is_ours


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
def test_our_text_is_parsed_back(category: Reason, sentence: str, name: str, handle: str, wrapped: str) -> None:
    text = wrapped.format("{}").replace("{}", abort_reason_text(category, sentence, name, handle))
    assert parse_abort_reason(text) == AbortReason(category, sentence, name, handle or None, is_ours=True)


@given(st.sampled_from(Reason), st.text(), st.text(), st.text())
def test_any_input_gives_a_short_text_of_ours(category: Reason, sentence: str, name: str, handle: str) -> None:
    text = abort_reason_text(category, sentence, name, handle)
    reason = parse_abort_reason(text)
    assert len(text) <= 500
    assert text.isprintable() or not any(ch < " " for ch in text)
    assert (reason.category, reason.is_ours) == (category, True)


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
def test_wordings_of_bitrise_are_recognized(text: str, reason: Reason) -> None:
    assert parse_abort_reason(text) == AbortReason(reason, text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("User octocat requested to abort this build.", AbortReason(Reason.IN_BITRISE, "", "octocat")),
        ("User Bo Li requested to abort this build", AbortReason(Reason.IN_BITRISE, "", "Bo Li")),
        (
            "User ci requested to abort this build with reason: aborted via MCP",
            AbortReason(Reason.IN_BITRISE, "aborted via MCP", "ci"),
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
def test_other_texts_are_kept(text: str | None, reason: AbortReason) -> None:
    assert parse_abort_reason(text) == reason


@given(st.text())
def test_any_text_is_parsed_and_kept(text: str) -> None:
    reason = parse_abort_reason(text)
    assert reason.sentence == text.strip() or reason.category is not Reason.OTHER
