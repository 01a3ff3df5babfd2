"""Cards in each state of a build, and the line that announces its result."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.abort_reasons import Reason
from bot.domain.builds import Cause, Outcome
from bot.domain.eta import Eta
from bot.slack import cards
from bot.slack.build_text import BuildView, bar
from bot.slack.text import Message, quoted

Make = Callable[..., BuildView]
Seen = Callable[[Message], str]


def test_a_running_build(build: Make, seen: Seen, now: datetime, usual: Eta) -> None:
    card = cards.card([build(eta=usual, build_message="try the new login")], now=now)
    assert seen(card).splitlines() == [
        "🔵 Running  iOS Shop · deploy  #812",
        "release/3.2 · a1b2c3d  Fix login crash",
        "“try the new login”",
        "3 of ~7 min · ▓▓▓▓░░░░░░",
        "Started by @ana from Slack",
        "[Stop…]",
    ]
    assert card.text == "🔵 iOS Shop deploy #812 is running (release/3.2)"


def test_a_waiting_build(build: Make, seen: Seen, now: datetime) -> None:
    waiting = build(state="queued", started_at=None, triggered_at=now - timedelta(seconds=40))
    card = cards.card([waiting], now=now)
    assert "⏳ Queued  iOS Shop" in seen(card)
    assert "Queued for 40 s" in seen(card)
    assert card.text == "⏳ iOS Shop deploy #812 is queued (release/3.2)"


@pytest.mark.parametrize(
    ("queue_seconds", "line"),
    [
        (None, "Queued for 40 s · then about 7 min"),
        (90, "Queued for 40 s (usually 2 min) · then about 7 min"),
    ],
)
def test_waiting_and_running_are_promised_apart(
    build: Make, seen: Seen, now: datetime, queue_seconds: float | None, line: str
) -> None:
    eta = Eta(median_seconds=420, queue_seconds=queue_seconds)
    waiting = build(state="queued", started_at=None, triggered_at=now - timedelta(seconds=40), eta=eta)
    assert line in seen(cards.card([waiting], now=now)).splitlines()


@pytest.mark.parametrize(
    ("seconds", "line"),
    [
        (0, "0 s of ~7 min · ░░░░░░░░░░"),
        (40, "40 s of ~7 min · ░░░░░░░░░░"),
        (415, "7 of ~7 min · ▓▓▓▓▓▓▓▓▓░"),
        (440, "7 of ~7 min · ▓▓▓▓▓▓▓▓▓░"),
        (495, "Running for 8 min – 1 min longer than usual"),
        (540, "Running for 9 min – 2 min longer than usual (slower than 9 in 10 builds)"),
        (4_000, "Running for 1 h 7 min – 1 h longer than usual (slower than 9 in 10 builds)"),
    ],
)
def test_progress_against_the_usual(
    build: Make, seen: Seen, now: datetime, usual: Eta, seconds: int, line: str
) -> None:
    shown = build(eta=usual, started_at=now - timedelta(seconds=seconds))
    assert line in seen(cards.card([shown], now=now)).splitlines()


@pytest.mark.parametrize(
    ("seconds", "usually", "line"),
    [
        (7_800, 7_800, "2 h 10 min of ~2 h 10 min · ▓▓▓▓▓▓▓▓▓░"),
        (4_200, 7_800, "1 h 10 min of ~2 h 10 min · ▓▓▓▓▓░░░░░"),
        (11_400, 7_800, "Running for 3 h 10 min – 1 h longer than usual"),
        (3_600, 7_200, "1 of ~2 h · ▓▓▓▓▓░░░░░"),
    ],
)
def test_hours_and_minutes_are_both_said(
    build: Make, seen: Seen, now: datetime, seconds: int, usually: int, line: str
) -> None:
    shown = build(eta=Eta(median_seconds=usually), started_at=now - timedelta(seconds=seconds))
    assert line in seen(cards.card([shown], now=now)).splitlines()


def test_progress_without_history(build: Make, seen: Seen, now: datetime) -> None:
    assert "Running for 3 min" in seen(cards.card([build()], now=now)).splitlines()


@given(st.floats(0, 1e9))
def test_the_bar_is_never_full(share: float) -> None:
    assert len(bar(share)) == 10
    assert bar(share).endswith("░")


@pytest.mark.parametrize(
    ("outcome", "changes", "first", "line", "text"),
    [
        ("succeeded", {}, "✅ Succeeded", "Succeeded in 7 min", "succeeded after 7 min"),
        ("failed", {}, "❌ Failed", "Failed after 7 min", "failed after 7 min"),
        (
            "aborted",
            {"reason": "wrong-target", "reason_text": "wrong branch", "abort_requested_by": "UBO", "reason_by": "Bo"},
            "⏹️ Aborted",
            "Stopped by @UBO – wrong branch or workflow: “wrong branch”",
            "was stopped by Bo after 7 min: wrong branch or workflow: “wrong branch”",
        ),
        (
            "aborted",
            {"reason": "stuck", "reason_text": "", "reason_by": "Bo Li"},
            "⏹️ Aborted",
            "Stopped by Bo Li – stuck or too slow",
            "was stopped by Bo Li after 7 min: stuck or too slow",
        ),
        (
            "aborted",
            {"reason": "in-bitrise", "reason_by": "octocat", "abort_requested_by": "UBO"},
            "⏹️ Aborted",
            "Stopped by octocat in Bitrise",
            "was stopped by octocat after 7 min",
        ),
        (
            "aborted",
            {"reason": "rolling-build", "reason_text": "Aborted via Rolling Builds.", "abort_requested_by": "UBO"},
            "⏹️ Aborted",
            "Stopped automatically – replaced by a rolling build",
            "was stopped automatically after 7 min: replaced by a rolling build",
        ),
        (
            "skipped",
            {"reason": "no-changes"},
            "⏭️ Skipped",
            "Skipped – no changes",
            "was skipped after 7 min: no changes",
        ),
        ("aborted", {}, "⏹️ Aborted", "Stopped after 7 min", "was stopped after 7 min"),
        (
            None,
            {"reason_text": "Bitrise no longer shows this build."},
            "❔ Result unknown",
            "Bitrise no longer shows this build.",
            "finished with an unknown result",
        ),
    ],
)  # fmt: skip
def test_an_ended_build(
    ended: Make, seen: Seen, now: datetime, outcome: str, changes: dict[str, Any], first: str, line: str, text: str
) -> None:
    card = cards.card([ended(outcome, **changes)], now=now)
    told = seen(card).splitlines()
    assert told[0] == f"{first}  iOS Shop · deploy  #812"
    assert line in told
    why = " [Log]" if outcome == "failed" else ""
    assert told[-1] == f"[Rerun] [Edit and run…]{why}"
    assert card.text == f"{first.split(maxsplit=1)[0]} iOS Shop deploy #812 {text} (release/3.2)"


def test_a_build_aborted_before_a_machine_took_it(ended: Make, seen: Seen, now: datetime) -> None:
    told = seen(cards.card([ended("aborted", started_at=None)], now=now))
    assert "Stopped before it reached a machine" in told


def test_the_stop_button_vanishes_when_pressed(build: Make, seen: Seen, now: datetime) -> None:
    told = seen(cards.card([build(abort_requested_by="UBO", abort_requested_at=now)], now=now))
    assert "[Stop…]" not in told
    assert "Stopping (requested by @UBO)" in told
    assert told.startswith("🟠 Stopping…")


def test_stop_is_beside_no_other_button(build: Make, now: datetime) -> None:
    rows = [block["elements"] for block in cards.card([build()], now=now).blocks if block["type"] == "actions"]
    assert [[button["action_id"] for button in row] for row in rows] == [["build.stop"]]
    assert rows[0][0]["style"] == "danger"
    assert rows[0][0]["value"] == "b0001"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "Started by @ana from Slack"),
        ({"requester_name": "ana.d"}, "Started by @ana.d from Slack"),
        ({"triggered_by_name": None}, "Started by @UANA from Slack"),
        ({"cause": "other", "triggered_by_name": "ceo"}, "Started by @UANA from Slack"),
        ({"requested_by": None}, "Started by ana from Slack"),
        ({"requested_by": None, "triggered_by_name": None}, "Started from Slack"),
        ({"requested_by": None, "cause": "push", "triggered_by_name": "octocat"}, "Push by octocat"),
        ({"requested_by": None, "cause": "push", "triggered_by_name": None}, "Push"),
        (
            {"requested_by": None, "cause": "pull-request", "pull_request_id": 12, "triggered_by_name": None},
            "Pull request #12",
        ),
        (
            {"requested_by": None, "cause": "pull-request", "pull_request_id": 12, "triggered_by_name": "bo"},
            "Pull request #12 by bo",
        ),
        ({"requested_by": None, "cause": "tag", "triggered_by_name": None}, "Tag"),
        ({"requested_by": None, "cause": "schedule", "triggered_by_name": None}, "Schedule"),
        ({"requested_by": None, "cause": "manual", "triggered_by_name": "bo"}, "Started by bo in Bitrise"),
        ({"requested_by": None, "cause": "manual", "triggered_by_name": None}, "Started in Bitrise"),
        ({"requested_by": None, "cause": "rebuild", "triggered_by_name": None}, "Rebuilt in Bitrise"),
        ({"requested_by": None, "cause": "api", "triggered_by_name": None}, "Started via API"),
        ({"requested_by": None, "cause": "pipeline", "triggered_by_name": None}, "Part of a pipeline"),
        ({"requested_by": None, "cause": "never heard of", "triggered_by_name": None}, "Started outside Slack"),
    ],
)
def test_every_card_has_a_cause(build: Make, seen: Seen, now: datetime, changes: dict[str, Any], line: str) -> None:
    assert line in seen(cards.card([build(**changes)], now=now)).splitlines()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"variables": ("FLAVOR=beta",)}, "FLAVOR=beta"),
        ({"variables": ("FLAVOR=beta", "DEBUG=1", "X=2")}, "FLAVOR=beta +2"),
        ({"variables": ("FLAVOR=beta",), "build_message": "try it"}, "“try it” · FLAVOR=beta"),
    ],
)
def test_variables_tell_builds_of_a_branch_apart(
    build: Make, seen: Seen, now: datetime, changes: dict[str, Any], line: str
) -> None:
    assert line in seen(cards.card([build(**changes)], now=now)).splitlines()


def test_the_number_links_to_bitrise(build: Make, now: datetime) -> None:
    parts = cards.card([build()], now=now).blocks[0]["elements"][0]["elements"]
    assert next(part["text"] for part in parts if part["type"] == "link") == "#812"


def test_a_bare_build_still_makes_a_card(build: Make, seen: Seen, now: datetime) -> None:
    bare = build(
        number=None, workflow=None, branch=None, commit_hash=None, commit_message=None, triggered_at=None,
        started_at=None, requested_by=None, cause="other", triggered_by_name=None, url="", app_title="",
    )  # fmt: skip
    card = cards.card([bare], now=now)
    assert seen(card).splitlines()[-1] == "[Stop…]"
    assert card.text == "🔵 (no number yet) is running"


def test_a_tag_and_a_pipeline(ended: Make, seen: Seen, now: datetime) -> None:
    card = cards.card([ended("failed", tag="v3.2", branch=None, is_pipeline=True, pipeline="release")], now=now)
    assert "❌ Failed  iOS Shop · release  #812\ntag v3.2 · a1b2c3d" in seen(card)
    assert card.text == "❌ iOS Shop release #812 failed after 7 min (tag v3.2)"


def test_several_builds_share_a_card(build: Make, ended: Make, seen: Seen, now: datetime) -> None:
    card = cards.card([build(), ended("failed", number=813)], now=now, notes=["The trigger map started two."])
    assert "#812" in seen(card)
    assert "#813" in seen(card)
    assert seen(card).endswith("The trigger map started two.")
    assert card.text.startswith("2 builds: 🔵 iOS Shop deploy #812")


def test_too_many_builds_are_counted(build: Make, seen: Seen, now: datetime) -> None:
    card = cards.card([build(number=each, build_slug=f"b{each}") for each in range(40)], now=now, notes=["one", "two"])
    assert "…and 30 more." in seen(card)
    assert len(card.blocks) <= 50


def test_others_words_ping_nobody(build: Make, seen: Seen, now: datetime) -> None:
    words = "<!channel> @here <@U999> <https://evil.example|Open>"
    card = cards.card([build(branch=words, commit_message=words, build_message=words, app_title=words)], now=now)
    assert words in seen(card)  # as text of rich text, in which nothing is parsed
    assert not any(part["type"] in ("broadcast", "user") for part in card.blocks[0]["elements"][0]["elements"][:-3])


ANY = (
    st.none()
    | st.text(max_size=40)
    | st.sampled_from(["<!channel>", "x" * 5_000, "\n\x00\u202e", "&" * 2_000, "🚀" * 1_000])
)
TEXTS = [
    *("workflow", "branch", "tag", "commit_hash", "commit_message", "commit_url", "build_message"),
    *("reason_text", "reason_by", "triggered_by_name", "requested_by", "abort_requested_by"),
]


@settings(max_examples=60, deadline=None)
@given(
    texts=st.fixed_dictionaries(dict.fromkeys(TEXTS, ANY)),
    state=st.sampled_from(["queued", "running", "finished"]),
    outcome=st.none() | st.sampled_from([*Outcome, "something else"]),
    cause=st.sampled_from([*Cause, "new"]),
    reason=st.none() | st.sampled_from([*Reason, "new"]),
    title=ANY,
    url=ANY,
    count=st.integers(1, 14),
)
def test_whatever_a_build_holds_slack_takes_it(
    build: Make, ended: Make, seen: Seen, now: datetime,
    texts: dict[str, Any], state: str, outcome: str | None, cause: str, reason: str | None,
    title: str | None, url: str | None, count: int,
) -> None:  # fmt: skip
    facts = {**texts, "state": state, "outcome": outcome, "cause": cause, "reason": reason}
    shown = build(**facts, app_title=title or "", url=url or "")
    assert seen(cards.card([shown] * count, now=now, notes=[quoted(title or "")]))
    assert seen(cards.announcement([shown], mention_user=texts["requested_by"]))


@pytest.mark.parametrize(
    ("outcome", "changes", "told"),
    [
        ("succeeded", {}, "✅ *Succeeded* in 7 min: iOS Shop · deploy <https://b.io/1|#812> on `release/3.2`."),
        ("failed", {}, "❌ *Failed* after 7 min: iOS Shop · deploy <https://b.io/1|#812> on `release/3.2`."),
        (
            "aborted",
            {"reason": "other", "reason_text": "no <b> time", "url": ""},
            "⏹️ *Stopped* after 7 min: iOS Shop · deploy #812 on `release/3.2`. No &lt;b&gt; time.",
        ),
    ],
)  # fmt: skip
def test_the_end_is_told_outcome_first(
    ended: Make, seen: Seen, outcome: str, changes: dict[str, Any], told: str
) -> None:
    message = cards.announcement([ended(outcome, **{"url": "https://b.io/1", **changes})], mention_user=None)
    assert seen(message) == told


def test_marks_in_a_name_or_reason_format_nothing(ended: Make, seen: Seen) -> None:
    marked = ended("aborted", app_title="*Shop*", workflow="`ui` _all_", reason="other", reason_text="~no~", url="")
    told = seen(cards.announcement([marked], mention_user=None))
    assert told == "⏹️ *Stopped* after 7 min: *Shop∗ · 'ui' _allˍ #812 on `release/3.2`. ~no∼."


def test_the_requester_is_mentioned_once(ended: Make, seen: Seen) -> None:
    told = cards.announcement([ended("succeeded"), ended("failed", number=813)], mention_user="UANA")
    assert seen(told).count("<@UANA>") == 1
    assert len(told.text.splitlines()) == 2
