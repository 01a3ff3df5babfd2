"""Stopping several builds: the form, the message that tracks it, the offer on a card."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.builds import bulk_abort_messages as bulk
from bot.builds.abort import AbortParameters
from bot.builds.bulk_abort import Matches
from bot.builds.bulk_abort_messages import AbortStatus, BuildAbort
from bot.domain.abort_reasons import Reason
from bot.slack import build_lists as lists
from bot.slack import cards, ids
from bot.slack.build_text import BuildView
from bot.slack.forms import FormRefused
from bot.slack.text import Message
from commands import bulk_abort as bulk_form
from storage.apps import AppRow
from storage.requests import RequestRow

Make = Callable[..., BuildView]
Seen = Callable[[Message], str]
SeenView = Callable[[dict[str, Any]], str]
FACTS = {"of": "feature/x", "by": "ana", "category": "superseded", "sentence": "newer <one>", "requests": {}}


def wish(now: datetime, state: str = "done", **facts: Any) -> RequestRow:
    empty: dict[str, Any] = dict.fromkeys(RequestRow.__dataclass_fields__)
    return RequestRow(**empty | {"state": state, "created_at": now, "completed_at": now} | facts)


# How it went with one build.


@pytest.mark.parametrize(
    ("build_facts", "state", "ending"),
    [
        ({"abort_requested_by": "UANA"}, "accepted", AbortStatus.STOPPING),
        ({"abort_requested_by": "UANA"}, "done", AbortStatus.STOPPING),
        ({"abort_requested_by": "UBO"}, None, AbortStatus.BY_OTHERS),
        ({}, None, AbortStatus.NOT_STOPPED),
        ({}, "refused", AbortStatus.NOT_STOPPED),
        ({"abort_requested_by": "UBO"}, "refused", AbortStatus.BY_OTHERS),
        ({"outcome": "aborted", "reason": "superseded", "abort_requested_by": "UANA"}, "done", AbortStatus.STOPPED),
        ({"outcome": "aborted", "abort_requested_by": "UANA"}, "sent", AbortStatus.STOPPED),
        ({"outcome": "skipped", "reason": "no-changes", "abort_requested_by": "UANA"}, "done", AbortStatus.STOPPED),
        ({"outcome": "aborted", "reason": "other"}, "done", AbortStatus.BY_OTHERS),
        ({"outcome": "aborted", "reason": "superseded"}, None, AbortStatus.BY_OTHERS),
        ({"outcome": "aborted", "reason": "stuck"}, "refused", AbortStatus.BY_OTHERS),
        ({"outcome": "aborted", "reason": "rolling-build"}, "done", AbortStatus.FINISHED),
        ({"outcome": "aborted", "reason": "in-bitrise"}, "done", AbortStatus.BY_OTHERS),
        ({"outcome": "succeeded"}, "done", AbortStatus.FINISHED),
        ({"outcome": "succeeded"}, None, AbortStatus.FINISHED),
        ({"outcome": "failed"}, "refused", AbortStatus.NOT_STOPPED),
        ({"outcome": None, "state": "finished"}, "done", AbortStatus.FINISHED),
    ],
)
def test_each_way_it_can_go(
    build: Make, ended: Make, now: datetime, build_facts: dict[str, Any], state: str | None, ending: AbortStatus
) -> None:
    facts = dict(build_facts)
    drawn = ended(facts.pop("outcome"), **facts) if "outcome" in facts else build(**facts)
    assert BuildAbort(drawn, wish(now, state) if state else None).status == ending


@pytest.mark.parametrize(
    ("endings", "told"),
    [
        ([AbortStatus.STOPPING], "Stopping 1 build of main, asked by @ana: 1 still stopping."),
        (
            [AbortStatus.STOPPED] * 3 + [AbortStatus.FINISHED, AbortStatus.STOPPING],
            "Stopping 5 builds of main, asked by @ana: 3 stopped, 1 still stopping, 1 had already finished.",
        ),
        ([AbortStatus.STOPPED] * 2, "Stopped 2 builds of main, asked by @ana."),
        (
            [AbortStatus.STOPPED, AbortStatus.FINISHED, AbortStatus.BY_OTHERS, AbortStatus.NOT_STOPPED],
            "Stopped 1 of 4 builds of main, asked by @ana: 1 had already finished, 1 stopped by somebody else, "
            "1 not stopped.",
        ),
        ([AbortStatus.NOT_STOPPED] * 2, "Stopped none of 2 builds of main, asked by @ana: 2 not stopped."),
    ],
)
def test_the_count_in_words(endings: list[AbortStatus], told: str) -> None:
    assert bulk.summary(endings, of="main", by="ana") == told


# The message.


def test_a_line_for_each_build(build: Make, ended: Make, seen: Seen, now: datetime) -> None:
    asked = [
        BuildAbort(ended("aborted", reason="superseded", number=3, abort_requested_by="UANA"), wish(now)),
        BuildAbort(ended("succeeded", number=2), wish(now)),
        BuildAbort(build(number=1, abort_requested_by="UANA"), wish(now, "sent", notified_at=now, completed_at=None)),
        BuildAbort(build(number=5, abort_requested_by="UBO"), None),
        BuildAbort(build(number=4), wish(now, "refused", result="Not <you>. Ask an admin.")),
    ]
    assert seen(bulk.progress(asked, FACTS)).splitlines() == [
        "Stopping 5 builds of feature/x, asked by @ana: 1 stopped, 1 still stopping, 1 had already finished, "
        "1 stopped by somebody else, 1 not stopped.",
        "iOS Shop · Superseded: “newer <one>”",
        "⏹️ Aborted  deploy #3  release/3.2",
        "✅ Succeeded  deploy #2  release/3.2 – had finished after 7 min",
        "🟠 Stopping…  deploy #1  release/3.2 – waiting for Bitrise to confirm",
        "🟠 Stopping…  deploy #5  release/3.2 – asked by @UBO",
        "🔵 Running  deploy #4  release/3.2 – not stopped",
        "Not stopped: Not &lt;you&gt;. Ask an admin.",
    ]


def test_the_same_refusal_is_told_once_and_others_are_few(build: Make, seen: Seen, now: datetime) -> None:
    refused = [BuildAbort(build(), wish(now, "refused", result=f"reason {number // 2}")) for number in range(12)]
    told = seen(bulk.progress(refused, FACTS))
    assert told.splitlines()[-3:] == ["Not stopped: reason 0", "Not stopped: reason 1", "Not stopped: reason 2"]


def test_the_notification_says_it_all_and_mentions_nobody(ended: Make, seen: Seen, now: datetime) -> None:
    facts = FACTS | {"of": "<!channel>", "by": "<@U1>"}
    message = bulk.progress([BuildAbort(ended("aborted", abort_requested_by="UANA"), wish(now))], facts)
    assert seen(message)
    assert message.text == "Stopped 1 build of &lt;!channel&gt;, asked by @&lt;@U1&gt;."


def test_fifty_builds_with_the_longest_names_fit(ended: Make, seen: Seen, now: datetime) -> None:
    long = {"workflow": "w" * 300, "branch": "b" * 300, "reason": "rolling-build", "reason_text": "t" * 500}
    asked = [BuildAbort(ended("aborted", **long), wish(now)) for _ in range(50)]
    assert len(seen(bulk.progress(asked, FACTS)).splitlines()) == 52


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["of", "by", "category", "sentence"]), st.text()), st.text())
def test_any_facts_can_be_drawn(seen: Seen, build: Make, now: datetime, facts: dict[str, str], result: str) -> None:
    asked = [BuildAbort(build(branch=result), wish(now, "refused", result=result))]
    assert seen(bulk.progress(asked, facts))


# The form.


SHOP = AppRow("T1", "a1", "iOS Shop", "acme", "shop-ios", None, "ios", False)


def form(*views: BuildView, now: datetime, found: dict[str, Any] | None = None, **facts: Any) -> dict[str, Any]:
    known: dict[str, Any] = {"may_report_green": False, "channel_id": "C1"}
    match = Matches(SHOP, **{"description": "feature/x", "builds": tuple(view.build for view in views)} | (found or {}))
    return bulk_form.bulk_form(match, views, now=now, **known | facts)


def submitted(view: dict[str, Any], **ticked: list[str]) -> dict[str, Any]:
    """The view as it is sent back, with what is ticked in the groups that are named."""
    values: dict[str, Any] = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            first = block["element"]
            values[block["block_id"]] = {
                first["action_id"]: {
                    "selected_options": first.get("initial_options", []),
                    "selected_option": first.get("initial_option"),
                    "value": first.get("initial_value"),
                }
            }
    for place, slugs in ticked.items():
        field = ids.numbered("abort.builds", int(place.removeprefix("group")))
        values[field] = {field: {"selected_options": [{"value": slug} for slug in slugs]}}
    return view | {"state": {"values": values}}


def many(build: Make, count: int) -> list[BuildView]:
    return [build(build_slug=f"b{number}", number=number) for number in range(count)]


def test_the_form_shows_what_fits(build: Make, seen_view: SeenView, now: datetime) -> None:
    view = form(build(), now=now, found={"in_pipeline": 2, "stopping": 1, "is_more": True})
    assert seen_view(view).splitlines()[0] == (
        "*1 build of feature/x in iOS Shop*. Clear any you want to keep running. "
        "2 builds belong to a pipeline and can only be stopped with it. 1 is already stopping. "
        "These are the newest. Run the command again for the others."
    )
    (option,) = view["blocks"][1]["element"]["options"]
    assert option["text"]["text"] == "#812 deploy · release/3.2"
    assert option["description"]["text"] == "Running for 3 min · Started by @ana from Slack"
    assert (view["title"]["text"], view["submit"]["text"]) == ("Stop builds", "Stop 1 build")


@pytest.mark.parametrize(("count", "groups"), [(1, [1]), (10, [10]), (11, [10, 1]), (50, [10] * 5), (60, [10] * 5)])
def test_ten_to_a_group_all_ticked(
    build: Make, seen_view: SeenView, now: datetime, count: int, groups: list[int]
) -> None:
    view = form(*many(build, count), now=now)
    assert seen_view(view)
    boxes = [block["element"] for block in view["blocks"] if block.get("block_id", "").startswith("abort.builds")]
    assert [len(each["options"]) for each in boxes] == groups
    assert all(each["options"] == each["initial_options"] for each in boxes)
    assert [stop.build_slug for stop in bulk_form.FORM.read(submitted(view)).stops] == [
        f"b{number}" for number in range(min(count, 50))
    ]


def test_what_is_unticked_is_not_read_and_the_button_counts(build: Make, seen_view: SeenView, now: datetime) -> None:
    view = submitted(form(*many(build, 12), now=now, newer="n1"), group1=["b3"])
    stops = tuple(AbortParameters(slug, Reason.SUPERSEDED, "", "failed") for slug in ("b3", "b10", "b11"))
    assert bulk_form.FORM.read(view) == bulk_form.BulkForm(stops, "feature/x", "n1")
    again = bulk_form.redraw_button(view)
    assert seen_view(again) == seen_view(form(*many(build, 12), now=now, newer="n1"))
    assert again["submit"]["text"] == "Stop 3 builds"
    assert again["private_metadata"] == view["private_metadata"]


def test_nothing_ticked_is_refused(build: Make, now: datetime) -> None:
    view = submitted(form(build(), now=now), group1=[])
    with pytest.raises(FormRefused) as refused:
        bulk_form.FORM.read(view)
    assert list(refused.value.errors) == ["abort.builds:1"]
    assert bulk_form.redraw_button(view)["submit"]["text"] == "Stop builds"


def test_nothing_to_stop_has_no_button(seen_view: SeenView, now: datetime) -> None:
    view = form(now=now, found={"description": "<b>", "in_pipeline": 1})
    assert seen_view(view) == (
        "No running or queued builds of &lt;b&gt; in iOS Shop can be stopped. "
        "1 build belongs to a pipeline and can only be stopped with it."
    )
    assert "submit" not in view


def reports(view: dict[str, Any]) -> list[str]:
    radio = next(block for block in view["blocks"] if block.get("block_id") == "abort.report")
    return [option["value"] for option in radio["element"]["options"]]


@pytest.mark.parametrize(
    ("pipelines", "may", "told"),
    [
        ([False, False], False, ["failed", "nothing"]),
        ([False, False], True, ["failed", "green", "nothing"]),
        ([True, False], False, ["failed", "nothing"]),
        ([True, True], True, ["failed", "green"]),
    ],
)
def test_what_may_be_reported(
    build: Make, seen_view: SeenView, now: datetime, pipelines: list[bool], may: bool, told: list[str]
) -> None:
    builds = [build(build_slug=f"b{place}", is_pipeline=each) for place, each in enumerate(pipelines)]
    view = form(*builds, now=now, may_report_green=may)
    assert reports(view) == told
    assert ("Pipelines always report a result" in seen_view(view)) == any(pipelines)


def test_text_from_outside_fits_and_calls_nobody(build: Make, seen_view: SeenView, now: datetime) -> None:
    wild = build(
        branch="<!channel>" * 50, workflow="w" * 200, requested_by=None, cause="push", triggered_by_name="o" * 200
    )
    assert seen_view(form(wild, now=now, found={"description": "<!here>" * 200}))


# The ways to it.


def test_a_card_offers_to_stop_older_builds_in_a_row_of_its_own(build: Make, seen: Seen, now: datetime) -> None:
    told = seen(cards.card([build()], now=now, offer=cards.Offer("b0001", 3)))
    assert told.splitlines()[-3:] == ["Started by @ana from Slack", "[Stop…]", "[Stop 3 older builds…]"]
    assert "[Stop 1 older build…]" in seen(cards.card([build()], now=now, offer=cards.Offer("b0001", 1)))
    assert "older" not in seen(cards.card([build()], now=now))


def test_a_full_card_has_room_for_the_offer_and_notes(build: Make, seen: Seen, now: datetime) -> None:
    builds = [dataclasses.replace(each) for each in many(build, 14)]
    notes = [f"note {number}" for number in range(12)]
    message = cards.card(builds, now=now, notes=notes, offer=cards.Offer("b0", 2))
    assert "[Stop 2 older builds…]" in seen(message)
    assert len(message.blocks) == 40


def test_a_list_offers_all_only_of_a_named_app_and_of_several(build: Make, seen: Seen, now: datetime) -> None:
    two = many(build, 2)
    assert seen(lists.running_now(two, now=now, stop_all="a1")).endswith("[Stop all…]")
    assert "Stop all…" not in seen(lists.running_now(two, now=now))
    assert "Stop all…" not in seen(lists.running_now(two[:1], now=now, stop_all="a1"))
