"""Lists of builds, questions and other private replies, as people read them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.eta import Eta
from bot.errors import AppNotFound, BuildbellError, NotConnected, Suggestion, ViewExpired
from bot.results.messages import log_message
from bot.slack import build_lists as lists
from bot.slack import ids, replies
from bot.slack.build_text import BuildView
from bot.slack.text import Message
from storage.results import ResultRow
from storage.workspaces import WorkspaceRow

Make = Callable[..., BuildView]
Seen = Callable[[Message], str]


def buttons(message: Message) -> list[tuple[str, str]]:
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return [(button["action_id"], button.get("value", "")) for row in rows for button in row]


def test_a_list_has_a_line_for_each_build(build: Make, ended: Make, seen: Seen) -> None:
    builds = [build(build_message="try it"), ended("failed", number=811, requested_by=None, cause="push")]
    assert seen(lists.build_list("Recent builds of iOS Shop", builds)).splitlines() == [
        "*Recent builds of iOS Shop*",
        "🔵 #812 deploy · release/3.2 · 2026-08-07 11:56 UTC · ana · “try it”",
        "❌ #811 deploy · release/3.2 · 7 min · 2026-08-07 11:56 UTC · ana",
    ]


def test_pages_turn_both_ways_and_keep_the_filters(build: Make, seen: Seen) -> None:
    filters = {"branch": "fix/ü", "outcome": "failed"}
    message = lists.build_list("Recent", [build()], filters, newer="2026", older="2025")
    assert seen(message).endswith("[Newer] [Older]")
    values = [value for action_id, value in buttons(message) if ids.any_number(ids.BUILD_LIST_PAGE).match(action_id)]
    assert [lists.read_page(value) for value in values] == [
        ({"branch": "fix/ü", "outcome": "failed"}, "2026"),
        ({"branch": "fix/ü", "outcome": "failed"}, "2025"),
    ]


def test_an_empty_list_says_so(seen: Seen) -> None:
    assert seen(lists.build_list("Recent <b>", [])) == "*Recent &lt;b&gt;*\nNo builds."


def test_filters_too_long_for_a_button_leave_it_out(build: Make) -> None:
    assert buttons(lists.build_list("Recent", [build()], {"branch": "x" * 2_500}, older="2")) == []


@given(st.text())
def test_a_page_that_is_not_ours_is_refused(value: str) -> None:
    with pytest.raises(ViewExpired):
        lists.read_page(value)


def test_what_runs_now(build: Make, seen: Seen, now: datetime, usual: Eta) -> None:
    told = seen(lists.running_now([build(eta=usual)], now=now)).splitlines()
    assert told == [
        "*1 build is running or queued*",
        "🔵 Running  iOS Shop · deploy  #812",
        "release/3.2 · a1b2c3d  Fix login crash",
        "3 of ~7 min · ▓▓▓▓░░░░░░ · Started by @ana from Slack",
        "[Stop…]",
    ]


def test_nothing_runs(seen: Seen, now: datetime) -> None:
    assert seen(lists.running_now([], now=now)) == "No builds are running."


def test_very_much_runs(build: Make, seen: Seen, now: datetime) -> None:
    message = lists.running_now([build(build_slug=f"b{each}") for each in range(60)], now=now)
    assert "…and 48 more." in seen(message)


def test_the_same_already_runs(build: Make, seen: Seen, now: datetime) -> None:
    message = replies.duplicate_running(build(), request_id="r1", now=now)
    assert "[Follow #812] [Start anyway]" in seen(message)
    assert [action_id for action_id, _ in buttons(message)] == ["build.join", "build.start-anyway", "build.open"]
    assert replies.read_answer(buttons(message)[0][1]) == ("r1", "b0001")


def test_the_branch_has_moved(ended: Make, seen: Seen) -> None:
    message = replies.branch_moved(ended("failed"), request_id="r1", newest_commit="e4f5a6b7")
    told = seen(message)
    assert "`release/3.2` has new commits since" in told
    assert "(`a1b2c3d` → `e4f5a6b`)" in told
    assert told.endswith("[Same commit a1b2c3d] [Newest e4f5a6b]")
    assert {replies.read_answer(value) for _, value in buttons(message)} == {("r1", "b0001")}


def test_the_same_was_asked_for_a_moment_ago(seen: Seen) -> None:
    message = replies.duplicate_requested("*deploy* for iOS &lt;Shop&gt;", request_id="r1")
    assert seen(message) == "An identical build is already starting: *deploy* for iOS &lt;Shop&gt;.\n[Start anyway]"
    assert replies.read_answer(buttons(message)[0][1]) == ("r1", replies.NO_BUILD)


def test_an_answered_question_has_no_buttons(seen: Seen) -> None:
    assert seen(replies.answered("Started another one.")) == "Started another one."


@pytest.mark.parametrize("value", ["", "r1", " b1"])
def test_an_answer_that_is_not_ours_is_refused(value: str) -> None:
    with pytest.raises(ViewExpired):
        replies.read_answer(value)


def test_the_notification_of_a_log_is_escaped_once(ended: Make, now: datetime) -> None:
    finding = ResultRow("T1", "b0001", "complete", now, lines=("error: a && b",))
    told = log_message(ended("failed", app_title="R&D <Shop>"), finding)
    assert told.text == ("❌ R&amp;D &lt;Shop&gt; deploy #812 failed after 7 min (release/3.2) error: a &amp;&amp; b")


def test_an_error_is_a_sentence(seen: Seen) -> None:
    told = seen(replies.error(NotConnected("/build")))
    assert told == "Bitrise isn't connected yet. An admin can connect it with `/build connect`."


def test_an_error_has_its_ways_out_as_buttons(seen: Seen) -> None:
    suggestions = (Suggestion("iOS Shop", "ios-shop deploy"), Suggestion("Android <Shop>", "android-shop deploy"))
    message = replies.error(AppNotFound("Which app is `<shop>`?", suggestions=suggestions))
    assert seen(message) == "Which app is `&lt;shop&gt;`?\n[iOS Shop] [Android <Shop>]"
    assert buttons(message) == [
        ("build.choose-app:1", "ios-shop deploy"),
        ("build.choose-app:2", "android-shop deploy"),
    ]
    assert all(ids.any_number(ids.BUILD_CHOOSE_APP).match(action_id) for action_id, _ in buttons(message))


@given(st.text(), st.lists(st.builds(Suggestion, st.text(), st.text()), max_size=30))
def test_any_error_can_be_shown(seen: Seen, sentence: str, suggestions: list[Suggestion]) -> None:
    assert seen(replies.error(BuildbellError(sentence, suggestions=tuple(suggestions))))


def test_the_health_of_the_connection(workspace: Callable[..., WorkspaceRow]) -> None:
    health = [
        workspace(),
        workspace(last_sync_error="Bitrise <answered> 503"),
        workspace(health="refused"),
        workspace(bitrise_token_sealed=None),
        None,
    ]
    told = [replies.health_line(each, command="/build") for each in health]
    assert told[0].startswith("✅ *Connected to Bitrise* as Acme CI. Connected by <@UANA> <!date^")
    assert told[1].endswith("Last sync failed: Bitrise &lt;answered&gt; 503")
    assert told[2].startswith("❌ *Bitrise rejects the connected token* (since <!date^")
    assert told[3] == told[4] == "⚪ *Bitrise isn't connected yet.* An admin can connect it with `/build connect`."
